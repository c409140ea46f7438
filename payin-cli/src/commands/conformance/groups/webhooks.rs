//! What arrives at an endpoint of this run's own: that it is genuine, of the form that was promised, and the same when it comes again.

use std::time::Duration;

use payin_sdk::webhook::{self, Claim, Scheme, Verifier};
use payin_sdk::{SecretString, Timestamp};
use serde_json::{Value, json};

use super::super::check::{Broken, checks};
use super::super::receiver::{Delivery, WITHIN};
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};

checks! {
    QUEUED: "webhooks.test" [Admin, Write] "An endpoint can be sent a test", "openapi.yaml: testWebhookEndpoint";
    ARRIVED: "webhooks.delivered" [Admin, Write, Receiver] "The test arrives", "Webhooks guide: delivery";
    HEADERS: "webhooks.headers" [Admin, Write, Receiver] "Its headers name the event as its body does", "Webhooks guide: headers";
    BODY: "webhooks.body" [Admin, Write, Receiver] "Its body is the event that the API shows", "Webhooks guide: payload";
    PAYIN: "signatures.payin" [Admin, Write, Receiver] "X-PayIn-Signature is made of the raw body with the endpoint's secret", "Webhooks guide: signatures";
    STANDARD: "signatures.standard" [Admin, Write, Receiver] "webhook-signature is the same for verifiers of Standard Webhooks", "openapi.yaml: parameters/StandardSignature";
    TIME: "signatures.time" [Admin, Write, Receiver] "It was signed within five minutes of the server's time", "Webhooks guide: signatures";
    AGAIN: "webhooks.again" [Admin, Write, Receiver] "What is sent again has the same id and the same bytes, in a delivery of its own", "Webhooks guide: at least once";
    ROTATED: "signatures.rotation" [Admin, Write, Receiver] "While a secret is rotated, both the old and the new one are signed with", "openapi.yaml: rotateWebhookSecret";
    COMPLETED: "webhooks.order-completed" [Admin, Write, Sandbox, Receiver] "order.completed arrives for a paid order, signed, and says what the order says", "Webhooks guide: events";
}

/// An endpoint of this run, at which events arrive if there is a receiver.
pub struct Endpoint {
    pub id: String,
    secret: SecretString,
    path: String,
    /// Whether its deliveries are signed as they have to be: only then something can be told from other signatures.
    genuine: bool,
}

/// Makes an endpoint for what is tested and paid later on.
pub async fn open(suite: &mut Suite<'_>) -> Option<Endpoint> {
    if suite.lacks(QUEUED.needs).is_some() {
        return None;
    }
    let path = suite.fresh();
    let url = match &suite.receiver {
        Ok(receiver) => receiver.url(&path),
        Err(_) => format!("https://conformance.invalid/{path}"),
    };
    let body = json!({ "url": url, "events": ["order.completed"], "description": path });
    let made = suite.ask(Ask::of("createWebhookEndpoint").json(&body)).await;
    let made = match made.and_then(|answer| answer.ok(201)) {
        Ok(made) => made,
        // Some servers take endpoints of their own network, others only of the public one.
        Err(_) if suite.receiver.is_ok() => {
            suite.receiver = Err(format!("the server takes no endpoint at {url}: give --listen and --public-url"));
            return None;
        }
        Err(_) => return None,
    };
    let (id, secret) = (made.field("/id").ok()?, made.field("/secret").ok()?);
    Some(Endpoint { id, secret: secret.into(), path: format!("/{path}"), genuine: false })
}

pub async fn run(suite: &mut Suite<'_>, endpoint: &mut Endpoint) {
    let Some(event) = test(suite, endpoint).await else { return };
    let arrived = suite.check(ARRIVED, async |suite: &mut Suite| arrival(suite, endpoint, &event, &[]).await).await;
    let Some(delivery) = arrived else { return };
    suite
        .check(HEADERS, async |_: &mut Suite| {
            let type_of = delivery.field("/type");
            let wants = [("X-PayIn-Event-Id", &event), ("webhook-id", &event), ("X-PayIn-Event-Type", &type_of)];
            for (name, value) in wants {
                if delivery.header(name) != value {
                    return Err(Broken::wrong(format!("{name}: {value}"), format!("{name}: {:?}", delivery.header(name))));
                }
            }
            let is_json = delivery.header("content-type").starts_with("application/json");
            let wrong = |what: &str, got: &str| Err(Broken::wrong(what, format!("{got:?}")));
            match delivery.header("X-PayIn-Delivery-Id") {
                "" => wrong("X-PayIn-Delivery-Id", ""),
                _ if !is_json => wrong("Content-Type: application/json", delivery.header("content-type")),
                _ => Ok(()),
            }
        })
        .await;
    endpoint.genuine = suite.check(PAYIN, async |_: &mut Suite| genuine(&delivery, Scheme::PayIn, &endpoint.secret)).await.is_some();
    suite.check(STANDARD, async |_: &mut Suite| genuine(&delivery, Scheme::Standard, &endpoint.secret)).await;
    if endpoint.genuine {
        suite.check(TIME, async |suite: &mut Suite| timely(suite, &delivery).await).await;
        rotated(suite, endpoint).await;
    }
    suite
        .check(BODY, async |suite: &mut Suite| {
            let body = json_of(&delivery)?;
            suite.contract.event("webhook.test", &body).map_err(|why| Broken::wrong("the event webhook.test", why))?;
            let shown = suite.ask(Ask::of("getEvent").at(&event)).await?.ok(200)?;
            shown.has("/payload", &body)
        })
        .await;
    again(suite, endpoint, &event, &delivery).await;
}

/// Has a test sent. Answers the event's id.
async fn test(suite: &mut Suite<'_>, endpoint: &Endpoint) -> Option<String> {
    suite
        .check(QUEUED, async |suite: &mut Suite| {
            let queued = suite.ask(Ask::of("testWebhookEndpoint").at(&endpoint.id)).await?.ok(202)?;
            queued.has("/deliveries", &json!(1))?;
            super::sandbox::pass(suite).await?;
            queued.field("/eventId")
        })
        .await
}

async fn again(suite: &mut Suite<'_>, endpoint: &Endpoint, event: &str, first: &Delivery) {
    suite
        .check(AGAIN, async |suite: &mut Suite| {
            let body = json!({ "endpointId": endpoint.id });
            suite.ask(Ask::of("resendEvent").at(event).json(&body)).await?.ok(202)?;
            super::sandbox::pass(suite).await?;
            let second = arrival(suite, endpoint, event, &[first.header("X-PayIn-Delivery-Id")]).await?;
            if second.bytes == first.bytes {
                return Ok(());
            }
            Err(Broken::wrong(String::from_utf8_lossy(&first.bytes), format!("the second time {}", String::from_utf8_lossy(&second.bytes))))
        })
        .await;
}

async fn rotated(suite: &mut Suite<'_>, endpoint: &Endpoint) {
    suite
        .check(ROTATED, async |suite: &mut Suite| {
            let rotated = suite.ask(Ask::of("rotateWebhookSecret").at(&endpoint.id)).await?.ok(200)?;
            let new = SecretString::from(rotated.field("/secret")?);
            let queued = suite.ask(Ask::of("testWebhookEndpoint").at(&endpoint.id)).await?.ok(202)?;
            super::sandbox::pass(suite).await?;
            let delivery = arrival(suite, endpoint, &queued.field("/eventId")?, &[]).await?;
            genuine(&delivery, Scheme::PayIn, &new)?;
            genuine(&delivery, Scheme::PayIn, &endpoint.secret)
        })
        .await;
}

/// That the order which was paid has been told of. Its secret may be the old one: both are signed with.
pub async fn completed(suite: &mut Suite<'_>, endpoint: &Endpoint, order: &Answer) {
    if !endpoint.genuine {
        return;
    }
    suite
        .check(COMPLETED, async |suite: &mut Suite| {
            let id = order.field("/orderId")?;
            super::sandbox::pass(suite).await?;
            let receiver = suite.receiver.as_ref().map_err(|why| Broken::Skipped(why.clone()))?;
            let of_order = |delivery: &Delivery| delivery.path.ends_with(&endpoint.path) && delivery.field("/data/orderId") == id;
            let Some(delivery) = receiver.wait(of_order).await else { return Err(late(&format!("order.completed of {id}"))) };
            genuine(&delivery, Scheme::PayIn, &endpoint.secret)?;
            let body = json_of(&delivery)?;
            suite.contract.event("order.completed", &body).map_err(|why| Broken::wrong("the event order.completed", why))?;
            let now = suite.ask(Ask::of("getOrder").at(&id)).await?.ok(200)?;
            for name in ["orderReference", "amount", "currency", "chainId", "status", "txHash", "metadata"] {
                let (told, is) = (body.get("data").and_then(|data| data.get(name)), now.body.get(name));
                if told != is {
                    let shown = |value: Option<&Value>| value.unwrap_or(&Value::Null).to_string();
                    return Err(Broken::wrong(format!("{} at /data/{name}", shown(is)), shown(told)));
                }
            }
            Ok(())
        })
        .await;
}

/// The delivery of an event to this run's endpoint that is none of those before.
async fn arrival(suite: &mut Suite<'_>, endpoint: &Endpoint, event: &str, before: &[&str]) -> Result<Delivery, Broken> {
    let receiver = suite.receiver.as_ref().map_err(|why| Broken::Skipped(why.clone()))?;
    let is_it = |delivery: &Delivery| {
        delivery.path.ends_with(&endpoint.path)
            && delivery.field("/id") == event
            && !before.contains(&delivery.header("X-PayIn-Delivery-Id"))
    };
    if let Some(delivery) = receiver.wait(is_it).await {
        return Ok(delivery);
    }
    let came: Vec<_> =
        receiver.all().iter().map(|delivery| format!("{} in {}", delivery.field("/id"), delivery.header("X-PayIn-Delivery-Id"))).collect();
    Err(Broken::wrong(
        format!("a delivery of {event} within {} s, other than {before:?}", WITHIN.as_secs()),
        if came.is_empty() { "no delivery at all".to_owned() } else { came.join(", ") },
    ))
}

fn late(what: &str) -> Broken {
    Broken::wrong(format!("{what} within {} s", WITHIN.as_secs()), "no delivery of it")
}

fn json_of(delivery: &Delivery) -> Result<Value, Broken> {
    serde_json::from_slice(&delivery.bytes)
        .map_err(|error| Broken::wrong("an event as JSON", format!("{error}: {}", String::from_utf8_lossy(&delivery.bytes))))
}

/// Whether one scheme's signature is of these bytes by this secret, whenever it was made.
fn genuine(delivery: &Delivery, scheme: Scheme, secret: &SecretString) -> Result<(), Broken> {
    let (name, claim) = match scheme {
        Scheme::Standard => {
            let header = |name| delivery.header(name);
            (
                webhook::STANDARD_SIGNATURE,
                Claim::standard(header(webhook::STANDARD_ID), header(webhook::STANDARD_TIMESTAMP), header(webhook::STANDARD_SIGNATURE)),
            )
        }
        _ => (webhook::PAYIN_SIGNATURE, Claim::payin(delivery.header(webhook::PAYIN_SIGNATURE))),
    };
    if delivery.header(name).is_empty() {
        return Err(Broken::wrong(format!("the header {name}"), "an unsigned webhook"));
    }
    let verifier = Verifier::new(secret.clone()).tolerance(None);
    match verifier.verify(claim, &delivery.bytes, delivery.at) {
        Ok(_) => Ok(()),
        Err(error) => Err(Broken::wrong(format!("{name} that is genuine"), format!("{}: {error}", delivery.header(name)))),
    }
}

/// Of a sandbox the time is its own.
async fn timely(suite: &mut Suite<'_>, delivery: &Delivery) -> Result<(), Broken> {
    const TOLERANCE: Duration = Duration::from_secs(300);
    let signed: Option<i64> = delivery.header(webhook::STANDARD_TIMESTAMP).parse().ok();
    let stated = delivery.header(webhook::PAYIN_SIGNATURE).split(',').find_map(|part| part.strip_prefix("t=")?.parse::<i64>().ok());
    let now = if suite.standing.sandbox {
        let clock = suite.ask(Ask::of("sandboxClock")).await?.ok(200)?;
        clock.field("/now")?.parse::<Timestamp>().map_err(|_| clock.wrong("a time at /now"))?
    } else {
        delivery.at
    };
    let now_seconds = now.millis().div_euclid(1000);
    let is_near = |time: i64| now_seconds.abs_diff(time) <= TOLERANCE.as_secs();
    match (stated, signed) {
        (Some(stated), Some(signed)) if is_near(stated) && is_near(signed) => Ok(()),
        other => {
            Err(Broken::wrong(format!("t and webhook-timestamp within {} s of {now_seconds}", TOLERANCE.as_secs()), format!("{other:?}")))
        }
    }
}
