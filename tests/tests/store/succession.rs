//! One address after another's hands: a transfer that its chain took back comes again when somebody else holds the address. It stays with
//! whom it was first seen for, and is never the new holder's money.

use std::time::Duration;

use payin_server::app::pool::{Named, Restore};
use payin_server::app::{deposits, transfers};
use payin_tests::gateway::{Gateway, Kind, request};
use payin_types::deposit::UnbindDeposit;
use payin_types::transfer::UnmatchedReason;
use payin_types::{AddressState, BindDeposit, ListDeposits, ListTransfers, Order, OrderStatus, OrganizationId, Timestamp, Transfer};

use super::World;
use super::line::{Line, Sent, at};
use super::outbox::endpoint;

/// Past the grace period of an order opened at the clock's start.
const OVER: u64 = 15 * 60 + 1;
/// Long enough for every address to have rested, with a block of every chain after it.
const RESTED: u64 = 3 * 60 * 60;

/// One merchant with one address, who hears of money that is nobody's, and the family's chains.
struct Scene {
    world: World,
    organization: OrganizationId,
    /// The first is where the money is sent.
    lines: Vec<Line>,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let world = World::new(kind).await;
        let organization = world.gateway.merchant(1).await;
        endpoint(&world.gateway, &organization, r#"["transfer.unmatched"]"#).await;
        let mut lines = Vec::new();
        for chain in ["ethereum-sepolia", "base-sepolia", "bsc-testnet"] {
            let mut line = Line::new(&world.gateway, chain).await;
            line.block(at(0), &[]).await;
            lines.push(line);
        }
        Self { world, organization, lines }
    }

    fn gateway(&self) -> &Gateway {
        &self.world.gateway
    }

    /// A transaction stands in a block, which is then no longer part of the chain.
    async fn seen_and_taken_back(&mut self, to: &str, verdict: &str) {
        self.lines[0].block(at(10), &[Sent::to(to, "100", "0x1")]).await;
        assert_eq!(self.world.verdict("0x1").await, verdict);
        self.lines[0].reorganise(1).await;
    }

    /// So much later that the address may be somebody else's.
    async fn rest(&mut self) -> Timestamp {
        self.gateway().clock.advance(Duration::from_secs(RESTED));
        let now = self.gateway().now();
        for line in &mut self.lines {
            line.block(now, &[]).await;
        }
        now
    }

    /// The transaction stands in a block again, while this order holds the address, and is confirmed. It must not count for the order.
    async fn comes_again_beside(&mut self, order: &Order) -> Transfer {
        let later = self.gateway().now().plus(Duration::from_secs(1));
        self.lines[0].block(later, &[Sent::pays(order, "100", "0x1")]).await;
        self.lines[0].blocks(3, later.plus(Duration::from_secs(1))).await;
        self.lines[0].settle().await;
        let fresh = self.world.fresh(&self.organization, order).await;
        assert_eq!((fresh.status, fresh.tx_hash, fresh.paid_late), (OrderStatus::Pending, None, None), "the money is not the new holder's");
        assert_eq!(fresh.received_amount.unwrap().to_string(), "0.00");
        assert!(self.world.quarantined(&order.address).await, "more may come for the former holder");
        let mut shown = transfers::list(&self.gateway().app, &self.organization, ListTransfers::default()).await.unwrap();
        assert_eq!(shown.data.len(), 1, "a transaction is one transfer, however often it is included");
        shown.data.remove(0)
    }

    /// How often it was told that the money is nobody's.
    async fn told_unmatched(&self) -> String {
        self.world.place.value("SELECT COUNT(*) FROM events WHERE type = 'transfer.unmatched'").await
    }
}

pub async fn what_a_payer_lost_is_not_the_next_orders(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    let (gateway, organization) = (scene.gateway().clone(), scene.organization.clone());
    let request_of = |reference: &str| BindDeposit::new(reference, "USDT", "ethereum-sepolia");
    let alice = gateway.write(deposits::Bind::new(&gateway.app, organization.clone(), Ok(request_of("alice")))).await.unwrap();
    scene.seen_and_taken_back(&alice.address, "-").await;
    let unbind = deposits::Unbind::new(&gateway.app, organization.clone(), "alice".to_owned(), Ok(UnbindDeposit { chain_id: None }));
    gateway.write(unbind).await.unwrap();
    scene.rest().await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    assert_eq!(order.address, alice.address);
    let transfer = scene.comes_again_beside(&order).await;
    assert_eq!(transfer.unmatched_reason, Some(UnmatchedReason::Late));
    assert_eq!((transfer.deposit_reference.as_deref(), transfer.order_id, transfer.business_type), (Some("alice"), None, None));
    assert_eq!(scene.told_unmatched().await, "1");
    // Nor is it credited: what comes after the end of a binding is for people to decide.
    let credited = deposits::list(&gateway.app, &organization, ListDeposits::default()).await.unwrap();
    assert!(credited.data.iter().all(|deposit| deposit.confirmed_at.is_none()), "{credited:?}");
    assert_eq!(scene.world.place.value("SELECT COUNT(*) FROM events WHERE type = 'deposit.confirmed'").await, "0");
}

pub async fn what_an_order_lost_is_not_the_next_orders(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    let (gateway, organization) = (scene.gateway().clone(), scene.organization.clone());
    let first = gateway.create(&organization, request("first")).await.unwrap();
    scene.seen_and_taken_back(&first.address, "-").await;
    let line = &mut scene.lines[0];
    line.blocks(4, at(OVER)).await;
    assert_eq!(line.expire().await.len(), 1);
    line.finalize(at(OVER + 5)).await;
    assert_eq!(line.release().await.len(), 1);
    line.finalized = None;
    scene.rest().await;
    let second = gateway.create(&organization, request("second")).await.unwrap();
    assert_eq!(second.address, first.address);
    let transfer = scene.comes_again_beside(&second).await;
    assert_eq!(transfer.unmatched_reason, Some(UnmatchedReason::Late));
    assert_eq!((transfer.order_id.as_ref(), transfer.business_type), (Some(&first.order_id), None));
    assert_eq!(scene.told_unmatched().await, "1");
    // Its owner learns that the first one's payer has paid, too late.
    let first = scene.world.fresh(&organization, &first).await;
    assert_eq!((first.status, first.paid_late), (OrderStatus::Expired, Some(true)));
}

pub async fn a_stray_stays_a_stray(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    let (gateway, organization) = (scene.gateway().clone(), scene.organization.clone());
    let address = scene.world.place.value("SELECT address FROM pool_addresses").await;
    scene.seen_and_taken_back(&address, "no_holder").await;
    assert!(scene.world.quarantined(&address).await);
    gateway.write(Restore(Named::new(&gateway.app, organization.clone(), address.clone()))).await.unwrap();
    scene.rest().await;
    let back = gateway.write(Restore(Named::new(&gateway.app, organization.clone(), address.clone()))).await.unwrap();
    assert_eq!(back.state, AddressState::Available);
    let order = gateway.create(&organization, request("order")).await.unwrap();
    assert_eq!(order.address, address);
    let transfer = scene.comes_again_beside(&order).await;
    assert_eq!(transfer.unmatched_reason, Some(UnmatchedReason::NoHolder));
    assert_eq!((transfer.deposit_reference, transfer.order_id, transfer.business_type), (None, None, None));
    assert_eq!(scene.told_unmatched().await, "2", "each time it was included");
}
