//! The documents' own examples are read, and nothing of them is lost. (Elided items and comments are taken out.)

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::script::{Scene, answer};
use crate::{
    BindDeposit, BoundDeposit, Call, Client, CreateEndpoint, CreateOrder, Deposit, DepositReference, DepositReferenceSummary, ErrorCode,
    Order, OrderSummary, Page, UnboundDeposit,
};

/// The call reads the example, and writes it again as it was.
async fn reads<T: DeserializeOwned + Serialize + Send + 'static>(example: &Value, call: impl FnOnce(&Client) -> Call<T>) -> T {
    let scene = Scene::new([answer(200, example)]);
    let read = call(&scene.client()).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), *example);
    read
}

fn seed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Requests of the documents are what our bodies write.
fn writes<T: DeserializeOwned + Serialize>(example: &Value) {
    let body: T = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(serde_json::to_value(body).unwrap(), *example);
}

const ADDRESS: &str = "0x9FF4e4b8a0451F7c8F7a1D8c1C6b5C2d3E4f5A6B";

#[tokio::test]
async fn deposits() {
    let metadata = json!({"userId": "alice_123", "userName": "Alice Smith", "email": "alice@example.com"});
    let bind = json!({"depositReference": "user_alice_123", "currency": "USDT", "chainId": "ethereum-sepolia", "metadata": metadata});
    writes::<BindDeposit>(&bind);
    let mut bound = bind.clone();
    bound["protocol"] = json!("evm");
    bound["address"] = json!(ADDRESS);
    bound["createdAt"] = json!("2025-01-20T10:30:00.000Z");
    let binding: BindDeposit = serde_json::from_value(bind).unwrap();
    let bound: BoundDeposit = reads(&bound, |client| client.deposits().bind(&binding)).await;
    assert_eq!((bound.deposit_reference.as_str(), bound.address.as_str()), ("user_alice_123", ADDRESS));

    let reference = json!({
        "depositReference": "user_alice_123",
        "addresses": [
            {"currency": "USDT", "chainId": "ethereum-sepolia", "protocol": "evm", "address": ADDRESS, "createdAt": "2025-01-20T10:30:00.000Z"},
            {"currency": "USDT", "chainId": "polygon-amoy", "protocol": "evm", "address": "0x1234567890abcdef1234567890abcdef12345678",
             "createdAt": "2025-01-20T11:00:00.000Z"}
        ],
        "totalDeposits": 5, "totalAmount": {"USDT": "523.45"}, "metadata": {"userId": "alice_123", "userName": "Alice Smith"}
    });
    let reference: DepositReference = reads(&reference, |client| client.deposits().reference("user_alice_123")).await;
    assert_eq!(reference.total_amount[&"USDT".into()].to_string(), "523.45");

    let references = json!({
        "data": [{"depositReference": "user_alice_123", "protocols": ["evm"], "addressCount": 2, "totalDeposits": 5,
            "totalAmount": {"USDT": "523.45"}, "lastDepositAt": "2025-01-20T15:30:00.000Z"}],
        "pagination": {"page": 1, "limit": 20, "total": 1523, "totalPages": 77, "hasMore": true}
    });
    let page: Page<DepositReferenceSummary> = reads(&references, |client| client.deposits().references(&Default::default())).await;
    assert_eq!(page.data[0].address_count, 2);

    let deposits = json!({
        "data": [{"depositId": "dep_xyz789abc123", "depositReference": "user_alice_123", "amount": "100.50", "currency": "USDT",
            "chainId": "ethereum-sepolia", "address": ADDRESS, "txHash": "0xabc123def456...", "blockNumber": 1_234_567, "status": "completed",
            "confirmations": 25, "detectedAt": "2025-01-20T15:30:00.000Z", "confirmedAt": "2025-01-20T15:32:15.000Z",
            "completedAt": "2025-01-20T15:32:15.000Z"}],
        "pagination": {"page": 1, "limit": 20, "total": 47, "totalPages": 3, "hasMore": true}
    });
    let page: Page<Deposit> = reads(&deposits, |client| client.deposits().list(&Default::default())).await;
    assert_eq!(page.data[0].amount.to_string(), "100.50");

    let unbound =
        json!({"success": true, "message": "Deposit reference unbound", "depositReference": "user_alice_123", "unboundAddresses": 2});
    let unbound: UnboundDeposit = reads(&unbound, |client| client.deposits().unbind("user_alice_123")).await;
    assert_eq!(unbound.unbound_addresses, 2);
}

#[tokio::test]
async fn refusals_of_deposits() {
    let refusals = [
        (409, "DUPLICATE_DEPOSIT_REFERENCE", "Deposit reference 'user_alice_123' already exists for chain 'ethereum-sepolia'"),
        (503, "NO_AVAILABLE_ADDRESSES", "Address pool exhausted for protocol 'evm'"),
        (404, "DEPOSIT_REFERENCE_NOT_FOUND", "No deposit reference found for 'user_unknown_456'"),
    ];
    for (status, code, message) in refusals {
        let body = json!({"error": "…", "message": message, "code": code, "statusCode": status});
        let scene = Scene::new([answer(status, &body)]);
        let error = scene.client().deposits().reference("x").await.unwrap_err();
        assert_eq!((error.code().map(ErrorCode::as_str), error.to_string().contains(message)), (Some(code), true));
        assert_eq!(
            (error.is_duplicate_reference(), error.is_pool_empty(), error.is_not_found()),
            (status == 409, status == 503, status == 404)
        );
    }
}

#[tokio::test]
async fn orders() {
    for text in [
        include_str!("../../../tests/fixtures/seeds/001-create-request.json"),
        include_str!("../../../tests/fixtures/seeds/001-create-curl.json"),
        include_str!("../../../tests/fixtures/seeds/000-request-body.json"),
    ] {
        writes::<CreateOrder>(&seed(text));
    }
    writes::<CreateEndpoint>(&seed(include_str!("../../../tests/fixtures/seeds/000-webhook-endpoint.json")));
    for text in [
        include_str!("../../../tests/fixtures/seeds/001-create-response.json"),
        include_str!("../../../tests/fixtures/seeds/001-get-response.json"),
    ] {
        let _: Order = reads(&seed(text), |client| client.orders().get(&"ord_1".into())).await;
    }
    let list = seed(include_str!("../../../tests/fixtures/seeds/001-list-response.json"));
    let page: Page<OrderSummary> = reads(&list, |client| client.orders().list(&Default::default())).await;
    assert!(!page.data.is_empty());
}

#[tokio::test]
async fn limits() {
    let example = seed(include_str!("../../../tests/fixtures/seeds/000-rate-limited.json"));
    let scene = Scene::new([answer(429, &example)]);
    let client = scene.client();
    let error = client.me().retries_max(0).await.unwrap_err();
    assert!(error.is_rate_limited() && error.is_transient());
    assert_eq!(error.api().unwrap().retry_after.unwrap().as_secs(), 60);
}
