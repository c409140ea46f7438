//! `GET /me`: whose key this is.

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, Environment, OrganizationId, Role, Timestamp};

/// What a key is and may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Me {
    /// The organization the key belongs to.
    pub organization: Organization,
    /// The key's role in it.
    pub role: Role,
    /// Whether this deployment moves real money.
    pub environment: Environment,
    /// The key itself, without its secret.
    pub key: Key,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its id.
    pub id: ApiKeyId,
    /// The first characters of the secret, to tell keys apart.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is no longer taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
