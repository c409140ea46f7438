//! A block that breaks us each time it is read: it is neither passed over nor credited in part, and whoever looks is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use payin_core::address::Address;
use payin_core::finality::Finality;
use payin_core::transfer::Transfer;
use payin_core::{Chain, Units};
use payin_server::app::{chains, health};
use payin_server::chain::{Nodes, Source};
use payin_server::worker::Worker as _;
use payin_server::worker::chain::ChainWorker;
use payin_tests::gateway::{Gateway, Kind, Place, request};
use payin_types::followed::FollowedChain;
use payin_types::{Order, OrderStatus, OrganizationId};

use super::script::Script;
use super::{CONFIRMATIONS, One};

/// Longer than any node rests.
const RESTED: Duration = Duration::from_secs(600);

/// A payment in block 98, in which there is nothing wrong, and a block 99 that breaks whoever reads it.
struct Poisoned {
    place: Place,
    gateway: Gateway,
    organization: OrganizationId,
    order: Order,
    nodes: Vec<Arc<Script>>,
    worker: ChainWorker,
}

fn worker(gateway: &Gateway, chain: Chain, nodes: &[Arc<Script>]) -> ChainWorker {
    let sources = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn Source>).collect();
    ChainWorker::new(gateway.app.clone(), chain, Arc::new(Nodes::new(sources)), Arc::new(One), "one".to_owned(), Arc::default())
}

impl Poisoned {
    /// The first of so many nodes has the block that breaks us.
    async fn new(nodes: usize) -> Self {
        let place = Place::new(Kind::Sqlite).await;
        let gateway = Gateway::open(&place.location, 1, None).await;
        let organization = gateway.merchant(1).await;
        let mut chain = gateway.chain("ethereum-sepolia");
        (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
        let nodes: Vec<Arc<Script>> = (0..nodes).map(|_| Script::of(100, 90)).collect();
        let mut worker = worker(&gateway, chain.clone(), &nodes);
        worker.step().await.expect("block 97");
        gateway.clock.advance(Duration::from_secs(100));
        let order = gateway.create(&organization, request("order")).await.expect("an order");
        let block = nodes[0].at(98).expect("a block");
        let payment = Transfer {
            chain_id: chain.id.clone(),
            tx_hash: "0x1".to_owned(),
            ordinal: 0,
            block_number: block.number,
            block_hash: block.hash,
            block_time: block.time,
            currency: "USDT".into(),
            contract: chain.tokens[0].contract.clone(),
            from: Address::from_evm_bytes(&[1; 20]),
            to: Address::from_canonical(order.address.clone()),
            amount: Units::from_amount("100".parse().expect("an amount")).expect("a sum"),
        };
        nodes.iter().for_each(|node| node.paid.lock().unwrap().push(payment.clone()));
        nodes[0].poison.store(99, Ordering::Relaxed);
        Self { place, gateway, organization, order, nodes, worker }
    }

    async fn shown(&self) -> FollowedChain {
        let all = chains::list(&self.gateway.app, &self.organization).await.expect("the chains").data;
        all.into_iter().find(|chain| chain.chain_id.as_str() == "ethereum-sepolia").expect("the chain")
    }

    async fn status(&self) -> OrderStatus {
        self.gateway.order(&self.organization, self.order.order_id.as_str()).await.status
    }

    async fn goes_on(&mut self) {
        for _ in 0..6 {
            self.worker.step().await.expect("a step");
        }
        assert_eq!(self.shown().await.head_number, Some(100));
        assert_eq!(self.status().await, OrderStatus::Completed);
        assert_eq!(self.place.rows("SELECT tx_hash FROM transfers").await, [["0x1"]]);
        assert_eq!(self.place.value("SELECT COUNT(*) FROM events WHERE type = 'order.completed'").await, "1");
    }
}

#[tokio::test]
async fn a_chain_stands_before_a_block_that_breaks_us() {
    let mut world = Poisoned::new(1).await;
    let mut pauses = Vec::new();
    for time in 0..5 {
        let told = world.worker.step().await.expect_err("it breaks").to_string();
        assert!(told.contains("of blocks 98 to 100 made this program panic"), "{time}: {told}");
        let shown = world.shown().await;
        let node = &shown.nodes.as_ref().expect("its nodes")[0];
        pauses.push(node.rests_until.expect("it rests").since(world.gateway.now()));
        assert_eq!((shown.head_number, world.status().await), (Some(97), OrderStatus::Pending), "{time}");
        assert!(shown.status.as_str() == "degraded" && shown.message.contains("blocks 98 to 100 made this program panic"), "{shown:?}");
        let (_, checks) = health::ready(&world.gateway.app).await;
        let check = &checks["chain ethereum-sepolia"];
        assert!(check.status == "failing" && check.message.as_ref().is_some_and(|message| message.contains("panic")), "{check:?}");
        world.gateway.clock.advance(*pauses.last().expect("a pause"));
    }
    assert!(pauses.is_sorted() && pauses[4] > 4 * pauses[0], "it is tried again, and less often each time: {pauses:?}");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "0");
    // Another chain goes on, in the same process.
    let other = Script::of(100, 90);
    let mut beside = worker(&world.gateway, world.gateway.chain("base-sepolia"), &[other]);
    for _ in 0..9 {
        beside.step().await.expect("the other chain's step");
    }
    let heads = "SELECT chain_id, head_number FROM chain_cursors ORDER BY chain_id";
    assert_eq!(world.place.rows(heads).await, [["base-sepolia", "100"], ["ethereum-sepolia", "97"]]);
    // Whoever mends it finds everything where it was.
    world.nodes[0].poison.store(0, Ordering::Relaxed);
    world.gateway.clock.advance(RESTED);
    world.goes_on().await;
    assert_eq!(world.shown().await.status.as_str(), "following");
}

#[tokio::test]
async fn another_node_may_have_what_we_can_read() {
    let mut world = Poisoned::new(2).await;
    world.worker.step().await.expect_err("the first node's answer breaks it");
    world.goes_on().await;
    let nodes = world.shown().await.nodes.expect("its nodes");
    assert!(!nodes[0].answers && nodes[1].answers, "{nodes:?}");
}
