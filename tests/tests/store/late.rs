//! Money that comes too late is told once it is confirmed, by its sum, and taken back with its block.

use payin_tests::gateway::{Kind, request};
use payin_types::{Order, OrderStatus, Timestamp};

use super::World;
use super::line::{Line, Sent, at};

/// The end of the grace period of an order opened at the clock's start.
const CLOSES: u64 = 15 * 60;

/// An order whose time is over, on a chain that has moved on.
struct Scene {
    world: World,
    organization: payin_types::OrganizationId,
    order: Order,
    line: Line,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let world = World::new(kind).await;
        let organization = world.gateway.merchant(1).await;
        super::outbox::endpoint(&world.gateway, &organization, r#"["order.paid_late"]"#).await;
        let order = world.gateway.create(&organization, request("order")).await.unwrap();
        let mut line = Line::new(&world.gateway, "ethereum-sepolia").await;
        line.blocks(5, at(CLOSES + 1)).await;
        assert_eq!(line.expire().await, std::slice::from_ref(&order.order_id));
        Self { world, organization, order, line }
    }

    async fn sends(&mut self, amount: &'static str, tx: &str) {
        let sent = Sent::pays(&self.order, amount, tx);
        self.line.block(at(CLOSES + 60), &[sent]).await;
        assert_eq!(self.world.verdict(tx).await, "late");
    }

    async fn confirms(&mut self) {
        self.line.blocks(2, at(CLOSES + 61)).await;
        self.line.settle().await;
    }

    async fn is_late(&self) -> bool {
        let order = self.world.fresh(&self.organization, &self.order).await;
        assert_eq!((order.status, order.received_amount.unwrap().to_string()), (OrderStatus::Expired, "0.00".to_owned()));
        let stats =
            payin_server::app::orders::stats(&self.world.gateway.app, &self.organization, payin_types::order::OrderStatsQuery::default());
        let paid_late = order.paid_late == Some(true);
        assert_eq!(stats.await.unwrap().paid_late_orders, u64::from(paid_late));
        paid_late
    }

    /// What was told of the order, without what repeats of each name.
    async fn told(&self) -> Vec<String> {
        let of = format!("_{}", self.order.order_id);
        self.world.events(self.order.order_id.as_str()).await.iter().map(|id| id.replace(&of, "").replace("evt_order_", "")).collect()
    }
}

/// It used to be said at the first sight of the payment, and never unsaid.
pub async fn late_money_that_was_never_confirmed_is_not_told(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    scene.sends("100", "0x1").await;
    scene.line.settle().await;
    assert!(!scene.is_late().await, "one confirmation of three");
    scene.line.reorganise(1).await;
    scene.confirms().await;
    scene.line.blocks(5, at(CLOSES + 90)).await;
    scene.line.settle().await;
    assert!(!scene.is_late().await);
    assert_eq!(scene.told().await, ["expired"]);
    assert_eq!(scene.world.place.value("SELECT paid_late_at FROM orders").await, "-");
    // Included again it is one payment, told once.
    scene.sends("100", "0x1").await;
    scene.confirms().await;
    assert!(scene.is_late().await);
    scene.line.settle().await;
    assert_eq!(scene.told().await, ["expired", "paid_late"]);
}

pub async fn late_money_taken_back_after_it_was_told_is_told_again(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    scene.sends("100", "0x1").await;
    scene.confirms().await;
    assert!(scene.is_late().await);
    scene.line.reorganise(3).await;
    assert!(!scene.is_late().await);
    assert_eq!(scene.told().await, ["expired", "paid_late", "reverted"]);
    scene.sends("100", "0x1").await;
    scene.confirms().await;
    assert!(scene.is_late().await);
    assert_eq!(scene.told().await, ["expired", "paid_late", "reverted", "paid_late_4"]);
    // Of two late payments one may go: the order is still paid late.
    scene.sends("5", "0x2").await;
    scene.confirms().await;
    scene.line.reorganise(3).await;
    assert!(scene.is_late().await);
    assert_eq!(scene.told().await.len(), 4);
}

pub async fn late_parts_are_late_together(kind: Kind) {
    let mut scene = Scene::new(kind).await;
    scene.sends("0.009", "0x1").await;
    scene.confirms().await;
    assert!(!scene.is_late().await, "dust");
    // Another currency is not this order's money, late or not.
    let other = Sent::pays(&scene.order, "100", "0xother").in_currency("USDC");
    scene.line.block(at(CLOSES + 70), &[other]).await;
    scene.confirms().await;
    assert!(!scene.is_late().await);
    scene.sends("0.001", "0x2").await;
    scene.confirms().await;
    assert!(scene.is_late().await);
    assert_eq!(scene.told().await, ["expired", "paid_late"]);
    let told_at: Timestamp = scene.world.gateway.now();
    assert_eq!(scene.world.place.value("SELECT paid_late_at FROM orders").await, told_at.millis().to_string());
}
