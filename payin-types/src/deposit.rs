//! Bodies of the Deposits API (source: Deposits API document).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, DepositId, Protocol, SortOrder, Timestamp, open_enum};

/// Body of `POST /deposits/references`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BindDeposit {
    /// The merchant's own id of the payer: 1 to 255 characters. Unique with the chain in the organization.
    pub deposit_reference: String,
    /// What the payer is expected to send. Every listed token of the family is credited all the same.
    pub currency: Currency,
    /// The chain's slug; every chain of its family that is offered here is watched.
    pub chain_id: ChainId,
    /// The merchant's own data, at most 10 pairs and 8 KiB in all; merged into what the reference has already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

impl BindDeposit {
    /// A binding with the fields that every binding has.
    #[must_use]
    pub fn new(deposit_reference: impl Into<String>, currency: impl Into<Currency>, chain_id: impl Into<ChainId>) -> Self {
        Self { deposit_reference: deposit_reference.into(), currency: currency.into(), chain_id: chain_id.into(), metadata: None }
    }

    /// Adds one pair of the merchant's own data.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }
}

/// Answer of `POST /deposits/references`: one chain of a reference, bound to its address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct BoundDeposit {
    /// The merchant's id.
    pub deposit_reference: String,
    /// What the payer is expected to send.
    pub currency: Currency,
    /// The chain it was bound on.
    pub chain_id: ChainId,
    /// That chain's family.
    pub protocol: Protocol,
    /// Where to pay, on any chain of the family.
    pub address: String,
    /// The merchant's own data, of the whole reference.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One address of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct DepositAddress {
    /// What the payer is expected to send.
    pub currency: Currency,
    /// The chain it was bound on.
    pub chain_id: ChainId,
    /// That chain's family.
    pub protocol: Protocol,
    /// Where to pay.
    pub address: String,
    /// When it was bound.
    pub created_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl From<BoundDeposit> for DepositAddress {
    fn from(bound: BoundDeposit) -> Self {
        let BoundDeposit { currency, chain_id, protocol, address, created_at, extra, .. } = bound;
        Self { currency, chain_id, protocol, address, created_at, extra }
    }
}

/// Answer of `GET /deposits/references/:depositReference`. Totals count the deposits that are confirmed and not taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct DepositReference {
    /// The merchant's id.
    pub deposit_reference: String,
    /// The addresses bound at present, oldest first.
    pub addresses: Vec<DepositAddress>,
    /// How many deposits it has had.
    pub total_deposits: u64,
    /// What they come to, by currency, in whole tokens.
    pub total_amount: BTreeMap<Currency, Amount>,
    /// The merchant's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A reference within a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct DepositReferenceSummary {
    /// The merchant's id.
    pub deposit_reference: String,
    /// The families it is bound on, in alphabetical order.
    pub protocols: Vec<Protocol>,
    /// How many addresses it has at present.
    pub address_count: u64,
    /// How many deposits it has had.
    pub total_deposits: u64,
    /// What they come to, by currency, in whole tokens.
    pub total_amount: BTreeMap<Currency, Amount>,
    /// When the latest of them was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deposit_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// Where a deposit stands.
    DepositStatus {
        /// Seen, waiting for confirmations; or taken back by its chain.
        Pending = "pending",
        /// Has the confirmations its chain asks for.
        Confirmed = "confirmed",
        /// Final: its chain will not take it back.
        Completed = "completed",
    }
}

/// A deposit: one transfer to an address of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Deposit {
    /// The gateway's id.
    pub deposit_id: DepositId,
    /// The merchant's id of the payer.
    pub deposit_reference: String,
    /// What arrived, in whole tokens.
    pub amount: Amount,
    /// Of which token.
    pub currency: Currency,
    /// On which chain, which may be another of the family than the reference was bound on.
    pub chain_id: ChainId,
    /// That chain's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where it arrived.
    pub address: String,
    /// Who sent it, as the chain tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_address: Option<String>,
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub block_number: u64,
    /// Where it stands.
    pub status: DepositStatus,
    /// How many blocks confirm it, its own included.
    pub confirmations: u64,
    /// How many its chain asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// When it was seen.
    pub detected_at: Timestamp,
    /// When it was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When it became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// True while its chain has taken it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted: Option<bool>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// What a list of deposits is sorted by.
    DepositSort {
        /// When it was seen; the default.
        DetectedAt = "detectedAt",
        /// When it was confirmed; those that are not come last, whichever end is first.
        ConfirmedAt = "confirmedAt",
        /// How much arrived, exactly compared.
        Amount = "amount",
    }
}

/// Query of `GET /deposits`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListDeposits {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only this reference's, spelt exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_reference: Option<String>,
    /// Only deposits that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DepositStatus>,
    /// Only this token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only on this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// Only those seen at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_after: Option<Timestamp>,
    /// Only those seen before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_before: Option<Timestamp>,
    /// What to sort by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<DepositSort>,
    /// Which end comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<SortOrder>,
}

/// Query of `GET /deposits/references`, newest reference first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListDepositReferences {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only references that contain this text, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Query of `DELETE /deposits/references/:depositReference`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnbindDeposit {
    /// Only this chain; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
}

/// Answer of `DELETE /deposits/references/:depositReference`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct UnboundDeposit {
    /// Always true: what is not bound is a 404.
    pub success: bool,
    /// For people.
    pub message: String,
    /// The merchant's id.
    pub deposit_reference: String,
    /// How many addresses were let go. Each is free again after the cooldown.
    pub unbound_addresses: u64,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
