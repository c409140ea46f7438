//! What an organization sets for itself: what holds, where it comes from, and another value.

use axum::extract::Path;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::setting::SettingType;
use payin_types::{PutSetting, Setting};
use serde_json::Value;

use super::form::Form as Sent;
use super::member::{Member, Posted, Tried, done, refused};
use super::said;
use super::view::{Action, Block, Cell, Field, Form, Notice, Table, segment};
use super::words::Words;
use crate::app::settings;
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/settings";

fn text(t: &Words, value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => t.yes.to_owned(),
        Value::Bool(false) => t.no.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `GET /dashboard/settings`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let t = member.t;
    let all = settings::list(member.app(), member.organization()).await?.data;
    let row = |setting: &Setting| {
        let name = Cell::text(&setting.key);
        vec![
            if setting.read_only { name } else { name.to(format!("{PATH}/{}", segment(&setting.key))) },
            Cell::number(text(t, &setting.value)),
            Cell::badge(t.word(setting.source.as_str()), if setting.source.as_str() == "organization" { "good" } else { "" }),
            Cell::text(said::text(t, &setting.description)),
        ]
    };
    let head = vec![t.setting, t.holds, t.comes_from, t.description];
    let table = Table { name: t.settings.to_owned(), head, rows: all.iter().map(row).collect(), empty: t.nothing };
    Ok(member.page(t.settings).with(Block::Table(table)).answer(None))
}

/// `GET /dashboard/settings/{key}`
pub async fn show(member: Member, Path(key): Path<String>) -> Result<Response, Reject> {
    one(&member, &key, None).await
}

async fn one(member: &Member, key: &str, tried: Tried) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let t = member.t;
    let setting = settings::get(member.app(), member.organization(), key).await?;
    let at = format!("{PATH}/{}", segment(&setting.key));
    let (error, sent) = tried.unzip();
    let raw = match &setting.value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let value = sent.map_or(raw, |sent| sent.text("value").to_owned());
    let field = match setting.value_type {
        SettingType::Boolean => {
            let options = vec![("true".to_owned(), t.yes.to_owned()), ("false".to_owned(), t.no.to_owned())];
            Field::choice("value", t.value, options, value)
        }
        SettingType::Number => Field::typed("value", t.value, "number", value).required(),
        _ => Field::typed("value", t.value, "url", value),
    };
    let mut facts = vec![
        (t.description.to_owned(), Cell::text(said::text(t, &setting.description))),
        (t.holds.to_owned(), Cell::number(text(t, &setting.value))),
        (t.comes_from.to_owned(), Cell::text(t.word(setting.source.as_str()))),
        (t.default.to_owned(), Cell::number(text(t, &setting.default))),
    ];
    if let (Some(least), Some(most)) = (setting.minimum, setting.maximum) {
        facts.push((t.bounds.to_owned(), Cell::number(format!("{least} – {most}"))));
    }
    facts.extend(setting.updated_at.map(|at| (t.updated_at.to_owned(), Cell::time(at))));
    let page = member.page(&setting.key).back_to(PATH, t.settings).says(error.as_ref().map(|error| Notice::bad(t, error)));
    let mut page = page.with(Block::Fields(facts));
    if !setting.read_only {
        let back = Action::new(at.clone(), t.to_default).with("default", "true");
        page = page.with(Block::Form(Form::new(t.change, at, t.save, vec![field]))).with(Block::Actions(vec![back]));
    }
    Ok(page.answer(error.as_ref()))
}

/// What a form sets a setting to; nothing: back to what holds without it.
fn asked(setting: &Setting, form: &Sent) -> Result<Value, Error> {
    let text = form.text("value");
    if form.text("default") == "true" || text.is_empty() {
        return Ok(Value::Null);
    }
    match setting.value_type {
        SettingType::Boolean => Ok(Value::Bool(text == "true")),
        SettingType::Number => Ok(form.number::<i64>("value")?.map_or(Value::Null, Value::from)),
        _ => Ok(Value::from(text)),
    }
}

/// `POST /dashboard/settings/{key}`
pub async fn put(Path(key): Path<String>, Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ManageSettings)?;
    let (app, organization) = (member.app(), member.organization());
    let setting = settings::get(app, organization, &key).await?;
    let outcome = match asked(&setting, &form) {
        Ok(value) => refused(app.store.write(settings::Put::new(app, organization.clone(), key.clone(), PutSetting { value })).await)?,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(setting) => Ok(done(&format!("{PATH}/{}", segment(&setting.key)))),
        Err(error) => one(&member, &key, Some((error, form))).await,
    }
}
