//! What a Solana node answers, as far as it is read: raw (`json` encoding), so that no node's parser of instructions is believed. What is
//! absent and what is null are told apart where money depends on it.

use payin_core::Block;
use payin_types::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::chain::source::SourceFault;

/// A block's place in the chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub blockhash: String,
    pub previous_blockhash: String,
    /// The slot of its parent: slots in between were skipped.
    pub parent_slot: u64,
    pub block_time: Option<i64>,
    /// How many blocks, not slots, lie below it.
    pub block_height: Option<u64>,
}

impl Header {
    /// The block of a slot.
    ///
    /// # Errors
    /// If the node does not tell its time: a payment's time decides whether it was late, so none is made up.
    pub fn block(&self, slot: u64) -> Result<Block, SourceFault> {
        let time =
            self.block_time.ok_or_else(|| SourceFault::Inconsistent(format!("it does not tell the time of the block in slot {slot}")))?;
        Ok(Block {
            number: slot,
            hash: self.blockhash.clone(),
            parent_hash: self.previous_blockhash.clone(),
            time: Timestamp::from_secs(time),
        })
    }
}

/// A block with everything in it.
#[derive(Debug, Clone, Deserialize)]
pub struct FullBlock {
    #[serde(flatten)]
    pub header: Header,
    pub transactions: Vec<Recorded>,
}

/// A transaction with its place.
#[derive(Debug, Clone, Deserialize)]
pub struct Placed {
    pub slot: u64,
    #[serde(flatten)]
    pub recorded: Recorded,
}

/// A transaction and what became of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    pub transaction: Signed,
    /// `None` where the node did not keep it: nothing is known of the transaction then, not even that it failed.
    pub meta: Option<Meta>,
}

/// A transaction as it was sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Signed {
    pub signatures: Vec<String>,
    pub message: Message,
}

/// What was signed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The static keys only; those of lookup tables are in [`Meta::loaded_addresses`].
    pub account_keys: Vec<String>,
    pub instructions: Vec<Compiled>,
}

/// An instruction; accounts and program by their place among the transaction's keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compiled {
    pub program_id_index: usize,
    pub accounts: Vec<usize>,
    /// Base58.
    pub data: String,
}

/// What became of a transaction.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Null if it succeeded. Its absence is not success: the answer cannot be read then.
    pub err: Value,
    /// `None` where the node did not record them.
    pub inner_instructions: Option<Vec<Inner>>,
    /// Of version 0.
    pub loaded_addresses: Option<Loaded>,
    pub pre_token_balances: Vec<Balance>,
    pub post_token_balances: Vec<Balance>,
}

/// What one instruction of the message called, in the order of execution.
#[derive(Debug, Clone, Deserialize)]
pub struct Inner {
    pub index: usize,
    pub instructions: Vec<Compiled>,
}

/// Keys from lookup tables; behind the static ones, writable before read-only.
#[derive(Debug, Clone, Deserialize)]
pub struct Loaded {
    pub writable: Vec<String>,
    pub readonly: Vec<String>,
}

/// What a token account held.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    pub account_index: usize,
    pub mint: String,
    pub owner: Option<String>,
    pub program_id: Option<String>,
    pub ui_token_amount: TokenAmount,
}

/// An amount in base units.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenAmount {
    pub amount: String,
    pub decimals: u32,
}

/// One line of an account's history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Signature {
    pub signature: String,
    pub slot: u64,
    /// Null if the transaction succeeded.
    pub err: Value,
}

/// An answer about accounts, and as of which slot.
#[derive(Debug, Clone, Deserialize)]
pub struct AsOf<T> {
    pub context: Context,
    pub value: T,
}

/// The state that was looked at.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Context {
    pub slot: u64,
}

/// An account's bytes.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// The program it belongs to.
    pub owner: String,
    /// Base64, and that word.
    pub data: (String, String),
}
