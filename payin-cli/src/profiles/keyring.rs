//! The system's keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

use keyring::{Entry, Error};
use payin_sdk::SecretString;
use payin_sdk::types::ExposeSecret;

fn entry(profile: &str) -> Result<Entry, String> {
    Entry::new("payin", profile).map_err(said)
}

pub fn get(profile: &str) -> Result<SecretString, String> {
    entry(profile)?.get_password().map(SecretString::from).map_err(said)
}

pub fn set(profile: &str, key: &SecretString) -> Result<(), String> {
    entry(profile)?.set_password(key.expose_secret()).map_err(said)
}

/// A key that is gone already is as good as deleted.
pub fn delete(profile: &str) -> Result<(), String> {
    match entry(profile)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(said(error)),
    }
}

/// What went wrong, without what the keyring holds.
fn said(error: Error) -> String {
    match error {
        Error::NoEntry => "it is not there".to_owned(),
        Error::NoStorageAccess(_) => "the keyring is locked or not there".to_owned(),
        Error::PlatformFailure(_) => "there is no keyring".to_owned(),
        _ => "the keyring cannot hold it".to_owned(),
    }
}
