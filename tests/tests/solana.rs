//! Following a Solana chain that forks, skips, stalls and is told of by a node that leaves things out: every payment to a watched wallet that
//! is on the chain in the end is known once, and nothing else is. The real client and the real follower over the simulated node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;
use payin_core::solana::{TokenProgram, token_account};
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, Units, chains};
use payin_server::chain::follow::parting;
use payin_server::chain::solana::SolanaSource;
use payin_server::chain::{Next, Parting, Source as _, SourceFault, Watch, Watched, next};
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::solana::{
    Fork, Instruction, Key, Mint, Move, Omits, Refusal, Signature, Slots, SolanaChain, TokenAccount, Transaction,
};
use payin_types::Protocol;

const PAYER: Key = Key([1; 32]);
const PROGRAM: Key = Key([9; 32]);
const MONEY: u64 = 1_000_000_000_000;

/// The simulated node in the place of a URL.
#[derive(Clone)]
struct Simulated(Arc<Mutex<SolanaChain>>);

impl Rpc for Simulated {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let request = serde_json::from_slice(&body).expect("JSON");
        let answer = self.0.lock().expect("a chain").handle(&request);
        ready(Ok(answer.to_string().into())).boxed()
    }
}

struct Wallets(Arc<Watched>);

impl Watch for Wallets {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        ready(Ok(Arc::clone(&self.0))).boxed()
    }
}

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

struct World {
    chain: Chain,
    node: Simulated,
    source: SolanaSource,
    wallets: Vec<Key>,
    watch: Wallets,
    /// Each mint with its program and where the payer's money of it is.
    mints: Vec<(Key, TokenProgram, Key)>,
    /// What is honestly paid: by signature, to which account, how much.
    paid: BTreeMap<Signature, Vec<(Key, u64)>>,
    time: u64,
    ours: Vec<Block>,
    known: Vec<Transfer>,
}

impl World {
    fn new(seed: u64, wallets: u8) -> Self {
        let chain = chains::known().into_iter().find(|chain| chain.id.as_str() == "solana-mainnet").expect("a known chain");
        let genesis = chain.genesis.as_deref().and_then(|hash| hash.parse().ok()).expect("a genesis");
        let mut simulated = SolanaChain::new(genesis, seed, 1_764_000_000);
        let mut mints = Vec::new();
        for (place, token) in (0..).zip(&chain.tokens) {
            let program = token.known_program().expect("a known mint");
            let mint: Key = token.contract.as_str().parse().expect("a mint");
            let (theirs, of) = (Key([100 + place; 32]), Key(*program.bytes()));
            simulated.register_mint(mint, Mint { program: of, decimals: 6, authority: PAYER, fee_basis_points: u16::from(place) * 30 });
            simulated.register_account(theirs, TokenAccount { program: of, mint, owner: PAYER, amount: MONEY, withheld: 0 });
            mints.push((mint, program, theirs));
        }
        let watched = Watched::default();
        let wallets: Vec<Key> = (1..=wallets).map(|wallet| Key([wallet.wrapping_mul(7); 32])).collect();
        wallets.iter().for_each(|wallet| watched.insert(&Protocol::Solana, &Address::from_solana_bytes(&wallet.0)));
        let node = Simulated(Arc::new(Mutex::new(simulated)));
        let source = SolanaSource::new(chain.clone(), Arc::new(node.clone()));
        let watch = Wallets(Arc::new(watched));
        Self { chain, node, source, wallets, watch, mints, paid: BTreeMap::new(), time: 1_764_000_000, ours: Vec::new(), known: Vec::new() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut SolanaChain) -> T) -> T {
        change(&mut self.node.0.lock().expect("a chain"))
    }

    /// A transfer to a wallet's account, which is opened before.
    fn pay(&mut self, dice: &mut Dice) {
        let (mint, program, from) = self.mints[dice.below(2) as usize];
        let of = Key(*program.bytes());
        let mut instructions = Vec::new();
        let mut amounts = Vec::new();
        for _ in 0..=dice.below(2) {
            let wallet = self.wallets[dice.below(self.wallets.len() as u64) as usize];
            let to = Key(token_account(&wallet.0, program, &mint.0).expect("an account"));
            let amount = 1 + dice.below(1_000_000);
            let sent = Move { program: of, mint, decimals: 6, from, owner: PAYER, to, amount };
            instructions.push(Instruction::open(of, PAYER, to, wallet, mint));
            let transfer = sent.transfer_checked();
            instructions.push(if dice.below(3) == 0 { Instruction::through(PROGRAM, vec![transfer]) } else { transfer });
            amounts.push((to, amount));
        }
        let transaction = Transaction::new(PAYER, instructions);
        match dice.below(6) {
            0 => drop(self.with(|chain| chain.submit(transaction.failing()))),
            1 => {
                let signature = self.with(|chain| chain.submit(transaction.looking_up(Key([66; 32]))));
                self.paid.insert(signature, amounts);
            }
            _ => {
                let signature = self.with(|chain| chain.submit(transaction));
                self.paid.insert(signature, amounts);
            }
        }
    }

    /// What looks like a payment: ownership handed over, another program's words, a memo.
    fn cheat(&mut self, dice: &mut Dice) {
        let (mint, program, from) = self.mints[0];
        let of = Key(*program.bytes());
        let wallet = self.wallets[0];
        let to = Key(token_account(&wallet.0, program, &mint.0).expect("an account"));
        let sent = Move { program: of, mint, decimals: 6, from, owner: PAYER, to, amount: 5_000_000 };
        let theirs = Key([200u8.wrapping_add(dice.below(50) as u8); 32]);
        let instructions = match dice.below(3) {
            0 => vec![
                Instruction::open(of, PAYER, theirs, PAYER, mint),
                Move { to: theirs, ..sent }.transfer(),
                Instruction::give(of, theirs, PAYER, wallet),
            ],
            1 => vec![sent.transfer_checked().to_program(PROGRAM)],
            _ => vec![Instruction::memo("5 USDC for your order")],
        };
        self.with(|chain| chain.submit(Transaction::new(PAYER, instructions)));
    }

    fn mine(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.time += 1;
            let time = self.time;
            self.with(|chain| chain.mine(time).slot);
        }
    }

    /// One step of following. Answers whether there may be more.
    async fn step(&mut self) -> Result<bool, SourceFault> {
        match next(&self.chain, &self.source, self.ours.last(), &self.watch).await? {
            Next::Idle { .. } => Ok(false),
            Next::Blocks { blocks, transfers, .. } => {
                self.ours.extend(blocks);
                self.known.extend(transfers);
                Ok(true)
            }
            Next::Fork => {
                let newest_first: Vec<Block> = self.ours.iter().rev().take(60).cloned().collect();
                if let Some(Parting::At(at)) = parting(&self.source, &newest_first).await? {
                    self.ours.retain(|block| block.number <= at.number);
                    self.known.retain(|transfer| transfer.block_number <= at.number);
                }
                Ok(true)
            }
        }
    }

    async fn settle(&mut self) {
        let mut last = None;
        for _ in 0..2_000 {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(SourceFault::Mismatch(text)) => panic!("{text}"),
                // Taken again, over a chain that goes on.
                Err(fault) => {
                    last = Some(fault);
                    self.mine(1);
                }
            }
        }
        panic!("following does not come to an end: {last:?}");
    }

    /// What is known is what is on the chain.
    fn judge(&self) {
        let landed = |signature: &Signature| self.with(|chain| chain.landed_at(signature));
        let first = self.ours.first().expect("a block").number;
        let mut identities = BTreeSet::new();
        assert!(self.known.iter().all(|transfer| identities.insert((transfer.tx_hash.clone(), transfer.ordinal))), "twice");
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for (signature, amounts) in &self.paid {
            if landed(signature).is_some_and(|slot| slot >= first) {
                expected.insert(signature.to_string(), amounts.len());
            }
        }
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        self.known.iter().for_each(|transfer| *found.entry(transfer.tx_hash.clone()).or_default() += 1);
        // Fees of several transfers to one account that name none are told apart by nobody: these may be one.
        let taxed = |signature: &str| self.known.iter().any(|each| each.tx_hash == signature && each.currency.as_str() == "PYUSD");
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        assert!(found.iter().all(|(signature, count)| *count == expected[signature] || taxed(signature)), "{found:?} {expected:?}");
        for (place, (mint, program, _)) in self.mints.iter().enumerate() {
            for wallet in &self.wallets {
                let account = Key(token_account(&wallet.0, *program, &mint.0).expect("an account"));
                let held = self.with(|chain| chain.token_account(&account)).map_or(0, |account| account.amount);
                let to = Address::from_solana_bytes(&wallet.0);
                let currency = &self.chain.tokens[place].currency;
                let ours = self.known.iter().filter(|transfer| transfer.to == to && &transfer.currency == currency);
                let sum = ours.fold(Units::ZERO, |sum, transfer| sum.saturating_add(transfer.amount));
                assert_eq!(sum.to_base_units(6), Some(u128::from(held)), "{currency} of {wallet}");
            }
        }
    }
}

async fn live(seed: u64, wallets: u8) {
    let mut dice = Dice(seed);
    let mut world = World::new(seed, wallets);
    world.mine(45);
    world.source.check().await.expect("the right cluster");
    world.settle().await;
    for _ in 0..150 {
        match dice.below(10) {
            0..=3 => world.pay(&mut dice),
            4 => world.cheat(&mut dice),
            5 => {
                let slots = 1 + dice.below(4);
                world.with(|chain| chain.skip(slots));
            }
            6 => {
                let depth = 1 + dice.below(6);
                let slots = if dice.below(2) == 0 { Slots::After } else { Slots::Same };
                let fork = Fork { depth, blocks: depth + dice.below(2), slots, keep: Vec::new(), resubmit: dice.below(3) > 0 };
                world.with(|chain| chain.fork(&fork)).expect("a fork");
            }
            7 => {
                let hidden: BTreeSet<Signature> = world.paid.keys().filter(|_| dice.below(2) == 0).copied().collect();
                world.with(|chain| chain.lies.omits = if dice.below(2) == 0 { Omits::These(hidden) } else { Omits::Nothing });
            }
            8 => {
                let (fails, failure) = (dice.below(3) as u32, if dice.below(2) == 0 { Refusal::RateLimited } else { Refusal::Unhealthy });
                world.with(|chain| (chain.lies.fail_next, chain.lies.failure) = (fails, failure));
            }
            // Far enough that ranges are read.
            _ if dice.below(5) == 0 => world.mine(80),
            _ => world.mine(2),
        }
        world.mine(dice.below(2));
        if dice.below(3) > 0 {
            world.settle().await;
        }
    }
    world.with(|chain| chain.lies = payin_server::sandbox::solana::Lies::default());
    world.mine(40);
    world.settle().await;
    world.judge();
    assert!(world.known.len() > 20, "something was paid");
}

#[tokio::test]
async fn every_payment_is_known_once_whatever_the_chain_and_the_node_do() {
    for seed in 1..=6 {
        live(seed, 3).await;
    }
}

/// So many accounts that whole blocks are read.
#[tokio::test]
async fn many_wallets_are_followed_by_whole_blocks() {
    for seed in 11..=12 {
        live(seed, 30).await;
    }
}
