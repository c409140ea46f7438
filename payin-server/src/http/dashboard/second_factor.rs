//! Somebody's two-step sign-in: set up with a QR code or a key to type, turned on by a code, turned off by the password and a code. The QR code is
//! drawn here, and the key is shown to nobody else. It must not decide what a code is good for.

use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::{ErrorCode, ExposeSecret as _, SecretString};

use super::frame::lead_to;
use super::member::{Member, Posted, done, refused, with_session};
use super::view::{Block, Cell, Field, Form, Notice, Page};
use super::words::Words;
use crate::app::accounts::second_factor::{self, Standing};
use crate::http::answer::Reject;
use crate::http::qr;

const PATH: &str = "/dashboard/account/two-step";

/// `GET /dashboard/account/two-step`
pub async fn show(member: Member) -> Result<Response, Reject> {
    page(&member, None).await
}

fn password(t: &'static Words) -> Field {
    Field::typed("password", t.present_password, "password", "").required().filled("current-password")
}

fn code(t: &'static Words) -> Field {
    Field::line("code", t.code, "").required().filled("one-time-code")
}

fn bare(member: &Member) -> Page {
    member.page(member.t.two_step).back_to("/dashboard/account", member.t.account)
}

async fn page(member: &Member, error: Option<&Error>) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let t = member.t;
    let page = bare(member).says(error.map(|error| Notice::bad(t, error))).with(Block::Text(t.two_step_text.to_owned()));
    let page = match second_factor::standing(member.app(), &member.browser).await? {
        Standing::Off => {
            let form = Form::new(t.two_step_begin, PATH, t.two_step_begin, vec![password(t)]);
            page.with(Block::Fields(vec![(t.status.to_owned(), Cell::badge(t.is_off, ""))])).with(Block::Form(form))
        }
        Standing::Begun { secret, uri } => {
            let facts = vec![(t.two_step_key.to_owned(), Cell::code(grouped(secret.expose_secret())))];
            let page = page.with(Block::Note("wait", t.two_step_scan.to_owned()));
            let page = page.with(Block::Picture(qr::svg(uri.expose_secret(), Some(t.two_step_qr))?)).with(Block::Fields(facts));
            page.with(Block::Form(Form::new(t.turn_on, format!("{PATH}/on"), t.turn_on, vec![code(t)])))
        }
        Standing::On(left) => {
            let facts = vec![(t.status.to_owned(), Cell::badge(t.is_on, "good")), (t.recovery_left.to_owned(), Cell::number(left))];
            let page = page.with(Block::Fields(facts)).with(Block::Text(t.recovery_text.to_owned()));
            page.with(Block::Form(Form::new(t.turn_off, format!("{PATH}/off"), t.turn_off, vec![password(t), code(t).hint(t.code_hint)])))
        }
    };
    Ok(page.answer(error))
}

/// A key as it is typed without mistakes; apps pass over the spaces.
fn grouped(secret: &str) -> String {
    let text: Vec<char> = secret.chars().collect();
    text.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// The page that comes next, or this one again with what is wrong; whoever is signed in no more is told so.
async fn ended(member: &Member, outcome: Result<(), Error>, next: Response) -> Result<Response, Reject> {
    match outcome {
        Ok(()) => Ok(next),
        Err(error) if error.code == ErrorCode::InvalidApiKey => Err(error.into()),
        Err(error) => page(member, Some(&error)).await,
    }
}

/// `POST /dashboard/account/two-step`: begins to set it up, anew if it was begun before.
pub async fn begin(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let password = SecretString::from(form.whole("password").to_owned());
    let outcome = refused(second_factor::begin(member.app(), &member.browser, member.address, password).await)?;
    // It is not done yet: the page says what is left.
    ended(&member, outcome, lead_to(PATH)).await
}

/// `POST /dashboard/account/two-step/on`
pub async fn turn_on(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let confirmed = match refused(second_factor::confirm(member.app(), &member.browser, member.address, form.text("code")).await)? {
        Ok(confirmed) => confirmed,
        Err(error) => return ended(&member, Err(error), lead_to(PATH)).await,
    };
    let codes: Vec<&str> = confirmed.recovery_codes.iter().map(|code| code.expose_secret()).collect();
    let member = member.moved_to(&confirmed.token);
    let page = bare(&member).says(Some(Notice::secret(member.t.recovery_once, codes.join("\n"))));
    let page = page.with(Block::Links(vec![Cell::text(member.t.two_step_saved).to(PATH.to_owned())]));
    with_session(page.answer(None), member.app(), &confirmed.token)
}

/// `POST /dashboard/account/two-step/off`
pub async fn turn_off(Posted { member, form }: Posted) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let password = SecretString::from(form.whole("password").to_owned());
    let outcome = second_factor::turn_off(member.app(), &member.browser, member.address, password, form.text("code")).await;
    let outcome = refused(outcome)?;
    ended(&member, outcome, done(PATH)).await
}
