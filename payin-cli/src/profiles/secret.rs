//! What a profile is for: a key, or a session of the CryptoPay API; and the one text as which either is kept.

use payin_sdk::SecretString;
use payin_sdk::cryptopay::Tokens;
use payin_sdk::types::ExposeSecret;
use payin_sdk::types::cryptopay::Refreshed;

use crate::exit::Exit;
use crate::failure::Failure;

/// A key, or a session.
#[derive(Debug, Clone)]
pub enum Secret {
    /// An API key, which stays as it is.
    Key(SecretString),
    /// A session's tokens, which change while it is used.
    Session(Tokens),
}

impl Secret {
    /// What it is called, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "the key",
            Self::Session(_) => "the session",
        }
    }

    /// As it is kept, in one piece: a key as it is, a session as JSON.
    pub fn to_text(&self) -> Result<SecretString, Failure> {
        let tokens = match self {
            Self::Key(key) => return Ok(key.clone()),
            Self::Session(tokens) => tokens,
        };
        let (access, refresh) = (tokens.access.expose_secret().to_owned(), tokens.refresh.expose_secret().to_owned());
        let text = serde_json::to_string(&Refreshed { access, refresh }).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(SecretString::from(text))
    }

    /// Reads it again. No key begins with a brace.
    pub fn read(text: &str) -> Result<Self, Failure> {
        if !text.starts_with('{') {
            return Ok(Self::Key(SecretString::from(text)));
        }
        // Not a word of the text: it holds tokens.
        let broken = |_| Failure::new(Exit::Auth, "BAD_PROFILE", "the session that is kept cannot be read").hint("log in again");
        let Refreshed { access, refresh } = serde_json::from_str(text).map_err(broken)?;
        Ok(Self::Session(Tokens { access: access.into(), refresh: refresh.into() }))
    }
}
