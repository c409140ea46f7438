//! What has been looked at: after a downtime the newest blocks come first, and the hole below them is filled without losing, doubling or
//! ending anything. And large transfers, which count when more is known of them.

use payin_core::finality::Rest;
use payin_core::reconcile::What;
use payin_core::{Block, Units};
use payin_server::app::ledger::{Agree, DeclareLost, FillHole, TakeBlocks};
use payin_server::app::progress::{self, Due, Loss};
use payin_server::app::reconcile::{self, Keep, Reconciliation};
use payin_server::store::{Fault, chains};
use payin_tests::gateway::{Kind, fault, request};
use payin_types::OrderStatus;

use super::World;
use super::line::{Line, Sent, at};

/// When an order's time is over.
const CLOSES: u64 = 15 * 60;

impl Line {
    /// The node is far ahead: a final block high above, and nothing of what lies between.
    async fn leap(&mut self, number: u64, seconds: u64) {
        let block = Block { number, hash: format!("0xb0-{number}"), parent_hash: "0x?".to_owned(), time: at(seconds) };
        let finalized = Some(Rest { number, hash: block.hash.clone() });
        let unit = TakeBlocks { low: number, blocks: vec![block.clone()], finalized, ..self.unit(&block, &[]).await };
        self.gateway.write(unit).await.expect("the chain is taken up again above");
        self.went_to(block);
    }

    /// What fills the lowest hole up to a block.
    async fn fill_unit(&self, number: u64, seconds: u64, sent: &[Sent]) -> FillHole {
        let (below, above) = progress::hole(&self.gateway.app, &self.chain).await.expect("an answer").expect("a hole");
        let last = Block { number, hash: format!("0xb0-{number}"), parent_hash: "0x?".to_owned(), time: at(seconds) };
        let transfers = sent.iter().map(|sent| self.transfer(sent, &last)).collect();
        let from = self.cursor().await.expect("a cursor");
        let (lease, chain, now) = (self.lease.clone(), self.chain.clone(), self.gateway.now());
        FillHole { lease, chain, from, below, above, last, transfers, now }
    }

    async fn due(&self) -> Due {
        let cursor = self.cursor().await.expect("a cursor");
        progress::due(&self.gateway.app, &self.chain, &cursor).await.expect("what is due")
    }
}

pub async fn a_hole_is_filled_beside_the_newest_blocks(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(3).await;
    let [paid, unpaid] = ["paid in the hole", "never paid"].map(request);
    let (paid, unpaid) = (gateway.create(&organization, paid).await.unwrap(), gateway.create(&organization, unpaid).await.unwrap());
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(1)).await;
    let scans = || world.place.rows("SELECT from_number, to_number FROM chain_scans WHERE chain_id = 'ethereum-sepolia' ORDER BY 1");
    assert_eq!(scans().await, [["100", "102"]]);

    // Three days later. Whoever orders and pays now need not wait for what was missed.
    let later = 72 * 3600;
    line.leap(20_000, later).await;
    assert_eq!(scans().await, [["100", "102"], ["20000", "20000"]]);
    gateway.clock.advance(std::time::Duration::from_secs(later));
    let new = gateway.create(&organization, request("new")).await.unwrap();
    line.block(at(later + 1), &[Sent::pays(&new, "100", "0x1")]).await;
    line.blocks(3, at(later + 2)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &new).await.status, OrderStatus::Completed);
    // But nothing ends for want of what may lie in the hole.
    let due = line.due().await;
    assert_eq!((due.expire, due.release), (vec![], vec![]));

    // Two pieces: the first with a payment in time, the second up to the block that we began again at. Each only once.
    let piece = line.fill_unit(9_000, CLOSES, &[Sent::pays(&paid, "60", "0x2"), Sent::pays(&paid, "40", "0x2").at_ordinal(1)]).await;
    let stray = FillHole { last: Block { number: 8_999, ..piece.last.clone() }, transfers: piece.transfers.clone(), ..again(&piece) };
    assert!(matches!(fault(gateway.write(stray).await), Fault::Corrupt(_)));
    gateway.write(again(&piece)).await.unwrap();
    assert!(matches!(fault(gateway.write(piece).await), Fault::Guard { .. }));
    assert_eq!(scans().await, [["100", "9000"], ["20000", "20004"]]);
    line.settle().await;
    let shown = world.fresh(&organization, &paid).await;
    assert_eq!(
        (shown.status.clone(), shown.received_amount.map(|amount| amount.to_string())),
        (OrderStatus::Completed, Some("100.00".to_owned()))
    );
    assert_eq!(line.due().await.expire, [], "all up to 9000 is known, and that is before its time was over");
    gateway.write(line.fill_unit(20_000, later, &[Sent::pays(&unpaid, "1", "0x3")]).await).await.unwrap();
    assert_eq!(scans().await, [["100", "20004"]]);
    line.settle().await;
    assert_eq!(line.due().await.expire, std::slice::from_ref(&unpaid.order_id));
    line.expire().await;
    assert_eq!(world.fresh(&organization, &unpaid).await.status, OrderStatus::Expired);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "4");
}

fn again(fill: &FillHole) -> FillHole {
    let FillHole { lease, chain, from, below, above, last, transfers, now } = fill;
    FillHole {
        lease: lease.clone(),
        chain: chain.clone(),
        from: from.clone(),
        below: below.clone(),
        above: above.clone(),
        last: last.clone(),
        transfers: transfers.clone(),
        now: *now,
    }
}

pub async fn what_was_looked_at_follows_reorganisations(kind: Kind) {
    let world = World::new(kind).await;
    let mut line = Line::new(&world.gateway, "ethereum-sepolia").await;
    let scans =
        || world.place.rows("SELECT from_number, to_number, to_hash FROM chain_scans WHERE chain_id = 'ethereum-sepolia' ORDER BY 1");
    line.blocks(4, at(1)).await;
    line.reorganise(2).await;
    assert_eq!(scans().await, [["100", "101", "0xb0-101"]]);
    line.blocks(1, at(9)).await;
    assert_eq!(scans().await, [["100", "102", "0xb1-102"]]);
    // A cursor that nobody has evidence for, as an older version left it, begins to have some.
    world.gateway.tx(|tx| Box::pin(async move { Ok(chains::forget_scans(tx).await?) })).await.unwrap();
    line.blocks(2, at(10)).await;
    assert_eq!(scans().await, [["103", "104", "0xb1-104"]]);
}

pub async fn large_transfers_wait_until_more_is_known(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(4).await;
    let mut orders = Vec::new();
    for (name, amount) in [("small", "499.99"), ("to agree on", "500"), ("large", "1000")] {
        let asked = payin_types::CreateOrder { amount: amount.parse().unwrap(), ..request(name) };
        orders.push((gateway.create(&organization, asked).await.unwrap(), amount));
    }
    let asked = payin_types::CreateOrder { amount: "600".parse().unwrap(), ..request("in parts") };
    let parted = gateway.create(&organization, asked).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let units = |text: &str| Units::from_amount(text.parse().unwrap());
    (line.chain.agreed_above, line.chain.final_above) = (units("500"), units("1000"));
    let paid: Vec<Sent> = orders.iter().map(|(order, amount)| Sent::pays(order, amount, &format!("0x{amount}"))).collect();
    // Many small parts are as good as one large one, and no better.
    let parts: Vec<Sent> = (0..3).map(|part| Sent::pays(&parted, "200", &format!("0xpart{part}"))).collect();
    line.block(at(1), &[paid.clone(), parts].concat()).await;
    line.blocks(4, at(2)).await;
    line.settle().await;
    let done = || async {
        let mut done = Vec::new();
        for (order, _) in &orders {
            done.push(world.fresh(&organization, order).await.status == OrderStatus::Completed);
        }
        done
    };
    assert_eq!(done().await, [true, false, false]);
    assert!(!line.due().await.settle, "what waits for a word keeps nobody busy");
    // Both wait for a second node's word, and neither expires meanwhile.
    let cursor = line.cursor().await.unwrap();
    let unagreed = progress::unagreed(&gateway.app, &line.chain, &cursor).await.unwrap();
    let mut waiting: Vec<_> = unagreed.iter().map(|(_, transfer)| transfer.tx_hash.as_str()).collect();
    waiting[2..].sort_unstable();
    assert_eq!(waiting, ["0x1000", "0x500", "0xpart0", "0xpart1", "0xpart2"], "the largest first");
    line.blocks(4, at(CLOSES + 60)).await;
    assert_eq!(line.due().await.expire, []);
    for (transfer, told) in unagreed {
        let agree = |block_hash: &str| Agree {
            lease: line.lease.clone(),
            transfer: transfer.clone(),
            block_hash: block_hash.to_owned(),
            now: gateway.now(),
        };
        assert!(matches!(fault(gateway.write(agree("0xanother")).await), Fault::Guard { .. }));
        gateway.write(agree(&told.block_hash)).await.unwrap();
    }
    line.settle().await;
    assert_eq!(done().await, [true, true, false]);
    line.finalize(at(CLOSES + 70)).await;
    line.settle().await;
    assert_eq!(done().await, [true, true, true]);
    // What a fork would take back, and so whether one node's word is enough for it.
    let counted = |above| progress::counted_above(&gateway.app, &line.chain, above);
    assert_eq!((counted(99).await.unwrap(), counted(100).await.unwrap()), (true, false));
}

pub async fn chain_and_database_are_compared(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let sent = [Sent::pays(&order, "60", "0x1"), Sent::pays(&order, "40", "0x1").at_ordinal(1)];
    line.block(at(1), &sent).await;
    line.blocks(4, at(2)).await;
    let block = line.at(100);
    let truth: Vec<_> = sent.iter().map(|sent| line.transfer(sent, &block).1).collect();
    let compare = |theirs: Vec<_>| {
        let (app, chain) = (gateway.app.clone(), line.chain.clone());
        async move {
            let found = reconcile::compare(&app, &chain, (100, 104), &theirs).await.unwrap();
            found.into_iter().map(|found| (found.what, found.tx_hash, found.ordinal)).collect::<Vec<_>>()
        }
    };
    assert_eq!(compare(truth.clone()).await, []);
    let other = |change: fn(&mut payin_core::transfer::Transfer)| {
        let mut other = truth[1].clone();
        change(&mut other);
        vec![truth[0].clone(), other]
    };
    let tx = || "0x1".to_owned();
    assert_eq!(compare(other(|t| t.block_hash = "0xother".to_owned())).await, [(What::Different, tx(), 1)]);
    assert_eq!(compare(truth[..1].to_vec()).await, [(What::NotOnChain, tx(), 1)]);
    // What came to an address before it was ours, or to nobody's, is not missed.
    let missed = |change: fn(&mut payin_core::transfer::Transfer)| [truth.clone(), other(change)[1..].to_vec()].concat();
    assert_eq!(compare(missed(|t| t.ordinal = 2)).await, [(What::NotRecorded, tx(), 2)]);
    assert_eq!(compare(missed(|t| (t.ordinal, t.block_time) = (2, payin_tests::gateway::START))).await, []);
    let nobody = missed(|t| (t.ordinal, t.to) = (2, payin_core::address::Address::from_evm_bytes(&[9; 20])));
    assert_eq!(compare(nobody).await, []);
    // What was found is kept, in place of what was found before.
    for count in [3, 0] {
        let found = Reconciliation {
            from_number: 100,
            to_number: 104,
            transfers: 2,
            differences: "[]".to_owned(),
            difference_count: count,
            reconciled_at: gateway.now(),
        };
        let (lease, chain) = (line.lease.clone(), line.chain.clone());
        gateway.write(Keep { lease, chain, found: found.clone() }).await.unwrap();
        assert_eq!(reconcile::last(&gateway.app, &line.chain).await.unwrap(), Some(found));
    }
}

/// An address was free for long when nobody looked, and was paid meanwhile. Whoever is given it afterwards has not been paid.
pub async fn what_lies_in_a_hole_is_not_the_next_orders(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let first = gateway.create(&organization, request("first")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(4, at(CLOSES + 1)).await;
    line.expire().await;
    line.finalize(at(CLOSES + 5)).await;
    assert_eq!(line.release().await, std::slice::from_ref(&first.order_id));
    // Free again after its rest, by every chain of the family.
    let free = CLOSES + 5 + 30 * 60;
    line.block(at(free), &[]).await;
    for chain in ["base-sepolia", "bsc-testnet"] {
        Line::new(gateway, chain).await.block(at(free), &[]).await;
    }
    let later = 24 * 3600;
    line.leap(20_000, later).await;
    gateway.clock.advance(std::time::Duration::from_secs(later));
    let second = gateway.create(&organization, request("second")).await.unwrap();
    assert_eq!(second.address, first.address);
    let before = [Sent::to(&first.address, "100", "0xbefore")];
    gateway.write(line.fill_unit(10_000, later / 2, &before).await).await.unwrap();
    gateway.write(line.fill_unit(20_000, later, &[]).await).await.unwrap();
    line.settle().await;
    assert_eq!(world.verdict("0xbefore").await, "late");
    assert_eq!(world.fresh(&organization, &second).await.status, OrderStatus::Pending);
    // What comes from now on is his.
    line.block(at(later + 5), &[Sent::pays(&second, "100", "0xnow")]).await;
    line.blocks(3, at(later + 6)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &second).await.status, OrderStatus::Completed);
}

/// What fills a hole must lead from the block below it to the block above: by their hashes, not only by their heights.
pub async fn what_fills_a_hole_leads_to_both_its_ends(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(1)).await;
    line.leap(200, 60).await;
    let rows =
        || world.place.rows("SELECT from_number, from_hash, to_number FROM chain_scans WHERE chain_id = 'ethereum-sepolia' ORDER BY 1");
    assert_eq!(rows().await, [["100", "0xb0-100", "102"], ["200", "0xb0-200", "200"]]);
    let honest = line.fill_unit(200, 60, &[Sent::pays(&order, "100", "0x1")]).await;
    let evil = FillHole { last: Block { hash: "0xanother-200".to_owned(), ..honest.last.clone() }, ..again(&honest) };
    assert!(matches!(fault(gateway.write(evil).await), Fault::Corrupt(text) if text.contains("does not lead to")));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM transfers").await, "0");
    gateway.write(honest).await.unwrap();
    assert_eq!(rows().await, [["100", "0xb0-100", "200"]]);
    // Where the upper end is of before hashes were kept, its height decides.
    line.leap(400, 90).await;
    world.place.execute("UPDATE chain_scans SET from_hash = NULL").await;
    gateway.write(line.fill_unit(400, 90, &[]).await).await.unwrap();
    assert_eq!(rows().await, [["100", "-", "400"]]);
    // A row that a reorganisation leaves below its own beginning begins at what is left.
    line.leap(600, 120).await;
    let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.unwrap());
    let fork = Block { number: 90, hash: "0xb9-90".to_owned(), parent_hash: "0x?".to_owned(), time: at(0) };
    world.place.execute("DELETE FROM chain_scans WHERE from_number = 100").await;
    world.place.execute("UPDATE chain_cursors SET take_back_from = 91 WHERE chain_id = 'ethereum-sepolia'").await;
    let from = chains::Cursor { take_back_from: Some(91), ..from };
    let tolerance = line.tolerance;
    gateway.write(payin_server::app::ledger::TakeBack { lease, chain, tolerance, from, fork, now: gateway.now() }).await.unwrap();
    assert_eq!(rows().await, [["90", "0xb9-90", "90"]]);
}

/// A node's `finalized` that names another block of our newest one's height is of another chain: nothing becomes final by it.
pub async fn another_chains_finality_is_not_ours(kind: Kind) {
    let world = World::new(kind).await;
    let mut line = Line::new(&world.gateway, "ethereum-sepolia").await;
    line.blocks(3, at(1)).await;
    let finalized = |line: &Line, hash: &str| Some(Rest { number: line.head() + 1, hash: hash.to_owned() });
    let block = line.next(at(9));
    let evil = TakeBlocks { finalized: finalized(&line, "0xanother"), ..line.unit(&block, &[]).await };
    world.gateway.write(evil).await.unwrap();
    line.went_to(block);
    assert_eq!(line.cursor().await.unwrap().finalized_number, 0);
    // The same while no block comes, and its honest twin.
    for (hash, final_now) in [("0xanother", 0), (line.at(103).hash.as_str(), 103)] {
        let finalized = Some(Rest { number: 103, hash: hash.to_owned() });
        let idle = TakeBlocks { blocks: Vec::new(), finalized, ..line.unit(&line.at(103), &[]).await };
        world.gateway.write(idle).await.unwrap();
        assert_eq!(line.cursor().await.unwrap().finalized_number, final_now, "{hash}");
    }
}

/// A hole that no node can fill: a person's word ends the waiting for it, for as much of it as they say, and is kept.
pub async fn a_hole_may_be_declared_lost(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let order = gateway.create(&organization, request("paid where nobody looks")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(4, at(1)).await;
    let later = 24 * 3600;
    line.leap(20_000, later).await;
    line.blocks(3, at(later + 1)).await;
    assert_eq!(line.due().await.expire, []);
    let scans =
        || world.place.rows("SELECT from_number, to_number, to_hash FROM chain_scans WHERE chain_id = 'ethereum-sepolia' ORDER BY 1");
    let declare = async |from_number, to_number| {
        let (below, above) = progress::hole(&gateway.app, &line.chain).await.unwrap().unwrap();
        let (since, until, reason) = (below.to_time, at(later), "every provider has pruned them".to_owned());
        let loss = Loss { from_number, to_number, since, until, reason, declared_at: gateway.now() };
        DeclareLost { chain: line.chain.clone(), below, above, loss, now: gateway.now() }
    };
    // Not the lower part of the hole: nothing changes.
    for (from, to) in [(103, 500), (105, 500), (104, 20_000), (104, 103)] {
        assert!(matches!(fault(gateway.write(declare(from, to).await).await), Fault::Corrupt(_)), "{from} to {to}");
    }
    assert_eq!(world.place.value("SELECT COUNT(*) FROM chain_losses").await, "0");

    // The lower part is lost; the rest is still read, and still waited for. A person who saw another hole changes nothing.
    let stale = declare(104, 9_999).await;
    gateway.write(declare(104, 9_999).await).await.unwrap();
    assert!(matches!(fault(gateway.write(stale).await), Fault::Guard { .. }));
    assert_eq!(scans().await, [["100", "9999", ""], ["20000", "20003", "0xb0-20003"]]);
    assert_eq!(line.due().await.expire, [], "the rest may still hold a payment");
    let (number, known) = progress::below(&gateway.app, &line.chain, 10_000).await.unwrap();
    assert!(number == 9_999 && known.iter().all(|(_, hash)| !hash.is_empty()), "what nobody has seen is compared with no node: {known:?}");
    gateway.write(line.fill_unit(12_000, 7_200, &[]).await).await.unwrap();

    // Then all of it, while the chain goes on. What was paid there is missing: the order's time is over.
    let all = declare(12_001, 19_999).await;
    line.blocks(2, at(later + 9)).await;
    gateway.write(all).await.unwrap();
    assert_eq!(scans().await, [["100", "20005", "0xb0-20005"]]);
    assert_eq!(line.cursor().await.unwrap().hole_since, None);
    assert_eq!(line.due().await.expire, std::slice::from_ref(&order.order_id));
    assert_eq!(progress::losses(&gateway.app, &line.chain).await.unwrap().len(), 2);
    let told = payin_server::app::chains::list(&gateway.app, &organization).await.unwrap();
    let told = &told.data[0];
    assert!(told.chain_id.as_str() == "ethereum-sepolia" && told.holes.is_empty());
    let lost: Vec<_> = told.lost.iter().map(|lost| (lost.from_number, lost.to_number, lost.reason.as_str())).collect();
    assert_eq!(lost, [(104, 9_999, "every provider has pruned them"), (12_001, 19_999, "every provider has pruned them")]);
    // Nobody is told that those blocks held nothing.
    assert_eq!(line.expire().await, std::slice::from_ref(&order.order_id));
    let told = payin_server::app::orders::explain(&gateway.app, &organization, order.order_id.as_str()).await.unwrap();
    let codes: Vec<_> = told.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["expired_unpaid", "blocks_lost"], "those of another time are no matter");
    assert!(told.findings[1].message.contains("Blocks 104 to 9999"), "{told:?}");
}

/// What a reorganisation takes back is read again and no longer lost; and may be lost again.
pub async fn what_is_taken_back_is_not_lost(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(1)).await;
    line.leap(200, 60).await;
    line.blocks(3, at(61)).await;
    let chain = line.chain.clone();
    let declare = async || {
        let (below, above) = progress::hole(&gateway.app, &chain).await.unwrap().unwrap();
        let (since, until, reason) = (below.to_time, at(60), "gone".to_owned());
        let (from_number, to_number) = (below.to_number + 1, above.from_number - 1);
        let loss = Loss { from_number, to_number, since, until, reason, declared_at: gateway.now() };
        gateway.write(DeclareLost { chain: chain.clone(), below, above, loss, now: gateway.now() }).await.unwrap();
    };
    let losses = || world.place.rows("SELECT from_number, to_number FROM chain_losses");
    declare().await;
    assert_eq!(losses().await, [["103", "199"]]);
    for (fork, left) in [(201, vec![["103", "199"]]), (150, vec![["103", "150"]]), (102, Vec::new())] {
        world.place.execute(&format!("UPDATE chain_cursors SET take_back_from = {} WHERE chain_id = 'ethereum-sepolia'", fork + 1)).await;
        let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.unwrap());
        let fork = Block { number: fork, hash: format!("0xb9-{fork}"), parent_hash: "0x?".to_owned(), time: at(3) };
        let tolerance = line.tolerance;
        gateway.write(payin_server::app::ledger::TakeBack { lease, chain, tolerance, from, fork, now: gateway.now() }).await.unwrap();
        assert_eq!(losses().await, left);
    }
    line.leap(200, 60).await;
    declare().await;
    assert_eq!(losses().await, [["103", "199"]]);
}

/// A worker that was filling a hole while a person declared it lost changes nothing.
pub async fn filling_and_declaring_lost_may_meet(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(3, at(1)).await;
    line.leap(200, 60).await;
    let (below, above) = progress::hole(&gateway.app, &line.chain).await.unwrap().unwrap();
    let (since, until, reason) = (below.to_time, at(60), "gone".to_owned());
    let loss = Loss { from_number: 103, to_number: 199, since, until, reason, declared_at: gateway.now() };
    let unit = DeclareLost { chain: line.chain.clone(), below, above, loss, now: gateway.now() };
    let (piece, rest) = (line.fill_unit(150, 30, &[]).await, line.fill_unit(200, 60, &[]).await);
    let (lost, filled) = futures_util::join!(gateway.write(unit), gateway.write(piece));
    assert!(lost.is_ok() != filled.is_ok(), "one of them: {lost:?}, {filled:?}");
    assert!(matches!(fault(gateway.write(rest).await), Fault::Guard { .. }));
    let losses = world.place.value("SELECT COUNT(*) FROM chain_losses").await;
    assert_eq!(losses == "1", lost.is_ok());
}
