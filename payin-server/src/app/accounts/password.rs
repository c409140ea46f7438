//! Hashing passwords: Argon2id, which is meant to be slow and to take memory, so only a few at a time and never on a thread that serves
//! others. It must not know whose password it is.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use payin_types::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::store::Fault;

/// How many are hashed at once: each takes 19 MiB and most of a core. Who signs in meanwhile waits.
const AT_ONCE: usize = 2;

/// Hashes and compares passwords.
#[derive(Debug)]
pub struct Passwords {
    slots: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// OWASP's first recommendation: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, Fault> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Fault::Corrupt(format!("Argon2: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Passwords {
    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Fault::Stopped)?;
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        done.await.map_err(|error| Fault::Corrupt(format!("hashing a password: {error}")))?
    }

    /// What is stored of a password.
    ///
    /// # Errors
    /// If it cannot be hashed.
    pub async fn hash(&self, password: SecretString, salt: [u8; 16]) -> Result<String, Fault> {
        let broken = |error: argon2::password_hash::Error| Fault::Corrupt(format!("a password cannot be hashed: {error}"));
        self.slowly(move || {
            let salt = SaltString::encode_b64(&salt).map_err(broken)?;
            Ok(argon2()?.hash_password(password.expose_secret().as_bytes(), &salt).map_err(broken)?.to_string())
        })
        .await
    }

    /// Whether this is the password of which that is stored. Of nobody it takes as long to say no.
    ///
    /// # Errors
    /// If what is stored cannot be read.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Fault> {
        let Some(stored) = stored else {
            // Once, as it is done once to compare.
            self.hash(password, [0; 16]).await?;
            return Ok(false);
        };
        self.slowly(move || {
            let parsed = PasswordHash::new(&stored).map_err(|error| Fault::Corrupt(format!("a stored password hash: {error}")))?;
            Ok(argon2()?.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok())
        })
        .await
    }
}
