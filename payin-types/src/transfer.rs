//! Bodies of the Transfers API. The documents name its paths and filters only; the schema follows the vendor's open server.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, DepositId, OrderId, Protocol, SortOrder, Timestamp, TransferId, open_enum};

open_enum! {
    /// Where a transfer stands on its chain.
    TransferStatus {
        /// Seen, waiting for confirmations.
        Pending = "pending",
        /// Has the confirmations its chain asks for.
        Confirmed = "confirmed",
        /// Taken back by its chain. It may come back.
        Failed = "failed",
    }
}

open_enum! {
    /// What a transfer counts for.
    BusinessType {
        /// An order.
        Order = "order",
        /// A deposit reference.
        Deposit = "deposit",
    }
}

open_enum! {
    /// Why a transfer counts for nothing.
    UnmatchedReason {
        /// Nobody held the address.
        NoHolder = "no_holder",
        /// It came after the grace period, or after the address was let go.
        Late = "late",
        /// The order asked for another currency.
        WrongCurrency = "wrong_currency",
        /// The order asked for another chain.
        WrongChain = "wrong_chain",
    }
}

/// A token transfer to an address of the pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Transfer {
    /// The gateway's id.
    pub transfer_id: TransferId,
    /// The transaction.
    pub tx_hash: String,
    /// Its place among the events of its transaction's receipt, from 0. With chain and transaction it is the transfer's identity for ever.
    pub log_index: u64,
    /// The chain.
    pub chain_id: ChainId,
    /// Its family.
    pub protocol: Protocol,
    /// The token.
    pub currency: Currency,
    /// Its contract.
    pub contract_address: String,
    /// How much, in whole tokens.
    pub amount: Amount,
    /// Who sent it, as the chain tells it.
    pub from_address: String,
    /// Where it arrived.
    pub to_address: String,
    /// Its block.
    pub block_number: u64,
    /// How many blocks confirm it, its own included; 0 when its chain has taken it back.
    pub confirmations: u64,
    /// How many its chain asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// Where it stands.
    pub status: TransferStatus,
    /// What it counts for; null when it counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_type: Option<BusinessType>,
    /// The order it counts for or, if it is unmatched, was probably meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// That order's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// The deposit it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_id: Option<DepositId>,
    /// The payer it was credited to, or was probably meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_reference: Option<String>,
    /// Why it counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched_reason: Option<UnmatchedReason>,
    /// When it was seen.
    pub detected_at: Timestamp,
    /// When it was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When it became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// What a list of transfers is sorted by.
    TransferSort {
        /// When it was seen; the default.
        DetectedAt = "detectedAt",
        /// When it was confirmed; those that are not come last, whichever end is first.
        ConfirmedAt = "confirmedAt",
        /// How much, exactly compared.
        Amount = "amount",
    }
}

/// Query of `GET /transfers`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListTransfers {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only transfers that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TransferStatus>,
    /// Only this token's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only on this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// Only of this transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// Only this order's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Only this reference's, spelt exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_reference: Option<String>,
    /// Only those that count for such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_type: Option<BusinessType>,
    /// Only those that count for nothing, or only those that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<bool>,
    /// Only those seen at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_after: Option<Timestamp>,
    /// Only those seen before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_before: Option<Timestamp>,
    /// What to sort by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<TransferSort>,
    /// Which end comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<SortOrder>,
}
