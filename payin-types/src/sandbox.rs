//! Bodies of the sandbox API, which exists only in `payin-server dev`.

mod faults;
mod journal;

pub use faults::{Cleared, FaultKind, FaultPlace, FaultRule, FaultRules, FaultWhen, NewFault};
pub use journal::{Asserted, Assertion, Journal, JournalEntry, JournalKind, ReadJournal};

use serde::{Deserialize, Serialize};

use crate::{Amount, ChainId, Currency, OrderId, Timestamp, open_enum};

open_enum! {
    /// How a simulated payer behaves.
    PaymentKind {
        /// Sends what remains.
        Exact = "exact",
        /// Sends half of what remains.
        Under = "under",
        /// Sends what remains and half as much again.
        Over = "over",
        /// Lets window and grace pass on the virtual clock, then sends what remains.
        Late = "late",
        /// Sends a token of the same symbol from another contract: nothing may happen.
        FakeToken = "fake_token",
        /// Sends another listed currency of the chain.
        WrongToken = "wrong_token",
        /// Sends half, and the rest in a second transaction.
        InParts = "in_parts",
        /// Sends all of it, and all of it again in a second transaction.
        Twice = "twice",
        /// Sends it to the same address on another chain of the family.
        WrongChain = "wrong_chain",
        /// Sends it in a token that keeps a hundredth of each transfer: less arrives than was sent.
        FeeOnTransfer = "fee_on_transfer",
        /// Sends both halves in one transaction.
        TwoInOne = "two_in_one",
    }
}

/// Body of `POST /sandbox/pay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pay {
    /// The order to pay.
    pub order_id: OrderId,
    /// How much, in whole tokens; default: as `kind` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// How; default `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PaymentKind>,
    /// Whether a block with the payment is mined at once; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

/// Body of `POST /sandbox/pay-deposit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayDeposit {
    /// The reference to pay.
    pub deposit_reference: String,
    /// How much, in whole tokens.
    pub amount: Amount,
    /// On which chain of the family; default: the one bound first, whose address is paid in any case where it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// Which of that chain's tokens; default: the one the address was bound for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How; default `exact`. A reference asks for no amount and has no end, so nobody pays it `under`, `over` or `late`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PaymentKind>,
    /// Whether a block with the payment is mined at once; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

impl PayDeposit {
    /// So much of what the reference was bound for, on the chain it was bound on first.
    #[must_use]
    pub fn new(deposit_reference: impl Into<String>, amount: Amount) -> Self {
        Self { deposit_reference: deposit_reference.into(), amount, chain_id: None, currency: None, kind: None, mine: None }
    }
}

/// Answer of `POST /sandbox/pay` and `POST /sandbox/pay-deposit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// The chain paid on.
    pub chain_id: ChainId,
    /// The simulated transaction; of several the first.
    pub tx_hash: String,
    /// All of them, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tx_hashes: Vec<String>,
    /// What was due at that moment and had not happened when the server stopped waiting, in words: the URL of a receiver that hangs. Left
    /// out where all is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

/// Body of `POST /sandbox/mine`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mine {
    /// Only this chain; default: every simulated chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<ChainId>,
    /// How many blocks, 1 to 1000; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u32>,
}

/// Answer of `POST /sandbox/mine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mined {
    /// The chains that grew.
    pub chains: Vec<ChainHead>,
    /// What was due at that moment and had not happened when the server stopped waiting, in words: the URL of a receiver that hangs. Left
    /// out where all is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

/// A chain and its newest block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainHead {
    /// The chain.
    pub chain_id: ChainId,
    /// Height of its newest block.
    pub head: u64,
}

/// Body of `POST /sandbox/reorg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reorg {
    /// The chain to reorganise.
    pub chain_id: ChainId,
    /// How many of the newest blocks are replaced, 1 to 1000.
    pub depth: u32,
    /// Whether their transactions are lost rather than included again; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<bool>,
    /// Of their transactions these are lost, while the others come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lose: Vec<String>,
    /// Transactions that an earlier reorganisation lost: they come back now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bring_back: Vec<String>,
}

impl Reorg {
    /// So many of the newest blocks are replaced; their transactions come back.
    #[must_use]
    pub fn new(chain_id: impl Into<ChainId>, depth: u32) -> Self {
        Self { chain_id: chain_id.into(), depth, drop: None, lose: Vec::new(), bring_back: Vec::new() }
    }
}

/// Body of `POST /sandbox/chain`: what is not said stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlChain {
    /// The chain.
    pub chain_id: ChainId,
    /// Whether its node answers nobody. The chain itself goes on, unseen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<bool>,
    /// Whether nothing more on it becomes final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finality_stalled: Option<bool>,
}

/// Answer of `POST /sandbox/reorg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reorganised {
    /// The chain.
    pub chain_id: ChainId,
    /// Height of its newest block.
    pub head: u64,
    /// What was due at that moment and had not happened when the server stopped waiting, in words: the URL of a receiver that hangs. Left
    /// out where all is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
}

/// A simulated chain as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedChain {
    /// The chain.
    pub chain_id: ChainId,
    /// Height of its newest block, on Solana its slot.
    pub head: u64,
    /// Whether its node answers nobody.
    pub stopped: bool,
    /// Whether nothing more on it becomes final.
    pub finality_stalled: bool,
    /// How many transactions wait for a block.
    pub waiting: u64,
    /// How many blocks a payment needs until it counts, its own among them: where only what is final counts, as many as that takes.
    pub confirmed_after: u64,
    /// How many blocks a payment needs until it is final, its own among them.
    pub final_after: u64,
}

/// Answer of `GET /sandbox/chains`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulatedChains {
    /// All of them.
    pub chains: Vec<SimulatedChain>,
}

/// Answer of `GET /sandbox/clock`, and of freezing it and letting it run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// The virtual time.
    pub now: Timestamp,
    /// Whether it stands still between advances.
    pub frozen: bool,
}

/// Body of `POST /sandbox/clock/advance`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// By how many seconds, 1 to 31,536,000.
    pub seconds: u64,
}

/// Answer of `POST /sandbox/clock/advance`: what was due by then has happened, but for what is pending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advanced {
    /// The virtual time.
    pub now: Timestamp,
    /// Whether it stands still between advances.
    pub frozen: bool,
    /// What was due and had not happened when the server stopped waiting, in words; empty where all is done.
    #[serde(default)]
    pub pending: Vec<String>,
}

/// Body of `POST /sandbox/restore`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restore {
    /// The snapshot.
    pub snapshot_id: String,
}

/// A moment to which the sandbox can return: answer of `POST /sandbox/snapshot`, `restore` and `reset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Its name; `start` is how the sandbox began.
    pub snapshot_id: String,
    /// The virtual time then.
    pub at: Timestamp,
}
