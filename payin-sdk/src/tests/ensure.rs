//! Creating what may be there already.

use serde_json::{Value, json};

use super::script::{Scene, Step, answer, broken, order, problem};
use crate::transport::TransportErrorKind;
use crate::{BindDeposit, CreateOrder, Differs, Error, ErrorCode};

fn asked(amount: &str) -> CreateOrder {
    CreateOrder::new("R-1", amount.parse().unwrap(), "USDT", "ethereum-sepolia")
}

/// The server's refusal, and the order that it names.
fn taken(change: impl FnOnce(&mut Value)) -> Scene {
    let mut there = order("pending");
    change(&mut there);
    let refusal =
        json!({"error": "", "message": "taken", "code": "DUPLICATE_ORDER_REFERENCE", "statusCode": 409, "existingOrderId": "ord_1"});
    Scene::new([answer(409, &refusal), answer(200, &there)])
}

fn differs(error: Error) -> Differs {
    let Error::Differs(differs) = error else { panic!("{error:?}") };
    *differs
}

#[tokio::test]
async fn an_order_that_is_not_there_is_created() {
    let scene = Scene::new([answer(201, &order("pending"))]);
    let ensured = scene.client().ensure_order(&asked("100")).await.unwrap();
    assert!(ensured.created && ensured.order.order_id.as_str() == "ord_1");
}

#[tokio::test]
async fn the_same_order_is_found_whatever_the_scale_of_its_amount() {
    for amount in ["100", "100.0", "100.00", "100.000000"] {
        let scene = taken(|_| ());
        let ensured = scene.client().ensure_order(&asked(amount)).await.unwrap();
        assert!(!ensured.created && ensured.order.order_reference == "R-1");
        assert_eq!(scene.urls()[1], "https://api.test/api/v1/orders/ord_1");
    }
    // A server that does not name the order: it is found by its reference.
    let scene = Scene::new([problem(409, "DUPLICATE_ORDER_REFERENCE"), answer(200, &order("completed"))]);
    assert!(!scene.client().ensure_order(&asked("100")).await.unwrap().created);
    assert_eq!(scene.urls()[1], "https://api.test/api/v1/orders/by-reference/R-1");
}

#[tokio::test]
async fn another_order_is_refused_with_all_that_differs() {
    let scene = taken(|there| {
        there["currency"] = json!("USDC");
        there["amount"] = json!("100.01");
        there["chainId"] = json!("polygon-amoy");
        there["metadata"] = json!({"email": "customer@x.test", "more": 1});
        there["cancelUrl"] = json!("https://x.test/customer");
    });
    let order = asked("100").metadata("email", "other@x.test").success_url("https://x.test/ok").cancel_url("https://x.test/no");
    let error = scene.client().ensure_order(&order).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("amount (asked for 100, found 100.01)") && !text.contains("x.test"), "{text}");
    let differs = differs(error);
    assert_eq!(differs.existing, "order ord_1");
    let fields: Vec<_> = differs.differences.iter().map(|difference| difference.field.as_str()).collect();
    assert_eq!(fields, ["amount", "currency", "chainId", "successUrl", "cancelUrl", "metadata.email", "metadata.more"]);

    // What was not asked for may be anything.
    let scene = taken(|there| there["metadata"] = json!({"more": 1}));
    assert!(!scene.client().ensure_order(&asked("100")).await.unwrap().created);
}

#[tokio::test]
async fn other_refusals_are_told_as_they_are() {
    let scene = Scene::new([problem(409, "IDEMPOTENCY_KEY_CONFLICT")]);
    let error = scene.client().ensure_order(&asked("100")).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::IdempotencyKeyConflict));
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found() {
    let steps = [broken(TransportErrorKind::Broken), problem(409, "DUPLICATE_ORDER_REFERENCE"), answer(200, &order("pending"))];
    assert_eq!(Scene::new(steps).client().ensure_order(&asked("100")).await.unwrap().order.order_id.as_str(), "ord_1");
}

fn address(chain: &str, address: &str) -> Value {
    json!({"currency": "USDT", "chainId": chain, "protocol": "evm", "address": address, "createdAt": "2025-01-20T10:30:00.000Z"})
}

fn bound(addresses: &[Value]) -> [Step; 2] {
    let reference =
        json!({"depositReference": "u", "addresses": addresses, "totalDeposits": 0, "totalAmount": {}, "metadata": {"a": 1, "b": 2}});
    [problem(409, "DUPLICATE_DEPOSIT_REFERENCE"), answer(200, &reference)]
}

#[tokio::test]
async fn a_deposit_address_is_bound_or_found() {
    let binding = BindDeposit::new("u", "USDT", "polygon-amoy").metadata("a", 1);
    let mut created = address("polygon-amoy", "0xB");
    created["depositReference"] = json!("u");
    let scene = Scene::new([answer(201, &created)]);
    let ensured = scene.client().ensure_deposit_address(&binding).await.unwrap();
    assert!(ensured.created && ensured.address.address == "0xB");

    let scene = Scene::new(bound(&[address("ethereum-sepolia", "0xA"), address("polygon-amoy", "0xB")]));
    let ensured = scene.client().ensure_deposit_address(&binding).await.unwrap();
    assert!(!ensured.created && ensured.address.address == "0xB");

    let scene = Scene::new(bound(&[address("polygon-amoy", "0xB")]));
    let other = BindDeposit::new("u", "USDC", "polygon-amoy").metadata("a", 2);
    let fields = differs(scene.client().ensure_deposit_address(&other).await.unwrap_err()).differences;
    assert_eq!(fields.iter().map(|difference| difference.field.as_str()).collect::<Vec<_>>(), ["currency", "metadata.a"]);

    // Let go of between the two calls.
    let scene = Scene::new(bound(&[address("ethereum-sepolia", "0xA")]));
    let error = scene.client().ensure_deposit_address(&binding).await.unwrap_err();
    assert!(error.is_duplicate_reference());
}
