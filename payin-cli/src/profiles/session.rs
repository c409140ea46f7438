//! A session that a profile is for, while it is gone on with: whoever prolongs it has the profiles locked, so that every other `payin` takes
//! what it got. It must not ask the server for anything; the SDK does.

use payin_sdk::cryptopay::{KeepError, Keeper, Tokens, Turn, Turning};

use super::{Locked, Profile, Profiles, Secret};
use crate::failure::Failure;

/// Where a session is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub profiles: Profiles,
    pub name: String,
    /// As it was when the session was taken from it.
    pub profile: Profile,
}

struct Held {
    locked: Locked,
    kept: Kept,
    tokens: Tokens,
}

impl Kept {
    fn hold(self) -> Result<Held, Failure> {
        let locked = self.profiles.locked()?;
        let Self { profiles, name, profile: begun } = &self;
        let over = || Failure::usage(format!("profile {name:?} was changed meanwhile, and its session is not kept any more"));
        // The session of another server is nothing to go on with here.
        let profile = profiles.get(name)?.filter(|now| now.base_url == begun.base_url).ok_or_else(over)?;
        let Secret::Session(tokens) = profiles.secret(name, &profile)? else { return Err(over()) };
        Ok(Held { locked, kept: Self { profile, ..self }, tokens })
    }
}

fn told(failure: Failure) -> KeepError {
    match failure {
        Failure::Told(report) => report.message.into(),
        Failure::BrokenPipe => "nobody reads".into(),
    }
}

impl Keeper for Kept {
    fn turn(&self) -> Turning {
        let kept = self.clone();
        Box::pin(async move {
            // On a thread: whoever holds the lock may be waiting for the server's answer.
            let held = tokio::task::spawn_blocking(move || kept.hold()).await?.map_err(told)?;
            Ok(Box::new(held) as Box<dyn Turn>)
        })
    }
}

impl Turn for Held {
    fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    fn keep(&mut self, tokens: &Tokens) -> Result<(), KeepError> {
        let Kept { name, profile, .. } = &self.kept;
        let put = self.locked.put(name, profile.clone(), &Secret::Session(tokens.clone()), profile.keeping());
        put.map(drop).map_err(told)
    }
}
