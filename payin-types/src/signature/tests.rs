use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const SECRET: &str = "whsec_test_secret_0123456789";
const BODY: &str = r#"{"id":"evt_order_completed_ord_abc123","type":"order.completed","created_at":"2025-01-28T12:34:56Z","data":{"orderId":"ord_abc123","orderReference":"ORDER-2025-001","status":"completed","amount":"100.00","currency":"USDT","chainId":"ethereum-sepolia"}}"#;
const HEADER: &str = "t=1738067696,v1=a1240691062ecbe3131aaca49a56b13bec2f66f2de9de8a80992862eeea6958e";
const NOW: Timestamp = Timestamp::from_secs(1_738_067_700);

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn verifier() -> Verifier {
    Verifier::new(secret(SECRET))
}

#[test]
fn the_known_vectors() {
    assert_eq!(sign_payin(&[secret(SECRET)], Timestamp::from_secs(1_738_067_696), BODY.as_bytes()), HEADER);
    let genuine = verifier().verify(Claim::payin(HEADER), BODY.as_bytes(), NOW).unwrap();
    assert_eq!(genuine, Genuine { secret: 0, signed_at: Some(Timestamp::from_secs(1_738_067_696)) });

    let paywarden = r#"{"event":"payment.confirmed","order_id":"ord_abc123","external_id":"order_123","amount":"99.00","amount_received":"99.00","currency":"USDT","address":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","tx_hash":"def456","confirmations":19,"created_at":"2025-01-01T00:00:00Z","confirmed_at":"2025-01-01T00:05:00Z"}"#;
    let header = "sha256=fbe9c56ec7ed647b21954520fd5b53ac09705505bbee0a4d9cf32ad28021da2e";
    assert_eq!(sign_paywarden(&secret(SECRET), paywarden.as_bytes()), header);
    verifier().verify(Claim::of(Scheme::PayWarden, header), paywarden.as_bytes(), NOW).unwrap();

    let cryptopay = r#"{"event":"payment.confirmed","data":{"order_id":"ORD-abc123def456","amount":"100.00","currency":"USDC","blockchain":"base","status":"confirmed"},"timestamp":"2024-01-01T10:15:30Z","webhook_id":"wh_abc123def456"}"#;
    let header = "49cf00955d79752241f7125e27e1fc45a15d12fdfb3ce35463b93dd0339d910f";
    assert_eq!(sign_cryptopay(&secret(SECRET), cryptopay.as_bytes()), header);
    verifier().verify(Claim::of(Scheme::CryptoPay, header), cryptopay.as_bytes(), NOW).unwrap();
}

#[test]
fn standard_webhooks_vector() {
    // The example of the Standard Webhooks specification.
    let key = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let body = br#"{"test": 2432232314}"#;
    let signature = sign_standard(std::slice::from_ref(&key), "msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp::from_secs(1_614_265_330), body);
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let claim = Claim::standard("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", &signature);
    Verifier::new(key).verify(claim, body, Timestamp::from_secs(1_614_265_330)).unwrap();
}

#[test]
fn any_v1_and_any_secret_will_do_in_both_orders() {
    let (old, new) = (secret("an old secret of 16+"), secret(SECRET));
    for secrets in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
        let header = sign_payin(&secrets, NOW, b"{}");
        verifier().verify(Claim::payin(&header), b"{}", NOW).unwrap();
        let genuine = Verifier::new(secret("none")).or_secret(new.clone()).verify(Claim::payin(&header), b"{}", NOW).unwrap();
        assert_eq!(genuine.secret, 1);
        let standard = sign_standard(&secrets, "evt_1", NOW, b"{}");
        let time = NOW.secs().to_string();
        for secret in &secrets {
            Verifier::new(secret.clone()).verify(Claim::standard("evt_1", &time, &standard), b"{}", NOW).unwrap();
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_no_match() {
    let mut body = BODY.as_bytes().to_vec();
    for at in [0, 40, body.len() - 1] {
        body[at] ^= 1;
        assert!(matches!(verifier().verify(Claim::payin(HEADER), &body, NOW), Err(VerifyError::Mismatch { .. })));
        body[at] ^= 1;
    }
    let other_time = HEADER.replace("1738067696", "1738067697");
    assert!(matches!(verifier().verify(Claim::payin(&other_time), &body, NOW), Err(VerifyError::Mismatch { .. })));
}

#[test]
fn the_tolerance_holds_both_ways_to_the_second() {
    let at = |now_s| verifier().verify(Claim::payin(HEADER), BODY.as_bytes(), Timestamp::from_secs(now_s));
    at(1_738_067_696 + 300).unwrap();
    at(1_738_067_696 - 300).unwrap();
    assert_eq!(at(1_738_067_696 + 301), Err(VerifyError::Stale { skew_s: 301, tolerance_s: 300 }));
    assert_eq!(at(1_738_067_696 - 301), Err(VerifyError::Stale { skew_s: -301, tolerance_s: 300 }));
    verifier().tolerance(None).verify(Claim::payin(HEADER), BODY.as_bytes(), Timestamp::from_secs(0)).unwrap();
}

#[test]
fn the_error_says_what_is_wrong() {
    let hint = |verifier: &Verifier, body: &[u8]| match verifier.verify(Claim::payin(HEADER), body, NOW) {
        Err(VerifyError::Mismatch { hint }) => hint,
        other => panic!("{other:?}"),
    };
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(BODY).unwrap()).unwrap();
    // serde_json sorts keys, so the compact form of this body differs from what was signed; sign a sorted one.
    let sorted = serde_json::to_string(&serde_json::from_str::<serde_json::Value>(BODY).unwrap()).unwrap();
    let header = sign_payin(&[secret(SECRET)], NOW, sorted.as_bytes());
    assert_eq!(
        verifier().verify(Claim::payin(&header), pretty.as_bytes(), NOW),
        Err(VerifyError::Mismatch { hint: Some(Hint::BodyReserialised) })
    );
    assert_eq!(hint(&verifier(), format!("{BODY}\n").as_bytes()), Some(Hint::BodyWhitespace));
    assert_eq!(hint(&Verifier::new(secret(&format!("{SECRET}\n"))), BODY.as_bytes()), Some(Hint::SecretWhitespace));
    assert_eq!(hint(&Verifier::new(secret("another secret")), BODY.as_bytes()), None);
    // The body as other programs write it again, in its own order: with spaces, indented, with what is not ASCII or is a slash escaped.
    let spaced = BODY.replace("\":", "\": ").replace(",\"", ", \"");
    assert_eq!(hint(&verifier(), spaced.as_bytes()), Some(Hint::BodyReserialised));
    assert_eq!(hint(&verifier(), BODY.replace("USDT", "\\u0055SDT").as_bytes()), Some(Hint::BodyReserialised));
    assert_eq!(hint(&verifier(), BODY.replace("USDT", "USDC").as_bytes()), None);
    // With its keys sorted, where it was written as our server does.
    let event: crate::Event = serde_json::from_str(BODY).unwrap();
    let header = sign_payin(&[secret(SECRET)], NOW, &serde_json::to_vec(&event).unwrap());
    assert!(matches!(
        verifier().verify(Claim::payin(&header), sorted.as_bytes(), NOW),
        Err(VerifyError::Mismatch { hint: Some(Hint::BodyReserialised) })
    ));

    let wrong = |header: &str| verifier().verify(Claim::payin(header), BODY.as_bytes(), NOW).unwrap_err();
    assert_eq!(wrong("sha256=00"), VerifyError::OtherScheme { expected: Scheme::PayIn, looks_like: Scheme::PayWarden });
    assert_eq!(wrong("v1,abc"), VerifyError::OtherScheme { expected: Scheme::PayIn, looks_like: Scheme::Standard });
    assert_eq!(wrong("v1=00"), VerifyError::Malformed("it has no t="));
    assert_eq!(wrong("t=12"), VerifyError::Malformed("it holds no signature of this scheme"));
    assert!(matches!(wrong("t=soon,v1=a1240691062ecbe3131aaca49a56b13bec2f66f2de9de8a80992862eeea6958e"), VerifyError::Malformed(_)));
    assert!(matches!(wrong(""), VerifyError::Malformed(_)));
    assert!(matches!(wrong("t=1,t=2,v1=00"), VerifyError::Malformed(_)));
}

#[test]
fn a_skew_is_told_with_its_side() {
    let says = |skew_s| VerifyError::Stale { skew_s, tolerance_s: 300 }.to_string();
    assert_eq!(
        says(301),
        "signed 301 s ago, more than the 300 s allowed: an old copy is replayed, or this machine's clock is ahead of the sender's"
    );
    assert_eq!(says(-4000), "signed 4000 s in the future, more than the 300 s allowed: this machine's clock is behind the sender's");
    assert!(says(i64::MIN).starts_with("signed 9223372036854775808 s in the future"));
}

#[test]
fn the_secret_in_another_form_is_told() {
    let base64 = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let known = Verifier::new(secret(&format!("whsec_{base64}")));
    let signed_with_bare = sign_payin(&[secret(base64)], NOW, b"{}");
    let hint = VerifyError::Mismatch { hint: Some(Hint::SecretForm) };
    assert_eq!(known.verify(Claim::payin(&signed_with_bare), b"{}", NOW), Err(hint.clone()));
    // Standard Webhooks signed with the text instead of the bytes that it stands for.
    let time = NOW.secs().to_string();
    let text = format!("v1,{}", mac::to_base64(&mac::sign(base64.as_bytes(), &[b"evt_1.", time.as_bytes(), b".{}"])));
    assert_eq!(known.verify(Claim::standard("evt_1", &time, &text), b"{}", NOW), Err(hint));
}

#[test]
fn any_number_of_signatures_costs_one_pass_over_the_body() {
    // With a pass for each, this takes many minutes.
    let body = vec![b' '; BODY_BYTES_MAX];
    let forged = format!(",v1={}", "0".repeat(64)).repeat(5_000);
    let header = format!("t={}{forged}", NOW.secs());
    let refused = verifier().verify(Claim::payin(&header), &body, NOW);
    assert_eq!(refused, Err(VerifyError::Mismatch { hint: None }));
    let genuine = sign_payin(&[secret(SECRET)], NOW, &body) + &forged;
    verifier().verify(Claim::payin(&genuine), &body, NOW).unwrap();
    assert_eq!(verifier().verify(Claim::payin(&genuine), &[&body[..], b" "].concat(), NOW), Err(VerifyError::BodyTooLong));
}

#[test]
fn secrets_are_read_as_other_verifiers_read_them() {
    // With and without padding, and with last bits that say nothing: one key.
    let sign = |text: &str| sign_standard(&[secret(text)], "evt_1", NOW, b"{}");
    assert_eq!(sign("whsec_MfKQ9r8GKYqrTwjUPD8ILA=="), sign("whsec_MfKQ9r8GKYqrTwjUPD8ILA"));
    assert_eq!(sign("whsec_MfKQ9r8GKYqrTwjUPD8ILA=="), sign("whsec_MfKQ9r8GKYqrTwjUPD8ILB=="));
    // No base64: the text itself, its prefix included.
    assert_eq!(sign(SECRET), sign(&format!("whsec_{}", mac::to_base64(SECRET.as_bytes()))));
}

#[test]
fn secrets_are_not_shown() {
    assert!(!format!("{:?}", verifier()).contains(SECRET));
}

#[test]
fn an_empty_secret_verifies_nothing() {
    for (scheme, empty) in [(Scheme::PayIn, ""), (Scheme::Standard, "whsec_"), (Scheme::CryptoPay, ""), (Scheme::PayIn, "\n")] {
        let header = sign_payin(&[secret("")], NOW, b"{}");
        let claim = match scheme {
            Scheme::Standard => Claim::standard("msg", "1738067700", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            scheme => Claim::of(scheme, &header),
        };
        assert_eq!(Verifier::new(secret(empty)).verify(claim, b"{}", NOW), Err(VerifyError::NoSecret));
        assert_eq!(verifier().or_secret(secret(empty)).verify(claim, b"{}", NOW), Err(VerifyError::NoSecret));
    }
}

/// What each scheme sends with a body.
fn signed(scheme: Scheme, secret: &SecretString, body: &[u8]) -> String {
    let secrets = std::slice::from_ref(secret);
    match scheme {
        Scheme::PayIn => sign_payin(secrets, NOW, body),
        Scheme::Standard => sign_standard(secrets, "evt_1", NOW, body),
        Scheme::PayWarden => sign_paywarden(secret, body),
        Scheme::CryptoPay => sign_cryptopay(secret, body),
    }
}

fn claim<'a>(scheme: Scheme, time: &'a str, header: &'a str) -> Claim<'a> {
    if scheme == Scheme::Standard { Claim::standard("evt_1", time, header) } else { Claim::of(scheme, header) }
}

const SCHEMES: [Scheme; 4] = [Scheme::PayIn, Scheme::Standard, Scheme::PayWarden, Scheme::CryptoPay];

proptest! {
    #[test]
    fn what_was_signed_is_genuine_and_nothing_else_is(text in "[!-~]{16,40}", body in vec(any::<u8>(), 0..200), at: usize, bit in 0u8..8) {
        let (genuine, time) = (secret(&text), NOW.secs().to_string());
        for scheme in SCHEMES {
            let header = signed(scheme, &genuine, &body);
            let judged = |header: &str, secret: SecretString, body: &[u8]| Verifier::new(secret).verify(claim(scheme, &time, header), body, NOW);
            prop_assert!(judged(&header, genuine.clone(), &body).is_ok());
            let mut changed = body.clone();
            changed.push(0);
            prop_assert!(judged(&header, genuine.clone(), &changed).is_err());
            changed.pop();
            let place = at % body.len().max(1);
            changed.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
            prop_assert_eq!(judged(&header, genuine.clone(), &changed).is_ok(), changed == body);
            let another = secret(&format!("{text}x"));
            prop_assert!(judged(&header, another, &body).is_err());
            // A digit of the signature.
            let forged: String = header.chars().rev().enumerate().map(|(n, c)| if n == 1 + at % 40 { if c == 'a' { 'b' } else { 'a' } } else { c }).collect();
            let forged: String = forged.chars().rev().collect();
            prop_assert!(judged(&forged, genuine.clone(), &body).is_err(), "{}", forged);
        }
    }

    #[test]
    fn whoever_has_no_secret_is_believed_by_nobody(header in "\\PC{0,120}|t=[0-9]{0,20},v1=[0-9a-f]{63,65}|v1,[A-Za-z0-9+/]{42,44}=|(sha256=)?[0-9a-fA-F]{64}", time in "\\PC{0,12}|[0-9]{10}") {
        for scheme in SCHEMES {
            let believed = verifier().tolerance(None).verify(claim(scheme, &time, &header), b"{}", NOW);
            prop_assert!(believed.is_err());
        }
    }
}
