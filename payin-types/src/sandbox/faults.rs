//! Faults on demand: rules that say what goes wrong, where, and how often.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, open_enum};

open_enum! {
    /// Where something goes wrong.
    FaultPlace {
        /// A request of the API; the pattern is held against `POST /api/v1/orders`. The sandbox's own paths are spared.
        Api = "api",
        /// A call of a chain's node, held against `ethereum-sepolia eth_getLogs`.
        Rpc = "rpc",
        /// A webhook on its way, held against `order.completed http://localhost:8080/hook`.
        Webhook = "webhook",
    }
}

open_enum! {
    /// What goes wrong.
    FaultKind {
        /// The answer is an error: of `code` in the API, HTTP status 500 of a node.
        Error = "error",
        /// The answer is 429, with `Retry-After` where `retryAfter` is given. Not of webhooks.
        RateLimit = "rate_limit",
        /// It takes `delayMs` longer, in real time: callers' deadlines are real.
        Latency = "latency",
        /// The connection is closed without an answer.
        Drop = "drop",
        /// The webhook is sent twice.
        Duplicate = "duplicate",
        /// The webhook is held back until another one has gone to the same URL.
        Reorder = "reorder",
        /// The webhook never arrives, and the server believes that it has.
        Lose = "lose",
    }
}

open_enum! {
    /// Whether the work is done before it goes wrong.
    FaultWhen {
        /// Nothing was done.
        Before = "before",
        /// It was done, and committed.
        After = "after",
    }
}

/// Body of `POST /sandbox/faults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFault {
    /// Where.
    pub at: FaultPlace,
    /// What.
    pub kind: FaultKind,
    /// Of what; `*` stands for any text. Default: everything.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// For `error` and `drop`: before or after the work is done; default `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<FaultWhen>,
    /// For `error` in the API: which one; its status goes with it. Default `INTERNAL_ERROR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// For `rate_limit`: what `Retry-After` says, in seconds; without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// For `latency`: how long, in real milliseconds, 1 to 60,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// How many times; default: until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How often of a hundred times, 1 to 100, as the server's seed has it; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}

impl NewFault {
    /// This always goes wrong there, until it is cleared.
    #[must_use]
    pub fn new(at: FaultPlace, kind: FaultKind) -> Self {
        Self { at, kind, pattern: None, when: None, code: None, retry_after: None, delay_ms: None, count: None, percent: None }
    }
}

/// A rule, and how often it has been applied: answer of `POST /sandbox/faults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultRule {
    /// Its number, from 1 on; the journal names it.
    pub id: u64,
    /// How often it has been applied.
    pub applied: u64,
    /// What it says.
    #[serde(flatten)]
    pub fault: NewFault,
}

/// Answer of `GET /sandbox/faults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRules {
    /// All of them, in the order in which they are tried; the first that fits is applied.
    pub faults: Vec<FaultRule>,
}

/// Answer of `DELETE /sandbox/faults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cleared {
    /// How many rules there were.
    pub cleared: u64,
}
