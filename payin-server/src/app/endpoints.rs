//! Webhook endpoints: create, list, delete. Their secrets are shown once and sealed at rest.

use std::sync::Arc;

use base64::Engine as _;
use payin_core::{Error, web_url};
use payin_types::{CreateEndpoint, Deleted, Endpoint, EndpointId, EventType, OrganizationId, Page, Pagination, Timestamp};
use serde_json::Map;

use super::{App, Outcome};
use crate::env::Targets;
use crate::seal::Seal;
use crate::store::endpoints::{self, Stored};
use crate::store::{Tx, Unit};

/// A shorter secret could be guessed.
const SECRET_CHARS_MIN: usize = 16;
const SECRET_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 255;

/// Where a sealed secret belongs: it opens nowhere else.
#[must_use]
pub fn place(id: &EndpointId) -> String {
    format!("webhook endpoint {id}")
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
        let random: [u8; 32] = app.entropy.array();
        Self {
            request,
            organization_id,
            id: EndpointId::from_random(app.random_id()),
            generated_secret: format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(random)),
            nonce: app.entropy.array(),
            now: app.clock.now(),
            seal: Arc::clone(&app.seal),
            targets: app.targets,
        }
    }
}

fn check(request: &CreateEndpoint, targets: &Targets) -> Result<(), Error> {
    let url = web_url::webhook("url", &request.url, targets.allow_http)?;
    // Said now rather than after every failed attempt; where a name leads is looked at again when it is dialled.
    targets.check(&url).map_err(|refusal| Error::field("url", refusal.to_string()))?;
    if request.events.is_empty() {
        return Err(Error::field("events", "must name at least one event, or be [\"*\"]"));
    }
    if let Some(unknown) = request.events.iter().find(|event| EventType::known(event.as_str()).is_none()) {
        let known: Vec<&str> = EventType::KNOWN.iter().map(EventType::as_str).collect();
        return Err(Error::field(
            "events",
            format!("'{}' is no event; there are {}", payin_core::error::shown(unknown.as_str()), known.join(", ")),
        ));
    }
    if let Some(secret) = &request.secret {
        let chars = secret.chars().count();
        if !(SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&chars) || secret.chars().any(char::is_control) || secret.trim() != secret {
            return Err(Error::field(
                "secret",
                format!(
                    "must be {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} printable characters, without white space around them; leave it out to have one made"
                ),
            ));
        }
    }
    let description = request.description.as_deref().unwrap_or_default();
    if description.chars().count() > DESCRIPTION_CHARS_MAX || description.chars().any(char::is_control) {
        return Err(Error::field("description", format!("must be at most {DESCRIPTION_CHARS_MAX} printable characters")));
    }
    Ok(())
}

impl Unit for Create {
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let request = self.request.as_ref().map_err(|error| super::refused(error.clone()))?;
        check(request, &self.targets)?;
        let secret = request.secret.as_deref().unwrap_or(&self.generated_secret);
        let stored = Stored {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            url: request.url.clone(),
            events: request.events.clone(),
            secret_sealed: self.seal.seal(&place(&self.id), secret, self.nonce),
            description: request.description.clone(),
            enabled: true,
            created_at: self.now,
            updated_at: self.now,
        };
        endpoints::insert(tx, &stored).await?;
        Ok(Endpoint { secret: Some(secret.to_owned()), ..to_wire(stored) })
    }
}

fn to_wire(stored: Stored) -> Endpoint {
    Endpoint {
        id: stored.id,
        url: stored.url,
        events: stored.events,
        enabled: stored.enabled,
        description: stored.description,
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        previous_secret_expires_at: None,
        secret: None,
        extra: Map::new(),
    }
}

/// A page of endpoints, newest first, without their secrets.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, organization: &OrganizationId, page: Option<u64>, limit: Option<u64>) -> Outcome<Page<Endpoint>> {
    let (page, limit, offset) = super::query::paging(page, limit)?;
    let (found, total) = endpoints::list(&mut app.store.read().await?, organization, i64::try_from(limit).unwrap_or(100), offset).await?;
    Ok(Page { data: found.into_iter().map(to_wire).collect(), pagination: Pagination::new(page, limit, total) })
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
        if super::query::is_findable(&self.id) && endpoints::delete(tx, &self.organization_id, &self.id, self.now).await? {
            Ok(Deleted { success: true })
        } else {
            Err(Error::not_found("Webhook endpoint", &self.id).into())
        }
    }
}
