//! The chain's own behaviour: what becomes of money, and of blocks. What the node answers is tested in the submodules.

#[cfg(feature = "solana")]
mod client;
mod node;
#[cfg(feature = "solana")]
mod source;

use serde_json::{Value, json};

use super::{
    Commitment, Fork, ForkError, Instruction, Key, Mint, Move, Signature, Slots, SolanaChain, SolanaConfig, TokenAccount, Transaction,
};

const GENESIS_TIME_S: u64 = 1_700_000_000;
const GENESIS: Key = Key([9; 32]);
const USDC: Key = Key([1; 32]);
/// A mint of Token-2022 that keeps 1 % of each transfer.
const TAXED: Key = Key([2; 32]);
const AUTHORITY: Key = Key([3; 32]);
const PAYER: Key = Key([10; 32]);
const PAYERS: Key = Key([11; 32]);
const PAYERS_TAXED: Key = Key([12; 32]);
const WALLET: Key = Key([20; 32]);
const WALLETS: Key = Key([21; 32]);
const WALLETS_TAXED: Key = Key([22; 32]);
const TABLE: Key = Key([30; 32]);
const PROGRAM: Key = Key([31; 32]);

fn chain() -> SolanaChain {
    let mut chain = SolanaChain::new(GENESIS, 7, GENESIS_TIME_S);
    let (program, decimals, authority) = (Key::TOKEN, 6, AUTHORITY);
    chain.register_mint(USDC, Mint { program, decimals, authority, fee_basis_points: 0 });
    chain.register_mint(TAXED, Mint { program: Key::TOKEN_2022, decimals, authority, fee_basis_points: 100 });
    let (amount, withheld) = (1_000_000, 0);
    chain.register_account(PAYERS, TokenAccount { program, mint: USDC, owner: PAYER, amount, withheld });
    chain.register_account(PAYERS_TAXED, TokenAccount { program: Key::TOKEN_2022, mint: TAXED, owner: PAYER, amount, withheld });
    chain
}

fn open() -> Instruction {
    Instruction::open(Key::TOKEN, PAYER, WALLETS, WALLET, USDC)
}

fn moved(amount: u64) -> Move {
    Move { program: Key::TOKEN, mint: USDC, decimals: 6, from: PAYERS, owner: PAYER, to: WALLETS, amount }
}

/// Opens the wallet's account if it is not there, and pays it.
fn payment(amount: u64) -> Transaction {
    Transaction::new(PAYER, vec![open(), moved(amount).transfer_checked()])
}

fn amount(chain: &SolanaChain, account: Key) -> Option<u64> {
    chain.token_account(&account).map(|account| account.amount)
}

fn drop_last(depth: u64, slots: Slots) -> Fork {
    Fork { depth, blocks: depth, slots, keep: Vec::new(), resubmit: false }
}

/// Sends and mines one transaction. Answers its signature and whether it failed.
fn done(chain: &mut SolanaChain, transaction: Transaction) -> (Signature, bool) {
    let signature = chain.submit(transaction);
    let time_s = chain.head().time_s;
    chain.mine(time_s);
    let status = ask(chain, "getSignatureStatuses", json!([[signature.to_string()]]));
    (signature, !status["value"][0]["err"].is_null())
}

fn ask(chain: &mut SolanaChain, method: &str, params: Value) -> Value {
    let answer = chain.handle(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

fn refusal(chain: &mut SolanaChain, method: &str, params: Value) -> (i64, String) {
    let answer = chain.handle(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
    let error = &answer["error"];
    (error["code"].as_i64().expect("an error"), error["message"].as_str().expect("a message").to_owned())
}

#[test]
fn same_seed_and_calls_make_the_same_chain() {
    let run = |seed| {
        let mut chain = SolanaChain::new(GENESIS, seed, GENESIS_TIME_S);
        let kept = chain.submit(payment(5));
        chain.mine(GENESIS_TIME_S);
        chain.fork(&Fork { keep: vec![(kept, 0)], ..drop_last(1, Slots::After) }).unwrap();
        (kept, chain.head().blockhash)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn equal_payments_have_different_signatures() {
    let mut chain = chain();
    let (first, second) = (chain.submit(payment(5)), chain.submit(payment(5)));
    assert_ne!(first, second);
    chain.mine(GENESIS_TIME_S);
    assert_eq!((amount(&chain, WALLETS), amount(&chain, PAYERS)), (Some(10), Some(999_990)));
}

#[test]
fn blocks_link_and_skipped_slots_have_none() {
    let mut chain = chain();
    chain.mine(GENESIS_TIME_S + 1);
    chain.skip(2);
    let head = chain.mine(GENESIS_TIME_S).clone();
    assert_eq!((head.slot, head.parent_slot, head.height, head.time_s), (4, 1, 2, GENESIS_TIME_S + 1));
    assert_eq!(Some(head.previous_blockhash), chain.block(1).map(|block| block.blockhash));
    assert!(chain.block(2).is_none() && chain.block(3).is_none() && chain.block(5).is_none());
    assert_eq!(chain.block(0).map(|block| block.height), Some(0));
}

#[test]
fn every_way_of_paying_pays_what_it_says() {
    let mut chain = chain();
    assert!(!done(&mut chain, payment(1)).1);
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![moved(2).transfer(), moved(4).transfer_checked()])).1);
    let through = Instruction::through(PROGRAM, vec![moved(8).transfer_checked(), moved(16).transfer()]);
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![through, Instruction::memo("order 7")])).1);
    assert!(!done(&mut chain, payment(32).looking_up(TABLE)).1);
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![moved(64).transfer_checked().with_reference(TABLE)])).1);
    assert_eq!(amount(&chain, WALLETS), Some(127));

    let mint = Instruction::mint_to(Key::TOKEN, USDC, WALLETS, AUTHORITY, 1000);
    assert!(!done(&mut chain, Transaction::new(AUTHORITY, vec![mint])).1);
    assert_eq!(amount(&chain, WALLETS), Some(1127));
}

#[test]
fn fees_stay_withheld() {
    let mut chain = chain();
    let open = Instruction::open(Key::TOKEN_2022, PAYER, WALLETS_TAXED, WALLET, TAXED);
    let moved = |amount| Move { program: Key::TOKEN_2022, mint: TAXED, from: PAYERS_TAXED, to: WALLETS_TAXED, ..moved(amount) };
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![open, moved(1000).transfer_checked()])).1);
    // 1 % of 150 is rounded up.
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![moved(150).transfer_checked_with_fee(2)])).1);
    assert!(done(&mut chain, Transaction::new(PAYER, vec![moved(150).transfer_checked_with_fee(1)])).1);
    assert!(done(&mut chain, Transaction::new(PAYER, vec![moved(150).transfer()])).1);
    let account = chain.token_account(&WALLETS_TAXED).expect("an account");
    assert_eq!((account.amount, account.withheld), (1138, 12));
}

#[test]
fn what_is_not_allowed_fails_and_changes_nothing() {
    let mut chain = chain();
    done(&mut chain, payment(1));
    let before = chain.accounts.clone();
    let stranger = Key([99; 32]);
    let fails = [
        payment(5).failing(),
        Transaction::new(PAYER, vec![moved(5).transfer(), moved(1_000_000).transfer()]),
        Transaction::new(PAYER, vec![Move { owner: stranger, ..moved(5) }.transfer()]),
        Transaction::new(PAYER, vec![Move { decimals: 9, ..moved(5) }.transfer_checked()]),
        Transaction::new(PAYER, vec![Move { mint: TAXED, ..moved(5) }.transfer_checked()]),
        Transaction::new(PAYER, vec![Move { program: Key::TOKEN_2022, ..moved(5) }.transfer()]),
        Transaction::new(PAYER, vec![Move { to: stranger, ..moved(5) }.transfer()]),
        Transaction::new(PAYER, vec![Instruction::close(Key::TOKEN, WALLETS, WALLET, PAYER)]),
        Transaction::new(PAYER, vec![Instruction::give(Key::TOKEN, WALLETS, PAYER, PAYER)]),
        Transaction::new(PAYER, vec![Instruction::mint_to(Key::TOKEN, USDC, PAYERS, PAYER, 5)]),
    ];
    for transaction in fails {
        assert!(done(&mut chain, transaction.clone()).1, "{transaction:?}");
    }
    // Not a failure: the program is not the token program, and does nothing.
    assert!(!done(&mut chain, Transaction::new(PAYER, vec![moved(5).transfer().to_program(PROGRAM)])).1);
    assert_eq!(chain.accounts, before);
}

#[test]
fn an_account_can_be_given_away_closed_and_opened_again() {
    let mut chain = chain();
    let (thief, forged) = (Key([40; 32]), Key([41; 32]));
    let give = vec![
        Instruction::open(Key::TOKEN, PAYER, forged, thief, USDC),
        Move { to: forged, ..moved(9) }.transfer(),
        Instruction::give(Key::TOKEN, forged, thief, WALLET),
    ];
    assert!(!done(&mut chain, Transaction::new(PAYER, give)).1);
    assert_eq!(chain.token_account(&forged).map(|account| (account.owner, account.amount)), Some((WALLET, 9)));

    done(&mut chain, payment(5));
    let back = Move { from: WALLETS, owner: WALLET, to: PAYERS, ..moved(5) };
    let close = Instruction::close(Key::TOKEN, WALLETS, WALLET, PAYER);
    let again = vec![back.transfer(), close, open(), moved(3).transfer()];
    assert!(!done(&mut chain, Transaction::new(PAYER, again)).1);
    assert_eq!(amount(&chain, WALLETS), Some(3));
}

#[test]
fn a_fork_changes_hashes_and_takes_money_back() {
    let mut chain = chain();
    let kept = chain.submit(payment(1));
    chain.mine(GENESIS_TIME_S + 1);
    let dropped = chain.submit(payment(2));
    chain.mine(GENESIS_TIME_S + 2);
    let before = chain.head().clone();
    chain.fork(&Fork { keep: vec![(kept, 1)], ..drop_last(2, Slots::After) }).unwrap();
    // The old slots are skipped now.
    assert!(chain.block(1).is_none() && chain.block(2).is_none());
    let head = chain.head().clone();
    assert_eq!((head.slot, head.parent_slot, head.height), (4, 3, 2));
    assert_eq!(chain.block(3).map(|block| (block.parent_slot, block.time_s)), Some((0, GENESIS_TIME_S + 1)));
    assert_eq!(Some(head.previous_blockhash), chain.block(3).map(|block| block.blockhash));
    assert_ne!(head.blockhash, before.blockhash);
    assert_eq!((chain.landed_at(&kept), chain.landed_at(&dropped)), (Some(4), None));
    assert_eq!((amount(&chain, WALLETS), amount(&chain, PAYERS)), (Some(1), Some(999_999)));

    // In the same slots; what was lost may come back.
    chain.fork(&Fork { keep: vec![(dropped, 0)], resubmit: true, ..drop_last(1, Slots::Same) }).unwrap();
    assert_ne!(chain.block(4).map(|block| block.blockhash), Some(head.blockhash));
    assert_eq!((chain.landed_at(&dropped), chain.mempool()), (Some(4), [kept].as_slice()));
    chain.mine(GENESIS_TIME_S + 3);
    assert_eq!((chain.landed_at(&kept), amount(&chain, WALLETS)), (Some(5), Some(3)));
}

#[test]
fn a_fork_that_makes_no_sense_is_refused() {
    let mut chain = chain();
    let low = chain.submit(payment(1));
    chain.mine(GENESIS_TIME_S);
    chain.mine(GENESIS_TIME_S);
    let before = chain.head().blockhash;
    let with = |keep| Fork { keep, ..drop_last(1, Slots::After) };
    let unknown = Signature([9; 64]);
    assert_eq!(chain.fork(&drop_last(3, Slots::After)), Err(ForkError::TooDeep { depth: 3, blocks: 2 }));
    assert_eq!(chain.fork(&with(vec![(unknown, 0)])), Err(ForkError::Unknown(unknown)));
    assert_eq!(chain.fork(&with(vec![(low, 0)])), Err(ForkError::Twice(low)));
    let waiting = chain.submit(payment(2));
    assert_eq!(chain.fork(&with(vec![(waiting, 1)])), Err(ForkError::NoSuchBlock(1)));
    assert_eq!(chain.head().blockhash, before);
}

#[test]
fn commitments_follow_the_head_until_finality_stalls() {
    let mut chain = chain();
    chain.config = SolanaConfig { confirmed_depth: 1, finalized_depth: 4 };
    for _ in 0..6 {
        chain.mine(GENESIS_TIME_S);
    }
    let slots = |chain: &SolanaChain| [Commitment::Processed, Commitment::Confirmed, Commitment::Finalized].map(|word| chain.slot(word));
    assert_eq!(slots(&chain), [6, 5, 2]);
    // A skipped slot is nobody's newest block.
    chain.skip(1);
    chain.mine(GENESIS_TIME_S);
    assert_eq!(slots(&chain), [8, 6, 4]);
    chain.stall(true);
    chain.mine(GENESIS_TIME_S);
    assert_eq!(slots(&chain), [9, 6, 4]);
    chain.stall(false);
    assert_eq!(slots(&chain), [9, 8, 5]);
    chain.lies.lag = 3;
    assert_eq!(slots(&chain), [6, 5, 2]);
}
