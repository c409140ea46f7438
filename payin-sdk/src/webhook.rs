//! Verifies webhooks and reads their events, from header pairs and the raw body.
//! It must not depend on an HTTP library, read a clock or do I/O: the request and the time are arguments.

use serde::de::{DeserializeOwned, Error as _};

use payin_types::{Event, Timestamp};

pub use payin_types::signature::{
    BODY_BYTES_MAX, Claim, Genuine, Hint, Scheme, TOLERANCE, Verifier, VerifyError, sign_cryptopay, sign_payin, sign_paywarden,
    sign_standard,
};
use secrecy::SecretString;

/// `t=<unix seconds>,v1=<hex>`, one `v1` for each secret of a rotation.
pub const PAYIN_SIGNATURE: &str = "X-PayIn-Signature";
/// Standard Webhooks: the event's id.
pub const STANDARD_ID: &str = "webhook-id";
/// Standard Webhooks: when it was signed, in Unix seconds.
pub const STANDARD_TIMESTAMP: &str = "webhook-timestamp";
/// Standard Webhooks: `v1,<base64>`, several separated by spaces.
pub const STANDARD_SIGNATURE: &str = "webhook-signature";
/// The PayWarden dialect: `sha256=<hex>`.
pub const PAYWARDEN_SIGNATURE: &str = "X-PayWarden-Signature";
/// The CryptoPay dialect: bare hex.
pub const CRYPTOPAY_SIGNATURE: &str = "X-Webhook-Signature";

/// Why no event came out of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Not genuine: answer 400 and do not look at the body.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Genuine, but no event that this version can read.
    #[error("the webhook is genuine, but its body is not an event: {source} (at {path})")]
    Decode {
        /// Where in the JSON: `data.amount`, or `.` for the whole.
        path: String,
        /// What the JSON reader said.
        source: serde_json::Error,
    },
}

/// Checks that a request was signed with one of the verifier's secrets, near enough to `now`.
///
/// `headers` are the (name, value) pairs of the request: an `http::HeaderMap`, a `HashMap<String, String>`, the slice that
/// [`sign`] makes. `body` must be the bytes as received: parsed and written again they no longer match.
///
/// [`PAYIN_SIGNATURE`] is looked at first; without it the Standard Webhooks headers are. The dialects' signatures, which
/// cover no time, are believed only where asked for by name: [`verify_as`].
///
/// # Errors
/// [`VerifyError`] says which check failed.
pub fn verify<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<Genuine, VerifyError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    let found = Found::among(headers);
    let scheme = if found.values(PAYIN_SIGNATURE).next().is_none() && found.values(STANDARD_SIGNATURE).next().is_some() {
        Scheme::Standard
    } else {
        Scheme::PayIn
    };
    found.verify(scheme, body, verifier, now)
}

/// Like [`verify`], for one scheme only.
///
/// # Errors
/// [`VerifyError`] says which check failed.
pub fn verify_as<N, V>(
    scheme: Scheme,
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<Genuine, VerifyError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    Found::among(headers).verify(scheme, body, verifier, now)
}

/// [`verify`], then reads the event. A type or field this version does not know is kept.
///
/// # Errors
/// [`WebhookError::Verify`] when the request is not genuine, [`WebhookError::Decode`] when its body is not an event.
pub fn construct_event<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<Event, WebhookError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    verify(headers, body, verifier, now)?;
    read(body)
}

/// Reads a body that is one JSON value.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, WebhookError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let event = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| WebhookError::Decode { path: error.path().to_string(), source: error.into_inner() })?;
    match json.end() {
        Ok(()) => Ok(event),
        Err(_) => Err(WebhookError::Decode { path: ".".to_owned(), source: serde_json::Error::custom("more than one JSON value") }),
    }
}

/// The headers that a server would send with this body: for tests of your handler, and for servers.
#[must_use]
pub fn sign(secret: &SecretString, event_id: &str, signed_at: Timestamp, body: &[u8]) -> [(&'static str, String); 4] {
    let secrets = std::slice::from_ref(secret);
    [
        (PAYIN_SIGNATURE, sign_payin(secrets, signed_at, body)),
        (STANDARD_ID, event_id.to_owned()),
        (STANDARD_TIMESTAMP, signed_at.secs().to_string()),
        (STANDARD_SIGNATURE, sign_standard(secrets, event_id, signed_at, body)),
    ]
}

/// The signature headers of a request, with every value that each name has.
struct Found(Vec<(&'static str, Vec<u8>)>);

impl Found {
    fn among<N: AsRef<str>, V: AsRef<[u8]>>(headers: impl IntoIterator<Item = (N, V)>) -> Self {
        let wanted = [PAYIN_SIGNATURE, STANDARD_ID, STANDARD_TIMESTAMP, STANDARD_SIGNATURE, PAYWARDEN_SIGNATURE, CRYPTOPAY_SIGNATURE];
        let name_of = |name: &str| wanted.into_iter().find(|wanted| wanted.eq_ignore_ascii_case(name));
        let found = headers.into_iter().filter_map(|(name, value)| Some((name_of(name.as_ref())?, value.as_ref().to_vec())));
        Self(found.collect())
    }

    fn values(&self, wanted: &'static str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(name, _)| *name == wanted).map(|(_, value)| value.as_slice())
    }

    /// The one value of a header. Two are refused: which one another program on the way looked at is anybody's guess.
    fn one(&self, wanted: &'static str) -> Result<&str, VerifyError> {
        let mut values = self.values(wanted);
        let value = values.next().ok_or(VerifyError::MissingHeader(wanted))?;
        if values.next().is_some() {
            return Err(VerifyError::DuplicatedHeader(wanted));
        }
        std::str::from_utf8(value).map(str::trim).map_err(|_| VerifyError::Malformed("it is not text"))
    }

    fn verify(&self, scheme: Scheme, body: &[u8], verifier: &Verifier, now: Timestamp) -> Result<Genuine, VerifyError> {
        let claim = match scheme {
            Scheme::Standard => Claim::standard(self.one(STANDARD_ID)?, self.one(STANDARD_TIMESTAMP)?, self.one(STANDARD_SIGNATURE)?),
            Scheme::PayWarden => Claim::of(scheme, self.one(PAYWARDEN_SIGNATURE)?),
            Scheme::CryptoPay => Claim::of(scheme, self.one(CRYPTOPAY_SIGNATURE)?),
            _ => Claim::payin(self.one(PAYIN_SIGNATURE)?),
        };
        verifier.verify(claim, body, now)
    }
}

#[cfg(test)]
mod tests;
