//! Signing in, in one step or two, and out. Nobody is told whether it is the name or the password that is wrong.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use payin_types::{ErrorCode, ExposeSecret as _, SecretString};

use super::door::Door;
use super::form::Form as Sent;
use super::frame::{Tongue, lead_to};
use super::member::{Posted, SESSION, refused, signed_in};
use super::view::{Field, Form};
use super::words::Words;
use crate::app::App;
use crate::app::accounts::browser;
use crate::app::accounts::sign_in::{self, Entry};
use crate::http::answer::Reject;
use crate::http::checkout::Visitor;
use crate::http::checkout::pages::check_own;
use crate::http::dialect::is_below;

/// Where somebody wanted to go, if it is one of these pages: nobody is led elsewhere.
fn destination(asked: &str) -> &str {
    let is_plain = asked.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.%?=".contains(&byte));
    if is_plain && is_below(asked, &["/dashboard"]) && !asked.contains("..") { asked } else { "/dashboard" }
}

fn door(t: &'static Words, to: &str, name: &str) -> Door {
    let fields = vec![
        Field::hidden("to", to),
        Field::line("name", t.email_or_name, name).required().filled("username"),
        Field::typed("password", t.password, "password", "").required().filled("current-password"),
    ];
    let form = Form::new(t.sign_in, "/dashboard/sign-in", t.sign_in, fields);
    Door { more: Some(t.no_account), ..Door::new(t, t.sign_in, vec![form]) }.asked_by("to", to)
}

/// `GET /dashboard/sign-in`
pub async fn show(_: Visitor, uri: Uri, tongue: Tongue) -> Response {
    let query = Sent::parse(uri.query().unwrap_or_default().as_bytes());
    door(tongue.0, destination(query.text("to")), "").answer(tongue.0, None)
}

/// `POST /dashboard/sign-in`
pub async fn enter(visitor: Visitor, tongue: Tongue, State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    check_own(&app, request.headers())?;
    let form = Sent::read(request).await?;
    let (name, to) = (form.text("name").to_owned(), destination(form.text("to")));
    let password = SecretString::from(form.whole("password").to_owned());
    match refused(sign_in::enter(&app, &name, password, visitor.address).await)? {
        Ok(Entry::Whole(token)) => signed_in(&app, &token, to),
        Ok(Entry::Half(ticket)) => Ok(code_door(tongue.0, to, ticket.expose_secret()).answer(tongue.0, None)),
        Err(error) => Ok(door(tongue.0, to, &name).answer(tongue.0, Some(&error))),
    }
}

/// Where somebody shows a code who has shown their password. The page bears what says so.
fn code_door(t: &'static Words, to: &str, ticket: &str) -> Door {
    let fields = vec![
        Field::hidden("to", to),
        Field::hidden("ticket", ticket),
        Field::line("code", t.code, "").hint(t.code_hint).required().filled("one-time-code"),
    ];
    let form = Form::new(t.code_title, "/dashboard/sign-in/code", t.sign_in, fields);
    let door =
        Door { text: Some(t.code_text.to_owned()), more: Some(t.code_lost), wrong: t.wrong_code, ..Door::new(t, t.code_title, vec![form]) };
    door.asked_by("to", to).at("/dashboard/sign-in")
}

/// `POST /dashboard/sign-in/code`
pub async fn show_code(visitor: Visitor, tongue: Tongue, State(app): State<Arc<App>>, request: Request) -> Result<Response, Reject> {
    check_own(&app, request.headers())?;
    let (t, form) = (tongue.0, Sent::read(request).await?);
    let (ticket, to) = (form.text("ticket"), destination(form.text("to")));
    match refused(sign_in::finish(&app, ticket, form.text("code"), visitor.address).await)? {
        Ok(token) => signed_in(&app, &token, to),
        Err(error) if error.code == ErrorCode::InvalidState => Ok(Door { wrong: t.too_slow, ..door(t, to, "") }.answer(t, Some(&error))),
        Err(error) => Ok(code_door(t, to, ticket).answer(t, Some(&error))),
    }
}

/// `POST /dashboard/sign-out`
pub async fn leave(Posted { member, .. }: Posted) -> Result<Response, Reject> {
    browser::leave(member.app(), &member.browser).await?;
    let mut response = lead_to("/dashboard/sign-in");
    SESSION.set(&mut response, member.app(), "", 0)?;
    Ok(response)
}

/// `POST /dashboard/organization`: looks at another organization of theirs.
pub async fn look_at(Posted { member, form }: Posted) -> Result<Response, Reject> {
    browser::look_at(member.app(), &member.browser, form.text("organization")).await?;
    Ok(lead_to("/dashboard"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for own in ["/dashboard", "/dashboard/orders/ord_1", "/dashboard/references/a%20b", "/dashboard/invitation?invitation=x"] {
            assert_eq!(destination(own), own);
        }
        for other in
            ["", "//evil.example", "https://evil.example", "/dashboardx", "/dashboard\\evil", "/dashboard/../x", "/dashboard\n", "/x"]
        {
            assert_eq!(destination(other), "/dashboard", "{other}");
        }
    }
}
