//! Hashing passwords: Argon2id, which is meant to be slow and to take memory, so only a few at a time and never on a thread that serves
//! others; who would wait long is refused. It must not know whose password it is.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use payin_core::Error;
use payin_types::{ErrorCode, ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::attempts::Attempts;
use crate::app::Outcome;
use crate::store::Fault;

/// How many are hashed at once: each takes 19 MiB and most of a core. Who signs in meanwhile waits.
const AT_ONCE: usize = 2;
/// How many may wait: about a second's work of a slow core. Who comes then is told to come again, and holds no memory meanwhile.
const WAITING_MAX: usize = 30;

/// Hashes and compares passwords, and counts who guesses them.
#[derive(Debug)]
pub struct Passwords {
    /// Who is hashed now.
    slots: Arc<Semaphore>,
    /// Who is hashed now or waits for it.
    places: Arc<Semaphore>,
    pub(super) attempts: Attempts,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::counting(true)
    }
}

/// OWASP's first recommendation: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, Fault> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| Fault::Corrupt(format!("Argon2: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn busy() -> Error {
    let message = "More people sign in at this moment than can be served; try again in 1 s";
    Error { retry_after_s: Some(1), ..Error::new(ErrorCode::RateLimitExceeded, message) }
}

fn broken(error: argon2::password_hash::Error) -> Fault {
    Fault::Corrupt(format!("a password cannot be hashed: {error}"))
}

impl Passwords {
    /// Whether those who guess are stopped.
    #[must_use]
    pub fn counting(counts: bool) -> Self {
        let places = Semaphore::new(AT_ONCE.saturating_add(WAITING_MAX));
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)), places: Arc::new(places), attempts: Attempts::new(counts) }
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Outcome<T> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Fault::Stopped)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, slot);
            work()
        });
        Ok(done.await.map_err(|error| Fault::Corrupt(format!("hashing a password: {error}")))??)
    }

    /// What is stored of a password.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED` if too many wait; if it cannot be hashed.
    pub async fn hash(&self, password: SecretString, salt: [u8; 16]) -> Outcome<String> {
        self.slowly(move || {
            let salt = SaltString::encode_b64(&salt).map_err(broken)?;
            Ok(argon2()?.hash_password(password.expose_secret().as_bytes(), &salt).map_err(broken)?.to_string())
        })
        .await
    }

    /// Whether this is the password of which that is stored. Of nobody it takes as long to say no.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED` if too many wait; if what is stored cannot be read.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Outcome<bool> {
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

    /// What is stored of a password that nobody guesses, because it is random and long: it needs no slow hash.
    ///
    /// # Errors
    /// If it cannot be hashed.
    pub fn hash_of_random(password: &SecretString, salt: [u8; 16]) -> Result<String, Fault> {
        let least = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None).map_err(|error| broken(error.into()))?;
        let salt = SaltString::encode_b64(&salt).map_err(broken)?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, least);
        Ok(hash.hash_password(password.expose_secret().as_bytes(), &salt).map_err(broken)?.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Failure;

    #[tokio::test]
    async fn who_would_wait_long_is_told_to_come_again() {
        let passwords = Passwords::default();
        let _served = Arc::clone(&passwords.slots).acquire_many_owned(2).await.unwrap();
        let _waiting = Arc::clone(&passwords.places).acquire_many_owned(32).await.unwrap();
        for stored in [None, Some(String::new())] {
            let Err(Failure::Refused(error)) = passwords.verify("a password".to_owned().into(), stored).await else { panic!("a refusal") };
            assert_eq!((error.code, error.retry_after_s), (ErrorCode::RateLimitExceeded, Some(1)));
        }
    }

    #[tokio::test]
    async fn a_password_is_compared_however_it_was_hashed() {
        let passwords = Passwords::default();
        let secret = |text: &str| SecretString::from(text.to_owned());
        let slow = passwords.hash(secret("correct horse"), [1; 16]).await.unwrap();
        let quick = Passwords::hash_of_random(&secret("correct horse"), [1; 16]).unwrap();
        assert_ne!(slow, quick);
        for stored in [slow, quick] {
            assert!(passwords.verify(secret("correct horse"), Some(stored.clone())).await.unwrap());
            assert!(!passwords.verify(secret("wrong horse"), Some(stored)).await.unwrap());
        }
        assert!(!passwords.verify(secret("correct horse"), None).await.unwrap());
    }
}
