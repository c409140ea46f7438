//! Three days during which nobody looked, and what comes after: nothing that was paid meanwhile is lost, and whoever pays now does not
//! wait for it. The real worker over the sandbox's chain, by a clock that is moved.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::Chain;
use payin_server::app::deposits;
use payin_server::chain::Nodes;
use payin_server::chain::evm::EvmSource;
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::evm::{EvmChain, EvmConfig, Transaction, Transfer};
use payin_server::worker::Worker as _;
use payin_server::worker::chain::ChainWorker;
use payin_server::worker::watch::PoolWatch;
use payin_tests::gateway::{Gateway, Kind, Place, START, request};
use payin_types::{BindDeposit, OrderStatus, Protocol};
use serde_json::{Value, json};

/// Ethereum's.
const BLOCK: u64 = 12;
/// Three days of blocks.
const MISSED: u64 = 72 * 3600 / BLOCK;
/// So often somebody pays into the deposit reference meanwhile.
const DEPOSIT_EVERY: u64 = 360;

struct Node {
    chain: Mutex<EvmChain>,
    /// It has forgotten what was in blocks below this one.
    forgets: AtomicU64,
}

impl Rpc for Node {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let request: Value = serde_json::from_slice(&body).unwrap();
        let mut answer = self.chain.lock().unwrap().handle(&request);
        let asked = |call: &Value| {
            let from = call["params"][0]["fromBlock"].as_str().and_then(|from| u64::from_str_radix(from.trim_start_matches("0x"), 16).ok());
            from.is_some_and(|from| from < self.forgets.load(Ordering::Relaxed))
        };
        if let (Some(calls), Some(answers)) = (request.as_array(), answer.as_array_mut()) {
            for (_, answer) in calls.iter().zip(answers).filter(|(call, _)| asked(call)) {
                let id = answer["id"].clone();
                *answer = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32000, "message": "history has been pruned"}});
            }
        }
        ready(Ok(serde_json::to_vec(&answer).unwrap().into())).boxed()
    }
}

/// A chain, its clock, and the worker that follows it.
struct World {
    place: Place,
    gateway: Gateway,
    chain: Chain,
    node: Arc<Node>,
    worker: ChainWorker,
    blocks: u64,
}

impl World {
    async fn new(kind: Kind) -> Self {
        let place = Place::new(kind).await;
        let gateway = Gateway::open(&place.location, 1, None).await;
        let chain = gateway.chain("ethereum-sepolia");
        let mut node = EvmChain::new(chain.numeric_id.unwrap(), 7, u64::try_from(START.secs()).unwrap());
        node.config = EvmConfig { finality_depth: 64, safe_depth: 32, ..EvmConfig::default() };
        for token in &chain.tokens {
            node.register_token(token.contract.as_str().parse().unwrap(), token.currency.as_str(), 6);
        }
        let node = Arc::new(Node { chain: Mutex::new(node), forgets: AtomicU64::new(0) });
        let source = Arc::new(EvmSource::new(chain.clone(), Arc::clone(&node) as Arc<dyn Rpc>));
        let watch = Arc::new(PoolWatch::new(gateway.app.clone(), Protocol::Evm));
        let nodes = Arc::new(Nodes::new(vec![source]));
        let worker = ChainWorker::new(gateway.app.clone(), chain.clone(), nodes, watch, "one".to_owned(), Arc::default());
        Self { place, gateway, chain, node, worker, blocks: 0 }
    }

    /// A block, by the chain's time, which is the clock's; with what was sent.
    fn mine(&mut self) {
        self.blocks += 1;
        let time = START.plus(Duration::from_secs(self.blocks * BLOCK));
        self.node.chain.lock().unwrap().mine(u64::try_from(time.secs()).unwrap());
        self.gateway.clock.advance_to(time);
    }

    fn send(&self, to: &str, tokens: u64) {
        let contract = self.chain.token(&"USDT".into()).unwrap().contract.as_str().parse().unwrap();
        let value = (tokens * 1_000_000).to_string().parse().unwrap();
        let transfer =
            Transfer { contract, from: "0x2222222222222222222222222222222222222222".parse().unwrap(), to: to.parse().unwrap(), value };
        self.node.chain.lock().unwrap().submit(Transaction::transfers([transfer]));
    }

    async fn scans(&self) -> Vec<Vec<String>> {
        self.place.rows("SELECT from_number, to_number FROM chain_scans ORDER BY from_number").await
    }
}

async fn nothing_is_lost_and_nobody_waits(kind: Kind) {
    let mut world = World::new(kind).await;
    for _ in 0..100 {
        world.mine();
    }
    for _ in 0..30 {
        world.worker.step().await.unwrap();
    }
    let organization = world.gateway.merchant(10).await;
    let mut missed = Vec::new();
    for name in ["at once", "after a while", "at the last moment", "too late", "never"] {
        missed.push(world.gateway.create(&organization, request(name)).await.unwrap());
    }
    let binding = BindDeposit::new("customer", "USDT", "ethereum-sepolia");
    let bound = world.gateway.write(deposits::Bind::new(&world.gateway.app, organization.clone(), Ok(binding))).await.unwrap();
    world.worker.step().await.unwrap();
    let first = world.scans().await[0][0].clone();

    // Nobody looks. Orders are paid after 1, 40 and 74 blocks, in time, and after 80, too late.
    let mut deposited = 0;
    for number in 1..=MISSED {
        for (order, at) in missed.iter().zip([1, 40, 74, 80]) {
            if number == at {
                world.send(&order.address, 100);
            }
        }
        if number % DEPOSIT_EVERY == 0 {
            world.send(&bound.address, 7);
            deposited += 7;
        }
        world.mine();
    }

    // Somebody looks again: orders are taken at once, and whoever pays now is done before all that was missed has been read.
    world.worker.step().await.unwrap();
    let now = world.gateway.create(&organization, request("now")).await.unwrap();
    world.send(&now.address, 100);
    let mut holes_left_when_done = None;
    // At first the node has forgotten what was missed; that keeps nobody from being paid.
    world.node.forgets.store(MISSED, Ordering::Relaxed);
    for block in 0..300 {
        if block == 20 {
            assert_eq!(holes_left_when_done, Some(1), "a hole that cannot be filled is in nobody's way");
            world.node.forgets.store(0, Ordering::Relaxed);
        }
        world.mine();
        for _ in 0..3 {
            world.worker.step().await.unwrap();
        }
        let holes = world.scans().await.len() - 1;
        let paid = world.gateway.order(&organization, now.order_id.as_str()).await.status == OrderStatus::Completed;
        if holes_left_when_done.is_none() && paid {
            holes_left_when_done = Some(holes);
        }
        if holes == 0 && holes_left_when_done.is_some() {
            break;
        }
    }
    assert_eq!(holes_left_when_done, Some(1), "the new order was paid while there was a hole");
    for _ in 0..20 {
        world.worker.step().await.unwrap();
    }
    let mut statuses = Vec::new();
    for order in &missed {
        statuses.push(world.gateway.order(&organization, order.order_id.as_str()).await.status);
    }
    let [paid, not] = [OrderStatus::Completed, OrderStatus::Expired];
    assert_eq!(statuses, [paid.clone(), paid.clone(), paid, not.clone(), not]);
    let sum = "SELECT CAST(SUM(amount_whole) AS BIGINT) FROM transfers WHERE deposit_id IS NOT NULL AND confirmed_at IS NOT NULL AND orphaned_at IS NULL";
    assert_eq!(world.place.value(sum).await, deposited.to_string());
    let transfers = world.place.value("SELECT COUNT(*) FROM transfers").await;
    assert_eq!(transfers, (MISSED / DEPOSIT_EVERY + 5).to_string(), "each transfer is one row");
    // Everything from the first block on has been looked at.
    assert_eq!(world.scans().await, [[first, world.blocks.to_string()]]);
}

#[tokio::test]
async fn three_days_are_made_up_for_on_sqlite() {
    nothing_is_lost_and_nobody_waits(Kind::Sqlite).await;
}

#[tokio::test]
async fn three_days_are_made_up_for_on_postgres() {
    nothing_is_lost_and_nobody_waits(Kind::Postgres).await;
}
