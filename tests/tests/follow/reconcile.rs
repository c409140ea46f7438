//! The daily comparison, piece by piece: a piece that fails is asked for again and loses nothing that was found before it, and what was
//! declared lost is passed over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;
use payin_core::transfer::Transfer;
use payin_core::{Block, Units};
use payin_server::chain::{Heads, Issued, Nodes, Read, Source, SourceFault, Watch};
use payin_server::worker::Worker as _;
use payin_server::worker::reconcile::Reconcile;
use payin_tests::gateway::{Gateway, Kind, Place, START, request};

use super::One;

/// A node that gives ten blocks at a time, and once, from one height on, none.
struct Pieces {
    transfers: Vec<Transfer>,
    fails_at: Mutex<Option<u64>>,
    asked: Mutex<Vec<(u64, u64)>>,
}

fn silence<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, SourceFault>> {
    ready(Err(SourceFault::Unavailable("silence".to_owned()))).boxed()
}

impl Source for Pieces {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        ready(Ok(())).boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        silence()
    }

    fn block(&self, _: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        silence()
    }

    fn above<'a>(&'a self, _: &'a Block, _: &'a Block, _: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        silence()
    }

    fn transfers<'a>(&'a self, _: &'a [Block], _: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        silence()
    }

    fn range<'a>(&'a self, from: u64, to: u64, _: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        self.asked.lock().unwrap().push((from, to));
        if self.fails_at.lock().unwrap().take_if(|at| *at == from).is_some() {
            return silence();
        }
        let number = to.min(from + 9);
        let last = Block { number, hash: format!("0x{number}"), parent_hash: String::new(), time: START };
        let transfers = self.transfers.iter().filter(|found| (from..=number).contains(&found.block_number)).cloned().collect();
        ready(Ok(Read { below: String::new(), last, transfers })).boxed()
    }

    fn issued<'a>(&'a self, _: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        silence()
    }
}

/// Compares blocks 0 to 99, of which one has a payment that was never recorded, while during one step the database lacks a table; answers what the node was asked for, and what was found.
async fn compare(fails_at: Option<u64>, lost: Option<(u64, u64)>, breaks: Option<(usize, &str)>) -> (Vec<(u64, u64)>, Vec<Vec<String>>) {
    let place = Place::new(Kind::Sqlite).await;
    let gateway = Gateway::open(&place.location, 1, None).await;
    gateway.follow_all().await;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let chain = gateway.chain("ethereum-sepolia");
    place.execute("UPDATE chain_cursors SET finalized_number = 99").await;
    place
        .execute(
            "INSERT INTO chain_scans (chain_id, from_number, to_number, to_hash, to_time, begun_at, scanned_at) \
             VALUES ('ethereum-sepolia', 0, 99, '0x99', 0, 0, 0)",
        )
        .await;
    if let Some((from, to)) = lost {
        let values = format!("('ethereum-sepolia', {from}, {to}, 0, 0, 'gone', 0)");
        place.execute(&format!("INSERT INTO chain_losses VALUES {values}")).await;
    }
    let token = chain.token(&"USDT".into()).unwrap();
    let missed = Transfer {
        chain_id: chain.id.clone(),
        tx_hash: "0x1".to_owned(),
        ordinal: 0,
        block_number: 5,
        block_hash: "0x5".to_owned(),
        block_time: START.plus(Duration::from_secs(60)),
        currency: token.currency.clone(),
        contract: token.contract.clone(),
        from: Address::from_evm_bytes(&[2; 20]),
        to: Address::from_canonical(order.address),
        amount: Units::from_base_units(5, 0).unwrap(),
    };
    let node = Arc::new(Pieces { transfers: vec![missed], fails_at: Mutex::new(fails_at), asked: Mutex::default() });
    let nodes = Arc::new(Nodes::new(vec![Arc::clone(&node) as Arc<dyn Source>]));
    let mut worker = Reconcile::new(gateway.app.clone(), chain, nodes, Arc::new(One), "one".to_owned());
    let mut failed = 0;
    for step in 0..20 {
        if let Some((_, broken)) = breaks.filter(|(at, _)| *at == step) {
            place.execute(&format!("ALTER TABLE {broken} RENAME TO broken")).await;
        }
        failed += usize::from(worker.step().await.is_err());
        if let Some((_, broken)) = breaks.filter(|(at, _)| *at == step) {
            place.execute(&format!("ALTER TABLE broken RENAME TO {broken}")).await;
        }
    }
    assert_eq!(failed, usize::from(fails_at.is_some()) + usize::from(breaks.is_some()));
    let found = place.rows("SELECT from_number, to_number, transfers, difference_count FROM chain_reconciliations").await;
    (node.asked.lock().unwrap().clone(), found)
}

#[tokio::test]
async fn a_piece_that_fails_loses_nothing() {
    let pieces = |from: u64, to: u64| (from..=to).step_by(10).map(move |first| (first, to));
    let whole = [["0", "99", "1", "1"]];
    let (asked, found) = compare(None, None, None).await;
    assert_eq!((asked, found), (pieces(0, 99).collect(), whole.map(|row| row.map(str::to_owned).to_vec()).to_vec()));
    // The difference was found before the failure.
    let (asked, found) = compare(Some(20), None, None).await;
    assert_eq!((asked.len(), asked[2], asked[3]), (11, (20, 99), (20, 99)));
    assert_eq!(found, whole);
    // Nobody asks for what is lost, also where that is all that is left.
    let (asked, found) = compare(None, Some((35, 62)), None).await;
    assert_eq!(asked, pieces(0, 34).chain(pieces(63, 99)).collect::<Vec<_>>());
    assert_eq!(found, whole);
    let (asked, found) = compare(None, Some((50, 99)), None).await;
    assert_eq!((asked.last(), found), (Some(&(40, 49)), whole.map(|row| row.map(str::to_owned).to_vec()).to_vec()));
    // The database fails before a piece, in the midst of one (which is asked for again), and at the end.
    for (step, table, asked_for) in [(5, "chain_losses", 10), (5, "transfers", 11), (11, "chain_reconciliations", 10)] {
        let (asked, found) = compare(None, None, Some((step, table))).await;
        assert_eq!((asked.len(), found), (asked_for, whole.map(|row| row.map(str::to_owned).to_vec()).to_vec()), "{table}");
    }
}
