//! Who is signed in at the dashboard, by the cookie of their browser. They have the rights of their role, as a key of that role has, and are
//! counted as themselves. What changes something comes from a page of the same session, or is refused.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::{Permission, allows};
use payin_core::account::BROWSER_LIFETIME;
use payin_types::{Environment, ErrorCode, ExposeSecret as _, OrganizationId, SecretString};

use super::form::Form;
use super::frame::{Frame, Office, Tongue, Way, lead_to};
use super::view::{Notice, Page};
use super::words::Words;
use super::{Playground, WAYS};
use crate::app::accounts::browser::{self, Browser};
use crate::app::{App, Failure, Outcome};
use crate::http::answer::Reject;
use crate::http::call::Caller;
use crate::http::checkout::Visitor;
use crate::http::checkout::pages::check_own;
use crate::http::cookie::{self, Cookie};

/// Bears a session. It goes along where somebody follows a link to a page: those change nothing.
pub const SESSION: Cookie = Cookie { name: "payin_dashboard", path: "/dashboard", same_site: "Lax" };

/// Somebody who is signed in.
pub struct Member {
    /// With the rights of their role, as a key of that role would have.
    pub caller: Caller,
    /// Their browser.
    pub browser: Browser,
    /// Where they come from, as they are counted.
    pub address: IpAddr,
    /// What pages say to them.
    pub t: &'static Words,
    /// The simulated world, where this is a sandbox.
    pub playground: Option<Playground>,
    /// What they asked for: the path, and the query.
    pub path: String,
    pub query: Form,
    /// Whether they have sent something: then the same is not to be had by asking again.
    is_posted: bool,
    form_token: String,
}

/// The one session that a browser bears. Two different ones are nobody's: another site under the same name may have set one.
fn token(parts: &Parts) -> Result<&str, Error> {
    let mut found = cookie::values(&parts.headers, SESSION.name);
    let first = found.next().filter(|first| found.all(|other| other == *first));
    first.ok_or_else(|| Error::new(ErrorCode::InvalidApiKey, "Nobody is signed in here"))
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        let address = Visitor::from_request_parts(parts, app).await?.address;
        let token = token(parts)?;
        let browser = browser::recall(app, token).await?;
        let form_token = browser::form_token(app, token);
        let t = Tongue::of(&parts.uri, &parts.headers).0;
        let playground = parts.extensions.get::<Playground>().cloned();
        let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let caller = Caller::at_browser(browser.session.clone(), token, parts, app).counted(parts).await?;
        let (path, is_posted) = (parts.uri.path().to_owned(), !parts.method.is_safe());
        Ok(Self { caller, browser, address, t, playground, path, query, is_posted, form_token })
    }
}

impl Member {
    /// The gateway.
    pub fn app(&self) -> &Arc<App> {
        &self.caller.app
    }

    /// The organization that is looked at.
    pub fn organization(&self) -> &OrganizationId {
        &self.browser.session.organization_id
    }

    /// Refuses what their role does not allow. Every page asks this first.
    ///
    /// # Errors
    /// `INSUFFICIENT_PERMISSIONS`, `RATE_LIMIT_EXCEEDED`.
    pub fn may(&self, permission: Permission) -> Result<(), Reject> {
        self.caller.may(permission)
    }

    /// Whether their role allows something: what it does not allow is not offered either.
    pub fn can(&self, permission: Permission) -> bool {
        allows(&self.browser.session.role, permission)
    }

    /// The same in the session that takes the place of theirs: its pages' forms bear what this one is known by.
    #[must_use]
    pub fn moved_to(self, token: &SecretString) -> Self {
        let form_token = browser::form_token(&self.caller.app, token.expose_secret());
        Self { form_token, ..self }
    }

    /// A page for them.
    pub fn page(&self, title: impl Into<String>) -> Page {
        let done = match self.query.text("done") {
            "" => None,
            "queued" => Some(self.t.queued),
            _ => Some(self.t.done),
        };
        Page { frame: self.frame(), title: title.into(), back: None, notice: done.map(Notice::good), blocks: Vec::new() }
    }

    fn frame(&self) -> Frame {
        let Browser { session, organization, organizations, .. } = &self.browser;
        let open = |way: &&super::WayTo| self.can(way.needs) && (self.playground.is_some() || !way.is_of_sandbox);
        let is_below = |path: &str| self.path == path || (path != "/dashboard" && self.path.starts_with(&format!("{path}/")));
        let way = |way: &super::WayTo| Way { href: way.path, label: (way.label)(self.t), is_here: is_below(way.path) };
        let office = Office {
            name: session.name.clone(),
            role: self.t.word(session.role.as_str()),
            organization: organization.clone(),
            organizations: organizations
                .iter()
                .map(|(id, name, _)| (id.as_str().to_owned(), name.clone(), *id == session.organization_id))
                .collect(),
            ways: WAYS.iter().filter(open).map(way).collect(),
            form_token: self.form_token.clone(),
            is_sandbox: self.playground.is_some(),
            is_test: self.app().environment == Environment::Testnet,
        };
        let rest = self.query.query_without("lang");
        let again = match (self.is_posted, rest.is_empty()) {
            (true, _) => "/dashboard?".to_owned(),
            (false, true) => "?".to_owned(),
            (false, false) => format!("?{rest}&"),
        };
        Frame { again, office: Some(office), ..Frame::plain(self.t) }
    }
}

/// What somebody has sent from a page of their session.
pub struct Posted {
    /// Who.
    pub member: Member,
    /// What.
    pub form: Form,
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Reject;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Reject> {
        let (mut parts, body) = request.into_parts();
        let member = Member::from_request_parts(&mut parts, app).await?;
        check_own(app, &parts.headers)?;
        let token = token(&parts)?.to_owned();
        let form = Form::read(Request::from_parts(parts, body)).await?;
        if !browser::is_form_token(app, &token, form.whole("token")) {
            let message = "The form is not from a page of this session; load the page again";
            return Err(Error::new(ErrorCode::InsufficientPermissions, message).into());
        }
        // The form may have been on its way for long.
        member.caller.check_still().await?;
        Ok(Self { member, form })
    }
}

/// What was tried in vain: why, and what had been filled in.
pub type Tried = Option<(Error, Form)>;

/// What a use case refuses is said on the page; what it cannot do is a fault.
///
/// # Errors
/// A fault.
pub fn refused<T>(outcome: Outcome<T>) -> Result<Result<T, Error>, Reject> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Refused(error)) => Ok(Err(error)),
        Err(fault @ Failure::Fault(_)) => Err(fault.into()),
    }
}

/// Leads to a page, which says that it is done.
pub fn done(path: &str) -> Response {
    lead_to(&format!("{path}?done=1"))
}

/// Gives a browser its session.
///
/// # Errors
/// A token that no header can bear.
pub fn signed_in(app: &App, token: &SecretString, to: &str) -> Result<Response, Reject> {
    with_session(lead_to(to), app, token)
}

/// An answer with which a browser gets its session.
///
/// # Errors
/// A token that no header can bear.
pub fn with_session(mut response: Response, app: &App, token: &SecretString) -> Result<Response, Reject> {
    SESSION.set(&mut response, app, token.expose_secret(), BROWSER_LIFETIME.as_secs())?;
    Ok(response)
}
