# PyPI's `standardwebhooks` and `stripe`: what they say of our signatures, and signatures of theirs. JSON in, JSON out.
import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook
from stripe import WebhookSignature

VERIFY = {
    "standard": lambda a: Webhook(a["secret"]).verify(a["body"].encode(), a["headers"], json_parse=False),
    "stripe": lambda a: WebhookSignature.verify_header(a["body"].encode(), a["header"], a["secret"], 300),
}
SIGN = {
    "standard": lambda a: Webhook(a["secret"]).sign(a["id"], datetime.fromtimestamp(a["time"], tz=timezone.utc), a["body"]),
    "stripe": lambda a: WebhookSignature.generate_signature_header(a["body"], a["secret"], a["time"]),
}


def verdict(asked):
    try:
        VERIFY[asked["as"]](asked)
    except Exception as error:
        return {"accepts": False, "why": f"{type(error).__name__}: {error}"}
    return {"accepts": True}


asked = json.loads(sys.stdin.buffer.read())
answer = {"verified": [verdict(one) for one in asked["verified"]], "signed": [SIGN[one["as"]](one) for one in asked["signed"]]}
json.dump(answer, sys.stdout)
