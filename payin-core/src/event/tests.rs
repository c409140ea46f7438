use super::*;
use crate::chains;

#[test]
fn ids_are_the_documents() {
    assert_eq!(id(&EventType::OrderCompleted, "ord_abc123", None).as_str(), "evt_order_completed_ord_abc123");
    assert_eq!(id(&EventType::OrderCompleted, "ord_abc123", Some(4)).as_str(), "evt_order_completed_ord_abc123_4");
    assert_eq!(id(&EventType::DepositAddressBound, "bnd_1", None).as_str(), "evt_deposit_address_bound_bnd_1");
}

#[test]
fn a_star_is_the_documents_events_and_what_takes_them_back() {
    let told: Vec<&str> =
        EventType::KNOWN.iter().filter(|event_type| subscribes(&[EventType::All], event_type)).map(EventType::as_str).collect();
    let documents = ["order.completed", "order.expired", "deposit.pending", "deposit.confirmed"];
    assert_eq!(told, [documents.as_slice(), &["deposit.reverted", "order.reverted", "*"]].concat());
    assert!(told.iter().filter(|word| **word != "*").all(|word| is_default(&EventType::from(*word))));
}

#[test]
fn whoever_is_told_that_it_is_confirmed_is_told_that_it_is_not() {
    for (confirmed, reverted) in [
        (EventType::OrderCompleted, EventType::OrderReverted),
        (EventType::OrderPaidLate, EventType::OrderReverted),
        (EventType::PaymentLinkOrderCompleted, EventType::OrderReverted),
        (EventType::DepositConfirmed, EventType::DepositReverted),
        (EventType::DepositCompleted, EventType::DepositReverted),
    ] {
        assert!(subscribes(std::slice::from_ref(&confirmed), &reverted));
        assert!(subscribes(std::slice::from_ref(&reverted), &reverted));
        assert!(!subscribes(std::slice::from_ref(&reverted), &confirmed));
    }
    for other in [EventType::OrderExpired, EventType::OrderCompleted, EventType::DepositPending] {
        assert!(!subscribes(&[other], &EventType::DepositReverted));
    }
    assert!(!subscribes(&[EventType::DepositConfirmed], &EventType::OrderReverted));
    assert!(subscribes(&[EventType::OrderCreated], &EventType::OrderCreated));
    assert!(!subscribes(&[EventType::DepositConfirmed], &EventType::DepositPending));
}

#[test]
fn all_but_a_test_may_be_subscribed_to() {
    let refused: Vec<_> = EventType::KNOWN.iter().filter(|event_type| !may_be_subscribed(event_type)).collect();
    assert_eq!(refused, [&EventType::WebhookTest]);
    assert!(!may_be_subscribed(&EventType::from("order.paid")));
}

fn deposit() -> Deposit {
    let deposit = json!({
        "depositId": "dep_1", "depositReference": "user-7", "amount": "250.50", "currency": "USDT", "chainId": "base-sepolia",
        "protocol": "evm", "address": "0xa", "fromAddress": "0xb", "txHash": "0xc", "blockNumber": 9, "status": "confirmed",
        "confirmations": 12, "requiredConfirmations": 12, "detectedAt": "2026-01-01T00:00:00Z", "confirmedAt": "2026-01-01T00:01:00Z"
    });
    serde_json::from_value(deposit).unwrap()
}

#[test]
fn a_deposits_event_reads_as_one() {
    let metadata = Map::from_iter([("tier".to_owned(), json!("gold"))]);
    let data = deposit_data(&deposit(), &metadata);
    let text = body(EventId::from("evt_1"), EventType::DepositConfirmed, Timestamp::from_secs(0), 2, data);
    let event: Event = serde_json::from_str(&text).unwrap();
    let told = event.deposit().unwrap().unwrap();
    assert_eq!((told.deposit_id.as_str(), told.deposit_reference.as_str(), told.tx_hash.as_str()), ("dep_1", "user-7", "0xc"));
    assert_eq!((told.amount.to_string(), told.status.as_str(), told.block_number), ("250.50".to_owned(), "confirmed", Some(9)));
    assert_eq!((told.confirmed_at, told.completed_at), (deposit().confirmed_at, None));
    assert_eq!((told.metadata, told.extra), (metadata, Map::new()));
}

#[test]
fn a_bound_address_is_told_with_everything_that_is_credited_to_it() {
    let offered =
        Chains::new(chains::known().into_iter().filter(|chain| ["base-sepolia", "tron-nile"].contains(&chain.id.as_str())).collect());
    let (id, chain_id, currency) = (BindingId::from("bnd_1"), ChainId::from("base-sepolia"), Currency::from("USDC"));
    let binding =
        Binding { id: &id, reference: "user-7", chain_id: &chain_id, protocol: &Protocol::Evm, currency: &currency, address: "0xa" };
    let mut expected = json!({
        "bindingId": "bnd_1", "depositReference": "user-7", "chainId": "base-sepolia", "protocol": "evm", "currency": "USDC",
        "address": "0xa"
    });
    assert_eq!(unbound_data(&binding), expected);
    expected["monitoredChains"] = json!([{ "chainId": "base-sepolia", "currencies": ["USDC"] }]);
    assert_eq!(bound_data(&binding, &offered), expected);
}

#[test]
fn a_links_order_is_told_as_an_order_with_its_link() {
    let [window, made] = [1_000, 0].map(Timestamp::from_secs);
    let amount = "100.00".parse().unwrap();
    let order = Order::new(
        "ord_1".into(),
        "ref".to_owned(),
        amount,
        "USDT".into(),
        "base-sepolia".into(),
        Protocol::Evm,
        "0xa".to_owned(),
        made,
        window,
    );
    let mut expected = order_data(&order);
    expected["paymentLinkId"] = json!("pl_1");
    assert_eq!(link_order_data(&PaymentLinkId::from("pl_1"), None, &order), expected);
    expected["buyerEmail"] = json!("buyer@example.com");
    assert_eq!(link_order_data(&PaymentLinkId::from("pl_1"), Some("buyer@example.com"), &order), expected);
    assert_eq!((&expected["orderId"], &expected["amount"]), (&json!("ord_1"), &json!("100.00")));
}

#[test]
fn the_other_events_say_what_they_are_about() {
    let transfer = json!({
        "transferId": "tr_1", "txHash": "0xc", "logIndex": 3, "chainId": "base-sepolia", "protocol": "evm", "currency": "USDC",
        "contractAddress": "0xd", "amount": "1.000001", "fromAddress": "0xb", "toAddress": "0xa", "blockNumber": 9, "confirmations": 1,
        "status": "pending", "businessType": "order", "orderId": "ord_1", "detectedAt": "2026-01-01T00:00:00.000Z"
    });
    let read: payin_types::Transfer = serde_json::from_value(transfer.clone()).unwrap();
    assert_eq!(serde_json::from_value::<payin_types::Transfer>(transfer_data(&read)).unwrap(), read);
    assert_eq!(transfer_data(&read)["amount"], transfer["amount"]);
    let low = json!({ "protocol": "tron", "available": 3, "total": 50, "threshold": 10 });
    assert_eq!(pool_low_data(&Protocol::Tron, 3, 50, 10), low);
    let imported = serde_json::from_value(json!({
        "success": true, "imported": 2, "skipped": 1, "errors": [], "summary": { "protocol": "tron", "mode": "self_managed" }
    }));
    let imported = imported.unwrap();
    let by = |who: Who| pool_imported_data(&"imp_1".into(), &imported, &who)["importedBy"].clone();
    assert_eq!(by(Who::Person("usr_1".into())), json!({ "type": "user", "id": "usr_1" }));
    assert_eq!(by(Who::Operator), json!({ "type": "operator" }));
    let key = Who::Key { id: "key_1".into(), prefix: "pk_test_4Hq1".to_owned() };
    let data = json!({
        "importId": "imp_1", "protocol": "tron", "mode": "self_managed", "imported": 2, "skipped": 1,
        "importedBy": { "type": "api_key", "id": "key_1", "prefix": "pk_test_4Hq1" }
    });
    assert_eq!(pool_imported_data(&"imp_1".into(), &imported, &key), data);
    assert_eq!(test_data(&EndpointId::from("we_1"))["endpointId"], "we_1");
}
