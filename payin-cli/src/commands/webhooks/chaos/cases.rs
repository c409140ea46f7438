//! What a handler is tried with. A case must be one mistake, so that what is wrong can be told from which case is.

use payin_sdk::webhook::{self, PAYIN_SIGNATURE, STANDARD_ID, STANDARD_SIGNATURE, STANDARD_TIMESTAMP};
use payin_sdk::{EventType, SecretString, Timestamp};
use serde_json::{Value, json};

use super::judge::Expects::{self, Refused, Taken};
use super::maker::{Delivery, Maker, body};

/// One thing that a handler may get wrong.
pub struct Case {
    pub name: &'static str,
    pub expects: Expects,
    /// All but the last delivery are sent at the same moment.
    pub at_once: bool,
    /// What it means if it is not answered as expected.
    pub means: &'static str,
    pub make: fn(&mut Maker) -> Vec<Delivery>,
}

/// Nothing can be told of a handler that does not take this.
pub const FIRST: &str = "genuine";

/// How many copies come at once.
const AT_ONCE: usize = 6;
/// Signed so many seconds ago, well beyond the tolerance of 300.
const STALE_S: i64 = 900;
/// Clocks differ by so many seconds, well within it.
const SKEW_S: i64 = 60;

const fn case(name: &'static str, expects: Expects, means: &'static str, make: fn(&mut Maker) -> Vec<Delivery>) -> Case {
    Case { name, expects, at_once: false, means, make }
}

#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case(FIRST, Taken, "it takes no event at all: the secret, the path, or a body that is parsed before it is verified", |maker| {
        let event = maker.event();
        vec![maker.deliver(&event, 0)]
    }),
    case("duplicate", Taken, "an event that comes again is answered with an error: it is sent again for a day, though it was handled", |maker| {
        let event = maker.event();
        let (first, fresh) = (maker.deliver(&event, 1), maker.deliver(&event, 0));
        // The same to the byte, and with a signature of its own, as a retry has.
        vec![first.clone(), first, fresh]
    }),
    Case { at_once: true, ..case("duplicates-at-once", Taken, "copies that come at once are not told apart: a race", |maker| {
        let event = maker.event();
        vec![maker.deliver(&event, 0); AT_ONCE]
    }) },
    case("out-of-order", Taken, "an event that was overtaken by a newer one of its object is answered with an error", |maker| {
        let first = maker.event();
        let mut second = maker.event();
        (second.data, second.sequence) = (first.data.clone(), Some(2));
        vec![maker.deliver(&second, 0), maker.deliver(&first, 0)]
    }),
    case("late", Taken, "an event of two days ago is refused: after an outage they come late, signed anew", |maker| {
        let mut event = maker.event();
        event.created_at = Timestamp::from_secs(maker.now().secs().saturating_sub(2 * 86_400));
        vec![maker.deliver(&event, 0)]
    }),
    case("clock-skew", Taken, "a signature of a minute ago, or of a minute to come, is refused: clocks differ", |maker| {
        let (ago, ahead) = (maker.event(), maker.event());
        vec![maker.deliver(&ago, SKEW_S), maker.deliver(&ahead, -SKEW_S)]
    }),
    case("rotation", Taken, "of several signatures only the first or the last is looked at: events are lost while the secret is replaced", |maker| {
        let events = [maker.event(), maker.event()];
        let other = SecretString::from("whsec_dGhlIG90aGVyIHNlY3JldCBvZiBhIHJvdGF0aW9u");
        let own = maker.secret().clone();
        events.into_iter().zip([[own.clone(), other.clone()], [other, own]]).map(|(event, secrets)| {
            let (at, body) = (maker.now(), body(&event));
            let headers = headers([
                (PAYIN_SIGNATURE, webhook::sign_payin(&secrets, at, &body)),
                (STANDARD_ID, event.id.to_string()),
                (STANDARD_TIMESTAMP, at.secs().to_string()),
                (STANDARD_SIGNATURE, webhook::sign_standard(&secrets, event.id.as_str(), at, &body)),
            ]);
            maker.with_headers(&event, headers, body)
        }).collect()
    }),
    case("written-otherwise", Taken, "a genuine body with spaces and line ends is refused: it is verified as parsed and written again", |maker| {
        let event = maker.event();
        let spaced = [&pretty(&event)[..], b"\n"].concat();
        vec![maker.deliver_body(&event, spaced, 0)]
    }),
    case("unknown-type", Taken, "a type it does not know is an error to it: the next version's events make the endpoint fail", |maker| {
        let mut event = maker.event();
        event.event_type = EventType::from("payin.type_to_come");
        vec![maker.deliver(&event, 0)]
    }),
    case("unknown-fields", Taken, "a field it does not know is an error to it: the next version's events make the endpoint fail", |maker| {
        let mut event = maker.event();
        let to_come = json!({ "nested": [1, null, { "é": "👛" }] });
        event.extra.insert("fieldToCome".to_owned(), to_come.clone());
        if let Some(data) = event.data.as_object_mut() {
            data.insert("fieldToCome".to_owned(), to_come);
        }
        vec![maker.deliver(&event, 0)]
    }),
    case("unsigned", Refused, "an event without a signature is believed: anybody can pay with one", |maker| {
        let event = maker.event();
        let body = body(&event);
        vec![maker.with_headers(&event, Vec::new(), body)]
    }),
    case("wrong-secret", Refused, "a signature made with another secret is believed: it is not verified", |maker| {
        signed_with(maker, "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBlbnRpcmVseQ==")
    }),
    case("empty-secret", Refused, "a signature made with an empty secret is believed: the secret is not set", |maker| signed_with(maker, "")),
    case("tampered", Refused, "a body that was altered after signing is believed: amounts can be changed on the way", |maker| {
        let event = maker.event();
        let mut altered = event.clone();
        if let Some(data) = altered.data.as_object_mut() {
            data.insert("amount".to_owned(), Value::from("1000000.00"));
        }
        vec![Delivery { body: body(&altered), ..maker.deliver(&event, 0) }]
    }),
    case("stale", Refused, "a signature of a quarter of an hour ago is believed: a copy that was caught can be replayed", |maker| {
        let event = maker.event();
        vec![maker.deliver(&event, STALE_S)]
    }),
    case("from-the-future", Refused, "a signature of the future is believed: a copy of it can be replayed until then", |maker| {
        let event = maker.event();
        vec![maker.deliver(&event, -STALE_S)]
    }),
    case("stale-made-fresh", Refused, "the time of an old signature can be replaced: it is not part of what is verified", |maker| {
        let event = maker.event();
        let then = Timestamp::from_secs(maker.now().secs().saturating_sub(STALE_S));
        vec![maker.deliver(&event, STALE_S).retime(then, maker.now())]
    }),
    case("truncated-signature", Refused, "the beginning of a signature is taken for the whole: it can be guessed byte by byte", |maker| {
        let event = maker.event();
        vec![
            maker.deliver(&event, 0).resign(|signature| signature.chars().take(16).collect()),
            maker.deliver(&event, 0).resign(|_| String::new()),
        ]
    }),
    case("malformed-signature", Refused, "a signature header that is none is no refusal to it, but an error of its own, or believed", |maker| {
        let event = maker.event();
        let body = body(&event);
        ["", "t=,v1=", "t=now,v1=zz", "v1", "💥"].iter().map(|nonsense| {
            let headers = headers([
                (PAYIN_SIGNATURE, (*nonsense).to_owned()),
                (STANDARD_ID, event.id.to_string()),
                (STANDARD_TIMESTAMP, "now".to_owned()),
                (STANDARD_SIGNATURE, (*nonsense).to_owned()),
            ]);
            maker.with_headers(&event, headers, body.clone())
        }).collect()
    }),
    case("downgraded", Refused, "a signature of another version, over the body alone, is believed: it can be replayed for ever", |maker| {
        let event = maker.event();
        let (at, body) = (maker.now().secs(), body(&event));
        let digits = webhook::sign_cryptopay(maker.secret(), &body);
        [format!("t={at},v0={digits}"), format!("t={at},v1={digits}"), format!("sha256={digits}"), digits.clone()].into_iter()
            .map(|value| maker.with_headers(&event, headers([(PAYIN_SIGNATURE, value)]), body.clone()))
            .collect()
    }),
    case("reserialised", Refused, "the same JSON written otherwise is believed: what is verified is not the raw body", |maker| {
        let event = maker.event();
        vec![Delivery { body: pretty(&event), ..maker.deliver(&event, 0) }]
    }),
    case("forged-then-genuine", Taken, "a forged copy is believed, or keeps the genuine event out: its id is remembered before it is verified", |maker| {
        let event = maker.event();
        let forged = maker.deliver(&event, 0).resign(|signature| signature.chars().rev().collect());
        vec![Delivery { expects: Refused, ..forged }, maker.deliver(&event, 0)]
    }),
];

/// The first case first, the others in an order that the seed chooses.
pub fn shuffled<'a>(cases: &'a [Case], maker: &mut Maker) -> Vec<&'a Case> {
    let mut rest: Vec<(u64, &Case)> =
        cases.iter().map(|case| if case.name == FIRST { (0, case) } else { (maker.random() | 1, case) }).collect();
    rest.sort_by_key(|(place, _)| *place);
    rest.into_iter().map(|(_, case)| case).collect()
}

fn headers<const N: usize>(headers: [(&str, String); N]) -> Vec<(String, String)> {
    headers.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn signed_with(maker: &mut Maker, secret: &str) -> Vec<Delivery> {
    let event = maker.event();
    let body = body(&event);
    let signed = webhook::sign(&SecretString::from(secret), event.id.as_str(), maker.now(), &body);
    vec![maker.with_headers(&event, headers(signed), body)]
}

fn pretty(event: &payin_sdk::Event) -> Vec<u8> {
    serde_json::to_vec_pretty(event).unwrap_or_default()
}
