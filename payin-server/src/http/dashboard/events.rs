//! The event log: what happened, whom it was told, with what and how they answered. It can be sent again.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::event_log::DeliveryAttempt;
use payin_types::{Delivery, DeliveryStatus, EndpointId, EventRecord, EventType, ListEvents, ResendEvent};

use super::frame::lead_to;
use super::lists::{self, ROWS};
use super::member::{Member, Posted, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use super::words::Words;
use crate::app::{event_log, resend};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/events";

fn asked(member: &Member) -> Result<ListEvents, Error> {
    let query = &member.query;
    let (created_after, created_before) = lists::span(query)?;
    Ok(ListEvents {
        page: lists::page(query)?,
        limit: Some(ROWS),
        after: None,
        event_type: query.some("type").map(|word| EventType::from(word.as_str())),
        endpoint_id: query.some("endpointId").map(EndpointId::from),
        status: query.some("status").map(|word| DeliveryStatus::from(word.as_str())),
        object_id: query.some("search"),
        created_after,
        created_before,
    })
}

/// `GET /dashboard/events`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let found = event_log::list(app, member.organization(), asked(&member)?).await?;
    let types = EventType::KNOWN.iter().filter(|event_type| **event_type != EventType::All).map(EventType::as_str);
    let [from, to] = lists::days(t, query);
    let fields = vec![
        Field::typed("search", t.search_events, "search", query.text("search")),
        Field::choice("type", t.event_type, lists::choices(t, types), query.text("type")),
        Field::choice(
            "status",
            t.status,
            lists::choices(t, DeliveryStatus::KNOWN.iter().map(DeliveryStatus::as_str)),
            query.text("status"),
        ),
        from,
        to,
    ];
    let found_table = Table { empty: lists::empty(t, query, t.no_events), ..table(t, &found.data) };
    let page = member.page(t.events).with(Block::Form(Form::search(t.search, PATH, t.search, fields)));
    let page = page.with(Block::Table(found_table)).with(Block::Pager(Pager::new(t, PATH, query, &found.pagination)));
    Ok(page.answer(None))
}

/// Events as rows.
pub fn table(t: &'static Words, events: &[EventRecord]) -> Table {
    let row = |event: &EventRecord| {
        let counts = &event.deliveries;
        let told = match (counts.failed, counts.pending, counts.delivered) {
            (0, 0, 0) => Cell::badge(t.nobody, ""),
            (0, 0, delivered) => Cell::badge(format!("{} {delivered}", t.word("delivered")), "good"),
            (0, pending, _) => Cell::badge(format!("{} {pending}", t.word("pending")), "wait"),
            (failed, ..) => Cell::badge(format!("{} {failed}", t.word("failed")), "bad"),
        };
        vec![
            Cell::text(event.event_type.as_str()).to(format!("{PATH}/{}", segment(event.id.as_str()))),
            Cell::code(&event.object_id),
            told,
            Cell::time(event.created_at),
        ]
    };
    let head = vec![t.event_type, t.object, t.deliveries, t.created_at];
    Table { name: t.events.to_owned(), head, rows: events.iter().map(row).collect(), empty: t.no_events }
}

/// `GET /dashboard/events/{id}`
pub async fn show(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    one(&member, &id, None).await
}

async fn one(member: &Member, id: &str, error: Option<Error>) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let event = event_log::get(app, organization, id).await?;
    let deliveries = event_log::deliveries(app, organization, id).await?.data;
    let facts = vec![
        (t.id.to_owned(), Cell::code(event.id.as_str())),
        (t.object.to_owned(), Cell::code(&event.object_id)),
        (t.created_at.to_owned(), Cell::time(event.created_at)),
    ];
    let payload = serde_json::to_string_pretty(&event.payload).unwrap_or_default();
    let again = Action::new(format!("{PATH}/{}/resend", segment(event.id.as_str())), t.resend);
    let mut page = member.page(event.event_type.as_str()).back_to(PATH, t.events).says(error.as_ref().map(|error| Notice::bad(t, error)));
    page = page.with(Block::Fields(facts));
    page = page.with(Block::Actions(vec![again])).with(Block::Heading(t.payload.to_owned())).with(Block::Code(payload));
    page = page.with(Block::Heading(t.deliveries.to_owned()));
    if deliveries.is_empty() {
        page = page.with(Block::Text(t.told_nobody.to_owned()));
    }
    for delivery in &deliveries {
        page = page.with(Block::Fields(standing(t, delivery))).with(Block::Table(attempts(t, delivery)));
    }
    Ok(page.answer(error.as_ref()))
}

fn standing(t: &'static Words, delivery: &Delivery) -> Vec<(String, Cell)> {
    let id = delivery.endpoint_id.as_str();
    let mut facts = vec![
        (t.url.to_owned(), Cell::code(&delivery.url).to(format!("/dashboard/webhooks/{}", segment(id)))),
        (t.status.to_owned(), lists::status(t, delivery.status.as_str())),
        (t.attempts.to_owned(), Cell::number(delivery.attempts)),
    ];
    facts.extend(delivery.next_attempt_at.map(|at| (t.next_attempt.to_owned(), Cell::time(at))));
    facts
}

fn attempts(t: &'static Words, delivery: &Delivery) -> Table {
    let row = |attempt: &DeliveryAttempt| {
        let is_received = attempt.status_code.is_some_and(|status| (200..300).contains(&status));
        let answer = match (attempt.status_code, &attempt.failure) {
            (Some(status), _) => Cell::badge(status.to_string(), if is_received { "good" } else { "bad" }),
            (None, Some(failure)) => Cell::badge(failure, "bad"),
            (None, None) => Cell::text("–"),
        };
        vec![
            Cell::time(attempt.started_at),
            answer,
            Cell::number(format!("{} ms", attempt.duration_ms)),
            Cell::code(attempt.response.clone().unwrap_or_default()),
        ]
    };
    let head = vec![t.time, t.answer, t.took, t.said];
    Table { name: t.attempts.to_owned(), head, rows: delivery.log.iter().map(row).collect(), empty: t.no_attempts }
}

/// `POST /dashboard/events/{id}/resend`
pub async fn send_again(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let request = Ok(ResendEvent { endpoint_id: form.some("endpointId").map(EndpointId::from) });
    let to = format!("{PATH}/{}", segment(&id));
    let (organization_id, now) = (member.organization().clone(), member.app().clock.now());
    match refused(member.app().store.write(resend::Resend { request, organization_id, id: id.clone(), now }).await)? {
        Ok(_) => Ok(lead_to(&format!("{to}?done=queued"))),
        Err(error) => one(&member, &id, Some(error)).await,
    }
}
