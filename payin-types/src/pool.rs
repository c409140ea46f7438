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
    /// CSV text: one address a line, or with a header that has a column `address`. Absent where `xpub` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<String>,
    /// Instead of addresses: an account's extended public key, of EVM (`m/44'/60'/0'`) or Tron (`m/44'/195'/0'`). Addresses are derived
    /// from it at `0/i`, now and whenever few are left. Never a private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xpub: Option<String>,
    /// How many addresses to derive now, 1 to 10000; default 100. Only with `xpub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The first index to derive; default 0, or where the last derivation ended. Only with `xpub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_index: Option<u32>,
}

impl ImportAddresses {
    /// Addresses of a family, as CSV text.
    #[must_use]
    pub fn new(protocol: impl Into<Protocol>, addresses: impl Into<String>) -> Self {
        Self { protocol: protocol.into(), mode: None, addresses: Some(addresses.into()), xpub: None, count: None, start_index: None }
    }

    /// Addresses derived from an account's extended public key.
    #[must_use]
    pub fn from_xpub(protocol: impl Into<Protocol>, xpub: impl Into<String>, count: u32) -> Self {
        Self {
            protocol: protocol.into(),
            mode: Some(ImportMode::HdWallet),
            addresses: None,
            xpub: Some(xpub.into()),
            count: Some(count),
            start_index: None,
        }
    }
}

/// Query of `POST /address-pool/import` where the body is the CSV itself (`text/csv`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportCsv {
    /// The family the addresses belong to.
    pub protocol: Protocol,
    /// Where they come from; default `self_managed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ImportMode>,
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
    /// Which indices they have, where they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation_range: Option<DerivationRange>,
    /// The extended public key they come from, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_public_key: Option<String>,
}

/// Part of [`ImportSummary`]. (Snake case in the vendor's guide, as is `derivation_range` itself.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivationRange {
    /// The smallest index.
    pub start: u64,
    /// The largest index.
    pub end: u64,
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
    /// Kept back, because money arrived that belongs to nobody, or an issuer froze it.
    #[serde(default)]
    pub quarantined: u64,
    /// Put away: not handed out, still watched.
    #[serde(default)]
    pub archived: u64,
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
        /// Kept back, because money arrived that belongs to nobody, or an issuer froze it.
        Quarantined = "quarantined",
        /// Put away: not handed out, still watched.
        Archived = "archived",
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
    /// The deposit reference that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_reference: Option<String>,
    /// Its index in the wallet it comes from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation_index: Option<u64>,
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
    /// Items a page, 1 to 100; default 20. (`pageSize` is what the vendor's open server calls it.)
    #[serde(default, alias = "pageSize", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only this family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Only addresses that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<AddressState>,
}
