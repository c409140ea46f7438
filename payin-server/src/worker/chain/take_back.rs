//! Taking back what is not part of the chain any more: where its chain parted from ours, whether the node is believed that says so, and a
//! halt where that was final. What becomes of the money is the ledger's business.

use payin_core::Block;
use payin_types::Timestamp;

use super::ChainWorker;
use crate::app::ledger;
use crate::app::progress::{self, Cursor, Lease};
use crate::chain::nodes::Chosen;
use crate::chain::{Nodes, Parting, follow};
use crate::worker::StepFault;

impl ChainWorker {
    /// Takes back what is not part of the chain any more. Answers whether there may be more at once.
    pub(super) async fn take_back(
        &self,
        nodes: &Nodes,
        node: &Chosen<'_>,
        lease: &Lease,
        (from, tip): (Cursor, Block),
        now: Timestamp,
    ) -> Result<bool, StepFault> {
        let ours = progress::kept_blocks(&self.app, &self.chain).await?;
        let parting = match follow::parting(node.source(), &ours).await? {
            // The node has changed its mind back meanwhile.
            None => return Ok(false),
            Some(Parting::At(fork)) if fork.number >= from.head_number => return Ok(false),
            Some(parting) => parting,
        };
        // The lowest of our blocks that would be taken back: who has it contradicts, however much the newest ones differ among nodes.
        let (fork, lowest) = match parting {
            Parting::At(fork) => {
                let lowest = ours.into_iter().rev().find(|block| block.number > fork.number);
                (Some(fork), lowest.unwrap_or(tip))
            }
            // Followed since a moment ago, and reorganised below where that began: nothing of it was final.
            Parting::Below(lowest) if lowest.number > from.finalized_number && lowest.number > 0 => {
                (Some(follow::newest_at_or_below(node.source(), lowest.number.saturating_sub(1)).await?), lowest)
            }
            Parting::Below(lowest) => (None, lowest),
        };
        let parted = fork.as_ref().map_or(lowest.number.saturating_sub(1), |fork| fork.number);
        let deep = parted < from.finalized_number || progress::counted_above(&self.app, &self.chain, parted).await?;
        nodes.believe_fork(node, &lowest, deep, now).await?;
        let Some(fork) = fork.filter(|fork| fork.number >= from.finalized_number) else {
            let reason = format!("the node's chain parts from ours at block {parted}, where all up to {} was final", from.finalized_number);
            tracing::error!(chain.id = %self.chain.id, reason, "the chain is not followed any more until a person has looked");
            let unit = ledger::Halt { lease: lease.clone(), chain: self.chain.clone(), from, reason };
            self.app.store.write(unit).await?;
            return Ok(false);
        };
        tracing::info!(chain.id = %self.chain.id, head = from.head_number, fork = fork.number, "the chain was reorganised");
        let tolerance = self.app.orders.tolerance;
        self.app.store.write(ledger::TakeBack { lease: lease.clone(), chain: self.chain.clone(), tolerance, from, fork, now }).await?;
        Ok(true)
    }
}
