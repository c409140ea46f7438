//! What confirmed blocks decide: payments count, orders are completed, expire, and let go of their addresses. By chain time, never by ours.

use std::collections::BTreeSet;
use std::time::Duration;

use payin_core::{Chain, Units, order as rules};
use payin_types::known_bad::{Mistake, makes};
use payin_types::{EventType, OrderId, Timestamp, TransferId};

use super::put;
use super::told::Told;
use crate::app::Outcome;
use crate::app::settings::{self, Deployment};
use crate::store::leases::{self, Lease};
use crate::store::transfers::{Heights, Recorded};
use crate::store::{self, Fault, Tx, Unit, chains, orders, pool, transfers};

/// Transfers that have enough confirmations count; what they complete is completed; what has come to rest is final.
#[derive(Debug)]
pub struct Settle {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// How much less than the amount still completes an order.
    pub tolerance: Units,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Settle {
    /// Whether anything was settled.
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        let Some(cursor) = chains::get(tx, chain).await? else { return Ok(false) };
        let Some(height) = self.chain.confirmed_height(cursor.head_number, cursor.finalized_number) else { return Ok(false) };
        let heights = Heights { confirmed: height, finalized: cursor.finalized_number };
        let confirmed = transfers::confirm_up_to(tx, &self.chain, heights, self.now).await?;
        let orders: BTreeSet<_> = confirmed.iter().filter_map(|transfer| transfer.for_order()).collect();
        for order in orders {
            self.settle(tx, &order, cursor.head_number).await?;
        }
        for transfer in &confirmed {
            let told = self.told(transfer, cursor.head_number);
            told.transfer(tx, EventType::TransferConfirmed).await?;
            if transfer.deposit_id.is_some() {
                told.deposit(tx, EventType::DepositConfirmed).await?;
            }
        }
        let rested = transfers::finalize_up_to(tx, chain, cursor.finalized_number, self.now).await?;
        for deposit in rested.iter().filter(|transfer| transfer.deposit_id.is_some()) {
            self.told(deposit, cursor.head_number).deposit(tx, EventType::DepositCompleted).await?;
        }
        Ok(!confirmed.is_empty() || !rested.is_empty())
    }
}

impl Settle {
    fn told<'a>(&'a self, transfer: &'a Recorded, head: u64) -> Told<'a> {
        Told {
            organization_id: &transfer.organization_id,
            transfer: &transfer.id,
            amount: transfer.amount,
            chain: &self.chain,
            head,
            now: self.now,
        }
    }

    async fn settle(&self, tx: &mut Tx<'_>, order: &OrderId, head: u64) -> Result<(), Fault> {
        let stored = orders::lock(tx, order.as_str()).await?;
        let mut facts = stored.facts.clone();
        let received = transfers::received(tx, &facts).await?;
        let what = rules::settle(&mut facts, &received, self.tolerance, self.now);
        put(tx, &stored, &facts, &what, head, self.now).await
    }
}

/// A second node says the same of a large transfer, which may then count.
#[derive(Debug)]
pub struct Agree {
    /// The right to do this.
    pub lease: Lease,
    /// The transfer.
    pub transfer: TransferId,
    /// The block that both nodes have it in.
    pub block_hash: String,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Agree {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        Ok(transfers::evidence::agree(tx, &self.transfer, &self.block_hash, self.now).await?)
    }
}

/// An order whose time is over on its chain expires.
#[derive(Debug)]
pub struct Expire {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// The order.
    pub order: OrderId,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Expire {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let Some(cursor) = chains::get(tx, self.chain.id.as_str()).await? else { return Ok(()) };
        let stored = orders::lock(tx, self.order.as_str()).await?;
        let pending = transfers::has_pending(tx, &self.order).await?;
        let over = if makes(Mistake::WallClockExpiry) { Some(self.now) } else { cursor.confirmed_time };
        let mut facts = stored.facts.clone();
        let what = rules::expire(&mut facts, over, pending, self.now);
        if what.is_empty() {
            return Ok(());
        }
        Ok(put(tx, &stored, &facts, &what, cursor.head_number, self.now).await?)
    }
}

/// An order to which nothing can happen any more lets go of its address.
#[derive(Debug)]
pub struct Release {
    /// The right to do this.
    pub lease: Lease,
    /// The order.
    pub order: OrderId,
    /// The row of its address.
    pub address_id: i64,
    /// The chain's time: what comes in a later block is no longer this order's.
    pub released_at: Timestamp,
    /// How long addresses rest where the organization has not said.
    pub deployment: Deployment,
}

impl Release {
    /// How long the address rests.
    async fn cooldown(&self, tx: &mut Tx<'_>) -> Result<Duration, Fault> {
        let kept = store::settings::of_order(tx, &self.order).await?;
        Ok(match settings::effective(&self.deployment, &kept) {
            Ok(holds) => holds.cooldown,
            // One organization's settings must not stop a chain for all.
            Err(fault) => {
                tracing::error!(order.id = %self.order, %fault, "its address rests as long as the deployment says");
                self.deployment.cooldown
            }
        })
    }
}

impl Unit for Release {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        leases::check(tx, &self.lease).await?;
        let free_from = self.released_at.plus(self.cooldown(tx).await?);
        orders::released(tx, self.order.as_str(), self.released_at).await?;
        Ok(pool::release(tx, self.address_id, pool::Holder::Order(&self.order), self.released_at, free_from).await?)
    }
}
