//! One simulated chain of whatever family, in the words that all have: somebody pays, blocks come, blocks are replaced. It has no clock:
//! its caller says the time.

use alloy::primitives::{Address as EvmAddress, B256, U256, hex};
use payin_core::address::{account_bytes, solana_bytes};
use payin_core::solana::{TokenProgram, token_account};
use payin_core::{Chain, Token};
use payin_types::Protocol;

use super::super::evm::{EvmChain, EvmConfig, Reorg, Rest, Transaction, Transfer};
use super::super::solana::{self, Fork, Instruction, Key, Mint, Move, Signature, Slots, SolanaChain, SolanaConfig, TokenAccount};
use super::super::tron::TronNode;
use super::{Fate, Sent, WorldFault};
use crate::env::RpcFault;

/// How far above the confirmations finality lies, in blocks.
const FINAL_ABOVE: u64 = 5;
/// Who has what a token keeps.
const FEES: EvmAddress = EvmAddress::repeat_byte(0xfe);
/// Who pays in a sandbox.
const PAYER: EvmAddress = EvmAddress::repeat_byte(0x5a);
/// A token that calls itself like a real one.
const FAKE_TOKEN: EvmAddress = EvmAddress::repeat_byte(0xfa);
/// The same on Solana.
const FAKE_MINT: Key = Key([0xfa; 32]);
/// As many as the real ones have.
const FAKE_DECIMALS: u32 = 6;
/// Who signs for all accounts on Solana that pay.
const SOLANA_PAYER: Key = Key([0x5a; 32]);
/// How long a slot is: several share a second, and so may their blocks.
const SLOT_MS: u64 = 400;

/// A chain and the manners of its node.
#[derive(Clone)]
pub(super) enum Simulated {
    Evm(Box<EvmChain>),
    /// java-tron's manners in front of the same chain.
    Tron(Box<EvmChain>, TronNode),
    Solana(Box<Solana>),
}

/// Solana, and how many payers it has had: each has an account of his own, which holds what he pays.
#[derive(Clone)]
pub(super) struct Solana {
    node: SolanaChain,
    payers: u64,
}

impl Simulated {
    /// The same for the same seed. `None` for a family that is not simulated, and for a cluster whose genesis is not known.
    pub(super) fn new(chain: &Chain, seed: u64, genesis_time_s: u64) -> Option<Self> {
        let id = chain.numeric_id.unwrap_or_default();
        match chain.protocol {
            Protocol::Evm => Some(Self::Evm(evm(chain, seed, genesis_time_s))),
            Protocol::Tron => Some(Self::Tron(evm(chain, seed, genesis_time_s), TronNode::new(id))),
            Protocol::Solana => Solana::new(chain, seed, genesis_time_s).map(|solana| Self::Solana(Box::new(solana))),
            _ => None,
        }
    }

    /// What its node says to a call.
    pub(super) fn answer(&mut self, path: &str, body: &[u8]) -> Result<Vec<u8>, RpcFault> {
        let request = || serde_json::from_slice(body).map_err(|error| RpcFault::Transport(error.to_string()));
        let answer = match self {
            Self::Evm(chain) => chain.handle(&request()?),
            Self::Tron(chain, node) => return node.handle(path, body, &mut |call| chain.handle(call)),
            Self::Solana(solana) => solana.node.handle(&request()?),
        };
        Ok(answer.to_string().into_bytes())
    }

    /// Somebody pays an address, several times perhaps, in one transaction that waits for a block. Answers its hash, as its family writes it.
    pub(super) fn pay(&mut self, known: &Chain, to: &str, sent: &[Sent]) -> Result<String, WorldFault> {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                let hash = pay_account(chain, known, to, sent)?;
                Ok(self.shown(hash))
            }
            Self::Solana(solana) => solana.pay(to, sent),
        }
    }

    /// A transaction's hash, as its family writes it.
    fn shown(&self, hash: B256) -> String {
        if matches!(self, Self::Tron(..)) { hex::encode(hash) } else { hash.to_string() }
    }

    /// The newest block's number (on Solana its slot) and time.
    pub(super) fn head(&self) -> (u64, u64) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => (chain.head().number, chain.head().time_s),
            Self::Solana(solana) => (solana.node.head().slot, solana.node.head().time_s),
        }
    }

    /// The earliest time that the next block may have.
    pub(super) fn next_time_s(&self) -> u64 {
        let (_, time_s) = self.head();
        match self {
            Self::Evm(_) | Self::Tron(..) => time_s.saturating_add(1),
            Self::Solana(_) => time_s,
        }
    }

    pub(super) fn mine(&mut self, time_s: u64) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                chain.mine(time_s);
            }
            Self::Solana(solana) => {
                solana.node.mine(time_s);
            }
        }
    }

    /// What a second brings: a block, and on Solana as many slots as fit, all but one of them skipped.
    pub(super) fn second(&mut self, time_s: u64) {
        if let Self::Solana(solana) = self {
            solana.node.skip((1_000 / SLOT_MS).saturating_sub(1));
        }
        self.mine(time_s);
    }

    /// So many blocks until then that what was over is confirmed to be over, but no more than fit: more would let time pass further than
    /// was asked.
    pub(super) fn advance(&mut self, until_s: u64) {
        let (_, head_s) = self.head();
        let passes_s = until_s.saturating_sub(head_s);
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                for left in (0..chain.config.finality_depth.saturating_add(1).min(passes_s)).rev() {
                    chain.mine(until_s.saturating_sub(left));
                }
            }
            Self::Solana(solana) => solana.advance(until_s, passes_s.saturating_mul(1_000) / SLOT_MS),
        }
    }

    /// Replaces the newest blocks. Answers which transactions are lost by it.
    pub(super) fn reorg(&mut self, depth: u64, fate: &Fate) -> Result<Vec<String>, WorldFault> {
        match self {
            Self::Evm(chain) => reorg(chain, depth, fate, |hash| hash.to_string()),
            Self::Tron(chain, _) => reorg(chain, depth, fate, hex::encode),
            Self::Solana(solana) => solana.reorg(depth, fate),
        }
    }

    /// Whether anything more becomes final.
    pub(super) fn stall(&mut self, stalled: bool) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.stall_finality(stalled),
            Self::Solana(solana) => solana.node.stall(stalled),
        }
    }

    /// How many transactions wait for a block.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.mempool().len(),
            Self::Solana(solana) => solana.node.mempool().len(),
        };
        u64::try_from(waiting).unwrap_or(u64::MAX)
    }

    /// The blocks above a height that have transactions, and those.
    pub(super) fn mined_above(&self, height: u64) -> Vec<(u64, Vec<String>)> {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                let above = (height.saturating_add(1)..=chain.head().number).filter_map(|number| chain.block(number));
                let filled = above.filter(|block| !block.transactions.is_empty());
                filled.map(|block| (block.number, block.transactions.iter().map(|hash| self.shown(*hash)).collect())).collect()
            }
            Self::Solana(solana) => {
                let mut found = Vec::new();
                let mut block = Some(solana.node.head());
                while let Some(above) = block.filter(|block| block.slot > height) {
                    let signatures: Vec<String> = above.signatures().map(|signature| signature.to_string()).collect();
                    found.extend((!signatures.is_empty()).then_some((above.slot, signatures)));
                    block = solana.node.block(above.parent_slot);
                }
                found.reverse();
                found
            }
        }
    }

    /// How many blocks make a block final, itself among them, where each comes in the slot behind the last.
    pub(super) fn final_after(&self) -> u64 {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.config.finality_depth.saturating_add(1),
            Self::Solana(solana) => solana.node.config.finalized_depth.saturating_add(1),
        }
    }

    /// How many seconds after its time something on it is final, where it makes blocks as [`Simulated::advance`] does, second by second.
    pub(super) fn settles_within_s(&self) -> u64 {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.config.finality_depth.saturating_add(2),
            Self::Solana(solana) => solana.node.config.finalized_depth.saturating_mul(SLOT_MS).div_ceil(1_000).saturating_add(4),
        }
    }
}

fn evm(chain: &Chain, seed: u64, genesis_time_s: u64) -> Box<EvmChain> {
    let mut node = EvmChain::new(chain.numeric_id.unwrap_or_default(), seed, genesis_time_s);
    let depth = chain.confirmations.saturating_add(FINAL_ABOVE);
    node.config = EvmConfig { finality_depth: depth, safe_depth: depth / 2, ..node.config };
    for token in &chain.tokens {
        if let Some(bytes) = account_bytes(&chain.protocol, token.contract.as_str()) {
            node.register_token(EvmAddress::from(bytes), token.currency.as_str(), u8::try_from(token.decimals).unwrap_or(u8::MAX));
        }
    }
    Box::new(node)
}

fn pay_account(chain: &mut EvmChain, known: &Chain, to: &str, sent: &[Sent]) -> Result<B256, WorldFault> {
    let account = |text: &str| account_bytes(&known.protocol, text).map(EvmAddress::from);
    let address = |text: &str| account(text).ok_or_else(|| WorldFault::Address(text.to_owned()));
    let to = address(to)?;
    let moved = |contract, to, value: u128| Transfer { contract, from: PAYER, to, value: U256::from(value) };
    let mut transfers = Vec::new();
    for sent in sent {
        match sent {
            Sent::Token(token, value) => transfers.push(moved(address(token.contract.as_str())?, to, *value)),
            Sent::Fake(value) => transfers.push(moved(FAKE_TOKEN, to, *value)),
            // As USDT itself would, if its owner set a fee: what arrives, and what goes to the owner.
            Sent::Taxed(token, arrives, fee) => {
                let contract = address(token.contract.as_str())?;
                transfers.extend([moved(contract, to, *arrives), moved(contract, FEES, *fee)]);
            }
        }
    }
    Ok(chain.submit(Transaction::transfers(transfers)))
}

/// Which of the transactions of replaced blocks stay lost, and which come back.
fn decide<T: Copy>(replaced: Vec<T>, fate: &Fate, shown: impl Fn(T) -> String) -> Result<(Vec<T>, Vec<String>), WorldFault> {
    let is_replaced = |hash: &&String| replaced.iter().any(|one| shown(*one) == **hash);
    if let Some(unknown) = fate.lose.iter().find(|hash| !is_replaced(hash)) {
        return Err(WorldFault::Transaction("lose", unknown.clone(), "is in none of the blocks that are replaced"));
    }
    let (lost, kept): (Vec<T>, Vec<T>) = replaced.into_iter().partition(|one| fate.drop || fate.lose.contains(&shown(*one)));
    Ok((kept, lost.into_iter().map(shown).collect()))
}

fn reorg(chain: &mut EvmChain, depth: u64, fate: &Fate, shown: impl Fn(B256) -> String) -> Result<Vec<String>, WorldFault> {
    let head = chain.head().number;
    let replaced = (head.saturating_add(1).saturating_sub(depth)..=head).filter_map(|number| chain.block(number));
    let transactions: Vec<B256> = replaced.flat_map(|block| block.transactions.clone()).collect();
    let (mut kept, lost) = decide(transactions, fate, shown)?;
    for text in &fate.bring_back {
        let hash = text.parse::<B256>().ok().filter(|hash| chain.transaction(*hash).is_some() && chain.mined_at(*hash).is_none());
        kept.push(hash.ok_or_else(|| WorldFault::Transaction("bringBack", text.clone(), "was not lost on that chain"))?);
    }
    let keep = kept.into_iter().map(|transaction| (transaction, 0)).collect();
    let done = chain.reorg(&Reorg { depth, blocks: depth, keep, rest: Rest::Dropped });
    done.map(|_| lost).map_err(|error| WorldFault::Reorg(error.to_string()))
}

/// A token's mint and the program that it is of.
fn mint_of(token: &Token) -> Option<(Key, TokenProgram)> {
    let mint = solana_bytes(token.contract.as_str())?;
    Some((Key(mint), token.known_program().unwrap_or(TokenProgram::SplToken)))
}

impl Solana {
    fn new(chain: &Chain, seed: u64, genesis_time_s: u64) -> Option<Self> {
        let genesis = chain.genesis.as_deref().and_then(solana_bytes)?;
        let mut node = SolanaChain::new(Key(genesis), seed, genesis_time_s);
        // Who plays sees at once what is in a block, as on the other chains.
        node.config = SolanaConfig { confirmed_depth: 0, ..node.config };
        let mut register = |mint: Key, program: TokenProgram, decimals: u32| {
            let decimals = u8::try_from(decimals).unwrap_or(u8::MAX);
            node.register_mint(mint, Mint { program: Key(*program.bytes()), decimals, authority: SOLANA_PAYER, fee_basis_points: 0 });
        };
        for token in &chain.tokens {
            let (mint, program) = mint_of(token)?;
            register(mint, program, token.decimals);
        }
        register(FAKE_MINT, TokenProgram::SplToken, FAKE_DECIMALS);
        Some(Self { node, payers: 0 })
    }

    fn pay(&mut self, to: &str, sent: &[Sent]) -> Result<String, WorldFault> {
        let refuse = || WorldFault::Address(to.to_owned());
        let wallet = solana_bytes(to).ok_or_else(refuse)?;
        let mut instructions = Vec::new();
        for sent in sent {
            let (mint, program, decimals, value) = match sent {
                Sent::Token(token, value) => {
                    let (mint, program) = mint_of(token).ok_or_else(refuse)?;
                    (mint, program, token.decimals, *value)
                }
                Sent::Fake(value) => (FAKE_MINT, TokenProgram::SplToken, FAKE_DECIMALS, *value),
                Sent::Taxed(..) => return Err(WorldFault::Unlike("no token of that chain takes a fee on transfers")),
            };
            let amount = u64::try_from(value).map_err(|_| WorldFault::TooMuch)?;
            let to = Key(token_account(&wallet, program, &mint.0).ok_or_else(refuse)?);
            let (program, decimals) = (Key(*program.bytes()), u8::try_from(decimals).unwrap_or(u8::MAX));
            let from = self.next_payer();
            self.node.register_account(from, TokenAccount { program, mint, owner: SOLANA_PAYER, amount, withheld: 0 });
            let moved = Move { program, mint, decimals, from, owner: SOLANA_PAYER, to, amount };
            instructions.extend([Instruction::open(program, SOLANA_PAYER, to, Key(wallet), mint), moved.transfer_checked()]);
        }
        Ok(self.node.submit(solana::Transaction::new(SOLANA_PAYER, instructions)).to_string())
    }

    /// Two blocks are enough to make the first of them final: the slots between them are skipped.
    fn advance(&mut self, until_s: u64, fit: u64) {
        let between = self.node.config.finalized_depth.saturating_add(1).min(fit).checked_sub(2);
        if let Some(between) = between {
            self.node.mine(until_s.saturating_sub(between.saturating_add(1).saturating_mul(SLOT_MS) / 1_000));
            self.node.skip(between);
        }
        if fit > 0 {
            self.node.mine(until_s);
        }
    }

    /// A token account that nobody has used yet.
    fn next_payer(&mut self) -> Key {
        self.payers = self.payers.saturating_add(1);
        let mut key = SOLANA_PAYER;
        for (place, byte) in key.0.iter_mut().zip(self.payers.to_be_bytes()) {
            *place = byte;
        }
        key
    }

    fn reorg(&mut self, depth: u64, fate: &Fate) -> Result<Vec<String>, WorldFault> {
        let mut replaced = Vec::new();
        let mut block = Some(self.node.head());
        for _ in 0..depth {
            let Some(dropped) = block.filter(|block| block.height > 0) else { break };
            replaced.extend(dropped.signatures().rev());
            block = self.node.block(dropped.parent_slot);
        }
        replaced.reverse();
        let (mut kept, lost) = decide(replaced, fate, |signature: Signature| signature.to_string())?;
        for text in &fate.bring_back {
            let signature = text.parse::<Signature>().ok();
            let signature = signature.filter(|signature| self.node.knows(signature) && self.node.landed_at(signature).is_none());
            kept.push(signature.ok_or_else(|| WorldFault::Transaction("bringBack", text.clone(), "was not lost on that chain"))?);
        }
        let keep = kept.into_iter().map(|signature| (signature, 0)).collect();
        let fork = Fork { depth, blocks: depth, slots: Slots::After, keep, resubmit: false };
        self.node.fork(&fork).map(|()| lost).map_err(|error| WorldFault::Reorg(error.to_string()))
    }
}
