//! HMAC-SHA256 and its encodings. It must not know any header.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Scheme;

/// As the verifiers of others read a secret: with or without padding, whatever its last bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// The HMAC key of a secret: its bytes as they are; Standard Webhooks decodes what follows `whsec_` where it is base64.
pub(super) fn key(scheme: Scheme, secret: &str) -> Vec<u8> {
    let decoded = if scheme == Scheme::Standard { secret.strip_prefix("whsec_").and_then(decoded) } else { None };
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// What a secret without its prefix stands for, where it is base64.
pub(super) fn decoded(secret: &str) -> Option<Vec<u8>> {
    LENIENT.decode(secret).ok()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

/// The signature of the parts one after the other.
pub(super) fn sign(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of every length, so there is always a signature.
    hmac(key, parts).map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default()
}

/// Whether one of the signatures is that of the parts, each compared in constant time. The parts are read once, however many signatures a
/// forger has written into the header.
pub(super) fn verify(key: &[u8], parts: &[&[u8]], signatures: &[[u8; 32]]) -> bool {
    let matches = |mac: Hmac<Sha256>| signatures.iter().fold(false, |any, signature| any | mac.clone().verify_slice(signature).is_ok());
    hmac(key, parts).is_some_and(matches)
}

pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn from_base64(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
