//! Bodies of the sandbox API, which exists only in `payin-server dev`.

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
    /// Whether a block with the payment is mined at once; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

impl PayDeposit {
    /// So much of what the reference was bound for, on the chain it was bound on first.
    #[must_use]
    pub fn new(deposit_reference: impl Into<String>, amount: Amount) -> Self {
        Self { deposit_reference: deposit_reference.into(), amount, chain_id: None, currency: None, mine: None }
    }
}

/// Answer of `POST /sandbox/pay` and `POST /sandbox/pay-deposit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// The chain paid on.
    pub chain_id: ChainId,
    /// The simulated transaction.
    pub tx_hash: String,
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
}

/// Answer of `GET /sandbox/clock`.
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
