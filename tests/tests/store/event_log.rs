//! The event log, and sending from it again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_server::app::event_log;
use payin_server::env::Http;
use payin_server::store::deliveries::Next;
use payin_server::store::{event_log as log, events};
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::{DeliveryStatus, EndpointId, ErrorCode, EventId, EventRecord, EventType, ListEvents, OrganizationId, Timestamp};

use super::World;
use super::hooks::resend;
use super::outbox::{Receiver, claim, delete, endpoint, record, tell};

/// What a naive model knows of an event.
struct Told {
    id: EventId,
    event_type: EventType,
    object: String,
    at: Timestamp,
    deliveries: Vec<(EndpointId, DeliveryStatus)>,
}

/// Events of two types about three objects, several at a time, each with its own mix of deliveries.
async fn history(world: &World, organization: &OrganizationId, endpoints: &[EndpointId]) -> Vec<Told> {
    let gateway = &world.gateway;
    let states = [None, Some(DeliveryStatus::Pending), Some(DeliveryStatus::Delivered), Some(DeliveryStatus::Failed)];
    let mut all = Vec::new();
    for number in 0..16usize {
        if number % 3 == 0 {
            gateway.clock.advance(Duration::from_secs(1));
        }
        let event_type = [EventType::OrderCompleted, EventType::OrderCreated][number % 2].clone();
        let mixed = [states[number % 4].clone(), states[number / 4].clone()];
        let deliveries: Vec<_> = endpoints.iter().zip(mixed).filter_map(|(endpoint, state)| Some((endpoint.clone(), state?))).collect();
        let object = format!("ord_{}", number % 3);
        let id = EventId::from(format!("evt_{:02}", (number * 7) % 16));
        let (to, now): (Vec<EndpointId>, _) = (deliveries.iter().map(|(endpoint, _)| endpoint.clone()).collect(), gateway.now());
        let body = format!("{{\"id\":\"{id}\",\"type\":\"{event_type}\",\"created_at\":\"{now}\",\"data\":{{\"n\":{number}}}}}");
        let new = events::New {
            id: id.clone(),
            organization_id: organization.clone(),
            event_type: event_type.clone(),
            object_id: object.clone(),
            sequence: number as u64 + 1,
            body,
            created_at: now,
            api: None,
        };
        let insert = gateway.tx(move |tx| {
            let (new, to) = (new.clone(), to.clone());
            async move { Ok(events::insert(tx, &new, &to).await?) }.boxed()
        });
        insert.await.expect("told");
        for (endpoint, state) in &deliveries {
            let done = match state {
                DeliveryStatus::Delivered => "delivered_at = 1, next_attempt_at = NULL",
                DeliveryStatus::Failed => "given_up_at = 1, next_attempt_at = NULL",
                _ => continue,
            };
            world.place.execute(&format!("UPDATE deliveries SET {done} WHERE event_id = '{id}' AND endpoint_id = '{endpoint}'")).await;
        }
        all.push(Told { id, event_type, object, at: now, deliveries });
    }
    all.sort_by(|one, other| (other.at, other.id.as_str()).cmp(&(one.at, one.id.as_str())));
    all
}

fn is_counted(record: &EventRecord, told: &Told) -> bool {
    let count = |status| told.deliveries.iter().filter(|(_, state)| *state == status).count() as u64;
    let counts = &record.deliveries;
    [counts.pending, counts.delivered, counts.failed]
        == [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed].map(count)
}

pub async fn the_log_is_what_a_naive_model_says(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let endpoints = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    let all = history(&world, &organization, &endpoints).await;
    tell(gateway, &other, 2, &[endpoint(gateway, &other, "[\"*\"]").await]).await;
    let times: BTreeSet<Timestamp> = all.iter().map(|told| told.at).collect();
    let middle = times.iter().nth(times.len() / 2).copied();
    let mut asked = 0;
    for event_type in [None, Some(EventType::OrderCreated), Some(EventType::OrderExpired)] {
        for endpoint_id in [None, Some(endpoints[0].clone()), Some(EndpointId::from("we_none"))] {
            for status in [None, Some(DeliveryStatus::Pending), Some(DeliveryStatus::Delivered), Some(DeliveryStatus::Failed)] {
                for object_id in [None, Some("ord_1".to_owned())] {
                    for (created_after, created_before) in [(None, None), (middle, None), (None, middle), (middle, middle)] {
                        let (event_type, endpoint_id, status) = (event_type.clone(), endpoint_id.clone(), status.clone());
                        let object_id = object_id.clone();
                        let limit = Some(100);
                        let query =
                            ListEvents { page: None, limit, event_type, endpoint_id, status, object_id, created_after, created_before };
                        let is_asked = |told: &&Told| {
                            query.event_type.as_ref().is_none_or(|wanted| *wanted == told.event_type)
                                && query.object_id.as_ref().is_none_or(|wanted| *wanted == told.object)
                                && query.created_after.is_none_or(|from| told.at >= from)
                                && query.created_before.is_none_or(|to| told.at < to)
                                && (query.endpoint_id.is_none() && query.status.is_none()
                                    || told.deliveries.iter().any(|(endpoint, state)| {
                                        query.endpoint_id.as_ref().is_none_or(|wanted| wanted == endpoint)
                                            && query.status.as_ref().is_none_or(|wanted| wanted == state)
                                    }))
                        };
                        let expected: Vec<&Told> = all.iter().filter(is_asked).collect();
                        let page = event_log::list(&gateway.app, &organization, query.clone()).await.expect("a page");
                        let found: Vec<&EventId> = page.data.iter().map(|record| &record.id).collect();
                        assert_eq!(found, expected.iter().map(|told| &told.id).collect::<Vec<_>>(), "{query:?}");
                        assert_eq!(page.pagination.total, expected.len() as u64, "{query:?}");
                        assert!(page.data.iter().zip(&expected).all(|(record, told)| is_counted(record, told)), "{query:?}");
                        asked += 1;
                    }
                }
            }
        }
    }
    assert_eq!(asked, 288);
    // Pages join up; what no event and no delivery is, is refused.
    let mut joined = Vec::new();
    for page in 1..=4 {
        let query = ListEvents { page: Some(page), limit: Some(5), ..Default::default() };
        joined.extend(event_log::list(&gateway.app, &organization, query).await.expect("a page").data);
    }
    assert_eq!(joined.iter().map(|record| &record.id).collect::<Vec<_>>(), all.iter().map(|told| &told.id).collect::<Vec<_>>());
    assert!(joined.iter().all(|record| record.payload.id == record.id && record.payload.event_type == record.event_type));
    for (query, field) in [
        (ListEvents { event_type: Some(EventType::All), ..Default::default() }, "type"),
        (ListEvents { event_type: Some("order.paid".into()), ..Default::default() }, "type"),
        (ListEvents { status: Some("lost".into()), ..Default::default() }, "status"),
        (ListEvents { endpoint_id: Some("a\nb".into()), ..Default::default() }, "endpointId"),
        (ListEvents { object_id: Some("x".repeat(256)), ..Default::default() }, "objectId"),
        (ListEvents { limit: Some(101), ..Default::default() }, "limit"),
    ] {
        let refused = refusal(event_log::list(&gateway.app, &organization, query).await);
        assert!(refused.message.starts_with(&format!("{field}: ")), "{}", refused.message);
    }
    // A word that got past the checks finds nothing.
    let status = Some(DeliveryStatus::from("lost"));
    let (event_type, endpoint_id, object_id, created_after, created_before) = (None, None, None, None, None);
    let organization_id = organization.clone();
    let filter = log::Filter { organization_id, event_type, endpoint_id, status, object_id, created_after, created_before };
    assert_eq!(log::list(&mut gateway.app.store.read().await.unwrap(), &filter, 10, 0).await.unwrap().1, 0);
}

async fn deliver(gateway: &Gateway, receiver: &Arc<Receiver>) {
    let mut deliver = Deliver::new(gateway.app.clone(), Arc::clone(receiver) as Arc<dyn Http>, Arc::default());
    while deliver.step().await.expect("a step") == Did::Work {}
}

pub async fn deliveries_show_their_attempts(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let first = endpoint(gateway, &organization, "[\"*\"]").await;
    gateway.clock.advance(Duration::from_secs(1));
    let second = endpoint(gateway, &organization, "[\"*\"]").await;
    let event = tell(gateway, &organization, 1, &[second.clone(), first.clone()]).await.remove(0);
    let shown = async || event_log::deliveries(&gateway.app, &organization, event.as_str()).await.expect("deliveries").data;
    let before = shown().await;
    assert_eq!(before.iter().map(|delivery| &delivery.endpoint_id).collect::<Vec<_>>(), [&first, &second]);
    for delivery in &before {
        assert_eq!((&delivery.status, delivery.attempts, delivery.log.len()), (&DeliveryStatus::Pending, 0, 0));
        assert_eq!((delivery.next_attempt_at, delivery.delivered_at, delivery.failed_at), (Some(gateway.now()), None, None));
    }
    let begun = gateway.now();
    deliver(gateway, &Receiver::answering(500)).await;
    gateway.clock.advance(Duration::from_secs(1));
    delete(gateway, &organization, &first).await;
    deliver(gateway, &Receiver::answering(204)).await;
    let [gone, done] = &shown().await[..] else { panic!("two deliveries") };
    assert_eq!((&gone.status, gone.attempts, gone.failed_at), (&DeliveryStatus::Failed, 1, Some(gateway.now())));
    assert_eq!((&done.status, done.attempts, done.delivered_at), (&DeliveryStatus::Delivered, 2, Some(gateway.now())));
    let attempts: Vec<_> = done.log.iter().map(|attempt| (attempt.started_at, attempt.status_code)).collect();
    assert_eq!(attempts, [(gateway.now(), Some(204)), (begun, Some(500))]);
    assert_eq!((done.log[0].response.as_deref(), done.log[0].failure.as_deref()), (Some("said \u{fffd} so"), None));
    // No more than can be looked at: the newest.
    for number in 3..40 {
        let row = format!("('{event}', '{second}', {number}, {number}, 0, 500)");
        let into = "INSERT INTO delivery_attempts (event_id, endpoint_id, number, started_at, duration_ms, status) VALUES ";
        world.place.execute(&format!("{into}{row}")).await;
    }
    let log = shown().await.remove(1).log;
    let expected: Vec<i64> = (20..40).rev().collect();
    assert_eq!(log.iter().map(|attempt| attempt.started_at.millis()).collect::<Vec<_>>(), expected);
}

const STATE: &str = "SELECT attempts, next_attempt_at, delivered_at, given_up_at FROM deliveries WHERE endpoint_id = ";

pub async fn a_resent_event_starts_over(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let told = endpoint(gateway, &organization, "[\"order.expired\"]").await;
    let subscribed = endpoint(gateway, &organization, "[\"*\"]").await;
    let neither = endpoint(gateway, &organization, "[\"order.expired\"]").await;
    let event = tell(gateway, &organization, 1, std::slice::from_ref(&told)).await.remove(0);
    let event = event.as_str();
    let state = async |endpoint: &EndpointId| world.place.rows(&format!("{STATE}'{endpoint}'")).await;
    deliver(gateway, &Receiver::answering(500)).await;
    gateway.clock.advance(Duration::from_millis(1));
    let queued = resend(gateway, &organization, event, None).await.expect("sent again");
    assert_eq!((queued.event_id.as_str(), queued.deliveries), (event, 2));
    let due = vec![["0".to_owned(), gateway.now().millis().to_string(), "-".to_owned(), "-".to_owned()].to_vec()];
    assert_eq!((state(&told).await, state(&subscribed).await), (due.clone(), due));
    assert_eq!(state(&neither).await, Vec::<Vec<String>>::new());
    let receiver = Receiver::answering(200);
    deliver(gateway, &receiver).await;
    assert_eq!(receiver.count(), 2);
    // Delivered, it can be sent again; so can it to one that never asked for it.
    assert_eq!(resend(gateway, &organization, event, Some(told.as_str())).await.expect("sent again").deliveries, 1);
    assert_eq!(resend(gateway, &organization, event, Some(neither.as_str())).await.expect("sent").deliveries, 1);
    deliver(gateway, &receiver).await;
    assert_eq!(receiver.count(), 4);
    // The log has all of them, by the count of claims: each start takes one.
    let numbers = format!("SELECT number, status FROM delivery_attempts WHERE endpoint_id = '{told}' ORDER BY number");
    assert_eq!(world.place.rows(&numbers).await, [["1", "500"], ["3", "200"], ["5", "200"]]);
    let shown = event_log::deliveries(&gateway.app, &organization, event).await.expect("deliveries").data;
    let shown = shown.iter().find(|delivery| delivery.endpoint_id == told).expect("the delivery");
    assert_eq!((shown.attempts, shown.log.len(), &shown.status), (1, 3, &DeliveryStatus::Delivered));
    // One that is told nothing at present cannot be told by hand.
    world.place.execute("UPDATE webhook_endpoints SET enabled = 0").await;
    for to in [None, Some(told.as_str())] {
        assert_eq!(refusal(resend(gateway, &organization, event, to).await).code, ErrorCode::InvalidState);
    }
}

pub async fn a_resend_beside_an_attempt_is_neither_lost_nor_doubled(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    for ending in [Next::Delivered, Next::GivenUp, Next::At(gateway.now().plus(Duration::from_secs(60)))] {
        let event = tell(gateway, &organization, 1, std::slice::from_ref(&to)).await.remove(0);
        let under_way = claim(gateway).await.remove(0);
        resend(gateway, &organization, event.as_str(), None).await.expect("sent again");
        let state = || {
            world
                .place
                .rows("SELECT attempts, next_attempt_at, claim, delivered_at, given_up_at FROM deliveries ORDER BY created_at, event_id")
        };
        let before = state().await;
        assert!(!record(gateway, &under_way, ending).await, "it reports to a delivery that has started over");
        assert_eq!(state().await, before);
        let again = claim(gateway).await;
        assert_eq!((again.len(), &again[0].event_id, again[0].attempts), (1, &event, 0));
        assert_eq!(again[0].body, under_way.body);
        assert!(record(gateway, &again[0], Next::Delivered).await);
        let counted = world.place.rows(&format!("SELECT attempts, claim FROM deliveries WHERE event_id = '{event}'")).await;
        assert_eq!(counted, [["1", "3"]]);
        let numbers = format!("SELECT number FROM delivery_attempts WHERE event_id = '{event}' ORDER BY number");
        assert_eq!(world.place.rows(&numbers).await, [["1"], ["3"]], "each attempt is in the log once");
        assert!(claim(gateway).await.is_empty());
    }
}

pub async fn resends_and_claims_may_meet(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    let event = tell(gateway, &organization, 1, &to).await.remove(0);
    let mut claims = BTreeSet::new();
    for _ in 0..4 {
        let server = |number: usize| &servers[number % servers.len()];
        let resends = join_all((0..4).map(|number| resend(server(number), &organization, event.as_str(), None)));
        let (resent, claimed) = tokio::join!(resends, join_all((0..4).map(|number| claim(server(number)))));
        assert!(resent.iter().all(|queued| queued.as_ref().is_ok_and(|queued| queued.deliveries == 2)), "{resent:?}");
        for due in claimed.into_iter().flatten() {
            assert!(claims.insert((due.endpoint_id.clone(), due.claim)), "{due:?} was claimed twice");
        }
    }
    // After the last of them each is due once more, and once only.
    resend(gateway, &organization, event.as_str(), None).await.expect("sent again");
    let last = claim(gateway).await;
    assert_eq!(last.iter().map(|due| &due.endpoint_id).collect::<BTreeSet<_>>(), to.iter().collect());
    assert_eq!((last.len(), claim(gateway).await.len()), (2, 0));
    for due in &last {
        assert!(record(gateway, due, Next::Delivered).await);
    }
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL AND attempts = 1").await, "2");
}
