//! Orders through other APIs than the native one: opened, shown and listed for whichever API asks, over the same use cases. What differs
//! between APIs is a [`Dialect`], which each brings along; this file knows none by name.

mod open;

use std::sync::Arc;

use payin_core::Error;
use payin_core::delivery::Verdict;
use payin_core::door::{Change, Stage};
use payin_core::order::{Facts, Settings};
use payin_types::{OrganizationId, SecretString, Timestamp};
use serde_json::{Map, Value};

use super::orders::check_shown;
use super::query::{is_findable, paging};
use super::{App, Outcome};
use crate::store::orders::door;
pub use crate::store::orders::door::Through;
pub use open::{Open, Opened, Wish};

/// What the use cases must know of another API. Each answer comes from its documents, through `payin-core`.
pub trait Dialect: Send + Sync + 'static {
    /// What the configuration calls it, and the orders that came through it.
    fn name(&self) -> &'static str;

    /// What its orders may be; the deployment's own word where its documents say nothing.
    fn settings(&self, deployment: &Settings) -> Settings;

    /// The bounds on the merchant's own data.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error>;

    /// What its merchant is told of a change: what the event is called, and the body that is sent. `None`: nothing.
    fn tells(&self, change: Change, facts: &Facts, head: Option<u64>) -> Option<(String, String)>;

    /// The headers of a delivery, signed.
    fn headers(&self, secrets: &[SecretString], event_id: &str, body: &[u8]) -> Vec<(&'static str, String)>;

    /// What an answer means.
    fn verdict(&self, status: Option<u16>) -> Verdict;

    /// When to try again after so many failures; `None` when it is enough.
    fn next_attempt(&self, attempts: u64, failed_at: Timestamp) -> Option<Timestamp>;
}

/// The other APIs of a server.
#[derive(Clone, Default)]
pub struct Dialects(Arc<[Arc<dyn Dialect>]>);

impl Dialects {
    /// These.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Arc<dyn Dialect>>) -> Self {
        Self(all.into_iter().collect())
    }

    /// One by name. `None` where it is not served here, though orders may have come through it before.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&dyn Dialect> {
        self.0.iter().find(|dialect| dialect.name() == name).map(AsRef::as_ref)
    }
}

/// An order that came through an API, by id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's and one that came through another API.
pub async fn get(app: &App, api: &str, organization: &OrganizationId, id: &str) -> Outcome<Through> {
    let found = if is_findable(id) { door::get(&mut app.store.read().await?, organization, api, id).await? } else { None };
    checked(app, found, id)
}

/// An order that came through an API, by its number among its organization's.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_by_number(app: &App, api: &str, organization: &OrganizationId, number: u64) -> Outcome<Through> {
    let found = match i64::try_from(number) {
        Ok(number) => door::get_by_number(&mut app.store.read().await?, organization, api, number).await?,
        Err(_) => None,
    };
    checked(app, found, &number.to_string())
}

/// An order that came through an API, for whoever knows its id: it cannot be guessed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn find(app: &App, api: &str, id: &str) -> Outcome<Through> {
    let found = if is_findable(id) { door::find(&mut app.store.read().await?, api, id).await? } else { None };
    checked(app, found, id)
}

fn checked(app: &App, found: Option<Through>, id: &str) -> Outcome<Through> {
    let found = found.ok_or_else(|| Error::not_found("Order", id))?;
    check_shown(&app.seal, &found.shown)?;
    Ok(found)
}

/// A page of the orders that came through an API, newest first.
#[derive(Debug)]
pub struct Listed {
    /// The orders.
    pub orders: Vec<Through>,
    /// How many there are in all.
    pub total: u64,
    /// Which page this is.
    pub page: u64,
    /// How many a page has at most.
    pub limit: u64,
}

/// Lists them.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(
    app: &App,
    api: &str,
    organization: &OrganizationId,
    stage: Option<Stage>,
    (page, limit): (Option<u64>, Option<u64>),
) -> Outcome<Listed> {
    let (page, limit, offset) = paging(page, limit)?;
    let within = (i64::try_from(limit).unwrap_or(100), offset);
    let (orders, total) = door::list(&mut app.store.read().await?, organization, api, stage, within).await?;
    orders.iter().try_for_each(|order| check_shown(&app.seal, &order.shown))?;
    Ok(Listed { orders, total, page, limit })
}
