//! What transactions are made of, built as wallets and programs build it: instructions of the token programs, of the one that
//! makes token accounts, memos, and calls through any other program. It runs nothing: a forged one is as easily made.

use super::key::Key;

/// An account that an instruction names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub key: Key,
    pub signs: bool,
    pub writable: bool,
}

/// A call of a program, and the calls it makes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    pub program: Key,
    pub accounts: Vec<Named>,
    pub data: Vec<u8>,
    /// What the program calls. A token program calls nothing.
    pub inner: Vec<Instruction>,
}

/// Which money moves, and out of whose account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// SPL Token or Token-2022.
    pub program: Key,
    pub mint: Key,
    pub decimals: u8,
    /// The token account that pays.
    pub from: Key,
    /// Who signs for it.
    pub owner: Key,
    /// The token account that is paid.
    pub to: Key,
    /// In base units.
    pub amount: u64,
}

/// The first byte of each token instruction's data, as in SPL Token's interface.
pub(super) mod tag {
    pub(crate) const TRANSFER: u8 = 3;
    pub(crate) const SET_AUTHORITY: u8 = 6;
    pub(crate) const MINT_TO: u8 = 7;
    pub(crate) const CLOSE_ACCOUNT: u8 = 9;
    pub(crate) const TRANSFER_CHECKED: u8 = 12;
    pub(crate) const INITIALIZE_ACCOUNT_3: u8 = 18;
    /// Token-2022's transfer fees, and in them the transfer that says what fee it expects.
    pub(crate) const TRANSFER_FEE: u8 = 26;
    pub(crate) const TRANSFER_CHECKED_WITH_FEE: u8 = 1;
    /// The kind of authority that `SET_AUTHORITY` gives away.
    pub(crate) const ACCOUNT_OWNER: u8 = 2;
}

impl Move {
    /// The older `transfer`, which names no mint.
    pub fn transfer(&self) -> Instruction {
        let accounts = vec![writable(self.from), writable(self.to), signer(self.owner)];
        call(self.program, accounts, &[&[tag::TRANSFER], &self.amount.to_le_bytes()])
    }

    /// `transferChecked`, what wallets send.
    pub fn transfer_checked(&self) -> Instruction {
        call(self.program, self.with_mint(), &[&[tag::TRANSFER_CHECKED], &self.amount.to_le_bytes(), &[self.decimals]])
    }

    /// `transferCheckedWithFee` of Token-2022; fails if the mint takes another fee.
    pub fn transfer_checked_with_fee(&self, fee: u64) -> Instruction {
        let head = [tag::TRANSFER_FEE, tag::TRANSFER_CHECKED_WITH_FEE];
        call(self.program, self.with_mint(), &[&head, &self.amount.to_le_bytes(), &[self.decimals], &fee.to_le_bytes()])
    }

    fn with_mint(&self) -> Vec<Named> {
        vec![writable(self.from), readonly(self.mint), writable(self.to), signer(self.owner)]
    }
}

impl Instruction {
    /// Makes a token account unless it is there (`createIdempotent`). Nobody checks here that it is the wallet's derived one.
    pub fn open(program: Key, payer: Key, account: Key, wallet: Key, mint: Key) -> Self {
        let accounts = vec![
            Named { writable: true, ..signer(payer) },
            writable(account),
            readonly(wallet),
            readonly(mint),
            readonly(Key::SYSTEM),
            readonly(program),
        ];
        let initialize = call(program, vec![writable(account), readonly(mint)], &[&[tag::INITIALIZE_ACCOUNT_3], &wallet.0]);
        Self { inner: vec![initialize], ..call(Key::ASSOCIATED, accounts, &[&[1]]) }
    }

    /// New money, by who may mint it.
    pub fn mint_to(program: Key, mint: Key, account: Key, authority: Key, amount: u64) -> Self {
        call(program, vec![writable(mint), writable(account), signer(authority)], &[&[tag::MINT_TO], &amount.to_le_bytes()])
    }

    /// Makes somebody else the owner of a token account (`setAuthority`), money and all.
    pub fn give(program: Key, account: Key, owner: Key, new_owner: Key) -> Self {
        let accounts = vec![writable(account), signer(owner)];
        call(program, accounts, &[&[tag::SET_AUTHORITY, tag::ACCOUNT_OWNER, 1], &new_owner.0])
    }

    /// Closes an empty token account; its rent goes to `to`.
    pub fn close(program: Key, account: Key, owner: Key, to: Key) -> Self {
        call(program, vec![writable(account), writable(to), signer(owner)], &[&[tag::CLOSE_ACCOUNT]])
    }

    /// A memo. Anybody can write anything.
    pub fn memo(text: &str) -> Self {
        call(Key::MEMO, Vec::new(), &[text.as_bytes()])
    }

    /// These, called by some program: they are inner instructions of one call to it.
    pub fn through(program: Key, inner: Vec<Self>) -> Self {
        let mut accounts: Vec<Named> = Vec::new();
        for called in &inner {
            accounts.extend(&called.accounts);
            accounts.push(readonly(called.program));
        }
        Self { inner, ..call(program, accounts, &[b"call"]) }
    }

    /// The same bytes and accounts, addressed to a program that is none of the token programs: a transfer only to look at.
    pub fn to_program(self, program: Key) -> Self {
        Self { program, ..self }
    }

    /// With a key appended that only serves to be found (Solana Pay's reference).
    pub fn with_reference(mut self, key: Key) -> Self {
        self.accounts.push(readonly(key));
        self
    }
}

fn call(program: Key, accounts: Vec<Named>, data: &[&[u8]]) -> Instruction {
    Instruction { program, accounts, data: data.concat(), inner: Vec::new() }
}

fn readonly(key: Key) -> Named {
    Named { key, signs: false, writable: false }
}

fn writable(key: Key) -> Named {
    Named { writable: true, ..readonly(key) }
}

fn signer(key: Key) -> Named {
    Named { signs: true, ..readonly(key) }
}
