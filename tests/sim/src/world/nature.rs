//! What happens by itself: blocks, branches, time; nodes and receivers that fail, and heal.

use std::time::Duration;

use payin_core::finality::Confirmed;
use payin_types::Timestamp;

use super::World;
use crate::act::Kind;
use crate::chain::SimChain;
use crate::chain::ledger::FINAL_ABOVE;
use crate::dice::Dice;
use crate::receiver::Mood;

impl World {
    /// Makes a block, and lets time pass as far as it needs.
    pub(super) fn mine(&mut self, index: usize) {
        let chain = &self.chains[index];
        chain.mine(self.time.secs());
        let (_, head_s) = chain.head();
        self.time.advance_to(Timestamp::from_secs(i64::try_from(head_s).expect("a time")));
        if chain.minority_is_long() {
            chain.state().minority = None;
        }
    }

    pub(super) fn mine_all(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.time.advance(Duration::from_secs(2));
            (0..self.chains.len()).for_each(|index| self.mine(index));
        }
    }

    pub(super) fn nature(&mut self, kind: Kind, dice: &mut Dice) {
        let index = dice.index(self.chains.len());
        match kind {
            Kind::Block => self.mine(index),
            Kind::Blocks => self.mine_all(dice.between(1, 6)),
            Kind::Reorganise | Kind::ReorganiseDeep => self.reorganise(index, kind == Kind::ReorganiseDeep, dice),
            Kind::BringBack => {
                if self.chains[index].bring_back(dice).is_none() {
                    return;
                }
            }
            Kind::Stall => {
                let stalled = dice.permille(500);
                self.chains[index].state().real.stall(stalled);
                self.coverage.hit(if stalled { "finality stalls" } else { "finality moves" });
            }
            Kind::Tick => return self.time.advance(Duration::from_secs(dice.between(1, 15))),
            _ => return self.time.advance(Duration::from_secs(60 * dice.between(5, 70))),
        }
        self.moved();
    }

    fn reorganise(&mut self, index: usize, deep: bool, dice: &mut Dice) {
        let chain = &self.chains[index];
        let most = most_replaceable(chain);
        let by_count = chain.known.confirmed == Confirmed::ByCount;
        let counts_from = chain.known.confirmations.max(1);
        let depth = match (deep, by_count) {
            (true, true) => dice.between(counts_from, counts_from + FINAL_ABOVE - 1).min(most),
            (false, true) => dice.between(1, counts_from.saturating_sub(1).max(1)).min(counts_from.saturating_sub(1)).min(most),
            (_, false) => dice.between(1, 6).min(most),
        };
        if chain.reorganise(depth, dice) > 0 {
            self.coverage.hit(if deep && by_count { "deep reorganisation" } else { "reorganisation" });
        }
    }

    pub(super) fn node(&mut self, kind: Kind, dice: &mut Dice) {
        let index = dice.index(self.chains.len());
        let chain = &self.chains[index];
        let node = dice.index(2);
        let mut wrong = chain.nodes[node].wrong();
        match kind {
            Kind::NodeDown => wrong.down = true,
            Kind::NodeFlaky => wrong.flaky = dice.between(50, 700),
            Kind::NodeLags => wrong.lag = dice.between(1, 6),
            Kind::NodeHides => wrong.hides = true,
            Kind::NodeStale => wrong.stale = true,
            Kind::NodeParts => {
                let token = chain.known.tokens.first().expect("a token");
                let payee = self.memory.orders.last().filter(|order| order.chain == chain.id()).map(|order| order.address.clone());
                let payment = payee.as_deref().map(|to| (token, to, 5_000_000));
                let depth = dice.below(2).min(chain.known.confirmations.saturating_sub(2));
                // A branch that could count would be one that nobody can tell from the real one.
                if chain.known.confirmations >= 3 && chain.part(depth, payment, self.time.secs(), dice) {
                    wrong.parted = true;
                    self.coverage.hit("a node parts");
                }
            }
            _ => {
                *wrong = crate::chain::node::Wrong::default();
                drop(wrong);
                *chain.nodes[1 - node].wrong() = crate::chain::node::Wrong::default();
                chain.state().minority = None;
            }
        }
    }

    pub(super) fn receivers(&mut self, kind: Kind, dice: &mut Dice) {
        let urls = self.receiver.urls();
        let Some(url) = dice.pick(&urls) else { return };
        let mood = match kind {
            Kind::ReceiverFails => Mood { fails: dice.between(100, 1_000), ..Mood::default() },
            Kind::ReceiverDown => Mood { down: true, ..Mood::default() },
            Kind::ReceiverLoses => Mood { loses: dice.between(100, 1_000), ..Mood::default() },
            // The one that is told everything stays.
            Kind::ReceiverGone if !url.ends_with("/all") => Mood { gone: true, ..Mood::default() },
            _ => Mood::default(),
        };
        self.receiver.set_mood(url, mood);
    }
}

/// How many of a chain's newest blocks may be replaced without touching what is final.
fn most_replaceable(chain: &SimChain) -> u64 {
    let state = chain.state();
    state.real.unfinal(chain.known.confirmations + FINAL_ABOVE)
}
