//! Our own source in front of the node: it sees what was paid, takes none of the cheats, and believes none of the lies.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::solana_bytes;
use payin_core::solana::{TokenProgram, token_account};
use payin_core::{Block, Chain, chains};
use payin_types::Protocol;

use super::super::{Lies, Omits};
use super::{AUTHORITY, Fork, Instruction, Key, Mint, Move, PAYER, PROGRAM, SolanaChain, SolanaConfig, TABLE, TokenAccount, Transaction};
use super::{GENESIS_TIME_S, drop_last};
use crate::chain::solana::SolanaSource;
use crate::chain::source::{Source, SourceFault};
use crate::chain::watch::{Watch, Watched};
use crate::env::{Rpc, RpcFault};

struct Node(Mutex<SolanaChain>);

impl Rpc for Node {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let answer = self.0.lock().unwrap().handle(&serde_json::from_slice(&body).unwrap());
        ready(Ok(Bytes::from(serde_json::to_vec(&answer).unwrap()))).boxed()
    }
}

struct Watching(Arc<Watched>);

impl Watch for Watching {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        ready(Ok(Arc::clone(&self.0))).boxed()
    }
}

/// A wallet whose key somebody could have: the base point of the curve.
fn wallet() -> Key {
    let mut bytes = [0x66; 32];
    bytes[0] = 0x58;
    Key(bytes)
}

struct World {
    node: Arc<Node>,
    source: SolanaSource,
    watching: Watching,
    /// The wallet's account and the payer's, for each token.
    moves: Vec<(String, Move)>,
}

impl World {
    fn new() -> Self {
        let chain: Chain = chains::known().into_iter().find(|chain| chain.id.as_str() == "solana-mainnet").unwrap();
        let genesis = chain.genesis.as_deref().and_then(solana_bytes).map(Key).unwrap();
        let mut node = SolanaChain::new(genesis, 7, GENESIS_TIME_S);
        node.config = SolanaConfig { confirmed_depth: 1, finalized_depth: 8 };
        let mut moves = Vec::new();
        for token in &chain.tokens {
            let mint = solana_bytes(token.contract.as_str()).unwrap();
            let program = token.known_program().unwrap();
            let account = |wallet: Key| Key(token_account(&wallet.0, program, &mint).unwrap());
            let (from, to) = (account(PAYER), account(wallet()));
            let fee_basis_points = if program == TokenProgram::Token2022 { 100 } else { 0 };
            let (program, mint, decimals) = (Key(*program.bytes()), Key(mint), u8::try_from(token.decimals).unwrap());
            node.register_mint(mint, Mint { program, decimals, authority: AUTHORITY, fee_basis_points });
            node.register_account(from, TokenAccount { program, mint, owner: PAYER, amount: 1_000_000_000, withheld: 0 });
            moves.push((token.currency.to_string(), Move { program, mint, decimals, from, owner: PAYER, to, amount: 0 }));
        }
        let node = Arc::new(Node(Mutex::new(node)));
        let watched = Watched::default();
        watched.insert(&Protocol::Solana, &payin_core::address::Address::from_solana_bytes(&wallet().0));
        let source = SolanaSource::new(chain, Arc::clone(&node) as Arc<dyn Rpc>);
        Self { node, source, watching: Watching(Arc::new(watched)), moves }
    }

    fn change<T>(&self, change: impl FnOnce(&mut SolanaChain) -> T) -> T {
        change(&mut self.node.0.lock().unwrap())
    }

    fn usdc(&self, amount: u64) -> Move {
        let (_, of) = self.moves.iter().find(|(currency, _)| currency == "USDC").unwrap();
        Move { amount, ..*of }
    }

    /// Mines these, and empty blocks until they are final.
    fn mine(&self, instructions: impl IntoIterator<Item = Vec<Instruction>>) {
        self.change(|node| {
            for instructions in instructions {
                node.submit(Transaction::new(PAYER, instructions));
                node.mine(GENESIS_TIME_S);
                node.skip(1);
            }
            for _ in 0..10 {
                node.mine(GENESIS_TIME_S);
            }
        });
    }

    async fn blocks(&self) -> Vec<Block> {
        let head = self.change(|node| node.head().slot) - 1;
        let mut blocks = Vec::new();
        for slot in 1..=head {
            blocks.extend(self.source.block(slot).await.unwrap());
        }
        blocks
    }

    /// What was paid, by blocks and by range alike, in base units.
    async fn paid(&self) -> Vec<(String, u128)> {
        let transfers = self.source.transfers(&self.blocks().await, &self.watching).await.unwrap();
        let read = self.source.range(1, self.source.heads().await.unwrap().finalized.unwrap().number, &self.watching).await.unwrap();
        assert_eq!(read.transfers, transfers);
        assert!(transfers.iter().all(|transfer| transfer.to.as_str() == wallet().to_string()));
        transfers.iter().map(|transfer| (transfer.currency.to_string(), transfer.amount.to_base_units(6).unwrap())).collect()
    }
}

fn open(of: &Move) -> Instruction {
    Instruction::open(of.program, PAYER, of.to, wallet(), of.mint)
}

#[tokio::test]
async fn honest_payments_are_seen_and_cheats_are_not() {
    let world = World::new();
    world.source.check().await.unwrap();
    let usdc = |amount| world.usdc(amount);
    let (thief, forged) = (Key([40; 32]), Key([41; 32]));
    let fake = Key([50; 32]);
    let of_fake = Move { mint: fake, from: Key([51; 32]), to: Key([52; 32]), ..usdc(7_000_000) };
    world.change(|node| {
        let (program, mint, owner, amount, withheld) = (Key::TOKEN, fake, PAYER, 9_000_000, 0);
        node.register_mint(fake, Mint { program, decimals: 6, authority: PAYER, fee_basis_points: 0 });
        node.register_account(of_fake.from, TokenAccount { program, mint, owner, amount, withheld });
        node.submit(Transaction::new(PAYER, vec![open(&usdc(0)), usdc(1_000_000).transfer_checked()]).failing());
        node.submit(Transaction::new(PAYER, vec![open(&usdc(0)), usdc(2_000_000).transfer_checked()]).looking_up(TABLE));
    });
    let inner = Instruction::through(PROGRAM, vec![usdc(4_000_000).transfer_checked()]);
    world.mine([
        vec![usdc(3_000_000).transfer(), Instruction::memo("order 7")],
        vec![inner],
        vec![usdc(8_000_000).transfer().to_program(PROGRAM)],
        vec![Instruction::open(Key::TOKEN, PAYER, of_fake.to, wallet(), fake), of_fake.transfer_checked()],
        vec![
            Instruction::open(Key::TOKEN, PAYER, forged, thief, usdc(0).mint),
            Move { to: forged, ..usdc(9_000_000) }.transfer(),
            Instruction::give(Key::TOKEN, forged, thief, wallet()),
        ],
        vec![usdc(5_000_000).transfer_checked().with_reference(TABLE)],
    ]);
    let told = |millions: u128| ("USDC".to_owned(), millions * 1_000_000);
    assert_eq!(world.paid().await, [told(2), told(3), told(4), told(5)]);
}

#[tokio::test]
async fn what_arrives_is_credited_without_the_fee() {
    let world = World::new();
    let with_fee: Vec<Move> = world.moves.iter().map(|(_, of)| *of).filter(|of| of.program == Key::TOKEN_2022).collect();
    assert!(!with_fee.is_empty());
    world.mine(with_fee.iter().map(|of| vec![open(of), Move { amount: 1_000_000, ..*of }.transfer_checked()]));
    assert!(world.paid().await.iter().all(|(_, amount)| *amount == 990_000));
}

#[tokio::test]
async fn a_history_that_leaves_something_out_is_not_believed() {
    let world = World::new();
    world.mine([vec![open(&world.usdc(0)), world.usdc(1_000_000).transfer_checked()], vec![world.usdc(2_000_000).transfer()]]);
    assert_eq!(world.paid().await.len(), 2);
    world.change(|node| node.lies = Lies { omits: Omits::Everything, ..Lies::default() });
    let finalized = world.source.heads().await.unwrap().finalized.unwrap().number;
    if let Ok(read) = world.source.range(1, finalized, &world.watching).await {
        // Found out, and read from the blocks instead.
        assert_eq!(read.transfers.len(), 2);
    }
}

#[tokio::test]
async fn what_a_fork_dropped_is_not_seen_again() {
    let world = World::new();
    world.mine([vec![open(&world.usdc(0)), world.usdc(1_000_000).transfer_checked()]]);
    world.change(|node| {
        node.submit(Transaction::new(PAYER, vec![world.usdc(2_000_000).transfer()]));
        node.mine(GENESIS_TIME_S);
        node.mine(GENESIS_TIME_S);
    });
    let before = world.blocks().await;
    assert_eq!(world.source.transfers(&before, &world.watching).await.unwrap().len(), 2);
    world.change(|node| node.fork(&Fork { blocks: 4, ..drop_last(2, super::Slots::Same) }).unwrap());
    let after = world.blocks().await;
    assert_ne!(after[before.len() - 1].hash, before[before.len() - 1].hash);
    assert_eq!(world.source.transfers(&after, &world.watching).await.unwrap().len(), 1);
}
