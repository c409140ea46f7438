//! Reading by account: each token account's history, and whether it explains the account's balance. The lists of signatures that nodes give
//! have been seen to leave out transactions, so they are not believed alone.
//!
//! What is detected: the balance after a range must be the balance before it plus what the transactions in it changed. The balance before is
//! known from the range before; or, at the first look after a start, from the newest older transaction, or is nothing if the node has all of
//! the chain and lists nothing older. A transaction that is left out and changed the balance is noticed unless another one that is left out
//! undid the change.
//!
//! What is not detected: at the first look at an account after a start, an omission by a node that does not have the whole chain and lists no
//! older transaction of the account; and a payment that left the account within the same range, if the node leaves out both. Reconciliation by
//! whole blocks finds these.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::answers::{Account, Placed, Signature};
use super::decode::{Change, Mint, Place, changes};
use super::node::{AT_ONCE, Level, Node};
use crate::chain::source::SourceFault;

/// The first part of a history that is asked for. Most accounts have no more than this.
const LIST_FIRST: usize = 25;
/// The most that a node lists at a time (agave's `MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT`).
const LIST_MORE: usize = 1_000;
/// How many parts of one account's history are read at a time: beyond, somebody floods it, and blocks are read instead.
const LISTS_MAX: usize = 100;
/// How many transactions are read at a time.
const TRANSACTIONS_MAX: usize = 400;

/// What is read: slots from one to another, at one commitment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub from: u64,
    pub to: u64,
    pub level: Level,
}

/// What a span's transactions did to watched accounts.
#[derive(Debug)]
pub(super) struct Found {
    /// Up to where it was read: less than asked for if there was too much.
    pub to: u64,
    /// By transaction, in the order of the chain.
    pub changed: Vec<(u64, String, Vec<Change>)>,
    /// What each account held after the last slot, as far as it is known.
    pub held: BTreeMap<[u8; 32], u64>,
    /// Whether the balances bear it out.
    pub explained: bool,
}

/// One account's part of the node's answer.
struct History {
    account: [u8; 32],
    /// At or above the span, newest first; successful ones only.
    entries: Vec<Signature>,
    older: Older,
    /// Its balance, and as of which slot.
    balance: (u64, u64),
}

/// What lies below the span.
enum Older {
    /// This, the newest.
    Entry(Signature),
    /// Nothing that the node knows of.
    Nothing,
    /// Not known.
    Unknown,
}

/// Reads a span by its accounts' histories. `held`: what the accounts held before it, where that is known.
pub(super) async fn read(
    node: &Node,
    span: Span,
    mints: &[Mint],
    accounts: &[([u8; 32], Place)],
    held: &BTreeMap<[u8; 32], u64>,
) -> Result<Found, SourceFault> {
    let Some(histories) = histories(node, span, accounts).await? else {
        // Somebody floods an account. Its blocks say what is in them, however much names the account.
        return Ok(Found { to: span.to, changed: Vec::new(), held: BTreeMap::new(), explained: false });
    };
    let to = cut(&histories, span);
    let wanted: BTreeSet<(u64, &str)> = histories.iter().flat_map(|history| wanted(history, to)).collect();
    // Those in the span, and whatever tells a balance at its ends.
    let ends = histories.iter().flat_map(|history| [before(history, held), history.above(to)]).flatten();
    let ends: BTreeSet<(u64, &str)> = ends.map(|entry| (entry.slot, entry.signature.as_str())).collect();
    let places: BTreeMap<[u8; 32], Place> = accounts.iter().copied().collect();
    let all: BTreeSet<(u64, &str)> = wanted.union(&ends).copied().collect();
    let mut read = fetch(node, span.level, &all, mints, &places).await?;

    let mut found = Found { to, changed: Vec::new(), held: BTreeMap::new(), explained: true };
    let mut whole = None;
    for history in &histories {
        let start = match held.get(&history.account) {
            Some(held) => Some(*held),
            None => history.start(&read, node, &mut whole).await?,
        };
        let end = history.end(to, &read);
        let sum = wanted_sum(history, to, &read);
        match start.and_then(|start| i128::from(start).checked_add(sum)) {
            Some(sum) => {
                // An end that is not known explains nothing: what was left out would be missed for good.
                found.explained &= end.is_some_and(|end| i128::from(end) == sum);
                found.held.extend(u64::try_from(sum).ok().map(|sum| (history.account, sum)));
            }
            None => found.held.extend(end.map(|end| (history.account, end))),
        }
    }
    found.changed = wanted
        .into_iter()
        .filter_map(|(slot, signature)| read.remove(signature).map(|changes| (slot, signature.to_owned(), changes)))
        .collect();
    Ok(found)
}

/// The histories of all accounts; `None` where one is longer than is read at a time.
async fn histories(node: &Node, span: Span, accounts: &[([u8; 32], Place)]) -> Result<Option<Vec<History>>, SourceFault> {
    let names: Vec<String> = accounts.iter().map(|(account, _)| bs58::encode(account).into_string()).collect();
    let balances = node.accounts(&names, AMOUNT_AT + 8, span.to, span.level).await?;
    let balances = balances.into_iter().map(|(slot, state)| (slot, amount(state.as_ref())));
    let asked: Vec<([u8; 32], String, (u64, u64))> =
        accounts.iter().zip(names).zip(balances).map(|(((account, _), name), balance)| (*account, name, balance)).collect();
    stream::iter(asked)
        .map(|(account, name, balance)| async move {
            // The list is asked for after the balance and must reach as far, so that it holds whatever made the balance.
            let listed = list(node, &name, span, balance.0).await?;
            Ok(listed.map(|(entries, older)| History { account, entries, older, balance }))
        })
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await
        .map(|histories| histories.into_iter().collect())
}

/// Where a token account's amount is, behind its mint and its owner.
const AMOUNT_AT: usize = 64;

fn amount(account: Option<&Account>) -> u64 {
    let data = account.and_then(|account| base64::engine::general_purpose::STANDARD.decode(&account.data.0).ok()).unwrap_or_default();
    let amount = data.get(AMOUNT_AT..).and_then(|rest| rest.first_chunk().copied());
    amount.map_or(0, u64::from_le_bytes)
}

/// An account's entries at or above the span, newest first, and what lies below; `None` where there are more than are read at a time.
async fn list(node: &Node, account: &str, span: Span, reached: u64) -> Result<Option<(Vec<Signature>, Older)>, SourceFault> {
    let (mut entries, mut seen, mut before): (Vec<Signature>, BTreeSet<String>, Option<String>) = Default::default();
    for page in 0..LISTS_MAX {
        let limit = if page == 0 { LIST_FIRST } else { LIST_MORE };
        let answer = node.signatures(account, before.as_deref(), limit, reached, span.level).await?;
        let (count, last) = (answer.len(), answer.last().cloned());
        let known = seen.len();
        let mut older = None;
        for entry in answer {
            // A node may tell one twice.
            if !seen.insert(entry.signature.clone()) || !entry.err.is_null() {
                continue;
            }
            if entry.slot >= span.from {
                entries.push(entry);
            } else if older.is_none() {
                older = Some(entry);
            }
        }
        let below = last.as_ref().is_some_and(|last| last.slot < span.from);
        if below || count < limit {
            let unknown = if count < limit { Older::Nothing } else { Older::Unknown };
            return Ok(Some((entries, older.map_or(unknown, Older::Entry))));
        }
        if seen.len() == known {
            return Err(SourceFault::Inconsistent("it gives the same part of an account's history again and again".to_owned()));
        }
        before = last.map(|last| last.signature);
    }
    Ok(None)
}

/// Up to where there are not too many transactions to read at a time; at least one slot with some.
fn cut(histories: &[History], span: Span) -> u64 {
    let mut by_slot: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for entry in histories.iter().flat_map(|history| &history.entries).filter(|entry| entry.slot <= span.to) {
        by_slot.entry(entry.slot).or_default().insert(&entry.signature);
    }
    let (mut count, mut last) = (0usize, None);
    for (slot, signatures) in by_slot {
        count = count.saturating_add(signatures.len());
        if let Some(last) = last
            && count > TRANSACTIONS_MAX
        {
            return last;
        }
        last = Some(slot);
    }
    span.to
}

fn wanted(history: &History, to: u64) -> impl Iterator<Item = (u64, &str)> {
    history.entries.iter().filter(move |entry| entry.slot <= to).map(|entry| (entry.slot, entry.signature.as_str()))
}

/// The transaction that tells what an account held before the span, if that is not known already.
fn before<'a>(history: &'a History, held: &BTreeMap<[u8; 32], u64>) -> Option<&'a Signature> {
    match &history.older {
        Older::Entry(entry) if !held.contains_key(&history.account) => Some(entry),
        _ => None,
    }
}

type Changes = BTreeMap<String, Vec<Change>>;

fn wanted_sum(history: &History, to: u64, read: &Changes) -> i128 {
    let changes = wanted(history, to).filter_map(|(_, signature)| history.change(signature, read));
    changes.fold(0i128, |sum, change| sum.saturating_add(i128::from(change.after)).saturating_sub(i128::from(change.before)))
}

impl History {
    /// The oldest entry above the span that its balance shows.
    fn above(&self, to: u64) -> Option<&Signature> {
        self.entries.iter().rev().find(|entry| entry.slot > to).filter(|entry| entry.slot <= self.balance.0)
    }

    fn change<'a>(&self, signature: &str, read: &'a Changes) -> Option<&'a Change> {
        read.get(signature)?.iter().find(|change| change.account == self.account)
    }

    /// What the account held before the span, where the range before did not tell.
    async fn start(&self, read: &Changes, node: &Node, whole: &mut Option<bool>) -> Result<Option<u64>, SourceFault> {
        match &self.older {
            // One that only names the account does not tell.
            Older::Entry(entry) => Ok(self.change(&entry.signature, read).map(|change| change.after)),
            Older::Unknown => Ok(None),
            Older::Nothing if self.balance.1 == 0 && self.entries.is_empty() => Ok(Some(0)),
            Older::Nothing => {
                let known = match *whole {
                    Some(known) => known,
                    // A node that does not say may have lost what is older.
                    None => matches!(node.first_block().await, Ok(0)),
                };
                *whole = Some(known);
                Ok(known.then_some(0))
            }
        }
    }

    /// What the account held after the span.
    fn end(&self, to: u64, read: &Changes) -> Option<u64> {
        let Some(above) = self.above(to) else { return Some(self.balance.1) };
        // Nodes have listed the transactions of one slot in any order: which of several was first is not known.
        let alone = self.entries.iter().filter(|entry| entry.slot == above.slot).count() == 1;
        self.change(&above.signature, read).filter(|_| alone).map(|change| change.before)
    }
}

/// Reads transactions, each once.
async fn fetch(
    node: &Node,
    level: Level,
    signatures: &BTreeSet<(u64, &str)>,
    mints: &[Mint],
    places: &BTreeMap<[u8; 32], Place>,
) -> Result<Changes, SourceFault> {
    let signatures: Vec<(u64, String)> = signatures.iter().map(|(slot, signature)| (*slot, (*signature).to_owned())).collect();
    stream::iter(signatures)
        .map(|(slot, signature)| async move {
            let Placed { slot: placed, recorded } = node.transaction(&signature, level).await?;
            if placed != slot {
                return Err(SourceFault::Inconsistent(format!("it lists {signature} in slot {slot} and has it in slot {placed}")));
            }
            let changes = changes(&recorded, mints, &|account| places.get(account).copied())
                .map_err(|why| SourceFault::Inconsistent(format!("its record of {signature} cannot be used: {why}")))?;
            Ok((signature, changes))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}
