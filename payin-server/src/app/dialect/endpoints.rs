//! Webhook endpoints of another API: beside the native ones, sent that API's events alone. What may be subscribed to is checked by whoever
//! asks; secrets are sealed as all are.

use std::sync::Arc;

use payin_core::{Error, endpoint};
use payin_types::{Endpoint, EndpointId, EventType, ExposeSecret as _, OrganizationId, Timestamp};

use super::Secret;
use crate::app::endpoints::{check_room, check_url, make_secret, not_found, place, standing, to_wire};
use crate::app::query::{is_findable, paging};
use crate::app::{App, Outcome};
use crate::env::Targets;
use crate::seal::Seal;
use crate::store::endpoints::dialect;
use crate::store::endpoints::{self as rows, Stored};
use crate::store::{Tx, Unit};

/// An endpoint that is asked for.
pub struct New {
    /// Where events are posted.
    pub url: String,
    /// Which.
    pub events: Vec<EventType>,
    /// What they are signed with; where nothing is said, what the organization's webhooks of other APIs are.
    pub secret: Option<String>,
}

/// Adds an endpoint.
pub struct Create {
    new: Result<New, Error>,
    api: &'static str,
    organization_id: OrganizationId,
    id: EndpointId,
    usual_secret: Secret,
    fresh: String,
    nonce: [u8; 24],
    now: Timestamp,
    seal: Arc<Seal>,
    targets: Targets,
}

impl Create {
    /// A new endpoint of an organization; `new` says which, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, api: &'static str, organization_id: OrganizationId, new: Result<New, Error>) -> Self {
        Self {
            new,
            api,
            id: EndpointId::from_random(app.random_id()),
            usual_secret: Secret::new(app, organization_id.clone()),
            fresh: make_secret(app),
            nonce: app.entropy.array(),
            now: app.clock.now(),
            seal: Arc::clone(&app.seal),
            targets: app.targets,
            organization_id,
        }
    }
}

impl Unit for Create {
    /// With its secret.
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let New { url, events, secret } = self.new.as_ref().map_err(|error| crate::app::refused(error.clone()))?;
        check_url("url", url, &self.targets)?;
        secret.as_deref().map_or(Ok(()), endpoint::check_secret)?;
        // Empty: deliveries are signed with the organization's, also when that is replaced.
        let told = self.usual_secret.run(tx).await?;
        // The organization's that was replaced signs for a while yet, and a receiver that is new does not know it.
        let own = secret.as_deref().or_else(|| told.signs_from.map(|_| self.fresh.as_str()));
        let (secret, secret_sealed) = match own {
            Some(own) => (own.to_owned(), self.seal.seal(&place(&self.id), own, self.nonce)),
            None => (told.secret.expose_secret().to_owned(), String::new()),
        };
        let stored = Stored {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            url: url.clone(),
            events: events.clone(),
            secret_sealed,
            previous_secret: None,
            description: None,
            disabled: None,
            failing_since: None,
            created_at: self.now,
            updated_at: self.now,
            api: Some(self.api.to_owned()),
            order_id: None,
        };
        check_room(tx, &self.organization_id, Some(self.api)).await?;
        rows::insert(tx, &stored).await?;
        Ok(Endpoint { secret: Some(secret), ..to_wire(stored, self.now) })
    }
}

/// A page of an API's endpoints, newest first, without their secrets, and how many there are.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, api: &str, organization: &OrganizationId, (page, limit): (u64, u64)) -> Outcome<(Vec<Endpoint>, u64)> {
    let (_, limit, offset) = paging(Some(page), Some(limit))?;
    let within = (i64::try_from(limit).unwrap_or(100), offset);
    let (found, total) = dialect::list(&mut app.store.read().await?, organization, api, within).await?;
    let now = app.clock.now();
    Ok((found.into_iter().map(|stored| to_wire(stored, now)).collect(), total))
}

/// What is to change of an endpoint.
pub struct Change {
    /// Where events are posted.
    pub url: Option<String>,
    /// Which.
    pub events: Option<Vec<EventType>>,
    /// Whether they are posted.
    pub is_active: Option<bool>,
}

/// Changes an endpoint.
pub struct Update {
    change: Result<Change, Error>,
    api: &'static str,
    organization_id: OrganizationId,
    id: String,
    now: Timestamp,
    targets: Targets,
}

impl Update {
    /// An endpoint of an organization; `change` says what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, api: &'static str, organization_id: OrganizationId, id: String, change: Result<Change, Error>) -> Self {
        Self { change, api, organization_id, id, now: app.clock.now(), targets: app.targets }
    }
}

impl Unit for Update {
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let Change { url, events, is_active } = self.change.as_ref().map_err(|error| crate::app::refused(error.clone()))?;
        url.as_deref().map_or(Ok(()), |url| check_url("url", url, &self.targets))?;
        let found = if is_findable(&self.id) { dialect::lock(tx, &self.organization_id, self.api, &self.id).await? } else { None };
        let before = found.ok_or_else(|| not_found(&self.id))?;
        let (disabled, failing_since) = standing(&before, *is_active, url.as_deref(), self.now);
        let after = Stored {
            url: url.clone().unwrap_or_else(|| before.url.clone()),
            events: events.clone().unwrap_or_else(|| before.events.clone()),
            disabled,
            failing_since,
            updated_at: self.now,
            ..Stored::clone(&before)
        };
        rows::update(tx, &before, &after).await?;
        Ok(to_wire(after, self.now))
    }
}
