//! What is probably wrong, in words for the person who has to find out. Guesses never make a request genuine.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;

use super::{Claim, Parsed, Scheme, VerifyError, mac};
use crate::Event;

/// A longer body is not written again in other ways: whoever forges shall not make us work. An event has a few kilobytes.
const REWRITTEN_BYTES_MAX: usize = 64 * 1024;

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
    /// The signature was made with another form of the secret: its text, its text without `whsec_`, or the bytes that it is the base64 of.
    SecretForm,
    /// The signature was made over the body alone: an older scheme.
    SignedWithoutTime,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyReserialised => "the body was parsed and written again; verify the raw bytes as received",
            Self::BodyWhitespace => "the body has gained or lost white space at its ends; verify the raw bytes as received",
            Self::SecretWhitespace => "the secret has white space around it, such as a line end from a file",
            Self::SecretForm => "it was signed with another form of this secret: with or without whsec_, or decoded from base64",
            Self::SignedWithoutTime => "the signature covers the body alone, without the time",
        })
    }
}

/// How far a signature's time lies from ours, and on which side.
pub(super) fn skew(skew_s: i64, tolerance_s: u64) -> String {
    let (when, why) = if skew_s < 0 {
        ("in the future", "this machine's clock is behind the sender's")
    } else {
        ("ago", "an old copy is replayed, or this machine's clock is ahead of the sender's")
    };
    format!("signed {} s {when}, more than the {tolerance_s} s allowed: {why}", skew_s.unsigned_abs())
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
    if secrets.iter().flat_map(|secret| forms(secret.expose_secret())).any(|key| parsed.matches_key(&key, body)) {
        return Some(Hint::SecretForm);
    }
    if body.len() <= REWRITTEN_BYTES_MAX && rewritten(body).iter().any(|written| any(written)) {
        return Some(Hint::BodyReserialised);
    }
    let signatures = parsed.signatures.clone();
    let bare = Parsed { scheme: Scheme::CryptoPay, id: None, time: None, signed_s: None, signatures };
    secrets.iter().any(|secret| bare.matches(secret.expose_secret(), body)).then_some(Hint::SignedWithoutTime)
}

/// The keys that libraries make of a secret.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
    let texts = [secret.as_bytes().to_vec(), bare.as_bytes().to_vec()];
    // An empty key is everybody's.
    texts.into_iter().chain(mac::decoded(bare)).filter(|key| !key.is_empty()).collect()
}

/// What a body may have been before it was parsed and written again: compact in its own order (as servers write, before a framework put
/// in spaces, line ends or escapes), as our own server orders it (before keys were sorted), sorted, and indented.
fn rewritten(body: &[u8]) -> Vec<Vec<u8>> {
    let value = serde_json::from_slice::<serde_json::Value>(body).ok();
    let event = serde_json::from_slice::<Event>(body).ok();
    let written = [
        event.and_then(|event| serde_json::to_vec(&event).ok()),
        value.as_ref().and_then(|value| serde_json::to_vec(value).ok()),
        value.as_ref().and_then(|value| serde_json::to_vec_pretty(value).ok()),
    ];
    compact(body).into_iter().chain(written.into_iter().flatten()).collect()
}

/// The same JSON without white space, each string in its shortest form, the keys in their order.
fn compact(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<IgnoredAny>(rest).ok()?;
    let mut written = String::with_capacity(rest.len());
    let mut push = |between: &str, string: &str| {
        written.extend(between.chars().filter(|c| !c.is_ascii_whitespace()));
        written.push_str(string);
    };
    while let Some((between, string)) = rest.find('"').and_then(|at| rest.split_at_checked(at)) {
        let mut strings = serde_json::Deserializer::from_str(string).into_iter::<String>();
        let read = strings.next()?.ok()?;
        push(between, &serde_json::to_string(&read).ok()?);
        rest = string.get(strings.byte_offset()..)?;
    }
    push(rest, "");
    Some(written.into_bytes())
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
