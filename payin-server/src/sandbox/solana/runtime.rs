//! What the token programs do to accounts, as far as payments need it: transfers with and without fees, new owners, closed and
//! re-created accounts. All of a transaction or nothing. Other programs do nothing but call. Lamports are not counted.

use std::collections::BTreeMap;

use super::instruction::{Instruction, tag};
use super::key::Key;
use super::message::Transaction;

/// Errors of the token programs (`TokenError` of their interface).
mod code {
    pub(super) const INSUFFICIENT_FUNDS: u32 = 1;
    pub(super) const MINT_MISMATCH: u32 = 3;
    pub(super) const OWNER_MISMATCH: u32 = 4;
    pub(super) const ALREADY_IN_USE: u32 = 6;
    pub(super) const UNINITIALIZED_STATE: u32 = 9;
    pub(super) const NON_NATIVE_HAS_BALANCE: u32 = 11;
    pub(super) const INVALID_INSTRUCTION: u32 = 12;
    pub(super) const OVERFLOW: u32 = 14;
    pub(super) const MINT_DECIMALS_MISMATCH: u32 = 18;
    pub(super) const MINT_REQUIRED_FOR_TRANSFER: u32 = 31;
    pub(super) const FEE_MISMATCH: u32 = 32;
    pub(super) const ACCOUNT_HAS_WITHHELD_TRANSFER_FEES: u32 = 35;
    /// Of some program that does not like what it is asked for: the first that Anchor leaves to its users.
    pub(super) const OF_A_PROGRAM: u32 = 6000;
}

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mint {
    /// SPL Token or Token-2022.
    pub program: Key,
    pub decimals: u8,
    /// Who may make more of it.
    pub authority: Key,
    /// Of each transfer, in hundredths of a percent; Token-2022 only.
    pub fee_basis_points: u16,
}

/// Somebody's money of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenAccount {
    pub program: Key,
    pub mint: Key,
    pub owner: Key,
    /// In base units.
    pub amount: u64,
    /// Fees of transfers to it, which are not its owner's.
    pub withheld: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    Mint(Mint, u64),
    Token(TokenAccount),
}

/// All accounts at one moment, or those that something changed; then nothing stands for one that was closed.
pub(super) type Accounts = BTreeMap<Key, Account>;
pub(super) type Changes = BTreeMap<Key, Option<Account>>;

/// Which instruction failed, and its program's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub instruction: u8,
    pub code: u32,
}

/// What came of a transaction.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) failure: Option<Failure>,
    /// The calls that instructions made, by the index of the outer one, each with how deep it is. Those of a failed one too.
    pub(super) inner: Vec<(u8, Vec<(Instruction, u32)>)>,
    /// Empty if it failed.
    pub(super) changes: Changes,
}

struct Run<'a> {
    accounts: &'a Accounts,
    changes: Changes,
    calls: Vec<(Instruction, u32)>,
}

pub(super) fn run(accounts: &Accounts, transaction: &Transaction) -> Outcome {
    let mut run = Run { accounts, changes: Changes::new(), calls: Vec::new() };
    let (mut inner, mut failure) = (Vec::new(), None);
    for (index, instruction) in (0_u8..).zip(&transaction.instructions) {
        let done = run.instruction(instruction, 1);
        let calls = std::mem::take(&mut run.calls);
        if !calls.is_empty() {
            inner.push((index, calls));
        }
        if let Err(code) = done {
            failure = Some(Failure { instruction: index, code });
            break;
        }
    }
    if failure.is_none() && transaction.fails {
        let last = u8::try_from(transaction.instructions.len().saturating_sub(1)).unwrap_or(u8::MAX);
        failure = Some(Failure { instruction: last, code: code::OF_A_PROGRAM });
    }
    let changes = if failure.is_some() { Changes::new() } else { run.changes };
    Outcome { failure, inner, changes }
}

impl Run<'_> {
    fn instruction(&mut self, instruction: &Instruction, depth: u32) -> Result<(), u32> {
        if depth > 1 {
            self.calls.push((instruction.clone(), depth));
        }
        if instruction.program.is_token_program() {
            return self.token(instruction);
        }
        let made = instruction.accounts.get(1).is_some_and(|named| self.get(named.key).is_some());
        if instruction.program == Key::ASSOCIATED && made {
            return Ok(());
        }
        instruction.inner.iter().try_for_each(|called| self.instruction(called, depth.saturating_add(1)))
    }

    fn token(&mut self, instruction: &Instruction) -> Result<(), u32> {
        let Instruction { program, accounts, data, .. } = instruction;
        let key = |index: usize| accounts.get(index).map(|named| named.key).ok_or(code::INVALID_INSTRUCTION);
        let signer = |index: usize| accounts.get(index).filter(|named| named.signs).map(|named| named.key).ok_or(code::OWNER_MISMATCH);
        match data.as_slice() {
            [tag::TRANSFER, amount @ ..] => {
                let moved = Moved { from: key(0)?, to: key(1)?, amount: number(amount)?, mint: None, decimals: None, fee: None };
                self.transfer(*program, &moved, signer(2)?)
            }
            [tag::TRANSFER_CHECKED, rest @ ..] => {
                let (amount, decimals) = (number(rest)?, rest.get(8).copied());
                let moved = Moved { from: key(0)?, to: key(2)?, amount, mint: Some(key(1)?), decimals, fee: None };
                self.transfer(*program, &moved, signer(3)?)
            }
            [tag::TRANSFER_FEE, tag::TRANSFER_CHECKED_WITH_FEE, rest @ ..] => {
                let (amount, decimals) = (number(rest)?, rest.get(8).copied());
                let fee = Some(number(rest.get(9..).unwrap_or_default())?);
                let moved = Moved { from: key(0)?, to: key(2)?, amount, mint: Some(key(1)?), decimals, fee };
                self.transfer(*program, &moved, signer(3)?)
            }
            [tag::SET_AUTHORITY, tag::ACCOUNT_OWNER, 1, owner @ ..] => {
                let account = self.owned(*program, key(0)?, signer(1)?)?;
                let owner = owner.try_into().map(Key).map_err(|_| code::INVALID_INSTRUCTION)?;
                self.set(key(0)?, Some(Account::Token(TokenAccount { owner, ..account })));
                Ok(())
            }
            [tag::CLOSE_ACCOUNT] => match self.owned(*program, key(0)?, signer(2)?)? {
                TokenAccount { amount: 1.., .. } => Err(code::NON_NATIVE_HAS_BALANCE),
                TokenAccount { withheld: 1.., .. } => Err(code::ACCOUNT_HAS_WITHHELD_TRANSFER_FEES),
                _ => {
                    self.set(key(0)?, None);
                    Ok(())
                }
            },
            [tag::INITIALIZE_ACCOUNT_3, owner @ ..] => {
                self.mint(*program, key(1)?)?;
                if self.get(key(0)?).is_some() {
                    return Err(code::ALREADY_IN_USE);
                }
                let owner = owner.try_into().map(Key).map_err(|_| code::INVALID_INSTRUCTION)?;
                let account = TokenAccount { program: *program, mint: key(1)?, owner, amount: 0, withheld: 0 };
                self.set(key(0)?, Some(Account::Token(account)));
                Ok(())
            }
            [tag::MINT_TO, amount @ ..] => self.mint_to(*program, key(0)?, key(1)?, signer(2)?, number(amount)?),
            _ => Err(code::INVALID_INSTRUCTION),
        }
    }

    fn transfer(&mut self, program: Key, moved: &Moved, authority: Key) -> Result<(), u32> {
        let from = self.owned(program, moved.from, authority)?;
        let to = self.account(program, moved.to)?;
        if to.mint != from.mint || moved.mint.is_some_and(|mint| mint != from.mint) {
            return Err(code::MINT_MISMATCH);
        }
        let (mint, _) = self.mint(program, from.mint)?;
        if moved.decimals.is_some_and(|decimals| decimals != mint.decimals) {
            return Err(code::MINT_DECIMALS_MISMATCH);
        }
        if mint.fee_basis_points > 0 && moved.mint.is_none() {
            return Err(code::MINT_REQUIRED_FOR_TRANSFER);
        }
        let fee = mint.fee(moved.amount);
        if moved.fee.is_some_and(|expected| expected != fee) {
            return Err(code::FEE_MISMATCH);
        }
        let left = from.amount.checked_sub(moved.amount).ok_or(code::INSUFFICIENT_FUNDS)?;
        self.set(moved.from, Some(Account::Token(TokenAccount { amount: left, ..from })));
        // Read again: it may be the same account.
        let to = self.account(program, moved.to)?;
        let amount = to.amount.checked_add(moved.amount.saturating_sub(fee)).ok_or(code::OVERFLOW)?;
        let withheld = to.withheld.checked_add(fee).ok_or(code::OVERFLOW)?;
        self.set(moved.to, Some(Account::Token(TokenAccount { amount, withheld, ..to })));
        Ok(())
    }

    fn mint_to(&mut self, program: Key, mint: Key, account: Key, authority: Key, amount: u64) -> Result<(), u32> {
        let (about, supply) = self.mint(program, mint)?;
        let to = self.account(program, account)?;
        if about.authority != authority {
            return Err(code::OWNER_MISMATCH);
        }
        if to.mint != mint {
            return Err(code::MINT_MISMATCH);
        }
        let supply = supply.checked_add(amount).ok_or(code::OVERFLOW)?;
        let amount = to.amount.checked_add(amount).ok_or(code::OVERFLOW)?;
        self.set(mint, Some(Account::Mint(about, supply)));
        self.set(account, Some(Account::Token(TokenAccount { amount, ..to })));
        Ok(())
    }

    fn get(&self, key: Key) -> Option<Account> {
        self.changes.get(&key).copied().unwrap_or_else(|| self.accounts.get(&key).copied())
    }

    fn set(&mut self, key: Key, account: Option<Account>) {
        self.changes.insert(key, account);
    }

    fn account(&self, program: Key, key: Key) -> Result<TokenAccount, u32> {
        match self.get(key) {
            Some(Account::Token(account)) if account.program == program => Ok(account),
            _ => Err(code::UNINITIALIZED_STATE),
        }
    }

    fn owned(&self, program: Key, key: Key, owner: Key) -> Result<TokenAccount, u32> {
        let account = self.account(program, key)?;
        if account.owner == owner { Ok(account) } else { Err(code::OWNER_MISMATCH) }
    }

    fn mint(&self, program: Key, key: Key) -> Result<(Mint, u64), u32> {
        match self.get(key) {
            Some(Account::Mint(mint, supply)) if mint.program == program => Ok((mint, supply)),
            _ => Err(code::UNINITIALIZED_STATE),
        }
    }
}

/// A transfer as its instruction says it.
struct Moved {
    from: Key,
    to: Key,
    amount: u64,
    mint: Option<Key>,
    decimals: Option<u8>,
    fee: Option<u64>,
}

impl Mint {
    /// What a transfer of this much costs, rounded up as Token-2022 does.
    pub fn fee(&self, amount: u64) -> u64 {
        let product = u128::from(amount).saturating_mul(u128::from(self.fee_basis_points));
        u64::try_from(product.div_ceil(10_000)).unwrap_or(u64::MAX)
    }
}

pub(super) fn number(bytes: &[u8]) -> Result<u64, u32> {
    bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or(code::INVALID_INSTRUCTION)
}
