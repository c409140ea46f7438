//! Payers at a payment link: nobody gets more than there is, what ends is sold or free again exactly once, and a crowd without keys
//! cannot empty a pool.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use payin_server::app::checkout;
use payin_server::app::links::{self, Deed};
use payin_server::app::orders;
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, fault, refusal, request};
use payin_types::checkout::{CreateLinkOrder, OpenedLinkOrder};
use payin_types::link::ListLinkOrders;
use payin_types::{ErrorCode, OrderStatus, OrganizationId, PaymentLink};
use serde_json::{Value, json};

use super::World;
use super::line::{Line, Sent, at};
use super::links::{deed, published};
use super::settings::put;

/// Past the grace period of an order opened at the clock's start.
const OVER: u64 = 15 * 60 + 1;

fn asks(change: Value) -> CreateLinkOrder {
    let mut body = json!({"currency": "USDT", "chainId": "ethereum-sepolia"});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

async fn open(gateway: &Gateway, link: &PaymentLink, client: u32, change: Value) -> Result<OpenedLinkOrder, Failure> {
    checkout::open(&gateway.app, link.slug.as_deref().unwrap(), Ok(asks(change)), std::net::IpAddr::V4(client.into())).await
}

/// The orders that were opened, and why the others were not.
fn sorted(all: Vec<Result<OpenedLinkOrder, Failure>>) -> (Vec<OpenedLinkOrder>, BTreeSet<ErrorCode>) {
    let (mut opened, mut refused) = (Vec::new(), BTreeSet::new());
    for one in all {
        match one {
            Ok(order) => opened.push(order),
            refusal_of => drop(refused.insert(refusal(refusal_of).code)),
        }
    }
    (opened, refused)
}

async fn inventory(gateway: &Gateway, organization: &OrganizationId, link: &PaymentLink) -> (u64, u64) {
    let link = links::get(&gateway.app, organization, link.id.as_str()).await.unwrap();
    (link.inventory_reserved, link.inventory_sold)
}

pub async fn inventory_is_never_oversold(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(80).await;
    let link = published(gateway, &organization, json!({"inventoryTotal": 10})).await;
    let all = join_all((0..32).map(|client| open(&servers[client as usize % servers.len()], &link, client, json!({})))).await;
    let (opened, refused) = sorted(all);
    assert_eq!((opened.len(), refused), (10, BTreeSet::from([ErrorCode::SoldOut])));
    assert_eq!(opened.iter().map(|one| &one.order.address).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(inventory(gateway, &organization, &link).await, (10, 0));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, "10");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1").await, "10");
    // Neither can it be made smaller than what is taken.
    let fewer = Deed::Update(Ok(serde_json::from_value(json!({"inventoryTotal": 9})).unwrap()));
    assert_eq!(refusal(deed(gateway, &organization, &link.id, fewer).await).code, ErrorCode::ValidationError);
}

pub async fn what_ends_is_sold_or_free_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(20).await;
    let link = published(gateway, &organization, json!({"inventoryTotal": 4, "cancelUrl": "https://a.example/gone?o={{orderId}}"})).await;
    let mail = json!({"email": "ada@example.org"});
    let bought = open(gateway, &link, 1, mail).await.unwrap().order;
    let left = open(gateway, &link, 2, json!({})).await.unwrap().order;
    let waits = open(gateway, &link, 3, json!({"chainId": "base-sepolia"})).await.unwrap().order;
    assert_eq!(inventory(gateway, &organization, &link).await, (3, 0));
    let seen = gateway.order(&organization, bought.order_id.as_str()).await;
    assert_eq!((seen.payment_link_id.as_ref(), &seen.metadata["sku"]), (Some(&link.id), &json!("7")));
    assert_eq!(seen.order_reference, bought.order_id.as_str());
    // Somebody wants to be told of links too.
    let subscriber = "INSERT INTO webhook_endpoints (id, organization_id, url, events, secret_sealed, enabled, created_at, updated_at) VALUES \
        ('we_1', '{}', 'https://a.example', '[\"payment_link.order_completed\",\"payment_link.order_expired\"]', '', 1, 0, 0)";
    world.place.execute(&subscriber.replace("{}", organization.as_str())).await;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(10), &[Sent::to(&bought.address, "100", "0x1")]).await;
    line.blocks(3, at(20)).await;
    join_all((0..8).map(|_| gateway.write(line.settle_unit()))).await.into_iter().for_each(|settled| assert!(settled.is_ok()));
    assert_eq!(inventory(gateway, &organization, &link).await, (2, 1));
    line.blocks(5, at(OVER)).await;
    assert_eq!(line.expire().await, std::slice::from_ref(&left.order_id));
    for order in [&bought, &left] {
        gateway.write(line.expire_unit(&order.order_id)).await.unwrap();
    }
    line.settle().await;
    assert_eq!(inventory(gateway, &organization, &link).await, (1, 1));
    let events = world.events(bought.order_id.as_str()).await;
    let named = |words: &str, id: &payin_types::OrderId| format!("evt_{words}_{id}");
    let expected = ["order_completed", "payment_link_order_completed"].map(|words| named(words, &bought.order_id));
    assert_eq!(events, expected);
    let expected = ["order_expired", "payment_link_order_expired"].map(|words| named(words, &left.order_id));
    assert_eq!(world.events(left.order_id.as_str()).await, expected);
    let told = world.place.value(&format!("SELECT body FROM events WHERE id = '{}'", events[1])).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["data"]["paymentLinkId"], &told["data"]["buyerEmail"]), (&json!(link.id), &json!("ada@example.org")));
    assert_eq!((&told["data"]["status"], &told["data"]["receivedAmount"]), (&json!("completed"), &json!("100.00")));
    let gone = orders::get_public(&gateway.app, left.order_id.as_str()).await.unwrap();
    assert_eq!(gone.status, OrderStatus::Expired);
    assert!(gone.redirect_url.unwrap().starts_with(&format!("https://a.example/gone?o={}&orderReference=", left.order_id)));
    listed(gateway, &organization, &link, [&waits.order_id, &bought.order_id, &left.order_id]).await;
    // What belongs to a deleted link still ends as it must.
    deed(gateway, &organization, &link.id, Deed::Delete).await.unwrap();
    let mut base = Line::new(gateway, "base-sepolia").await;
    base.blocks(5, at(OVER)).await;
    assert_eq!(base.expire().await, [waits.order_id]);
    assert_eq!(world.place.rows("SELECT inventory_reserved, inventory_sold FROM payment_links").await, [["0", "1"]]);
}

/// The orders of that link, by how they stand, and what they come to.
async fn listed(gateway: &Gateway, organization: &OrganizationId, link: &PaymentLink, orders: [&payin_types::OrderId; 3]) {
    for (status, expected) in [("pending", orders[0]), ("completed", orders[1]), ("expired", orders[2])] {
        let query: ListLinkOrders = serde_json::from_value(json!({"status": status})).unwrap();
        let page = links::orders(&gateway.app, organization, link.id.as_str(), query).await.unwrap();
        let found: Vec<_> = page.data.iter().map(|order| (&order.order_id, order.status.as_str())).collect();
        assert_eq!(found, [(expected, status)]);
    }
    let all = links::orders(&gateway.app, organization, link.id.as_str(), ListLinkOrders::default()).await.unwrap();
    assert_eq!(all.pagination.total, 3);
    let bought = all.data.iter().find(|order| order.buyer_email.as_deref() == Some("ada@example.org")).expect("Ada's");
    let looked = orders::look(&gateway.app, organization, bought.order_id.as_str()).await.unwrap();
    let sold = looked.sold.map(|sold| (sold.is_there, sold.buyer_email));
    assert_eq!(sold, Some((true, bought.buyer_email.clone())));
    let stats = links::stats(&gateway.app, organization).await.unwrap();
    assert_eq!((stats.total_links, stats.published_links, stats.total_orders), (1, 1, 3));
    assert_eq!((stats.completed_orders, stats.pending_orders, stats.expired_orders), (1, 1, 1));
    assert_eq!((stats.conversion_rate.as_str(), stats.revenue[&"USDT".into()].to_string()), ("33.33", "100.00".to_owned()));
    let stranger = gateway.merchant(0).await;
    let none = links::stats(&gateway.app, &stranger).await.unwrap();
    assert_eq!((none.total_links, none.total_orders, none.conversion_rate.as_str()), (0, 0, "0.00"));
    let foreign = links::orders(&gateway.app, &stranger, link.id.as_str(), ListLinkOrders::default()).await;
    assert_eq!(refusal(foreign).code, ErrorCode::ResourceNotFound);
}

pub async fn a_crowd_cannot_drain_a_pool(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(12).await;
    let link = published(gateway, &organization, json!({})).await;
    let crowd = |link: &PaymentLink, clients: u32, orders: u32| {
        let opens: Vec<_> = (0..orders).map(|n| (servers[n as usize % servers.len()].clone(), link.clone(), n % clients)).collect();
        async move { sorted(join_all(opens.iter().map(|(server, link, client)| open(server, link, *client, json!({})))).await) }
    };
    // One client, many at once.
    let (opened, refused) = crowd(&link, 1, 12).await;
    assert_eq!((opened.len(), refused), (3, BTreeSet::from([ErrorCode::RateLimitExceeded])));
    let waits = refusal(open(gateway, &link, 0, json!({})).await);
    assert!(waits.retry_after_s.is_some());
    // Many clients through two links: half of the pool is not theirs.
    let other = published(gateway, &organization, json!({})).await;
    let (one, two) = tokio::join!(crowd(&link, 100, 12), crowd(&other, 100, 12));
    assert_eq!(one.0.len() + two.0.len(), 3);
    assert!(one.1.union(&two.1).all(|code| [ErrorCode::NoAvailableAddresses, ErrorCode::RateLimitExceeded].contains(code)));
    let (opened, refused) = crowd(&other, 100, 12).await;
    assert_eq!((opened.len(), refused), (0, BTreeSet::from([ErrorCode::NoAvailableAddresses])));
    for number in 0..6 {
        gateway.create(&organization, request(&format!("with a key {number}"))).await.unwrap();
    }
    // Addresses that are kept back are no part of the pool that is shared.
    let small = gateway.merchant(10).await;
    world.place.execute(&format!("UPDATE pool_addresses SET archived_at = 1 WHERE organization_id = '{small}' AND id % 2 = 0")).await;
    let link = published(gateway, &small, json!({})).await;
    assert_eq!(crowd(&link, 100, 10).await.0.len(), 2);
    // However many clients there are, so many through one link.
    let large = gateway.merchant(40).await;
    put(gateway, &large, "max_open_per_link", json!(7)).await;
    let link = published(gateway, &large, json!({})).await;
    let all = (0..20).map(|client| open(&servers[client as usize % servers.len()], &link, client, json!({})));
    let (opened, refused) = sorted(join_all(all).await);
    assert_eq!((opened.len(), refused), (7, BTreeSet::from([ErrorCode::RateLimitExceeded])));
    // Nobody's address is kept, nor can one organization's clients be known again at another's.
    assert_eq!(world.place.value("SELECT COUNT(*) FROM payment_link_orders WHERE client_mac LIKE '%.%'").await, "0");
    assert_ne!(gateway.app.seal.client_mac(small.as_str(), "0.0.0.1"), gateway.app.seal.client_mac(large.as_str(), "0.0.0.1"));
}

pub async fn payers_see_what_is_theirs_to_see(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(10).await;
    let until = gateway.now().plus(std::time::Duration::from_secs(600));
    let link = published(gateway, &organization, json!({"expiresAt": until, "successUrl": "https://a.example/paid"})).await;
    for (change, code) in [
        (json!({"currency": "USDC"}), ErrorCode::InvalidCurrency),
        (json!({"chainId": "bsc-testnet"}), ErrorCode::InvalidChain),
        (json!({"amount": "1"}), ErrorCode::InvalidAmount),
        (json!({"email": "nobody"}), ErrorCode::ValidationError),
    ] {
        assert_eq!(refusal(open(gateway, &link, 1, change.clone()).await).code, code, "{change}");
    }
    let opened = open(gateway, &link, 1, json!({})).await.unwrap();
    let shown = serde_json::to_value(&opened).unwrap();
    assert!(["metadata", "orderReference", "successUrl", "redirectUrl"].iter().all(|field| shown["order"].get(field).is_none()), "{shown}");
    assert_eq!((&shown["order"]["remainingAmount"], &shown["order"]["status"]), (&json!("100.00"), &json!("pending")));
    assert_eq!(orders::get_public(&gateway.app, opened.order.order_id.as_str()).await.unwrap(), {
        let mut known = opened.order.clone();
        known.confirmations = None;
        known
    });
    for unknown in ["ord_unknown", "\u{1}"] {
        assert_eq!(refusal(orders::get_public(&gateway.app, unknown).await).code, ErrorCode::ResourceNotFound);
        assert_eq!(refusal(checkout::link(&gateway.app, unknown).await).code, ErrorCode::ResourceNotFound);
    }
    // The payer says how much.
    let own = json!({"amount": "0", "inventoryTotal": 1});
    let tip = published(gateway, &organization, own).await;
    assert_eq!(refusal(open(gateway, &tip, 1, json!({})).await).code, ErrorCode::InvalidAmount);
    assert_eq!(refusal(open(gateway, &tip, 1, json!({"amount": "0.0000001"})).await).code, ErrorCode::InvalidAmount);
    let tipped = open(gateway, &tip, 1, json!({"amount": "2.50"})).await.unwrap();
    assert_eq!((tipped.order.amount.to_string(), tipped.payment_link.available_inventory), ("2.50".to_owned(), Some(0)));
    assert_eq!(refusal(open(gateway, &tip, 1, json!({"amount": "2.50"})).await).code, ErrorCode::SoldOut);
    // Its time is over.
    gateway.clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(refusal(open(gateway, &link, 1, json!({})).await).code, ErrorCode::PaymentLinkUnavailable);
    assert_eq!(refusal(checkout::link(&gateway.app, link.slug.as_deref().unwrap()).await).code, ErrorCode::PaymentLinkUnavailable);
    // Where somebody has put an address of their own into the database, payers are not sent to it.
    world.place.execute(&format!("UPDATE orders SET address = '0x{}' WHERE id = '{}'", "ab".repeat(20), opened.order.order_id)).await;
    fault(orders::get_public(&gateway.app, opened.order.order_id.as_str()).await);
}
