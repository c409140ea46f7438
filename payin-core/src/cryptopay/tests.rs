//! The rules of the CryptoPay API: what may be asked for, how it is shown, what is told of it. No database, no network.

use std::time::Duration;

use payin_types::cryptopay::CreatePaymentOrder;
use payin_types::{ErrorCode, Timestamp};
use serde_json::json;

use super::wish::{self, slug};
use super::*;
use crate::address::Address;
use crate::order::{self, Payment};
use crate::{Chains, Error, Units, chains};

fn testnet() -> Chains {
    Chains::new(chains::known().into_iter().filter(|chain| chain.environment == payin_types::Environment::Testnet).collect())
}

fn mainnet() -> Chains {
    Chains::new(chains::known().into_iter().filter(|chain| chain.environment == payin_types::Environment::Mainnet).collect())
}

/// The document's example.
fn request() -> CreatePaymentOrder {
    CreatePaymentOrder::new(1_700_000_000_000, "100.00".parse().unwrap(), "USDC", "base", &json!({ "product": "Premium Plan" }))
}

fn problems(error: &Error) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = error.details.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    details.iter().map(|detail| (text(&detail["field"]), text(&detail["problem"]))).collect()
}

fn facts() -> Facts {
    let settings = Settings { window: Duration::from_secs(3600), ..Settings::default() };
    let settings = wish::settings(&settings);
    let wished = wish::order(&request(), &testnet()).unwrap();
    Facts {
        id: "ord_abc123".into(),
        organization_id: "org_1".into(),
        terms: order::open_with(wished, &testnet(), &settings, &wish::check_metadata).unwrap(),
        address: Address::from_evm_bytes(&[1; 20]),
        created_at: Timestamp::from_secs(0),
        seen_at: None,
        completed_at: None,
        expired_at: None,
        paid_late_at: None,
        reverted_at: None,
        received: Units::ZERO,
        payment: None,
        required_confirmations: 3,
        payment_link_id: None,
        origin: None,
    }
}

#[test]
fn an_order_is_wished_for_in_the_documents_words() {
    let order = wish::order(&request(), &testnet()).unwrap();
    assert_eq!((order.order_reference.as_str(), order.chain_id.as_str()), ("1700000000000", "base-sepolia"));
    assert_eq!(order.metadata.unwrap()[ORDER_INFO], json!(r#"{"product":"Premium Plan"}"#));
    assert_eq!(wish::order(&request(), &mainnet()).unwrap().chain_id.as_str(), "base-mainnet");
    let bsc = CreatePaymentOrder { blockchain: "bsc".to_owned(), amount: "0.000000000000000001".parse().unwrap(), ..request() };
    assert_eq!(wish::order(&bsc, &mainnet()).unwrap().chain_id.as_str(), "bsc-mainnet");
}

#[test]
fn every_field_that_is_wrong_is_named() {
    let wrong = CreatePaymentOrder {
        amount: "0".parse().unwrap(),
        currency: "EUR".into(),
        order_info: "Premium Plan".to_owned(),
        nonce: 1 << 53,
        redirect_url: Some("javascript:alert(1)".to_owned()),
        ..request()
    };
    let error = wish::order(&wrong, &testnet()).unwrap_err();
    assert_eq!(error.code, ErrorCode::ValidationError);
    let fields: Vec<String> = problems(&error).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["currency", "amount", "order_info", "nonce", "redirect_url"]);
    let unknown = CreatePaymentOrder { blockchain: "tron".to_owned(), ..request() };
    let error = wish::order(&unknown, &testnet()).unwrap_err();
    assert!(error.message.contains("'tron' is not supported; this server offers ethereum, polygon, arbitrum, base, bsc"), "{error:?}");
    // Neither is a chain that this API has no word for, nor another name of one that it has.
    for word in ["xlayer", "base-sepolia", "tron-nile", "Base", ""] {
        assert!(wish::chain(word, &testnet()).is_err(), "{word}");
    }
}

#[test]
fn native_coins_are_refused_as_such() {
    for (blockchain, coin) in
        [("base", "ETH"), ("ethereum", "eth"), ("polygon", "MATIC"), ("polygon", "POL"), ("bsc", "BNB"), ("arbitrum", "ETH")]
    {
        let wrong = CreatePaymentOrder { blockchain: blockchain.to_owned(), currency: coin.into(), ..request() };
        let error = wish::order(&wrong, &mainnet()).unwrap_err();
        let problems = problems(&error);
        assert_eq!(problems.len(), 1, "{error:?}");
        assert!(problems[0].0 == "currency" && problems[0].1.contains("native coin"), "{error:?}");
    }
}

#[test]
fn order_info_is_a_text_that_is_json() {
    let with = |text: &str| wish::order(&CreatePaymentOrder { order_info: text.to_owned(), ..request() }, &testnet());
    for text in ["{}", "[1,2]", "\"a\"", "null", r#"{"a":{"b":[1.5]}}"#] {
        assert!(with(text).is_ok(), "{text}");
    }
    let long = format!("\"{}\"", "x".repeat(9000));
    for text in ["", "{", "a", "{} {}", r#"{"a":1,"a":2}"#, long.as_str()] {
        assert!(problems(&with(text).unwrap_err()).iter().all(|(field, _)| field == "order_info"), "{text}");
    }
}

#[test]
fn the_same_request_is_the_same_order() {
    let print = wish::fingerprint(&request());
    assert_eq!(wish::fingerprint(&CreatePaymentOrder { amount: "100".parse().unwrap(), ..request() }), print);
    for other in [
        CreatePaymentOrder { amount: "100.01".parse().unwrap(), ..request() },
        CreatePaymentOrder { currency: "USDT".into(), ..request() },
        CreatePaymentOrder { blockchain: "polygon".to_owned(), ..request() },
        CreatePaymentOrder { order_info: "{}".to_owned(), ..request() },
        request().webhook_url("https://a.example/"),
        request().redirect_url("https://a.example/"),
        request().expires_at(Timestamp::from_secs(0)),
    ] {
        assert_ne!(wish::fingerprint(&other), print);
    }
    assert_ne!(wish::fingerprint(&request().webhook_url("u")), wish::fingerprint(&request().redirect_url("u")));
}

#[test]
fn where_it_stands_is_what_its_facts_say() {
    let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
    let open = facts();
    let seen = Facts { seen_at: at(1), ..open.clone() };
    let paid = Facts { completed_at: at(2), ..seen.clone() };
    let taken_back = Facts { reverted_at: at(3), ..paid.clone() };
    let expired = Facts { expired_at: at(9), ..seen.clone() };
    let words = [&open, &seen, &paid, &taken_back, &expired].map(|facts| status(facts).to_string());
    assert_eq!(words, ["pending", "pending", "confirmed", "failed", "expired"]);
}

#[test]
fn an_order_is_shown_in_the_documents_form() {
    let paid = Facts {
        seen_at: Some(Timestamp::from_secs(60)),
        completed_at: Some(Timestamp::from_secs(70)),
        received: Units::from_amount("100".parse().unwrap()).unwrap(),
        payment: Some(Payment { tx_hash: "0xaa".to_owned(), block_number: 10 }),
        ..facts()
    };
    assert_eq!(
        json!(payment_order(&paid, 7, Some(12), Some("https://pay.example"))),
        json!({
            "id": 7, "order_id": "ORD-abc123", "amount": "100.00", "amount_received": "100.00", "currency": "USDC", "blockchain": "base",
            "status": "confirmed", "receiving_address": facts().address.as_str(),
            "payment_url": "https://pay.example/order/ORD-abc123", "qr_code_url": "/qr/ORD-abc123",
            "order_info": r#"{"product":"Premium Plan"}"#, "nonce": 1_700_000_000_000_u64,
            "created_at": "1970-01-01T00:00:00.000Z", "expires_at": "1970-01-01T01:00:00.000Z", "confirmed_at": "1970-01-01T00:01:10.000Z",
            "transaction": { "transaction_hash": "0xaa", "block_number": 10, "confirmations": 3, "required_confirmations": 3 },
        })
    );
    assert_eq!(json!(payment_order(&facts(), 7, None, None))["transaction"], Value::Null);
    let taken_back = payment_order(&Facts { reverted_at: Some(Timestamp::from_secs(80)), ..paid }, 7, Some(12), None);
    assert_eq!(taken_back.transaction.unwrap().confirmations, 0);
}

#[test]
fn orders_have_a_number_and_an_id() {
    assert_eq!(named("ORD-abc123"), Some(Named::Id("ord_abc123".into())));
    assert_eq!(order_id(&"ord_abc123".into()), "ORD-abc123");
    assert_eq!(named("17"), Some(Named::Number(17)));
    for text in ["", "-1", "+1", "017", "1.0", "ord_abc123", "99999999999999999999999"] {
        assert_eq!(named(text), None, "{text}");
    }
}

#[test]
fn chains_without_a_word_keep_their_name() {
    assert_eq!(
        ["base-mainnet", "bsc-testnet", "tron-nile", "xlayer-testnet"].map(|chain| slug(&chain.into()).to_owned()),
        ["base", "bsc", "tron-nile", "xlayer-testnet"]
    );
}

#[test]
fn a_plan_is_so_many_requests_an_hour() {
    assert_eq!([None, Some(5_000), Some(7)].map(|agreed| plan::limits(agreed).per_hour), [1_000, 5_000, 7]);
    let mut usage = crate::quota::Usage::default();
    let (limits, now) = (plan::limits(Some(2)), Timestamp::from_secs(0));
    assert_eq!(usage.admit(&limits, now, 3).count, 2);
    let view = usage.view(&limits, now, 0);
    assert_eq!((view.limit, view.remaining, view.window), (2, 0, "hour"));
}

/// The event that tells of a change between two sights of an order: its word and its body.
fn told(change: Change, (before, after): (&Facts, &Facts), at: i64, sequence: u64) -> Option<(&'static str, Value)> {
    let (word, body) = hooks::tells(change, &Changed { before, after, head: 12, at: Timestamp::from_secs(at), sequence })?;
    Some((word, serde_json::from_str(&body).unwrap()))
}

#[test]
fn an_event_is_told_in_the_documents_form() {
    let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
    let payment = Some(Payment { tx_hash: "0xaa".to_owned(), block_number: 10 });
    let seen = Facts { seen_at: at(60), payment, ..facts() };
    let paid = Facts { completed_at: at(70), received: facts().terms.units, ..seen.clone() };
    let (word, event) = told(Change::Paid, (&seen, &paid), 70, 2).unwrap();
    assert_eq!(word, "payment.confirmed");
    assert_eq!(
        (&event["event"], &event["timestamp"], event["webhook_id"].as_str().unwrap().len()),
        (&json!("payment.confirmed"), &json!("1970-01-01T00:01:10.000Z"), 27)
    );
    assert_eq!(
        event["data"],
        json!({
            "order_id": "ORD-abc123", "transaction_hash": "0xaa", "amount": "100.00", "amount_received": "100.00", "currency": "USDC",
            "blockchain": "base", "status": "confirmed", "confirmations": 3, "block_number": 10, "to_address": facts().address.as_str(),
            "order_info": r#"{"product":"Premium Plan"}"#, "created_at": "1970-01-01T00:00:00.000Z",
            "confirmed_at": "1970-01-01T00:01:10.000Z",
        })
    );
    let word = |change: Change, after: &Facts| told(change, (&facts(), after), 80, 1).map(|(word, _)| word);
    assert_eq!(word(Change::Seen, &seen), Some("payment.pending"));
    assert_eq!(word(Change::Underpaid, &seen), None);
    assert_eq!(word(Change::Expired, &Facts { expired_at: at(90), ..facts() }), Some("order.expired"));
}

#[test]
fn what_a_chain_takes_back_and_gives_again_is_told_in_order_and_apart() {
    let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
    let open = facts();
    let seen = Facts { seen_at: at(60), payment: Some(Payment { tx_hash: "0xaa".to_owned(), block_number: 10 }), ..facts() };
    let paid = Facts { completed_at: at(70), received: facts().terms.units, ..seen.clone() };
    let reverted = Facts { reverted_at: at(80), received: Units::ZERO, ..paid.clone() };
    let events: Vec<Value> = [
        (Change::Seen, (&open, &seen), 60),
        (Change::TakenBack, (&seen, &open), 61),
        (Change::Seen, (&open, &seen), 62),
        // Even within one millisecond.
        (Change::TakenBack, (&seen, &open), 62),
        (Change::Seen, (&open, &seen), 63),
        (Change::Paid, (&seen, &paid), 70),
        (Change::TakenBack, (&paid, &reverted), 80),
        (Change::PaidAgain, (&reverted, &paid), 90),
    ]
    .into_iter()
    .zip(1..)
    .map(|((change, facts, at), sequence)| told(change, facts, at, sequence).unwrap().1)
    .collect();
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event["webhook_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "no two are one to a receiver that handles each once");
    let times: Vec<i64> = events.iter().map(|event| event["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap().millis()).collect();
    assert_eq!(times, [60, 61, 62, 62, 63, 70, 80, 90].map(|seconds| seconds * 1000));
    for event in &events {
        assert_eq!((&event["data"]["transaction_hash"], &event["data"]["block_number"]), (&json!("0xaa"), &json!(10)), "{event}");
    }
    let failed: Vec<_> = events.iter().filter(|event| event["event"] == "payment.failed").map(|event| &event["data"]).collect();
    assert_eq!(failed.iter().map(|data| data["status"].as_str().unwrap()).collect::<Vec<_>>(), ["pending", "pending", "failed"]);
    assert!(failed.iter().all(|data| data["confirmations"] == 0), "{failed:?}");
}

#[test]
fn all_events_are_subscribed_to_unless_some_are_named() {
    let words = |asked: Option<&[&str]>| {
        let asked = asked.map(|words| words.iter().map(|word| (*word).into()).collect());
        hooks::events(asked).map(|events| events.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(words(None).unwrap(), ["payment.pending", "payment.confirmed", "payment.failed", "order.expired"]);
    assert_eq!(words(Some(&["order.expired", "order.expired"])).unwrap(), ["order.expired"]);
    assert!(words(Some(&[])).is_err() && words(Some(&["order.completed"])).unwrap_err().message.contains("'order.completed' is none"));
}

#[test]
fn a_user_has_a_number_that_every_reader_keeps() {
    let user = user(&"usr_1".into(), "alice", "a@b.c");
    assert!(user.id > 0 && user.id < 1 << 53);
}
