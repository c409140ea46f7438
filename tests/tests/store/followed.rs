//! What is told of how chains are followed: holes, a halted chain, what a comparison found; and a halted chain that goes on, with the money
//! that its chain took back.

use payin_core::Block;
use payin_core::reconcile::{Difference, What};
use payin_server::app::ledger::{Halt, Resume, TakeBack};
use payin_server::app::progress;
use payin_server::app::reconcile::{Keep, Reconciliation};
use payin_server::store::Fault;
use payin_tests::gateway::{Kind, fault, request};
use payin_types::followed::{BlockRange, FollowedChain};
use payin_types::{ChainStatus, OrderStatus, OrganizationId};

use super::World;
use super::line::{Line, Sent, at};

const CHAIN: &str = "ethereum-sepolia";
const REASON: &str = "the node has another block 101 than we";

async fn told(world: &World, organization: &OrganizationId) -> FollowedChain {
    let all = payin_server::app::chains::list(&world.gateway.app, organization).await.expect("the chains");
    assert_eq!(all.data.len(), 3);
    all.data.into_iter().find(|chain| chain.chain_id.as_str() == CHAIN).expect("the chain")
}

async fn halt(line: &Line) {
    let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.expect("a cursor"));
    line.gateway.write(Halt { lease, chain, from, reason: REASON.to_owned() }).await.expect("halted");
}

fn resume(line: &Line, reason: &str, take_back_from: Option<u64>) -> Resume {
    Resume { chain: line.chain.clone(), reason: reason.to_owned(), take_back_from }
}

pub async fn how_chains_are_followed_is_told(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (ours, others) = (gateway.merchant(1).await, gateway.merchant(1).await);
    let order = gateway.create(&ours, request("order")).await.unwrap();
    let mut line = Line::new(gateway, CHAIN).await;
    line.blocks(3, at(1)).await;
    let shown = told(&world, &ours).await;
    assert_eq!((shown.status, shown.message.as_str()), (ChainStatus::Following, "It is followed up to block 102."));
    assert_eq!((shown.head_number, shown.head_hash.as_deref(), shown.head_time), (Some(102), Some("0xb0-102"), Some(at(3))));
    assert_eq!((shown.finalized_number, shown.moved_at, shown.lag_seconds), (Some(0), Some(gateway.now()), Some(0)));
    assert_eq!((shown.tokens.len(), shown.required_confirmations, shown.confirmed_by.as_str()), (2, 3, "count"));
    assert_eq!((shown.holes, shown.nodes, shown.last_reconciliation), (vec![], None, None));

    // A hole, which is told with what lies around it.
    let top = Block { number: 500, hash: "0xtop".to_owned(), parent_hash: "0x?".to_owned(), time: at(60) };
    gateway.write(line.unit(&top, &[]).await).await.unwrap();
    line.went_to(top);
    let shown = told(&world, &ours).await;
    let scans: Vec<_> = shown.scans.iter().map(|scan| (scan.from_number, scan.to_number, scan.scanned_at)).collect();
    assert_eq!(scans, [(100, 102, gateway.now()), (500, 500, gateway.now())]);
    let holes: Vec<_> = shown.holes.iter().map(|BlockRange { from_number, to_number, .. }| (*from_number, *to_number)).collect();
    assert_eq!(holes, [(103, 499)]);
    assert!(shown.status == ChainStatus::Following && shown.message.contains("397 older blocks"), "{}", shown.message);

    // What a comparison found: how much is for all, which is for whose it is.
    let difference = Difference {
        tx_hash: "0x1".to_owned(),
        ordinal: 0,
        block_number: 101,
        to: order.address.clone(),
        transfer_id: None,
        what: What::NotRecorded,
        detail: "5.00 USDT was not recorded".to_owned(),
    };
    let found = Reconciliation {
        from_number: 100,
        to_number: 102,
        transfers: 1,
        differences: serde_json::to_string(&[difference]).unwrap(),
        difference_count: 1,
        reconciled_at: gateway.now(),
    };
    gateway.write(Keep { lease: line.lease.clone(), chain: line.chain.clone(), found }).await.unwrap();
    for (organization, count) in [(&ours, 1), (&others, 0)] {
        let last = told(&world, organization).await.last_reconciliation.expect("a comparison");
        assert_eq!((last.from_number, last.to_number, last.difference_count, last.differences.len()), (100, 102, 1, count));
        assert!(last.differences.iter().all(|shown| shown.kind.as_str() == "not_recorded" && shown.tx_hash == "0x1"));
    }

    // What is wrong at the moment, then what is worse.
    gateway.app.health.chain(&line.chain.id, Err("its finality stalls".to_owned()));
    assert_eq!(told(&world, &ours).await.status, ChainStatus::Degraded);
    gateway.clock.advance(std::time::Duration::from_secs(3 * 24 * 3600));
    assert_eq!(told(&world, &ours).await.status, ChainStatus::Behind);
    halt(&line).await;
    let shown = told(&world, &ours).await;
    assert!(shown.status == ChainStatus::Halted && shown.message.contains(REASON), "{}", shown.message);
    // A chain that begins anew.
    world.place.execute("DELETE FROM chain_cursors").await;
    let shown = told(&world, &ours).await;
    assert_eq!((shown.status, shown.head_number), (ChainStatus::NotFollowed, None));
}

pub async fn a_halted_chain_goes_on(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let (kept, lost) =
        (gateway.create(&organization, request("kept")).await.unwrap(), gateway.create(&organization, request("lost")).await.unwrap());
    let mut line = Line::new(gateway, CHAIN).await;
    line.block(at(1), &[Sent::pays(&kept, "100", "0x1")]).await;
    line.block(at(2), &[Sent::pays(&lost, "100", "0x2")]).await;
    line.blocks(5, at(3)).await;
    line.finalize(at(9)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &lost).await.status, OrderStatus::Completed);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers WHERE final_at IS NOT NULL").await, "2");
    // The chain has another block 101, in which the second payment was: 100 is the newest that it shares with us.
    let fork = Block { number: 100, hash: "0xb0-100".to_owned(), parent_hash: "0x?".to_owned(), time: at(1) };
    let take_back = || async {
        let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.unwrap());
        TakeBack { lease, chain, from, fork: fork.clone(), tolerance: line.tolerance, now: gateway.now() }
    };
    assert!(matches!(fault(gateway.write(take_back().await).await), Fault::Corrupt(_)), "nobody has allowed it");
    assert!(matches!(fault(gateway.write(resume(&line, REASON, None)).await), Fault::Guard { .. }), "it is not halted");
    halt(&line).await;
    assert!(matches!(fault(gateway.write(resume(&line, "something else", None)).await), Fault::Guard { .. }), "not what the person saw");
    // Without a height it goes on, and what was final stays so.
    gateway.write(resume(&line, REASON, None)).await.unwrap();
    assert!(matches!(fault(gateway.write(take_back().await).await), Fault::Corrupt(_)));
    halt(&line).await;
    let stale = take_back().await;
    // Down to 102 is too high for this fork.
    gateway.write(resume(&line, REASON, Some(100))).await.unwrap();
    assert!(matches!(fault(gateway.write(take_back().await).await), Fault::Corrupt(_)));
    halt(&line).await;
    gateway.write(resume(&line, REASON, Some(101))).await.unwrap();
    assert!(matches!(fault(gateway.write(stale).await), Fault::Guard { .. }), "of before the person's word");
    // What the worker compares with the node first: where it is taken back to, and what of ours must be there.
    let (number, ours) = progress::below(&gateway.app, &line.chain, 101).await.unwrap();
    assert_eq!((number, ours), (100, vec![(100, "0xb0-100".to_owned())]));
    gateway.write(take_back().await).await.unwrap();
    let cursor = line.cursor().await.unwrap();
    assert_eq!((cursor.head_number, cursor.finalized_number, cursor.halted, cursor.take_back_from), (100, 100, None, None));
    assert!(
        matches!(
            fault(gateway.write(TakeBack { fork: Block { number: 99, ..fork.clone() }, ..take_back().await }).await),
            Fault::Corrupt(_)
        ),
        "once"
    );
    let shown = world.fresh(&organization, &lost).await;
    assert_eq!((shown.status, shown.received_amount.unwrap().to_string()), (OrderStatus::Completed, "0.00".to_owned()));
    let id = lost.order_id.as_str();
    assert_eq!(world.events(id).await, [format!("evt_order_completed_{id}"), format!("evt_order_reverted_{id}")]);
    assert_eq!(world.events(kept.order_id.as_str()).await.len(), 1, "what stays is not told again");
    assert_eq!(
        world.place.rows("SELECT from_number, to_number FROM chain_scans WHERE chain_id = 'ethereum-sepolia'").await,
        [["100", "100"]]
    );
    // It is followed again, and the payment comes once more.
    line.reorganised_to(100);
    line.finalized = None;
    line.block(at(20), &[Sent::pays(&lost, "100", "0x2")]).await;
    line.blocks(3, at(21)).await;
    line.settle().await;
    let shown = world.fresh(&organization, &lost).await;
    assert_eq!((shown.received_amount.unwrap().to_string(), shown.block_number), ("100.00".to_owned(), Some(101)));
    assert_eq!(world.events(id).await.len(), 3);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "2");
}

/// What lies in a hole was not looked at: there is nothing to take back, and following begins at its lower end.
pub async fn a_chain_goes_on_below_a_hole(kind: Kind) {
    let world = World::new(kind).await;
    let mut line = Line::new(&world.gateway, CHAIN).await;
    line.blocks(3, at(1)).await;
    for number in [500, 900] {
        let top = Block { number, hash: format!("0x{number}"), parent_hash: "0x?".to_owned(), time: at(number) };
        world.gateway.write(line.unit(&top, &[]).await).await.unwrap();
        line.went_to(top);
    }
    let below = async |lowest| progress::below(&world.gateway.app, &line.chain, lowest).await.unwrap().0;
    assert_eq!([below(950).await, below(900).await, below(500).await, below(102).await, below(7).await], [900, 500, 102, 101, 6]);
    halt(&line).await;
    world.gateway.write(resume(&line, REASON, Some(300))).await.unwrap();
    let fork = line.at(102);
    let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.unwrap());
    let unit = TakeBack { lease, chain, from, fork, tolerance: line.tolerance, now: world.gateway.now() };
    world.gateway.write(unit).await.unwrap();
    let scans = "SELECT from_number, to_number FROM chain_scans WHERE chain_id = 'ethereum-sepolia'";
    assert_eq!(world.place.rows(scans).await, [["100", "102"]]);
    assert_eq!(line.cursor().await.unwrap().hole_since, None);
}
