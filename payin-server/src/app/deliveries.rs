//! The outbox as use cases: find what is due, claim it, load what is sent, record what came of it. Sending itself is a worker's business.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use payin_core::delivery::{Attempted, Course, Policy};
use payin_core::dialect::{self, Dialect};
use payin_core::event;
use payin_types::known_bad::{Mistake, makes};
use payin_types::{DisabledReason, EndpointId, EventType, OrganizationId, SecretString, Timestamp};
use url::Url;

use super::events::{Happened, record};
use super::{App, Outcome, endpoints as cases};
use crate::store::deliveries;
pub use crate::store::deliveries::due::DueReceiver;
use crate::store::deliveries::due::{self, OLDEST_MAX, ORGANIZATIONS_MAX, RECEIVERS_MAX};
pub use crate::store::deliveries::{Attempt, Claimed, Receiver};
use crate::store::endpoints::{Disabled, Open, Secrets};
use crate::store::{Fault, Together, Tx, Unit, endpoints, events};

/// After this an attempt of which nothing was heard is given up: its wait for a place, its timeout, and time to record it.
pub const CLAIM: Duration = Duration::from_secs(30);

/// When the next delivery falls due after a time.
///
/// # Errors
/// What the database says.
pub async fn next_due(app: &App, after: Timestamp) -> Result<Option<Timestamp>, Fault> {
    deliveries::next_due(&mut app.store.read().await?, after).await
}

/// How many organizations one look visits.
const VISITED_MAX: usize = 8;

/// Where the walk over those who wait stands: it visits some organizations at a time, and some receivers of each. An organization with many
/// is seen whole over several rounds, and the walk is whole when everybody was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// The organization after which it goes on; empty: with the first.
    after: String,
    /// Organizations with more receivers than one visit sees, and the receiver after which the next one goes on.
    within: HashMap<OrganizationId, String>,
    /// Organizations that were seen whole.
    whole: HashSet<OrganizationId>,
    /// Whether this round has passed one that was not.
    unfinished: bool,
}

impl Walk {
    /// Whether it has come round, and has seen every receiver of everybody with room.
    #[must_use]
    pub fn is_round(&self) -> bool {
        self.after.is_empty() && !self.unfinished
    }

    /// It goes on behind an organization, of which the last receiver that was seen is named unless it has no others.
    fn pass(&mut self, organization: OrganizationId, last: Option<String>) {
        self.unfinished &= !self.after.is_empty();
        organization.as_str().clone_into(&mut self.after);
        match last {
            Some(last) => {
                self.unfinished |= !self.whole.contains(&organization);
                self.within.insert(organization, last);
            }
            None => drop(self.whole.insert(organization)),
        }
    }

    /// It goes on with the first organization.
    fn come_round(&mut self) {
        self.after.clear();
        if !self.unfinished {
            self.within.clear();
            self.whole.clear();
        }
    }
}

/// Receivers with deliveries that are due: those of the oldest deliveries; and if so much is due that these are not all, those that the walk
/// comes by next, so that nobody waits behind another's backlog. It passes over organizations that have no room.
///
/// # Errors
/// What the database says.
pub async fn due(
    app: &App,
    walk: &mut Walk,
    has_room: impl Fn(&OrganizationId) -> bool,
    now: Timestamp,
) -> Result<Vec<DueReceiver>, Fault> {
    let mut conn = app.store.read().await?;
    let mut due = due::oldest(&mut conn, now).await?;
    let waiting: u64 = due.iter().map(|receiver| receiver.waiting).sum();
    if usize::try_from(waiting).is_ok_and(|waiting| waiting < OLDEST_MAX) {
        *walk = Walk::default();
        return Ok(due);
    }
    let found = due::organizations(&mut conn, &walk.after).await?;
    let (is_last, mut visits, oldest) = (found.len() < ORGANIZATIONS_MAX, 0..VISITED_MAX, due.len());
    for organization in found {
        let has_room = has_room(&organization);
        // No more are named than may be given something each.
        if has_room && (visits.next().is_none() || due.len().saturating_sub(oldest) >= RECEIVERS_MAX) {
            return Ok(due);
        }
        let mut last = None;
        if has_room {
            let after = walk.within.remove(&organization).unwrap_or_default();
            let walked = due::receivers(&mut conn, &organization, &after, now).await?;
            last = walked.last().filter(|_| walked.len() >= RECEIVERS_MAX).map(|last| last.receiver.name.clone());
            let is_new = |one: &DueReceiver| one.waiting > 0 && due.iter().all(|other| other.receiver != one.receiver);
            let others: Vec<_> = walked.into_iter().filter(is_new).collect();
            due.extend(others);
        }
        walk.pass(organization, last);
    }
    if is_last {
        walk.come_round();
    }
    Ok(due)
}

/// Claims deliveries of some receivers that are due: so many of each, those that have waited longest.
///
/// # Errors
/// What the database says.
pub async fn claim(app: &App, of: Vec<(Arc<Receiver>, usize)>, now: Timestamp) -> Outcome<Vec<Claimed>> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    app.store.write(Claim { of, now }).await
}

/// Claims deliveries.
#[derive(Debug)]
struct Claim {
    of: Vec<(Arc<Receiver>, usize)>,
    now: Timestamp,
}

impl Unit for Claim {
    type Output = Vec<Claimed>;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Vec<Claimed>> {
        let until = if makes(Mistake::NaiveClaim) { self.now } else { self.now.plus(CLAIM) };
        Ok(deliveries::claim(tx, &self.of, self.now, until).await?)
    }
}

/// Makes a claim last as if it were made now. Answers whether it still stands: nobody has claimed, recorded or started over the delivery
/// since.
///
/// # Errors
/// What the database says.
pub async fn renew(app: &App, claimed: &Claimed, now: Timestamp) -> Outcome<bool> {
    app.store.write(Renew { claimed: claimed.clone(), now }).await
}

/// Makes a claim last as if it were made now.
#[derive(Debug)]
struct Renew {
    claimed: Claimed,
    now: Timestamp,
}

impl Unit for Renew {
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        Ok(deliveries::renew(tx, &self.claimed, self.now.plus(CLAIM)).await?)
    }
}

/// Takes back every claim of which nothing was heard. Only for the sole server of a database: whoever made them is gone. Answers how many.
#[derive(Debug)]
pub struct TakeBackClaims {
    /// The time.
    pub now: Timestamp,
}

impl Unit for TakeBackClaims {
    type Output = u64;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<u64> {
        Ok(deliveries::take_back(tx, self.now).await?)
    }
}

/// By whose turns an endpoint is sent something that an order brought along. Each of those is sent a few events and is then never heard of
/// again, so all of an organization's that lead to one server take one turn: what one attempt shows of that server holds for the next.
#[must_use]
pub fn receiver_at(url: &str, endpoint: &EndpointId) -> String {
    let server = Url::parse(url).ok().and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    server.unwrap_or_else(|| endpoint.as_str().to_owned())
}

/// Where deliveries go, and what signs them.
pub struct Target {
    /// Who takes turns.
    pub receiver: Arc<Receiver>,
    /// Where.
    pub url: String,
    /// The present secret and, for a while after it was replaced, the one before; or why one cannot be opened.
    pub secrets: Result<Vec<SecretString>, Fault>,
    /// Since when every attempt at it has failed.
    pub failing_since: Option<Timestamp>,
    /// The other API in whose form and by whose schedule it is told; or that this version knows no such API.
    pub dialect: Result<Option<&'static dyn Dialect>, Fault>,
}

/// A claimed delivery, with what is sent.
pub struct Due {
    /// The claim.
    pub claimed: Claimed,
    /// The event's type.
    pub event_type: EventType,
    /// What is sent.
    pub body: Bytes,
    /// Where to.
    pub target: Arc<Target>,
    /// When all this was looked up.
    pub loaded_at: Timestamp,
}

/// What is to be sent, and where, as things stand now. What belongs to an endpoint that is sent nothing any more is left out: its claim
/// lapses, and then it is given up.
///
/// # Errors
/// What the database says; a delivery whose event is gone.
pub async fn load(app: &App, claimed: Vec<Claimed>, now: Timestamp) -> Result<Vec<Due>, Fault> {
    let mut conn = app.store.read().await?;
    let ids: BTreeSet<&EndpointId> = claimed.iter().map(|one| &one.endpoint_id).collect();
    let mut targets: HashMap<EndpointId, Arc<Target>> = HashMap::with_capacity(ids.len());
    for Open { stored, receiver, shared } in endpoints::open(&mut conn, &ids).await? {
        let own = || Secrets { present: stored.secret_sealed.clone(), previous: stored.previous_secret.clone() };
        let (place, sealed) = match shared {
            Some(shared) if stored.secret_sealed.is_empty() => (super::dialect::secret_place(&stored.organization_id), shared),
            _ => (cases::place(&stored.id), own()),
        };
        let previous = sealed.previous.filter(|(_, until)| *until > now).map(|(sealed, _)| sealed);
        let open = |sealed: &String| app.seal.open(&place, sealed).map(SecretString::from).map_err(Fault::from);
        let secrets = std::iter::once(&sealed.present).chain(previous.as_ref()).map(open).collect();
        let known = |api: String| dialect::by_name(&api).ok_or_else(|| Fault::Corrupt(format!("this server knows no API \"{api}\"")));
        let dialect = stored.api.map(known).transpose();
        let (receiver, failing_since) = (Arc::new(receiver), stored.failing_since);
        targets.insert(stored.id, Arc::new(Target { receiver, url: stored.url, secrets, failing_since, dialect }));
    }
    let bodies = deliveries::bodies(&mut conn, &claimed.iter().map(|one| &one.event_id).collect()).await?;
    let mut all = Vec::with_capacity(claimed.len());
    for one in claimed {
        let Some((event_type, body)) = bodies.get(&one.event_id).cloned() else {
            return Err(Fault::Corrupt(format!("the delivery of {} to {} has lost its event", one.event_id, one.endpoint_id)));
        };
        let Some(target) = targets.get(&one.endpoint_id) else { continue };
        all.push(Due { claimed: one, event_type, body, target: Arc::clone(target), loaded_at: now });
    }
    Ok(all)
}

/// Gives up what has fallen due at a receiver whose endpoint is sent nothing. Answers how much it was.
#[derive(Debug)]
pub struct GiveUp {
    /// Which.
    pub receiver: Receiver,
    /// The time.
    pub now: Timestamp,
}

impl Unit for GiveUp {
    type Output = usize;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<usize> {
        Ok(deliveries::give_up(tx, &self.receiver, self.now, self.now).await?)
    }
}

/// Records what came of an attempt, and how the delivery and its endpoint go on.
#[derive(Debug, Clone)]
pub struct Record {
    /// The delivery.
    pub claimed: Claimed,
    /// The attempt.
    pub attempt: Attempt,
    /// `Retry-After` of the answer.
    pub retry_after: Option<String>,
    /// Since when every attempt at its endpoint had failed when this one began.
    pub failing_since: Option<Timestamp>,
    /// Whether an attempt at its endpoint had failed since the last that was received, as far as this server knows.
    pub was_failing: bool,
    /// Spreads retries.
    pub random: u32,
    /// The deployment's rules.
    pub policy: Arc<Policy>,
    /// Another API's, where the endpoint is one of its.
    pub dialect: Option<&'static dyn Dialect>,
    /// When it ended.
    pub now: Timestamp,
}

impl Record {
    fn course(&self) -> Course {
        let attempted = Attempted {
            before: self.claimed.attempts,
            failing_since: self.failing_since,
            status: self.attempt.status,
            retry_after: self.retry_after.as_deref(),
            ended_at: self.now,
        };
        match self.dialect.and_then(|dialect| dialect.next(&attempted)) {
            Some(next) => Course { next, disable: None },
            None => self.policy.course(&attempted, self.random),
        }
    }

    fn is_received(&self) -> bool {
        self.attempt.status.is_some_and(payin_core::delivery::is_received)
    }
}

/// Records attempts, and since when their endpoints fail. Answers whether all of them counted; if not, and there are several, it says
/// nothing of the endpoints.
async fn record_all(tx: &mut Tx<'_>, units: &[(&Record, &Course)]) -> Result<bool, Fault> {
    let rows: Vec<_> = units.iter().map(|(unit, course)| (&unit.claimed, &unit.attempt, course.next)).collect();
    let now = units.iter().map(|(unit, _)| unit.now).max().unwrap_or_default();
    if deliveries::record(tx, &rows, now).await? < units.len() {
        return Ok(false);
    }
    // Of several attempts at one endpoint the last one says how it stands, but one that was received among them ends the failures before
    // it. In the order of ids, so that two servers take the rows alike.
    let mut at: BTreeMap<&EndpointId, Vec<&Record>> = BTreeMap::new();
    for (unit, _) in units {
        at.entry(&unit.claimed.endpoint_id).or_default().push(unit);
    }
    for (endpoint, units) in at {
        let failed = units.iter().max_by_key(|unit| unit.now).filter(|last| !last.is_received());
        let failed_before = units.iter().any(|unit| unit.failing_since.is_some() || unit.was_failing);
        let works = failed_before && units.iter().any(|unit| unit.is_received());
        if works {
            endpoints::works(tx, endpoint).await?;
        }
        if let Some(last) = failed.filter(|last| works || last.failing_since.is_none()) {
            endpoints::fails(tx, endpoint, last.attempt.started_at).await?;
        }
    }
    Ok(true)
}

impl Unit for Record {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let course = self.course();
        let counted = record_all(tx, &[(self, &course)]).await?;
        match course.disable {
            Some(reason) if counted => Ok(disable(tx, self, reason).await?),
            _ => Ok(()),
        }
    }
}

impl Together for Record {
    async fn run_together<'a>(units: &'a [&'a Self], tx: &'a mut Tx<'_>) -> Result<Option<Vec<()>>, Fault> {
        let courses: Vec<Course> = units.iter().map(|unit| unit.course()).collect();
        if courses.iter().any(|course| course.disable.is_some()) {
            return Ok(None);
        }
        // Which of them did not count is found out one by one.
        let counted = record_all(tx, &units.iter().copied().zip(&courses).collect::<Vec<_>>()).await?;
        Ok(counted.then(|| vec![(); units.len()]))
    }
}

/// Sends an endpoint nothing any more after an attempt, and tells the organization's others. What was queued for one that is gone is called
/// off; what was queued for one that only fails is given up when it falls due: whoever repairs it soon loses nothing that had to wait anyway.
async fn disable(tx: &mut Tx<'_>, after: &Record, reason: DisabledReason) -> Result<(), Fault> {
    let (endpoint, now) = (&after.claimed.endpoint_id, after.now);
    let disabled = Disabled { at: now, reason: reason.clone() };
    let Some(stored) = endpoints::disable(tx, endpoint, &disabled, after.failing_since).await? else { return Ok(()) };
    if reason == DisabledReason::Gone {
        endpoints::call_off(tx, &stored.organization_id, endpoint, now).await?;
    }
    tracing::warn!(endpoint.id = %endpoint, reason = reason.as_str(), "a webhook endpoint is disabled");
    if stored.api.is_some() {
        // The native API does not know it.
        return Ok(());
    }
    let happened = Happened {
        organization_id: &stored.organization_id,
        event_type: EventType::WebhookEndpointDisabled,
        object_id: endpoint.as_str(),
        sequence: events::count(tx, endpoint.as_str()).await?.saturating_add(1),
        data: event::endpoint_disabled_data(endpoint, &stored.url, &reason, stored.failing_since, now),
        now,
    };
    record(tx, happened).await.map(drop)
}
