//! Endpoints that fail: how long they are tried, when they are told no more, and how they get back what they missed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_server::app::deliveries::{Attempt, Claimed, Record};
use payin_server::app::{endpoints, event_log, resend};
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::store::{Together as _, events};
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::{
    DeliveryStatus, DisabledReason, Endpoint, EndpointId, ErrorCode, EventId, EventType, OrganizationId, ResendEvents, ResentEvents,
    Timestamp, UpdateEndpoint,
};
use serde_json::json;

use super::World;
use super::outbox::{Receiver, claim, deliver_all, endpoint, tell};
use super::turns::brought_along;

const HOUR: Duration = Duration::from_secs(3600);

async fn get(gateway: &Gateway, organization: &OrganizationId, id: &EndpointId) -> Endpoint {
    endpoints::get(&gateway.app, organization, id.as_str()).await.expect("the endpoint")
}

async fn enable(gateway: &Gateway, organization: &OrganizationId, id: &EndpointId) -> Endpoint {
    let request = Ok(UpdateEndpoint { enabled: Some(true), ..Default::default() });
    let (organization_id, now) = (organization.clone(), gateway.now());
    let unit = endpoints::Update { request, organization_id, id: id.as_str().to_owned(), now, targets: gateway.app.targets };
    gateway.write(unit).await.expect("enabled")
}

async fn resend_range(gateway: &Gateway, organization: &OrganizationId, request: ResendEvents) -> ResentEvents {
    let unit = resend::ResendRange { request: Ok(request), organization_id: organization.clone(), now: gateway.now() };
    gateway.write(unit).await.expect("sent again")
}

/// Fails everywhere but at one URL.
struct OnlyOne(String, Arc<Receiver>);

impl Http for OnlyOne {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        if request.url.as_str() == self.0 {
            return self.1.post(request);
        }
        futures_util::future::ready(Ok(Answer { status: 500, body: Vec::new(), retry_after: None })).boxed()
    }
}

pub async fn days_of_failures_disable_an_endpoint(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let down = endpoint(gateway, &organization, "[\"*\"]").await;
    let watching = endpoint(gateway, &organization, "[\"webhook_endpoint.disabled\"]").await;
    let watching_url = get(gateway, &organization, &watching).await.url;
    let told = Receiver::answering(200);
    let http: Arc<dyn Http> = Arc::new(OnlyOne(watching_url, Arc::clone(&told)));
    let mut lane = Deliver::new(gateway.app.clone(), http, Arc::default(), Arc::default());
    let begun = gateway.now();
    let mut all = Vec::new();
    let mut hours = 0_u32;
    let disabled = loop {
        // An event every six hours.
        if hours.is_multiple_of(6) {
            all.extend(tell(gateway, &organization, 1, std::slice::from_ref(&down)).await);
        }
        while lane.step().await.expect("a step") == Did::Work {}
        let stands = get(gateway, &organization, &down).await;
        assert_eq!(stands.failing_since, Some(begun), "since the first attempt");
        if !stands.enabled {
            break stands;
        }
        assert!(hours < 24 * 7, "it has failed for a week");
        gateway.clock.advance(HOUR);
        hours += 1;
    };
    assert!((24 * 5..24 * 5 + 25).contains(&hours), "after {hours} hours");
    assert_eq!((disabled.disabled_at, disabled.disabled_reason), (Some(gateway.now()), Some(DisabledReason::Failing)));
    // The other one is told of it.
    while lane.step().await.expect("a step") == Did::Work {}
    let id = format!("evt_webhook_endpoint_disabled_{down}");
    assert_eq!(told.ids(), std::slice::from_ref(&id));
    let record = event_log::get(&gateway.app, &organization, &id).await.expect("the event");
    let data = json!({
        "endpointId": down, "url": disabled.url, "disabledReason": "failing", "disabledAt": gateway.now(), "failingSince": begun,
    });
    assert_eq!(record.payload.data, data);
    // What was queued is given up when it falls due, and nothing of it is lost: enabled again, it can have it all.
    gateway.clock.advance(HOUR * 48);
    while lane.step().await.expect("a step") == Did::Work {}
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL").await, "0");
    let enabled = enable(gateway, &organization, &down).await;
    assert_eq!((enabled.enabled, enabled.disabled_at, enabled.disabled_reason, enabled.failing_since), (true, None, None, None));
    let request = ResendEvents { created_after: begun, endpoint_id: Some(down.clone()), ..Default::default() };
    let resent = resend_range(gateway, &organization, request).await;
    assert_eq!((resent.events, resent.deliveries, resent.next_cursor), (all.len() as u64, all.len() as u64, None));
    let receiver = Receiver::answering(200);
    deliver_all(gateway, Arc::clone(&receiver)).await;
    let mut got: Vec<EventId> = receiver.ids().into_iter().map(EventId::from).collect();
    got.sort();
    all.sort();
    assert_eq!(got, all);
}

pub async fn one_good_answer_in_days_is_enough(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let shaky = endpoint(gateway, &organization, "[\"*\"]").await;
    let mut since = None;
    for hour in 0..24 * 8_u32 {
        if hour.is_multiple_of(3) {
            tell(gateway, &organization, 1, std::slice::from_ref(&shaky)).await;
        }
        // Once in four days it is up for an hour.
        let up = hour % 96 == 90;
        deliver_all(gateway, Receiver::answering(if up { 200 } else { 503 })).await;
        let stands = get(gateway, &organization, &shaky).await;
        assert!(stands.enabled, "after {hour} hours");
        if up {
            assert_eq!(stands.failing_since, None);
        } else if stands.failing_since != since {
            assert_eq!(stands.failing_since, Some(gateway.now()), "the first failure of a row");
        }
        since = stands.failing_since;
        gateway.clock.advance(HOUR);
    }
}

/// What came of a claimed delivery, to an endpoint of which it was known since when it failed; as by a server of which it is the first.
fn attempted(gateway: &Gateway, claimed: &Claimed, status: u16, failing_since: Option<Timestamp>) -> Record {
    let attempt = Attempt { started_at: gateway.now(), duration_ms: 5, request: None, status: Some(status), failure: None, response: None };
    Record {
        // The sixth attempt: enough to disable, if it has failed for days.
        claimed: Claimed { attempts: 5, ..claimed.clone() },
        attempt,
        retry_after: None,
        failing_since,
        was_failing: false,
        random: 0,
        policy: Arc::clone(&gateway.app.deliveries),
        dialect: None,
        now: gateway.now(),
    }
}

/// An endpoint that has failed for six days, and deliveries to it that are claimed.
async fn long_failing(gateway: &Gateway, organization: &OrganizationId) -> (EndpointId, Timestamp, Vec<Claimed>) {
    let to = endpoint(gateway, organization, "[\"*\"]").await;
    let since = gateway.now();
    tell(gateway, organization, 1, std::slice::from_ref(&to)).await;
    deliver_all(gateway, Receiver::answering(500)).await;
    assert_eq!(get(gateway, organization, &to).await.failing_since, Some(since));
    gateway.clock.advance(HOUR * 24 * 6);
    tell(gateway, organization, 3, std::slice::from_ref(&to)).await;
    let claimed = claim(gateway).await;
    assert_eq!(claimed.len(), 4);
    (to, since, claimed)
}

pub async fn old_failures_do_not_disable_what_works_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let (to, since, claimed) = long_failing(gateway, &organization).await;
    // One is received, the next fails, and then comes one that began before both.
    for (claimed, status, known) in [(&claimed[0], 200, Some(since)), (&claimed[1], 500, None), (&claimed[2], 500, Some(since))] {
        gateway.app.store.write_together(attempted(gateway, claimed, status, known)).await.expect("recorded");
    }
    let stands = get(gateway, &organization, &to).await;
    assert_eq!((stands.enabled, stands.failing_since), (true, Some(gateway.now())));
}

pub async fn one_received_among_others_ends_the_failures_before_it(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let (to, since, claimed) = long_failing(gateway, &organization).await;
    let received = attempted(gateway, &claimed[0], 200, Some(since));
    gateway.clock.advance(Duration::from_millis(20));
    let failed = Record { claimed: claimed[1].clone(), ..attempted(gateway, &claimed[1], 500, Some(since)) };
    let began = failed.attempt.started_at;
    gateway
        .tx(move |tx| {
            let (received, failed) = (received.clone(), failed.clone());
            async move { Ok(Record::run_together(&[&received, &failed], tx).await?) }.boxed()
        })
        .await
        .expect("recorded")
        .expect("together");
    assert_eq!(get(gateway, &organization, &to).await.failing_since, Some(began));
}

pub async fn a_new_url_begins_anew(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let (to, since, claimed) = long_failing(gateway, &organization).await;
    let changed = async |request: UpdateEndpoint| {
        let (organization_id, id, now) = (organization.clone(), to.as_str().to_owned(), gateway.now());
        let unit = endpoints::Update { request: Ok(request), organization_id, id, now, targets: gateway.app.targets };
        gateway.write(unit).await.expect("changed").failing_since
    };
    let same = get(gateway, &organization, &to).await.url;
    assert_eq!(changed(UpdateEndpoint { url: Some(same), ..Default::default() }).await, Some(since));
    assert_eq!(changed(UpdateEndpoint { url: Some("https://repaired.example/".to_owned()), ..Default::default() }).await, None);
    // The last attempt at the old place ends only now.
    gateway.app.store.write_together(attempted(gateway, &claimed[0], 500, Some(since))).await.expect("recorded");
    let stands = get(gateway, &organization, &to).await;
    assert_eq!((stands.enabled, stands.failing_since), (true, None));
}

pub async fn one_that_is_gone_is_told_of_to_the_others(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let gone = endpoint(gateway, &organization, "[\"*\", \"webhook_endpoint.disabled\"]").await;
    tell(gateway, &organization, 3, std::slice::from_ref(&gone)).await;
    deliver_all(gateway, Receiver::answering(410)).await;
    let stands = get(gateway, &organization, &gone).await;
    assert_eq!((stands.enabled, stands.disabled_reason), (false, Some(DisabledReason::Gone)));
    // Nobody else asked to be told, so there is no such event; nor is it told of itself.
    assert_eq!(world.place.value("SELECT COUNT(*) FROM events").await, "3");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE given_up_at IS NOT NULL").await, "3");
    enable(gateway, &organization, &gone).await;
    let watching = endpoint(gateway, &organization, "[\"webhook_endpoint.disabled\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&gone)).await;
    deliver_all(gateway, Receiver::answering(410)).await;
    let queued = "SELECT d.endpoint_id FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.type = 'webhook_endpoint.disabled'";
    assert_eq!(world.place.rows(queued).await, [[watching.as_str()]]);
}

/// Answers 429, and asks for a wait.
struct Asks(&'static str);

impl Http for Asks {
    fn post(&self, _: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        futures_util::future::ready(Ok(Answer { status: 429, body: Vec::new(), retry_after: Some(self.0.to_owned()) })).boxed()
    }
}

pub async fn a_retry_after_is_heard(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    for (asked, from_s, to_s) in [("90", 90, 91), ("1000000000", 3600, 3601), ("0", 1, 2), ("Thu, 01 Jan 1970 00:00:00 GMT", 1, 2)] {
        let to = endpoint(gateway, &organization, "[\"*\"]").await;
        tell(gateway, &organization, 1, std::slice::from_ref(&to)).await;
        let mut lane = Deliver::new(gateway.app.clone(), Arc::new(Asks(asked)), Arc::default(), Arc::default());
        while lane.step().await.expect("a step") == Did::Work {}
        let next = world.place.value(&format!("SELECT next_attempt_at FROM deliveries WHERE endpoint_id = '{to}'")).await;
        let wait = Timestamp::from_millis(next.parse().expect("a time")).since(gateway.now());
        assert!((from_s..to_s).contains(&wait.as_secs()), "{asked}: {wait:?}");
    }
}

/// An event of a type, told at this moment.
async fn happened(gateway: &Gateway, organization: &OrganizationId, event_type: EventType, to: &[EndpointId]) -> String {
    let id = EventId::from_random(gateway.app.random_id());
    let new = events::New {
        id: id.clone(),
        organization_id: organization.clone(),
        event_type,
        object_id: format!("ord_{}", gateway.app.random_id()),
        sequence: 1,
        body: format!("{{\"id\":\"{id}\",\"type\":\"x.y\",\"created_at\":\"{}\",\"data\":{{}}}}", gateway.now()),
        created_at: gateway.now(),
        api: None,
    };
    let to = to.to_vec();
    let insert = gateway.tx(move |tx| {
        let (new, to) = (new.clone(), to.clone());
        async move { Ok(events::insert(tx, &new, &to).await?) }.boxed()
    });
    insert.await.expect("told");
    id.as_str().to_owned()
}

pub async fn a_range_is_sent_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let [first, second] =
        [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"order.expired\"]").await];
    let foreign = endpoint(gateway, &other, "[\"*\"]").await;
    let mut times = Vec::new();
    let mut ids = Vec::new();
    // Five events a second apart: two completed, two expired, one that nobody was told of.
    for (event_type, to) in [
        (EventType::OrderCompleted, vec![first.clone()]),
        (EventType::OrderExpired, vec![first.clone(), second.clone()]),
        (EventType::OrderCompleted, vec![first.clone()]),
        (EventType::OrderExpired, vec![first.clone(), second.clone()]),
        (EventType::OrderCreated, vec![]),
    ] {
        times.push(gateway.now());
        ids.push(happened(gateway, &organization, event_type, &to).await);
        happened(gateway, &other, EventType::OrderCompleted, std::slice::from_ref(&foreign)).await;
        gateway.clock.advance(Duration::from_secs(1));
    }
    let all = ResendEvents { created_after: times[0], ..Default::default() };
    deliver_all(gateway, Receiver::answering(200)).await;
    world
        .place
        .execute(&format!("UPDATE deliveries SET delivered_at = NULL, given_up_at = 1 WHERE event_id IN ('{}', '{}')", ids[0], ids[1]))
        .await;
    let sent = async |request: ResendEvents| {
        let resent = resend_range(gateway, &organization, request).await;
        let receiver = Receiver::answering(200);
        deliver_all(gateway, Arc::clone(&receiver)).await;
        assert_eq!((receiver.count() as u64, resent.next_cursor), (resent.deliveries, None));
        let mut got = receiver.ids();
        got.sort();
        let mut events = got.clone();
        events.dedup();
        assert_eq!(resent.events, events.len() as u64);
        got
    };
    let sorted = |wanted: &[usize]| {
        let mut wanted: Vec<String> = wanted.iter().map(|at| ids[*at].clone()).collect();
        wanted.sort();
        wanted
    };
    let failed = ResendEvents { status: Some(DeliveryStatus::Failed), ..all.clone() };
    assert_eq!(sent(failed.clone()).await, sorted(&[0, 1, 1]));
    assert_eq!(sent(failed).await, sorted(&[]), "they have been delivered since");
    assert_eq!(sent(all.clone()).await, sorted(&[0, 1, 1, 2, 3, 3]));
    let between = ResendEvents { created_after: times[1], created_before: Some(times[3]), ..Default::default() };
    assert_eq!(sent(between).await, sorted(&[1, 1, 2]));
    assert_eq!(sent(ResendEvents { endpoint_id: Some(second.clone()), ..all.clone() }).await, sorted(&[1, 3]));
    assert_eq!(sent(ResendEvents { event_type: Some(EventType::OrderCompleted), ..all.clone() }).await, sorted(&[0, 2]));
    assert_eq!(sent(ResendEvents { status: Some(DeliveryStatus::Pending), ..all.clone() }).await, sorted(&[]));
    let delivered = ResendEvents { status: Some(DeliveryStatus::Delivered), endpoint_id: Some(second.clone()), ..all.clone() };
    assert_eq!(sent(delivered).await, sorted(&[1, 3]));
    // One that asks for more since gets that, too.
    let request = Ok(UpdateEndpoint { events: Some(vec![EventType::OrderCreated]), ..Default::default() });
    let (organization_id, id, now) = (organization.clone(), second.as_str().to_owned(), gateway.now());
    gateway.write(endpoints::Update { request, organization_id, id, now, targets: gateway.app.targets }).await.expect("changed");
    assert_eq!(sent(ResendEvents { endpoint_id: Some(second), ..all }).await, sorted(&[1, 3, 4]));
}

pub async fn a_range_is_sent_piece_by_piece(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    let begun = gateway.now();
    for _ in 0..5 {
        tell(gateway, &organization, 430, std::slice::from_ref(&to)).await;
    }
    world.place.execute("UPDATE deliveries SET next_attempt_at = NULL, given_up_at = 1").await;
    let mut request = ResendEvents { created_after: begun, status: Some(DeliveryStatus::Failed), ..Default::default() };
    let mut pieces = Vec::new();
    loop {
        let resent = resend_range(gateway, &organization, request.clone()).await;
        pieces.push(resent.deliveries);
        request.cursor = resent.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(pieces, [1000, 1000, 150]);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at IS NOT NULL AND claim = 1").await, "2150");
}

pub async fn bad_ranges_are_refused(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let foreign = endpoint(gateway, &other, "[\"*\"]").await;
    let own = endpoint(gateway, &organization, "[\"*\"]").await;
    tell(gateway, &organization, 1, std::slice::from_ref(&own)).await;
    let now = gateway.now();
    let all = || ResendEvents { created_after: now, ..Default::default() };
    let refused = async |request: ResendEvents| {
        let unit = resend::ResendRange { request: Ok(request), organization_id: organization.clone(), now: gateway.now() };
        refusal(gateway.write(unit).await)
    };
    for (request, field) in [
        (ResendEvents { event_type: Some(EventType::All), ..all() }, "type"),
        (ResendEvents { event_type: Some("order.paid".into()), ..all() }, "type"),
        (ResendEvents { status: Some("lost".into()), ..all() }, "status"),
        (ResendEvents { endpoint_id: Some("a\nb".into()), ..all() }, "endpointId"),
        (ResendEvents { created_before: Some(now), ..all() }, "createdBefore"),
        (ResendEvents { cursor: Some("x".to_owned()), ..all() }, "cursor"),
        (ResendEvents { cursor: Some("12.".to_owned()), ..all() }, "cursor"),
        (ResendEvents { cursor: Some("1.evt_before_the_range".to_owned()), ..all() }, "cursor"),
    ] {
        let error = refused(request).await;
        assert_eq!(error.code, ErrorCode::ValidationError);
        assert!(error.message.starts_with(&format!("{field}: ")), "{}", error.message);
    }
    for missing in [foreign.as_str(), "we_none"] {
        let error = refused(ResendEvents { endpoint_id: Some(missing.into()), ..all() }).await;
        assert_eq!(error.code, ErrorCode::ResourceNotFound);
    }
    world.place.execute(&format!("UPDATE webhook_endpoints SET enabled = 0 WHERE id = '{own}'")).await;
    assert_eq!(refused(ResendEvents { endpoint_id: Some(own), ..all() }).await.code, ErrorCode::InvalidState);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deliveries WHERE claim > 0").await, "0");
}

/// Answers so, whatever comes.
struct Says(u16);

impl Http for Says {
    fn post(&self, _: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        futures_util::future::ready(Ok(Answer { status: self.0, body: Vec::new(), retry_after: None })).boxed()
    }
}

/// Where another API's order leads is told of that order alone: an answer that ends what a merchant set up does not end what is still to be
/// told of the order.
pub async fn an_orders_own_endpoint_is_not_disabled(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let own = brought_along(&world, &organization, "cryptopay", &["https://shop.example/hook".to_owned()]).await;
    for (status, expected) in [(410, ["1", "0"]), (200, ["1", "1"])] {
        tell(gateway, &organization, 1, &own).await;
        let mut lane = Deliver::new(gateway.app.clone(), Arc::new(Says(status)), Arc::default(), Arc::default());
        while lane.step().await.expect("a step") == Did::Work {}
        for (column, expected) in ["given_up_at", "delivered_at"].into_iter().zip(expected) {
            let query = format!("SELECT COUNT(*) FROM deliveries WHERE {column} IS NOT NULL");
            assert_eq!(world.place.value(&query).await, expected, "{column} after {status}");
        }
    }
    assert_eq!(world.place.value("SELECT enabled FROM webhook_endpoints WHERE order_id IS NOT NULL").await, "1");
}
