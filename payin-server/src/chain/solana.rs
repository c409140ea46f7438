//! Solana over solana-client: transfers of pinned mints into the associated token accounts of watched wallets. A height is a slot. Never
//! native coins, other token accounts, or what only a balance or an owner shows.

mod accounts;
mod answers;
pub mod decode;
mod history;
mod instructions;
mod issuer;
mod mints;
mod node;
mod reading;
mod transport;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::future::{BoxFuture, join};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use payin_core::address::Address;
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, Units};

use super::source::{Heads, Issued, Read, Source, SourceFault};
use super::watch::Watch;
use crate::env::Rpc;
use accounts::Accounts;
use answers::Header;
use decode::{Change, Mint, Place, changes};
use node::{AT_ONCE, Level, Node};
use transport::Failed;

/// What reading a whole block costs, in calls about one account: megabytes instead of hundreds of bytes.
const BLOCK_COST: usize = 20;
/// The most accounts asked about one by one in one step, which must end well within its lease.
const ACCOUNTS_MAX: usize = 2_000;
/// The most slots of a range that are read by account in one step: about an hour.
const SLOTS_BY_ACCOUNT: usize = 10_000;
/// And by whole blocks.
const SLOTS_BY_BLOCK: usize = 16;
/// Whole blocks under way at a time: each may take 30 megabytes.
const BLOCKS_AT_ONCE: usize = 2;
/// How long a slot is.
const SLOT_MS: u64 = 400;
/// How far below a slot that the node is still writing down another is looked for.
const NEAR: u64 = 8;

/// A Solana cluster behind a JSON-RPC transport.
pub struct SolanaSource {
    chain: Chain,
    node: Node,
    mints: OnceLock<Vec<Mint>>,
    accounts: Mutex<Accounts>,
    held: Mutex<Held>,
    /// Where the chain stood when it was last looked at.
    seen: Mutex<Option<Heads>>,
}

/// What the accounts held after the block last read.
#[derive(Default)]
struct Held {
    number: u64,
    hash: String,
    amounts: BTreeMap<[u8; 32], u64>,
}

/// Whether so many accounts are asked about one by one to find the transactions in so many blocks, or the blocks read.
fn by_account(accounts: usize, blocks: usize) -> bool {
    accounts <= ACCOUNTS_MAX.min(blocks.saturating_mul(BLOCK_COST))
}

impl SolanaSource {
    /// A chain's source over a transport.
    #[must_use]
    pub fn new(chain: Chain, rpc: Arc<dyn Rpc>) -> Self {
        Self {
            chain,
            node: Node::new(rpc),
            mints: OnceLock::new(),
            accounts: Mutex::default(),
            held: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The mints, as the node has them: read once. Whoever comes meanwhile asks as well, and does not wait for another's answer.
    async fn mints(&self) -> Result<&[Mint], SourceFault> {
        if let Some(mints) = self.mints.get() {
            return Ok(mints);
        }
        let read = self.read_mints().await?;
        Ok(self.mints.get_or_init(|| read))
    }

    async fn read_mints(&self) -> Result<Vec<Mint>, SourceFault> {
        let names: Vec<String> = self.chain.tokens.iter().map(|token| token.contract.to_string()).collect();
        let accounts = self.node.accounts(&names, mints::MINT_BYTES, 0, Level::Finalized).await?;
        let each = self.chain.tokens.iter().zip(&accounts);
        each.map(|(token, (_, account))| mints::mint(&self.chain, token, account.as_ref())).collect()
    }

    /// Takes in what is watched now and says how many token accounts that is.
    async fn learn(&self, watch: &dyn Watch) -> Result<usize, SourceFault> {
        let mints = self.mints().await?;
        let watched = watch.now().await?;
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.learn(&watched, mints);
        Ok(accounts.len())
    }

    fn place(&self, account: &[u8; 32]) -> Option<Place> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).at(account)
    }

    fn all_accounts(&self) -> Vec<([u8; 32], Place)> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).all()
    }

    async fn header(&self, slot: u64, level: Level) -> Result<Option<Header>, SourceFault> {
        match self.node.header(slot, level).await {
            Ok(header) => Ok(Some(header)),
            Err(Failed::Skipped) => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Makes sure that a slot was skipped and is neither lost nor still to come, which nodes tell with the same words: the block above says
    /// what its parent is.
    async fn skipped(&self, slot: u64) -> Result<(), SourceFault> {
        let newest = self.node.slot(Level::Confirmed).await?;
        let above = self.node.slots(slot.saturating_add(1), newest, Level::Confirmed).await?;
        let lost = || SourceFault::Unavailable(format!("it does not have slot {slot} and cannot tell whether that was skipped"));
        let above = above.first().copied().ok_or_else(lost)?;
        let parent = self.node.header(above, Level::Confirmed).await?.parent_slot;
        if parent < slot { Ok(()) } else { Err(lost()) }
    }

    /// The newest block the node has written down: the newest one it may still be busy with.
    async fn newest(&self, slot: u64, level: Level) -> Result<Block, SourceFault> {
        match self.node.header(slot, level).await {
            Ok(header) => return header.block(slot),
            Err(Failed::NotYet(_) | Failed::Skipped) => {}
            Err(failed) => return Err(failed.into()),
        }
        let below = self.node.slots(slot.saturating_sub(NEAR), slot.saturating_sub(1), level).await?;
        for below in below.into_iter().rev() {
            match self.node.header(below, level).await {
                Ok(header) => return header.block(below),
                Err(Failed::NotYet(_)) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(SourceFault::Unavailable("it is still writing its newest blocks down".to_owned()))
    }

    async fn newest_final(&self) -> Result<Block, SourceFault> {
        let slot = self.node.slot(Level::Finalized).await?;
        self.newest(slot, Level::Finalized).await
    }

    /// Where the chain stood a moment ago, while it has not grown by as much as is to be waited for. Looking at every slot as it comes would
    /// ask a node for every account two and a half times a second; `block_ms` says how long to gather.
    fn seen_lately(&self, slot: u64) -> Option<Heads> {
        let gathered = self.chain.block_ms / SLOT_MS;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let beyond = slot.checked_sub(seen.latest.number)?;
        (gathered > 1 && beyond < gathered).then_some(seen)
    }

    /// What the accounts held before a run of blocks, if the one before it was the last that was read.
    fn held_before(&self, before: impl Fn(&Held) -> bool) -> BTreeMap<[u8; 32], u64> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if before(&held) { held.amounts.clone() } else { BTreeMap::new() }
    }

    /// Remembers for the next run; one that lies below what was read does not matter to it.
    fn hold(&self, last: &Block, amounts: BTreeMap<[u8; 32], u64>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // A little below is a reorganisation; far below is an old range.
        if last.number.saturating_add(1_000) > held.number {
            *held = Held { number: last.number, hash: last.hash.clone(), amounts };
        }
    }

    /// Every whole block of these slots, with what it did to watched accounts.
    async fn scan(&self, slots: &[u64], level: Level) -> Result<Vec<Scanned>, SourceFault> {
        let mints = self.mints().await?;
        let blocks = stream::iter(slots.iter().copied()).map(|slot| async move {
            let block = self.node.block(slot, level).await?;
            let mut changed = Vec::new();
            for transaction in &block.transactions {
                let signature = transaction.transaction.signatures.first().cloned().unwrap_or_default();
                let found = changes(transaction, mints, &|account| self.place(account))
                    .map_err(|why| SourceFault::Inconsistent(format!("its record of {signature} cannot be used: {why}")))?;
                if !found.is_empty() {
                    changed.push((signature, found));
                }
            }
            Ok::<_, SourceFault>(Scanned { slot, header: block.header, changed })
        });
        blocks.buffered(BLOCKS_AT_ONCE).try_collect().await
    }

    /// What changed becomes transfers.
    fn transfers_of(&self, block: &Block, signature: &str, changes: &[Change]) -> Vec<Transfer> {
        let mut transfers = Vec::new();
        for change in changes {
            let Some(token) = self.chain.tokens.get(change.place.mint) else { continue };
            let to = Address::from_solana_bytes(&change.place.wallet);
            if let Some(aside) = change.aside {
                tracing::error!(chain.id = %self.chain.id, transfer.tx = signature, %to, currency = %token.currency, %aside,
                    "a transaction transfers to a watched wallet and is not credited: somebody must look at it");
            }
            for credit in &change.credits {
                let Some(amount) = Units::from_base_units(u128::from(credit.amount), token.decimals) else {
                    tracing::warn!(chain.id = %self.chain.id, transfer.tx = signature, %to,
                        "a transfer of a trillion tokens or more is ignored: is the token's mint the right one?");
                    continue;
                };
                transfers.push(Transfer {
                    chain_id: self.chain.id.clone(),
                    tx_hash: signature.to_owned(),
                    ordinal: credit.ordinal,
                    block_number: block.number,
                    block_hash: block.hash.clone(),
                    block_time: block.time,
                    currency: token.currency.clone(),
                    contract: token.contract.clone(),
                    from: Address::from_canonical(credit.from.clone()),
                    to: to.clone(),
                    amount,
                });
            }
        }
        transfers.sort_by_key(|transfer| transfer.ordinal);
        transfers
    }
}

/// A whole block, read.
struct Scanned {
    slot: u64,
    header: Header,
    changed: Vec<(String, Vec<Change>)>,
}

impl Source for SolanaSource {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        async move {
            let said = self.node.genesis().await?;
            if self.chain.genesis.as_ref() != Some(&said) {
                let pinned = self.chain.genesis.as_deref().unwrap_or("not known");
                let said: String = said.chars().filter(char::is_ascii_alphanumeric).take(44).collect();
                return Err(SourceFault::Mismatch(format!("the genesis of {} is {pinned}, the node says {said}", self.chain.id)));
            }
            // Again each time: whoever runs the node may have changed it.
            let mints = self.read_mints().await?;
            if self.mints().await? == mints { Ok(()) } else { Err(SourceFault::Mismatch("the node changed its mints".to_owned())) }
        }
        .boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        async move {
            let slot = self.node.slot(Level::Confirmed).await?;
            if let Some(seen) = self.seen_lately(slot) {
                return Ok(seen);
            }
            let (latest, finalized) = join(self.newest(slot, Level::Confirmed), self.newest_final()).await;
            let latest = latest?;
            // Without it nothing becomes final, and nothing is lost; being limited is told, so that the node is asked less.
            let finalized = match finalized {
                Ok(block) => Some(Rest { number: block.number, hash: block.hash }),
                Err(limited @ SourceFault::Limited { .. }) => return Err(limited),
                Err(_) => None,
            };
            let heads = Heads { latest, finalized };
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(heads.clone());
            Ok(heads)
        }
        .boxed()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        async move {
            match self.node.header(number, Level::Confirmed).await {
                Ok(header) => header.block(number).map(Some),
                // Only of final slots a node says that they were skipped; of newer ones that it does not have their block (agave's
                // `get_block`), and a fork must not wait for finality to be seen.
                Err(Failed::Skipped | Failed::NotYet(_)) => self.skipped(number).await.map(|()| None),
                Err(failed) => Err(failed.into()),
            }
        }
        .boxed()
    }

    fn skips(&self) -> bool {
        true
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        async move {
            let slots = self.node.slots(tip.number.saturating_add(1), latest.number, Level::Confirmed).await?;
            let headers =
                stream::iter(slots.into_iter().take(max)).map(|slot| async move { (slot, self.node.header(slot, Level::Confirmed).await) });
            let headers: Vec<_> = headers.buffered(AT_ONCE).collect().await;
            let mut blocks = Vec::new();
            for (slot, header) in headers {
                match header {
                    Ok(header) => blocks.push(header.block(slot)?),
                    // The newest ones may not be written down yet: what lies below is taken meanwhile.
                    Err(Failed::NotYet(_)) if !blocks.is_empty() => break,
                    Err(failed) => return Err(failed.into()),
                }
            }
            Ok(blocks)
        }
        .boxed()
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        async move { self.transfers_in(blocks, watch).await }.boxed()
    }

    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        async move { self.read_range(from, to, watch).await }.boxed()
    }

    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        async move { self.issued(addresses).await }.boxed()
    }
}

#[cfg(test)]
mod tests;
