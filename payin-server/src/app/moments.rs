//! What falls due by itself, and when: for whoever moves a virtual clock. It changes nothing.

use payin_types::Timestamp;

use super::App;
use crate::store::{Fault, deliveries, moments};

/// What falls due next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moments {
    /// The first delivery.
    pub delivery: Option<Timestamp>,
    /// Deliveries wait that are due or claimed: their endpoints rest, or have too much under way.
    pub waiting: bool,
    /// The first order that closes from now on.
    pub closing: Option<Timestamp>,
    /// The chains with something that is not over, and when the last of it happened.
    pub unsettled: Vec<(String, Timestamp)>,
}

/// What falls due after a time.
///
/// # Errors
/// What the database says.
pub async fn after(app: &App, now: Timestamp) -> Result<Moments, Fault> {
    let mut conn = app.store.read().await?;
    Ok(Moments {
        delivery: deliveries::next_due(&mut conn, now).await?,
        waiting: moments::overdue(&mut conn, now).await? > 0 || moments::claimed(&mut conn, now).await? > 0,
        closing: moments::next_closing(&mut conn, now).await?,
        unsettled: moments::unsettled(&mut conn, now).await?,
    })
}

/// How many deliveries are due and were not made.
///
/// # Errors
/// What the database says.
pub async fn overdue(app: &App, now: Timestamp) -> Result<u64, Fault> {
    moments::overdue(&mut app.store.read().await?, now).await
}

/// To which URLs deliveries were not made that are due, or that somebody claimed and has not ended, and how many to each.
///
/// # Errors
/// What the database says.
pub async fn not_made(app: &App, now: Timestamp) -> Result<Vec<(String, u64)>, Fault> {
    moments::not_made(&mut app.store.read().await?, now).await
}
