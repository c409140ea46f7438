//! What is a warning and what fails.

use payin_sdk::Protocol;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_737_369_000);

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn clocks_may_differ_a_little() {
    let shifted = |seconds: i64| Timestamp::from_secs(NOW.secs() + seconds);
    let verdict = |seconds: i64| clocks(Some(shifted(seconds)), NOW, NOW, shifted(seconds)).verdict;
    for (seconds, expected) in [
        (0, Verdict::Ok),
        (-31, Verdict::Ok),
        (30, Verdict::Ok),
        (-32, Verdict::Warn),
        (31, Verdict::Warn),
        (300, Verdict::Warn),
        (301, Verdict::Fail),
        (-302, Verdict::Fail),
    ] {
        assert_eq!(verdict(seconds), expected, "{seconds}");
    }
    // A slow answer is no skew.
    assert_eq!(clocks(Some(shifted(40)), NOW, shifted(80), shifted(40)).told, "agrees with the server's");
    assert!(clocks(Some(NOW), NOW, NOW, shifted(3600)).told.contains("virtual clock"));
    assert_eq!(clocks(None, NOW, NOW, NOW).verdict, Verdict::Warn);
}

#[test]
fn a_pool_runs_out() {
    let counts = |total, available| PoolCounts { total, available, ..PoolCounts::default() };
    let status = PoolStatus::from([(Protocol::Evm, counts(100, 20)), (Protocol::Solana, counts(0, 0)), (Protocol::Tron, counts(100, 19))]);
    let verdicts: Vec<_> = pool(&status, None).into_iter().map(|finding| finding.verdict).collect();
    assert_eq!(verdicts, [Verdict::Ok, Verdict::Warn]);
    assert_eq!(pool(&status, Some(21))[0].verdict, Verdict::Warn);
    let empty = pool(&PoolStatus::from([(Protocol::Evm, counts(3, 0))]), Some(0));
    assert_eq!(empty[0].verdict, Verdict::Fail);
    assert!(empty[0].advice.as_ref().unwrap().contains("addresses import"));
    assert_eq!(pool(&PoolStatus::new(), None)[0].verdict, Verdict::Fail);
}

#[test]
fn the_chain_that_is_ill_is_named() {
    let health = |status: &str, chain: &str| {
        let checks = json!({"database": {"status": "healthy"}, "ethereum-sepolia": {"status": chain, "message": "no answer"}});
        from::<Health>(json!({"status": status, "timestamp": NOW, "version": "1", "checks": checks}))
    };
    let well = readiness(&health("healthy", "healthy"));
    assert_eq!((well.len(), well[0].told.as_str()), (1, "well: database, ethereum-sepolia"));
    let ill = readiness(&health("unhealthy", "unhealthy"));
    let failing: Vec<_> = ill.iter().filter(|finding| finding.verdict == Verdict::Fail).collect();
    assert_eq!(failing.len(), 1);
    assert_eq!(failing[0].told, "ethereum-sepolia is unhealthy: no answer");
    assert_eq!(readiness(&health("unhealthy", "healthy"))[0].verdict, Verdict::Fail);
}

#[test]
fn endpoints_that_do_not_take_events_fail() {
    let of = |enabled: bool| {
        let fields =
            json!({"id": "we_1", "url": "https://s.test", "events": ["*"], "enabled": enabled, "createdAt": NOW, "updatedAt": NOW});
        from::<Endpoint>(fields)
    };
    assert_eq!(endpoint(&of(true), 0, 0).verdict, Verdict::Ok);
    assert_eq!(endpoint(&of(true), 3, 1).verdict, Verdict::Fail);
    assert!(endpoint(&of(true), 3, 1).told.contains("3 events"));
    assert!(endpoint(&of(true), 0, 2).told.contains("not taken 2 events"));
    assert_eq!(endpoint(&of(false), 0, 0).verdict, Verdict::Warn);
    assert_eq!(no_endpoint().verdict, Verdict::Warn);
}

#[test]
fn limits_keys_and_lines_in_clear_are_warned_of() {
    use payin_sdk::transport::Response;
    let limit = |remaining: &str| {
        let mut answer = Response::new(200, Default::default(), "");
        for (name, value) in [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", "1737369060")] {
            answer.headers.insert(name, value.parse().unwrap());
        }
        limits(RateLimit::of(&answer)).verdict
    };
    assert_eq!((limit("10"), limit("9"), limits(None).verdict), (Verdict::Ok, Verdict::Warn, Verdict::Ok));
    assert_eq!(expiry(NOW.plus(SOON), NOW).verdict, Verdict::Ok);
    assert_eq!(expiry(NOW.plus(Duration::from_secs(60)), NOW).verdict, Verdict::Warn);
    for (url, verdict) in [
        ("https://x.test/api/v1", Verdict::Ok),
        ("http://127.0.0.1:3000/api/v1", Verdict::Ok),
        ("http://localhost/api/v1", Verdict::Ok),
        ("http://[::1]:3000/api/v1", Verdict::Ok),
        ("http://10.0.0.1/api/v1", Verdict::Warn),
        ("http://localhost.shop.test/api/v1", Verdict::Warn),
        ("http://127.shop.test/api/v1", Verdict::Warn),
    ] {
        assert_eq!(tls(url).verdict, verdict, "{url}");
    }
}
