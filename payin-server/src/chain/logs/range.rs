//! Many blocks at once: what is asked of a node in one breath is examined as single blocks, each the child of the one before. What a block's
//! logs prove is not decided here.

use alloy::primitives::B256;
use payin_core::transfer::Transfer;
use serde_json::value::RawValue;

use super::family::Family;
use super::lean::Told;
use super::wire::Header;
use super::{LogSource, lacks, learn, locked, told};
use crate::chain::source::{Read, SourceFault};
use crate::chain::watch::{Watch, Watched};

/// So many blocks of a range are looked at by their receipts before what was read is handed over: what was read must be kept now and then,
/// and the chain's newest blocks must have their turn.
const LOOKS_MAX: usize = 32;

/// How far blocks have been examined.
#[derive(Default)]
struct Sofar {
    read: Option<Read>,
    /// How many were looked at by their receipts.
    looks: usize,
    /// Whether the node has kept back some of their logs.
    withheld: bool,
    /// The last block that was told of, and how many transfers lie below it: what was told may have been cut off in its midst. A quiet block
    /// above, however closely looked at, says nothing about that.
    doubtful: Option<(Header, usize)>,
    /// The last block that nothing is in doubt of, and how many transfers there are up to it.
    sure: Option<(payin_core::Block, usize)>,
}

impl Sofar {
    /// What nothing is in doubt of; if there is none, why there is no more.
    fn kept(self, fault: SourceFault) -> Result<Self, SourceFault> {
        let (Some(mut read), Some((last, count))) = (self.read, self.sure) else { return Err(fault) };
        read.transfers.truncate(count);
        Ok(Self { read: Some(Read { last, ..read }), withheld: self.withheld, ..Self::default() })
    }

    fn add(&mut self, header: &Header, transfers: Vec<Transfer>) {
        let first = || Read { below: header.parent_hash.to_string(), last: header.block(), transfers: Vec::new() };
        let mut read = self.read.take().unwrap_or_else(first);
        read.transfers.extend(transfers);
        read.last = header.block();
        if self.doubtful.is_none() {
            self.sure = Some((read.last.clone(), read.transfers.len()));
        }
        self.read = Some(read);
    }

    fn count(&self) -> usize {
        self.read.as_ref().map_or(0, |read| read.transfers.len())
    }
}

/// The node has had enough of us, or answers no more: nothing it said is wrong.
fn is_for_later(fault: &SourceFault) -> bool {
    matches!(fault, SourceFault::Limited { .. } | SourceFault::Unavailable(_))
}

impl<F: Family> LogSource<F> {
    /// The logs of a range, up to where the node gives them at a time. Empty where JSON-RPC does not answer and receipts do.
    async fn logs_from(&self, from: u64, to: u64) -> Result<(u64, Option<(Box<RawValue>, B256)>), SourceFault> {
        loop {
            let end = to.min(from.saturating_add(locked(&self.range).size()).saturating_sub(1));
            let asked = end.saturating_sub(from).saturating_add(1);
            match self.node.logs_to(from, end).await {
                Ok((logs, last)) => {
                    locked(&self.range).answered(asked);
                    let last = last.filter(|last| last.number == end).ok_or_else(|| lacks(end))?;
                    return Ok((end, Some((logs, last.hash))));
                }
                Err(error) => match (learn(&self.range, asked, &error), self.family.otherwise()) {
                    (Ok(()), _) => {}
                    (Err(SourceFault::Unavailable(_)), Some(_)) => {
                        let looks = u64::try_from(LOOKS_MAX).unwrap_or(u64::MAX);
                        return Ok((to.min(from.saturating_add(looks)), None));
                    }
                    (Err(fault), _) => return Err(fault),
                },
            }
        }
    }

    /// A range as single blocks: each the child of the one before, and each examined as near the tip. What was asked of the node in one
    /// breath it may have taken from an index that lacks some of it: an empty answer proves nothing about any of the blocks.
    pub(super) async fn read(&self, from: u64, to: u64, watch: &dyn Watch) -> Result<Read, SourceFault> {
        let (end, answer) = self.logs_from(from, to).await?;
        let logs = told(answer.as_ref().map(|(logs, _)| logs.as_ref()))?;
        if logs.iter().any(|log| log.block_number().is_none_or(|number| !(from..=end).contains(&number))) {
            return Err(SourceFault::Inconsistent(format!("asked for logs of blocks {from} to {end} it gave others")));
        }
        if !logs.is_sorted_by_key(Told::block_number) {
            return Err(SourceFault::Inconsistent(format!("its logs of blocks {from} to {end} are in no order")));
        }
        let headers = self.headers(from.saturating_sub(1), end).await?;
        let hangs = |pair: &[Header]| matches!(pair, [parent, child] if child.parent_hash == parent.hash);
        if !headers.windows(2).all(hangs) {
            return Err(SourceFault::Inconsistent(format!("its blocks {from} to {end} do not hang together")));
        }
        let last = headers.last().filter(|last| last.number == end).ok_or_else(|| lacks(end))?;
        if answer.as_ref().is_some_and(|(_, hash)| *hash != last.hash) {
            return Err(SourceFault::Inconsistent(format!("it has two blocks {end}, below what is final")));
        }
        let watched = watch.now().await?;
        let headers = headers.get(usize::from(from > 0)..).unwrap_or_default();
        let mut sofar = self.examine_all(headers, &logs, &watched).await?;
        if sofar.withheld && !logs.is_empty() {
            // Of an answer that lacks some of its logs no block is believed to have been told whole.
            sofar = self.examine_all(headers, &[], &watched).await?;
        }
        sofar.read.ok_or_else(|| lacks(end))
    }

    /// Blocks one after another, of whose logs the node has told these, as many as are looked at in one step. What was read before the node
    /// had enough of us is kept, or the same would be asked for ever.
    async fn examine_all(&self, headers: &[Header], logs: &[Told<'_>], watched: &Watched) -> Result<Sofar, SourceFault> {
        let (mut sofar, mut logs) = (Sofar::default(), logs);
        for header in headers {
            let here = logs.iter().take_while(|log| log.block_number() == Some(header.number)).count();
            let (told, rest) = logs.split_at(here);
            let examined = match self.examine(header, told, watched).await {
                Err(fault) if is_for_later(&fault) => return sofar.kept(fault),
                examined => examined?,
            };
            logs = rest;
            sofar.looks += usize::from(examined.looked);
            sofar.withheld |= examined.withheld;
            if here > 0 {
                sofar.doubtful = logs.is_empty().then(|| (header.clone(), sofar.count()));
            }
            sofar.add(header, examined.transfers);
            if sofar.looks >= LOOKS_MAX {
                break;
            }
        }
        self.end(sofar, watched).await
    }

    /// The last block that was told of is borne out by its own receipts.
    async fn end(&self, mut sofar: Sofar, watched: &Watched) -> Result<Sofar, SourceFault> {
        let Some((header, below)) = sofar.doubtful.take() else { return Ok(sofar) };
        match self.examine(&header, &[], watched).await {
            Ok(examined) => {
                let told = sofar.read.as_ref().and_then(|read| read.transfers.get(below..)).unwrap_or_default();
                sofar.withheld |= told != examined.transfers;
                Ok(sofar)
            }
            Err(fault) if is_for_later(&fault) => sofar.kept(fault),
            Err(fault) => Err(fault),
        }
    }
}
