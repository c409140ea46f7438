"""Prepares a fresh sandbox: a full pool, so that orders are refused for want of an address as rarely as in life, and what no sequence of
calls would come upon by itself: the payment link that openapi.yaml's example is called after, and the person who signs in there. Prints the
token of somebody who has signed in at PayWarden's administration, for the operations that people ask.

python prepare.py URL SEED, with PAYIN_API_KEY in the environment.
"""

import json
import os
import random
import sys
import urllib.request

ADDRESSES = 8000

url, seed = sys.argv[1:]
made_up = random.Random(seed)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(path, body):
    headers = {"Content-Type": "application/json", "X-API-Key": os.environ["PAYIN_API_KEY"]}
    request = urllib.request.Request(f"{url}/api/{path}", json.dumps(body).encode(), headers)
    with opener.open(request) as answer:
        return json.load(answer)


addresses = "\n".join(f"0x{made_up.randbytes(20).hex()}" for _ in range(ADDRESSES))
assert post("v1/address-pool/import", {"protocol": "evm", "addresses": addresses})["imported"] == ADDRESSES
currencies = [{"currency": "USDT", "chainOptions": ["ethereum-sepolia"]}]
link = post("v1/payment-links", {"title": "Annual plan", "amount": "100.00", "currencies": currencies})
assert post(f"v1/payment-links/{link['id']}/publish", {"slug": "annual-plan"})["slug"] == "annual-plan"
login = {"username": "your-username", "password": "your-password"}
assert post("auth/register", {**login, "email": "you@shop.example", "shop_name": "Your shop"})["success"]
print(post("v1/admin/login", {"email": "you@shop.example", "password": login["password"]})["token"])
