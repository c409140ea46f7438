// A shop that takes stablecoins: it asks the gateway for an order, and ships when a webhook says that the order is paid.
// README.md beside this file walks through it.

import { randomUUID } from 'node:crypto';
import express from 'express';
import { Webhook } from 'standardwebhooks';

const { PAYIN_BASE_URL = 'http://127.0.0.1:3000', PAYIN_API_KEY, PAYIN_WEBHOOK_SECRET, HOST = '127.0.0.1', PORT = '8080' } = process.env;
if (!PAYIN_API_KEY || !PAYIN_WEBHOOK_SECRET) {
  console.error('set PAYIN_API_KEY and PAYIN_WEBHOOK_SECRET: README.md says where they come from');
  process.exit(2);
}
const webhook = new Webhook(PAYIN_WEBHOOK_SECRET);

// Amounts are decimal text, never numbers: 0.1 + 0.2 is not 0.3 in JavaScript.
const PRICES = new Map([['cap', '25.00'], ['shirt', '40.00']]);

// Both belong in your database, with a unique index on the reference and on the event's id: what is in memory is forgotten with
// the process. One process without `await` between looking and writing needs no lock; several do.
const orders = new Map(); // by reference: what was sold, for how much, and whether it was shipped
const handled = new Set(); // the ids of events that were handled

const app = express();

// What your customer presses. Answers where to pay, and how much.
app.post('/buy', express.json(), async (request, response) => {
  const item = request.body?.item;
  const amount = PRICES.get(item);
  if (amount === undefined) {
    return response.status(400).json({ error: `item must be one of: ${[...PRICES.keys()].join(', ')}` });
  }
  const order = { reference: `SHOP-${randomUUID()}`, item, amount, currency: 'USDT', chainId: 'ethereum-sepolia', shipped: false };
  // Written down before anybody is asked: should the answer get lost, the payment still finds its order.
  orders.set(order.reference, order);
  try {
    const created = await createOrder(order);
    const pay = { amount, currency: order.currency, chainId: order.chainId, address: created.address, before: created.expiresAt };
    response.status(201).json({ reference: order.reference, orderId: created.orderId, pay });
  } catch (error) {
    console.error(`no order for ${order.reference}: ${error.message}`);
    response.status(502).json({ error: 'payments are not available just now' });
  }
});

async function createOrder({ reference, amount, currency, chainId }) {
  const answer = await fetch(`${PAYIN_BASE_URL}/api/v1/orders`, {
    method: 'POST',
    // With the same Idempotency-Key a repeated request creates nothing twice.
    headers: { 'X-API-Key': PAYIN_API_KEY, 'Content-Type': 'application/json', 'Idempotency-Key': reference },
    body: JSON.stringify({ orderReference: reference, amount, currency, chainId }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = await answer.json();
  // Errors have a code for programs, and an id to quote when you ask for help.
  if (!answer.ok) throw new Error(`${body.code}: ${body.message} (${body.requestId})`);
  return body;
}

// Where the gateway tells what happened. `express.raw`, not `express.json`: the signature is over the bytes as they came, and JSON that was
// parsed and written again has others.
app.post('/webhooks/payin', express.raw({ type: () => true, limit: '256kb' }), (request, response) => {
  let event;
  try {
    // Checks the signature, and that it is not older than five minutes: a copy that was caught on the way is of no use for long.
    event = webhook.verify(request.body, request.headers);
  } catch (error) {
    return response.status(401).json({ error: error.message });
  }
  // Every event comes at least once: after an answer that got lost it comes again, with the same id.
  if (!handled.has(event.id)) {
    handle(event);
    handled.add(event.id);
  }
  // Quickly: whoever takes longer than 15 seconds gets the event again. What takes long (mail, a printer) is work for a queue.
  response.sendStatus(204);
});

function handle(event) {
  if (event.type === 'order.reverted') console.error(`the chain took a payment of ${event.data.orderReference} back: a person must look`);
  // Other types, also those that later versions add, are answered 204 and otherwise left alone.
  if (event.type !== 'order.completed') return;

  // The signature proves who says it. That it is your order, at your price, is for you to check.
  const { orderReference, amount, currency } = event.data;
  const order = orders.get(orderReference);
  if (!order || amount !== order.amount || currency !== order.currency) {
    // To hear it again would change nothing, so it is answered 204 too. A person must look.
    console.error(`${event.id} is about ${orderReference}, ${amount} ${currency}, which was not sold here: nothing is shipped`);
    return;
  }
  // An order can be completed twice, under two event ids, if a chain took its payment back in between. It is shipped once.
  if (order.shipped) return;
  order.shipped = true;
  console.log(`shipped ${order.reference}`);
}

// What your customer's page asks while it waits.
app.get('/orders/:reference', (request, response) => {
  const order = orders.get(request.params.reference);
  if (!order) return response.status(404).json({ error: 'no such order' });
  response.json({ reference: order.reference, item: order.item, shipped: order.shipped });
});

const server = app.listen(Number(PORT), HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
