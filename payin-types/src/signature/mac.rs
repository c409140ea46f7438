//! HMAC-SHA256 and its encodings. It must not know any header.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Scheme;

const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The HMAC key of a secret: its bytes as they are; Standard Webhooks decodes what follows `whsec_` where it is base64.
pub(super) fn key(scheme: Scheme, secret: &str) -> Vec<u8> {
    if scheme == Scheme::Standard
        && let Some(decoded) = LENIENT.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok().filter(|_| secret.starts_with("whsec_"))
    {
        return decoded;
    }
    secret.as_bytes().to_vec()
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

/// Compares in constant time.
pub(super) fn verify(key: &[u8], parts: &[&[u8]], signature: &[u8; 32]) -> bool {
    hmac(key, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok())
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
