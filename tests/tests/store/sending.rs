//! Sending: nothing is lost, doubled or sent after its endpoint is gone, and all of it is logged. Whose turn it is, is in `turns.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::delivery::Policy;
use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_server::app::deliveries::TakeBackClaims;
use payin_server::app::event_log;
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::worker::deliver::Deliver;
use payin_server::worker::maintain::Maintain;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::Kind;
use payin_types::EndpointId;
use tokio::task::JoinSet;

use super::World;
use super::outbox::{Receiver, claim, delete, deliver_all, endpoint, tell};
use super::turns::{endpoints, start, until};

pub async fn what_a_dead_server_claimed_is_sent_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    let events: BTreeSet<String> =
        tell(gateway, &organization, 3, std::slice::from_ref(&to)).await.into_iter().map(|id| id.as_str().to_owned()).collect();
    // Claimed, and then nothing was heard: the server was killed before, while, or after it sent.
    assert_eq!(claim(gateway).await.len(), 3);
    let receiver = Receiver::answering(200);
    gateway.clock.advance(Duration::from_millis(29_999));
    deliver_all(gateway, Arc::clone(&receiver)).await;
    assert_eq!(receiver.count(), 0);
    gateway.clock.advance(Duration::from_millis(1));
    deliver_all(gateway, Arc::clone(&receiver)).await;
    assert_eq!(receiver.ids().into_iter().collect::<BTreeSet<_>>(), events);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL AND attempts = 1").await, "3");
}

pub async fn a_sole_server_takes_back_what_was_claimed_before_it(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    // One has failed, and waits for its second attempt; one is delivered; of three nothing was heard.
    let event = async || tell(gateway, &organization, 1, std::slice::from_ref(&to)).await.remove(0).as_str().to_owned();
    event().await;
    deliver_all(gateway, Receiver::answering(200)).await;
    let failed = event().await;
    deliver_all(gateway, Receiver::answering(500)).await;
    let unheard = BTreeSet::from([event().await, event().await, event().await]);
    assert_eq!(claim(gateway).await.len(), 3);
    assert_eq!(gateway.write(TakeBackClaims { now: gateway.now() }).await.expect("taken back"), 3);
    let receiver = Receiver::answering(200);
    deliver_all(gateway, Arc::clone(&receiver)).await;
    assert_eq!((receiver.count(), receiver.ids().into_iter().collect::<BTreeSet<_>>()), (3, unheard));
    gateway.clock.advance(Duration::from_millis(1_200));
    deliver_all(gateway, Arc::clone(&receiver)).await;
    assert_eq!(receiver.ids()[3..], [failed]);
}

/// Notes which attempts are under way, and takes a moment.
#[derive(Default)]
struct Careful {
    under_way: Mutex<BTreeSet<(String, Vec<u8>)>>,
    got: Mutex<BTreeMap<(String, Vec<u8>), usize>>,
}

impl Http for Careful {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let key = (request.url.to_string(), request.headers.iter().find(|(name, _)| name == "webhook-id").unwrap().1.clone().into_bytes());
        async move {
            assert!(self.under_way.lock().unwrap().insert(key.clone()), "{key:?} is attempted by two at once");
            tokio::task::yield_now().await;
            self.under_way.lock().unwrap().remove(&key);
            *self.got.lock().unwrap().entry(key).or_default() += 1;
            Ok(Answer { status: 200, body: Vec::new(), retry_after: None })
        }
        .boxed()
    }
}

pub async fn servers_share_deliveries_and_overlap_in_none(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoints(gateway, &organization, 8).await;
    let (careful, mut lanes) = (Arc::new(Careful::default()), JoinSet::new());
    for server in &servers {
        start(server, &(Arc::clone(&careful) as Arc<dyn Http>), 32, &mut lanes);
    }
    for _ in 0..5 {
        tell(gateway, &organization, 20, &to).await;
    }
    let got = || careful.got.lock().unwrap().values().sum::<usize>();
    until(|| got() >= 800, || format!("{} of 800", got())).await;
    // Recorded, too, before the lanes are stopped.
    while world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL AND attempts = 1").await != "800" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lanes.shutdown().await;
    let got = careful.got.lock().unwrap();
    assert!(got.len() == 800 && got.values().all(|count| *count == 1), "{} deliveries, each once", got.len());
}

pub async fn nothing_is_sent_after_a_deletion(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoints(gateway, &organization, 4).await;
    tell(gateway, &organization, 1, &to).await;
    let receiver = Receiver::answering(200);
    let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    // All four were claimed and loaded together; the first is sent, the others wait for a place.
    assert_eq!(lane.step().await.expect("a step"), Did::Work);
    assert_eq!(receiver.count(), 1);
    for id in &to {
        delete(gateway, &organization, id).await;
    }
    gateway.clock.advance(Duration::from_secs(1));
    while lane.step().await.expect("a step") == Did::Work {}
    gateway.clock.advance(Duration::from_secs(60));
    while lane.step().await.expect("a step") == Did::Work {}
    assert_eq!(receiver.count(), 1, "sent though its endpoint was deleted");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL").await, "0");
}

pub async fn a_backlog_is_called_off_piece_by_piece(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let [deleted, gone] = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    let receiver = Receiver::answering(410);
    let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    let left = async |to: &EndpointId| {
        let query = format!("SELECT COUNT(*) FROM deliveries WHERE endpoint_id = '{to}' AND next_attempt_at IS NOT NULL");
        world.place.value(&query).await
    };
    tell(gateway, &organization, 1_200, std::slice::from_ref(&deleted)).await;
    delete(gateway, &organization, &deleted).await;
    assert_eq!(left(&deleted).await, "700", "a bounded number in the transaction of the deletion");
    while lane.step().await.expect("a step") == Did::Work {}
    assert_eq!((receiver.count(), left(&deleted).await), (0, "0".to_owned()));
    // All but the one that was answered 410.
    tell(gateway, &organization, 1_200, std::slice::from_ref(&gone)).await;
    assert_eq!(lane.step().await.expect("a step"), Did::Work);
    assert_eq!(left(&gone).await, "699");
    while lane.step().await.expect("a step") == Did::Work {}
    gateway.clock.advance(Duration::from_secs(60));
    while lane.step().await.expect("a step") == Did::Work {}
    assert_eq!((receiver.count(), left(&gone).await), (1, "0".to_owned()));
}

/// Keeps what was sent, and answers as it is told.
#[derive(Default)]
struct Keeps {
    sent: Mutex<Vec<Outgoing>>,
}

impl Http for Keeps {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let mut sent = self.sent.lock().unwrap();
        sent.push(request);
        let status = if sent.len() < 3 { 503 } else { 200 };
        futures_util::future::ready(Ok(Answer { status, body: b"busy".to_vec(), retry_after: None })).boxed()
    }
}

pub async fn what_arrives_verifies_and_is_logged(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let request = payin_types::CreateEndpoint {
        url: "https://shop.example/hook".to_owned(),
        events: vec![payin_types::EventType::All],
        secret: Some("a secret of sixteen".to_owned()),
        description: None,
    };
    let to = gateway.write(payin_server::app::endpoints::Create::new(&gateway.app, organization.clone(), Ok(request))).await.unwrap().id;
    let event = tell(gateway, &organization, 1, std::slice::from_ref(&to)).await.remove(0);
    let keeps = Arc::new(Keeps::default());
    let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(&keeps) as Arc<dyn Http>, Arc::default(), Arc::default());
    for _ in 0..3 {
        while lane.step().await.expect("a step") == Did::Work {}
        gateway.clock.advance(Duration::from_secs(5));
    }
    let sent = std::mem::take(&mut *keeps.sent.lock().unwrap());
    let [first, second, third] = &sent[..] else { panic!("three attempts, not {}", sent.len()) };
    assert!(first.body == second.body && second.body == third.body, "byte for byte");
    let header = |request: &Outgoing, wanted: &str| request.headers.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    for name in ["X-PayIn-Signature", "webhook-signature", "X-PayIn-Delivery-Id"] {
        let values: BTreeSet<String> = sent.iter().map(|request| header(request, name)).collect();
        assert_eq!(values.len(), 3, "{name} is made anew for each attempt");
    }
    let verifier = Verifier::new("a secret of sixteen".to_owned().into());
    for request in sent.iter() {
        for scheme in [Scheme::PayIn, Scheme::Standard] {
            let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            webhook::verify_as(scheme, headers, &request.body, &verifier, gateway.now()).expect("genuine");
        }
    }
    // The log has each request as it was sent, the newest first.
    let shown = event_log::deliveries(&gateway.app, &organization, event.as_str()).await.expect("deliveries").data.remove(0);
    assert_eq!(shown.log.iter().map(|attempt| attempt.status_code).collect::<Vec<_>>(), [Some(200), Some(503), Some(503)]);
    for (attempt, sent) in shown.log.iter().rev().zip(sent.iter()) {
        let logged = attempt.request.as_ref().expect("a request");
        assert_eq!(logged.url, sent.url.as_str());
        assert_eq!(logged.headers, sent.headers.iter().cloned().collect());
        assert_eq!(attempt.response.as_deref(), Some("busy"));
    }
}

pub async fn old_attempts_are_forgotten(kind: Kind) {
    let world = World::new(kind).await;
    let mut gateway = world.gateway.clone();
    let day = Duration::from_secs(86_400);
    gateway.app.deliveries = Arc::new(Policy { keep_log: day * 2, ..Policy::default() });
    let organization = gateway.merchant(0).await;
    let to = endpoint(&gateway, &organization, "[\"*\"]").await;
    let old = tell(&gateway, &organization, 1, std::slice::from_ref(&to)).await.remove(0);
    deliver_all(&gateway, Receiver::answering(500)).await;
    gateway.clock.advance(day);
    deliver_all(&gateway, Receiver::answering(200)).await;
    let (into, number) = ("INSERT INTO delivery_attempts (event_id, endpoint_id, number, started_at, duration_ms) VALUES ", 2_500);
    let rows: Vec<String> = (100..100 + number).map(|number| format!("('{old}', '{to}', {number}, {number}, 0)")).collect();
    world.place.execute(&format!("{into}{}", rows.join(", "))).await;
    gateway.clock.advance(day);
    let count = || world.place.value("SELECT COUNT(*) FROM delivery_attempts");
    let mut maintain = Maintain::new(gateway.app.clone());
    // A bounded number at a time; what is younger stays, and so do the delivery and its event.
    let mut left = Vec::new();
    while maintain.step().await.expect("a step") == Did::Work {
        left.push(count().await);
    }
    assert_eq!(left, ["1502", "502", "1"]);
    let shown = event_log::deliveries(&gateway.app, &organization, old.as_str()).await.expect("deliveries").data.remove(0);
    assert_eq!((shown.attempts, shown.log.len(), shown.log[0].status_code), (2, 1, Some(200)));
}
