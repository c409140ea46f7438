//! Guesses at why a signature does not match, for the person who has to find out. They never make a request genuine.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{Claim, Parsed, Scheme, VerifyError};

/// What probably went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The signature is that of the same JSON, written differently.
    BodyReserialised,
    /// The signature is that of the body without the white space around it.
    BodyWhitespace,
    /// The secret matches once the white space around it is removed.
    SecretWhitespace,
    /// The signature was made over the body alone: an older scheme.
    SignedWithoutTime,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyReserialised => "the body was parsed and written again; verify the raw bytes as received",
            Self::BodyWhitespace => "the body has gained or lost white space at its ends; verify the raw bytes as received",
            Self::SecretWhitespace => "the secret has white space around it, such as a line end from a file",
            Self::SignedWithoutTime => "the signature covers the body alone, without the time",
        })
    }
}

/// Tries the usual mistakes one by one.
pub(super) fn of(parsed: &Parsed<'_>, secrets: &[SecretString], body: &[u8]) -> Option<Hint> {
    let any = |body: &[u8]| secrets.iter().any(|secret| parsed.matches(secret.expose_secret(), body));
    if secrets.iter().any(|secret| parsed.matches(secret.expose_secret().trim(), body)) {
        return Some(Hint::SecretWhitespace);
    }
    let trimmed = body.trim_ascii();
    if any(trimmed) || any(&[trimmed, b"\n"].concat()) {
        return Some(Hint::BodyWhitespace);
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body)
        && [serde_json::to_vec(&json), serde_json::to_vec_pretty(&json)].into_iter().flatten().any(|written| any(&written))
    {
        return Some(Hint::BodyReserialised);
    }
    let bare = Parsed { scheme: Scheme::CryptoPay, id: None, time: None, signed_s: None, signatures: parsed.signatures.clone() };
    secrets.iter().any(|secret| bare.matches(secret.expose_secret(), body)).then_some(Hint::SignedWithoutTime)
}

/// Says so where a header that does not parse is of another scheme.
pub(super) fn other_scheme(claim: Claim<'_>) -> Option<VerifyError> {
    let looks_like = match claim.signature {
        header if header.starts_with("sha256=") => Scheme::PayWarden,
        header if header.starts_with("v1,") => Scheme::Standard,
        header if header.contains("t=") && header.contains("v1=") => Scheme::PayIn,
        header if header.len() == 64 && header.bytes().all(|byte| byte.is_ascii_hexdigit()) => Scheme::CryptoPay,
        _ => return None,
    };
    (looks_like != claim.scheme).then_some(VerifyError::OtherScheme { expected: claim.scheme, looks_like })
}
