//! Bodies of the Address Pool API (source: API Reference; schemas: the vendor's address-management guide).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{OrderId, Protocol, Timestamp, open_enum};

open_enum! {
    /// Where imported addresses come from; kept for the merchant's books.
    ImportMode {
        /// Addresses of any origin.
        SelfManaged = "self_managed",
        /// Addresses derived from one wallet.
        HdWallet = "hd_wallet",
    }
}

/// Body of `POST /address-pool/import`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportAddresses {
    /// The family the addresses belong to.
    pub protocol: Protocol,
    /// Where they come from; default `self_managed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ImportMode>,
    /// CSV text: one address a line, or with a header that has a column `address`.
    pub addresses: String,
}

/// Answer of `POST /address-pool/import`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedAddresses {
    /// Always true: an import with a bad line is a 400 and imports nothing.
    pub success: bool,
    /// Addresses that are new in the pool.
    pub imported: u64,
    /// Addresses that were already there, or twice in the text.
    pub skipped: u64,
    /// Always empty; the documents show it.
    pub errors: Vec<Value>,
    /// What was asked for.
    pub summary: ImportSummary,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Part of [`ImportedAddresses`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// The family the addresses belong to.
    pub protocol: Protocol,
    /// Where they come from.
    pub mode: ImportMode,
}

/// One bad line of an import, within `details` of the 400.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportError {
    /// The line, from 1; a header is line 1.
    pub line: u64,
    /// What stood there.
    pub address: String,
    /// What is wrong with it.
    pub error: String,
}

/// Answer of `GET /address-pool/status`: family → counts.
pub type PoolStatus = BTreeMap<Protocol, PoolCounts>;

/// How many addresses of a family stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolCounts {
    /// All.
    pub total: u64,
    /// Free for a new order.
    pub available: u64,
    /// Held by an order.
    pub allocated: u64,
    /// Held by a deposit reference.
    pub bound: u64,
    /// Released, not yet free.
    pub cooling_down: u64,
    /// Kept back, because money arrived that belongs to nobody.
    #[serde(default)]
    pub quarantined: u64,
}

open_enum! {
    /// Where an address of the pool stands.
    AddressState {
        /// Free for a new order.
        Available = "available",
        /// Held by an order.
        Allocated = "allocated",
        /// Held by a deposit reference.
        Bound = "bound",
        /// Released, not yet free.
        Cooldown = "cooldown",
        /// Kept back, because money arrived that belongs to nobody.
        Quarantined = "quarantined",
    }
}

/// An address of the pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolAddress {
    /// The address in its family's canonical form.
    pub address: String,
    /// Its family.
    pub protocol: Protocol,
    /// Where it stands.
    pub state: AddressState,
    /// The order that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// When it was imported.
    pub created_at: Timestamp,
    /// Until when it is kept back after its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_until: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Query of `GET /address-pool/addresses`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListAddresses {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only this family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Only addresses that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AddressState>,
}
