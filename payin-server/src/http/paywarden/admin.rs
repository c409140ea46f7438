//! Who calls as an admin: somebody who has signed in, by the token in the cookie or in `Authorization: Bearer`. Requests are counted by person.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::account::ACCESS_LIFETIME;
use payin_core::paywarden::admin as rules;
use payin_core::{Error, paywarden::NAME};
use payin_types::paywarden::admin::{AdminLogin, AdminSession, SignedOut};
use payin_types::{ErrorCode, ExposeSecret as _, SecretString, UserId};

use crate::app::accounts;
use crate::app::dialect::merchants::{self, Counted};
use crate::app::{App, Fault};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, body, parse};
use crate::http::call::Caller;
use crate::http::checkout::Visitor;
use crate::http::checkout::pages::check_own;

/// Somebody who has signed in.
pub struct Admin {
    /// With the rights of their role, as a key of that role would have.
    pub caller: Caller,
    /// Who.
    pub user: UserId,
    /// What their session is known by.
    token: String,
}

/// What all of an admin's figures are counted by.
pub fn counted() -> Counted {
    Counted { api: NAME, currency: rules::currency() }
}

/// The one token a request bears. Two different ones are a mistake that must not be guessed away.
fn token(headers: &HeaderMap) -> Result<&str, Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InvalidApiKey, message);
    let mut found: Vec<&str> = Vec::new();
    for value in headers.get_all(header::AUTHORIZATION) {
        let value = value.to_str().map_err(|_| invalid("The token has characters that no token has"))?.trim();
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        found.push(token.ok_or_else(|| invalid("Authorization must be: Bearer, and the token of a login"))?.1.trim());
    }
    for value in headers.get_all(header::COOKIE) {
        // A browser may send cookies of others along, whatever is in them.
        let pairs = value.to_str().unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        found.extend(pairs.filter(|(name, _)| *name == rules::COOKIE).map(|(_, token)| token));
    }
    let none = "The request bears no session: sign in at /admin/login, and send its cookie or Authorization: Bearer";
    let first = found.first().copied().ok_or_else(|| invalid(none))?;
    if found.iter().any(|other| *other != first) {
        return Err(invalid("The request bears two different tokens; send one"));
    }
    Ok(first)
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        let token = token(&parts.headers)?.to_owned();
        // A browser sends the cookie along with what a sister site's page posts, too.
        if !parts.method.is_safe() {
            check_own(app, &parts.headers)?;
        }
        let session = merchants::running(app, accounts::authenticate(app, &token).await?).await?;
        let user = session.user_id.clone();
        let caller = Caller::signed_in(session, &token, parts, app).counted(parts).await?;
        Ok(Self { caller, user, token })
    }
}

/// The answer, and what a browser is to keep of it: for our paths alone, out of scripts' and other sites' reach, and over TLS but where the
/// server is known to be reached without.
fn with_cookie(mut response: Response, app: &App, token: &str, seconds: u64) -> Result<Response, Reject> {
    let secure = if app.front.public_url.as_deref().is_some_and(|url| url.starts_with("http://")) { "" } else { "; Secure" };
    let name = rules::COOKIE;
    let cookie = format!("{name}={token}; Path=/api/v1/admin; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| Fault::Corrupt(error.to_string()))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /admin/login`
pub async fn log_in(visitor: Visitor, request: Request) -> Result<Response, Reject> {
    let AdminLogin { password, email } = parse(&body(request, BODY_MAX).await?)?;
    let app = &visitor.app;
    let session = accounts::login(app, email.as_deref(), SecretString::from(password)).await?;
    let expires_at = app.clock.now().plus(ACCESS_LIFETIME);
    let token = accounts::access_token(app, &session).expose_secret().to_owned();
    let answer = json(200, &AdminSession { token: token.clone(), expires_at });
    with_cookie(answer, app, &token, ACCESS_LIFETIME.as_secs())
}

/// `POST /admin/logout`
pub async fn log_out(admin: Admin) -> Result<Response, Reject> {
    admin.caller.may(Permission::ViewData)?;
    let app = &admin.caller.app;
    accounts::end(app, &admin.token).await?;
    with_cookie(json(200, &SignedOut { success: true }), app, "", 0)
}
