//! Webhook signatures: one signer and one verifier for all schemes. The clock is an argument; no HTTP, no header map.
//!
//! | scheme | header | signed bytes | encoding |
//! |---|---|---|---|
//! | [`Scheme::PayIn`] | `X-PayIn-Signature: t=<unix s>,v1=<hex>` | `<t>.<body>` | lower-case hex; several `v1` during rotation |
//! | [`Scheme::Standard`] | `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64>` | `<id>.<t>.<body>` | base64; several, space-separated |
//! | [`Scheme::PayWarden`] | `X-PayWarden-Signature: sha256=<hex>` | `<body>` | hex; no time, so no protection against replay |
//! | [`Scheme::CryptoPay`] | `X-Webhook-Signature: <hex>` | `<body>` | hex; no time |
//!
//! All are HMAC-SHA256. Sources: the vendors' webhook guides, Standard Webhooks 1.0.0.
//!
//! The key is the secret's text, its `whsec_` included; only [`Scheme::Standard`] decodes what follows `whsec_`, where that is base64.
//! Other verifiers of Standard Webhooks take every secret for base64: where ours is not, give them the base64 of its text.

mod hint;
mod mac;

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::Timestamp;
use crate::id::hex;
use crate::known_bad::{Mistake, makes};
pub use hint::Hint;

/// How far a signature's time may lie from ours, both ways, unless said otherwise (source: Webhooks guide, 5 minutes).
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The longest body the verifier looks at; a longer one is refused unread.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `t=…,v1=…`
    PayIn,
    /// Standard Webhooks 1.0.0
    Standard,
    /// `sha256=…`
    PayWarden,
    /// bare hex
    CryptoPay,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PayIn => "payin",
            Self::Standard => "standard",
            Self::PayWarden => "paywarden",
            Self::CryptoPay => "cryptopay",
        })
    }
}

/// What a request claims: its signature, and for [`Scheme::Standard`] the id and time that stand in headers of their own.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Which scheme the header belongs to.
    pub scheme: Scheme,
    /// The value of the signature header.
    pub signature: &'a str,
    /// `webhook-id`; only [`Scheme::Standard`] needs it.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`; only [`Scheme::Standard`] needs it.
    pub timestamp: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// A claim of the PayIn scheme.
    #[must_use]
    pub fn payin(signature: &'a str) -> Self {
        Self { scheme: Scheme::PayIn, signature, id: None, timestamp: None }
    }

    /// A claim of a scheme that has one header.
    #[must_use]
    pub fn of(scheme: Scheme, signature: &'a str) -> Self {
        Self { scheme, signature, id: None, timestamp: None }
    }

    /// A claim of Standard Webhooks.
    #[must_use]
    pub fn standard(id: &'a str, timestamp: &'a str, signature: &'a str) -> Self {
        Self { scheme: Scheme::Standard, signature, id: Some(id), timestamp: Some(timestamp) }
    }
}

/// What a genuine signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Genuine {
    /// Which of the secrets it was made with, from 0: tells how far a rotation has come.
    pub secret: usize,
    /// When it was signed; schemes without a time have none.
    pub signed_at: Option<Timestamp>,
}

/// Why a webhook is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The verifier has no secret, or an empty one.
    #[error("no secret to verify with, or an empty one")]
    NoSecret,
    /// The request bears no signature header.
    #[error("the request has no {0} header")]
    MissingHeader(&'static str),
    /// The request bears the header more than once: which one a proxy or a framework shows is anybody's guess.
    #[error("the request has the {0} header more than once")]
    DuplicatedHeader(&'static str),
    /// The header is not of its scheme's form.
    #[error("the signature header is malformed: {0}")]
    Malformed(&'static str),
    /// The header is of another scheme.
    #[error("the signature header looks like the {looks_like} scheme, not {expected}")]
    OtherScheme {
        /// What was asked for.
        expected: Scheme,
        /// What it looks like.
        looks_like: Scheme,
    },
    /// Signed too long ago, or in the future.
    #[error("{}", hint::skew(*.skew_s, *.tolerance_s))]
    Stale {
        /// Seconds from the signature's time to ours; negative: it lies in the future.
        skew_s: i64,
        /// The tolerance.
        tolerance_s: u64,
    },
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("the body is longer than {BODY_BYTES_MAX} bytes")]
    BodyTooLong,
    /// No signature matches any secret.
    #[error("no signature matches{}", .hint.map(|hint| format!(": {hint}")).unwrap_or_default())]
    Mismatch {
        /// What probably went wrong, where it can be told.
        hint: Option<Hint>,
    },
}

/// Verifies webhooks with one or, during a rotation, several secrets.
#[derive(Debug, Clone)]
pub struct Verifier {
    secrets: Vec<SecretString>,
    tolerance: Option<Duration>,
}

impl Verifier {
    /// With one secret and the documented tolerance.
    #[must_use]
    pub fn new(secret: SecretString) -> Self {
        Self { secrets: vec![secret], tolerance: Some(TOLERANCE) }
    }

    /// Accepts a further secret, as during a rotation.
    #[must_use]
    pub fn or_secret(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// How far the signature's time may lie from ours, both ways; `None` checks no time.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Option<Duration>) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Checks that `body`, exactly as received, was signed with one of the secrets, near enough to `now`.
    ///
    /// # Errors
    /// [`VerifyError`] says which check failed. Nothing in the body may be believed then.
    pub fn verify(&self, claim: Claim<'_>, body: &[u8], now: Timestamp) -> Result<Genuine, VerifyError> {
        // An empty key is everybody's key: it comes from a setting that was not set, and verifies whatever anybody signs with it.
        if self.secrets.is_empty() || self.secrets.iter().any(|secret| mac::key(claim.scheme, secret.expose_secret().trim()).is_empty()) {
            return Err(VerifyError::NoSecret);
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(VerifyError::BodyTooLong);
        }
        let parsed = Parsed::of(claim).map_err(|error| hint::other_scheme(claim).unwrap_or(error))?;
        let matched = self.secrets.iter().position(|secret| parsed.matches(secret.expose_secret(), body));
        let Some(secret) = matched else {
            return Err(VerifyError::Mismatch { hint: hint::of(&parsed, &self.secrets, body) });
        };
        if let (Some(signed_s), Some(tolerance)) = (parsed.signed_s, self.tolerance) {
            let skew_s = now.secs().saturating_sub(signed_s);
            if skew_s.unsigned_abs() > tolerance.as_secs() {
                return Err(VerifyError::Stale { skew_s, tolerance_s: tolerance.as_secs() });
            }
        }
        Ok(Genuine { secret, signed_at: parsed.signed_s.map(Timestamp::from_secs) })
    }
}

/// A header taken apart.
pub(crate) struct Parsed<'a> {
    scheme: Scheme,
    id: Option<&'a str>,
    /// The time as written: it is part of the signed bytes.
    time: Option<&'a str>,
    signed_s: Option<i64>,
    signatures: Vec<[u8; 32]>,
}

impl<'a> Parsed<'a> {
    fn of(claim: Claim<'a>) -> Result<Self, VerifyError> {
        let mut parsed = Self { scheme: claim.scheme, id: claim.id, time: claim.timestamp, signed_s: None, signatures: Vec::new() };
        match claim.scheme {
            Scheme::PayIn => parsed.payin(claim.signature)?,
            Scheme::Standard => {
                if claim.id.is_none_or(str::is_empty) {
                    return Err(VerifyError::MissingHeader("webhook-id"));
                }
                if claim.timestamp.is_none() {
                    return Err(VerifyError::MissingHeader("webhook-timestamp"));
                }
                let v1 = claim.signature.split_ascii_whitespace().filter_map(|part| part.strip_prefix("v1,"));
                parsed.signatures.extend(v1.filter_map(mac::from_base64));
            }
            Scheme::PayWarden => parsed.signatures.extend(claim.signature.strip_prefix("sha256=").and_then(mac::from_hex)),
            Scheme::CryptoPay => parsed.signatures.extend(mac::from_hex(claim.signature)),
        }
        if let Some(time) = parsed.time {
            let digits = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
            parsed.signed_s =
                Some(time.parse().ok().filter(|_| digits).ok_or(VerifyError::Malformed("its time is not a number of seconds"))?);
        }
        if parsed.signatures.is_empty() {
            return Err(VerifyError::Malformed("it holds no signature of this scheme"));
        }
        Ok(parsed)
    }

    fn payin(&mut self, header: &'a str) -> Result<(), VerifyError> {
        for part in header.split(',') {
            match part.trim().split_once('=') {
                Some(("t", _)) if self.time.is_some() => return Err(VerifyError::Malformed("it has more than one t=")),
                Some(("t", time)) => self.time = Some(time),
                Some(("v1", hex)) => self.signatures.extend(mac::from_hex(hex)),
                // Later versions of the scheme may stand beside v1.
                _ => {}
            }
        }
        if self.time.is_none() { Err(VerifyError::Malformed("it has no t=")) } else { Ok(()) }
    }

    fn matches(&self, secret: &str, body: &[u8]) -> bool {
        self.matches_key(&mac::key(self.scheme, secret), body)
    }

    fn matches_key(&self, key: &[u8], body: &[u8]) -> bool {
        let time = self.time.unwrap_or_default();
        let signed: Vec<&[u8]> = match self.scheme {
            Scheme::PayIn => vec![time.as_bytes(), b".", body],
            Scheme::Standard => vec![self.id.unwrap_or_default().as_bytes(), b".", time.as_bytes(), b".", body],
            Scheme::PayWarden | Scheme::CryptoPay => vec![body],
        };
        let first = self.signatures.get(..1).filter(|_| makes(Mistake::FirstSignatureOnly));
        mac::verify(key, &signed, first.unwrap_or(&self.signatures))
    }
}

/// The `X-PayIn-Signature` of a body, with one `v1` for each secret.
#[must_use]
pub fn sign_payin(secrets: &[SecretString], signed_at: Timestamp, body: &[u8]) -> String {
    let time = signed_at.secs().to_string();
    secrets.iter().fold(format!("t={time}"), |header, secret| {
        let key = mac::key(Scheme::PayIn, secret.expose_secret());
        header + ",v1=" + &hex(&mac::sign(&key, &[time.as_bytes(), b".", body]))
    })
}

/// The `webhook-signature` of a body, with one `v1` for each secret. `id` must not contain a full stop.
#[must_use]
pub fn sign_standard(secrets: &[SecretString], id: &str, signed_at: Timestamp, body: &[u8]) -> String {
    let time = signed_at.secs().to_string();
    let parts = secrets.iter().map(|secret| {
        let key = mac::key(Scheme::Standard, secret.expose_secret());
        format!("v1,{}", mac::to_base64(&mac::sign(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", body])))
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// The `X-PayWarden-Signature` of a body.
#[must_use]
pub fn sign_paywarden(secret: &SecretString, body: &[u8]) -> String {
    format!("sha256={}", sign_cryptopay(secret, body))
}

/// The `X-Webhook-Signature` of a body.
#[must_use]
pub fn sign_cryptopay(secret: &SecretString, body: &[u8]) -> String {
    hex(&mac::sign(&mac::key(Scheme::CryptoPay, secret.expose_secret()), &[body]))
}

#[cfg(test)]
mod tests;
