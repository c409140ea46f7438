//! Reads that take longer than a lease: the server that reads keeps the chain, gets on, and nobody else begins the same; one that has lost
//! its lease stops reading and changes nothing. Real workers under the real driver, by a clock that only the slow node moves.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Block;
use payin_core::address::Address;
use payin_core::finality::Finality;
use payin_core::transfer::Transfer;
use payin_server::chain::{Heads, Issued, Nodes, Read, Source, SourceFault, Watch};
use payin_server::env::{Clock, VirtualClock};
use payin_server::worker::chain::ChainWorker;
use payin_server::worker::driver::Driver;
use payin_tests::gateway::{Gateway, Kind, Place};
use tokio::sync::Notify;

use super::script::Script;
use super::{CONFIRMATIONS, One};

/// Far more than anybody waits for: what has not come by then never will.
const PATIENCE: usize = 2_000;

/// What happens while blocks are read.
enum Meanwhile {
    /// So many times five seconds pass.
    TimePasses(u32),
    /// Another server gets the lease, and time passes until somebody ends this.
    TheLeaseIsLost(Arc<Notify>),
}

/// A node that takes its time over blocks.
struct Slow {
    node: Arc<Script>,
    clock: Arc<VirtualClock>,
    place: Place,
    meanwhile: Meanwhile,
}

/// Tells when a read is given up.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Slow {
    async fn good_until(&self) -> i64 {
        self.place.value("SELECT expires_at FROM leases WHERE name = 'chain ethereum-sepolia'").await.parse().unwrap()
    }

    async fn pass_time(&self) {
        match &self.meanwhile {
            Meanwhile::TimePasses(times) => {
                for _ in 0..*times {
                    let now = self.clock.advance(Duration::from_secs(5));
                    // A lease that is renewed in time is always good for as long as this.
                    let good_until = now.plus(Duration::from_secs(15)).millis();
                    let mut looks = 0;
                    while self.good_until().await < good_until {
                        looks += 1;
                        assert!(looks < PATIENCE, "the lease is not renewed");
                        tokio::task::yield_now().await;
                    }
                }
            }
            Meanwhile::TheLeaseIsLost(ended) => {
                let _ended = Ended(Arc::clone(ended));
                self.place.execute("UPDATE leases SET holder = 'another', fence = fence + 1").await;
                loop {
                    self.clock.advance(Duration::from_secs(1));
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

impl Source for Slow {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        self.node.check()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        self.node.heads()
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        self.node.block(number)
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        async move {
            self.pass_time().await;
            self.node.above(tip, latest, max).await
        }
        .boxed()
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        self.node.transfers(blocks, watch)
    }

    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        self.node.range(from, to, watch)
    }

    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        self.node.issued(addresses)
    }
}

/// A server that follows the chain by a slow node of its own.
fn start(gateway: &Gateway, clock: &Arc<VirtualClock>, place: &Place, name: &str, meanwhile: Meanwhile) -> Driver {
    let mut app = gateway.app.clone();
    app.clock = Arc::clone(clock) as Arc<dyn Clock>;
    let mut chain = gateway.chain("ethereum-sepolia");
    (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
    let slow = Slow { node: Script::of(100, 90), clock: Arc::clone(clock), place: Place::of(&place.location), meanwhile };
    let nodes = Arc::new(Nodes::new(vec![Arc::new(slow) as Arc<dyn Source>]));
    let worker = ChainWorker::new(app.clone(), chain, nodes, Arc::new(One), name.to_owned(), Arc::default());
    let mut driver = Driver::new(Arc::clone(&app.clock));
    driver.start(Box::new(worker), &Arc::default());
    driver
}

#[tokio::test]
async fn reads_longer_than_a_lease_get_on_with_several_servers() {
    let place = Place::new(Kind::Postgres).await;
    let (one, two) = (Gateway::open(&place.location, 1, None).await, Gateway::open(&place.location, 2, None).await);
    let clock = Arc::clone(&one.clock);
    // Each read takes a hundred seconds, and a lease thirty.
    let drivers =
        [start(&one, &clock, &place, "one", Meanwhile::TimePasses(20)), start(&two, &clock, &place, "two", Meanwhile::TimePasses(20))];
    let mut looks = 0;
    while place.rows("SELECT head_number FROM chain_cursors").await != [["100"]] {
        looks += 1;
        assert!(looks < PATIENCE, "it is not followed to its newest block");
        tokio::task::yield_now().await;
    }
    assert_eq!(place.value("SELECT fence FROM leases WHERE name = 'chain ethereum-sepolia'").await, "1", "it never changed hands");
    for driver in drivers {
        driver.stop().await;
    }
    assert_eq!(place.rows("SELECT from_number, to_number FROM chain_scans").await, [["97", "100"]]);
}

#[tokio::test]
async fn a_read_ends_when_its_lease_is_lost() {
    let place = Place::new(Kind::Sqlite).await;
    let gateway = Gateway::open(&place.location, 1, None).await;
    let ended = Arc::new(Notify::new());
    let driver = start(&gateway, &gateway.clock, &place, "one", Meanwhile::TheLeaseIsLost(Arc::clone(&ended)));
    tokio::time::timeout(Duration::from_secs(60), ended.notified()).await.expect("the read is given up");
    driver.stop().await;
    assert_eq!(place.rows("SELECT head_number FROM chain_cursors").await, [["97"]], "as far as before");
    assert_eq!(place.rows("SELECT holder, fence FROM leases").await, [["another", "2"]], "nor is it taken from who has it");
}
