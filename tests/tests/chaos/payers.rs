//! Those who pay, and the chain's changes of mind: blocks full of payments to watched addresses among payments to strangers, and
//! reorganisations that drop some of their transactions, move others into other blocks, and let dropped ones come back later.

use std::collections::{BTreeMap, VecDeque};

use payin_tests::dice::Dice;
use payin_tests::nodes::anvil::{Anvil, Token};
use serde_json::json;

/// What anybody pays at least, in base units: one dollar.
pub const DOLLAR: u128 = 1_000_000;
/// Payments to strangers for each to a watched address.
const STRANGERS: u128 = 10;
/// Where strangers are counted from: far from every watched address.
const FIRST_STRANGER: u128 = 1 << 100;
/// A transaction pays between so many watched addresses.
const A_TRANSACTION: (u64, u64) = (10, 40);

/// A transaction of one of the payers.
#[derive(Debug, Clone)]
struct Sent {
    hash: String,
    payer: usize,
    payments: usize,
}

pub struct Payers {
    dice: Dice,
    /// Who is paid.
    watched: Vec<String>,
    tokens: Vec<Token>,
    /// Each one's transactions that the chain dropped and that are sent again, signed as they were.
    dropped: BTreeMap<usize, VecDeque<(Sent, String)>>,
    /// What is in which block, oldest first; the last is the head.
    blocks: Vec<Vec<Sent>>,
    strangers: u128,
    pub reorganisations: usize,
}

impl Payers {
    /// Gives each payer money. The node mines on demand from now on.
    pub async fn gather(dice: Dice, anvil: &Anvil, tokens: Vec<Token>, watched: Vec<String>) -> Self {
        for payer in 1..10 {
            for token in &tokens {
                anvil.mint(token, anvil.account(payer), 1_000_000_000_000 * DOLLAR).await;
            }
        }
        anvil.set_automine(false).await;
        Self { dice, watched, tokens, dropped: BTreeMap::new(), blocks: Vec::new(), strangers: 0, reorganisations: 0 }
    }

    /// How many payments to watched addresses the chain has now.
    pub fn payments(&self) -> usize {
        self.blocks.iter().flatten().map(|sent| sent.payments).sum()
    }

    pub fn strangers(&self) -> u128 {
        self.strangers
    }

    /// One more block, of up to four transactions.
    pub async fn block(&mut self, anvil: &Anvil) {
        let mut block = Vec::new();
        for _ in 0..self.dice.below(5) {
            let payer = usize::try_from(self.dice.between(1, 9)).expect("small");
            block.push(self.pay(anvil, payer).await);
        }
        anvil.mine(1).await;
        self.blocks.push(block);
    }

    /// A payer's next transaction: one that was dropped, as long as there are such, else a new one.
    async fn pay(&mut self, anvil: &Anvil, payer: usize) -> Sent {
        let again = self.dropped.entry(payer).or_default();
        if self.dice.chance(1, 10) {
            // The payer takes them back: others will bear their numbers.
            again.clear();
        }
        if let Some((sent, raw)) = again.pop_front() {
            anvil.rpc("eth_sendRawTransaction", json!([raw])).await;
            return sent;
        }
        let token = self.dice.one_of(&self.tokens).clone();
        let count = self.dice.between(A_TRANSACTION.0, A_TRANSACTION.1);
        let payments: Vec<(String, u128)> =
            (0..count).map(|_| (self.dice.one_of(&self.watched).clone(), DOLLAR + u128::from(self.dice.below(1 << 30)))).collect();
        let paid: Vec<(&str, u128)> = payments.iter().map(|(to, amount)| (to.as_str(), *amount)).collect();
        let hash = anvil.amidst(anvil.account(payer), &token, &paid, FIRST_STRANGER + self.strangers, STRANGERS).await;
        self.strangers += STRANGERS * u128::from(count);
        Sent { hash, payer, payments: payments.len() }
    }

    /// The chain replaces its newest blocks by as many others.
    pub async fn reorganise(&mut self, anvil: &Anvil, depth: usize) {
        let depth = depth.min(self.blocks.len());
        if depth == 0 {
            return;
        }
        let old = self.blocks.split_off(self.blocks.len() - depth);
        let mut new = vec![Vec::new(); depth];
        // By payer: the earliest block that the next transaction may be in, or nothing once one was dropped. They bear numbers.
        let mut next: BTreeMap<usize, Option<usize>> = BTreeMap::new();
        let mut kept = Vec::new();
        let mut dropped: BTreeMap<usize, VecDeque<(Sent, String)>> = BTreeMap::new();
        for sent in old.into_iter().flatten() {
            let earliest = next.entry(sent.payer).or_insert(Some(0));
            *earliest = earliest.filter(|_| self.dice.chance(4, 5));
            let Some(at) = earliest else {
                let raw = anvil.rpc("eth_getRawTransactionByHash", json!([sent.hash])).await;
                let raw = raw.as_str().unwrap_or_else(|| panic!("the node does not know {}", sent.hash)).to_owned();
                dropped.entry(sent.payer).or_default().push_back((sent, raw));
                continue;
            };
            let last = depth - 1;
            *at = if self.dice.chance(1, 2) { *at } else { usize::try_from(self.dice.between(*at as u64, last as u64)).expect("small") };
            kept.push((sent.hash.clone(), *at as u64));
            new[*at].push(sent);
        }
        let keep: Vec<(&str, u64)> = kept.iter().map(|(hash, block)| (hash.as_str(), *block)).collect();
        anvil.reorg(depth as u64, &keep).await;
        for (payer, mut first) in dropped {
            let waiting = self.dropped.entry(payer).or_default();
            first.append(waiting);
            *waiting = first;
        }
        self.blocks.append(&mut new);
        self.reorganisations += 1;
    }
}
