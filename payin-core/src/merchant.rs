//! Merchants as other APIs than the native one know them: organizations, each with one key, run by people who sign in. What they come to is
//! counted through one API and in one currency, in integers. It must not know where the figures come from.

use payin_types::{OrganizationId, Role, Timestamp};

use crate::access::{Permission, allows};
use crate::{Error, Units};

/// What the key of a new merchant may do: all but ownership, so that it can say where the merchant is paid.
pub const KEY_ROLE: Role = Role::Admin;

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// The organization.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// The first characters of its key; `None` where no key of its is taken.
    pub key_prefix: Option<String>,
    /// Where orders are told of that bring no URL along.
    pub webhook_url: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its orders come to.
    pub takings: Takings,
}

/// What orders come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takings {
    /// How many they are.
    pub orders: u64,
    /// What the paid ones among them received.
    pub received: Units,
}

/// How many orders stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// In all.
    pub orders: u64,
    /// Of which nothing was seen.
    pub open: u64,
    /// Paid since a time.
    pub paid: u64,
    /// Expired since that time.
    pub expired: u64,
}

/// Whether somebody of this role runs the merchant.
#[must_use]
pub fn runs(role: &Role) -> bool {
    allows(role, Permission::ManageSettings)
}

/// A merchant that does not exist, or that the person does not run: the two must not be told apart.
#[must_use]
pub fn not_found(id: &str) -> Error {
    Error::not_found("Merchant", id)
}
