//! Keys and sessions that a login has kept, by the name of their profile: in the system's keyring, or in a file that nobody else may read.
//! It must not decide which profile is used; `config.rs` does.

pub mod file;
mod keyring;
mod secret;
mod session;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use payin_sdk::types::ExposeSecret;
use serde::{Deserialize, Serialize};

pub use self::secret::Secret;
pub use self::session::Kept;

use crate::exit::Exit;
use crate::failure::Failure;

/// Where a key or session is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Keeping {
    /// In the system's keyring
    Keyring,
    /// In a file that only you may read
    File,
}

/// What is kept of a profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The server; without it the key tells. A session's is always named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Whether that server may be asked in clear.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
    /// The key, or the session's tokens as one text; absent where the keyring has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_key: Option<Hidden>,
}

/// A secret within the file: no `Debug` shows it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    profiles: BTreeMap<String, Profile>,
}

impl Profile {
    pub fn new(base_url: Option<String>, allow_http: bool) -> Self {
        Self { base_url, allow_http, api_key: None }
    }

    /// Where its key is, for people.
    pub fn place(&self) -> &'static str {
        if self.api_key.is_some() { "kept in a file" } else { "kept in the keyring" }
    }

    fn keeping(&self) -> Keeping {
        if self.api_key.is_some() { Keeping::File } else { Keeping::Keyring }
    }
}

/// The profiles of one person.
#[derive(Debug, Clone)]
pub struct Profiles {
    path: PathBuf,
}

/// The profiles, while no other program changes them.
#[derive(Debug)]
pub struct Locked {
    profiles: Profiles,
    _lock: File,
}

impl Profiles {
    /// Those in a folder, which need not be there yet.
    pub fn at(folder: PathBuf) -> Self {
        Self { path: folder.join("profiles.json") }
    }

    pub fn get(&self, name: &str) -> Result<Option<Profile>, Failure> {
        check(name)?;
        Ok(self.load()?.profiles.remove(name))
    }

    /// What a profile is for.
    pub fn secret(&self, name: &str, profile: &Profile) -> Result<Secret, Failure> {
        if let Some(Hidden(text)) = &profile.api_key {
            return Secret::read(text);
        }
        let lost = |why: String| {
            Failure::new(Exit::Auth, "NO_KEYRING", format!("the key of profile {name:?} cannot be read from the keyring: {why}"))
                .hint(format!("unlock the keyring, or log in again: payin login --profile {name}"))
        };
        Secret::read(keyring::get(name).map_err(lost)?.expose_secret())
    }

    /// Waits until no other program changes them.
    pub fn locked(&self) -> Result<Locked, Failure> {
        let path = self.path.with_extension("lock");
        let lock = file::open(&path).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(|error| Failure::usage(format!("cannot lock {}: {error}", path.display())))?;
        Ok(Locked { profiles: self.clone(), _lock: lock })
    }

    fn load(&self) -> Result<Contents, Failure> {
        let Some(text) = file::read(&self.path)? else { return Ok(Contents::default()) };
        serde_json::from_str(&text).map_err(|error| {
            // The text may hold keys: not a word of it.
            Failure::usage(format!("{} cannot be read: line {}, column {}", self.path.display(), error.line(), error.column()))
                .hint("mend it or remove it, and log in again")
        })
    }

    fn save(&self, contents: &Contents) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(contents).map_err(|error| Failure::internal(error.to_string()))?;
        file::write(&self.path, &(text + "\n"))
    }
}

impl Locked {
    /// Keeps a profile and what it is for. What the keyring does not take is kept in the file only where `keeping` says so.
    pub fn put(&self, name: &str, mut profile: Profile, secret: &Secret, keeping: Keeping) -> Result<Profile, Failure> {
        check(name)?;
        let (mut contents, text) = (self.profiles.load()?, secret.to_text()?);
        profile.api_key = None;
        match keeping {
            Keeping::Keyring => keyring::set(name, &text).map_err(|why| {
                Failure::new(Exit::Api, "NO_KEYRING", format!("the keyring did not take {}: {why}", secret.kind()))
                    .hint("keep it in a file that only you may read: --keep-in file")
            })?,
            Keeping::File => profile.api_key = Some(Hidden(text.expose_secret().to_owned())),
        }
        let before = contents.profiles.insert(name.to_owned(), profile.clone());
        self.profiles.save(&contents)?;
        if profile.api_key.is_some() && before.is_some_and(|before| before.api_key.is_none()) {
            // What the keyring had is of no use any more; where the keyring has gone, so has that.
            let _ = keyring::delete(name);
        }
        Ok(profile)
    }

    /// Forgets a profile and what it is for; false if there was none.
    pub fn remove(&self, name: &str) -> Result<bool, Failure> {
        check(name)?;
        let mut contents = self.profiles.load()?;
        let Some(profile) = contents.profiles.remove(name) else { return Ok(false) };
        if profile.api_key.is_none() {
            keyring::delete(name).map_err(|why| {
                Failure::new(Exit::Api, "NO_KEYRING", format!("the keyring did not let go of the key: {why}"))
                    .hint("unlock the keyring and try again; revoke the key if it may be in wrong hands: payin keys delete KEY_ID")
            })?;
        }
        self.profiles.save(&contents)?;
        Ok(true)
    }
}

/// Whether something can be the name of a profile: it stands in commands and as the name of a key.
fn check(name: &str) -> Result<(), Failure> {
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if is_name {
        Ok(())
    } else {
        Err(Failure::usage(format!("{name:?} is no name of a profile: write letters, digits, '.', '_', '-', at most 64")))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
