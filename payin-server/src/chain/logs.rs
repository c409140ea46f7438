//! Chains that keep their events as logs and speak Ethereum's JSON-RPC, or something like it: where a log may be found, what proves it, and
//! what becomes of it. What is of one family only is in [`Family`]. Logs tell where to look; only what a receipt proves is credited.

mod appetite;
pub mod decode;
pub mod family;
pub mod lean;
pub mod node;
mod range;
mod tokens;
mod transport;
pub mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address as EvmAddress, B256, Log as Event, hex};
use alloy::rpc::types::Log;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::address::{self, Address};
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::known_bad::{Mistake, makes};
use serde_json::value::RawValue;

use super::source::{Heads, Issued, Read, Source, SourceFault};
use super::watch::{Watch, Watched};
use crate::env::Rpc;
use appetite::Appetite;
use family::{Family, Wanted};
use lean::Told;
use node::{CallError, Node, Place, fault};
use wire::{Header, Receipt};

/// The range first asked for, and the largest: of more blocks than this the headers alone are many requests.
const RANGE: (u64, u64) = (100, 500);
/// So many headers in one batch: java-tron takes 100 calls, as do several providers.
const BATCH: (u64, u64) = (50, 90);

/// A block that was looked at.
#[derive(Default)]
struct Examined {
    transfers: Vec<Transfer>,
    /// Whether by its receipts.
    looked: bool,
    /// Whether they hold events of our tokens where the node has told of none.
    withheld: bool,
}

/// A chain of such a family behind a node.
pub struct LogSource<F> {
    chain: Chain,
    node: Node,
    family: F,
    /// How many blocks' logs, and how many headers, are asked for at a time.
    range: Mutex<Appetite>,
    batch: Mutex<Appetite>,
    /// The headers last fetched: their transfers are usually asked for next.
    last: Mutex<Vec<Header>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The logs of an answer; none where there was no answer.
fn told(answer: Option<&RawValue>) -> Result<Vec<Told<'_>>, SourceFault> {
    let logs = answer.map(lean::read).transpose();
    Ok(logs.map_err(|error| SourceFault::Unavailable(format!("its logs cannot be read: {error}")))?.unwrap_or_default())
}

fn lacks(number: u64) -> SourceFault {
    SourceFault::Inconsistent(format!("it lacks block {number} below its newest one"))
}

/// After a failure: nothing, if less is to be asked for at once; else what it is to the follower.
fn learn(appetite: &Mutex<Appetite>, asked: u64, error: &CallError) -> Result<(), SourceFault> {
    if let Some(words) = node::refusal(error) {
        if locked(appetite).refused(asked, words) {
            return Ok(());
        }
    } else if node::took_too_long(error) {
        locked(appetite).refused(asked, "");
    }
    Err(fault(error))
}

impl<F: Family> LogSource<F> {
    /// A chain's source over a transport, with what is particular about its family.
    pub(super) fn over(chain: Chain, rpc: Arc<dyn Rpc>, family: F) -> Self {
        let account = |token: &payin_core::Token| address::account_bytes(&chain.protocol, token.contract.as_str());
        let contracts = chain.tokens.iter().filter_map(account).map(EvmAddress::from).collect();
        let (range, batch) = (Mutex::new(Appetite::new(RANGE)), Mutex::new(Appetite::new(BATCH)));
        Self { node: Node::new(rpc, contracts), family, range, batch, last: Mutex::default(), chain }
    }

    fn admit(&self, header: Header) -> Result<Header, SourceFault> {
        if self.family.is_sound(&header) {
            Ok(header)
        } else {
            Err(SourceFault::Inconsistent(format!("its block {} cannot have the hash {}", header.number, header.hash)))
        }
    }

    async fn header(&self, place: Place) -> Result<Option<Header>, SourceFault> {
        let header = match (self.node.header(place).await.map_err(|error| fault(&error)), self.family.otherwise()) {
            (Err(SourceFault::Unavailable(_)), Some(other)) => other.header(place).await?,
            (header, _) => header?,
        };
        header.map(|header| self.admit(header)).transpose()
    }

    /// The blocks of these heights, up to the first that the node lacks.
    async fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>, SourceFault> {
        let (mut headers, mut next) = (Vec::new(), from);
        while next <= to {
            let end = to.min(next.saturating_add(locked(&self.batch).size()).saturating_sub(1));
            let asked = end.saturating_sub(next).saturating_add(1);
            let found = match self.node.headers(next..=end).await {
                Ok(found) => {
                    locked(&self.batch).answered(asked);
                    found
                }
                Err(error) => match (learn(&self.batch, asked, &error), self.family.otherwise()) {
                    (Ok(()), _) => continue,
                    (Err(SourceFault::Unavailable(_)), Some(other)) => vec![other.header(Place::Number(next)).await?],
                    (Err(fault), _) => return Err(fault),
                },
            };
            for header in found {
                let Some(header) = header else { return Ok(headers) };
                if header.number != next {
                    return Err(SourceFault::Inconsistent(format!("asked for block {next} it gave {}", header.number)));
                }
                headers.push(self.admit(header)?);
                next = next.saturating_add(1);
            }
        }
        Ok(headers)
    }

    async fn header_of(&self, hash: B256) -> Result<Header, SourceFault> {
        let known = locked(&self.last).iter().find(|header| header.hash == hash).cloned();
        if let Some(header) = known {
            return Ok(header);
        }
        let header = self.header(Place::Hash(hash)).await?;
        header.filter(|header| header.hash == hash).ok_or_else(|| SourceFault::Inconsistent(format!("block {hash} is gone")))
    }

    /// The transfers in exactly this block, found by its hash.
    async fn transfers_in(&self, block: &Block, watch: &dyn Watch) -> Result<Vec<Transfer>, SourceFault> {
        let hash: B256 = block.hash.parse().map_err(|_| SourceFault::Inconsistent("a block hash that is none".to_owned()))?;
        let header = self.header_of(hash).await?;
        if self.family.rules_out(&header, &self.node) {
            return Ok(Vec::new());
        }
        let logs = match (self.node.logs_in(hash).await.map_err(|error| fault(&error)), self.family.otherwise()) {
            (Err(SourceFault::Unavailable(_)), Some(_)) => None,
            (logs, _) => Some(logs?),
        };
        let logs = told(logs.as_deref())?;
        let watched = watch.now().await?;
        Ok(self.examine(&header, &logs, &watched).await?.transfers)
    }

    /// The transfers in a block of whose logs the node has told these.
    ///
    /// None at all is not believed: a node that lacks the block, or the index of its logs, answers just that. Some are, because nodes
    /// make this answer from the block's receipts as a whole, and refuse one that is too large rather than cut it; what reconciles
    /// finds what one kept back on purpose. Of a transaction that pays us the receipt must hold exactly what was told of it.
    async fn examine(&self, header: &Header, logs: &[Told<'_>], watched: &Watched) -> Result<Examined, SourceFault> {
        if logs.iter().any(|log| log.block_hash() != Some(header.hash) || log.block_number() != Some(header.number)) {
            return Err(SourceFault::Inconsistent(format!("asked for logs of block {} it gave others", header.number)));
        }
        if self.family.rules_out(header, &self.node) {
            if logs.is_empty() {
                return Ok(Examined::default());
            }
            return Err(SourceFault::Inconsistent(format!("it has logs of block {}, whose header rules them out", header.number)));
        }
        let paying = self.paying(logs, watched)?;
        if paying.is_empty() && (!logs.is_empty() || makes(Mistake::EmptyLogsBelieved)) {
            return Ok(Examined::default());
        }
        let mut told: BTreeMap<B256, Vec<Event>> = BTreeMap::new();
        for log in logs.iter().filter(|_| !paying.is_empty()) {
            if let Some(place) = log.transaction().filter(|place| paying.contains(place)) {
                told.entry(place).or_default().push(log.event());
            }
        }
        let wanted = if logs.is_empty() { Wanted::All } else { Wanted::Of(&paying) };
        let receipts = self.family.receipts(&self.node, header, wanted).await?;
        for receipt in receipts.iter().filter(|receipt| receipt.succeeded && paying.contains(&receipt.transaction)) {
            let ours = receipt.events.iter().filter(|event| self.is_ours(event));
            if !told.get(&receipt.transaction).is_some_and(|told| ours.eq(told)) {
                return Err(SourceFault::Inconsistent(format!("logs and receipt of {} tell of different events", receipt.transaction)));
            }
        }
        let known = |paying: &B256| receipts.iter().find(|receipt| &receipt.transaction == paying);
        let proven: Vec<&Receipt> = match wanted {
            Wanted::All => receipts.iter().collect(),
            Wanted::Of(paying) => paying
                .iter()
                .map(known)
                .collect::<Option<_>>()
                .ok_or_else(|| SourceFault::Inconsistent(format!("it has logs of block {} without their receipts", header.number)))?,
        };
        let block = header.block();
        let mut transfers: Vec<Transfer> =
            proven.into_iter().flat_map(|receipt| decode::credited(&self.chain, &block, receipt, watched)).collect();
        if makes(Mistake::BlockWideOrdinal) {
            transfers.iter_mut().for_each(|transfer| transfer.ordinal = transfer.ordinal.saturating_add(first_of(transfer, logs)));
        }
        let moved = |receipt: &Receipt| receipt.succeeded && receipt.events.iter().any(|event| self.is_ours(event));
        Ok(Examined { transfers, looked: true, withheld: logs.is_empty() && receipts.iter().any(moved) })
    }

    /// The transactions that pay somebody of ours, by what was told of them, in their order.
    fn paying(&self, logs: &[Told<'_>], watched: &Watched) -> Result<Vec<B256>, SourceFault> {
        let (mut paying, accounts) = (Vec::new(), watched.accounts());
        for log in logs {
            if log.recipient(self.node.contracts()).is_none_or(|to| !accounts.has(&to)) {
                continue;
            }
            let event = Log { inner: log.event(), ..Log::default() };
            if decode::transfer(&event, &self.chain).is_some() {
                let place = log.transaction().ok_or_else(|| SourceFault::Inconsistent("a log without its place".to_owned()))?;
                if !paying.contains(&place) {
                    paying.push(place);
                }
            }
        }
        Ok(paying)
    }

    fn is_ours(&self, event: &Event) -> bool {
        self.node.contracts().contains(&event.address) && event.topics().first() == Some(&decode::TRANSFER)
    }
}

/// Where a transfer's transaction begins among the events of its whole block.
fn first_of(transfer: &Transfer, logs: &[Told<'_>]) -> u64 {
    let is_its = |log: &Told<'_>| log.transaction().is_some_and(|place| hex::encode(place) == transfer.tx_hash.trim_start_matches("0x"));
    logs.iter().position(is_its).and_then(|place| u64::try_from(place).ok()).unwrap_or(0)
}

impl<F: Family> Source for LogSource<F> {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        async move {
            let id: String = self.node.call("eth_chainId", ()).await.map_err(|error| fault(&error))?;
            let id = id.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
            if id != self.chain.numeric_id {
                let said = |id: Option<u64>| id.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                let text = format!("{} has the chain id {}, the node says {}", self.chain.id, said(self.chain.numeric_id), said(id));
                return Err(SourceFault::Mismatch(text));
            }
            self.family.check(&self.node).await?;
            tokens::check(&self.chain, &self.node).await
        }
        .boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        async move {
            let latest = self.header(Place::Latest).await?;
            let latest = latest.ok_or_else(|| SourceFault::Inconsistent("it has no newest block".to_owned()))?.block();
            // A node without the tag answers an error or null: nothing is final then, and nothing is lost.
            let finalized = self.header(Place::Finalized).await.ok().flatten();
            let finalized = finalized.map(|header| Rest { number: header.number, hash: header.hash.to_string() });
            Ok(Heads { latest, finalized })
        }
        .boxed()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        async move { Ok(self.headers(number, number).await?.first().map(Header::block)) }.boxed()
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        async move {
            let most = tip.number.saturating_add(u64::try_from(max).unwrap_or(u64::MAX));
            let headers = self.headers(tip.number.saturating_add(1), latest.number.min(most)).await?;
            let blocks = headers.iter().map(Header::block).collect();
            *locked(&self.last) = headers;
            Ok(blocks)
        }
        .boxed()
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        async move {
            let mut transfers = Vec::new();
            for block in blocks {
                transfers.extend(self.transfers_in(block, watch).await?);
            }
            Ok(transfers)
        }
        .boxed()
    }

    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        self.read(from, to, watch).boxed()
    }

    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        tokens::issued(&self.chain, &self.node, addresses).boxed()
    }
}
