//! The outbox: who is told of what, when again, and who is told no more. Nothing is really sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use payin_core::delivery::{Next, RETRIES_S};
use payin_server::app::deliveries::{self as cases, Claimed, Due};
use payin_server::app::dialect::endpoints::{self as dialect, New};
use payin_server::app::endpoints;
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::store::deliveries::{self, Attempt};
use payin_server::store::events;
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::{CreateEndpoint, EndpointId, ErrorCode, Event, EventId, EventType, OrganizationId, Timestamp};

use super::World;
use super::line::{Line, Sent, at};

/// A receiver that answers what it is told to.
#[derive(Default)]
pub struct Receiver {
    status: Mutex<u16>,
    got: Mutex<Vec<(String, String, Event)>>,
}

impl Receiver {
    pub fn answering(status: u16) -> Arc<Self> {
        Arc::new(Self { status: Mutex::new(status), got: Mutex::default() })
    }

    /// Answers so from now on.
    pub fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    pub fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    pub fn urls(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(url, ..)| url.clone()).collect()
    }

    /// The ids of the events that came, by their header.
    pub fn ids(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(_, id, _)| id.clone()).collect()
    }
}

impl Http for Receiver {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let event = serde_json::from_slice(&request.body).expect("an event");
        let id = request.headers.iter().find(|(name, _)| name == "webhook-id").expect("an id").1.clone();
        self.got.lock().unwrap().push((request.url.to_string(), id, event));
        let status = *self.status.lock().unwrap();
        let answer = if status == 0 { Err(SendFault::Dns) } else { Ok(Answer { status, body: b"said \0 so".to_vec(), retry_after: None }) };
        futures_util::future::ready(answer).boxed()
    }
}

/// An endpoint for events given as JSON.
pub async fn endpoint(gateway: &Gateway, organization: &OrganizationId, events: &str) -> EndpointId {
    let events: Vec<EventType> = serde_json::from_str(events).expect("a list of events");
    let url = format!("https://example.com/{}", gateway.app.random_id());
    let request = CreateEndpoint { url, events, secret: None, description: None };
    gateway.write(endpoints::Create::new(&gateway.app, organization.clone(), Ok(request))).await.expect("an endpoint").id
}

pub async fn delete(gateway: &Gateway, organization: &OrganizationId, id: &EndpointId) {
    let unit = endpoints::Delete { organization_id: organization.clone(), id: id.as_str().to_owned(), now: gateway.now() };
    gateway.write(unit).await.expect("deleted");
}

/// So many events of an organization, each to these endpoints.
pub async fn tell(gateway: &Gateway, organization: &OrganizationId, count: usize, endpoints: &[EndpointId]) -> Vec<EventId> {
    let new = |_| events::New {
        id: EventId::from_random(gateway.app.random_id()),
        organization_id: organization.clone(),
        event_type: EventType::OrderCompleted,
        object_id: format!("ord_{}", gateway.app.random_id()),
        sequence: 1,
        body: format!("{{\"id\":\"x\",\"type\":\"order.completed\",\"created_at\":\"{}\",\"data\":{{}}}}", gateway.now()),
        created_at: gateway.now(),
        api: None,
    };
    let all: Vec<events::New> = (0..count).map(new).collect();
    let ids = all.iter().map(|event| event.id.clone()).collect();
    let endpoints = endpoints.to_vec();
    gateway
        .tx(move |tx| {
            let (all, endpoints) = (all.clone(), endpoints.clone());
            async move {
                for event in &all {
                    events::insert(tx, event, &endpoints).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .expect("told");
    ids
}

/// Claims what is due, four of each endpoint.
pub async fn claim(gateway: &Gateway) -> Vec<Claimed> {
    let now = gateway.now();
    let due = deliveries::due::oldest(&mut gateway.app.store.read().await.unwrap(), now).await.unwrap();
    cases::claim(&gateway.app, due.into_iter().map(|due| (Arc::new(due.receiver), 4)).collect(), now).await.expect("claimed")
}

/// What is sent of claimed deliveries.
pub async fn load(gateway: &Gateway, claimed: Vec<Claimed>) -> Vec<Due> {
    cases::load(&gateway.app, claimed, gateway.now()).await.expect("loaded")
}

pub async fn record(gateway: &Gateway, claimed: &Claimed, next: Next) -> bool {
    let (claimed, now) = (claimed.clone(), gateway.now());
    gateway
        .tx(move |tx| {
            let attempt = Attempt { started_at: now, duration_ms: 5, request: None, status: Some(500), failure: None, response: None };
            let claimed = claimed.clone();
            async move { Ok(deliveries::record(tx, &[(&claimed, &attempt, next)], now).await? == 1) }.boxed()
        })
        .await
        .expect("recorded")
}

async fn next_due(gateway: &Gateway) -> Option<Timestamp> {
    deliveries::next_due(&mut gateway.app.store.read().await.unwrap(), Timestamp::from_millis(0)).await.unwrap()
}

pub async fn events_go_to_those_who_asked(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(2).await, gateway.merchant(0).await);
    let star = endpoint(gateway, &organization, "[\"*\"]").await;
    let completed = endpoint(gateway, &organization, "[\"order.completed\"]").await;
    let expired = endpoint(gateway, &organization, "[\"order.expired\"]").await;
    let created = endpoint(gateway, &organization, "[\"order.created\",\"order.payment_detected\"]").await;
    let deleted = endpoint(gateway, &organization, "[\"*\",\"order.created\"]").await;
    let foreign = endpoint(gateway, &other, "[\"*\",\"order.created\"]").await;
    delete(gateway, &organization, &deleted).await;
    let paid = gateway.create(&organization, request("paid")).await.unwrap();
    let unpaid = gateway.create(&organization, request("unpaid")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[Sent::pays(&paid, "100", "0x1")]).await;
    line.blocks(3, at(2)).await;
    line.settle().await;
    line.blocks(4, at(1000)).await;
    line.expire().await;
    let told = |endpoint: &EndpointId| {
        let query = format!("SELECT event_id FROM deliveries WHERE endpoint_id = '{endpoint}'");
        let place = &world.place;
        async move { place.rows(&query).await.into_iter().flatten().collect::<BTreeSet<String>>() }
    };
    let event = |words: &str, order: &payin_types::Order| format!("evt_order_{words}_{}", order.order_id);
    assert_eq!(told(&star).await, BTreeSet::from([event("completed", &paid), event("expired", &unpaid)]));
    assert_eq!(told(&completed).await, BTreeSet::from([event("completed", &paid)]));
    assert_eq!(told(&expired).await, BTreeSet::from([event("expired", &unpaid)]));
    let named = [event("created", &paid), event("created", &unpaid), event("payment_detected", &paid)];
    assert_eq!(told(&created).await, BTreeSet::from(named));
    assert_eq!((told(&deleted).await.len(), told(&foreign).await.len()), (0, 0));
    assert_eq!(world.events(paid.order_id.as_str()).await.len(), 3);
    // All of it is sent, each to its own, and then nothing more.
    let receiver = Receiver::answering(204);
    let mut deliver = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    while deliver.step().await.unwrap() == Did::Work {}
    let got: BTreeSet<(String, String)> =
        receiver.got.lock().unwrap().iter().map(|(url, _, event)| (url.clone(), event.id.as_str().to_owned())).collect();
    assert_eq!((receiver.count(), got.len()), (7, 7));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL AND attempts = 1").await, "7");
    assert_eq!(next_due(gateway).await, None);
}

pub async fn retries_follow_the_table(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&to)).await;
    let receiver = Receiver::answering(500);
    let mut deliver = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    for (wait_s, attempt) in RETRIES_S.into_iter().zip(1..) {
        receiver.answers([500, 0, 404, 301][attempt % 4]);
        assert_eq!(deliver.step().await.unwrap(), Did::Work);
        assert_eq!(receiver.count(), attempt);
        // As the table says, and up to a fifth later, so that what failed together does not come back together.
        let wait = next_due(gateway).await.expect("another attempt").since(gateway.now());
        let documented = Duration::from_secs(wait_s);
        assert!((documented..=documented * 6 / 5).contains(&wait), "{wait:?} after attempt {attempt}");
        gateway.clock.advance(wait - Duration::from_millis(1));
        assert!(matches!(deliver.step().await.unwrap(), Did::Idle { .. }));
        gateway.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(deliver.step().await.unwrap(), Did::Work);
    assert_eq!((receiver.count(), next_due(gateway).await), (13, None));
    let ended = "SELECT attempts, delivered_at, given_up_at FROM deliveries";
    assert_eq!(world.place.rows(ended).await, [["13".to_owned(), "-".to_owned(), gateway.now().millis().to_string()]]);
    let log = world.place.rows("SELECT number, status, failure, response FROM delivery_attempts ORDER BY number").await;
    assert_eq!(log.len(), 13);
    assert_eq!(log[0], ["1", "-", "the host name does not resolve", "-"]);
    assert_eq!(log[1], ["2", "404", "-", "said \u{fffd} so"]);
}

pub async fn a_void_claim_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&to)).await;
    let first = claim(gateway).await;
    assert_eq!((first.len(), claim(gateway).await.len()), (1, 0), "what is claimed is nobody else's for a while");
    // Nothing was heard of it: somebody else takes it up.
    gateway.clock.advance(Duration::from_secs(30));
    let second = claim(gateway).await;
    assert_eq!((second.len(), second[0].claim, second[0].attempts), (1, first[0].claim + 1, 0));
    let state = || world.place.rows("SELECT attempts, next_attempt_at, claim, delivered_at, given_up_at FROM deliveries");
    let before = state().await;
    for next in [Next::Delivered, Next::GivenUp, Next::At(gateway.now())] {
        assert!(!record(gateway, &first[0], next).await);
    }
    assert_eq!(state().await, before);
    assert!(record(gateway, &second[0], Next::Delivered).await);
    let done = state().await;
    assert_eq!((done[0][0].as_str(), done[0][1].as_str()), ("1", "-"));
    // What is over stays over, whoever reports what.
    for due in [&first[0], &second[0]] {
        assert!(!record(gateway, due, Next::At(gateway.now())).await);
    }
    assert_eq!(state().await, done);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM delivery_attempts").await, "2", "each claim is in the log once");
}

pub async fn gone_is_gone(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let gone = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&gone)).await;
    let receiver = Receiver::answering(410);
    let mut deliver = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    // A second one is under way to the same endpoint while the first is answered.
    let waiting = claim(gateway).await;
    tell(gateway, &organization, 1, std::slice::from_ref(&gone)).await;
    assert_eq!(deliver.step().await.unwrap(), Did::Work);
    assert_eq!(world.place.value("SELECT enabled FROM webhook_endpoints").await, "0");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NULL AND given_up_at IS NOT NULL").await, "2");
    assert!(!record(gateway, &waiting[0], Next::At(gateway.now())).await, "it was called off");
    let page = endpoints::list(&gateway.app, &organization, None, None).await.unwrap();
    assert_eq!((page.data.len(), page.data[0].enabled), (1, false));
    // It is told nothing of what comes.
    let living = endpoint(gateway, &organization, "[\"*\"]").await;
    gateway.import(&organization, &gateway.addresses(1)).await.unwrap();
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[Sent::pays(&order, "100", "0x1")]).await;
    line.blocks(3, at(2)).await;
    line.settle().await;
    let told = format!("SELECT endpoint_id FROM deliveries WHERE event_id = 'evt_order_completed_{}'", order.order_id);
    assert_eq!(world.place.rows(&told).await, [[living.as_str()]]);
}

pub async fn a_deleted_endpoint_gets_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let doomed = endpoint(gateway, &organization, "[\"*\"]").await;
    let living = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 3, &[doomed.clone(), living.clone()]).await;
    let under_way = claim(gateway).await;
    tell(gateway, &organization, 3, &[doomed.clone(), living.clone()]).await;
    // Nobody else can delete it, and nobody twice.
    for organization in [&other, &organization] {
        let unit = || endpoints::Delete { organization_id: organization.clone(), id: doomed.as_str().to_owned(), now: gateway.now() };
        let results = join_all((0..4).map(|_| gateway.write(unit()))).await;
        let (deleted, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(deleted.len(), usize::from(organization != &other));
        assert!(refused.into_iter().all(|result| refusal(result).code == ErrorCode::ResourceNotFound));
    }
    let waiting = |endpoint: &EndpointId| {
        let query = format!("SELECT COUNT(*) FROM deliveries WHERE endpoint_id = '{endpoint}' AND next_attempt_at IS NOT NULL");
        let place = &world.place;
        async move { place.value(&query).await }
    };
    assert_eq!((waiting(&doomed).await, waiting(&living).await), ("0".to_owned(), "6".to_owned()));
    for due in under_way.iter().filter(|due| due.endpoint_id == doomed) {
        assert!(!record(gateway, due, Next::At(gateway.now())).await);
    }
    // An event whose transaction had read the subscribers before the endpoint was deleted, and commits after it.
    tell(gateway, &organization, 1, std::slice::from_ref(&doomed)).await;
    let claimed = claim(gateway).await;
    let sent = load(gateway, claimed).await;
    assert_eq!(sent.iter().filter(|due| due.claimed.endpoint_id == living).count(), 3);
    assert_eq!(sent.iter().filter(|due| due.claimed.endpoint_id == doomed).count(), 0, "a deleted endpoint is sent something");
    // What was claimed for it is given up when the claim lapses.
    gateway.clock.advance(Duration::from_secs(30));
    deliver_all(gateway, Receiver::answering(200)).await;
    assert_eq!(waiting(&doomed).await, "0");
}

pub async fn a_delivery_is_claimed_once(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    tell(gateway, &organization, 60, &to).await;
    let mut claims: BTreeMap<(EventId, EndpointId), usize> = BTreeMap::new();
    for _ in 0..30 {
        for due in join_all((0..8).map(|number| claim(&servers[number % servers.len()]))).await.into_iter().flatten() {
            *claims.entry((due.event_id, due.endpoint_id)).or_default() += 1;
        }
    }
    assert_eq!(claims.len(), 120);
    assert!(claims.values().all(|count| *count == 1), "{claims:?}");
}

/// Sends all that is due, by one lane.
pub async fn deliver_all(gateway: &Gateway, receiver: Arc<Receiver>) {
    let mut deliver = Deliver::new(gateway.app.clone(), receiver, Arc::default(), Arc::default());
    while deliver.step().await.expect("a step") == Did::Work {}
}

pub async fn an_organization_has_so_many_endpoints_and_no_more(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let create = async |organization: &OrganizationId| {
        let request =
            CreateEndpoint { url: "https://a.example/".to_owned(), events: vec![EventType::All], secret: None, description: None };
        gateway.write(endpoints::Create::new(&gateway.app, organization.clone(), Ok(request))).await
    };
    let create_elsewhere = async || {
        let new = New { url: "https://a.example/".to_owned(), events: vec!["payment.confirmed".into()], secret: None };
        gateway.write(dialect::Create::new(&gateway.app, "cryptopay", organization.clone(), Ok(new))).await
    };
    for _ in 0..100 {
        create(&organization).await.expect("an endpoint");
        create_elsewhere().await.expect("counted apart");
    }
    for refused in [refusal(create(&organization).await), refusal(create_elsewhere().await)] {
        assert_eq!(refused.code, ErrorCode::ValidationError);
        assert!(refused.message.starts_with("There are 100 webhook endpoints"), "{}", refused.message);
    }
    create(&other).await.expect("another organization's");
    let some = format!("SELECT MIN(id) FROM webhook_endpoints WHERE api IS NULL AND organization_id = '{organization}'");
    let id = EndpointId::from(world.place.value(&some).await);
    delete(gateway, &organization, &id).await;
    create(&organization).await.expect("room again");
}
