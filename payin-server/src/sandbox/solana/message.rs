//! A transaction as it is signed and sent: its accounts in the order of their rights, its instructions by index, its bytes.
//! It neither runs nor signs anything: signatures are made up by whoever submits it.

use super::instruction::{Instruction, Named};
use super::key::{Key, Signature};

/// What somebody wants done in one transaction: all of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Who pays the fee, and signs first.
    pub payer: Key,
    pub instructions: Vec<Instruction>,
    /// A transaction of version 0 that takes what accounts it can from this lookup table; legacy without.
    pub lookup: Option<Key>,
    /// It fails after its last instruction, and with it all of them.
    pub fails: bool,
}

impl Transaction {
    /// A legacy transaction.
    pub fn new(payer: Key, instructions: Vec<Instruction>) -> Self {
        Self { payer, instructions, lookup: None, fails: false }
    }

    /// With its accounts in a lookup table.
    pub fn looking_up(mut self, table: Key) -> Self {
        self.lookup = Some(table);
        self
    }

    /// One that fails.
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }
}

/// An instruction by the indexes of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compiled {
    pub(super) program: u8,
    pub(super) accounts: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// A transaction with its accounts in order: signers first, of each kind those first that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// All, those from the lookup table last.
    pub(super) keys: Vec<Named>,
    /// How many of them come from the lookup table.
    pub(super) loaded: usize,
    pub(super) lookup: Option<Key>,
    pub(super) recent_blockhash: Key,
    pub(super) instructions: Vec<Compiled>,
}

impl Message {
    pub(super) fn new(transaction: &Transaction, recent_blockhash: Key) -> Self {
        let mut keys = vec![Named { key: transaction.payer, signs: true, writable: true }];
        let mut programs = Vec::new();
        for instruction in &transaction.instructions {
            programs.push(instruction.program);
            for named in &instruction.accounts {
                merge(&mut keys, *named);
            }
        }
        for program in &programs {
            merge(&mut keys, Named { key: *program, signs: false, writable: false });
        }
        // Signers and programs that are called must stand in the message itself.
        let is_loaded = |named: &Named| transaction.lookup.is_some() && !named.signs && !programs.contains(&named.key);
        let payer = transaction.payer;
        keys.sort_by_key(|named| (named.key != payer, is_loaded(named), !named.signs, !named.writable));
        let loaded = keys.iter().filter(|named| is_loaded(named)).count();
        let mut message = Self { keys, loaded, lookup: transaction.lookup, recent_blockhash, instructions: Vec::new() };
        message.instructions = transaction.instructions.iter().map(|instruction| message.compile(instruction)).collect();
        message
    }

    pub(super) fn compile(&self, instruction: &Instruction) -> Compiled {
        let accounts = instruction.accounts.iter().map(|named| self.index(named.key)).collect();
        Compiled { program: self.index(instruction.program), accounts, data: instruction.data.clone() }
    }

    /// Every key of the transaction is in the message. 255 for one of an inner instruction that its caller did not name.
    fn index(&self, key: Key) -> u8 {
        let place = self.keys.iter().position(|named| named.key == key);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
    }

    pub(super) fn key(&self, index: u8) -> Option<Key> {
        self.keys.get(usize::from(index)).map(|named| named.key)
    }

    /// Those that stand in the message, and those that the lookup table gives.
    pub(super) fn parts(&self) -> (&[Named], &[Named]) {
        self.keys.split_at_checked(self.keys.len().saturating_sub(self.loaded)).unwrap_or((&self.keys, &[]))
    }

    /// How many sign; how many of those, and of the others in the message, may not be written.
    pub(super) fn header(&self) -> [u8; 3] {
        let (own, _) = self.parts();
        let count = |wanted: &dyn Fn(&Named) -> bool| {
            let count = own.iter().filter(|named| wanted(named)).count();
            u8::try_from(count).unwrap_or(u8::MAX)
        };
        [count(&|named| named.signs), count(&|named| named.signs && !named.writable), count(&|named| !named.signs && !named.writable)]
    }

    /// Places in the lookup table: writable ones first, as they are loaded.
    pub(super) fn lookup_indexes(&self) -> [Vec<u8>; 2] {
        let (_, loaded) = self.parts();
        let split = loaded.iter().filter(|named| named.writable).count();
        let places = |from: usize, to: usize| (from..to).filter_map(|place| u8::try_from(place).ok()).collect();
        [places(0, split), places(split, loaded.len())]
    }

    /// The transaction's bytes (Solana's documentation of transactions, "Serialization").
    pub(super) fn bytes(&self, signatures: &[Signature]) -> Vec<u8> {
        let mut bytes = Vec::new();
        length(&mut bytes, signatures.len());
        for signature in signatures {
            bytes.extend(signature.0);
        }
        if self.lookup.is_some() {
            // Version 0: a legacy message begins with the number of signers, whose first bit is not set.
            bytes.push(0x80);
        }
        bytes.extend(self.header());
        let (own, _) = self.parts();
        length(&mut bytes, own.len());
        for named in own {
            bytes.extend(named.key.0);
        }
        bytes.extend(self.recent_blockhash.0);
        length(&mut bytes, self.instructions.len());
        for instruction in &self.instructions {
            bytes.push(instruction.program);
            length(&mut bytes, instruction.accounts.len());
            bytes.extend(&instruction.accounts);
            length(&mut bytes, instruction.data.len());
            bytes.extend(&instruction.data);
        }
        if let Some(table) = self.lookup {
            length(&mut bytes, 1);
            bytes.extend(table.0);
            for places in self.lookup_indexes() {
                length(&mut bytes, places.len());
                bytes.extend(places);
            }
        }
        bytes
    }
}

/// An account named twice has the greater of its rights.
fn merge(keys: &mut Vec<Named>, named: Named) {
    match keys.iter_mut().find(|known| known.key == named.key) {
        Some(known) => (known.signs, known.writable) = (known.signs || named.signs, known.writable || named.writable),
        None => keys.push(named),
    }
}

/// A length as Solana writes it: seven bits a byte, the lowest first (ShortVec).
fn length(bytes: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap_or(0x7f) | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap_or(0));
}
