//! Webhook endpoints after their creation: changed, given a new secret, tested. What is sent goes to a real socket.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_server::app::{Failure, endpoints, event_log, resend};
use payin_server::env::{Http, HyperHttp, Targets};
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_tests::nodes::receiver::{Received, Receiver};
use payin_types::{
    CreateEndpoint, DisabledReason, Endpoint, EndpointId, ErrorCode, EventType, OrganizationId, QueuedEvent, ResendEvent, RotateSecret,
    UpdateEndpoint,
};
use serde_json::json;

use super::World;
use super::outbox::{delete, endpoint, tell};

const HOUR: Duration = Duration::from_secs(3600);

async fn update(gateway: &Gateway, organization: &OrganizationId, id: &str, request: UpdateEndpoint) -> Result<Endpoint, Failure> {
    let (organization_id, now) = (organization.clone(), gateway.now());
    let unit = endpoints::Update { request: Ok(request), organization_id, id: id.to_owned(), now, targets: gateway.app.targets };
    gateway.write(unit).await
}

async fn rotate(
    gateway: &Gateway,
    organization: &OrganizationId,
    id: &str,
    secret: Option<&str>,
    hours: Option<u32>,
) -> Result<Endpoint, Failure> {
    let request = RotateSecret { secret: secret.map(str::to_owned), old_secret_valid_hours: hours };
    gateway.write(endpoints::Rotate::new(&gateway.app, organization.clone(), id.to_owned(), Ok(request))).await
}

async fn test(gateway: &Gateway, organization: &OrganizationId, id: &str) -> Result<QueuedEvent, Failure> {
    gateway.write(resend::Test { endpoint: Ok(id.to_owned()), organization_id: organization.clone(), now: gateway.now() }).await
}

pub async fn resend(gateway: &Gateway, organization: &OrganizationId, id: &str, to: Option<&str>) -> Result<QueuedEvent, Failure> {
    let request = ResendEvent { endpoint_id: to.map(EndpointId::from) };
    let (organization_id, now) = (organization.clone(), gateway.now());
    gateway.write(resend::Resend { request: Ok(request), organization_id, id: id.to_owned(), now }).await
}

/// Sends all that is due, over real sockets.
async fn deliver(gateway: &Gateway) {
    let http = HyperHttp::new(Targets { allow_private: true, allow_http: true });
    let mut deliver = Deliver::new(gateway.app.clone(), Arc::new(http) as Arc<dyn Http>, Arc::default(), Arc::default());
    while deliver.step().await.expect("a step") == Did::Work {}
}

fn disabling(enabled: bool) -> UpdateEndpoint {
    UpdateEndpoint { enabled: Some(enabled), ..Default::default() }
}

pub async fn endpoints_change_in_part(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let id = endpoint(gateway, &organization, "[\"*\"]").await;
    let get = async || endpoints::get(&gateway.app, &organization, id.as_str()).await.expect("the endpoint");
    let mut expected = get().await;
    assert_eq!((expected.secret.as_ref(), expected.enabled), (None, true));
    for change in [
        json!({ "url": "https://shop.example/new" }),
        json!({ "events": ["order.expired", "deposit.confirmed"] }),
        json!({ "description": "the shop" }),
        json!({ "enabled": false }),
        json!({}),
        json!({ "description": null, "enabled": true }),
    ] {
        gateway.clock.advance(Duration::from_secs(1));
        let request: UpdateEndpoint = serde_json::from_value(change.clone()).expect("a change");
        let changed = update(gateway, &organization, id.as_str(), request.clone()).await.expect("changed");
        expected = Endpoint {
            url: request.url.unwrap_or(expected.url),
            events: request.events.unwrap_or(expected.events),
            enabled: request.enabled.unwrap_or(expected.enabled),
            description: request.description.unwrap_or(expected.description),
            updated_at: gateway.now(),
            disabled_at: request.enabled.map_or(expected.disabled_at, |enabled| (!enabled).then(|| gateway.now())),
            disabled_reason: request.enabled.map_or(expected.disabled_reason, |enabled| (!enabled).then_some(DisabledReason::Requested)),
            ..expected
        };
        assert_eq!(changed, expected, "{change}");
        assert_eq!(get().await, expected, "{change}");
    }
    assert_eq!(expected.description, None);
    let told = |words: &str| payin_core::event::subscribes(&expected.events, &EventType::from(words));
    assert!(told("deposit.reverted") && !told("order.completed"));
}

pub async fn bad_changes_change_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let mut gateway = world.gateway.clone();
    gateway.app.targets = Targets { allow_private: false, allow_http: false };
    let organization = gateway.merchant(0).await;
    let id = endpoint(&gateway, &organization, "[\"*\"]").await;
    let rows = || world.place.rows("SELECT * FROM webhook_endpoints");
    let before = rows().await;
    gateway.clock.advance(Duration::from_secs(1));
    for (change, field) in [
        (json!({ "url": "http://shop.example/" }), "url"),
        (json!({ "url": "https://127.0.0.1/" }), "url"),
        (json!({ "url": "shop", "enabled": false }), "url"),
        (json!({ "events": [] }), "events"),
        (json!({ "events": ["order.paid"] }), "events"),
        (json!({ "events": ["*", "webhook.test"] }), "events"),
        (json!({ "description": "x".repeat(256), "enabled": false }), "description"),
        (json!({ "description": "two\nlines" }), "description"),
    ] {
        let request: UpdateEndpoint = serde_json::from_value(change.clone()).expect("a change");
        let refused = refusal(update(&gateway, &organization, id.as_str(), request).await);
        assert_eq!(refused.code, ErrorCode::ValidationError, "{change}");
        assert!(refused.message.starts_with(&format!("{field}: ")), "{}", refused.message);
    }
    for (secret, hours, field) in [
        (Some("too short"), None, "secret"),
        (Some("with\u{7}a bell in it, long enough"), None, "secret"),
        (None, Some(169), "oldSecretValidHours"),
    ] {
        let refused = refusal(rotate(&gateway, &organization, id.as_str(), secret, hours).await);
        assert!(refused.message.starts_with(&format!("{field}: ")), "{}", refused.message);
    }
    // What may not be asked for in a change may not be asked for at first either.
    let events = vec![EventType::WebhookTest];
    let request = CreateEndpoint { url: "https://shop.example/".to_owned(), events, secret: None, description: None };
    let refused = refusal(gateway.write(endpoints::Create::new(&gateway.app, organization.clone(), Ok(request))).await);
    assert!(refused.message.contains("'webhook.test'"), "{}", refused.message);
    assert_eq!(rows().await, before);
}

/// Which of these secrets verify a delivery; by both schemes, which must agree.
fn good(gateway: &Gateway, received: &Received, secrets: &[&str]) -> Vec<bool> {
    let headers = || received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let verifies = |secret: &str, scheme| {
        let verifier = Verifier::new(secret.to_owned().into());
        webhook::verify_as(scheme, headers(), &received.body, &verifier, gateway.now()).is_ok()
    };
    let both = |secret: &&str| {
        let [payin, standard] = [Scheme::PayIn, Scheme::Standard].map(|scheme| verifies(secret, scheme));
        assert_eq!(payin, standard);
        payin
    };
    secrets.iter().map(both).collect()
}

pub async fn a_rotated_secret_is_good_beside_the_new_one(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let shop = Receiver::start().await;
    let first = "whsec_Zmlyc3QgZmlyc3QgZmlyc3Q=";
    let request =
        CreateEndpoint { url: shop.url().to_owned(), events: vec![EventType::All], secret: Some(first.to_owned()), description: None };
    let id = gateway.write(endpoints::Create::new(&gateway.app, organization.clone(), Ok(request))).await.expect("an endpoint").id;
    let id = id.as_str();
    let sent = async || {
        test(gateway, &organization, id).await.expect("a test");
        deliver(gateway).await;
        shop.next().await
    };
    let until = async || endpoints::get(&gateway.app, &organization, id).await.expect("the endpoint").previous_secret_expires_at;
    assert_eq!(good(gateway, &sent().await, &[first]), [true]);
    assert_eq!(until().await, None);

    let rotated = rotate(gateway, &organization, id, None, None).await.expect("a new secret");
    let second = rotated.secret.as_deref().expect("a new secret is shown");
    assert!(second.starts_with("whsec_") && second.len() > 40);
    let end = gateway.now().plus(24 * HOUR);
    assert_eq!((rotated.previous_secret_expires_at, until().await), (Some(end), Some(end)));
    let received = sent().await;
    assert_eq!(good(gateway, &received, &[first, second, "whsec_bm9ib2R5IG5vYm9keSBub2JvZHk="]), [true, true, false]);
    // The new one comes first.
    let alone = webhook::sign(&second.to_owned().into(), received.header("webhook-id"), gateway.now(), &received.body);
    for (name, value) in &alone[..] {
        assert!(received.header(name).starts_with(value.as_str()), "{name}: {}", received.header(name));
    }
    assert_eq!(received.header("x-payin-signature").matches("v1=").count(), 2);
    assert_eq!(received.header("webhook-signature").matches("v1,").count(), 2);

    // To the end of the overlap, and no longer.
    gateway.clock.advance(24 * HOUR - Duration::from_millis(1));
    assert_eq!(good(gateway, &sent().await, &[first, second]), [true, true]);
    gateway.clock.advance(Duration::from_millis(1));
    assert_eq!(good(gateway, &sent().await, &[first, second]), [false, true]);
    assert_eq!(until().await, None);

    // Rotated again, the oldest is good no longer, whatever time it had left. Without an overlap there is one at once.
    let [third, fourth, fifth] = ["the third secret of 16+", "the fourth secret of 16+", "the fifth secret of 16+"];
    rotate(gateway, &organization, id, Some(third), Some(168)).await.expect("a new secret");
    assert_eq!(good(gateway, &sent().await, &[second, third]), [true, true]);
    let again = refusal(rotate(gateway, &organization, id, Some(third), Some(168)).await);
    assert!(again.message.starts_with("secret: ") && !again.message.contains(third), "{}", again.message);
    let rotated = rotate(gateway, &organization, id, Some(fourth), Some(1)).await.expect("a new secret");
    assert_eq!((rotated.secret.as_deref(), rotated.previous_secret_expires_at), (Some(fourth), Some(gateway.now().plus(HOUR))));
    assert_eq!(good(gateway, &sent().await, &[second, third, fourth]), [false, true, true]);
    let rotated = rotate(gateway, &organization, id, Some(fifth), Some(0)).await.expect("a new secret");
    assert_eq!(rotated.previous_secret_expires_at, None);
    assert_eq!(good(gateway, &sent().await, &[third, fourth, fifth]), [false, false, true]);
    for text in world.place.rows("SELECT * FROM webhook_endpoints").await.iter().flatten() {
        assert!([first, second, third, fourth, fifth].iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

pub async fn a_test_is_for_its_endpoint_alone(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let shop = Receiver::start().await;
    let tested = endpoint(gateway, &organization, "[\"order.expired\"]").await;
    let url = UpdateEndpoint { url: Some(shop.url().to_owned()), ..Default::default() };
    update(gateway, &organization, tested.as_str(), url).await.expect("changed");
    endpoint(gateway, &organization, "[\"*\"]").await;
    let queued = test(gateway, &organization, tested.as_str()).await.expect("a test");
    assert_eq!((queued.event_id.as_str(), queued.deliveries), (format!("evt_webhook_test_{tested}").as_str(), 1));
    deliver(gateway).await;
    let received = shop.next().await;
    assert_eq!(received.header("x-payin-event-type"), "webhook.test");
    let body = received.json();
    assert_eq!((&body["type"], &body["data"]["endpointId"], &body["sequence"]), (&json!("webhook.test"), &json!(tested), &json!(1)));
    // Several at once are several events; it is in the log as any other, and can be sent again.
    let all = futures_util::future::join_all((0..4).map(|_| test(gateway, &organization, tested.as_str()))).await;
    let ids: BTreeSet<String> = all.into_iter().map(|queued| queued.expect("a test").event_id.as_str().to_owned()).collect();
    let expected: BTreeSet<String> = (2..6).map(|number| format!("evt_webhook_test_{tested}_{number}")).collect();
    assert_eq!(ids, expected);
    deliver(gateway).await;
    let record = event_log::get(&gateway.app, &organization, queued.event_id.as_str()).await.expect("the event");
    assert_eq!((record.event_type.as_str(), record.deliveries.delivered), ("webhook.test", 1));
    assert_eq!(serde_json::to_value(&record.payload).expect("JSON"), body);
    assert_eq!(resend(gateway, &organization, queued.event_id.as_str(), None).await.expect("sent again").deliveries, 1);
    deliver(gateway).await;
    assert_eq!(shop.received().len(), 6);
    assert_eq!(shop.received()[5].body, received.body, "byte for byte");
    update(gateway, &organization, tested.as_str(), disabling(false)).await.expect("disabled");
    assert_eq!(refusal(test(gateway, &organization, tested.as_str()).await).code, ErrorCode::InvalidState);
}

pub async fn what_falls_due_while_disabled_is_given_up(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let shop = Receiver::start().await;
    let paused = endpoint(gateway, &organization, "[\"*\"]").await;
    let url = UpdateEndpoint { url: Some(shop.url().to_owned()), ..Default::default() };
    update(gateway, &organization, paused.as_str(), url).await.expect("changed");
    // One waits for its second attempt, which comes about a second later; one falls due at once.
    shop.answer(payin_tests::nodes::receiver::Answer::status(500));
    let later = tell(gateway, &organization, 1, std::slice::from_ref(&paused)).await.remove(0);
    deliver(gateway).await;
    shop.answer(payin_tests::nodes::receiver::Answer::status(200));
    update(gateway, &organization, paused.as_str(), disabling(false)).await.expect("disabled");
    let missed = tell(gateway, &organization, 1, std::slice::from_ref(&paused)).await.remove(0);
    deliver(gateway).await;
    update(gateway, &organization, paused.as_str(), disabling(true)).await.expect("enabled");
    gateway.clock.advance(Duration::from_millis(1_200));
    deliver(gateway).await;
    let came =
        |shop: &Receiver| shop.received().iter().skip(1).map(|received| received.header("webhook-id").to_owned()).collect::<Vec<_>>();
    assert_eq!(came(&shop), [later.as_str()]);
    let counts = event_log::get(&gateway.app, &organization, missed.as_str()).await.expect("the event").deliveries;
    assert_eq!((counts.pending, counts.failed), (0, 1));
    resend(gateway, &organization, missed.as_str(), None).await.expect("sent again");
    deliver(gateway).await;
    assert_eq!(came(&shop), [later.as_str(), missed.as_str()]);
}

pub async fn others_endpoints_and_events_do_not_exist(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let app = &gateway.app;
    let (own, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let foreign = endpoint(gateway, &other, "[\"*\"]").await;
    let foreign_event = tell(gateway, &other, 1, std::slice::from_ref(&foreign)).await.remove(0);
    let mine = endpoint(gateway, &own, "[\"*\"]").await;
    let event = tell(gateway, &own, 1, std::slice::from_ref(&mine)).await.remove(0);
    let deleted = endpoint(gateway, &own, "[\"*\"]").await;
    delete(gateway, &own, &deleted).await;
    let state = async || {
        let rows = async |table: &str| world.place.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2")).await;
        (rows("webhook_endpoints").await, rows("events").await, rows("deliveries").await)
    };
    let before = state().await;
    let told = |id: &str, error: payin_core::Error| {
        assert_eq!(error.code, ErrorCode::ResourceNotFound);
        (error.message.replace(id, "…"), error.details)
    };
    let mut answers = Vec::new();
    for id in ["we_1234567890123456789012", foreign.as_str(), deleted.as_str()] {
        let delete = endpoints::Delete { organization_id: own.clone(), id: id.to_owned(), now: gateway.now() };
        answers.push([
            told(id, refusal(endpoints::get(app, &own, id).await)),
            told(id, refusal(update(gateway, &own, id, disabling(true)).await)),
            told(id, refusal(rotate(gateway, &own, id, None, None).await)),
            told(id, refusal(test(gateway, &own, id).await)),
            told(id, refusal(gateway.write(delete).await)),
            told(id, refusal(resend(gateway, &own, event.as_str(), Some(id)).await)),
        ]);
    }
    assert!(answers.iter().all(|told| told == &answers[0]), "{answers:?}");
    let mut answers = Vec::new();
    for id in ["evt_1234567890123456789012", foreign_event.as_str()] {
        answers.push([
            told(id, refusal(event_log::get(app, &own, id).await)),
            told(id, refusal(event_log::deliveries(app, &own, id).await)),
            told(id, refusal(resend(gateway, &own, id, None).await)),
            told(id, refusal(resend(gateway, &own, id, Some(mine.as_str())).await)),
        ]);
    }
    assert_eq!(answers[0], answers[1]);
    // Nor is an id that nothing can bear asked of the database.
    for id in ["a\0b", &"x".repeat(300)] {
        assert_eq!(refusal(endpoints::get(app, &own, id).await).code, ErrorCode::ResourceNotFound);
        assert_eq!(refusal(rotate(gateway, &own, id, None, None).await).code, ErrorCode::ResourceNotFound);
        assert_eq!(refusal(event_log::deliveries(app, &own, id).await).code, ErrorCode::ResourceNotFound);
        assert_eq!(refusal(resend(gateway, &own, id, None).await).code, ErrorCode::ResourceNotFound);
    }
    assert_eq!(state().await, before);
}
