use super::*;
use crate::address::Address;
use crate::order::Payment as Paid;
use crate::{Units, chains, order};
use payin_types::Environment;

fn testnet() -> Chains {
    Chains::new(
        chains::known()
            .into_iter()
            .filter(|chain| chain.environment == Environment::Testnet)
            .map(|mut chain| {
                if chain.protocol == Protocol::Tron && chain.token(&CURRENCY.into()).is_none() {
                    let contract = Address::parse(&Protocol::Tron, "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf").unwrap();
                    chain.tokens.push(crate::Token { currency: CURRENCY.into(), contract, decimals: 6 });
                }
                chain
            })
            .collect(),
    )
}

fn request() -> CreatePayment {
    CreatePayment::new("order_123", "99.00".parse().unwrap()).webhook_url("https://a.example/hook").metadata("customer_id", "cust_456")
}

fn facts() -> Facts {
    let chains = testnet();
    let settings = settings(&Settings::default());
    let terms = order::open_with(order(&request(), &chains).unwrap(), &chains, &settings, &check_metadata).unwrap();
    Facts {
        id: "ord_abc123".into(),
        organization_id: "org_1".into(),
        terms,
        address: Address::parse(&Protocol::Tron, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").unwrap(),
        created_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        seen_at: None,
        completed_at: None,
        expired_at: None,
        paid_late_at: None,
        reverted_at: None,
        received: Units::ZERO,
        payment: None,
        required_confirmations: 19,
        payment_link_id: None,
        origin: None,
    }
}

fn seen() -> Facts {
    let payment = Some(Paid { tx_hash: "def456".to_owned(), block_number: 100 });
    Facts { seen_at: Some("2025-01-01T00:03:00Z".parse().unwrap()), payment, ..facts() }
}

fn confirmed() -> Facts {
    let seen = seen();
    Facts { completed_at: Some("2025-01-01T00:05:00Z".parse().unwrap()), received: seen.terms.units, ..seen }
}

#[test]
fn an_hour_of_one_token_on_tron() {
    let facts = facts();
    assert_eq!(facts.terms.chain_id.as_str(), "tron-nile");
    // What comes within the deployment's grace after the hour still counts.
    assert_eq!(
        (facts.window_ends_at(), facts.closes_at()),
        ("2025-01-01T01:00:00Z".parse().unwrap(), "2025-01-01T01:05:00Z".parse().unwrap())
    );
    let none = Chains::new(testnet().iter().filter(|chain| chain.protocol != Protocol::Tron).cloned().collect());
    assert_eq!(order(&request(), &none).unwrap_err().code, ErrorCode::ChainUnavailable);
}

#[test]
fn what_cannot_be_asked_for_is_named_in_this_apis_words() {
    let of = |change: fn(&mut CreatePayment)| {
        let mut request = request();
        change(&mut request);
        order(&request, &testnet()).unwrap_err().message
    };
    assert!(of(|request| request.currency = "USDC".into()).starts_with("currency: must be USDT"));
    assert!(of(|request| request.external_id = String::new()).starts_with("external_id: "));
    assert!(of(|request| request.external_id = "x".repeat(256)).starts_with("external_id: "));
    let many = (0..50).map(|number| (number.to_string(), json!(number))).collect();
    assert_eq!(check_metadata(&many), Ok(()));
}

#[test]
fn the_same_wish_is_told_from_another() {
    let fingerprint_of = |change: fn(&mut CreatePayment)| {
        let mut request = request();
        change(&mut request);
        fingerprint(&request)
    };
    let same = fingerprint(&request());
    assert_eq!(fingerprint_of(|request| request.amount = "99".parse().unwrap()), same);
    for other in [
        fingerprint_of(|request| request.amount = "99.01".parse().unwrap()),
        fingerprint_of(|request| request.external_id = "order_124".to_owned()),
        fingerprint_of(|request| request.webhook_url = None),
        fingerprint_of(|request| request.metadata = None),
    ] {
        assert_ne!(other, same);
    }
}

#[test]
fn every_stage_has_a_word_and_every_word_a_stage() {
    for (at, _) in Stage::ALL {
        assert_eq!(stage(&status(at)), Ok(at));
    }
    assert_eq!(PaymentStatus::KNOWN.len(), Stage::ALL.len());
    assert!(stage(&"underpaid".into()).unwrap_err().message.contains("'underpaid' is none; there are pending, detected"));
}

/// The documents' answer to `GET /api/v1/payments/:id`, but for the milliseconds and what was added.
#[test]
fn the_documents_payment_comes_out() {
    let shown =
        serde_json::to_value(payment_with_timeline(&confirmed(), Heard::default(), Some(118), Some("https://pay.yourdomain.com"))).unwrap();
    assert_eq!(
        shown,
        json!({
            "id": "ord_abc123", "status": "confirmed", "amount": "99.00", "amount_received": "99.00", "currency": "USDT",
            "address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "external_id": "order_123", "tx_hash": "def456", "confirmations": 19,
            "expires_at": "2025-01-01T01:00:00.000Z", "created_at": "2025-01-01T00:00:00.000Z", "confirmed_at": "2025-01-01T00:05:00.000Z",
            "checkout_url": "https://pay.yourdomain.com/checkout/ord_abc123", "metadata": {"customer_id": "cust_456"},
            "events": [
                {"type": "created", "at": "2025-01-01T00:00:00.000Z"},
                {"type": "detected", "at": "2025-01-01T00:03:00.000Z", "tx_hash": "def456"},
                {"type": "confirmed", "at": "2025-01-01T00:05:00.000Z", "confirmations": 19},
            ],
        })
    );
}

#[test]
fn a_webhooks_answer_changes_the_word_and_never_the_money() {
    let at = Some("2025-01-01T00:06:00Z".parse().unwrap());
    let shown = |heard: Heard| {
        let shown = payment_with_timeline(&confirmed(), heard, Some(118), None);
        let last = shown.events.as_ref().and_then(|events| events.last()).map(|event| event.event_type.clone());
        (shown.status.as_str().to_owned(), last, shown.amount_received.map(|amount| amount.to_string()))
    };
    let money = Some("99.00".to_owned());
    assert_eq!(
        shown(Heard { acknowledged_at: at, given_up_at: None }),
        ("completed".to_owned(), Some(TimelineType::Completed), money.clone())
    );
    assert_eq!(shown(Heard { acknowledged_at: None, given_up_at: at }), ("failed".to_owned(), Some(TimelineType::Failed), money));
    assert_eq!(payment(&facts(), Heard { acknowledged_at: at, given_up_at: None }, None, None).status, PaymentStatus::Pending);
}

#[test]
fn money_that_came_too_late_is_shown() {
    let (expired_at, paid_late_at) = ("2025-01-01T01:06:00Z".parse().unwrap(), "2025-01-01T01:08:00Z".parse().unwrap());
    let expired = Facts { expired_at: Some(expired_at), ..facts() };
    let shown = payment_with_timeline(&Facts { paid_late_at: Some(paid_late_at), ..expired.clone() }, Heard::default(), None, None);
    assert_eq!((shown.status, shown.paid_late_at), (PaymentStatus::Expired, Some(paid_late_at)));
    let types = |events: Option<Vec<TimelineEvent>>| events.unwrap().into_iter().map(|event| event.event_type).collect::<Vec<_>>();
    assert_eq!(types(shown.events), [TimelineType::Created, TimelineType::Expired, TimelineType::PaidLate]);
    // While a payment in time may still save the order, it is not late.
    let waits = payment(&Facts { paid_late_at: Some(paid_late_at), ..facts() }, Heard::default(), None, None);
    assert_eq!((waits.status, waits.paid_late_at), (PaymentStatus::Pending, None));
}

#[test]
fn what_its_chain_takes_back_is_told_and_shown_whatever_the_webhook_came_to() {
    let acknowledged = Heard { acknowledged_at: Some("2025-01-01T00:05:01Z".parse().unwrap()), given_up_at: None };
    let reverted = Facts { reverted_at: Some("2025-01-01T00:09:00Z".parse().unwrap()), received: Units::ZERO, ..confirmed() };
    let shown = payment_with_timeline(&reverted, acknowledged, Some(120), None);
    assert_eq!((shown.status, shown.confirmations), (PaymentStatus::Detected, Some(0)));
    let last = shown.events.unwrap().pop().map(|event| (event.event_type, event.at));
    assert_eq!(last, reverted.reverted_at.map(|at| (TimelineType::Reverted, at)));
    let word = |change, (before, after): (&Facts, &Facts)| {
        let changed = Changed { before, after, head: 120, at: Timestamp::from_secs(0), sequence: 1 };
        PayWarden.tells(change, &changed).map(|(word, _)| word)
    };
    assert_eq!(word(Change::TakenBack, (&confirmed(), &reverted)), Some("payment.reverted"));
    assert_eq!(word(Change::PaidAgain, (&reverted, &confirmed())), Some("payment.confirmed"));
    assert_eq!(word(Change::TakenBack, (&seen(), &facts())), None, "nobody was promised anything");
}

/// The body of the guide's example, with the fields that the document adds.
#[test]
fn an_event_is_flat() {
    let body: Value = serde_json::from_str(&event_body("payment.confirmed", &confirmed(), Some(118))).unwrap();
    assert_eq!(
        body,
        json!({
            "event": "payment.confirmed", "order_id": "ord_abc123", "external_id": "order_123", "amount": "99.00", "amount_received": "99.00",
            "currency": "USDT", "address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "tx_hash": "def456", "confirmations": 19,
            "created_at": "2025-01-01T00:00:00.000Z", "confirmed_at": "2025-01-01T00:05:00.000Z", "metadata": {"customer_id": "cust_456"},
        })
    );
    let seen: Value = serde_json::from_str(&event_body("payment.detected", &seen(), Some(100))).unwrap();
    assert_eq!((&seen["event"], &seen["confirmations"], &seen["confirmed_at"]), (&json!("payment.detected"), &json!(1), &Value::Null));
}

#[test]
fn ten_attempts_ever_further_apart() {
    let ended_at = Timestamp::from_secs(0);
    let after = |before, status| next(&Attempted { before, failing_since: None, status, retry_after: None, ended_at });
    let waits = [2, 4, 8, 16, 32, 64, 128, 256, 512].map(|seconds| Next::At(Timestamp::from_secs(seconds)));
    for status in [None, Some(301), Some(400), Some(410), Some(500)] {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8].map(|before| after(before, status)), waits);
        assert_eq!([9, 10, u64::MAX].map(|before| after(before, status)), [Next::GivenUp; 3]);
    }
    assert_eq!(after(0, Some(204)), Next::Delivered);
}

#[test]
fn an_idempotency_key_is_a_uuid_and_stays() {
    let key = idempotency_key("evt_payment_confirmed_ord_abc123");
    assert_eq!(key, idempotency_key("evt_payment_confirmed_ord_abc123"));
    assert_ne!(key, idempotency_key("evt_payment_detected_ord_abc123"));
    let lengths: Vec<usize> = key.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    let [_, _, version, variant, _] = key.split('-').collect::<Vec<_>>()[..] else { panic!("{key}") };
    assert!(version.starts_with('8') && variant.starts_with(['8', '9', 'a', 'b']), "{key}");
}
