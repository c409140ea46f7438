//! The event log: what was told to endpoints, read by page, by cursor and as it happens.

use futures_util::StreamExt;
use payin_sdk::transport::Incoming;
use serde_json::json;

use super::super::check::{Broken, checks};
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};
use super::webhooks::Endpoint;

checks! {
    LIST: "events.list" [Admin] "Events are listed, newest first", "API Reference: webhooks";
    GET: "events.get" [Admin, Write] "An event read by its id is the one in the list, and its deliveries are shown", "openapi.yaml: getEvent";
    CURSOR: "events.cursor" [Admin, Write] "Reading on from nextCursor skips no event and gives none twice", "openapi.yaml: listEvents";
    LOST_CURSOR: "events.lost-cursor" [Admin] "A cursor of another database is 410 CURSOR_UNKNOWN", "openapi.yaml: responses/CursorUnknown";
    STREAM: "events.stream" [Admin] "The stream of events begins with the place to go on from", "openapi.yaml: streamEvents";
    RESEND: "events.resend-refused" [Admin, Write] "Events cannot be sent again to an endpoint that does not exist", "openapi.yaml: resendEvents";
    UNKNOWN: "events.unknown" [Admin] "An event that does not exist is 404", "openapi.yaml: getEvent";
}

pub async fn run(suite: &mut Suite<'_>, endpoint: Option<&Endpoint>) {
    suite
        .check(LIST, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listEvents")).await?.ok(200)?;
            let times = page.column("createdAt")?;
            if times.is_sorted_by(|a, b| a >= b) { Ok(()) } else { Err(page.wrong("the newest first")) }
        })
        .await;
    suite
        .check(UNKNOWN, async |suite: &mut Suite| {
            suite.ask(Ask::of("getEvent").at("evt_conformance")).await?.refused(404, "RESOURCE_NOT_FOUND")?;
            suite.ask(Ask::of("listDeliveries").at("evt_conformance")).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    suite
        .check(RESEND, async |suite: &mut Suite| {
            let body = json!({ "createdAfter": "2020-01-01T00:00:00.000Z", "endpointId": "we_conformance" });
            suite.ask(Ask::of("resendEvents").json(&body)).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    suite
        .check(LOST_CURSOR, async |suite: &mut Suite| {
            let ask = Ask::of("listEvents").query("after", "00000000-1");
            suite.ask(ask).await?.refused(410, "CURSOR_UNKNOWN")
        })
        .await;
    suite
        .check(STREAM, async |suite: &mut Suite| {
            let (answer, stream) = suite.open(Ask::of("streamEvents")).await?;
            begins(&answer, stream, "id: ").await
        })
        .await;
    let Some(endpoint) = endpoint else { return };
    one(suite, endpoint).await;
    cursor(suite, endpoint).await;
}

async fn one(suite: &mut Suite<'_>, endpoint: &Endpoint) {
    suite
        .check(GET, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listEvents").query("endpointId", &endpoint.id)).await?.ok(200)?;
            let event = page.field("/data/0/id")?;
            let shown = suite.ask(Ask::of("getEvent").at(&event)).await?.ok(200)?;
            shown.has("/payload", page.body.pointer("/data/0/payload").unwrap_or(&json!(null)))?;
            let deliveries = suite.ask(Ask::of("listDeliveries").at(&event)).await?.ok(200)?;
            // It may have gone to other endpoints, too.
            let ids = deliveries.column("endpointId")?;
            if ids.contains(&endpoint.id) { Ok(()) } else { Err(deliveries.wrong(format!("the endpoint {} among them", endpoint.id))) }
        })
        .await;
}

/// Five events more, read one by one and all at once.
async fn cursor(suite: &mut Suite<'_>, endpoint: &Endpoint) {
    suite
        .check(CURSOR, async |suite: &mut Suite| {
            let mut sent = Vec::new();
            for _ in 0..5 {
                sent.push(suite.ask(Ask::of("testWebhookEndpoint").at(&endpoint.id)).await?.ok(202)?.field("/eventId")?);
            }
            let first = suite.ask(Ask::of("getEvent").at(sent.first().map(String::as_str).unwrap_or_default())).await?.ok(200)?;
            let (object, since) = (first.field("/objectId")?, first.field("/createdAt")?);
            super::sandbox::pass(suite).await?;
            let list = |after: &str| {
                let ask = Ask::of("listEvents").query("after", after).query("type", "webhook.test");
                ask.query("objectId", &object).query("createdAfter", &since)
            };
            // An event is in this order within a second of its change.
            let has_all = |page: &Answer| page.column("id").is_ok_and(|ids| sent.iter().all(|id| ids.contains(id)));
            let whole = suite.ask_until(list("beginning").query("limit", 100), "all events", has_all).await?;
            let (mut read, mut after) = (Vec::new(), "beginning".to_owned());
            for _ in 0..whole.rows()?.len().saturating_add(2) {
                let page = suite.ask(list(&after).query("limit", 2)).await?.ok(200)?;
                read.extend(page.column("id")?);
                after = page.field("/nextCursor")?;
                if page.body.get("hasMore") == Some(&json!(false)) {
                    break;
                }
            }
            let all = whole.column("id")?;
            if read == all { Ok(()) } else { Err(whole.wrong(format!("page by page what it is at once, got {}", read.join(", ")))) }
        })
        .await;
}

/// That an answer is a stream of events, and what its beginning has in it.
pub async fn begins(answer: &Answer, stream: Incoming, with: &str) -> Result<(), Broken> {
    let media = answer.header("content-type").unwrap_or_default();
    if answer.status != 200 || !media.starts_with("text/event-stream") {
        return Err(answer.wrong("200 and text/event-stream"));
    }
    let reading = async {
        let (mut text, mut chunks) = (String::new(), stream.body);
        while let Some(Ok(chunk)) = chunks.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
            if text.contains(with) {
                return Ok(());
            }
        }
        Err(answer.wrong(format!("{with:?}, got {text:?}")))
    };
    let late = |_| answer.wrong(format!("{with:?} within 10 s"));
    tokio::time::timeout(std::time::Duration::from_secs(10), reading).await.map_err(late)?
}
