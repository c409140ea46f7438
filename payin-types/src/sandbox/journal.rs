//! What has happened in a sandbox, and assertions about it.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, open_enum};

open_enum! {
    /// Whose doing it was.
    JournalKind {
        /// A request of an API, when it was answered. The sandbox's own are not kept.
        Request = "request",
        /// An attempt to deliver a webhook, when it had ended.
        Delivery = "delivery",
        /// Something on a simulated chain.
        Chain = "chain",
    }
}

/// Something that happened. It bears no key, no signature and no body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// Its number, from 1 on.
    pub seq: u64,
    /// The virtual time.
    pub at: Timestamp,
    /// Whose doing it was.
    pub kind: JournalKind,
    /// What: `POST /api/v1/orders`, `order.completed http://localhost:8080/hook`, `ethereum-sepolia block 12`.
    pub what: String,
    /// What came of it: `201`, `400 INVALID_AMOUNT`, `dropped`, the transactions of a block.
    pub outcome: String,
    /// The request's, the event's or the transaction's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The fault rule that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
}

/// Query of `GET /sandbox/journal`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadJournal {
    /// Only of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JournalKind>,
    /// Only where `what` and `outcome`, with a space between them, fit this; `*` stands for any text.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Only what came after this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How many at most, 1 to 1000; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Answer of `GET /sandbox/journal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// The oldest first.
    pub entries: Vec<JournalEntry>,
    /// How many of the oldest were forgotten, so that it stays bounded.
    pub forgotten: u64,
}

/// Body of `POST /sandbox/journal/assert`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assertion {
    /// Only of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JournalKind>,
    /// As in [`ReadJournal`].
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Only what came after this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Exactly so many; default: one at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// Answer of `POST /sandbox/journal/assert` where it is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asserted {
    /// How many there are.
    pub count: u64,
}
