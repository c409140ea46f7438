//! What `verify`, `sign` and `test` share: schemes by name, secrets from files. It must not sign or verify.

use std::path::{Path, PathBuf};

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

/// Refuses to read standard input twice.
pub fn stdin_once<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    match paths.into_iter().filter(|path| *path == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("standard input can be read once: give one of them by a file")),
    }
}

/// The secrets of files, and the body.
pub fn secrets_and_body(secrets: &[PathBuf], body: &Path) -> Result<(Vec<SecretString>, Vec<u8>), Failure> {
    stdin_once(secrets.iter().map(PathBuf::as_path).chain([body]))?;
    let secrets = secrets.iter().map(|path| secret(path)).collect::<Result<Vec<_>, _>>()?;
    Ok((secrets, input::read(body)?))
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
