//! Webhook endpoints: create, get, list, change, give a new secret, delete. Their secrets are shown once and sealed at rest.

mod rotate;

use std::sync::Arc;

use base64::Engine as _;
use payin_core::{Error, endpoint, web_url};
use payin_types::{
    CreateEndpoint, Deleted, DisabledReason, Endpoint, EndpointId, ErrorCode, OrganizationId, Page, Pagination, Timestamp, UpdateEndpoint,
};
use serde_json::Map;

use super::query::is_findable;
use super::{App, Outcome};
use crate::env::Targets;
use crate::seal::Seal;
use crate::store::endpoints::{self, Disabled, Stored};
use crate::store::{Locked, Tx, Unit, access};
pub use rotate::Rotate;

/// Where a sealed secret belongs: it opens nowhere else.
#[must_use]
pub fn place(id: &EndpointId) -> String {
    format!("webhook endpoint {id}")
}

pub(super) fn make_secret(app: &App) -> String {
    let random: [u8; 32] = app.entropy.array();
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(random))
}

pub(super) fn not_found(id: &str) -> Error {
    Error::not_found("Webhook endpoint", id)
}

/// An endpoint of an organization, locked. What cannot be an id is not asked of the database.
pub(super) async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId, id: &str) -> Outcome<Locked<Stored>> {
    let found = if is_findable(id) { endpoints::lock(tx, organization, id).await? } else { None };
    Ok(found.ok_or_else(|| not_found(id))?)
}

/// Adds an endpoint.
pub struct Create {
    /// What is asked for, or why it cannot be read.
    pub request: Result<CreateEndpoint, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    id: EndpointId,
    generated_secret: String,
    nonce: [u8; 24],
    now: Timestamp,
    seal: Arc<Seal>,
    targets: Targets,
}

impl Create {
    /// A new endpoint of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<CreateEndpoint, Error>) -> Self {
        Self {
            request,
            organization_id,
            id: EndpointId::from_random(app.random_id()),
            generated_secret: make_secret(app),
            nonce: app.entropy.array(),
            now: app.clock.now(),
            seal: Arc::clone(&app.seal),
            targets: app.targets,
        }
    }
}

pub(super) fn check_url(field: &str, url: &str, targets: &Targets) -> Result<(), Error> {
    let url = web_url::webhook(field, url, targets.allow_http)?;
    // Said now rather than after every failed attempt; where a name leads is looked at again when it is dialled.
    targets.check(&url).map_err(|refusal| Error::field(field, refusal.to_string()))
}

impl Unit for Create {
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let request = self.request.as_ref().map_err(|error| super::refused(error.clone()))?;
        check_url("url", &request.url, &self.targets)?;
        endpoint::check_events(&request.events)?;
        request.secret.as_deref().map_or(Ok(()), endpoint::check_secret)?;
        request.description.as_deref().map_or(Ok(()), endpoint::check_description)?;
        let secret = request.secret.as_deref().unwrap_or(&self.generated_secret);
        let stored = Stored {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            url: request.url.clone(),
            events: request.events.clone(),
            secret_sealed: self.seal.seal(&place(&self.id), secret, self.nonce),
            previous_secret: None,
            description: request.description.clone(),
            disabled: None,
            failing_since: None,
            created_at: self.now,
            updated_at: self.now,
            api: None,
            order_id: None,
        };
        check_room(tx, &self.organization_id, None).await?;
        endpoints::insert(tx, &stored).await?;
        Ok(Endpoint { secret: Some(secret.to_owned()), ..to_wire(stored, self.now) })
    }
}

/// Endpoints of an organization for an API. Each is a row for every event, written while everybody else's writes wait.
const ENDPOINTS_MAX: u64 = 100;

/// Whether one more endpoint may be added for an API, the native one or another. One organization's are added one after the other.
pub(super) async fn check_room(tx: &mut Tx<'_>, organization: &OrganizationId, api: Option<&str>) -> Outcome<()> {
    access::lock_organization(tx, organization).await?;
    if endpoints::count(tx, organization, api).await? < ENDPOINTS_MAX {
        return Ok(());
    }
    let message =
        format!("There are {ENDPOINTS_MAX} webhook endpoints, as many as there may be; delete one, or subscribe one to more events");
    Err(Error::new(ErrorCode::ValidationError, message).into())
}

pub(super) fn to_wire(stored: Stored, now: Timestamp) -> Endpoint {
    Endpoint {
        id: stored.id,
        url: stored.url,
        events: stored.events,
        enabled: stored.disabled.is_none(),
        disabled_at: stored.disabled.as_ref().map(|disabled| disabled.at),
        disabled_reason: stored.disabled.map(|disabled| disabled.reason),
        failing_since: stored.failing_since,
        description: stored.description,
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        previous_secret_expires_at: stored.previous_secret.map(|(_, until)| until).filter(|until| *until > now),
        secret: None,
        extra: Map::new(),
    }
}

/// One endpoint, without its secret.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Endpoint> {
    let found = if is_findable(id) { endpoints::get(&mut app.store.read().await?, organization, id).await? } else { None };
    Ok(to_wire(found.ok_or_else(|| not_found(id))?, app.clock.now()))
}

/// A page of endpoints, newest first, without their secrets.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, organization: &OrganizationId, page: Option<u64>, limit: Option<u64>) -> Outcome<Page<Endpoint>> {
    let (page, limit, offset) = super::query::paging(page, limit)?;
    let (found, total) = endpoints::list(&mut app.store.read().await?, organization, i64::try_from(limit).unwrap_or(100), offset).await?;
    let now = app.clock.now();
    Ok(Page { data: found.into_iter().map(|stored| to_wire(stored, now)).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Changes an endpoint. One that is disabled is sent nothing: what happens meanwhile is not for it, and what was queued before is given up
/// when it falls due. So a short pause costs nothing that had to wait anyway.
#[derive(Debug)]
pub struct Update {
    /// What is to change, or why it cannot be read.
    pub request: Result<UpdateEndpoint, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub id: String,
    /// The time.
    pub now: Timestamp,
    /// Where webhooks may go.
    pub targets: Targets,
}

/// Since when and why a changed endpoint is told nothing, and since when it fails.
pub(crate) fn standing(before: &Stored, enabled: Option<bool>, url: Option<&str>, now: Timestamp) -> (Option<Disabled>, Option<Timestamp>) {
    let (disabled, failing_since) = match enabled {
        // Whoever enables it has repaired it: it begins anew.
        Some(true) if before.disabled.is_some() => (None, None),
        Some(false) if before.disabled.is_none() => (Some(Disabled { at: now, reason: DisabledReason::Requested }), before.failing_since),
        _ => (before.disabled.clone(), before.failing_since),
    };
    // What failed was another place.
    (disabled, failing_since.filter(|_| url.is_none_or(|url| url == before.url)))
}

impl Unit for Update {
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let UpdateEndpoint { url, events, enabled, description } = self.request.clone()?;
        url.as_deref().map_or(Ok(()), |url| check_url("url", url, &self.targets))?;
        events.as_deref().map_or(Ok(()), endpoint::check_events)?;
        description.iter().flatten().try_for_each(|text| endpoint::check_description(text))?;
        let before = lock(tx, &self.organization_id, &self.id).await?;
        let (disabled, failing_since) = standing(&before, enabled, url.as_deref(), self.now);
        let after = Stored {
            url: url.unwrap_or_else(|| before.url.clone()),
            events: events.unwrap_or_else(|| before.events.clone()),
            disabled,
            failing_since,
            description: description.unwrap_or_else(|| before.description.clone()),
            updated_at: self.now,
            ..Stored::clone(&before)
        };
        endpoints::update(tx, &before, &after).await?;
        Ok(to_wire(after, self.now))
    }
}

/// Deletes an endpoint; what was still to be sent to it is called off.
#[derive(Debug)]
pub struct Delete {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub id: String,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Delete {
    type Output = Deleted;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Deleted> {
        if is_findable(&self.id) && endpoints::delete(tx, &self.organization_id, &self.id, self.now).await? {
            Ok(Deleted { success: true })
        } else {
            Err(not_found(&self.id).into())
        }
    }
}
