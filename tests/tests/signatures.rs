//! Signatures, judged by programs that share no code with ours: `standardwebhooks` and `stripe` (whose scheme PayIn's is) from npm and
//! PyPI, and plain `openssl`. What we sign they accept, what they sign we accept, and what one side refuses the other refuses too.

use std::time::SystemTime;

use payin_sdk::webhook::{self, Claim, Scheme, Verifier, VerifyError};
use payin_sdk::{SecretString, Timestamp};
use payin_server::env::{Entropy, SeededEntropy};
use payin_tests::nodes::from_scripts_test;
use payin_tests::nodes::program::Command;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Secrets as we make them, as others write them, and as merchants choose them.
const SECRETS: [&str; 5] = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_h3d0vnQ1bA5J8mWw6Xq0pUe9zLrK2sTyV4cG7fHnIjM=",
    // Without its padding.
    "whsec_h3d0vnQ1bA5J8mWw6Xq0pUe9zLrK2sTyV4cG7fHnIjM",
    // No base64.
    "whsec_test_secret_0123456789",
    "a secret, chosen by a person: ключ",
];
/// None is empty: npm's `stripe` does not look at those.
const BODIES: [&str; 6] = [
    r#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:30:00.000Z","data":{"amount":"100.00"}}"#,
    "{}",
    "0",
    "{\"name\":\"Zoë 👛 \u{2028}\",\"a\":\"\\u0000\"}",
    "{\r\n  \"amount\": 1.0,\n  \"b\": [ ]\r\n}\n",
    "not JSON. t=1,v1=00 v1,AA==",
];
const ID: &str = "evt_order_completed_ord_1";

/// Another program that verifies and signs.
#[derive(Debug, Clone, Copy)]
enum Judge {
    Npm,
    PyPi,
}

impl Judge {
    async fn ask(self, verified: &[Value], signed: &[Value]) -> (Vec<Value>, Vec<String>) {
        let mut command = match self {
            Self::Npm => {
                let mut node = Command::at("node");
                let packages = from_scripts_test("PAYIN_TEST_WEBHOOK_VERIFIERS_NPM");
                node.args(["-e", include_str!("signatures/judge.js")]).env("PAYIN_TEST_WEBHOOK_VERIFIERS_NPM", packages);
                node
            }
            Self::PyPi => {
                let mut python = Command::at(format!("{}/bin/python", from_scripts_test("PAYIN_TEST_WEBHOOK_VERIFIERS_PYTHON")));
                python.args(["-c", include_str!("signatures/judge.py")]);
                python
            }
        };
        command.stdin(json!({ "verified": verified, "signed": signed }).to_string());
        let exit = command.run().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        let answer = exit.json();
        let signatures = answer["signed"].as_array().expect("signatures").iter();
        let signatures = signatures.map(|signature| signature.as_str().expect("a signature").to_owned()).collect();
        (answer["verified"].as_array().expect("verdicts").clone(), signatures)
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// The secret as a verifier of Standard Webhooks has to be given it: they take everything for base64.
fn for_standard(text: &str) -> String {
    use base64::Engine as _;
    let encode = |text: &str| format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(text));
    match text.strip_prefix("whsec_") {
        Some(base64) if base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) => text.to_owned(),
        _ => encode(text),
    }
}

/// A delivery in one scheme: as a judge is asked about it, and as our verifier is.
struct Case {
    what: String,
    scheme: Scheme,
    secret: SecretString,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Case {
    fn signed(scheme: Scheme, secrets: &[SecretString], trusted: &SecretString, at: Timestamp, body: &str) -> Self {
        let headers = match scheme {
            Scheme::Standard => vec![
                (webhook::STANDARD_ID, ID.to_owned()),
                (webhook::STANDARD_TIMESTAMP, at.secs().to_string()),
                (webhook::STANDARD_SIGNATURE, webhook::sign_standard(secrets, ID, at, body.as_bytes())),
            ],
            _ => vec![(webhook::PAYIN_SIGNATURE, webhook::sign_payin(secrets, at, body.as_bytes()))],
        };
        Self { what: "as signed".to_owned(), scheme, secret: trusted.clone(), headers, body: body.to_owned() }
    }

    fn ask(&self) -> Value {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        let text = self.secret.expose_secret();
        match self.scheme {
            Scheme::Standard => json!({ "as": "standard", "secret": for_standard(text), "headers": headers, "body": self.body }),
            _ => json!({ "as": "stripe", "secret": text, "header": self.headers[0].1, "body": self.body }),
        }
    }

    fn ours(&self) -> Result<webhook::Genuine, VerifyError> {
        webhook::verify_as(self.scheme, self.headers.clone(), self.body.as_bytes(), &Verifier::new(self.secret.clone()), now())
    }
}

/// Everything that must be accepted, and what a forger or a replayer makes of it.
fn cases() -> (Vec<Case>, Vec<Case>) {
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    let other = secret("whsec_b3RoZXIgc2VjcmV0IG9mIHNvbWUgbGVuZ3RoIQ==");
    for scheme in [Scheme::PayIn, Scheme::Standard] {
        for (text, body) in SECRETS.iter().flat_map(|text| BODIES.iter().map(move |body| (*text, *body))) {
            let (own, at) = (secret(text), now());
            let signed = |secrets: &[SecretString], at| Case::signed(scheme, secrets, &own, at, body);
            // Rotation, in both orders, and clocks that differ a little.
            right.push(signed(std::slice::from_ref(&own), at));
            right.push(signed(&[own.clone(), other.clone()], at));
            right.push(signed(&[other.clone(), own.clone()], Timestamp::from_secs(at.secs() - 250)));
            let mut spoilt = |what: &str, case: Case| wrong.push(Case { what: what.to_owned(), ..case });
            spoilt("another secret", signed(std::slice::from_ref(&other), at));
            spoilt("an old copy", signed(std::slice::from_ref(&own), Timestamp::from_secs(at.secs() - 400)));
            let mut tampered = signed(std::slice::from_ref(&own), at);
            tampered.body.push(' ');
            spoilt("a longer body", tampered);
            let mut moved = signed(std::slice::from_ref(&own), at);
            let (old, new) = (at.secs().to_string(), (at.secs() + 1).to_string());
            for (_, value) in &mut moved.headers {
                *value = value.replacen(&old, &new, 1);
            }
            spoilt("another time", moved);
            let mut bare = signed(std::slice::from_ref(&own), at);
            let last = bare.headers.len() - 1;
            bare.headers[last].1 = if scheme == Scheme::Standard { "v2,AAAA".to_owned() } else { format!("t={old},v0=00") };
            spoilt("no signature of this version", bare);
            if scheme == Scheme::Standard {
                let mut renamed = signed(std::slice::from_ref(&own), at);
                renamed.headers[0].1.push('2');
                spoilt("another id", renamed);
                spoilt("from the future", signed(std::slice::from_ref(&own), Timestamp::from_secs(at.secs() + 400)));
            }
        }
    }
    (right, wrong)
}

async fn agree(judge: Judge) {
    let (right, wrong) = cases();
    let asked: Vec<Value> = right.iter().chain(&wrong).map(Case::ask).collect();
    let (verdicts, _) = judge.ask(&asked, &[]).await;
    assert_eq!(verdicts.len(), right.len() + wrong.len());
    for (place, (case, verdict)) in right.iter().chain(&wrong).zip(&verdicts).enumerate() {
        let (what, scheme, body) = (&case.what, case.scheme, &case.body);
        assert_eq!(
            verdict["accepts"],
            place < right.len(),
            "{judge:?}, {scheme}, {what}: {verdict} about {:?} over {body:?}",
            case.headers
        );
        assert_eq!(case.ours().is_ok(), place < right.len(), "{scheme}, {what}: {:?} about {:?} over {body:?}", case.ours(), case.headers);
    }
}

async fn theirs_is_genuine(judge: Judge) {
    let at = now();
    let each = || SECRETS.iter().flat_map(|text| BODIES.iter().map(move |body| (*text, *body)));
    let asked: Vec<Value> = each()
        .flat_map(|(text, body)| {
            let standard = json!({ "as": "standard", "secret": for_standard(text), "id": ID, "time": at.secs(), "body": body });
            [standard, json!({ "as": "stripe", "secret": text, "time": at.secs(), "body": body })]
        })
        .collect();
    let (_, signed) = judge.ask(&[], &asked).await;
    let time = at.secs().to_string();
    for ((text, body), signatures) in each().zip(signed.chunks_exact(2)) {
        let verifier = Verifier::new(secret(text));
        for claim in [Claim::standard(ID, &time, &signatures[0]), Claim::payin(&signatures[1])] {
            verifier.verify(claim, body.as_bytes(), now()).unwrap_or_else(|error| panic!("{judge:?}, {claim:?} over {body:?}: {error}"));
            let forged = format!("{body}.");
            let refused = verifier.verify(claim, forged.as_bytes(), now());
            assert!(matches!(refused, Err(VerifyError::Mismatch { .. })), "{judge:?}, {claim:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn npm_agrees_about_both_schemes() {
    agree(Judge::Npm).await;
    theirs_is_genuine(Judge::Npm).await;
}

#[tokio::test]
async fn pypi_agrees_about_both_schemes() {
    agree(Judge::PyPi).await;
    theirs_is_genuine(Judge::PyPi).await;
}

/// HMAC-SHA256 by `openssl`, in hexadecimal digits.
async fn openssl(key: &[u8], message: &[u8]) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = Command::at("openssl");
    command.args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{hex}"), "-r"]).stdin(message);
    let exit = command.run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.stdout.split_whitespace().next().expect("digits").to_owned()
}

#[tokio::test]
async fn openssl_agrees_about_the_schemes_without_time() {
    let entropy = SeededEntropy::new(7);
    let entropy: &dyn Entropy = &entropy;
    for (place, text) in SECRETS.iter().enumerate() {
        // Any bytes: a body need not be text.
        let body: Vec<u8> = (0..place * 7).flat_map(|_| entropy.array::<9>()).collect();
        let (own, digits) = (secret(text), openssl(text.as_bytes(), &body).await);
        assert_eq!(webhook::sign_cryptopay(&own, &body), digits);
        assert_eq!(webhook::sign_paywarden(&own, &body), format!("sha256={digits}"));
        let timed = openssl(text.as_bytes(), &[b"1737369322.", &body[..]].concat()).await;
        assert_eq!(
            webhook::sign_payin(std::slice::from_ref(&own), Timestamp::from_secs(1_737_369_322), &body),
            format!("t=1737369322,v1={timed}")
        );
        let verifier = Verifier::new(own);
        for claim in [Claim::of(Scheme::CryptoPay, &digits), Claim::of(Scheme::PayWarden, &format!("sha256={digits}"))] {
            verifier.verify(claim, &body, now()).unwrap_or_else(|error| panic!("{claim:?}: {error}"));
            let refused = verifier.verify(claim, &[&body[..], b"!"].concat(), now());
            assert!(matches!(refused, Err(VerifyError::Mismatch { .. })), "{claim:?}: {refused:?}");
        }
    }
}
