//! What issuers do, as the worker hears it: orders stop and go on with the token, the whole pool is asked about in turn, and what is frozen
//! is not handed out again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::Address;
use payin_server::chain::evm::EvmSource;
use payin_server::chain::{Frozen, Issued, Nodes, Source, Stopped};
use payin_server::env::{Rpc, RpcFault};
use payin_server::worker::issuers::Issuers;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, Place, refusal, request};
use payin_types::{CreateOrder, ErrorCode};
use serde_json::{Value, json};

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
    // One node's word is heard when it has been said twice.
    step().await;
    gateway.create(&organization, request("said once")).await.unwrap();
    step().await;
    let error = refusal(gateway.create(&organization, request("stopped")).await);
    assert!(error.code == ErrorCode::ChainUnavailable && error.message.contains("it is paused"), "{}", error.message);
    gateway.create(&organization, CreateOrder { currency: "USDC".into(), ..request("another token") }).await.unwrap();
    let frozen = Frozen { address: Address::from_canonical(first.address), currency: "USDT".into(), reason: "frozen".to_owned() };
    *node.issued.lock().unwrap() = Issued { stopped: vec![], frozen: vec![frozen] };
    let quarantined = || place.value("SELECT COUNT(*) FROM pool_addresses WHERE quarantined_at IS NOT NULL");
    step().await;
    assert_eq!(quarantined().await, "0");
    step().await;
    gateway.create(&organization, request("goes on")).await.unwrap();
    assert_eq!(quarantined().await, "1");
    // A hundred at a time, to the end, and from the beginning; and again those of which something was said once.
    step().await;
    assert_eq!(*node.asked.lock().unwrap(), [100, 100, 50, 100, 100, 100]);
    worker.stop().await.unwrap();
    assert_eq!(place.value("SELECT expires_at FROM leases WHERE name = 'issuers ethereum-sepolia'").await, "0");
}

/// A node that answers yes to whatever a contract is asked but its decimals, as one does whose client is broken.
struct Yes(u64);

impl Rpc for Yes {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let answer = |call: &Value| {
            let result = match call["method"].as_str().unwrap() {
                "eth_chainId" => json!(format!("{:#x}", self.0)),
                "eth_call" if call.to_string().contains("0x313ce567") => json!(format!("0x{:064x}", 6)),
                "eth_call" => json!(format!("0x{:064x}", 1)),
                _ => Value::Null,
            };
            json!({"jsonrpc": "2.0", "id": call["id"], "result": result})
        };
        let answer = match serde_json::from_slice(&body).unwrap() {
            Value::Array(calls) => calls.iter().map(answer).collect(),
            call => answer(&call),
        };
        ready(Ok(answer.to_string().into())).boxed()
    }
}

/// What one node says of tokens and addresses, beside none that says the same, neither stops a token nor uses up the pool.
#[tokio::test]
async fn one_nodes_word_neither_stops_a_token_nor_uses_up_the_pool() {
    let frozen = |addresses: &[String]| {
        let frozen = |address: &String| Frozen {
            address: Address::from_canonical(address.clone()),
            currency: "USDT".into(),
            reason: "frozen".to_owned(),
        };
        let stopped = Stopped { currency: "USDT".into(), reason: "its contract says that it is paused".to_owned() };
        Issued { stopped: vec![stopped], frozen: addresses.iter().map(frozen).collect() }
    };
    // The node alone; one that lies beside one that does not; and two that say the same, which are believed.
    for (case, believed) in [("answers yes to everything", false), ("lies", false), ("two", true)] {
        let place = Place::new(Kind::Sqlite).await;
        let gateway = Gateway::open(&place.location, 1, None).await;
        gateway.follow_all().await;
        let organization = gateway.merchant(0).await;
        let addresses = gateway.addresses(5);
        gateway.import(&organization, &addresses).await.unwrap();
        let chain = gateway.chain("ethereum-sepolia");
        let (one, two) = (Script::of(100, 90), Script::of(100, 90));
        *one.issued.lock().unwrap() = frozen(&addresses);
        if believed {
            *two.issued.lock().unwrap() = frozen(&addresses);
        }
        let yes = EvmSource::new(chain.clone(), Arc::new(Yes(chain.numeric_id.unwrap())));
        let nodes: Vec<Arc<dyn Source>> = if case.contains("yes") { vec![Arc::new(yes)] } else { vec![one, two] };
        let mut worker = Issuers::new(gateway.app.clone(), chain, Arc::new(Nodes::new(nodes)), "one".to_owned());
        for _ in 0..3 {
            worker.step().await.unwrap();
            gateway.clock.advance(Duration::from_secs(300));
        }
        let quarantined = place.value("SELECT COUNT(*) FROM pool_addresses WHERE quarantined_at IS NOT NULL").await;
        assert_eq!(quarantined, if believed { "5" } else { "0" }, "{case}");
        assert_eq!(gateway.create(&organization, request("order")).await.is_err(), believed, "{case}");
    }
}
