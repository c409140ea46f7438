//! What `payin listen` keeps on this machine: the secret it signs with, and for each receiver where reading goes on. Files that only their
//! owner may read. It must not decide when something is kept.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use payin_sdk::SecretString;
use payin_sdk::types::ExposeSecret;
use payin_sdk::types::id::base62;
use payin_sdk::world::{SystemWorld, World};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::profiles::file;

/// Digits of a secret: 256 bits in base62.
const SECRET_DIGITS: usize = 44;

/// The folder of a profile.
pub struct Folder {
    path: PathBuf,
    profile: String,
}

/// The file of a receiver. Its first fields are for people, and say what its name stands for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    profile: String,
    server: String,
    forward_to: String,
    /// The types it is sent, in order, separated by commas; none: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    events: String,
    /// Everything of them up to here has been received.
    cursor: String,
}

/// Where reading goes on, for one receiver of one server's events of some types: what was passed over was not received.
pub struct Cursor {
    path: PathBuf,
    profile: String,
    server: String,
    forward_to: String,
    events: String,
    last: Option<String>,
    /// Held while we listen; the system lets go of it however we end.
    _lock: File,
}

impl Folder {
    pub fn at(config: PathBuf, profile: &str) -> Self {
        Self { path: config.join("listen"), profile: profile.to_owned() }
    }

    /// The secret that events are signed with: made when it is first asked for, and the same from then on.
    pub fn secret(&self) -> Result<SecretString, Failure> {
        let path = self.path.join(format!("{}.secret", name(&[&self.profile])));
        if let Some(text) = file::read(&path)? {
            let text = text.trim();
            return if text.is_empty() {
                Err(Failure::usage(format!("{} holds no secret; remove it, and a new one is made", path.display())))
            } else {
                Ok(text.into())
            };
        }
        let random = || SystemWorld::new().random().map_err(|error| Failure::internal(error.to_string()));
        let digits = base62(random()?, SECRET_DIGITS / 2) + &base62(random()?, SECRET_DIGITS / 2);
        let secret = SecretString::from(format!("whsec_{digits}"));
        file::write(&path, &format!("{}\n", secret.expose_secret()))?;
        Ok(secret)
    }

    /// Where reading goes on for a receiver of events of these types (none: all), which is from now on ours alone.
    pub fn cursor(&self, server: &str, forward_to: &str, types: &[&str]) -> Result<Cursor, Failure> {
        let events = types.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",");
        let receiver = [self.profile.as_str(), server, forward_to];
        let lock = lock(&self.path.join(format!("{}.json", name(&receiver))))?;
        let parts = receiver.into_iter().chain(Some(events.as_str()).filter(|events| !events.is_empty())).collect::<Vec<_>>();
        let path = self.path.join(format!("{}.json", name(&parts)));
        let found = file::read(&path)?.map(|text| serde_json::from_str::<Contents>(&text)).transpose();
        let found = found.map_err(|error| {
            Failure::usage(format!("{} cannot be read: {error}", path.display())).hint("remove it, and say --since when to begin")
        })?;
        // Two receivers whose names come to the same number do not take each other's place.
        let is_ours = |found: &Contents| [found.profile.as_str(), &found.server, &found.forward_to] == receiver && found.events == events;
        let ours = found.filter(is_ours);
        Ok(Cursor {
            path,
            profile: self.profile.clone(),
            server: server.to_owned(),
            forward_to: forward_to.to_owned(),
            events,
            last: ours.map(|found| found.cursor),
            _lock: lock,
        })
    }
}

impl Cursor {
    /// Everything up to here has been received.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Remembers, also beyond a crash, that everything up to here has been received.
    pub fn keep(&mut self, cursor: &str) -> Result<(), Failure> {
        let contents = Contents {
            profile: self.profile.clone(),
            server: self.server.clone(),
            forward_to: self.forward_to.clone(),
            events: self.events.clone(),
            cursor: cursor.to_owned(),
        };
        let text = serde_json::to_string_pretty(&contents).map_err(|error| Failure::internal(error.to_string()))?;
        file::write(&self.path, &(text + "\n"))?;
        self.last = Some(cursor.to_owned());
        Ok(())
    }
}

fn lock(path: &Path) -> Result<File, Failure> {
    let path = path.with_extension("lock");
    let failed = |error: std::io::Error| Failure::usage(format!("cannot lock {}: {error}", path.display()));
    let file = file::open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::new(Exit::Conflict, "ALREADY_LISTENING", "another payin listen forwards this server's events there")
                .hint("end it first, or forward to another URL"))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A name for a file: FNV-1a over the parts, 64 bits, so that any URL has one.
fn name(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_by_the_same_receiver_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |profile: &str, to: &str| Folder::at(folder.path().to_owned(), profile).cursor("https://a.test/api/v1", to, &[]);
        let mut cursor = open("default", "http://localhost/a").unwrap();
        assert_eq!(cursor.last(), None);
        cursor.keep("e-7").unwrap();
        assert!(open("default", "http://localhost/a").is_err(), "one at a time");
        assert_eq!(open("default", "http://localhost/b").unwrap().last(), None);
        assert_eq!(open("other", "http://localhost/a").unwrap().last(), None);
        drop(cursor);
        assert_eq!(open("default", "http://localhost/a").unwrap().last(), Some("e-7"));
    }

    #[test]
    fn what_was_passed_over_by_a_filter_was_not_received() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |types: &[&str]| Folder::at(folder.path().to_owned(), "default").cursor("https://a.test/api/v1", "http://localhost/a", types);
        let mut some = open(&["order.expired", "order.completed"]).unwrap();
        some.keep("e-7").unwrap();
        assert!(open(&[]).is_err(), "one at a time, whatever it reads");
        drop(some);
        assert_eq!(open(&[]).unwrap().last(), None);
        assert_eq!(open(&["order.expired"]).unwrap().last(), None);
        open(&[]).unwrap().keep("e-9").unwrap();
        assert_eq!(open(&["order.completed", "order.expired", "order.completed"]).unwrap().last(), Some("e-7"));
    }

    #[test]
    #[cfg(unix)]
    fn a_secret_is_made_once_and_is_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let secret = |profile: &str| Folder::at(home.path().to_owned(), profile).secret().unwrap().expose_secret().to_owned();
        let first = secret("default");
        assert!(first.starts_with("whsec_") && first.len() == 6 + SECRET_DIGITS);
        assert_eq!(secret("default"), first);
        assert_ne!(secret("other"), first);
        for entry in std::fs::read_dir(home.path().join("listen")).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
