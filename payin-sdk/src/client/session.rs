//! A person's session of the CryptoPay API: the token that calls bear, and its renewal. Of many calls that find their token over at once, one
//! renews it and the others take what it got, since what it is renewed with is good once; so do several programs that share a session. It
//! must not know single resources, nor where tokens are kept.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use futures_util::lock::Mutex as Queue;
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

/// What went wrong where tokens are kept.
pub type KeepError = Box<dyn std::error::Error + Send + Sync>;

/// A turn that is waited for.
pub type Turning = Pin<Box<dyn Future<Output = Result<Box<dyn Turn>, KeepError>> + Send>>;

/// Where the tokens of a session are kept with which several programs go on. One at a time prolongs it, since what it is prolonged with is
/// good once: its second use ends the session for all of them.
pub trait Keeper: Send + Sync + 'static {
    /// Waits until no other program has its turn.
    fn turn(&self) -> Turning;
}

/// The time in which no other program prolongs the session. It ends when this is dropped.
pub trait Turn: Send {
    /// The tokens as they are kept now: new ones, where another program has prolonged the session before.
    fn tokens(&self) -> Tokens;

    /// Keeps the tokens with which the session goes on.
    ///
    /// # Errors
    /// Whatever is in the way. The call that prolonged the session then fails with [`Error::Session`].
    fn keep(&mut self, tokens: &Tokens) -> Result<(), KeepError>;
}

/// A session that goes on.
pub(crate) struct Session {
    current: Mutex<Tokens>,
    queue: Queue<()>,
    keeper: Option<Box<dyn Keeper>>,
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
    pub(crate) fn new(tokens: Tokens, keeper: Option<Box<dyn Keeper>>) -> Self {
        Self { current: Mutex::new(tokens), queue: Queue::new(()), keeper }
    }

    /// The tokens as they are now.
    pub(crate) fn tokens(&self) -> Tokens {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets new tokens, unless another call or program has since this one was sent with `stale`.
    async fn renew(&self, client: &Client, stale: &Tokens) -> Result<(), Error> {
        let _first = self.queue.lock().await;
        let mut turn = match &self.keeper {
            Some(keeper) => Some(keeper.turn().await.map_err(Error::Session)?),
            None => None,
        };
        let mut tokens = turn.as_ref().map_or_else(|| self.tokens(), |turn| turn.tokens());
        if tokens.access.expose_secret() == stale.access.expose_secret() {
            let refresh = Refresh { refresh: tokens.refresh.expose_secret().to_owned() };
            // Sent once: whether a lost answer has used the token up is not known, and a second use would end the session.
            let next: Refreshed = client.post(Kind::Act, "/api/auth/token/refresh/", &[], &refresh).retries_max(0).await?;
            tokens = Tokens { access: next.access.into(), refresh: next.refresh.into() };
            if let Some(turn) = &mut turn {
                turn.keep(&tokens).map_err(Error::Session)?;
            }
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
        Ok(())
    }
}
