//! The outbox as use cases: claim what is due, record what came of it, sign what is sent. Sending itself is a worker's business.

use std::time::Duration;

use payin_core::delivery::{self as rules, Verdict};
use payin_core::door::{self, Dialect};
use payin_types::{EndpointId, SecretString, Timestamp};

use super::{App, Outcome, endpoints as cases};
use crate::store::deliveries::{self, Next};
pub use crate::store::deliveries::{Attempt, Due};
use crate::store::{Fault, Tx, Unit, endpoints};

/// After this an attempt of which nothing was heard is given up: its timeout, and time to record it.
const CLAIM: Duration = Duration::from_secs(30);

/// When the next delivery is due.
///
/// # Errors
/// What the database says.
pub async fn next_due(app: &App) -> Result<Option<Timestamp>, Fault> {
    deliveries::next_due(&mut app.store.read().await?).await
}

/// Endpoints with deliveries that are due, those first that have waited longest.
///
/// # Errors
/// What the database says.
pub async fn due_endpoints(app: &App, now: Timestamp) -> Result<Vec<EndpointId>, Fault> {
    deliveries::due_endpoints(&mut app.store.read().await?, now).await
}

/// The secrets a delivery is signed with: the present one and, for a while after it was replaced, the one before.
///
/// # Errors
/// If one cannot be opened.
pub fn secrets(app: &App, due: &Due) -> Result<Vec<SecretString>, Fault> {
    let place = cases::place(&due.endpoint_id);
    let sealed = [Some(&due.secret_sealed), due.previous_secret_sealed.as_ref()];
    sealed.into_iter().flatten().map(|sealed| Ok(SecretString::from(app.seal.open(&place, sealed)?))).collect()
}

/// The other API by whose rules a delivery goes; `None`: it is the native one's.
///
/// # Errors
/// If this version knows no such API: then nothing is sent in a wrong form.
pub fn dialect(due: &Due) -> Result<Option<&'static dyn Dialect>, Fault> {
    let known = |api: &String| door::dialect(api).ok_or_else(|| Fault::Corrupt(format!("this server knows no API \"{api}\"")));
    due.api.as_ref().map(known).transpose()
}

/// What an answer means for a delivery.
///
/// # Errors
/// As [`dialect`].
pub fn verdict(due: &Due, status: Option<u16>) -> Result<Verdict, Fault> {
    Ok(dialect(due)?.map_or_else(|| rules::verdict(status), |dialect| dialect.verdict(status)))
}

/// Claims a few deliveries of an endpoint that are due.
#[derive(Debug)]
pub struct Claim {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Claim {
    type Output = Vec<Due>;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Vec<Due>> {
        Ok(deliveries::claim_due(tx, &self.endpoint, self.now, self.now.plus(CLAIM)).await?)
    }
}

/// Records what came of an attempt, and how the delivery goes on.
#[derive(Debug)]
pub struct Record {
    /// The delivery.
    pub due: Due,
    /// The attempt.
    pub attempt: Attempt,
    /// What it means.
    pub verdict: Verdict,
    /// The time.
    pub now: Timestamp,
}

impl Unit for Record {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let next = match self.verdict {
            Verdict::Delivered => Next::Delivered,
            Verdict::Gone => Next::GivenUp,
            Verdict::Retry => {
                let failures = self.due.attempts.saturating_add(1);
                let at = match dialect(&self.due)? {
                    Some(dialect) => dialect.next_attempt(failures, self.now),
                    None => rules::next_attempt(failures, self.now),
                };
                at.map_or(Next::GivenUp, Next::At)
            }
        };
        let taken = deliveries::record(tx, &self.due, &self.attempt, next, self.now).await?;
        if taken && self.verdict == Verdict::Gone {
            endpoints::disable(tx, self.due.endpoint_id.as_str(), self.now).await?;
        }
        Ok(())
    }
}
