//! What merchants were told through another API, for the people who run them: listed, and begun anew by hand. It only puts into the outbox;
//! sending is a worker's business.

use payin_core::delivery::State;
use payin_core::dialect::object_id;
use payin_core::{Error, error::shown};
use payin_types::{ErrorCode, EventId, OrderId, Timestamp, UserId};

use super::merchants::{reach, role};
use crate::app::query::{check_text, is_findable, paging};
use crate::app::{App, Outcome};
use crate::store::deliveries::{self, dialect};
use crate::store::{Tx, Unit};
pub use dialect::Told;

/// A page of deliveries.
#[derive(Debug)]
pub struct Listed {
    /// The deliveries, those of the newest events first.
    pub deliveries: Vec<Told>,
    /// How many there are in all.
    pub total: u64,
    /// Which page this is.
    pub page: u64,
    /// How many a page has at most.
    pub limit: u64,
    /// When it was asked: where a delivery stands depends on it.
    pub now: Timestamp,
}

/// Lists what the merchants that somebody runs were told through an API.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that nothing can pass, or a page out of bounds.
pub async fn list(
    app: &App,
    user: &UserId,
    api: &str,
    (state, order): (Option<State>, Option<OrderId>),
    (page, limit): (Option<u64>, Option<u64>),
) -> Outcome<Listed> {
    let (page, limit, offset) = paging(page, limit)?;
    check_text("order_id", order.as_ref().map(OrderId::as_str))?;
    let (reach, now) = (reach(user), app.clock.now());
    let filter = dialect::Filter { reach: &reach, api, state, object_id: order.map(|order| object_id(api, &order)), now };
    let within = (i64::try_from(limit).unwrap_or(100), offset);
    let (deliveries, total) = dialect::list(&mut app.store.read().await?, &filter, within).await?;
    Ok(Listed { deliveries, total, page, limit, now })
}

/// Begins a delivery anew that was given up or waits for another attempt: it is due now, its attempts are counted from 0, and it bears the
/// same idempotency key. One that waits to be begun stays as it is, so that asking twice sends once. One that was acknowledged is not sent
/// again: its order is judged by that.
#[derive(Debug)]
pub struct Retry {
    /// Who asks.
    pub user: UserId,
    /// Through which API it was told.
    pub api: &'static str,
    /// What is asked for, as it is called there.
    pub id: String,
    /// Which event that is; `None`: it is called like none.
    pub event: Option<EventId>,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Retry {
    /// When it is due.
    type Output = Timestamp;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Timestamp> {
        let not_found = || Error::not_found("Webhook", &self.id);
        let event = self.event.clone().filter(|_| is_findable(&self.id)).ok_or_else(not_found)?;
        let (organization, endpoint) = dialect::find(tx, self.api, &event).await?.ok_or_else(not_found)?;
        role(tx, &self.user, &organization).await?.ok_or_else(not_found)?;
        let key = (event, endpoint);
        let progress = dialect::lock(tx, &key).await?.ok_or_else(not_found)?;
        let conflict = |why: &str| Error::new(ErrorCode::InvalidState, format!("Webhook '{}' {why}", shown(&self.id)));
        match progress.state(self.now) {
            State::Received => Err(conflict("was acknowledged: its order is complete, and it is not sent again").into()),
            State::UnderWay => Err(conflict("is being delivered just now: wait for what comes of it").into()),
            State::Waiting => Ok(progress.next_attempt_at.unwrap_or(self.now)),
            State::Again | State::GivenUp => {
                deliveries::begin(tx, std::slice::from_ref(&key), self.now).await?;
                Ok(self.now)
            }
        }
    }
}
