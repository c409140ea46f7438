//! Webhook endpoints: listed, added, changed, tried, given a new secret, deleted. Secrets are shown once.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::{CreateEndpoint, Endpoint, EventType, ListEvents, RotateSecret, UpdateEndpoint};

use super::form::Form as Sent;
use super::frame::lead_to;
use super::lists::ROWS;
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use super::words::Words;
use super::{events, lists};
use crate::app::{endpoints, event_log, resend};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/webhooks";

/// `GET /dashboard/webhooks`
pub async fn list(member: Member) -> Result<Response, Reject> {
    all(&member, None).await
}

async fn all(member: &Member, tried: Tried) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, query) = (member.t, member.app(), &member.query);
    let found = endpoints::list(app, member.organization(), lists::page(query)?, Some(ROWS)).await?;
    let row = |endpoint: &Endpoint| {
        vec![
            Cell::code(&endpoint.url).to(format!("{PATH}/{}", segment(endpoint.id.as_str()))),
            standing(t, endpoint),
            Cell::maybe(endpoint.description.as_deref()),
            Cell::time(endpoint.created_at),
        ]
    };
    let head = vec![t.url, t.status, t.description, t.created_at];
    let table = Table { name: t.webhooks.to_owned(), head, rows: found.data.iter().map(row).collect(), empty: t.no_webhooks };
    let (error, sent) = tried.unzip();
    let form = Form::new(t.add_webhook, PATH, t.add_webhook, fields(t, &sent.clone().unwrap_or_else(everything))).folded(sent.is_some());
    let page = member.page(t.webhooks).with(Block::Table(table)).with(Block::Pager(Pager::new(t, PATH, query, &found.pagination)));
    Ok(page.says(error.as_ref().map(|error| Notice::bad(t, error))).with(Block::Form(form)).answer(error.as_ref()))
}

/// What is proposed for a new one.
fn everything() -> Sent {
    Sent::parse(b"events=*")
}

fn standing(t: &Words, endpoint: &Endpoint) -> Cell {
    match (endpoint.enabled, &endpoint.disabled_reason, endpoint.failing_since) {
        (false, Some(reason), _) => Cell::badge(format!("{}{}{}", t.disabled, t.colon, t.word(reason.as_str())), "bad"),
        (false, None, _) => Cell::badge(t.disabled, "bad"),
        (true, _, Some(_)) => Cell::badge(t.failing, "warn"),
        (true, _, None) => Cell::badge(t.enabled, "good"),
    }
}

fn event_word(t: &Words, event_type: &EventType) -> String {
    if event_type == &EventType::All { t.all_events.to_owned() } else { event_type.as_str().to_owned() }
}

fn fields(t: &'static Words, sent: &Sent) -> Vec<Field> {
    let chosen = sent.all("events");
    let option = |event_type: &EventType| {
        let word = event_type.as_str().to_owned();
        (word.clone(), event_word(t, event_type), chosen.contains(&word))
    };
    vec![
        Field::typed("url", t.url, "url", sent.text("url")).hint(t.url_hint).required(),
        Field::line("description", t.description, sent.text("description")),
        Field::checks("events", t.events, EventType::KNOWN.iter().map(option).collect()),
    ]
}

fn event_types(form: &Sent) -> Vec<EventType> {
    form.all("events").iter().map(|word| EventType::from(word.as_str())).collect()
}

/// `POST /dashboard/webhooks`
pub async fn create(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let request = CreateEndpoint {
        url: form.text("url").to_owned(),
        events: event_types(&form),
        secret: None,
        description: form.some("description"),
    };
    let unit = endpoints::Create::new(member.app(), member.organization().clone(), Ok(request));
    match refused(member.app().store.write(unit).await)? {
        Ok(endpoint) => {
            let secret = endpoint.secret.clone().unwrap_or_default();
            one(&member, endpoint.id.as_str(), None, Some(Notice::secret(member.t.secret_once, secret))).await
        }
        Err(error) => all(&member, Some((error, form))).await,
    }
}

/// `GET /dashboard/webhooks/{id}`
pub async fn show(member: Member, Path(id): Path<String>) -> Result<Response, Reject> {
    one(&member, &id, None, None).await
}

async fn one(member: &Member, id: &str, tried: Tried, notice: Option<Notice>) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let endpoint = endpoints::get(app, organization, id).await?;
    let (error, sent) = tried.unzip();
    let at = |deed: &str| format!("{PATH}/{}{deed}", segment(endpoint.id.as_str()));
    let mut facts = vec![
        (t.status.to_owned(), standing(t, &endpoint)),
        (t.id.to_owned(), Cell::code(endpoint.id.as_str())),
        (t.description.to_owned(), Cell::maybe(endpoint.description.as_deref())),
        (t.told_of.to_owned(), Cell::text(endpoint.events.iter().map(|one| event_word(t, one)).collect::<Vec<_>>().join(", "))),
        (t.created_at.to_owned(), Cell::time(endpoint.created_at)),
    ];
    facts.extend(endpoint.failing_since.map(|at| (t.failing_since.to_owned(), Cell::time(at))));
    facts.extend(endpoint.previous_secret_expires_at.map(|at| (t.old_secret_until.to_owned(), Cell::time(at))));
    let (word, label) = if endpoint.enabled { ("false", t.disable) } else { ("true", t.enable) };
    let actions = vec![
        Action::new(at("/test"), t.send_test),
        Action::new(at("/enabled"), label).with("enabled", word),
        Action::new(at("/secret"), t.new_secret).grave(),
        Action::new(at("/delete"), t.delete).grave(),
    ];
    let form = Form::new(t.change, at(""), t.save, fields(t, &sent.clone().unwrap_or_else(|| as_sent(&endpoint)))).folded(sent.is_some());
    let told = ListEvents { endpoint_id: Some(endpoint.id.clone()), limit: Some(ROWS), ..ListEvents::default() };
    let told = event_log::list(app, organization, told).await?;
    let page = member.page(&endpoint.url).back_to(PATH, t.webhooks).says(error.as_ref().map(|error| Notice::bad(t, error)).or(notice));
    let page = page.with(Block::Fields(facts)).with(Block::Actions(actions)).with(Block::Form(form));
    let page = page.with(Block::Heading(t.events.to_owned())).with(Block::Table(events::table(t, &told.data)));
    let rest = Cell::text(t.more_events).to(format!("/dashboard/events?endpointId={}", segment(endpoint.id.as_str())));
    Ok(page.with_if(told.pagination.has_more.then(|| Block::Links(vec![rest]))).answer(error.as_ref()))
}

/// An endpoint as its own form would send it.
fn as_sent(endpoint: &Endpoint) -> Sent {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.append_pair("url", &endpoint.url).append_pair("description", endpoint.description.as_deref().unwrap_or_default());
    text.extend_pairs(endpoint.events.iter().map(|event_type| ("events", event_type.as_str())));
    Sent::parse(text.finish().as_bytes())
}

async fn change(member: &Member, id: &str, request: UpdateEndpoint) -> Result<Result<Endpoint, Error>, Reject> {
    let (app, organization_id) = (member.app(), member.organization().clone());
    let unit = endpoints::Update { request: Ok(request), organization_id, id: id.to_owned(), now: app.clock.now(), targets: app.targets };
    refused(app.store.write(unit).await)
}

/// `POST /dashboard/webhooks/{id}`
pub async fn update(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let request = UpdateEndpoint {
        url: Some(form.text("url").to_owned()),
        events: Some(event_types(&form)),
        enabled: None,
        description: Some(form.some("description")),
    };
    match change(&member, &id, request).await? {
        Ok(_) => Ok(done(&format!("{PATH}/{}", segment(&id)))),
        Err(error) => one(&member, &id, Some((error, form)), None).await,
    }
}

/// `POST /dashboard/webhooks/{id}/enabled`
pub async fn enable(Path(id): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let request = UpdateEndpoint { enabled: Some(form.text("enabled") == "true"), ..UpdateEndpoint::default() };
    change(&member, &id, request).await??;
    Ok(done(&format!("{PATH}/{}", segment(&id))))
}

/// `POST /dashboard/webhooks/{id}/test`
pub async fn test(Path(id): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let to = format!("{PATH}/{}?done=queued", segment(&id));
    let unit = resend::Test { endpoint: Ok(id), organization_id: member.organization().clone(), now: member.app().clock.now() };
    member.app().store.write(unit).await?;
    Ok(lead_to(&to))
}

/// `POST /dashboard/webhooks/{id}/secret`
pub async fn rotate(Path(id): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let unit = endpoints::Rotate::new(member.app(), member.organization().clone(), id.clone(), Ok(RotateSecret::default()));
    let rotated = member.app().store.write(unit).await?;
    one(&member, &id, None, Some(Notice::secret(member.t.secret_once, rotated.secret.unwrap_or_default()))).await
}

/// `POST /dashboard/webhooks/{id}/delete`
pub async fn delete(Path(id): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let unit = endpoints::Delete { organization_id: member.organization().clone(), id, now: member.app().clock.now() };
    member.app().store.write(unit).await?;
    Ok(done(PATH))
}
