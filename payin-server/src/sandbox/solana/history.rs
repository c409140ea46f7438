//! What the node remembers of transactions by signature and by address, newest first.

use serde_json::{Value, json};

use super::SolanaChain;
use super::key::{Key, Signature};
use super::model::{Block, Commitment, Executed};
use super::render;

/// Without `searchTransactionHistory` a node looks at its newest blocks only (agave's status cache keeps 300 of them).
const RECENT_BLOCKS: u64 = 300;
/// agave counts no further: then a block is rooted.
const CONFIRMATIONS_MAX: u64 = 31;

impl Block {
    pub(super) fn executed(&self, signature: &Signature) -> Option<&Executed> {
        self.transactions.iter().find(|executed| executed.submitted.signature() == *signature)
    }
}

impl SolanaChain {
    /// A transaction's status as of now; null if the node does not know it.
    pub(super) fn status(&self, signature: &Signature, everywhere: bool) -> Value {
        let head = self.block(self.slot(Commitment::Processed)).map_or(0, |block| block.height);
        let recent = |block: &&Block| everywhere || head.saturating_sub(block.height) < RECENT_BLOCKS;
        let found = self.known(signature).filter(recent).and_then(|block| Some((block, block.executed(signature)?)));
        let Some((block, executed)) = found else { return Value::Null };
        let commitment = self.commitment_of(block.slot);
        let confirmations = (commitment != Commitment::Finalized).then(|| head.saturating_sub(block.height).min(CONFIRMATIONS_MAX));
        let err = render::failure(executed.failure);
        json!({
            "slot": block.slot,
            "confirmations": confirmations,
            "status": if err.is_null() { json!({ "Ok": null }) } else { json!({ "Err": err }) },
            "err": err,
            "confirmationStatus": commitment.word(),
        })
    }

    /// Every transaction that names an address, failed ones too, from `before` back to `until`, neither included. An unknown `before`
    /// has nothing before it, and an unknown `until` is never reached (agave's `get_confirmed_signatures_for_address2`).
    pub(super) fn signatures_of(
        &self,
        address: &Key,
        highest: u64,
        before: Option<&Signature>,
        until: Option<&Signature>,
    ) -> impl Iterator<Item = Value> {
        let blocks = self.above.iter().rev().filter(move |block| (self.lies.first_available..=highest).contains(&block.slot));
        let all = blocks.flat_map(|block| block.transactions.iter().rev().map(move |executed| (block, executed)));
        let is = |signature: &Signature, executed: &Executed| executed.submitted.signature() == *signature;
        let mut reached = before.is_none();
        let later = all.filter(move |(_, executed)| {
            let passed = reached;
            reached = reached || before.is_some_and(|before| is(before, executed));
            passed
        });
        let between = later.take_while(move |(_, executed)| !until.is_some_and(|until| is(until, executed)));
        let named = between.filter(move |(_, executed)| {
            let signature = executed.submitted.signature();
            executed.submitted.message.keys.iter().any(|named| named.key == *address) && !self.lies.omits.has(&signature)
        });
        named.map(|(block, executed)| {
            json!({
                "signature": executed.submitted.signature().to_string(),
                "slot": block.slot,
                "err": render::failure(executed.failure),
                "memo": memo(executed),
                "blockTime": block.time_s,
                "confirmationStatus": self.commitment_of(block.slot).word(),
            })
        })
    }

    fn commitment_of(&self, slot: u64) -> Commitment {
        let reached = |commitment: &Commitment| slot <= self.slot(*commitment);
        [Commitment::Finalized, Commitment::Confirmed].into_iter().find(reached).unwrap_or(Commitment::Processed)
    }
}

/// The memos of a transaction's outer instructions, each with its length.
fn memo(executed: &Executed) -> Option<String> {
    let instructions = executed.submitted.transaction.instructions.iter().filter(|instruction| instruction.program == Key::MEMO);
    let memos: Vec<String> = instructions
        .map(|instruction| {
            let text = std::str::from_utf8(&instruction.data).unwrap_or("(unparseable)");
            format!("[{}] {text}", instruction.data.len())
        })
        .collect();
    (!memos.is_empty()).then(|| memos.join("; "))
}
