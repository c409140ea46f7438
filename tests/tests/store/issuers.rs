//! What issuers do to their tokens: no order in one that is stopped, no frozen address handed out again, and nothing else changes.

use payin_core::address::Address;
use payin_server::app::issuers::{Heard, News};
use payin_server::app::{chains, deposits};
use payin_server::store::Fault;
use payin_tests::gateway::{Kind, fault, refusal, request};
use payin_types::deposit::BindDeposit;
use payin_types::{CreateOrder, ErrorCode, OrderStatus};

use super::World;
use super::line::{Line, Sent, TERM, at, take_lease};

const PAUSED: &str = "its contract says that it is paused";

pub async fn nothing_is_taken_in_a_stopped_token(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(20).await;
    let before = gateway.create(&organization, request("before")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let lease = take_lease(gateway, "issuers ethereum-sepolia", "server 1").await.unwrap();
    let heard = |stopped: &[&str]| Heard {
        lease: lease.clone(),
        chain: line.chain.clone(),
        stopped: stopped.iter().map(|currency| ((*currency).into(), PAUSED.to_owned())).collect(),
        unsure: vec![],
        frozen: vec![],
        now: gateway.now(),
    };
    assert_eq!(gateway.write(heard(&[])).await.unwrap(), News::default());
    let news = gateway.write(heard(&["USDT"])).await.unwrap();
    assert_eq!((news.stopped.len(), news.going_on), (1, vec![]));
    assert_eq!(gateway.write(heard(&["USDT"])).await.unwrap(), News::default(), "it is told once");

    let error = refusal(gateway.create(&organization, request("stopped")).await);
    assert_eq!((error.code, error.retry_after_s), (ErrorCode::ChainUnavailable, Some(300)));
    assert!(error.message.contains("USDT on 'ethereum-sepolia'") && error.message.contains(PAUSED), "{}", error.message);
    let bind = |currency: &str| {
        let request = BindDeposit::new(format!("customer-{currency}"), currency, "ethereum-sepolia");
        gateway.write(deposits::Bind::new(&gateway.app, organization.clone(), Ok(request)))
    };
    assert_eq!(refusal(bind("USDT").await).code, ErrorCode::ChainUnavailable);
    // Its honest twins: another token of the chain, the same one elsewhere.
    gateway.create(&organization, CreateOrder { currency: "USDC".into(), ..request("usdc") }).await.unwrap();
    gateway.create(&organization, CreateOrder { chain_id: "base-sepolia".into(), ..request("elsewhere") }).await.unwrap();
    bind("USDC").await.unwrap();
    let told = chains::list(&gateway.app, &organization).await.unwrap();
    let stopped = told.data.iter().flat_map(|chain| chain.tokens.iter().map(|token| (chain.chain_id.as_str(), token)));
    let stopped: Vec<_> = stopped.filter_map(|(chain, token)| Some((chain, token.currency.as_str(), token.stopped.as_deref()?))).collect();
    assert_eq!(stopped, [("ethereum-sepolia", "USDT", PAUSED)]);
    // Money that comes all the same counts: it moved.
    line.block(at(1), &[Sent::pays(&before, "100", "0x1")]).await;
    line.blocks(3, at(2)).await;
    line.settle().await;
    assert_eq!(world.fresh(&organization, &before).await.status, OrderStatus::Completed);

    let heard = |stopped: &[&str]| Heard {
        lease: lease.clone(),
        chain: line.chain.clone(),
        stopped: stopped.iter().map(|currency| ((*currency).into(), "another reason".to_owned())).collect(),
        unsure: vec![],
        frozen: vec![],
        now: gateway.now(),
    };
    assert_eq!(gateway.write(heard(&["USDT"])).await.unwrap().stopped.len(), 1, "another reason is told");
    let unsure = Heard { unsure: vec!["USDT".into(), "USDC".into()], ..heard(&[]) };
    assert_eq!(gateway.write(unsure).await.unwrap(), News::default(), "what is not sure changes nothing");
    assert_eq!(gateway.write(heard(&[])).await.unwrap().going_on, ["USDT".into()]);
    gateway.create(&organization, request("goes on")).await.unwrap();
    // Who has lost the work changes nothing.
    gateway.clock.advance(TERM);
    take_lease(gateway, "issuers ethereum-sepolia", "server 2").await.unwrap();
    assert!(matches!(fault(gateway.write(heard(&["USDT"])).await), Fault::Fenced(_)));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM stopped_tokens").await, "0");
}

pub async fn a_frozen_address_is_not_handed_out_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let addresses = gateway.addresses(3);
    gateway.import(&organization, &addresses).await.unwrap();
    let held = gateway.create(&organization, request("held")).await.unwrap();
    let line = Line::new(gateway, "ethereum-sepolia").await;
    let free: Vec<&String> = addresses.iter().filter(|address| **address != held.address).collect();
    let lease = take_lease(gateway, "issuers ethereum-sepolia", "server 1").await.unwrap();
    let nobodys = Address::from_evm_bytes(&[9; 20]);
    let frozen = vec![Address::from_canonical(free[0].clone()), Address::from_canonical(held.address.clone()), nobodys];
    let unit = || Heard {
        lease: lease.clone(),
        chain: line.chain.clone(),
        stopped: vec![],
        unsure: vec![],
        frozen: frozen.clone(),
        now: gateway.now(),
    };
    assert_eq!(gateway.write(unit()).await.unwrap().frozen, frozen[..2], "nobody's address is nobody's business");
    assert_eq!(gateway.write(unit()).await.unwrap(), News::default(), "it is told once");
    let last = gateway.create(&organization, request("last")).await.unwrap();
    assert_eq!(last.address, *free[1]);
    assert_eq!(refusal(gateway.create(&organization, request("none")).await).code, ErrorCode::NoAvailableAddresses);
    assert_eq!(world.fresh(&organization, &held).await.status, OrderStatus::Pending, "its holder keeps it");
}
