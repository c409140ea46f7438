//! A person's session of the CryptoPay API: the token that calls bear, and its renewal. Of many calls that find their token over at once, one
//! renews it and the others take what it got, since what it is renewed with is good once. It must not know single resources.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};

use futures_util::lock::Mutex as Turn;
use http::HeaderValue;
use payin_types::SecretString;
use payin_types::cryptopay::{Refresh, Refreshed};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::{Client, Kind};
use crate::error::Error;

/// The tokens of a session: to be kept as passwords are.
#[derive(Clone)]
pub struct Tokens {
    /// What calls bear, for a day.
    pub access: SecretString,
    /// What the next ones are got with, once, within 30 days.
    pub refresh: SecretString,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// A session that goes on.
pub(crate) struct Session {
    current: Mutex<Tokens>,
    turn: Turn<()>,
}

/// `Authorization` of a key or token.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Config("the token cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Gets new tokens for a client's session, unless another call has since this one was sent with `stale`. What was begun goes on where the
/// call is dropped that asked for it: by then the server may have replaced what it is renewed with, whose second use ends the session.
pub(super) async fn renew(client: &Client, stale: &Tokens) -> Result<(), Error> {
    let renewed = || {
        let (client, stale) = (client.clone(), stale.clone());
        async move {
            match &client.inner.session {
                Some(session) => session.renew(&client, &stale).await,
                None => Ok(()),
            }
        }
    };
    // A task of its own. Without a runtime, nothing outlives who waits.
    let Ok(runtime) = Handle::try_current() else { return renewed().await };
    match runtime.spawn(renewed().in_current_span()).await {
        Ok(renewed) => renewed,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down; the session went on or did not, which another attempt may tell.
            Err(_) => renewed().await,
        },
    }
}

impl Session {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self { current: Mutex::new(tokens), turn: Turn::new(()) }
    }

    /// The tokens as they are now.
    pub(crate) fn tokens(&self) -> Tokens {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets new tokens, unless another call has since this one was sent with `stale`.
    async fn renew(&self, client: &Client, stale: &Tokens) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let current = self.tokens();
        if current.access.expose_secret() != stale.access.expose_secret() {
            return Ok(());
        }
        let refresh = Refresh { refresh: current.refresh.expose_secret().to_owned() };
        // Sent once: whether a lost answer has used the token up is not known, and a second use would end the session.
        let next: Refreshed = client.post(Kind::Act, "/api/auth/token/refresh/", &[], &refresh).retries_max(0).await?;
        let next = Tokens { access: next.access.into(), refresh: next.refresh.into() };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}
