//! After a person has allowed it: blocks that were final are taken back once, down to the height that the person named. Not further: where
//! the chain parted lower than that, the person is asked again.

use payin_core::Block;
use payin_types::Timestamp;

use super::ChainWorker;
use crate::app::ledger;
use crate::app::progress::{self, Cursor, Lease};
use crate::chain::nodes::Chosen;
use crate::chain::{Nodes, follow};
use crate::worker::StepFault;

impl ChainWorker {
    /// Takes back what the node's chain does not have, from `lowest` on; the orders paid by it tell. The permission is void then.
    pub(super) async fn resume(
        &self,
        nodes: &Nodes,
        node: &Chosen<'_>,
        lease: &Lease,
        (from, lowest): (Cursor, u64),
        now: Timestamp,
    ) -> Result<(), StepFault> {
        let tip = Block { number: from.head_number, hash: from.head_hash.clone(), parent_hash: String::new(), time: from.head_time };
        // The chain may have come back to what we have: then there is nothing to take back.
        let parted =
            if follow::has(node.source(), tip.number, &tip.hash).await? { self.parted_at_a_hole(node).await? } else { Some(tip.clone()) };
        let fork = if let Some(ours) = parted {
            nodes.believe_fork(node, &ours, true, now).await?;
            let (number, ours) = progress::below(&self.app, &self.chain, lowest).await?;
            for (height, hash) in ours {
                if !follow::has(node.source(), height, &hash).await? {
                    return self.halt_again(lease, from, (height, lowest)).await;
                }
            }
            follow::newest_at_or_below(node.source(), number).await?
        } else {
            tip
        };
        tracing::warn!(chain.id = %self.chain.id, head = from.head_number, fork = fork.number, "what was final is taken back, as a person allowed");
        let (lease, chain, tolerance) = (lease.clone(), self.chain.clone(), self.app.orders.tolerance);
        self.app.store.write(ledger::TakeBack { lease, chain, tolerance, from, fork, now }).await?;
        self.events.notify_one();
        Ok(())
    }

    async fn halt_again(&self, lease: &Lease, from: Cursor, (height, lowest): (u64, u64)) -> Result<(), StepFault> {
        let reason =
            format!("the node has another block {height} than we: the chain parted below {lowest}, where it was to be taken back to");
        tracing::error!(chain.id = %self.chain.id, reason, "the chain is not followed any more until a person has looked");
        let (lease, chain) = (lease.clone(), self.chain.clone());
        Ok(self.app.store.write(ledger::Halt { lease, chain, from, reason }).await?)
    }
}
