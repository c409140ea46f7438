//! Somebody's own account: who they are, and another password. That ends whatever was begun with the one before, elsewhere too.

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::{ErrorCode, SecretString};

use super::member::{Member, Posted, refused, signed_in};
use super::view::{Block, Cell, Field, Form, Notice};
use crate::app::accounts::browser;
use crate::app::accounts::second_factor::{self, Standing};
use crate::http::answer::Reject;

const PATH: &str = "/dashboard/account";

/// `GET /dashboard/account`
pub async fn show(member: Member) -> Result<Response, Reject> {
    page(&member, None).await
}

async fn page(member: &Member, error: Option<&Error>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, session) = (member.t, &member.browser.session);
    let (two_step, way) = match second_factor::standing(member.app(), &member.browser).await? {
        Standing::On(_) => (Cell::badge(t.is_on, "good"), t.two_step_change),
        Standing::Off | Standing::Begun { .. } => (Cell::badge(t.is_off, ""), t.two_step_set_up),
    };
    let facts = vec![
        (t.name_of_person.to_owned(), Cell::text(&session.name)),
        (t.email.to_owned(), Cell::text(&session.email)),
        (t.role.to_owned(), Cell::badge(t.word(session.role.as_str()), "")),
        (t.two_step.to_owned(), two_step),
    ];
    let fields = vec![
        Field::typed("old", t.present_password, "password", "").required().filled("current-password"),
        Field::typed("new", t.new_password, "password", "").hint(t.password_hint).required().filled("new-password"),
    ];
    let form = Form::new(t.change_password, format!("{PATH}/password"), t.change_password, fields);
    let way = Cell::text(way).to(format!("{PATH}/two-step"));
    let page = member
        .page(t.account)
        .with(Block::Fields(facts))
        .with(Block::Links(vec![way]))
        .with(Block::Text(t.password_text.to_owned()))
        .with(Block::Form(form));
    Ok(page.says(error.map(|error| Notice::bad(t, error))).answer(error))
}

/// `POST /dashboard/account/password`
pub async fn change_password(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (app, session) = (member.app(), &member.browser.session);
    let secret = |name: &str| SecretString::from(form.whole(name).to_owned());
    let changed = browser::change_password(app, &member.browser, member.address, secret("old"), secret("new")).await;
    match refused(changed)? {
        Ok(()) => signed_in(app, &browser::enter(app, &session.user_id, &session.organization_id).await?, "/dashboard/account?done=1"),
        Err(error) if error.code == ErrorCode::InvalidApiKey => Err(error.into()),
        Err(error) => page(&member, Some(&error)).await,
    }
}
