//! Answer of `GET /chains`: the chains that a deployment offers, how far each has been followed, and what is known of its nodes. Where the
//! nodes are is nobody's business and stands nowhere here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, Environment, Protocol, Timestamp, TransferId, open_enum};

open_enum! {
    /// How following a chain goes.
    ChainStatus {
        /// As it should.
        Following = "following",
        /// The newest block known is old.
        Behind = "behind",
        /// It fails at the moment, or the chain does not come to rest.
        Degraded = "degraded",
        /// The chain took back what was final, and is not followed any more until a person has looked.
        Halted = "halted",
        /// It was never followed.
        NotFollowed = "not_followed",
    }
}

open_enum! {
    /// When a payment on a chain counts.
    ConfirmedBy {
        /// With so many confirmations.
        Count = "count",
        /// When its block is final.
        Finalized = "finalized",
    }
}

open_enum! {
    /// How chain and database differ in a transfer.
    DifferenceKind {
        /// The chain has it, and it was not recorded.
        NotRecorded = "not_recorded",
        /// It was recorded, and the chain does not have it.
        NotOnChain = "not_on_chain",
        /// Both have it, and say different things of it.
        Different = "different",
    }
}

/// Answer of `GET /chains`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowedChains {
    /// Every chain, in the deployment's order.
    pub data: Vec<FollowedChain>,
}

/// A chain that the deployment offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct FollowedChain {
    /// Its slug.
    pub chain_id: ChainId,
    /// Its family.
    pub protocol: Protocol,
    /// Whether its tokens have value.
    pub environment: Environment,
    /// What is accepted on it.
    pub tokens: Vec<ChainToken>,
    /// Confirmations that are shown as enough.
    pub required_confirmations: u64,
    /// When a payment counts.
    pub confirmed_by: ConfirmedBy,
    /// Payments of this much and more count only when their block is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_above: Option<Amount>,
    /// Payments of this much and more count only when a second node has said the same of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_above: Option<Amount>,
    /// How following it goes.
    pub status: ChainStatus,
    /// The same in a sentence.
    pub message: String,
    /// The newest block taken in; this and the rest are missing where the chain was never followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_number: Option<u64>,
    /// Its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_hash: Option<String>,
    /// Its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_time: Option<Timestamp>,
    /// How far that lies behind the server's clock, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    /// The newest block that will not be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_number: Option<u64>,
    /// When the newest block was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<Timestamp>,
    /// Which blocks have been looked at, lowest first.
    pub scans: Vec<ScannedBlocks>,
    /// Which blocks between them have not.
    pub holes: Vec<BlockRange>,
    /// Which blocks never will be, because a person declared them lost: no node gave them any more. `scans` may reach over them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostBlocks>,
    /// The nodes it is followed by, in the configured order. Missing where another server process follows it: only that one knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<ChainNode>>,
    /// What comparing the chain with the database last found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reconciliation: Option<ChainReconciliation>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A token on a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ChainToken {
    /// What merchants call it.
    pub currency: Currency,
    /// Its contract or mint.
    pub contract_address: String,
    /// Digits after the point.
    pub decimals: u32,
    /// Why nothing is taken in it at present: what its contract says that its issuer did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// Blocks that have been looked at, without a gap, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ScannedBlocks {
    /// The lowest.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
    /// When looking at them began.
    pub begun_at: Timestamp,
    /// When they last became more.
    pub scanned_at: Timestamp,
}

/// Blocks, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct BlockRange {
    /// The lowest.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
}

/// Blocks that a person declared lost, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct LostBlocks {
    /// The lowest.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
    /// Why, in that person's words.
    pub reason: String,
    /// When.
    pub declared_at: Timestamp,
}

/// A node of a chain, known by its place in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ChainNode {
    /// Its place, from 1.
    pub number: u64,
    /// Whether nothing was wrong with it when it was last asked.
    pub answers: bool,
    /// What was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Until when it is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_until: Option<Timestamp>,
    /// When it last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// How long that took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The highest block it was seen to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
}

/// What comparing a chain with the database found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ChainReconciliation {
    /// The lowest block compared.
    pub from_number: u64,
    /// The highest.
    pub to_number: u64,
    /// How many transfers to addresses of this deployment the chain has in them.
    pub transfers: u64,
    /// In how many transfers they differ, whoever's they are.
    pub difference_count: u64,
    /// The first of these that are to addresses of the key's organization.
    pub differences: Vec<ChainDifference>,
    /// When it was.
    pub reconciled_at: Timestamp,
}

/// A transfer of which chain and database say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct ChainDifference {
    /// How they differ.
    pub kind: DifferenceKind,
    /// In words.
    pub detail: String,
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub block_number: u64,
    /// The gateway's id, where it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
}
