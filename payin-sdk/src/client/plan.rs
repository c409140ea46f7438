//! A request that has not been sent: what it does, where it goes, what it bears. It must not send anything.

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Serialize;

use super::{Call, Client, OpenedStream, attempts, base};
use crate::error::Error;

/// What a call does to the server, hence what may be done when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes nothing.
    Read,
    /// Does something at most once for an idempotency key.
    Once,
    /// Brings something into a state: doing it twice is doing it once.
    Set,
    /// Removes something, and says no more than that: doing it twice is doing it once.
    Delete,
    /// Does something that counts each time, and knows no idempotency key (the sandbox, the checkout).
    Act,
}

/// A request that has not been sent.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    /// The path with its parameters unfilled: what may be shown.
    pub(crate) route: &'static str,
    pub(crate) url: String,
    pub(crate) body: Bytes,
    /// What the body is; `None` for none.
    pub(crate) content: Option<HeaderValue>,
    /// What it bears in `Authorization` instead of the key.
    pub(crate) bearer: Option<HeaderValue>,
}

/// `Authorization` of a key or token.
#[cfg(any(feature = "cryptopay", feature = "paywarden"))]
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Config("the token cannot stand in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Plan {
    /// Method and route: what may be shown of a call.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.route)
    }

    /// Health is not tried again, and is a success also where it says 503.
    pub(crate) fn is_health(&self) -> bool {
        self.route.starts_with("/health")
    }

    /// Whether anybody may make this call: then it bears no key.
    pub(crate) fn is_public(&self) -> bool {
        self.is_health() || ["/checkout", "/api/auth/", "/admin/login"].iter().any(|public| self.route.starts_with(public))
    }

    /// Whether the key, or what stands for it, goes in `Authorization`.
    #[cfg(feature = "cryptopay")]
    pub(crate) fn wants_bearer(&self) -> bool {
        self.route.starts_with("/api/") && !self.is_public()
    }
}

/// A call with neither filters nor body.
const NOTHING: &() = &();

impl Client {
    fn plan(&self, kind: Kind, method: Method, route: &'static str, args: &[&str], query: &impl Serialize) -> Result<Plan, Error> {
        let mut url = self.inner.base.url(route, args)?;
        base::add_query(&mut url, query)?;
        Ok(Plan { kind, method, route, url, body: Bytes::new(), content: None, bearer: None })
    }

    pub(crate) fn read<T>(&self, route: &'static str, args: &[&str], query: &impl Serialize) -> Call<T> {
        Call::new(self, self.plan(Kind::Read, Method::GET, route, args, query))
    }

    /// Method and path of the one stream.
    pub(crate) const STREAM: &'static str = "GET /webhooks/events/stream";

    pub(crate) async fn open_stream(&self, query: &impl Serialize, last: Option<&str>) -> Result<OpenedStream, Error> {
        let plan = self.plan(Kind::Read, Method::GET, "/webhooks/events/stream", &[], query)?;
        attempts::open(self, &plan, last).await
    }

    pub(crate) fn post<T>(&self, kind: Kind, route: &'static str, args: &[&str], body: &impl Serialize) -> Call<T> {
        Call::new(self, self.plan(kind, Method::POST, route, args, NOTHING).and_then(|plan| with_json(plan, body)))
    }

    pub(crate) fn post_text<T>(&self, route: &'static str, query: &impl Serialize, body: Bytes, content: &'static str) -> Call<T> {
        let plan = self.plan(Kind::Once, Method::POST, route, &[], query);
        Call::new(self, plan.map(|plan| Plan { body, content: Some(HeaderValue::from_static(content)), ..plan }))
    }

    /// A POST that says everything with its path.
    pub(crate) fn post_nothing<T>(&self, kind: Kind, route: &'static str, args: &[&str]) -> Call<T> {
        Call::new(self, self.plan(kind, Method::POST, route, args, NOTHING))
    }

    pub(crate) fn put<T>(&self, route: &'static str, args: &[&str], body: &impl Serialize) -> Call<T> {
        Call::new(self, self.plan(Kind::Set, Method::PUT, route, args, NOTHING).and_then(|plan| with_json(plan, body)))
    }

    #[cfg(feature = "paywarden")]
    pub(crate) fn patch<T>(&self, route: &'static str, args: &[&str], body: &impl Serialize) -> Call<T> {
        Call::new(self, self.plan(Kind::Set, Method::PATCH, route, args, NOTHING).and_then(|plan| with_json(plan, body)))
    }

    pub(crate) fn delete<T>(&self, kind: Kind, route: &'static str, args: &[&str], query: &impl Serialize) -> Call<T> {
        Call::new(self, self.plan(kind, Method::DELETE, route, args, query))
    }
}

fn with_json(plan: Plan, body: &impl Serialize) -> Result<Plan, Error> {
    let body = serde_json::to_vec(body).map_err(|error| Error::Request(format!("the body cannot be written: {error}")))?;
    Ok(Plan { body: body.into(), content: Some(HeaderValue::from_static("application/json")), ..plan })
}
