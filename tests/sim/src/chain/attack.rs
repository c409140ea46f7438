//! Transactions that only look like payments. Each moves nothing to anybody's benefit, whatever it says.

use alloy::primitives::{Address as EvmAddress, Bytes, Log, U256};
use payin_core::Token;
use payin_core::address::{account_bytes, solana_bytes};
use payin_core::solana::TokenProgram;
use payin_server::sandbox::evm::{TRANSFER_TOPIC, Transaction, Transfer};
use payin_server::sandbox::solana::{self, Instruction, Key, Mint, Move, TokenAccount};
use payin_server::sandbox::tron::Verdict;

use super::ledger::{Ledger, PAYER, SOLANA_PAYER, account_of, fresh_account, mint_of};
use super::{SimChain, Tx};
use crate::dice::Dice;

/// A token that calls itself like a real one.
const FAKE_TOKEN: EvmAddress = EvmAddress::repeat_byte(0xfa);
const FAKE_MINT: Key = Key([0xfa; 32]);

/// All of them, by name.
pub const FORGERIES: &[&str] = &[
    "fake token",
    "reverted",
    "event without transfer",
    "zero value",
    "odd event",
    "out of energy",
    "twin without events",
    "forged owner",
    "fake mint",
    "failed",
    "only a memo",
    "looks like a transfer",
];

impl SimChain {
    /// Somebody tries to be believed to have paid this much to an address. Answers the transaction and what it was.
    pub fn attack(&self, token: &Token, to: &str, value: u128, dice: &mut Dice) -> (String, &'static str) {
        let mut state = self.state();
        state.payers += 1;
        let number = state.payers;
        let (hash, forgery) = match &mut state.real {
            Ledger::Evm(_) | Ledger::Tron(..) => self.of_logs(&mut state.real, token, to, value, dice),
            Ledger::Solana(chain) => {
                let (instructions, forgery) = of_solana(chain, token, to, value, number, dice);
                (chain.submit(solana::Transaction::new(SOLANA_PAYER, instructions)).to_string(), forgery)
            }
        };
        state.txs.insert(hash.clone(), Tx { forgery: Some(forgery), ..Tx::default() });
        (hash, forgery)
    }

    fn of_logs(&self, ledger: &mut Ledger, token: &Token, to: &str, value: u128, dice: &mut Dice) -> (String, &'static str) {
        let address = |text: &str| EvmAddress::from(account_bytes(&self.known.protocol, text).expect("an account"));
        let honest = Transfer { contract: address(token.contract.as_str()), from: PAYER, to: address(to), value: U256::from(value) };
        let paid = || Transaction::transfers([honest.clone()]);
        let choices = if matches!(ledger, Ledger::Tron(..)) { 8 } else { 5 };
        let (transaction, forgery, verdict) = match dice.below(choices) {
            0 => (Transaction::transfers([Transfer { contract: FAKE_TOKEN, ..honest }]), "fake token", None),
            1 => (paid().failed(), "reverted", None),
            2 => (Transaction { logs: vec![approval(&honest)], success: true }, "event without transfer", None),
            3 => (Transaction::transfers([Transfer { value: U256::ZERO, ..honest }]), "zero value", None),
            4 => (Transaction { logs: vec![odd(&honest, dice)], success: true }, "odd event", None),
            5 => (paid(), "out of energy", Some(if dice.permille(500) { Verdict::Reverted } else { Verdict::OutOfEnergy })),
            6 => (Transaction { logs: Vec::new(), success: true }, "twin without events", None),
            _ => (Transaction::transfers([Transfer { contract: FAKE_TOKEN, ..honest }]), "fake token", None),
        };
        let (Ledger::Evm(chain) | Ledger::Tron(chain, _)) = &mut *ledger else { unreachable!("a chain of logs") };
        let hash = chain.submit(transaction);
        let Ledger::Tron(_, node) = ledger else { return (hash.to_string(), forgery) };
        if let Some(verdict) = verdict {
            node.verdicts.insert(hash, verdict);
        }
        (alloy::primitives::hex::encode(hash), forgery)
    }
}

/// An approval says as much as a transfer, and moves nothing.
fn approval(honest: &Transfer) -> Log {
    let mut log = honest.log();
    let topics = log.data.topics_mut();
    topics[0] = alloy::primitives::keccak256("Approval(address,address,uint256)");
    log
}

/// A transfer's event that is none: of an ERC-721, cut short, or too long.
fn odd(honest: &Transfer, dice: &mut Dice) -> Log {
    let topics = vec![TRANSFER_TOPIC, honest.from.into_word(), honest.to.into_word()];
    let value = honest.value.to_be_bytes::<32>();
    match dice.below(3) {
        0 => {
            let topics = [topics, vec![value.into()]].concat();
            Log::new_unchecked(honest.contract, topics, Bytes::new())
        }
        1 => Log::new_unchecked(honest.contract, topics, value[..31].to_vec().into()),
        _ => Log::new_unchecked(honest.contract, topics[..2].to_vec(), value.to_vec().into()),
    }
}

fn of_solana(
    chain: &mut solana::SolanaChain,
    token: &Token,
    to: &str,
    value: u128,
    number: u64,
    dice: &mut Dice,
) -> (Vec<Instruction>, &'static str) {
    let (mint, program) = mint_of(token);
    let key = Key(*program.bytes());
    let decimals = u8::try_from(token.decimals).expect("few");
    let amount = u64::try_from(value).expect("as much as an account holds");
    let wallet = Key(solana_bytes(to).expect("a wallet"));
    let from = fresh_account(number * 16);
    let mut have = |mint: Key| chain.register_account(from, TokenAccount { program: key, mint, owner: SOLANA_PAYER, amount, withheld: 0 });
    let moved = Move { program: key, mint, decimals, from, owner: SOLANA_PAYER, to: account_of(to, program, mint), amount };
    let open = Instruction::open(key, SOLANA_PAYER, moved.to, wallet, mint);
    match dice.below(6) {
        0 => {
            // An account with money in it becomes the wallet's for a while: its balances show a deposit. The wallet's own account is
            // named too, or nobody would look.
            have(mint);
            (vec![open, Instruction::give(key, from, SOLANA_PAYER, wallet)], "forged owner")
        }
        1 => {
            // The same with money that comes in the very transaction, to an account of the attacker that is said to be the wallet's.
            have(mint);
            let other = fresh_account(number * 16 + 1);
            let opened = Instruction::open(key, SOLANA_PAYER, other, wallet, mint);
            (vec![open, opened, Move { to: other, ..moved }.transfer_checked()], "forged owner")
        }
        2 => {
            let fake = Mint { program: Key(*TokenProgram::SplToken.bytes()), decimals, authority: SOLANA_PAYER, fee_basis_points: 0 };
            chain.register_mint(FAKE_MINT, fake);
            let program = TokenProgram::SplToken;
            let key = Key(*program.bytes());
            chain.register_account(from, TokenAccount { program: key, mint: FAKE_MINT, owner: SOLANA_PAYER, amount, withheld: 0 });
            let account = account_of(to, program, FAKE_MINT);
            let open = Instruction::open(key, SOLANA_PAYER, account, wallet, FAKE_MINT);
            let moved = Move { program: key, mint: FAKE_MINT, to: account, ..moved };
            (vec![open, moved.transfer_checked()], "fake mint")
        }
        3 => {
            have(mint);
            // The second half wants more than is left: the whole fails.
            (vec![open, moved.transfer_checked(), moved.transfer_checked()], "failed")
        }
        4 => (vec![Instruction::memo(&format!("paid {value} to {to}"))], "only a memo"),
        _ => {
            have(mint);
            (vec![open, moved.transfer_checked().to_program(Key([0x77; 32]))], "looks like a transfer")
        }
    }
}
