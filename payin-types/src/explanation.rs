//! Answer of `GET /orders/{id}/explain`: why an order is paid or is not, in words for people, with the evidence for programs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::transfer::UnmatchedReason;
use crate::{Amount, ChainId, Currency, OrderId, OrderStatus, Timestamp, TransferId, TransferStatus, open_enum};

open_enum! {
    /// What was found out about an order.
    FindingCode {
        /// It is paid.
        Paid = "paid",
        /// More came than it asks for.
        Overpaid = "overpaid",
        /// Its chain took back a confirmed payment.
        Reverted = "reverted",
        /// It expired without being paid.
        ExpiredUnpaid = "expired_unpaid",
        /// Its chain is not followed.
        ChainUnfollowed = "chain_unfollowed",
        /// Its chain is not followed any more until a person has looked.
        ChainHalted = "chain_halted",
        /// The newest block known of its chain is old.
        ChainStale = "chain_stale",
        /// Following its chain fails at the moment.
        ChainDegraded = "chain_degraded",
        /// Blocks of its chain have not been looked at yet.
        ChainGap = "chain_gap",
        /// Blocks of its time were declared lost and never looked at.
        BlocksLost = "blocks_lost",
        /// Payments wait for confirmations.
        Confirming = "confirming",
        /// Payments wait for their block to come to rest.
        Resting = "resting",
        /// Payments wait until a second node has said the same.
        Agreeing = "agreeing",
        /// Less came than it asks for.
        Short = "short",
        /// Another token came.
        WrongToken = "wrong_token",
        /// A payment came on another chain.
        WrongChain = "wrong_chain",
        /// A payment came too late.
        Late = "late",
        /// The chain took a transfer back before it counted.
        TakenBack = "taken_back",
        /// No payment that counts has been seen.
        NothingSeen = "nothing_seen",
        /// The payer may still send.
        WindowOpen = "window_open",
        /// The window is over, a payment still counts.
        GracePeriod = "grace_period",
        /// The time is over by the server's clock and not yet by the chain's.
        WindowOver = "window_over",
        /// Transfers too small to be told of came.
        Dust = "dust",
        /// There are more transfers than are shown.
        MoreTransfers = "more_transfers",
    }
}

/// Why an order is paid or is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Explanation {
    /// The gateway's id.
    pub order_id: OrderId,
    /// The merchant's id.
    pub order_reference: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// The whole in one sentence.
    pub summary: String,
    /// What was found out, the most important first.
    pub findings: Vec<Finding>,
    /// What the order asks for, in whole tokens.
    pub amount: Amount,
    /// Which token.
    pub currency: Currency,
    /// Where to pay.
    pub address: String,
    /// Sum of the confirmed payments that count.
    pub received_amount: Amount,
    /// Sum of the payments that count once they are confirmed.
    pub pending_amount: Amount,
    /// How far its chain has been followed.
    pub chain: ExplainedChain,
    /// The server's time.
    pub explained_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How far a chain has been followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ExplainedChain {
    /// The chain.
    pub chain_id: ChainId,
    /// The newest block taken in; this and the rest are missing where the chain was never followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_number: Option<u64>,
    /// Its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_time: Option<Timestamp>,
    /// How far that lies behind the server's clock, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    /// The newest block that will not be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_number: Option<u64>,
    /// Time of the newest block whose payments are confirmed: by it, orders expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_time: Option<Timestamp>,
    /// When the newest block was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One thing that was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Finding {
    /// What it is, for programs.
    pub code: FindingCode,
    /// The same in a sentence.
    pub message: String,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What a finding rests on: of these, what its code speaks of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Evidence {
    /// What is still to be paid, not counting what waits for confirmations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_amount: Option<Amount>,
    /// What came beyond what the order asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess_amount: Option<Amount>,
    /// How many blocks confirm the payment that has fewest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// How many the chain asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// About when it will have them, by how often its chain makes blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Timestamp>,
    /// When it happened or since when it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many there are that are not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
    /// The transfers it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<ExplainedTransfer>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A transfer to the order's address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ExplainedTransfer {
    /// The gateway's id.
    pub transfer_id: TransferId,
    /// The transaction.
    pub tx_hash: String,
    /// The chain.
    pub chain_id: ChainId,
    /// The token.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// Who sent it, as the chain tells it.
    pub from_address: String,
    /// Its block.
    pub block_number: u64,
    /// The block's time, by the chain's own clock: what decides whether it came in time.
    pub block_time: Timestamp,
    /// How many blocks confirm it.
    pub confirmations: u64,
    /// How many its chain asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_confirmations: Option<u64>,
    /// Where it stands.
    pub status: TransferStatus,
    /// Why it counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched_reason: Option<UnmatchedReason>,
    /// How long after the end of the grace period its block is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_by_seconds: Option<u64>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
