//! Finding the transfers in blocks: by the histories of the accounts where these are few, by whole blocks where they are many or where a
//! history does not explain a balance.

use payin_core::Block;
use payin_core::transfer::Transfer;

use super::history::{self, Found, Span};
use super::node::Level;
use super::{SLOTS_BY_ACCOUNT, SLOTS_BY_BLOCK, Scanned, SolanaSource, by_account};
use crate::chain::source::{Read, SourceFault};
use crate::chain::watch::Watch;

impl SolanaSource {
    /// The transfers in exactly these blocks, which hang together.
    pub(super) async fn transfers_in(&self, blocks: &[Block], watch: &dyn Watch) -> Result<Vec<Transfer>, SourceFault> {
        let accounts = self.learn(watch).await?;
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(Vec::new()) };
        if accounts == 0 {
            return Ok(Vec::new());
        }
        if !by_account(accounts, blocks.len()) {
            return self.scan_blocks(blocks).await;
        }
        let span = Span { from: first.number, to: last.number, level: Level::Confirmed };
        let held = self.held_before(|held| held.hash == first.parent_hash);
        let found = history::read(&self.node, span, self.mints().await?, &self.all_accounts(), &held).await?;
        if !found.explained || found.to < last.number {
            self.suspect();
            return self.scan_blocks(blocks).await;
        }
        let transfers = self.place_in(&found, blocks).await?;
        self.hold(last, found.held);
        Ok(transfers)
    }

    fn suspect(&self) {
        tracing::warn!(chain.id = %self.chain.id,
            "the node's lists of transactions do not explain the balances of accounts: whole blocks are read instead");
    }

    /// Transactions are of one of these blocks, and it is still the same one: between the header and the transaction the node may have
    /// changed its mind, and a transaction does not say which block of its slot it is in.
    async fn place_in(&self, found: &Found, blocks: &[Block]) -> Result<Vec<Transfer>, SourceFault> {
        let mut transfers = Vec::new();
        let mut same: Option<u64> = None;
        for (slot, signature, changes) in &found.changed {
            let block = blocks.iter().find(|block| block.number == *slot);
            let block =
                block.ok_or_else(|| SourceFault::Inconsistent(format!("it has {signature} in slot {slot}, where it has no block")))?;
            if changes.is_empty() {
                continue;
            }
            if same != Some(*slot) {
                let header = self.header(*slot, Level::Confirmed).await?;
                if header.is_none_or(|header| header.blockhash != block.hash) {
                    return Err(SourceFault::Inconsistent(format!("the block in slot {slot} is another one now")));
                }
                same = Some(*slot);
            }
            transfers.extend(self.transfers_of(block, signature, changes));
        }
        Ok(transfers)
    }

    async fn scan_blocks(&self, blocks: &[Block]) -> Result<Vec<Transfer>, SourceFault> {
        let slots: Vec<u64> = blocks.iter().map(|block| block.number).collect();
        let scanned = self.scan(&slots, Level::Confirmed).await?;
        let mut transfers = Vec::new();
        for (block, scanned) in blocks.iter().zip(&scanned) {
            if scanned.header.blockhash != block.hash {
                return Err(SourceFault::Inconsistent(format!("the block in slot {} is another one now", block.number)));
            }
            transfers.extend(self.all_transfers(block, scanned));
        }
        self.keep_held(blocks.last(), blocks.first().map(|first| first.parent_hash.as_str()), &scanned);
        Ok(transfers)
    }

    fn all_transfers(&self, block: &Block, scanned: &Scanned) -> Vec<Transfer> {
        scanned.changed.iter().flat_map(|(signature, changes)| self.transfers_of(block, signature, changes)).collect()
    }

    /// What was known of balances before whole blocks were read is known after them, too.
    fn keep_held(&self, last: Option<&Block>, parent: Option<&str>, scanned: &[Scanned]) {
        let Some(last) = last else { return };
        let mut amounts = self.held_before(|held| Some(held.hash.as_str()) == parent);
        for change in scanned.iter().flat_map(|scanned| &scanned.changed).flat_map(|(_, changes)| changes) {
            amounts.insert(change.account, change.after);
        }
        self.hold(last, amounts);
    }

    /// Final blocks from one slot on, as many as are read at a time.
    pub(super) async fn read_range(&self, from: u64, to: u64, watch: &dyn Watch) -> Result<Read, SourceFault> {
        let mut slots = self.slots_of(from, to).await?;
        // After the blocks were listed: an address given out before one of them was made is known now.
        let accounts = self.learn(watch).await?;
        slots.truncate(SLOTS_BY_ACCOUNT);
        if by_account(accounts, slots.len())
            && let Some(read) = self.range_by_account(from, &slots).await?
        {
            return Ok(read);
        }
        slots.truncate(SLOTS_BY_BLOCK);
        self.range_by_block(from, &slots).await
    }

    /// The slots with blocks, up to where there is at least one.
    async fn slots_of(&self, from: u64, to: u64) -> Result<Vec<u64>, SourceFault> {
        let slots = self.node.slots(from, to, Level::Finalized).await?;
        if slots.is_empty() {
            return Err(SourceFault::Inconsistent(format!("it has no blocks from slot {from} to {to}, where it has final ones")));
        }
        Ok(slots)
    }

    /// `None` if the node's lists are not to be believed: blocks missing from the list, or balances that the transactions do not explain.
    async fn range_by_account(&self, from: u64, slots: &[u64]) -> Result<Option<Read>, SourceFault> {
        let (Some(first), Some(last)) = (slots.first().copied(), slots.last().copied()) else { return Ok(None) };
        let lowest = self.node.header(first, Level::Finalized).await?;
        let highest = self.node.header(last, Level::Finalized).await?;
        // A node that lost blocks (agave calls it a jump to a snapshot) says that their slots were skipped. Heights count blocks.
        let counted = highest.block_height.zip(lowest.block_height).and_then(|(high, low)| high.checked_sub(low)?.checked_add(1));
        if lowest.parent_slot >= from || counted != u64::try_from(slots.len()).ok() {
            return Ok(None);
        }
        let span = Span { from, to: last, level: Level::Finalized };
        let held = self.held_before(|held| held.number.checked_add(1) == Some(from) || held.hash == lowest.previous_blockhash);
        let found = history::read(&self.node, span, self.mints().await?, &self.all_accounts(), &held).await?;
        if !found.explained {
            self.suspect();
            return Ok(None);
        }
        let mut transfers = Vec::new();
        let mut place: Option<Block> = None;
        for (slot, signature, changes) in found.changed.iter().filter(|(.., changes)| !changes.is_empty()) {
            let block = match place.take().filter(|block| block.number == *slot) {
                Some(block) => block,
                None => self.node.header(*slot, Level::Finalized).await?.block(*slot)?,
            };
            transfers.extend(self.transfers_of(&block, signature, changes));
            place = Some(block);
        }
        let last =
            if found.to == last { highest.block(last)? } else { self.node.header(found.to, Level::Finalized).await?.block(found.to)? };
        self.hold(&last, found.held);
        Ok(Some(Read { below: lowest.previous_blockhash, last, transfers }))
    }

    /// Whole blocks, each the child of the one before, the first of one below the range: none is missing.
    async fn range_by_block(&self, from: u64, slots: &[u64]) -> Result<Read, SourceFault> {
        let scanned = self.scan(slots, Level::Finalized).await?;
        let (mut transfers, mut last, mut parent): (_, Option<Block>, Option<String>) = (Vec::new(), None, None);
        for scanned in &scanned {
            let block = scanned.header.block(scanned.slot)?;
            let follows = match &last {
                None => scanned.header.parent_slot < from,
                Some(last) => scanned.header.parent_slot == last.number && block.parent_hash == last.hash,
            };
            if !follows {
                return Err(SourceFault::Inconsistent(format!("it lacks blocks below slot {}: another node is needed", scanned.slot)));
            }
            transfers.extend(self.all_transfers(&block, scanned));
            parent.get_or_insert_with(|| block.parent_hash.clone());
            last = Some(block);
        }
        self.keep_held(last.as_ref(), parent.as_deref(), &scanned);
        let last = last.ok_or_else(|| SourceFault::Inconsistent(format!("it has no block above slot {from}")))?;
        Ok(Read { below: parent.unwrap_or_default(), last, transfers })
    }
}
