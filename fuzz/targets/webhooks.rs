//! Requests that say they are webhooks: whatever is believed was signed as it stands, by whoever has the secret and near enough to now. Whoever
//! has seen genuine signatures may use them wherever they like: `{payin}` in a header's value is one, and so on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_sdk::webhook::{
    Genuine, Scheme, Verifier, construct_event, sign, sign_cryptopay, sign_payin, sign_paywarden, sign_standard, verify, verify_as,
};
use payin_sdk::{SecretString, Timestamp};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// A second longer ago than is believed.
const LONG_AGO: Timestamp = Timestamp::from_secs(NOW.secs() - 301);
/// The one body that was ever signed, and its id.
const BODY: &str = r#"{"id":"evt_1","type":"order.completed","created_at":"2026-01-01T00:00:00Z","data":{}}"#;
const ID: &str = "evt_1";

/// What a forger may have seen, by the names that stand for it.
fn seen() -> [(&'static str, String); 6] {
    let secrets: [SecretString; 1] = [SECRET.into()];
    let hex = |header: String| header.rsplit('=').next().unwrap_or_default().to_owned();
    let base64 = |header: String| header.trim_start_matches("v1,").to_owned();
    [
        ("{payin}", hex(sign_payin(&secrets, NOW, BODY.as_bytes()))),
        ("{payin-old}", hex(sign_payin(&secrets, LONG_AGO, BODY.as_bytes()))),
        ("{standard}", base64(sign_standard(&secrets, ID, NOW, BODY.as_bytes()))),
        ("{standard-old}", base64(sign_standard(&secrets, ID, LONG_AGO, BODY.as_bytes()))),
        ("{body}", sign_cryptopay(&secrets[0], BODY.as_bytes())),
        ("{other}", sign_cryptopay(&"whsec_of_another".into(), BODY.as_bytes())),
    ]
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
}

/// The message that was authenticated is one that was signed with this scheme's key: the text of the secret, or for Standard Webhooks what
/// it is the base64 of.
fn believed(scheme: Scheme, genuine: Genuine, headers: &[(String, String)], body: &[u8]) {
    assert_eq!(genuine.secret, 0);
    let signed_at = |at: Timestamp| genuine.signed_at == Some(at);
    match scheme {
        Scheme::PayIn => assert!(body == BODY.as_bytes() && signed_at(NOW), "{headers:?}"),
        Scheme::Standard => {
            assert!(body == BODY.as_bytes() && signed_at(NOW) && value(headers, "webhook-id") == ID, "{headers:?}");
        }
        // Their messages are the body alone, so that with one secret for several schemes the message of another is a body, which is no JSON.
        _ => {
            let of_payin = [NOW, LONG_AGO].map(|at| format!("{}.{BODY}", at.secs()));
            assert!(genuine.signed_at.is_none() && (body == BODY.as_bytes() || of_payin.iter().any(|message| body == message.as_bytes())));
        }
    }
}

/// What is signed is believed as it stands, and not with anything behind it or by another secret.
fn signed(body: &[u8]) {
    let (secret, verifier) = (SECRET.into(), Verifier::new(SECRET.into()));
    let longer = [body, b" "].concat();
    let headers = sign(&secret, ID, NOW, body);
    let dialects = [("X-PayWarden-Signature", sign_paywarden(&secret, body)), ("X-Webhook-Signature", sign_cryptopay(&secret, body))];
    for (scheme, headers) in [
        (Scheme::PayIn, headers.as_slice()),
        (Scheme::Standard, headers.as_slice()),
        (Scheme::PayWarden, dialects.as_slice()),
        (Scheme::CryptoPay, dialects.as_slice()),
    ] {
        let judged = |verifier: &Verifier, body: &[u8]| verify_as(scheme, headers.iter().cloned(), body, verifier, NOW).is_ok();
        assert!(judged(&verifier, body), "{scheme}");
        assert!(!judged(&verifier, &longer) && !judged(&Verifier::new("whsec_of_another".into()), body), "{scheme}");
    }
}

fuzz_target!(|data: &[u8]| {
    signed(data);
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let filled = seen().iter().fold(head.to_owned(), |head, (name, signature)| head.replace(name, signature));
    let headers: Vec<(String, String)> =
        filled.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let pairs = || headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (body, verifier) = (body.as_bytes(), Verifier::new(SECRET.into()));
    for scheme in [Scheme::PayIn, Scheme::Standard, Scheme::PayWarden, Scheme::CryptoPay] {
        if let Ok(genuine) = verify_as(scheme, pairs(), body, &verifier, NOW) {
            believed(scheme, genuine, &headers, body);
        }
    }
    let event = construct_event(pairs(), body, &verifier, NOW);
    assert_eq!(verify(pairs(), body, &verifier, NOW).is_ok(), event.is_ok());
    assert!(event.is_err() || body == BODY.as_bytes());
    // Whatever the setting is, it is no reason to panic; and one that was not set believes nobody.
    let set = Verifier::new(head.into()).tolerance(None);
    let judged = verify_as(Scheme::CryptoPay, pairs(), body, &set, NOW);
    assert!(judged.is_err() || !head.trim().is_empty());
});
