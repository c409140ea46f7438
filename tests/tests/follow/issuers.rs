//! What issuers do, as the worker hears it: orders stop and go on with the token, the whole pool is asked about in turn, and what is frozen
//! is not handed out again.

use std::sync::Arc;
use std::time::Duration;

use payin_core::address::Address;
use payin_server::chain::{Frozen, Issued, Nodes, Source, Stopped};
use payin_server::worker::issuers::Issuers;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, Place, refusal, request};
use payin_types::{CreateOrder, ErrorCode};

use super::script::Script;

#[tokio::test]
async fn a_stopped_token_takes_no_orders_until_it_goes_on() {
    let place = Place::new(Kind::Sqlite).await;
    let gateway = Gateway::open(&place.location, 1, None).await;
    gateway.follow_all().await;
    let organization = gateway.merchant(250).await;
    let node = Script::of(100, 90);
    let nodes = Arc::new(Nodes::new(vec![Arc::clone(&node) as Arc<dyn Source>]));
    let mut worker = Issuers::new(gateway.app.clone(), gateway.chain("ethereum-sepolia"), nodes, "one".to_owned());
    let mut step = async || {
        let did = worker.step().await.unwrap();
        assert_eq!(did, Did::Idle { until: gateway.now().plus(Duration::from_secs(300)) });
        gateway.clock.advance(Duration::from_secs(300));
    };
    step().await;
    let first = gateway.create(&organization, request("before")).await.unwrap();

    *node.issued.lock().unwrap() = Issued {
        stopped: vec![Stopped { currency: "USDT".into(), reason: "its contract says that it is paused".to_owned() }],
        frozen: vec![],
    };
    step().await;
    let error = refusal(gateway.create(&organization, request("stopped")).await);
    assert!(error.code == ErrorCode::ChainUnavailable && error.message.contains("it is paused"), "{}", error.message);
    gateway.create(&organization, CreateOrder { currency: "USDC".into(), ..request("another token") }).await.unwrap();
    let frozen = Frozen { address: Address::from_canonical(first.address), currency: "USDT".into(), reason: "frozen".to_owned() };
    *node.issued.lock().unwrap() = Issued { stopped: vec![], frozen: vec![frozen] };
    step().await;
    gateway.create(&organization, request("goes on")).await.unwrap();
    assert_eq!(place.value("SELECT COUNT(*) FROM pool_addresses WHERE quarantined_at IS NOT NULL").await, "1");
    // A hundred at a time, to the end, and from the beginning.
    step().await;
    assert_eq!(*node.asked.lock().unwrap(), [100, 100, 50, 100]);
    worker.stop().await.unwrap();
    assert_eq!(place.value("SELECT expires_at FROM leases WHERE name = 'issuers ethereum-sepolia'").await, "0");
}
