//! Transactions become payments, purely. Credited are transfers that the pinned token program executed, to the associated token account of a
//! watched wallet, in a transaction that succeeded, and only if together with everything else the programs did to that account they explain
//! the change of its balance to the last unit.
//!
//! Never credited: who owns an account (`setAuthority` makes anybody the owner of anything), memos, other programs and mints, tokens minted
//! straight into the account (they are the issuer's act and nobody's payment: no payer, and on a test network anybody's), and what only a
//! balance shows.

use std::collections::BTreeMap;

use payin_core::address::solana_bytes;
use payin_core::solana::{TokenProgram, token_account};
use payin_types::known_bad::{Mistake, makes};

use super::answers::{Balance, Meta, Recorded};
use super::instructions::{Effect, Move, moves};

/// A token whose accounts are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mint {
    /// Base58.
    pub address: String,
    /// As bytes.
    pub bytes: [u8; 32],
    /// The program it belongs to.
    pub program: TokenProgram,
    /// Its decimals.
    pub decimals: u32,
}

/// What a watched token account is: the wallet, and the place of the mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub wallet: [u8; 32],
    /// The place of its mint among those given.
    pub mint: usize,
}

/// What a transaction did to one watched account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account: [u8; 32],
    /// What it is.
    pub place: Place,
    /// What it held before.
    pub before: u64,
    /// And after.
    pub after: u64,
    /// The payments in it.
    pub credits: Vec<Credit>,
    /// Why there are none although something was transferred.
    pub aside: Option<Aside>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The place of its instruction in the transaction.
    pub ordinal: u64,
    /// What arrived, net of fees, in base units.
    pub amount: u64,
    /// Who paid: the owner of the account it came from, or that account.
    pub from: String,
}

/// Why a transaction's transfers to an account are not credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Aside {
    /// The node says that the account is of another mint, program or scale than its address says.
    #[error("the account is not of the mint and program that its address says")]
    NotTheMint,
    /// The wallet cannot spend what is in the account.
    #[error("the account does not belong to the wallet")]
    NotTheWallet,
    /// The instructions do not add up to the change of the balance.
    #[error("the instructions do not add up to the change of the balance")]
    Unexplained,
}

/// Why a node's record of a transaction cannot be used. No transaction can cause that, only a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not even whether it succeeded is known.
    #[error("it does not say what became of it")]
    NoMeta,
    /// Balances of accounts that are none of its.
    #[error("it has balances of accounts that it does not name")]
    Key,
    /// An amount that is none.
    #[error("it has a balance that is no number")]
    Amount,
    /// The inner instructions were not recorded, and without them the balances are not explained.
    #[error("it does not have the inner instructions")]
    NoInner,
}

/// What a transaction did to watched accounts. Nothing if it failed, whatever its instructions and balances say.
///
/// # Errors
/// [`Unreadable`]: the node must be asked again, or another one.
pub fn changes(transaction: &Recorded, mints: &[Mint], watched: &dyn Fn(&[u8; 32]) -> Option<Place>) -> Result<Vec<Change>, Unreadable> {
    let meta = transaction.meta.as_ref().ok_or(Unreadable::NoMeta)?;
    if !meta.err.is_null() {
        return Ok(Vec::new());
    }
    let keys = keys(transaction, meta);
    let touched = touched(meta, &keys, mints, watched)?;
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let program = |key: usize| keys.get(key).and_then(|key| TokenProgram::at(key));
    let moves = moves(transaction, program);
    touched.into_iter().map(|(key, touched)| touched.change(key, &keys, meta, mints, &moves)).collect()
}

/// All keys, as the instructions count them: static ones, then those of lookup tables, writable before read-only.
fn keys<'a>(transaction: &'a Recorded, meta: &'a Meta) -> Vec<&'a str> {
    let loaded = meta.loaded_addresses.iter().flat_map(|loaded| loaded.writable.iter().chain(&loaded.readonly));
    transaction.transaction.message.account_keys.iter().chain(loaded).map(String::as_str).collect()
}

/// A watched account with what it held before and after. An account that a transaction creates and closes again is not here: whatever went
/// through it, the wallet does not have it.
struct Touched<'a> {
    account: [u8; 32],
    place: Place,
    before: Option<&'a Balance>,
    after: Option<&'a Balance>,
}

fn touched<'a>(
    meta: &'a Meta,
    keys: &[&str],
    mints: &[Mint],
    watched: &dyn Fn(&[u8; 32]) -> Option<Place>,
) -> Result<BTreeMap<usize, Touched<'a>>, Unreadable> {
    let mut touched = BTreeMap::new();
    let before = meta.pre_token_balances.iter().map(|balance| (balance, true));
    let after = meta.post_token_balances.iter().map(|balance| (balance, false));
    for (balance, is_before) in before.chain(after) {
        if !mints.iter().any(|mint| mint.address == balance.mint) {
            continue;
        }
        let key = keys.get(balance.account_index).ok_or(Unreadable::Key)?;
        let account = solana_bytes(key).ok_or(Unreadable::Key)?;
        let by_owner = || if makes(Mistake::OwnerMatch) { by_owner(balance, mints, watched) } else { None };
        let Some(place) = watched(&account).or_else(by_owner) else { continue };
        let entry = touched.entry(balance.account_index).or_insert(Touched { account, place, before: None, after: None });
        *(if is_before { &mut entry.before } else { &mut entry.after }) = Some(balance);
    }
    Ok(touched)
}

/// Where the owner that a node names would be paid: a mistake on purpose, for anybody can make anybody an account's owner.
fn by_owner(balance: &Balance, mints: &[Mint], watched: &dyn Fn(&[u8; 32]) -> Option<Place>) -> Option<Place> {
    let wallet = solana_bytes(balance.owner.as_deref()?)?;
    let mint = mints.iter().find(|mint| mint.address == balance.mint)?;
    watched(&token_account(&wallet, mint.program, &mint.bytes)?)
}

fn amount(balance: Option<&Balance>) -> Result<u64, Unreadable> {
    balance.map_or(Ok(0), |balance| balance.ui_token_amount.amount.parse().map_err(|_| Unreadable::Amount))
}

impl Touched<'_> {
    fn change(self, key: usize, keys: &[&str], meta: &Meta, mints: &[Mint], moves: &[Move]) -> Result<Change, Unreadable> {
        let (before, after) = (amount(self.before)?, amount(self.after)?);
        let mut change = Change { account: self.account, place: self.place, before, after, credits: Vec::new(), aside: None };
        let sums = mints.get(self.place.mint).map(|mint| Sums::of(moves, key, mint, keys)).unwrap_or_default();
        if sums.incoming.is_empty() {
            return Ok(change);
        }
        if let Some(aside) = self.misplaced(mints) {
            change.aside = Some(aside);
            return Ok(change);
        }
        let may_have_fees = mints.get(self.place.mint).is_some_and(|mint| mint.program == TokenProgram::Token2022);
        match sums.net(before, after, may_have_fees) {
            Some(net) => {
                let net = net.into_iter().filter(|(_, amount)| *amount > 0);
                change.credits = net
                    .map(|(incoming, amount)| Credit { ordinal: incoming.ordinal, amount, from: payer(incoming.source, keys, meta) })
                    .collect();
            }
            None if meta.inner_instructions.is_none() => return Err(Unreadable::NoInner),
            None => change.aside = Some(Aside::Unexplained),
        }
        Ok(change)
    }

    /// What the node says of the account must be what its address says. Agreement proves nothing; contradiction does.
    fn misplaced(&self, mints: &[Mint]) -> Option<Aside> {
        let mint = mints.get(self.place.mint);
        let of_the_mint = |balance: &Balance| {
            mint.is_some_and(|mint| {
                let program = balance.program_id.as_deref().is_none_or(|program| program == mint.program.id());
                program && mint.address == balance.mint && mint.decimals == balance.ui_token_amount.decimals
            })
        };
        if !self.before.is_none_or(of_the_mint) || !self.after.is_none_or(of_the_mint) {
            return Some(Aside::NotTheMint);
        }
        let owner = self.after.and_then(|balance| balance.owner.as_deref());
        owner.is_some_and(|owner| solana_bytes(owner) != Some(self.place.wallet)).then_some(Aside::NotTheWallet)
    }
}

/// The owner of the account a transfer came from, where the node tells; or that account.
fn payer(source: usize, keys: &[&str], meta: &Meta) -> String {
    let mut balances = meta.pre_token_balances.iter().chain(&meta.post_token_balances);
    let owner = balances.find(|balance| balance.account_index == source).and_then(|balance| balance.owner.clone());
    let known = owner.filter(|owner| solana_bytes(owner).is_some());
    known.or_else(|| keys.get(source).map(|key| (*key).to_owned())).unwrap_or_default()
}

/// A transfer to the account from another.
#[derive(Debug, Clone, Copy)]
struct Incoming {
    ordinal: u64,
    source: usize,
    amount: u64,
    fee: Option<u64>,
}

/// Everything the instructions did to one account.
#[derive(Debug, Default)]
struct Sums {
    incoming: Vec<Incoming>,
    minted: i128,
    gone: i128,
}

impl Sums {
    fn of(moves: &[Move], key: usize, mint: &Mint, keys: &[&str]) -> Self {
        let mut sums = Self::default();
        for Move { ordinal, effect, amount, .. } in moves.iter().copied().filter(|each| each.program == mint.program) {
            match effect {
                // To itself: nothing moved.
                Effect::Transfer { source, destination, .. } if source == destination => {}
                Effect::Transfer { mint: Some(named), .. } if keys.get(named).is_none_or(|named| *named != mint.address) => {}
                Effect::Transfer { source, destination, fee, .. } if destination == key => {
                    sums.incoming.push(Incoming { ordinal, source, amount, fee })
                }
                Effect::Transfer { source, .. } | Effect::Burn { source } if source == key => {
                    sums.gone = sums.gone.saturating_add(i128::from(amount))
                }
                Effect::Mint { destination } if destination == key => sums.minted = sums.minted.saturating_add(i128::from(amount)),
                Effect::Transfer { .. } | Effect::Mint { .. } | Effect::Burn { .. } => {}
            }
        }
        sums
    }

    /// What arrived of each incoming transfer; `None` if the balance is not explained.
    ///
    /// Closing an account needs it to be empty, and creating it makes it so: neither changes the sum. A fee of Token-2022 is withheld at the
    /// destination and is not part of its balance: what is missing there is the fee of the transfer that did not name one. Where several did
    /// not, who paid which part is not known: they are one payment, under the first one's ordinal.
    fn net(&self, before: u64, after: u64, may_have_fees: bool) -> Option<Vec<(Incoming, u64)>> {
        let gross = self.incoming.iter().fold(0i128, |sum, incoming| sum.saturating_add(i128::from(incoming.amount)));
        let named = self.incoming.iter().fold(0i128, |sum, incoming| sum.saturating_add(i128::from(incoming.fee.unwrap_or(0))));
        let expected = i128::from(before).checked_add(gross)?.checked_add(self.minted)?.checked_sub(self.gone)?;
        let missing = expected.checked_sub(i128::from(after))?.checked_sub(named)?;
        let mut net = Vec::new();
        if missing == 0 {
            for incoming in &self.incoming {
                net.push((*incoming, incoming.amount.checked_sub(incoming.fee.unwrap_or(0))?));
            }
            return Some(net);
        }
        let (with, without): (Vec<&Incoming>, Vec<&Incoming>) = self.incoming.iter().partition(|incoming| incoming.fee.is_some());
        let first = without.first().copied().copied().filter(|_| may_have_fees && missing > 0)?;
        for incoming in with {
            net.push((*incoming, incoming.amount.checked_sub(incoming.fee.unwrap_or(0))?));
        }
        let together = without.iter().fold(0i128, |sum, incoming| sum.saturating_add(i128::from(incoming.amount)));
        net.push((first, u64::try_from(together.checked_sub(missing)?).ok()?));
        net.sort_by_key(|(incoming, _)| incoming.ordinal);
        Some(net)
    }
}

#[cfg(test)]
pub(super) mod tests;
