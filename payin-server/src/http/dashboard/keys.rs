//! API keys: listed, made, revoked. A new one is shown once.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::{Permission, may_grant};
use payin_types::organization::ListPaging;
use payin_types::{ApiKey, CreateApiKey, Role, Timestamp};

use super::form::Form as Sent;
use super::lists::{self, ROWS};
use super::member::{Member, Posted, Tried, done, refused};
use super::view::{Action, Block, Cell, Field, Form, Notice, Pager, Table, segment};
use crate::app::keys;
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/keys";

/// `GET /dashboard/keys`
pub async fn list(member: Member) -> Result<Response, Reject> {
    show(&member, None, None).await
}

async fn show(member: &Member, tried: Tried, notice: Option<Notice>) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (t, app, query, own) = (member.t, member.app(), &member.query, &member.browser.session.role);
    let paging = ListPaging { page: lists::page(query)?, limit: Some(ROWS) };
    let found = keys::list(app, member.organization(), member.organization().as_str(), &paging).await?;
    let row = |key: &ApiKey| {
        let revoke = Action::new(format!("{PATH}/{}/revoke", segment(key.id.as_str())), t.revoke).grave();
        vec![
            Cell::text(&key.name),
            Cell::code(format!("{}…", key.key_prefix)),
            Cell::badge(t.word(key.role.as_str()), ""),
            Cell::maybe_time(key.last_used_at),
            Cell::maybe_time(key.expires_at),
            if may_grant(own, &key.role) { Cell::does(revoke) } else { Cell::text("") },
        ]
    };
    let head = vec![t.name_of_key, t.begins_with, t.role, t.last_used, t.expires_at, ""];
    let table = Table { name: t.keys.to_owned(), head, rows: found.data.iter().map(row).collect(), empty: t.no_keys };
    let (error, sent) = tried.unzip();
    let form = sent.clone().unwrap_or_default();
    let roles = Role::KNOWN.iter().filter(|role| may_grant(own, role)).map(|role| (role.as_str().to_owned(), t.word(role.as_str())));
    let role = form.some("role").unwrap_or_else(|| Role::Member.as_str().to_owned());
    let fields = vec![
        Field::line("name", t.name_of_key, form.text("name")).hint(t.key_hint).required(),
        Field::choice("role", t.role, roles.collect(), role),
        Field::typed("expires", t.expires_optional, "date", form.text("expires")).hint(t.expires_hint),
    ];
    let make = Form::new(t.make_key, PATH, t.make_key, fields).folded(sent.is_some());
    let page = member.page(t.keys).says(error.as_ref().map(|error| Notice::bad(t, error)).or(notice)).with(Block::Table(table));
    Ok(page.with(Block::Pager(Pager::new(t, PATH, query, &found.pagination))).with(Block::Form(make)).answer(error.as_ref()))
}

fn asked(form: &Sent, now: Timestamp) -> Result<CreateApiKey, Error> {
    let expires_at = lists::end_of_day(form, "expires", now)?;
    Ok(CreateApiKey { name: form.text("name").to_owned(), role: form.some("role").map(|word| Role::from(word.as_str())), expires_at })
}

/// `POST /dashboard/keys`
pub async fn create(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let unit = keys::Create::by_person(member.app(), &member.browser.session, asked(&form, member.app().clock.now()));
    match refused(member.app().store.write(unit).await)? {
        Ok(key) => show(&member, None, Some(Notice::secret(member.t.key_once, key.api_key.unwrap_or_default()))).await,
        Err(error) => show(&member, Some((error, form)), None).await,
    }
}

/// `POST /dashboard/keys/{id}/revoke`
pub async fn revoke(Path(id): Path<String>, Posted { member, .. }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    keys::revoke(member.app(), Some(&member.caller.key), id).await?;
    Ok(done(PATH))
}
