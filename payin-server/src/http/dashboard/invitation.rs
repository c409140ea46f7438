//! The pages behind a link by which somebody becomes a member: the first owner of a new server, or whoever a member lets in. Looking at it
//! uses nothing up.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::Response;
use payin_core::Error;
use payin_types::SecretString;

use super::door::Door;
use super::form::Form as Sent;
use super::frame::{Tongue, lead_to};
use super::member::{Member, Posted, Tried, refused, signed_in};
use super::view::{Block, Field, Form};
use crate::app::App;
use crate::app::accounts::browser;
use crate::app::accounts::invitation::{self, Accept, Newcomer, Open};
use crate::http::answer::Reject;
use crate::http::checkout::Visitor;
use crate::http::checkout::pages::check_own;

fn fields(t: &'static super::words::Words, open: &Open, token: &str, sent: &Sent) -> Vec<Field> {
    let mut fields = vec![Field::hidden("invitation", token)];
    if open.organization.is_none() {
        fields.push(Field::line("organization", t.organization_name, sent.text("organization")).required().filled("organization"));
    }
    fields.push(Field::typed("email", t.email, "email", sent.text("email")).required().filled("username"));
    fields.push(Field::line("name", t.name_optional, sent.text("name")).filled("name"));
    fields.push(Field::typed("password", t.password, "password", "").hint(t.password_hint).required().filled("new-password"));
    fields
}

fn door(tongue: Tongue, open: &Open, token: &str, sent: &Sent, error: Option<&Error>) -> Response {
    let t = tongue.0;
    let form = Form::new(t.create_account, "/dashboard/invitation", t.create_account, fields(t, open, token, sent));
    let (title, text) = match &open.organization {
        None => (t.setup_title, t.setup.to_owned()),
        Some(name) => (t.invited_title, (t.invited)(name, &t.word(open.role.as_str()))),
    };
    let more = open.organization.is_some().then_some(t.invited_known);
    // Signed in, they are at this page again.
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("invitation", token).finish();
    let to: String = url::form_urlencoded::byte_serialize(format!("/dashboard/invitation?{query}").as_bytes()).collect();
    let elsewhere = Some((format!("/dashboard/sign-in?to={to}"), t.sign_in));
    Door { text: Some(text), more, elsewhere, ..Door::new(t, title, vec![form]) }.asked_by("invitation", token).answer(t, error)
}

/// `GET /dashboard/invitation?invitation=…`: for somebody new, or for somebody who is signed in.
pub async fn show(_: Visitor, tongue: Tongue, State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    let (mut parts, _) = request.into_parts();
    let query = Sent::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let token = query.text("invitation").to_owned();
    let open = invitation::look(&app, &token).await?;
    match Member::from_request_parts(&mut parts, &app).await {
        Ok(member) if open.organization.is_some() => Ok(known(&member, &open, &token, None)),
        _ => Ok(door(tongue, &open, &token, &Sent::default(), None)),
    }
}

fn known(member: &Member, open: &Open, token: &str, tried: Tried) -> Response {
    let t = member.t;
    let text = (t.invited)(open.organization.as_deref().unwrap_or_default(), &t.word(open.role.as_str()));
    let form = Form::new(t.invited_title, "/dashboard/invitation/accept", t.join, vec![Field::hidden("invitation", token)]);
    let error = tried.map(|(error, _)| error);
    let page = member.page(t.invited_title).with(Block::Text(text)).with(Block::Form(form));
    page.says(error.as_ref().map(|error| super::view::Notice::bad(t, error))).answer(error.as_ref())
}

/// `POST /dashboard/invitation`: somebody new.
pub async fn accept(visitor: Visitor, tongue: Tongue, State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    check_own(&visitor.app, request.headers())?;
    let form = Sent::read(request).await?;
    let token = form.text("invitation").to_owned();
    let open = invitation::look(&app, &token).await?;
    let newcomer = Newcomer {
        name: form.some("name"),
        email: form.text("email").to_owned(),
        password: SecretString::from(form.whole("password").to_owned()),
        organization: form.some("organization"),
    };
    let accepted = match Accept::newcomer(&app, &token, newcomer).await {
        Ok(unit) => app.store.write(unit).await,
        Err(failure) => Err(failure),
    };
    match refused(accepted)? {
        Ok((user, organization)) => signed_in(&app, &browser::enter(&app, &user, &organization).await?, "/dashboard"),
        Err(error) => Ok(door(tongue, &open, &token, &form, Some(&error))),
    }
}

/// `POST /dashboard/invitation/accept`: somebody who is signed in.
pub async fn join(Posted { member, form }: Posted) -> Result<Response, Reject> {
    let (app, token) = (member.app(), form.text("invitation").to_owned());
    let open = invitation::look(app, &token).await?;
    match refused(app.store.write(Accept::known(app, &token, member.browser.session.user_id.clone())).await)? {
        // It is in their list from now on.
        Ok(_) => Ok(lead_to("/dashboard?done=1")),
        Err(error) => Ok(known(&member, &open, &token, Some((error, form)))),
    }
}
