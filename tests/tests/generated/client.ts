// What a merchant's program does first, with the client that openapi-generator made. Prints what came of it.

import { Configuration, DepositsApi, OrdersApi, OrderStatus, ProblemFromJSON, ResponseError } from './payin/index.js';

const chainId = 'ethereum-sepolia';
const configuration = new Configuration({ basePath: process.env.PAYIN_BASE_URL, apiKey: process.env.PAYIN_API_KEY });
const orders = new OrdersApi(configuration);
const deposits = new DepositsApi(configuration);

const create = (orderReference: string, amount: string, idempotencyKey: string) =>
  orders.createOrder({ idempotencyKey, createOrder: { orderReference, amount, currency: 'USDT', chainId, metadata: { cart: 17 } } });

const order = await create('GENERATED-1', '12.50', 'one');
await create('GENERATED-2', '9.00', 'two');
await create('GENERATED-3', '10.00', 'three');

const bound = await deposits.bindDeposit({ bindDeposit: { depositReference: 'CUSTOMER-1', currency: 'USDT', chainId } });

const references: string[][] = [];
let total = 0;
for (let page = 1, more = true; more; page += 1) {
  const { data, pagination } = await orders.listOrders({ page, limit: 2, status: OrderStatus.Pending, sortBy: 'amount', sortOrder: 'asc' });
  references.push(data.map((item) => item.orderReference));
  total = pagination.total;
  more = pagination.hasMore;
}

let error;
try {
  await create('GENERATED-1', '12.50', 'another');
} catch (refused) {
  if (!(refused instanceof ResponseError)) throw refused;
  const problem = ProblemFromJSON(await refused.response.json());
  error = { status: refused.response.status, code: problem.code, existing: problem.existingOrderId, hasRequestId: Boolean(problem.requestId) };
}

console.log(JSON.stringify({
  order: {
    id: order.orderId, reference: order.orderReference, amount: order.amount, status: order.status, address: order.address,
    metadata: order.metadata, lasts: (order.expiresAt.getTime() - order.createdAt.getTime()) / 1000,
  },
  deposit: { reference: bound.depositReference, chain: bound.chainId, address: bound.address },
  pages: { references, total },
  error,
}));
