//! A transfer as the database remembers it, and as the API shows it: as a transfer, and as the deposit it may be. What it counts for was
//! decided when it was seen (`transfer.rs`).

use payin_types::deposit::{Deposit, DepositStatus};
use payin_types::transfer::{BusinessType, Transfer as Shown, TransferStatus, UnmatchedReason};
use payin_types::{DepositId, OrderId, Protocol, Timestamp, TransferId};
use serde_json::Map;

use crate::finality::confirmations;
use crate::transfer::{Transfer, Unmatched};

/// A recorded transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: TransferId,
    /// What its chain says.
    pub transfer: Transfer,
    /// Its chain's family.
    pub protocol: Protocol,
    /// The order it counts for, or was probably meant for.
    pub order_id: Option<OrderId>,
    /// That order's reference.
    pub order_reference: Option<String>,
    /// The deposit it is.
    pub deposit_id: Option<DepositId>,
    /// The payer it was credited to, or was probably meant for.
    pub deposit_reference: Option<String>,
    /// Why it counts for nothing.
    pub unmatched: Option<Unmatched>,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it became final.
    pub final_at: Option<Timestamp>,
    /// Since when its chain has taken it back.
    pub orphaned_at: Option<Timestamp>,
}

/// How far a chain is, for those who ask how many blocks confirm something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// The newest block.
    pub head: Option<u64>,
    /// How many confirmations the chain asks for.
    pub required: Option<u64>,
}

impl Record {
    fn confirmations(&self, depth: Depth) -> u64 {
        match (self.orphaned_at, depth.head) {
            (None, Some(head)) => confirmations(head, self.transfer.block_number),
            _ => 0,
        }
    }

    /// As the transfers API shows it.
    #[must_use]
    pub fn to_wire(&self, depth: Depth) -> Shown {
        let chain = &self.transfer;
        Shown {
            transfer_id: self.id.clone(),
            tx_hash: chain.tx_hash.clone(),
            log_index: chain.ordinal,
            chain_id: chain.chain_id.clone(),
            protocol: self.protocol.clone(),
            currency: chain.currency.clone(),
            contract_address: chain.contract.as_str().to_owned(),
            amount: chain.amount.to_amount(),
            from_address: chain.from.as_str().to_owned(),
            to_address: chain.to.as_str().to_owned(),
            block_number: chain.block_number,
            confirmations: self.confirmations(depth),
            required_confirmations: depth.required,
            status: match (self.orphaned_at, self.confirmed_at) {
                (Some(_), _) => TransferStatus::Failed,
                (None, Some(_)) => TransferStatus::Confirmed,
                (None, None) => TransferStatus::Pending,
            },
            business_type: match (&self.unmatched, &self.deposit_id) {
                (Some(_), _) => None,
                (None, Some(_)) => Some(BusinessType::Deposit),
                (None, None) => Some(BusinessType::Order),
            },
            order_id: self.order_id.clone(),
            order_reference: self.order_reference.clone(),
            deposit_id: self.deposit_id.clone(),
            deposit_reference: self.deposit_reference.clone(),
            unmatched_reason: self.unmatched.map(|reason| UnmatchedReason::from(reason.as_str())),
            detected_at: self.seen_at,
            confirmed_at: self.confirmed_at,
            completed_at: self.final_at,
            extra: Map::new(),
        }
    }

    /// As the deposits API shows it; `None` if it is no deposit.
    #[must_use]
    pub fn to_deposit(&self, depth: Depth) -> Option<Deposit> {
        let chain = &self.transfer;
        Some(Deposit {
            deposit_id: self.deposit_id.clone()?,
            deposit_reference: self.deposit_reference.clone()?,
            amount: chain.amount.to_amount(),
            currency: chain.currency.clone(),
            chain_id: chain.chain_id.clone(),
            protocol: Some(self.protocol.clone()),
            address: chain.to.as_str().to_owned(),
            from_address: Some(chain.from.as_str().to_owned()),
            tx_hash: chain.tx_hash.clone(),
            block_number: chain.block_number,
            status: match (self.confirmed_at, self.final_at) {
                (Some(_), Some(_)) => DepositStatus::Completed,
                (Some(_), None) => DepositStatus::Confirmed,
                (None, _) => DepositStatus::Pending,
            },
            confirmations: self.confirmations(depth),
            required_confirmations: depth.required,
            detected_at: self.seen_at,
            confirmed_at: self.confirmed_at,
            completed_at: self.final_at,
            reverted: self.orphaned_at.map(|_| true),
            extra: Map::new(),
        })
    }
}
