//! Rate limits as a server keeps them: each key's requests are counted in the database, for all servers that share it, and taken from there
//! in small blocks, so that most requests cost no more than a lock in memory. How requests are counted is a rule of `payin-core`.
//!
//! A block is as many requests as wait, plus as many as were made within the last second, but at most a quarter of what remains (and at least one).
//! It is counted as used when it is leased, and used only within that second; what is left of it goes back with the next block. So
//! all servers together never admit more than the limit. Too early is refused at most what the other servers hold: each no more than it
//! used within a second, nor than a quarter of what then remained. A server that stops asking keeps what it held, until it leaves the windows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payin_core::Error;
use payin_core::quota::{Grant, Limits, Usage, View};
use payin_types::{ApiKeyId, OrganizationId, Timestamp};
use tokio::sync::Mutex as Turn;

use super::{App, Outcome};
use crate::store::{Fault, Tx, Unit, quotas};

/// The most keys remembered. What a forgotten one held stays counted.
const METERS_MAX: usize = 10_000;

/// The limits of a server, and what it holds of each key's.
#[derive(Debug)]
pub struct Meters {
    limits: Option<Limits>,
    /// How many requests an hour were agreed with an organization, for APIs that count by merchant.
    agreed: HashMap<OrganizationId, u64>,
    meters: Mutex<HashMap<ApiKeyId, Arc<Meter>>>,
}

impl Meters {
    /// With these limits; `None`: nothing is limited.
    #[must_use]
    pub fn new(limits: Option<Limits>) -> Self {
        Self { limits, agreed: HashMap::new(), meters: Mutex::default() }
    }

    /// With what was agreed with organizations, in requests an hour.
    #[must_use]
    pub fn agreed(self, agreed: HashMap<OrganizationId, u64>) -> Self {
        Self { agreed, ..self }
    }

    /// How many requests an hour were agreed with an organization, if any were.
    #[must_use]
    pub fn agreed_with(&self, organization: &OrganizationId) -> Option<u64> {
        self.agreed.get(organization).copied()
    }

    /// Whether anything is limited.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.limits.is_some()
    }

    fn meter(&self, key: &ApiKeyId) -> Arc<Meter> {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = meters.get(key) {
            return Arc::clone(meter);
        }
        if meters.len() >= METERS_MAX {
            meters.clear();
        }
        Arc::clone(meters.entry(key.clone()).or_default())
    }
}

/// What this server holds of a key's limits.
#[derive(Debug, Default)]
struct Meter {
    held: Mutex<Held>,
    /// One request leases; the others wait for what it gets.
    turn: Turn<()>,
    waiting: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    /// As of the latest lease.
    usage: Usage,
    grant: Option<Grant>,
    unused: u64,
    /// The second of the latest lease, by this server's clock.
    second: i64,
    /// Used in that second, and in the one before it.
    used: u64,
    used_before: u64,
}

impl Meter {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request of what is held at that time. `None` if it is not known whether there is one.
    fn take(self: &Arc<Self>, limits: &Limits, now: Timestamp) -> Option<Ticket> {
        let mut held = self.held();
        if held.grant.is_none() || held.second != now.secs() {
            return None;
        }
        let admitted = held.unused > 0;
        if admitted {
            held.unused = held.unused.saturating_sub(1);
            held.used = held.used.saturating_add(1);
        } else if held.grant.is_some_and(|grant| grant.count > 0) {
            return None;
        }
        let unused = held.unused;
        let view = held.usage.view(limits, now, unused);
        Some(Ticket { view, admitted, second: held.second, limits: *limits, meter: Arc::clone(self) })
    }

    /// The lease to ask for. What is held goes back with it, whether it succeeds or not: given back twice, it would open the limit.
    fn lease(&self, key: &ApiKeyId, limits: &Limits, now: Timestamp) -> Lease {
        let mut held = self.held();
        if held.second != now.secs() {
            held.used_before = if held.second.saturating_add(1) == now.secs() { held.used } else { 0 };
            (held.second, held.used) = (now.secs(), 0);
        }
        let wanted = self.waiting.load(Ordering::Relaxed).saturating_add(held.used.max(held.used_before));
        let unused = std::mem::take(&mut held.unused);
        Lease { key: key.clone(), limits: *limits, wanted, back: held.grant.take().map(|grant| (grant, unused)), now }
    }

    fn put(&self, (usage, grant): (Usage, Grant)) {
        let mut held = self.held();
        (held.usage, held.grant, held.unused) = (usage, Some(grant), grant.count);
    }
}

/// Counts a request as waiting for as long as it does.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request, counted or refused.
#[derive(Debug)]
pub struct Ticket {
    /// Where the key stands.
    view: View,
    admitted: bool,
    second: i64,
    limits: Limits,
    meter: Arc<Meter>,
}

impl Ticket {
    /// Where the key stands after this request.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// Refuses what is too much.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED`.
    pub fn check(&self) -> Result<(), Error> {
        if self.admitted { Ok(()) } else { Err(self.view.refusal()) }
    }

    /// Counts the request no more: it was refused for another reason. Answers where the key stands then.
    #[must_use]
    pub fn give_back(&self, now: Timestamp) -> View {
        let mut held = self.meter.held();
        // What was leased in another second can be used no more, and is counted.
        if self.admitted && held.second == self.second && held.grant.is_some() {
            held.unused = held.unused.saturating_add(1);
            held.used = held.used.saturating_sub(1);
        }
        let unused = held.unused;
        held.usage.view(&self.limits, now, unused)
    }
}

/// Counts a request of a key. `None` where nothing is limited.
///
/// # Errors
/// If the database cannot be asked.
pub async fn take(app: &App, key: &ApiKeyId) -> Outcome<Option<Ticket>> {
    match &app.quotas.limits {
        Some(limits) => take_within(app, key, limits).await.map(Some),
        None => Ok(None),
    }
}

/// Counts a request within other limits than the usual ones; `key` is then whoever these are for.
///
/// # Errors
/// As [`take`].
pub async fn take_within(app: &App, key: &ApiKeyId, limits: &Limits) -> Outcome<Ticket> {
    let (meter, came_at) = (app.quotas.meter(key), app.clock.now());
    if let Some(ticket) = meter.take(limits, came_at) {
        return Ok(ticket);
    }
    let _waiting = Waiting::begin(&meter.waiting);
    let _turn = meter.turn.lock().await;
    // What was leased meanwhile, in the second in which this request came or in this one.
    let now = app.clock.now();
    if let Some(ticket) = meter.take(limits, came_at).or_else(|| meter.take(limits, now)) {
        return Ok(ticket);
    }
    let lease = meter.lease(key, limits, now);
    meter.put(app.store.write(lease).await?);
    let ticket = meter.take(limits, now);
    ticket.ok_or_else(|| Fault::Corrupt("what was leased is not held".to_owned()).into())
}

/// Takes a block of a key's limits, and gives back what was not used of the one before.
struct Lease {
    key: ApiKeyId,
    limits: Limits,
    wanted: u64,
    back: Option<(Grant, u64)>,
    now: Timestamp,
}

impl Unit for Lease {
    type Output = (Usage, Grant);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(Usage, Grant)> {
        let corrupt = |error: serde_json::Error| Fault::Corrupt(format!("the quota of key {}: {error}", self.key));
        let nothing = Usage::default().to_text().map_err(corrupt)?;
        let kept = quotas::lock(tx, &self.key, &nothing, self.now).await?;
        let mut usage = Usage::read(&kept).map_err(corrupt)?;
        if let Some((grant, unused)) = &self.back {
            usage.give_back(grant, *unused);
        }
        let grant = usage.lease(&self.limits, self.now, self.wanted);
        quotas::put(tx, &kept, &self.key, &usage.to_text().map_err(corrupt)?, self.now).await?;
        Ok((usage, grant))
    }
}
