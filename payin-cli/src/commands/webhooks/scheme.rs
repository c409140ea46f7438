//! What `verify` and `sign` share: schemes by name, secrets from files.

use std::path::Path;

use clap::ValueEnum;
use payin_sdk::SecretString;
use payin_sdk::webhook;

use crate::commands::input;
use crate::failure::Failure;

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheme {
    /// X-PayIn-Signature: t=…,v1=…
    Payin,
    /// X-PayWarden-Signature: sha256=…
    Paywarden,
    /// X-Webhook-Signature: bare hex
    Cryptopay,
    /// webhook-id, webhook-timestamp, webhook-signature: v1,…
    Standard,
}

impl Scheme {
    /// The header that holds the signature.
    pub fn header(self) -> &'static str {
        match self {
            Self::Payin => webhook::PAYIN_SIGNATURE,
            Self::Paywarden => webhook::PAYWARDEN_SIGNATURE,
            Self::Cryptopay => webhook::CRYPTOPAY_SIGNATURE,
            Self::Standard => webhook::STANDARD_SIGNATURE,
        }
    }
}

/// The secret in a file, without the line end that editors put there; other white space is part of it.
pub fn secret(path: &Path) -> Result<SecretString, Failure> {
    let text = input::read_text(path)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = line.strip_suffix('\r').unwrap_or(line);
    if secret.is_empty() {
        return Err(Failure::usage(format!("{} holds no secret", path.display())));
    }
    Ok(SecretString::from(secret))
}
