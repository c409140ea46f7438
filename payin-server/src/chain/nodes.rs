//! Several nodes of one chain: which one is asked, and what is believed where they differ. A step asks one node only, so that what it
//! learns is of one piece. It must not know what a transfer is worth, nor wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::Timestamp;

use super::guarded::Guarded;
use super::source::{Source, SourceFault};
use super::watch::Watch;

/// How often a node is asked anew whether it is of the right chain: providers have switched networks behind a URL.
const CHECK_EVERY: Duration = Duration::from_secs(3600);
/// How long a node that failed is not asked: doubled with every failure in a row, up to the maximum.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// How long a node that limits how often it is asked is left alone at least, and at most whatever it says.
const LIMITED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// How long a node of the wrong chain, or on another fork than the others, is not asked.
const SET_ASIDE: Duration = Duration::from_secs(60);
/// A chain that has had no new block for this long makes us ask the other nodes whether they have one.
const STALL_MIN: Duration = Duration::from_secs(10);

/// The nodes of a chain, the most trusted first.
pub struct Nodes {
    nodes: Vec<Node>,
}

/// One node.
pub struct Node {
    source: Arc<dyn Source>,
    standing: Mutex<Standing>,
}

/// What is known of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Failures in a row.
    pub failures: u32,
    /// How many of its last answers were failures, in thousandths: each counts an eighth of what is known.
    pub failing: u32,
    /// When that was last brought up to date.
    pub reported_at: Option<Timestamp>,
    /// Until when it is not asked.
    pub rests_until: Option<Timestamp>,
    /// When it last showed that it is of the right chain.
    pub checked_at: Option<Timestamp>,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// How long its last step took.
    pub took: Duration,
    /// The highest block it was seen to have.
    pub height: u64,
    /// What was last wrong with it.
    pub fault: Option<String>,
}

impl Standing {
    /// How much it fails, less by half for each minute that it has not been asked: it shall have another chance.
    fn fails(&self, now: Timestamp) -> u32 {
        let minutes = self.reported_at.map_or(0, |at| now.since(at).as_secs() / 60);
        self.failing.checked_shr(u32::try_from(minutes).unwrap_or(u32::MAX)).unwrap_or(0)
    }

    fn rests(&self, now: Timestamp) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    fn rest(&mut self, now: Timestamp, fault: &SourceFault) {
        self.failures = self.failures.saturating_add(1);
        self.failing = self.fails(now).saturating_mul(7) / 8 + 125;
        self.reported_at = Some(now);
        self.fault = Some(fault.to_string());
        let doubled = REST.0.saturating_mul(1 << self.failures.saturating_sub(1).min(16)).min(REST.1);
        let rest = match fault {
            SourceFault::Limited { retry_after } => retry_after.unwrap_or(doubled).clamp(LIMITED.0, LIMITED.1),
            SourceFault::Mismatch(_) => SET_ASIDE,
            // Not the node's doing.
            SourceFault::Watch(_) => return,
            SourceFault::Unavailable(_) | SourceFault::Inconsistent(_) | SourceFault::Breaks(_) => doubled,
        };
        self.rests_until = self.rests_until.max(Some(now.plus(rest)));
    }
}

impl Node {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node that a step asks.
pub struct Chosen<'a> {
    index: usize,
    node: &'a Node,
}

impl Chosen<'_> {
    /// To ask it.
    #[must_use]
    pub fn source(&self) -> &dyn Source {
        self.node.source.as_ref()
    }

    /// What the step came to, with the highest block the node was seen to have.
    pub fn report(&self, now: Timestamp, took: Duration, outcome: Result<u64, &SourceFault>) {
        let mut standing = self.node.standing();
        standing.took = took;
        match outcome {
            Ok(height) => {
                // It has answered, and was asked only because it did not rest.
                let (failing, reported_at) = (standing.fails(now).saturating_mul(7) / 8, Some(now));
                let height = standing.height.max(height);
                *standing = Standing {
                    failures: 0,
                    failing,
                    reported_at,
                    rests_until: None,
                    answered_at: Some(now),
                    fault: None,
                    height,
                    ..standing.clone()
                };
            }
            Err(fault) => standing.rest(now, fault),
        }
    }

    /// Not asked for a while, for a reason that is not a failed answer.
    fn set_aside(&self, now: Timestamp, why: &str) {
        let mut standing = self.node.standing();
        standing.rests_until = Some(now.plus(SET_ASIDE));
        standing.fault = Some(why.to_owned());
    }
}

impl Nodes {
    /// Those, the most trusted first.
    #[must_use]
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        let node = |source| Node { source: Arc::new(Guarded(source)), standing: Mutex::default() };
        Self { nodes: sources.into_iter().map(node).collect() }
    }

    /// What is known of each, in the configured order.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.nodes.iter().map(|node| node.standing().clone()).collect()
    }

    /// Somebody says that the nodes may answer again: none of them rests any longer.
    pub fn wake(&self) {
        self.nodes.iter().for_each(|node| node.standing().rests_until = None);
    }

    /// The node to ask: of those that do not rest the one that fails least, by quarters, and of equals the most trusted.
    ///
    /// # Errors
    /// If none can be asked.
    pub async fn choose(&self, now: Timestamp) -> Result<Chosen<'_>, SourceFault> {
        let mut order: Vec<(u32, usize, &Node)> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let standing = node.standing();
            if !standing.rests(now) {
                order.push((standing.fails(now) / 250, index, node));
            }
        }
        order.sort_by_key(|(failing, index, _)| (*failing, *index));
        for (_, index, node) in order {
            let chosen = Chosen { index, node };
            if chosen.node.standing().checked_at.is_some_and(|at| now.since(at) < CHECK_EVERY) {
                return Ok(chosen);
            }
            match chosen.source().check().await {
                Ok(()) => {
                    chosen.node.standing().checked_at = Some(now);
                    return Ok(chosen);
                }
                Err(fault) => {
                    chosen.report(now, Duration::ZERO, Err(&fault));
                    if self.nodes.len() == 1 {
                        return Err(fault);
                    }
                }
            }
        }
        Err(self.none_answers())
    }

    /// Why no node is asked: with one, in its own words.
    fn none_answers(&self) -> SourceFault {
        let faults: Vec<String> = self.nodes.iter().filter_map(|node| node.standing().fault.clone()).collect();
        match faults.as_slice() {
            [only] if self.nodes.len() == 1 => SourceFault::Unavailable(only.clone()),
            _ => {
                let said = faults.iter().enumerate().map(|(index, fault)| format!("node {}: {fault}", index.saturating_add(1)));
                SourceFault::Unavailable(format!(
                    "none of {} nodes can be asked; {}",
                    self.nodes.len(),
                    said.collect::<Vec<_>>().join("; ")
                ))
            }
        }
    }

    /// Whether a node is believed that says that a block of ours is not part of the chain any more.
    ///
    /// A node on a fork of its own, or one left behind, must not take back what the others have. So another node that is as far and has that
    /// block outweighs it if it is more trusted; and where payments that counted would be taken back (`deep`) no such node may be left, and
    /// where there are others, one of them must say the same.
    ///
    /// # Errors
    /// If it is not believed; the node is then set aside for a while.
    pub async fn believe_fork(&self, from: &Chosen<'_>, ours: &Block, deep: bool, now: Timestamp) -> Result<(), SourceFault> {
        let (mut agree, mut outweighed) = (0_usize, None);
        let height = from.source().heads().await?.latest.number;
        for (index, other) in self.nodes.iter().enumerate().filter(|(index, _)| *index != from.index) {
            let Ok(Some(theirs)) = other.source.block(ours.number).await else { continue };
            if theirs.hash != ours.hash {
                agree = agree.saturating_add(1);
                continue;
            }
            let is_as_far = other.source.heads().await.is_ok_and(|heads| heads.latest.number.saturating_add(1) >= height);
            if is_as_far && (deep || index < from.index) {
                outweighed = Some(index);
            }
        }
        let other = |index: usize| format!("node {} has our block {} and it has not", index.saturating_add(1), ours.number);
        let why = match outweighed {
            Some(index) => other(index),
            None if deep && agree == 0 && self.nodes.len() > 1 => {
                format!("it takes back block {} with payments that counted, and no other node says so", ours.number)
            }
            None => return Ok(()),
        };
        from.set_aside(now, &why);
        Err(SourceFault::Inconsistent(why))
    }

    /// A node that has had no new block for a while is set aside if another one has.
    ///
    /// # Errors
    /// If so.
    pub async fn doubt(&self, idle: &Chosen<'_>, chain: &Chain, tip: &Block, since: Timestamp, now: Timestamp) -> Result<(), SourceFault> {
        let patience = STALL_MIN.max(Duration::from_millis(chain.block_ms.saturating_mul(5)));
        if self.nodes.len() == 1 || now.since(since) < patience {
            return Ok(());
        }
        for (index, other) in self.nodes.iter().enumerate().filter(|(index, _)| *index != idle.index) {
            let Ok(heads) = other.source.heads().await else { continue };
            if heads.latest.number > tip.number {
                let why = format!("it has no block after {}, node {} has {}", tip.number, index.saturating_add(1), heads.latest.number);
                idle.set_aside(now, &why);
                return Err(SourceFault::Inconsistent(why));
            }
        }
        Ok(())
    }

    /// Whether two nodes say the same of a transfer: its block at its height, and the transfer in it. One that rests is not asked, and one
    /// that does not answer rests.
    pub async fn agree_on(&self, transfer: &Transfer, watch: &dyn Watch, now: Timestamp) -> bool {
        let mut votes = 0;
        for node in &self.nodes {
            if node.standing().rests(now) {
                continue;
            }
            match Self::has(node, transfer, watch).await {
                Ok(has) => votes += usize::from(has),
                Err(fault) => node.standing().rest(now, &fault),
            }
        }
        votes >= 2
    }

    async fn has(node: &Node, transfer: &Transfer, watch: &dyn Watch) -> Result<bool, SourceFault> {
        let Some(block) = node.source.block(transfer.block_number).await? else { return Ok(false) };
        if block.hash != transfer.block_hash {
            return Ok(false);
        }
        Ok(node.source.transfers(std::slice::from_ref(&block), watch).await?.contains(transfer))
    }

    /// The node so many after the chosen one, if it can be asked; else the chosen one.
    #[must_use]
    pub fn in_turn<'a>(&'a self, chosen: &Chosen<'a>, turn: usize, now: Timestamp) -> Chosen<'a> {
        let index = chosen.index.wrapping_add(turn).checked_rem(self.nodes.len()).unwrap_or(0);
        let can_be_asked = |node: &&Node| {
            let standing = node.standing();
            !standing.rests(now) && standing.checked_at.is_some_and(|at| now.since(at) < CHECK_EVERY)
        };
        let found = self.nodes.get(index).filter(can_be_asked).map(|node| Chosen { index, node });
        found.unwrap_or(Chosen { index: chosen.index, node: chosen.node })
    }

    /// The nodes beside this one that can be asked; `None` where there is only one node at all.
    pub fn others<'a>(&'a self, chosen: &Chosen<'_>, now: Timestamp) -> Option<Vec<&'a dyn Source>> {
        let others = self.nodes.iter().enumerate().filter(|(index, node)| *index != chosen.index && !node.standing().rests(now));
        (self.nodes.len() > 1).then(|| others.map(|(_, node)| node.source.as_ref()).collect())
    }

    /// Makes sure that a node's block is of our chain although nothing that we know lies right below: the node has a block of ours further up,
    /// and another node, where there is one, has that block, too.
    ///
    /// # Errors
    /// If not, or the node does not answer.
    pub async fn vouch(&self, from: &Chosen<'_>, block: &Block, (number, hash): (u64, &str), now: Timestamp) -> Result<(), SourceFault> {
        if from.source().block(number).await?.is_none_or(|theirs| theirs.hash != hash) {
            let why = format!("it has not our block {number}, and what lies below its block {} nobody knows", block.number);
            return Err(SourceFault::Inconsistent(why));
        }
        let Some(others) = self.others(from, now) else { return Ok(()) };
        for other in others {
            if other.block(block.number).await.ok().flatten().is_some_and(|theirs| theirs.hash == block.hash) {
                return Ok(());
            }
        }
        Err(SourceFault::Inconsistent(format!("no other node says that it has block {}, below which nobody knows any", block.number)))
    }

    /// The node to check another one's word by: the least trusted, which is asked least.
    #[must_use]
    pub fn second(&self) -> Option<&dyn Source> {
        self.nodes.last().map(|node| node.source.as_ref())
    }
}

#[cfg(test)]
mod tests;
