use super::*;

fn event(changed: &[(&str, &str)]) -> Event {
    let mut body = r#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:35:00.000Z","data":{"orderId":"ord_1",
        "orderReference":"ORDER-1","status":"completed","amount":"100.00","currency":"USDT","chainId":"tron-mainnet"}}"#
        .to_owned();
    for (old, new) in changed {
        assert!(body.contains(old), "{old}");
        body = body.replace(old, new);
    }
    serde_json::from_str(&body).unwrap()
}

fn expected(amount: &str) -> ExpectedOrder {
    ExpectedOrder::new("ORDER-1", amount.parse().unwrap(), "USDT").order_id("ord_1").chain("tron-mainnet")
}

fn fields(expected: &ExpectedOrder, event: &Event) -> Vec<String> {
    match expected.paid_by(event) {
        Err(NotExpected::Differs(differences)) => differences.into_iter().map(|difference| difference.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_order_that_was_expected_is_paid() {
    for amount in ["100.00", "100", "100.000000000000000000"] {
        assert_eq!(expected(amount).paid_by(&event(&[])).unwrap().order_id.as_str(), "ord_1");
    }
    // In the vendor's own server's words.
    let theirs =
        [("orderId", "order_id"), ("orderReference", "order_reference"), ("chainId", "chain_id"), (r#""status":"completed","#, "")];
    expected("100").paid_by(&event(&theirs)).unwrap();
}

#[test]
fn whatever_differs_is_told() {
    assert_eq!(fields(&expected("100.000000000000000001"), &event(&[])), ["amount"]);
    assert_eq!(fields(&expected("100"), &event(&[("100.00", "99.999999999999999999")])), ["amount"]);
    assert_eq!(fields(&expected("100"), &event(&[("100.00", "100.01")])), ["amount"]);
    assert_eq!(fields(&expected("100"), &event(&[("USDT", "usdt")])), ["currency"]);
    assert_eq!(fields(&expected("100"), &event(&[("ORDER-1", "ORDER-10")])), ["orderReference"]);
    assert_eq!(fields(&expected("100"), &event(&[("ord_1", "ord_2"), ("tron-mainnet", "tron-nile")])), ["orderId", "chainId"]);
    assert_eq!(fields(&expected("100"), &event(&[(r#""status":"completed""#, r#""status":"expired""#)])), ["status"]);
    assert_eq!(fields(&expected("1"), &event(&[("ORDER-1", "B"), ("USDT", "DAI")])), ["orderReference", "amount", "currency"]);
    let told = expected("7").paid_by(&event(&[("ORDER-1", "a customer's name")])).unwrap_err().to_string();
    assert_eq!(told, "the order differs: orderReference, amount (asked for 7, found 100.00)");
}

#[test]
fn other_events_pay_nothing() {
    for other in ["order.reverted", "order.expired", "order.completed2", "deposit.confirmed"] {
        let refused = expected("100").paid_by(&event(&[("order.completed", other)]));
        assert!(matches!(&refused, Err(NotExpected::OtherEvent { found }) if found.as_str() == other), "{refused:?}");
    }
    let unreadable = expected("100").paid_by(&event(&[("\"amount\":\"100.00\"", "\"amount\":100.00")]));
    assert!(matches!(unreadable, Err(NotExpected::Unreadable(_))), "{unreadable:?}");
}
