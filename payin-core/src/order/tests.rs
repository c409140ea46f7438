use super::*;
use crate::chains;
use payin_types::{Environment, EventType};
use proptest::prelude::*;
use serde_json::json;

mod model;

fn testnet() -> Chains {
    Chains::new(chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect())
}

fn request() -> CreateOrder {
    CreateOrder::new("ORDER-2025-001", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia")
}

fn opened(request: CreateOrder) -> Result<Terms, ErrorCode> {
    open(request, &testnet(), &Settings::default()).map_err(|error| error.code)
}

#[test]
fn the_documents_request_opens_an_order() {
    let terms = opened(request().metadata("customerName", "John Doe").success_url("https://yoursite.com/order/success")).unwrap();
    assert_eq!(terms.amount.to_string(), "100.00");
    assert_eq!((terms.window, terms.grace), (Duration::from_secs(600), Duration::from_secs(300)));
}

#[test]
fn bad_requests_are_refused_by_name() {
    let mut many = request();
    many.metadata = Some((0..11).map(|n| (n.to_string(), json!(n))).collect());
    let mut heavy = request();
    heavy.metadata = Some(Map::from_iter([("k".to_owned(), json!("x".repeat(metadata::BYTES_MAX)))]));
    let mut nul = request();
    nul.metadata = Some(Map::from_iter([("k".to_owned(), json!("a\u{0}b"))]));
    let mut deep = request();
    let nested = (0..metadata::DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    deep.metadata = Some(Map::from_iter([("k".to_owned(), nested)]));
    let with = |change: fn(&mut CreateOrder)| {
        let mut request = request();
        change(&mut request);
        request
    };
    for (request, code) in [
        (with(|r| r.amount = "0.00".parse().unwrap()), ErrorCode::InvalidAmount),
        (with(|r| r.amount = "1.2345678".parse().unwrap()), ErrorCode::InvalidAmount),
        (with(|r| r.amount = "12345678901".parse().unwrap()), ErrorCode::InvalidAmount),
        (with(|r| r.chain_id = "invalid-chain".into()), ErrorCode::InvalidChain),
        (with(|r| r.chain_id = "ethereum-mainnet".into()), ErrorCode::InvalidChain),
        (with(|r| r.currency = "DOGE".into()), ErrorCode::InvalidCurrency),
        (with(|r| r.currency = "usdt".into()), ErrorCode::InvalidCurrency),
        (with(|r| r.order_reference = String::new()), ErrorCode::ValidationError),
        (with(|r| r.order_reference = "x".repeat(256)), ErrorCode::ValidationError),
        (with(|r| r.order_reference = "a\u{0}b".to_owned()), ErrorCode::ValidationError),
        (with(|r| r.success_url = Some("javascript:alert(1)".to_owned())), ErrorCode::ValidationError),
        (with(|r| r.payment_window_minutes = Some(0)), ErrorCode::ValidationError),
        (with(|r| r.payment_window_minutes = Some(61)), ErrorCode::ValidationError),
        (with(|r| (r.payment_window_minutes, r.grace_period_minutes) = (Some(60), Some(1))), ErrorCode::ValidationError),
        (many, ErrorCode::ValidationError),
        (heavy, ErrorCode::ValidationError),
        (nul, ErrorCode::ValidationError),
        (deep, ErrorCode::ValidationError),
    ] {
        assert_eq!(opened(request.clone()), Err(code), "{request:?}");
    }
    // 255 characters, not bytes.
    assert!(opened(with(|r| r.order_reference = "ü".repeat(255))).is_ok());
}

#[test]
fn an_order_expires_by_chain_time_alone() {
    let closes = Timestamp::from_secs(1000);
    assert!(!may_expire(closes, None, false));
    assert!(!may_expire(closes, Some(closes), false));
    assert!(may_expire(closes, Some(Timestamp::from_secs(1001)), false));
    assert!(!may_expire(closes, Some(Timestamp::from_secs(9999)), true));
}

#[test]
fn no_order_is_taken_on_a_chain_that_is_not_followed_runs_ahead_or_is_behind() {
    let now = Timestamp::from_secs(1000);
    let chains = Chains::new(chains::known());
    let of = |chain: &str, head| check_chain(chains.get(&chain.into()).unwrap(), head, now).map_err(|error| error.code);
    let code = |head| of("base-sepolia", head);
    assert_eq!(code(None), Err(ErrorCode::ChainUnavailable));
    assert_eq!(code(Some(Timestamp::from_secs(1060))), Ok(()));
    assert_eq!(code(Some(Timestamp::from_secs(1061))), Err(ErrorCode::ChainUnavailable));
    assert_eq!(code(Some(Timestamp::from_secs(700))), Ok(()));
    assert_eq!(code(Some(Timestamp::from_secs(699))), Err(ErrorCode::ChainUnavailable));
}

/// An order of 100 that nothing was paid for.
fn facts() -> Facts {
    Facts {
        id: "ord_1".into(),
        organization_id: "org_1".into(),
        terms: opened(request()).unwrap(),
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

/// A confirmed payment of so many tokens.
fn paid(tokens: u128) -> Counted {
    let payment = Payment { tx_hash: "0x1".to_owned(), block_number: 7 };
    Counted { payment, amount: Units::from_base_units(tokens, 0).unwrap(), is_confirmed: true }
}

/// No payment that counts is confirmed after an order has expired. But its operator may allow more to be missing than before.
#[test]
fn an_expired_order_is_not_completed() {
    let (now, tolerance) = (Timestamp::from_secs(2000), Units::from_base_units(1, 0).unwrap());
    let mut received = Received::default();
    received.add(paid(99), false).unwrap();
    let settled = |expired_at| {
        let mut facts = Facts { expired_at, ..facts() };
        (settle(&mut facts, &received, tolerance, now), facts.status())
    };
    assert_eq!(settled(None), (vec![EventType::OrderCompleted], OrderStatus::Completed));
    assert_eq!(settled(Some(now)), (Vec::new(), OrderStatus::Expired));
}

#[test]
fn sums_that_overflow_are_no_sums() {
    for is_late in [false, true] {
        let mut received = Received::default();
        let all = Counted { amount: Units::MAX, ..paid(1) };
        received.add(all, is_late).unwrap();
        assert_eq!(received.add(paid(1), is_late), None);
    }
}

proptest! {
    #[test]
    fn paid_means_at_least_the_amount_less_the_tolerance(received in 0u128..300, amount in 1u128..200, tolerance in 0u128..50) {
        let units = |n| Units::from_base_units(n, 6).unwrap();
        let paid = is_paid(units(received), units(amount), units(tolerance));
        let allowed = if tolerance < amount { tolerance } else { 0 };
        prop_assert_eq!(paid, received > 0 && received + allowed >= amount);
    }
}
