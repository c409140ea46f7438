//! What an explanation is gathered from: everything that came for an order, however much, and how far its chain was followed.

use std::time::Duration;

use payin_core::Units;
use payin_server::app::ledger::Halt;
use payin_server::app::orders;
use payin_tests::gateway::{Kind, request};
use payin_types::explanation::{Explanation, FindingCode};
use payin_types::{Order, OrganizationId};

use super::World;
use super::line::{Line, Sent, at};

async fn told(world: &World, organization: &OrganizationId, order: &Order) -> Explanation {
    orders::explain(&world.gateway.app, organization, order.order_id.as_str()).await.expect("an explanation")
}

fn codes(told: &Explanation) -> Vec<&str> {
    told.findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub async fn what_came_on_any_chain_is_explained(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut base = Line::new(gateway, "base-sepolia").await;
    base.block(at(1), &[Sent::pays(&order, "100", "0xbase")]).await;
    base.blocks(1, at(2)).await;
    line.block(at(1), &[Sent::pays(&order, "70", "0x1")]).await;
    line.blocks(2, at(2)).await;
    line.settle().await;
    line.block(at(4), &[Sent::pays(&order, "0.5", "0x2")]).await;
    let explained = told(&world, &organization, &order).await;
    assert_eq!(codes(&explained), ["confirming", "short", "wrong_chain", "window_open"]);
    assert_eq!((explained.received_amount.to_string().as_str(), explained.pending_amount.to_string().as_str()), ("70.00", "0.50"));
    let wrong = &explained.findings[2].evidence.transfers[0];
    assert_eq!((wrong.chain_id.as_str(), wrong.tx_hash.as_str(), wrong.confirmations), ("base-sepolia", "0xbase", 2));
    assert_eq!(explained.chain.head_number, Some(line.head()));
    // A flood hides neither the payments nor their sum.
    let flood: Vec<Sent> = (0..300).map(|number| Sent::pays(&order, "0.000001", &format!("0xdust{number}"))).collect();
    line.block(at(5), &flood).await;
    let explained = told(&world, &organization, &order).await;
    assert_eq!(codes(&explained), ["confirming", "short", "wrong_chain", "window_open", "dust", "more_transfers"]);
    assert_eq!(explained.pending_amount.to_string(), "0.5003");
    assert_eq!(explained.findings[1].evidence.missing_amount.unwrap().to_string(), "29.4997");
    assert_eq!(explained.findings[5].evidence.left_out, Some(203));
    // A chain that stands still, or is not followed any more.
    gateway.clock.advance(Duration::from_secs(3 * 86_400));
    assert_eq!(codes(&told(&world, &organization, &order).await)[0], "chain_stale");
    let (lease, chain, from) = (line.lease.clone(), line.chain.clone(), line.cursor().await.unwrap());
    gateway.write(Halt { lease, chain, from, reason: "it contradicts itself".to_owned() }).await.unwrap();
    let halted = told(&world, &organization, &order).await;
    assert_eq!(halted.findings[0].code, FindingCode::ChainHalted);
    assert!(halted.findings[0].message.contains("it contradicts itself"), "{halted:?}");
    // Another organization's does not exist.
    let other = gateway.merchant(0).await;
    assert!(orders::explain(&gateway.app, &other, order.order_id.as_str()).await.is_err());
}

pub async fn a_payment_that_is_gone_is_explained(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.blocks(2, at(0)).await;
    line.block(at(10), &[Sent::pays(&order, "100", "0x1")]).await;
    line.blocks(3, at(11)).await;
    line.settle().await;
    assert_eq!(codes(&told(&world, &organization, &order).await), ["paid"]);
    line.reorganise(4).await;
    let back = told(&world, &organization, &order).await;
    assert_eq!(codes(&back), ["reverted"]);
    assert_eq!(back.findings[0].evidence.transfers[0].tx_hash, "0x1");
    assert_eq!(Units::from_amount(back.received_amount), Some(Units::ZERO));
}
