//! A call: who calls, what they may, what they sent. Always in this order: authenticate, authorize, count, read, authenticate again, do: a body
//! may be on its way for long, and who was shut out meanwhile changes nothing any more.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use payin_core::access::{Permission, check};
use payin_core::event::Who;
use payin_core::quota::Limits;
use payin_core::{Error, replay as replay_rules};
use payin_types::{ApiKeyId, ErrorCode, ExposeSecret as _, SecretString, Timestamp, UserId};
use serde::Serialize;

use super::answer::{AsJson, Reject, json, kept};
use super::body::{self, MediaType};
use super::frame::{RequestId, Standing};
use crate::app::access::{self, Key};
use crate::app::accounts::{self, Session};
use crate::app::quota::{self, Ticket};
use crate::app::replay::{Answer, Once, Scope, fingerprint};
use crate::app::{App, Failure, Fault, Outcome, Together, Unit};

/// How long a call under an idempotency key waits for its turn before it says that the first is still under way.
const IN_PROGRESS_AFTER: Duration = Duration::from_secs(10);

/// What a caller was authenticated by.
enum Credential {
    /// An API key.
    Key(SecretString),
    /// The token of somebody's session.
    Session(SecretString),
    /// What the cookie of somebody's browser bears.
    Browser(SecretString),
}

/// Somebody who has signed in acts with the rights of their role, as a key of that role would.
fn of_session(session: Session) -> Key {
    Key {
        id: ApiKeyId::from(session.user_id.as_str()),
        organization_id: session.organization_id,
        organization_name: String::new(),
        role: session.role,
        prefix: String::new(),
        created_at: Timestamp::default(),
        expires_at: None,
        revoked_at: None,
    }
}

/// An authenticated caller.
pub struct Caller {
    /// The gateway.
    pub app: Arc<App>,
    /// The key, and through it the organization and role.
    pub key: Arc<Key>,
    /// The request's id.
    pub request_id: String,
    method: Method,
    path: String,
    idempotency_keys: Vec<HeaderValue>,
    credential: Credential,
    /// Where limits are on: the request as it was counted, and where to say so.
    ticket: Option<(Ticket, Standing)>,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        Self::unlimited(parts, app).await?.counted(parts).await
    }
}

impl Caller {
    /// An authenticated caller whose requests are not counted.
    ///
    /// # Errors
    /// `INVALID_API_KEY`.
    pub async fn unlimited(parts: &Parts, app: &Arc<App>) -> Result<Self, Reject> {
        Self::bearing(credentials(&parts.headers)?, parts, app).await
    }

    /// The caller whose key this is, wherever the request bears it. Not counted yet.
    ///
    /// # Errors
    /// `INVALID_API_KEY`.
    pub async fn bearing(secret: &str, parts: &Parts, app: &Arc<App>) -> Result<Self, Reject> {
        let key = access::authenticate(app, secret).await?;
        Ok(Self::new(key, Credential::Key(SecretString::from(secret)), parts, app))
    }

    /// Somebody who has signed in, by the token of their session. Not counted yet.
    #[must_use]
    pub fn signed_in(session: Session, token: &str, parts: &Parts, app: &Arc<App>) -> Self {
        Self::new(Arc::new(of_session(session)), Credential::Session(SecretString::from(token)), parts, app)
    }

    /// Somebody who is signed in at the dashboard, by what the cookie of their browser bears. Not counted yet.
    #[must_use]
    pub fn at_browser(session: Session, token: &str, parts: &Parts, app: &Arc<App>) -> Self {
        Self::new(Arc::new(of_session(session)), Credential::Browser(SecretString::from(token)), parts, app)
    }

    fn new(key: Arc<Key>, credential: Credential, parts: &Parts, app: &Arc<App>) -> Self {
        let path = parts.extensions.get::<axum::extract::OriginalUri>().map_or_else(|| parts.uri.path(), |uri| uri.0.path()).to_owned();
        Self {
            app: Arc::clone(app),
            key,
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            method: parts.method.clone(),
            path,
            idempotency_keys: parts.headers.get_all("idempotency-key").iter().cloned().collect(),
            credential,
            ticket: None,
        }
    }

    /// The same, counted where limits are on.
    ///
    /// # Errors
    /// If the limits cannot be looked up.
    pub async fn counted(mut self, parts: &Parts) -> Result<Self, Reject> {
        let taken = quota::take(&self.app, &self.key.id).await;
        if let Some(ticket) = self.or_uncounted(taken)? {
            self.hold(ticket, parts);
        }
        Ok(self)
    }

    /// Where requests cannot be counted, because nothing can be written, whoever only asks is answered all the same.
    fn or_uncounted(&self, taken: Outcome<Option<Ticket>>) -> Result<Option<Ticket>, Reject> {
        match taken {
            Err(Failure::Fault(fault @ Fault::NotCommitted(_))) if self.method.is_safe() => {
                tracing::warn!(%fault, "a request is answered without being counted");
                Ok(None)
            }
            taken => Ok(taken?),
        }
    }

    /// As [`Caller::counted`], within limits of an API's own; `counted` is whoever they are for.
    ///
    /// # Errors
    /// As [`Caller::counted`].
    pub async fn counted_within(mut self, parts: &Parts, counted: &ApiKeyId, limits: &Limits) -> Result<Self, Reject> {
        if self.app.quotas.are_on() {
            let taken = quota::take_within(&self.app, counted, limits).await;
            if let Some(ticket) = self.or_uncounted(taken.map(Some))? {
                self.hold(ticket, parts);
            }
        }
        Ok(self)
    }

    /// Refused by `may`, if it is to be: what a key must not do at all is said first, and not counted.
    fn hold(&mut self, ticket: Ticket, parts: &Parts) {
        if let Some(standing) = parts.extensions.get::<Standing>() {
            standing.set(ticket.view());
            self.ticket = Some((ticket, standing.clone()));
        }
    }

    /// Who is told to have done what the caller does.
    #[must_use]
    pub fn who(&self) -> Who {
        match &self.credential {
            Credential::Key(_) => Who::Key { id: self.key.id.clone(), prefix: self.key.prefix.clone() },
            Credential::Session(_) | Credential::Browser(_) => Who::Person(UserId::from(self.key.id.as_str())),
        }
    }

    /// Refuses what the key's role does not allow, and what is more than its limits allow. Every handler asks this first.
    ///
    /// # Errors
    /// `INSUFFICIENT_PERMISSIONS`, `RATE_LIMIT_EXCEEDED`.
    pub fn may(&self, permission: Permission) -> Result<(), Reject> {
        let allowed = check(&self.key.role, permission);
        if let Some((ticket, standing)) = &self.ticket {
            if allowed.is_err() {
                standing.set(ticket.give_back(self.app.clock.now()));
            } else {
                ticket.check()?;
            }
        }
        Ok(allowed?)
    }
}

impl Caller {
    /// Refuses a caller who is no longer taken, or of another role than when the request began.
    ///
    /// # Errors
    /// `INVALID_API_KEY`, `INSUFFICIENT_PERMISSIONS`.
    pub async fn check_still(&self) -> Result<(), Reject> {
        let (organization, role) = match &self.credential {
            Credential::Key(secret) => return Ok(access::authenticate(&self.app, secret.expose_secret()).await.map(drop)?),
            Credential::Session(token) => {
                let session = accounts::authenticate(&self.app, token.expose_secret()).await?;
                (session.organization_id, session.role)
            }
            Credential::Browser(token) => {
                // They may look at another organization by now; it matters who they are for this one.
                let theirs = accounts::browser::recall(&self.app, token.expose_secret()).await?.organizations;
                let here = theirs.into_iter().find(|(id, ..)| *id == self.key.organization_id);
                let (id, _, role) = here.ok_or_else(|| Error::new(ErrorCode::InvalidApiKey, "You are a member no more"))?;
                (id, role)
            }
        };
        if organization == self.key.organization_id && role != self.key.role {
            let message = format!("Your role became {role} while the request was on its way, and nothing was done; ask again");
            return Err(Reject(Error::new(ErrorCode::InsufficientPermissions, message)));
        }
        Ok(())
    }

    /// Reads a body that must be JSON, up to a length.
    ///
    /// # Errors
    /// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`; `INVALID_API_KEY` for a caller who was shut out meanwhile.
    pub async fn body(&self, request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
        Ok(self.body_of(request, &[MediaType::Json], most).await?.1)
    }

    /// Reads a body of one of some types, up to a length; answers which.
    ///
    /// # Errors
    /// As [`Caller::body`].
    pub async fn body_of(&self, request: Request, taken: &[MediaType], most: usize) -> Result<(MediaType, bytes::Bytes), Reject> {
        let read = body::body_of(request, taken, most).await?;
        self.check_still().await?;
        Ok(read)
    }

    /// Reads a body that may be left out, with its `Content-Type`; then it is empty.
    ///
    /// # Errors
    /// As [`Caller::body`].
    pub async fn optional_body(&self, request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
        let read = body::optional_body(request, most).await?;
        self.check_still().await?;
        Ok(read)
    }
}

fn text(value: &HeaderValue) -> Result<&str, Error> {
    let unreadable = |_| Error::new(ErrorCode::InvalidApiKey, "The API key has characters that no key has");
    value.to_str().map(str::trim).map_err(unreadable)
}

/// The one key a request bears, in either header. Two different ones are a mistake that must not be guessed away.
fn credentials(headers: &HeaderMap) -> Result<&str, Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InvalidApiKey, message);
    let mut found = Vec::new();
    for value in headers.get_all("x-api-key") {
        found.push(text(value)?);
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        let token = text(value)?.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        found.push(token.ok_or_else(|| invalid("Authorization must be: Bearer <API key>"))?.1.trim());
    }
    let first = found.first().copied().ok_or_else(|| invalid("The request bears no API key: send it in the header X-API-Key"))?;
    if found.iter().any(|other| *other != first) {
        return Err(invalid("The request bears two different API keys; send one"));
    }
    Ok(first)
}

impl Caller {
    /// Does a use case, under the idempotency key if the request has one.
    ///
    /// # Errors
    /// The use case's refusal, or the idempotency key's.
    pub async fn once<U>(&self, unit: U, body: &[u8], status: u16, bears_secret: bool) -> Result<Response, Reject>
    where
        U: Unit,
        U::Output: Serialize,
    {
        let Some(key) = self.idempotency_key()? else {
            return Ok(json(status, &self.app.store.write(unit).await?));
        };
        in_turn(self.app.store.write(self.under(key, unit, body, status, bears_secret))).await
    }

    /// As [`Caller::once`], for a use case that may be done together with others of its kind.
    ///
    /// # Errors
    /// As [`Caller::once`].
    pub async fn once_together<U>(&self, unit: U, body: &[u8], status: u16) -> Result<Response, Reject>
    where
        U: Together,
        U::Output: Serialize,
    {
        let Some(key) = self.idempotency_key()? else {
            return Ok(json(status, &self.app.store.write_together(unit).await?));
        };
        in_turn(self.app.store.write_together(self.under(key, unit, body, status, false))).await
    }

    fn under<U: Unit>(&self, key: String, unit: U, body: &[u8], status: u16, bears_secret: bool) -> Once<U, AsJson> {
        Once {
            unit,
            render: AsJson { status, request_id: self.request_id.clone() },
            scope: Scope {
                organization_id: self.key.organization_id.clone(),
                api_key_id: if bears_secret { self.key.id.as_str().to_owned() } else { String::new() },
                method: self.method.as_str().to_owned(),
                path: self.path.clone(),
                key,
            },
            fingerprint: fingerprint(body),
            sealed: bears_secret.then(|| (Arc::clone(&self.app.seal), self.app.entropy.array())),
            now: self.app.clock.now(),
        }
    }

    fn idempotency_key(&self) -> Result<Option<String>, Error> {
        match self.idempotency_keys.as_slice() {
            [] => Ok(None),
            [value] => replay_rules::key(value.as_bytes()).map(Some),
            [..] => Err(Error::field("Idempotency-Key", "must be given once")),
        }
    }
}

/// Waits for a kept answer, but not for ever: what is under way goes on, and asking again with the same key gets its answer.
async fn in_turn(answer: impl Future<Output = Outcome<Answer>>) -> Result<Response, Reject> {
    match tokio::time::timeout(IN_PROGRESS_AFTER, answer).await {
        Ok(answer) => Ok(kept(answer?)),
        Err(_) => {
            let message = "A request with this Idempotency-Key is still under way; ask again with the same key";
            Err(Reject(Error { retry_after_s: Some(1), ..Error::new(ErrorCode::IdempotencyInProgress, message) }))
        }
    }
}
