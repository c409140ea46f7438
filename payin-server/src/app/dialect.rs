//! Orders through other APIs than the native one: opened, shown and listed for whichever API asks, over the same use cases. What differs
//! between APIs is a `payin_core::dialect::Dialect`; this file knows none by name.

pub mod endpoints;
pub mod merchants;
mod open;
mod secret;
pub mod told;

use payin_core::Error;
use payin_core::dialect::Stage;
use payin_types::OrganizationId;

use super::orders::check_shown;
use super::query::{is_findable, paging};
use super::{App, Outcome};
use crate::store::orders::dialect;
pub use crate::store::orders::dialect::Through;
pub use open::{Open, Opened, Wish};
pub(super) use secret::place as secret_place;
pub use secret::{Replace, Secret, Told};

/// An order that came through an API, by id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's and one that came through another API.
pub async fn get(app: &App, api: &str, organization: &OrganizationId, id: &str) -> Outcome<Through> {
    let found = if is_findable(id) { dialect::get(&mut app.store.read().await?, organization, api, id).await? } else { None };
    checked(app, found, id)
}

/// An order that came through an API, by its number among its organization's.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_by_number(app: &App, api: &str, organization: &OrganizationId, number: u64) -> Outcome<Through> {
    let found = match i64::try_from(number) {
        Ok(number) => dialect::get_by_number(&mut app.store.read().await?, organization, api, number).await?,
        Err(_) => None,
    };
    checked(app, found, &number.to_string())
}

/// An order that came through an API, for whoever knows its id: it cannot be guessed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn find(app: &App, api: &str, id: &str) -> Outcome<Through> {
    let found = if is_findable(id) { dialect::find(&mut app.store.read().await?, api, id).await? } else { None };
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
    let (orders, total) = dialect::list(&mut app.store.read().await?, organization, api, stage, within).await?;
    orders.iter().try_for_each(|order| check_shown(&app.seal, &order.shown))?;
    Ok(Listed { orders, total, page, limit })
}
