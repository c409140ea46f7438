//! Which requests are believed. The schemes' own tests are in `payin-types`.

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:30:00Z","data":{"amount":"1"},"news":[1]}"#;

fn now() -> Timestamp {
    "2025-01-20T10:30:05Z".parse().unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn verifier() -> Verifier {
    Verifier::new(secret(SECRET))
}

#[test]
fn a_genuine_event_is_read_whatever_its_type() {
    let event = construct_event(sign(&secret(SECRET), "evt_1", now(), BODY), BODY, &verifier(), now()).unwrap();
    assert_eq!(event.event_type.as_str(), "order.completed");
    assert_eq!(serde_json::to_value(&event).unwrap()["news"], serde_json::json!([1]));

    let unknown = br#"{"id":"evt_2","type":"coupon.burnt","created_at":"2025-01-20T10:30:00Z","data":null}"#;
    let event = construct_event(sign(&secret(SECRET), "evt_2", now(), unknown), unknown, &verifier(), now()).unwrap();
    assert_eq!(event.event_type.as_str(), "coupon.burnt");
}

#[test]
fn names_are_found_whatever_their_case_and_among_others() {
    let headers: Vec<(String, Vec<u8>)> = sign(&secret(SECRET), "evt_1", now(), BODY)
        .into_iter()
        .map(|(name, value)| (name.to_ascii_uppercase(), value.into_bytes()))
        .chain([("host".to_owned(), vec![0xff])])
        .collect();
    verify(headers, BODY, &verifier(), now()).unwrap();
}

#[test]
fn either_scheme_will_do_but_payin_goes_first() {
    let [payin, id, time, standard] = sign(&secret(SECRET), "evt_1", now(), BODY);
    verify([payin.clone()], BODY, &verifier(), now()).unwrap();
    verify([id.clone(), time.clone(), standard.clone()], BODY, &verifier(), now()).unwrap();

    // A wrong PayIn signature is not saved by a right standard one.
    let wrong = (PAYIN_SIGNATURE, sign_payin(&[secret("another secret of some length")], now(), BODY));
    let refused = verify([wrong, id.clone(), time, standard.clone()], BODY, &verifier(), now());
    assert!(matches!(refused, Err(VerifyError::Mismatch { .. })));
    assert_eq!(verify([id, standard], BODY, &verifier(), now()), Err(VerifyError::MissingHeader(STANDARD_TIMESTAMP)));
}

#[test]
fn a_duplicated_header_is_refused() {
    let [payin, id, time, standard] = sign(&secret(SECRET), "evt_1", now(), BODY);
    let twice = verify([payin.clone(), payin], BODY, &verifier(), now());
    assert_eq!(twice, Err(VerifyError::DuplicatedHeader(PAYIN_SIGNATURE)));
    let twice = verify([id.clone(), id, time, standard], BODY, &verifier(), now());
    assert_eq!(twice, Err(VerifyError::DuplicatedHeader(STANDARD_ID)));
}

#[test]
fn the_timeless_dialects_are_believed_only_by_name() {
    let [headers, later] = [PAYWARDEN_SIGNATURE, PAYWARDEN_SIGNATURE_LATER].map(|name| [(name, sign_paywarden(&secret(SECRET), BODY))]);
    let other = VerifyError::OtherScheme { expected: Scheme::PayIn, looks_like: Scheme::PayWarden };
    assert_eq!(verify(headers.clone(), BODY, &verifier(), now()), Err(other.clone()));
    assert_eq!(verify(later.clone(), BODY, &verifier(), now()), Err(other));
    verify_as(Scheme::PayWarden, headers.clone(), BODY, &verifier(), now()).unwrap();
    verify_as(Scheme::PayWarden, later.clone(), BODY, &verifier(), now()).unwrap();
    let both = verify_as(Scheme::PayWarden, headers.into_iter().chain(later), BODY, &verifier(), now());
    assert_eq!(both, Err(VerifyError::DuplicatedHeader(PAYWARDEN_SIGNATURE)));
    let headers = [(CRYPTOPAY_SIGNATURE, sign_cryptopay(&secret(SECRET), BODY))];
    verify_as(Scheme::CryptoPay, headers, BODY, &verifier(), now()).unwrap();
}

#[test]
fn rotation_tolerance_and_garbage() {
    let old = secret("the old secret of a rotation");
    let both = sign_payin(&[secret(SECRET), old.clone()], now(), BODY);
    for trusted in [old.clone(), secret(SECRET)] {
        verify([(PAYIN_SIGNATURE, &both)], BODY, &Verifier::new(trusted), now()).unwrap();
    }
    let genuine = verify([(PAYIN_SIGNATURE, &both)], BODY, &Verifier::new(secret("neither of them")).or_secret(old), now()).unwrap();
    assert_eq!(genuine.secret, 1);
    for skew_s in [-301, 301] {
        let then = Timestamp::from_secs(now().secs() - skew_s);
        let refused = verify([(PAYIN_SIGNATURE, sign_payin(&[secret(SECRET)], then, BODY))], BODY, &verifier(), now());
        assert_eq!(refused, Err(VerifyError::Stale { skew_s, tolerance_s: 300 }));
    }
    let garbage = verify([(PAYIN_SIGNATURE, &[0xff_u8, 0xfe][..])], BODY, &verifier(), now());
    assert!(matches!(garbage, Err(VerifyError::Malformed(_))));
    let none: [(&str, &str); 0] = [];
    assert_eq!(verify(none, BODY, &verifier(), now()), Err(VerifyError::MissingHeader(PAYIN_SIGNATURE)));
}

#[test]
fn a_genuine_body_that_is_no_event_says_where() {
    let body = br#"{"id":"evt_1","type":7,"created_at":"2025-01-20T10:30:00Z","data":{}}"#;
    let error = construct_event(sign(&secret(SECRET), "evt_1", now(), body), body, &verifier(), now()).unwrap_err();
    assert!(matches!(error, WebhookError::Decode { path, .. } if path == "type"));
}
