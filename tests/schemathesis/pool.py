"""Fills the pool of a fresh sandbox, so that orders are refused for want of an address as rarely as in life.

python pool.py URL SEED, with PAYIN_API_KEY in the environment.
"""

import json
import os
import random
import sys
import urllib.request

ADDRESSES = 8000

url, seed = sys.argv[1:]
made_up = random.Random(seed)
body = {"protocol": "evm", "addresses": "\n".join(f"0x{made_up.randbytes(20).hex()}" for _ in range(ADDRESSES))}
headers = {"Content-Type": "application/json", "X-API-Key": os.environ["PAYIN_API_KEY"]}
request = urllib.request.Request(f"{url}/api/v1/address-pool/import", json.dumps(body).encode(), headers)
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
    assert json.load(answer)["imported"] == ADDRESSES
