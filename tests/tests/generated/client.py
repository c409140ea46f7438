"""What a merchant's program does first, with the client that openapi-generator made. Prints what came of it."""

import json
import os

import payin_client as payin

CHAIN = "ethereum-sepolia"

configuration = payin.Configuration(host=os.environ["PAYIN_BASE_URL"], api_key={"ApiKey": os.environ["PAYIN_API_KEY"]})
with payin.ApiClient(configuration) as client:
    orders, deposits = payin.OrdersApi(client), payin.DepositsApi(client)

    def create(reference, amount, key):
        wanted = payin.CreateOrder(order_reference=reference, amount=amount, currency="USDT", chain_id=CHAIN, metadata={"cart": 17})
        return orders.create_order(wanted, idempotency_key=key)

    order = create("GENERATED-1", "12.50", "one")
    create("GENERATED-2", "9.00", "two")
    create("GENERATED-3", "10.00", "three")

    bound = deposits.bind_deposit(payin.BindDeposit(deposit_reference="CUSTOMER-1", currency="USDT", chain_id=CHAIN))

    pages, number, more = [], 1, True
    while more:
        page = orders.list_orders(page=number, limit=2, status=payin.OrderStatus.PENDING, sort_by="amount", sort_order="asc")
        pages.append([item.order_reference for item in page.data])
        number, more = number + 1, page.pagination.has_more

    try:
        create("GENERATED-1", "12.50", "another")
        error = None
    except payin.exceptions.ConflictException as refused:
        problem = refused.data
        error = {
            "status": refused.status, "code": problem.code, "existing": problem.existing_order_id,
            "hasRequestId": bool(problem.request_id),
        }

print(json.dumps({
    "order": {
        "id": order.order_id, "reference": order.order_reference, "amount": order.amount, "status": order.status,
        "address": order.address, "metadata": order.metadata, "lasts": (order.expires_at - order.created_at).seconds,
    },
    "deposit": {"reference": bound.deposit_reference, "chain": bound.chain_id, "address": bound.address},
    "pages": {"references": pages, "total": page.pagination.total},
    "error": error,
}))
