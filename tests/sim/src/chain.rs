//! A simulated chain with two nodes, and the truth about it: what each transaction really moved, and where it stands now. The truth is what
//! was put there, never what a node says.

pub mod attack;
pub mod ledger;
pub mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payin_core::finality::Confirmed;
use payin_core::{Chain, Token, Units};
use payin_types::{Protocol, Timestamp};

use crate::clock::CLOCK_OFF_MOST;
use crate::dice::Dice;
use ledger::Ledger;

/// Money that a transaction moves, if it is part of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its place among the events of its transaction; on Solana only one is made at a time.
    pub ordinal: Option<u64>,
    pub currency: String,
    pub contract: String,
    pub to: String,
    pub amount: Units,
}

/// A transaction.
#[derive(Debug, Clone, Default)]
pub struct Tx {
    /// What it moves to anybody's benefit. Nothing for a forgery.
    pub moved: Vec<Moved>,
    /// The heights at which it ever stood, on any branch.
    pub places: BTreeSet<u64>,
    /// The forgery that it is.
    pub forgery: Option<&'static str>,
}

/// Blocks that counted and were replaced, by their times and the last one's: what was decided on them may be undone, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Deep {
    from_s: u64,
    to_s: u64,
}

/// What is true of a chain.
pub struct State {
    pub real: Ledger,
    /// What a node that has parted with the others has, and from which height on it is another chain.
    pub minority: Option<(Ledger, u64)>,
    pub txs: BTreeMap<String, Tx>,
    /// Transactions that a reorganisation dropped.
    pub lost: Vec<String>,
    /// Reorganisations that replaced blocks which counted.
    pub deep: Vec<Deep>,
    payers: u64,
}

/// A chain.
pub struct SimChain {
    pub known: Chain,
    state: Mutex<State>,
    pub nodes: [Arc<node::Faults>; 2],
}

impl SimChain {
    #[must_use]
    pub fn new(known: Chain, seed: u64, genesis: Timestamp) -> Arc<Self> {
        let real = Ledger::new(&known, seed, u64::try_from(genesis.secs()).expect("after 1970"));
        let state = State { real, minority: None, txs: BTreeMap::new(), lost: Vec::new(), deep: Vec::new(), payers: 0 };
        let nodes = [0, 1].map(|node| Arc::new(node::Faults::new(seed ^ (node + 1))));
        Arc::new(Self { known, state: Mutex::new(state), nodes })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn id(&self) -> &str {
        self.known.id.as_str()
    }

    /// The newest block's height and time.
    #[must_use]
    pub fn head(&self) -> (u64, u64) {
        self.state().real.head()
    }

    /// Somebody pays, perhaps several at once. Answers the transaction.
    pub fn pay(&self, moves: &[(&Token, &str, u128)]) -> String {
        let mut state = self.state();
        state.payers += 1;
        let payer = state.payers;
        let hash = state.real.pay(&self.known, moves, payer);
        let moved = (0..).zip(moves).map(|(ordinal, (token, to, value))| self.moved(ordinal, token, to, *value)).collect();
        state.txs.insert(hash.clone(), Tx { moved, ..Tx::default() });
        hash
    }

    fn moved(&self, ordinal: u64, token: &Token, to: &str, value: u128) -> Moved {
        Moved {
            ordinal: (self.known.protocol != Protocol::Solana).then_some(ordinal),
            currency: token.currency.as_str().to_owned(),
            contract: token.contract.as_str().to_owned(),
            to: to.to_owned(),
            amount: Units::from_base_units(value, token.decimals).expect("an amount"),
        }
    }

    /// Makes a block. A node of its own mind makes one, too.
    pub fn mine(&self, time_s: u64) {
        let mut state = self.state();
        let (before, _) = state.real.head();
        state.real.mine(time_s);
        if let Some((minority, _)) = &mut state.minority {
            minority.mine(time_s);
        }
        state.note_above(before);
    }

    /// The newest blocks are replaced: their transactions stand elsewhere, wait, or are lost. Answers how many were replaced.
    pub fn reorganise(&self, depth: u64, dice: &mut Dice) -> u64 {
        let mut state = self.state();
        let (head, to_s) = state.real.head();
        let depth = depth.min(state.real.blocks().saturating_sub(1));
        if depth == 0 {
            return 0;
        }
        let blocks = depth + dice.below(3);
        let replaced_from_s = state.real.time_s(head.saturating_sub(depth) + 1);
        let (below, lost) = state.real.reorganise(depth, blocks, dice);
        // Where only rest counts, nothing that counted was replaced.
        if self.known.confirmed == Confirmed::ByCount && head.saturating_sub(below) >= self.known.confirmations.max(1) {
            state.deep.push(Deep { from_s: replaced_from_s.expect("a block"), to_s });
        }
        state.minority = None;
        state.lost.extend(lost);
        state.note_above(below);
        depth
    }

    /// A transaction that was lost is sent again.
    pub fn bring_back(&self, dice: &mut Dice) -> Option<String> {
        let mut state = self.state();
        let place = dice.index(state.lost.len());
        let hash = state.lost.get(place).cloned()?;
        state.lost.remove(place);
        state.real.resubmit(&hash).then_some(hash)
    }

    /// A node parts with the others, with a payment that only it has. Answers that.
    pub fn part(&self, depth: u64, payment: Option<(&Token, &str, u128)>, time_s: u64, dice: &mut Dice) -> bool {
        let mut state = self.state();
        if state.minority.is_some() || state.real.blocks() <= depth + 1 {
            return false;
        }
        let mut minority = state.real.clone();
        let below = if depth > 0 { minority.reorganise(depth, depth, dice).0 } else { minority.head().0 };
        if let Some((token, to, value)) = payment {
            state.payers += 1;
            let hash = minority.pay(&self.known, &[(token, to, value)], 1_000_000 + state.payers);
            let moved = vec![self.moved(0, token, to, value)];
            state.txs.insert(hash, Tx { moved, ..Tx::default() });
        }
        minority.mine(time_s);
        let minority_txs = minority.above(below);
        for (height, hash) in minority_txs {
            state.txs.entry(hash).or_default().places.insert(height);
        }
        state.minority = Some((minority, below));
        true
    }

    /// Whether a deep reorganisation may have undone what was decided of money in a block of this time (in milliseconds).
    #[must_use]
    pub fn has_replaced(&self, block_time: i64) -> bool {
        self.state().deep.iter().any(|deep| (ms(deep.from_s)..=ms(deep.to_s)).contains(&block_time))
    }

    /// The same for an order that was there at one time and could be paid until another (in milliseconds).
    #[must_use]
    pub fn has_replaced_what_decided(&self, created_at: i64, closes_at: i64) -> bool {
        let ahead = i64::try_from(CLOCK_OFF_MOST.as_millis()).expect("minutes");
        self.state().deep.iter().any(|deep| ms(deep.from_s) <= closes_at && created_at <= ms(deep.to_s) + ahead)
    }

    /// How many blocks more a node of its own mind may have before what it says would count.
    #[must_use]
    pub fn minority_is_long(&self) -> bool {
        let state = self.state();
        let Some((minority, below)) = &state.minority else { return false };
        minority.head().0.saturating_sub(*below) + 1 >= self.known.confirmations
    }

    /// What has been moved in the blocks above one height, up to another, with its transaction.
    #[must_use]
    pub fn moved_between(&self, below: u64, head: u64) -> Vec<(String, Moved)> {
        let state = self.state();
        let above = state.real.above(below).into_iter().filter(|(height, _)| *height <= head);
        let moved = |hash: String| {
            state.txs.get(&hash).into_iter().flat_map(|tx| &tx.moved).map(|moved| (hash.clone(), moved.clone())).collect::<Vec<_>>()
        };
        above.flat_map(|(_, hash)| moved(hash)).collect()
    }

    /// What has been moved on the chain as it is now, with its transaction, height and time.
    #[must_use]
    pub fn canonical(&self) -> Vec<(String, u64, u64, Moved)> {
        let state = self.state();
        let mut all = Vec::new();
        for (hash, tx) in &state.txs {
            if let Some((height, time_s)) = state.real.place(hash) {
                all.extend(tx.moved.iter().map(|moved| (hash.clone(), height, time_s, moved.clone())));
            }
        }
        all
    }
}

fn ms(s: u64) -> i64 {
    i64::try_from(s).expect("a time") * 1_000
}

impl State {
    /// Notes where transactions above a height stand.
    fn note_above(&mut self, height: u64) {
        for (height, hash) in self.real.above(height) {
            self.txs.entry(hash).or_default().places.insert(height);
        }
        if let Some((minority, below)) = &self.minority {
            let above = minority.above(*below);
            for (height, hash) in above {
                self.txs.entry(hash).or_default().places.insert(height);
            }
        }
    }
}
