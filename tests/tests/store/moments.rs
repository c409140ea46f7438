//! What falls due by itself: what a sandbox's clock must not jump over.

use std::sync::Arc;
use std::time::Duration;

use payin_server::app::deliveries::{self, Walk};
use payin_server::app::moments::{self, Moments};
use payin_tests::gateway::{Kind, request};

use super::World;
use super::line::{Line, Sent, at};
use super::outbox::{endpoint, tell};

/// Window and grace of an order.
const CLOSES: u64 = 15 * 60;

pub async fn what_falls_due_next_is_known(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let chain = "ethereum-sepolia";
    let now = async || moments::after(&gateway.app, gateway.now()).await.unwrap();
    assert_eq!(now().await, Moments::default());
    let organization = gateway.merchant(2).await;
    let closes = gateway.now().plus(Duration::from_secs(CLOSES));
    let order = gateway.create(&organization, request("due")).await.unwrap();
    assert_eq!(now().await, Moments { closing: Some(closes), ..Moments::default() });
    // A payment is not over before it is final, nor is an order before it lets go of its address.
    let mut line = Line::new(gateway, chain).await;
    line.block(at(10), &[Sent::pays(&order, "100", "0x1")]).await;
    line.settle().await;
    let unsettled = |at| vec![(chain.to_owned(), at)];
    assert_eq!(now().await, Moments { closing: Some(closes), unsettled: unsettled(at(10)), ..Moments::default() });
    gateway.clock.advance(Duration::from_secs(CLOSES));
    assert_eq!(now().await, Moments { unsettled: unsettled(closes), ..Moments::default() });
    assert_eq!(moments::overdue(&gateway.app, gateway.now()).await.unwrap(), 0);

    // A delivery is due, claimed and waiting, and due again after it failed.
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&to)).await;
    assert_eq!(moments::overdue(&gateway.app, gateway.now()).await.unwrap(), 1);
    let not_made = async || moments::not_made(&gateway.app, gateway.now()).await.unwrap();
    let one = not_made().await;
    assert!(matches!(one.as_slice(), [(url, 1)] if url.starts_with("http")), "{one:?}");
    let waits = now().await;
    assert!(waits.waiting && waits.delivery.is_none(), "{waits:?}");
    let due = async || deliveries::due(&gateway.app, &mut Walk::default(), |_| true, gateway.now()).await.unwrap();
    let of = vec![(Arc::new(due().await.remove(0).receiver), 1)];
    assert_eq!(deliveries::claim(&gateway.app, of, gateway.now()).await.unwrap().len(), 1);
    assert_eq!((due().await, now().await), (Vec::new(), waits));
    // Whoever has claimed it has not made it.
    assert_eq!((not_made().await, moments::overdue(&gateway.app, gateway.now()).await.unwrap()), (one, 0));
}
