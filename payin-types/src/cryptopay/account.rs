//! People and their sessions. These answers are in no envelope.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Body of `POST /auth/register`. It bears a password, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// What to sign in with.
    pub username: String,
    /// An address for mail.
    pub email: String,
    /// The password.
    pub password: String,
    /// What the merchant is called.
    pub shop_name: String,
}

/// Body of `POST /auth/login`. It bears a password, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The name, or the address for mail.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Answer of `POST /auth/login`. It bears tokens, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// A token for calls, valid for 24 hours.
    pub access: String,
    /// A token for the next one, valid for 30 days, once.
    pub refresh: String,
    /// Who signed in.
    pub user: User,
}

/// Somebody with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct User {
    /// Their number.
    pub id: u64,
    /// What they sign in with.
    pub username: String,
    /// Their address for mail.
    pub email: String,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Body of `POST /auth/token/refresh/`. It bears a token, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The token that came with the latest access token.
    pub refresh: String,
}

/// Answer of `POST /auth/token/refresh/`. It bears tokens, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshed {
    /// A token for calls.
    pub access: String,
    /// A token for the next one; the one that was sent is used up.
    pub refresh: String,
}
