//! Merchant wallets: where the merchant is paid. The document names their paths only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// Body of `POST /merchant-wallets/`: an address, or an account's key that addresses are derived from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddWallet {
    /// The chain it is added for. It serves the other chains of its family, too.
    pub blockchain: String,
    /// An address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// An account's extended public key, of `m/44'/60'/0'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xpub: Option<String>,
}

impl AddWallet {
    /// An address.
    #[must_use]
    pub fn address(blockchain: impl Into<String>, address: impl Into<String>) -> Self {
        Self { blockchain: blockchain.into(), address: Some(address.into()), xpub: None }
    }

    /// An account's extended public key.
    #[must_use]
    pub fn xpub(blockchain: impl Into<String>, xpub: impl Into<String>) -> Self {
        Self { blockchain: blockchain.into(), address: None, xpub: Some(xpub.into()) }
    }
}

/// Body of `PUT /merchant-wallets/{id}/`. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateWallet {
    /// The chain it is shown under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blockchain: Option<String>,
    /// Its address; may be repeated, not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it is handed out to orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}

/// A wallet: an address, or an account's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct MerchantWallet {
    /// What to name it by.
    pub id: String,
    /// The chain it was added for. It serves the other chains of its family, too.
    pub blockchain: String,
    /// The address; of an account's key, its first.
    pub address: String,
    /// The account's key, where it is one.
    pub xpub: Option<String>,
    /// Whether it is handed out to orders.
    pub is_active: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
