//! The chain itself, of whatever family, in the words that all have. It has no clock and no luck of its own.

use alloy::primitives::{Address as EvmAddress, B256, U256, hex};
use payin_core::address::{account_bytes, solana_bytes};
use payin_core::solana::{TokenProgram, token_account};
use payin_core::{Chain, Token};
use payin_server::env::RpcFault;
use payin_server::sandbox::evm::{EvmChain, EvmConfig, Reorg, Rest, Transaction, Transfer};
use payin_server::sandbox::solana::{self, Fork, Instruction, Key, Mint, Move, Signature, Slots, SolanaChain, SolanaConfig, TokenAccount};
use payin_server::sandbox::tron::TronNode;
use payin_types::Protocol;

use crate::dice::Dice;

/// How far above the confirmations finality lies, in blocks.
pub const FINAL_ABOVE: u64 = 5;
/// On Solana, in slots: agave's 31 would make each world long.
pub const SOLANA_FINAL: u64 = 8;
/// Who pays.
pub const PAYER: EvmAddress = EvmAddress::repeat_byte(0x5a);
pub const SOLANA_PAYER: Key = Key([0x5a; 32]);

/// A chain, and for Tron the manners of its node.
#[derive(Clone)]
pub enum Ledger {
    Evm(EvmChain),
    Tron(EvmChain, TronNode),
    Solana(Box<SolanaChain>),
}

/// A token's mint, and the program that it is of.
#[must_use]
pub fn mint_of(token: &Token) -> (Key, TokenProgram) {
    let mint = solana_bytes(token.contract.as_str()).expect("a mint");
    (Key(mint), token.known_program().unwrap_or(TokenProgram::SplToken))
}

/// Where a wallet's tokens arrive.
#[must_use]
pub fn account_of(wallet: &str, program: TokenProgram, mint: Key) -> Key {
    let wallet = solana_bytes(wallet).expect("a wallet");
    Key(token_account(&wallet, program, &mint.0).expect("an account"))
}

/// An account that nobody has used yet.
#[must_use]
pub fn fresh_account(number: u64) -> Key {
    let mut key = SOLANA_PAYER;
    key.0[..8].copy_from_slice(&number.to_be_bytes());
    key
}

impl Ledger {
    #[must_use]
    pub fn new(chain: &Chain, seed: u64, genesis_time_s: u64) -> Self {
        match chain.protocol {
            Protocol::Solana => Self::Solana(Box::new(new_solana(chain, seed, genesis_time_s))),
            Protocol::Tron => Self::Tron(new_evm(chain, seed, genesis_time_s), TronNode::new(chain.numeric_id.unwrap_or_default())),
            _ => Self::Evm(new_evm(chain, seed, genesis_time_s)),
        }
    }

    pub fn answer(&mut self, path: &str, body: &[u8]) -> Result<Vec<u8>, RpcFault> {
        let request = || serde_json::from_slice(body).map_err(|error| RpcFault::Transport(error.to_string()));
        Ok(match self {
            Self::Evm(chain) => chain.handle(&request()?),
            Self::Tron(chain, node) => return node.handle(path, body, &mut |call| chain.handle(call)),
            Self::Solana(chain) => chain.handle(&request()?),
        }
        .to_string()
        .into_bytes())
    }

    /// The newest block's height (its slot on Solana) and time.
    #[must_use]
    pub fn head(&self) -> (u64, u64) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => (chain.head().number, chain.head().time_s),
            Self::Solana(chain) => (chain.head().slot, chain.head().time_s),
        }
    }

    /// The hash of the block at a height, as a server writes it down. Solana's servers find money by account, not by block.
    #[must_use]
    pub fn hash(&self, height: u64) -> Option<String> {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => Some(self.shown(chain.block(height)?.hash)),
            Self::Solana(_) => None,
        }
    }

    /// The time of the block at a height, where blocks have heights.
    #[must_use]
    pub fn time_s(&self, height: u64) -> Option<u64> {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.block(height).map(|block| block.time_s),
            Self::Solana(_) => None,
        }
    }

    /// How many blocks there are above the first.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.head().number,
            Self::Solana(chain) => chain.head().height,
        }
    }

    /// How many of the newest blocks are not final, where those so far below the head are.
    #[must_use]
    pub fn unfinal(&self, depth: u64) -> u64 {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => depth.saturating_sub(1).min(chain.head().number.saturating_sub(1)),
            Self::Solana(chain) => {
                let rest = chain.head().slot.saturating_sub(SOLANA_FINAL);
                let (mut count, mut block) = (0, Some(chain.head()));
                while let Some(above) = block.filter(|block| block.slot > rest && block.height > 1) {
                    (count, block) = (count + 1, chain.block(above.parent_slot));
                }
                count
            }
        }
    }

    pub fn mine(&mut self, time_s: u64) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => drop(chain.mine(time_s)),
            Self::Solana(chain) => drop(chain.mine(time_s).slot),
        }
    }

    /// Stops or lets go what becomes final.
    pub fn stall(&mut self, stalled: bool) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => chain.stall_finality(stalled),
            Self::Solana(chain) => chain.stall(stalled),
        }
    }

    /// A transaction's hash, as its family writes it.
    fn shown(&self, hash: B256) -> String {
        if matches!(self, Self::Tron(..)) { hex::encode(hash) } else { hash.to_string() }
    }

    /// Where a transaction stands: its block's height and time.
    #[must_use]
    pub fn place(&self, hash: &str) -> Option<(u64, u64)> {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                let height = chain.mined_at(hash.parse().ok()?)?;
                Some((height, chain.block(height)?.time_s))
            }
            Self::Solana(chain) => {
                let slot = chain.landed_at(&hash.parse().ok()?)?;
                Some((slot, chain.block(slot)?.time_s))
            }
        }
    }

    /// The transactions above a height, in their order.
    #[must_use]
    pub fn above(&self, below: u64) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                for block in (below + 1..=chain.head().number).filter_map(|number| chain.block(number)) {
                    found.extend(block.transactions.iter().map(|hash| (block.number, self.shown(*hash))));
                }
            }
            Self::Solana(chain) => {
                let mut block = Some(chain.head());
                while let Some(above) = block.filter(|block| block.slot > below) {
                    found.extend(above.signatures().map(|signature| (above.slot, signature.to_string())));
                    block = chain.block(above.parent_slot);
                }
            }
        }
        found
    }

    /// Sends a payment.
    pub fn pay(&mut self, known: &Chain, moves: &[(&Token, &str, u128)], payer: u64) -> String {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                let address = |text: &str| EvmAddress::from(account_bytes(&known.protocol, text).expect("an account"));
                let transfers = moves.iter().map(|(token, to, value)| Transfer {
                    contract: address(token.contract.as_str()),
                    from: PAYER,
                    to: address(to),
                    value: U256::from(*value),
                });
                let hash = chain.submit(Transaction::transfers(transfers.collect::<Vec<_>>()));
                self.shown(hash)
            }
            Self::Solana(chain) => {
                let mut instructions = Vec::new();
                for (part, (token, to, value)) in (0..).zip(moves) {
                    let (mint, program) = mint_of(token);
                    let to_account = account_of(to, program, mint);
                    let (key, decimals) = (Key(*program.bytes()), u8::try_from(token.decimals).expect("few"));
                    let amount = u64::try_from(*value).expect("as much as an account holds");
                    let from = fresh_account(payer * 16 + part);
                    chain.register_account(from, TokenAccount { program: key, mint, owner: SOLANA_PAYER, amount, withheld: 0 });
                    let wallet = Key(solana_bytes(to).expect("a wallet"));
                    let moved = Move { program: key, mint, decimals, from, owner: SOLANA_PAYER, to: to_account, amount };
                    instructions.extend([Instruction::open(key, SOLANA_PAYER, to_account, wallet, mint), moved.transfer_checked()]);
                }
                chain.submit(solana::Transaction::new(SOLANA_PAYER, instructions)).to_string()
            }
        }
    }

    /// Replaces so many of the newest blocks by so many. Answers up to where nothing changed, and what is lost.
    pub fn reorganise(&mut self, depth: u64, blocks: u64, dice: &mut Dice) -> (u64, Vec<String>) {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => {
                let below = chain.head().number - depth;
                let replaced = (below + 1..=chain.head().number).filter_map(|number| chain.block(number));
                let all: Vec<B256> = replaced.flat_map(|block| block.transactions.clone()).collect();
                let (keep, lost) = fates(&all, blocks, dice);
                // What waits may come first now, so that the others' places in the block are other ones.
                let waiting: Vec<(B256, u64)> = chain.mempool().iter().filter(|_| dice.permille(500)).map(|hash| (*hash, 0)).collect();
                let keep = waiting.into_iter().chain(keep).collect();
                let rest = if dice.permille(700) { Rest::ToMempool } else { Rest::Dropped };
                chain.reorg(&Reorg { depth, blocks, keep, rest }).expect("a reorganisation");
                let gone = |hash: &B256| chain.mined_at(*hash).is_none() && !chain.mempool().contains(hash);
                let lost = lost.into_iter().filter(gone).collect::<Vec<_>>();
                (below, lost.into_iter().map(|hash| self.shown(hash)).collect())
            }
            Self::Solana(chain) => {
                let (mut all, mut below) = (Vec::new(), 0);
                let mut block = Some(chain.head());
                for _ in 0..depth {
                    let Some(replaced) = block else { break };
                    all.extend(replaced.signatures().rev());
                    below = replaced.parent_slot;
                    block = chain.block(replaced.parent_slot);
                }
                all.reverse();
                let (keep, lost): (Vec<(Signature, u64)>, Vec<Signature>) = fates(&all, blocks, dice);
                let slots = if dice.permille(500) { Slots::After } else { Slots::Same };
                let resubmit = dice.permille(700);
                chain.fork(&Fork { depth, blocks, slots, keep, resubmit }).expect("a fork");
                let gone = |one: &Signature| chain.landed_at(one).is_none() && !chain.mempool().contains(one);
                (below, lost.into_iter().filter(gone).map(|one| one.to_string()).collect())
            }
        }
    }

    /// What was lost waits for a block again.
    pub fn resubmit(&mut self, hash: &str) -> bool {
        match self {
            Self::Evm(chain) | Self::Tron(chain, _) => hash.parse().is_ok_and(|hash| chain.resubmit(hash)),
            // Only a fork brings it back there.
            Self::Solana(_) => false,
        }
    }
}

/// Which transactions stay in the new blocks, and in which; the others are dropped.
fn fates<T: Copy>(all: &[T], blocks: u64, dice: &mut Dice) -> (Vec<(T, u64)>, Vec<T>) {
    let (mut keep, mut lost) = (Vec::new(), Vec::new());
    for one in all {
        if dice.permille(650) {
            keep.push((*one, dice.below(blocks)));
        } else {
            lost.push(*one);
        }
    }
    // In another order than they had.
    for place in (1..keep.len()).rev() {
        keep.swap(place, dice.index(place + 1));
    }
    (keep, lost)
}

fn new_evm(chain: &Chain, seed: u64, genesis_time_s: u64) -> EvmChain {
    let mut node = EvmChain::new(chain.numeric_id.unwrap_or_default(), seed, genesis_time_s);
    let depth = chain.confirmations + FINAL_ABOVE;
    node.config = EvmConfig { finality_depth: depth, safe_depth: depth / 2, ..node.config };
    for token in &chain.tokens {
        let bytes = account_bytes(&chain.protocol, token.contract.as_str()).expect("a contract");
        node.register_token(EvmAddress::from(bytes), token.currency.as_str(), u8::try_from(token.decimals).expect("few"));
    }
    node
}

fn new_solana(chain: &Chain, seed: u64, genesis_time_s: u64) -> SolanaChain {
    let genesis = chain.genesis.as_deref().and_then(solana_bytes).expect("a genesis");
    let mut node = SolanaChain::new(Key(genesis), seed, genesis_time_s);
    node.config = SolanaConfig { confirmed_depth: 0, finalized_depth: SOLANA_FINAL };
    for token in &chain.tokens {
        let (mint, program) = mint_of(token);
        let decimals = u8::try_from(token.decimals).expect("few");
        node.register_mint(mint, Mint { program: Key(*program.bytes()), decimals, authority: SOLANA_PAYER, fee_basis_points: 0 });
    }
    node
}
