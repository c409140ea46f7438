//! Short texts that have a meaning here: cursors, times, waits that receivers ask for, networks, numbers of orders, slugs, one-time codes. Each
//! is refused, or read as itself again; and nobody is waited for longer than is allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_core::client::{Network, client};
use payin_core::cryptopay::{Named, named};
use payin_core::delivery::{Attempted, Next, Policy, RETRY_AFTER_MAX};
use payin_core::{Cursor, link, replay, totp};
use payin_types::{OrderId, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// When a delivery is tried again whose receiver answered this.
fn waits(text: &str) {
    let policy = Policy::default();
    for (before, own) in (0u64..).zip(policy.retries.iter().copied()) {
        let attempt = Attempted { before, failing_since: None, status: Some(503), retry_after: Some(text), ended_at: NOW };
        for random in [0, u32::MAX] {
            let Next::At(at) = policy.course(&attempt, random).next else { panic!("given up after {before} failures") };
            assert!((NOW.plus(own)..=NOW.plus(own.max(RETRY_AFTER_MAX) + own / 5)).contains(&at), "{text:?}: {at}");
        }
        // What is asked for in plain seconds, and allowed, is what is waited for.
        if let Some(asked) = text.parse::<u64>().ok().filter(|asked| asked.to_string() == text && (own.as_secs()..=3600).contains(asked)) {
            assert_eq!(
                policy.course(&attempt, 0).next,
                Next::At(Timestamp::from_secs(NOW.secs() + i64::try_from(asked).expect("an hour")))
            );
        }
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(key) = replay::key(data) {
        assert!((1..=255).contains(&key.len()) && key.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{key:?}");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    waits(text);
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string(), text);
        let next = Cursor { position: cursor.position.saturating_add(1), ..cursor };
        assert!(cursor.check(next).is_ok() && cursor.check(cursor).is_ok());
        assert!(next == cursor || next.check(cursor).is_err());
        assert!(cursor.check(Cursor { epoch: !cursor.epoch, position: u64::MAX }).is_err());
    }
    for time in [text.parse::<Timestamp>(), Timestamp::from_http_date(text)].into_iter().flatten() {
        assert_eq!(time.to_string().parse(), Ok(time), "{text:?}");
    }
    if let Ok(network) = text.parse::<Network>() {
        let first = text.split('/').next().and_then(|address| address.parse().ok()).expect("its first address");
        // An IPv4 address mapped into IPv6 is looked for as IPv4.
        assert!(network.has(first) || first.to_canonical() != first, "{text}");
        let peer = "192.0.2.1".parse().expect("an address");
        assert_eq!(client(peer, [text].into_iter(), &[]), peer, "who is not trusted is not believed");
    }
    match named(text) {
        Some(Named::Number(number)) => assert_eq!(number.to_string(), text),
        Some(Named::Id(id)) => assert_eq!(payin_core::cryptopay::order_id(&OrderId::from(id.as_str())), text),
        None => {}
    }
    if let Some(secret) = totp::read(text) {
        assert_eq!(totp::written(&secret), text);
        let step = totp::step(NOW);
        let code = totp::code(&secret, step);
        // Two moments may have one code.
        assert!(totp::step_of(&secret, &code, step - 1, NOW).is_some_and(|found| totp::code(&secret, found) == code));
        assert!(totp::step_of(&secret, &code, step, NOW).is_none_or(|found| found > step), "a code counts once");
    }
    let _ = totp::Shown::read(text);
    assert!(link::check_slug(text).is_err() || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
});
