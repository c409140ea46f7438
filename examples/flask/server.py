"""A shop that takes stablecoins: it asks the gateway for an order, and ships when a webhook says that the order is paid.
README.md beside this file walks through it."""

import json
import os
import sqlite3
import sys
import urllib.error
import urllib.request
import uuid
from contextlib import closing
from decimal import Decimal

from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.serving import make_server

BASE_URL = os.environ.get("PAYIN_BASE_URL", "http://127.0.0.1:3000")
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8080"))
try:
    API_KEY = os.environ["PAYIN_API_KEY"]
    WEBHOOK = Webhook(os.environ["PAYIN_WEBHOOK_SECRET"])
except KeyError as missing:
    sys.exit(f"set {missing}: README.md says where it comes from")

# Amounts are decimal text, never floats: 0.1 + 0.2 is not 0.3 there.
PRICES = {"cap": "25.00", "shirt": "40.00"}

# What was sold, and which events were handled. The primary keys are what makes "once" true, however many processes there are.
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    reference TEXT PRIMARY KEY, item TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL, shipped INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY);
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 256 * 1024


def database():
    return closing(sqlite3.connect("shop.db"))


@app.post("/buy")
def buy():
    """What your customer presses. Answers where to pay, and how much."""
    wish = request.get_json(silent=True)
    item = str(wish.get("item")) if isinstance(wish, dict) else None
    if item not in PRICES:
        return {"error": f"item must be one of: {', '.join(PRICES)}"}, 400
    reference, amount, currency, chain = f"SHOP-{uuid.uuid4()}", PRICES[item], "USDT", "ethereum-sepolia"
    # Written down before anybody is asked: should the answer get lost, the payment still finds its order.
    with database() as db, db:
        db.execute("INSERT INTO orders (reference, item, amount, currency) VALUES (?, ?, ?, ?)", (reference, item, amount, currency))
    try:
        created = create_order({"orderReference": reference, "amount": amount, "currency": currency, "chainId": chain})
    except OSError as error:
        app.logger.error("no order for %s: %s", reference, error)
        return {"error": "payments are not available just now"}, 502
    pay = {"amount": amount, "currency": currency, "chainId": chain, "address": created["address"], "before": created["expiresAt"]}
    return {"reference": reference, "orderId": created["orderId"], "pay": pay}, 201


def create_order(order):
    # With the same Idempotency-Key a repeated request creates nothing twice.
    headers = {"X-API-Key": API_KEY, "Content-Type": "application/json", "Idempotency-Key": order["orderReference"]}
    ask = urllib.request.Request(f"{BASE_URL}/api/v1/orders", json.dumps(order).encode(), headers)
    try:
        with urllib.request.urlopen(ask, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        # Errors have a code for programs, and an id to quote when you ask for help.
        problem = json.load(refused)
        raise OSError(f"{problem['code']}: {problem['message']} ({problem['requestId']})") from refused


@app.post("/webhooks/payin")
def webhook():
    """Where the gateway tells what happened."""
    # The signature is over the bytes as they came: JSON that was parsed and written again has others.
    body = request.get_data()
    try:
        # Also checks that it is not older than five minutes: a copy that was caught on the way is of no use for long.
        event = WEBHOOK.verify(body, dict(request.headers))
    except (WebhookVerificationError, ValueError) as error:  # ValueError: a signature that is not even written like one
        return {"error": str(error)}, 401
    # Every event comes at least once: after an answer that got lost it comes again, with the same id. The id and what the event
    # does are written in one transaction: both or neither, also where the process dies in between.
    with database() as db, db:
        if db.execute("INSERT OR IGNORE INTO events (id) VALUES (?)", (event["id"],)).rowcount == 1:
            handle(db, event)
    # Quickly: whoever takes longer than 15 seconds gets the event again. What takes long (mail, a printer) is work for a queue.
    return "", 204


def handle(db, event):
    if event["type"] == "order.reverted":
        app.logger.error("the chain took a payment of %s back: a person must look", event["data"]["orderReference"])
    # Other types, also those that later versions add, are answered 204 and otherwise left alone.
    if event["type"] != "order.completed":
        return
    # The signature proves who says it. That it is your order, at your price, is for you to check.
    paid = event["data"]
    sold = db.execute("SELECT amount, currency FROM orders WHERE reference = ?", (paid["orderReference"],)).fetchone()
    if sold is None or Decimal(sold[0]) != Decimal(paid["amount"]) or sold[1] != paid["currency"]:
        # To hear it again would change nothing, so it is answered 204 too. A person must look.
        told = (event["id"], paid["orderReference"], paid["amount"], paid["currency"])
        app.logger.error("%s is about %s, %s %s, which was not sold here: nothing is shipped", *told)
        return
    # An order can be completed twice, under two event ids, if a chain took its payment back in between. It is shipped once.
    if db.execute("UPDATE orders SET shipped = 1 WHERE reference = ? AND shipped = 0", (paid["orderReference"],)).rowcount == 1:
        print(f"shipped {paid['orderReference']}", flush=True)


@app.get("/orders/<reference>")
def order(reference):
    """What your customer's page asks while it waits."""
    with database() as db:
        found = db.execute("SELECT item, shipped FROM orders WHERE reference = ?", (reference,)).fetchone()
    if found is None:
        return {"error": "no such order"}, 404
    return {"reference": reference, "item": found[0], "shipped": bool(found[1])}


if __name__ == "__main__":
    with database() as db:
        db.executescript(SCHEMA)
    # Flask's own server, for development. In production a WSGI server such as gunicorn serves `server:app`.
    server = make_server(HOST, PORT, app, threaded=True)
    print(f"listening on http://{HOST}:{server.port}", flush=True)
    server.serve_forever()
