//! Whose turn it is: claimed deliveries that wait for a place, one line for each receiver, and the places. It neither sends nor asks the
//! database, and knows no clock.
//!
//! [`PLACES`] attempts may be under way that have not lasted a second. Whoever takes longer goes on outside of them, where
//! [`SLOW_PLACES`] may; a receiver that took long the last time begins there, two attempts at a time, and those may take only half of that
//! room, so that those who turn slow find some. So dead receivers that are known hold no place of living ones, and those that just died
//! hold theirs for a second, until more of them die at once than there is room for. Receivers take turns, and none has more than its share
//! ([`Standing`]) under way: who has ten thousand events waits for itself. Nor may an organization have more than [`UNPROVEN_MAX`] attempts
//! under way at receivers that do not answer well or have not answered yet, however many of them it names.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payin_core::delivery::Standing;
use payin_core::delivery::standing::SLOW_AFTER;
use payin_types::{EndpointId, OrganizationId, Timestamp};

use crate::app::deliveries::{Due, DueEndpoint, Receiver};

/// Attempts under way that have not lasted long.
pub const PLACES: usize = 64;
/// Attempts under way that have.
pub const SLOW_PLACES: usize = 192;
/// Attempts of one organization under way at receivers that are not known to answer well.
pub const UNPROVEN_MAX: usize = 32;
/// How many may wait here, claimed, that may be sent soon: what is sent while the next ones are being claimed.
const WAITING_MAX: usize = 256;
/// With fewer than so many of them it is time to claim more.
const WAITING_LOW: usize = 96;
/// A watch that is later than this is over: its lane is sending.
const WATCH_LATE_MAX: Duration = Duration::from_secs(2);
/// Nobody keeps watch for so long: the clock was set back.
const WATCH_AHEAD_MAX: Duration = Duration::from_secs(5);
/// Receivers whose standing is remembered though nothing of theirs is here. Beyond that only who stands badly is.
const REMEMBERED_MAX: usize = 10_000;

struct Line {
    standing: Standing,
    under_way: usize,
    waiting: VecDeque<(Due, Timestamp)>,
}

impl Line {
    fn new(failing: bool) -> Self {
        Self { standing: Standing::new(failing), under_way: 0, waiting: VecDeque::new() }
    }

    fn is_in_use(&self) -> bool {
        self.under_way > 0 || !self.waiting.is_empty()
    }

    /// How many may be sent of those that wait here, now or as soon as a quick answer has come. Where that must wait for an answer that may
    /// take long, or for a rest to end, it is none: they must not keep others from being claimed.
    fn ready(&self, now: Timestamp, slow_have_place: bool) -> usize {
        let standing = &self.standing;
        if standing.is_steady() {
            return self.waiting.len();
        }
        let open = !standing.rests(now) && (slow_have_place || !standing.is_slow());
        if open { standing.at_once().saturating_sub(self.under_way).min(self.waiting.len()) } else { 0 }
    }
}

#[derive(Default)]
struct State {
    lines: HashMap<Receiver, Line>,
    /// Receivers with something waiting, each once, in the order of their turns.
    turns: VecDeque<Receiver>,
    /// How many deliveries wait.
    waiting: usize,
    /// Attempts under way, the oldest first, by number; those that have ended, or are slow, are passed over.
    young: VecDeque<(Timestamp, u64, Receiver)>,
    /// The attempts under way that hold a place, and those that are slow.
    quick: HashSet<u64>,
    slow: usize,
    /// The attempts under way at receivers that were not known to answer well when they began, and how many each organization has.
    unproven: HashSet<u64>,
    unproven_of: HashMap<OrganizationId, usize>,
    numbered: u64,
    refilling: bool,
    /// Somebody wanted to refill while another did: something may have come since that one looked.
    asked_again: bool,
    /// Where the walk over the endpoints stands.
    walked: String,
    /// When the lane that keeps watch looks again.
    watched_until: Timestamp,
}

/// The lines, shared by the lanes of a server.
#[derive(Default)]
pub struct Queue(Mutex<State>);

/// A delivery that has a place, until this is dropped.
pub struct Taken {
    /// What is to be sent.
    pub due: Due,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    queue: Arc<Queue>,
    number: u64,
}

/// The right to claim more, until this is dropped.
pub struct Refill {
    queue: Arc<Queue>,
    /// Whether the right was given back already.
    ended: bool,
}

impl State {
    /// Attempts that have lasted long by now give up their places, and their receivers get one at a time.
    fn age(&mut self, now: Timestamp) {
        let quick = &self.quick;
        let is_over =
            |(started_at, number, _): &mut (Timestamp, u64, Receiver)| now.since(*started_at) >= SLOW_AFTER || !quick.contains(number);
        let mut over = Vec::new();
        while let Some(one) = self.young.pop_front_if(is_over) {
            over.push(one);
        }
        for (_, number, receiver) in over {
            if self.quick.remove(&number) {
                self.slow = self.slow.saturating_add(1);
                if let Some(line) = self.lines.get_mut(&receiver) {
                    line.standing.lingers();
                }
            }
        }
    }

    /// How many of those that wait may be sent soon.
    fn ready(&self, now: Timestamp) -> usize {
        let slow_have_place = self.slow < SLOW_PLACES / 2;
        let mut room: HashMap<&OrganizationId, usize> = HashMap::new();
        let mut all: usize = 0;
        for (receiver, line) in self.turns.iter().filter_map(|receiver| self.lines.get_key_value(receiver)) {
            let mut ready = line.ready(now, slow_have_place);
            if !line.standing.is_steady() {
                let organization = &receiver.organization_id;
                let room = room.entry(organization).or_insert_with(|| self.unproven_room(organization));
                ready = ready.min(*room);
                *room = room.saturating_sub(ready);
            }
            all = all.saturating_add(ready);
        }
        all
    }

    /// How many more attempts an organization may have under way at receivers that are not known to answer well.
    fn unproven_room(&self, organization: &OrganizationId) -> usize {
        UNPROVEN_MAX.saturating_sub(self.unproven_of.get(organization).copied().unwrap_or_default())
    }

    /// An attempt of an organization at a receiver that was not known to answer well is over.
    fn proven(&mut self, organization: &OrganizationId) {
        if let Some(of) = self.unproven_of.get_mut(organization) {
            *of = of.saturating_sub(1);
            if *of == 0 {
                self.unproven_of.remove(organization);
            }
        }
    }

    /// How many deliveries of a receiver may be claimed besides those that wait here.
    fn may_claim(&self, receiver: &Receiver, failing: bool, now: Timestamp) -> usize {
        let unknown = Line::new(failing);
        let line = self.lines.get(receiver).unwrap_or(&unknown);
        let standing = &line.standing;
        let organization = &receiver.organization_id;
        let has_room = standing.is_steady() || self.unproven_room(organization) > 0;
        let open = has_room && !standing.rests(now) && (!standing.is_slow() || self.has_place(organization, standing));
        let most = if standing.is_steady() { standing.at_once().saturating_mul(2) } else { standing.at_once() };
        if open { most.saturating_sub(line.under_way).saturating_sub(line.waiting.len()) } else { 0 }
    }

    fn has_watch(&self, now: Timestamp) -> bool {
        self.watched_until.plus(WATCH_LATE_MAX) > now && self.watched_until.since(now) <= WATCH_AHEAD_MAX
    }

    fn has_place(&self, organization: &OrganizationId, standing: &Standing) -> bool {
        if !standing.is_steady() && self.unproven_room(organization) == 0 {
            return false;
        }
        if standing.is_slow() {
            self.slow < SLOW_PLACES / 2
        } else {
            self.quick.len().saturating_add(self.slow.saturating_sub(SLOW_PLACES)) < PLACES
        }
    }

    fn take(&mut self, now: Timestamp) -> Option<(Due, Timestamp, u64)> {
        self.age(now);
        for _ in 0..self.turns.len() {
            let receiver = self.turns.pop_front()?;
            let Some(line) = self.lines.get(&receiver) else { continue };
            let standing = &line.standing;
            let may = line.under_way < standing.at_once() && !standing.rests(now) && self.has_place(&receiver.organization_id, standing);
            if !may {
                self.turns.push_back(receiver);
                continue;
            }
            let Some(line) = self.lines.get_mut(&receiver) else { continue };
            let next = line.waiting.pop_front();
            self.waiting = self.waiting.saturating_sub(usize::from(next.is_some()));
            if !line.waiting.is_empty() {
                self.turns.push_back(receiver.clone());
            }
            let Some((due, claimed_at)) = next else { continue };
            line.under_way = line.under_way.saturating_add(1);
            self.numbered = self.numbered.wrapping_add(1);
            if !line.standing.is_steady() {
                self.unproven.insert(self.numbered);
                let of = self.unproven_of.entry(receiver.organization_id.clone()).or_default();
                *of = of.saturating_add(1);
            }
            if line.standing.is_slow() {
                self.slow = self.slow.saturating_add(1);
            } else {
                self.quick.insert(self.numbered);
                self.young.push_back((now, self.numbered, receiver));
            }
            return Some((due, claimed_at, self.numbered));
        }
        None
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next delivery that has a place.
    pub fn take(self: &Arc<Self>, now: Timestamp) -> Option<Taken> {
        let (due, claimed_at, number) = self.state().take(now)?;
        Some(Taken { due, claimed_at, queue: Arc::clone(self), number })
    }

    /// Whether there is something for another lane to do: something waits, or more should be claimed.
    pub fn wants_more(&self) -> bool {
        let state = self.state();
        state.waiting > 0 || !state.refilling
    }

    /// A lane keeps watch, and looks again at this time.
    pub fn watched_until(&self, until: Timestamp) {
        self.state().watched_until = until;
    }

    /// The lane that kept watch does something else.
    pub fn watch_ends(&self) {
        self.state().watched_until = Timestamp::default();
    }

    /// Whether a lane keeps watch.
    pub fn has_watch(&self, now: Timestamp) -> bool {
        self.state().has_watch(now)
    }

    /// The right to claim more, if too little waits that may be sent and nobody else is about it.
    pub fn refill(self: &Arc<Self>, now: Timestamp) -> Option<Refill> {
        let mut state = self.state();
        state.age(now);
        if state.refilling || (state.waiting >= WAITING_LOW && state.ready(now) >= WAITING_LOW) {
            state.asked_again = true;
            return None;
        }
        state.refilling = true;
        state.asked_again = false;
        Some(Refill { queue: Arc::clone(self), ended: false })
    }

    /// When a place or a line that is closed now opens by itself, if one does.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        let rest = state.lines.values().filter(|line| line.standing.rests(now)).map(|line| line.standing.rests_until()).min();
        let place = state.young.front().map(|(started_at, ..)| started_at.plus(SLOW_AFTER)).filter(|at| *at > now);
        rest.into_iter().chain(place).min()
    }
}

impl Refill {
    /// Where the walk over the endpoints stands.
    #[must_use]
    pub fn walked(&self) -> String {
        self.queue.state().walked.clone()
    }

    /// How many deliveries of each of these endpoints may be claimed, and where the walk stands now. A receiver that answers well may have
    /// as many again waiting here, so that it need not wait for the next claim. First the room is shared evenly, so that however many are
    /// busy, everybody who is named has something; then those named first have what is left.
    pub fn shares(&self, endpoints: impl Iterator<Item = DueEndpoint>, walked: String, now: Timestamp) -> Vec<(EndpointId, usize)> {
        let mut state = self.queue.state();
        state.walked = walked;
        state.age(now);
        let mut left: HashMap<Receiver, usize> = HashMap::new();
        let mut shares: Vec<(DueEndpoint, Receiver, usize)> = Vec::new();
        for endpoint in endpoints {
            let receiver = Receiver::new(&endpoint.organization_id, &endpoint.id, endpoint.brought_url.as_deref());
            let may = *left.entry(receiver.clone()).or_insert_with(|| state.may_claim(&receiver, endpoint.failing, now));
            if may > 0 {
                shares.push((endpoint, receiver, 0));
            }
        }
        let mut room = WAITING_MAX.saturating_sub(state.ready(now));
        let even = room.checked_div(left.values().filter(|may| **may > 0).count()).unwrap_or_default().max(1);
        let mut give = |(endpoint, receiver, share): &mut (DueEndpoint, Receiver, usize), most: usize| {
            let Some(left) = left.get_mut(receiver) else { return };
            // Of those that orders brought along many share a receiver, and none has more waiting than was seen.
            let waiting = if endpoint.brought_url.is_some() { usize::try_from(endpoint.waiting).unwrap_or(usize::MAX) } else { usize::MAX };
            let more = most.min(*left).min(waiting.saturating_sub(*share)).min(room);
            (*share, *left, room) = (share.saturating_add(more), left.saturating_sub(more), room.saturating_sub(more));
        };
        // Those named last are those of the walk: whose turn it is there comes again only when it has gone round.
        shares.iter_mut().rev().for_each(|one| give(one, even));
        shares.iter_mut().for_each(|one| give(one, usize::MAX));
        shares.into_iter().map(|(endpoint, _, share)| (endpoint.id, share)).filter(|(_, share)| *share > 0).collect()
    }

    /// Puts what was claimed at the ends of its lines.
    pub fn put(&self, all: Vec<Due>, claimed_at: Timestamp) {
        let mut state = self.queue.state();
        if state.lines.len() > REMEMBERED_MAX {
            state.lines.retain(|_, line| line.is_in_use() || line.standing.is_slow() || line.standing.rests(claimed_at));
        }
        for due in all {
            let receiver = due.target.receiver.clone();
            let failing = due.target.failing_since.is_some();
            let line = state.lines.entry(receiver.clone()).or_insert_with(|| Line::new(failing));
            let is_first = line.waiting.is_empty();
            line.waiting.push_back((due, claimed_at));
            state.waiting = state.waiting.saturating_add(1);
            if is_first {
                state.turns.push_back(receiver);
            }
        }
    }

    /// Gives the right back. Answers whether somebody else wanted to claim more meanwhile: at the same moment, for who asks between an
    /// answer and the giving back would be heard by nobody.
    #[must_use]
    pub fn end(mut self) -> bool {
        self.ended = true;
        let mut state = self.queue.state();
        state.refilling = false;
        state.asked_again
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        if !self.ended {
            self.queue.state().refilling = false;
        }
    }
}

impl Taken {
    /// The attempt has ended. Answers whether its receiver had failed since the last attempt that was received.
    pub fn ended(&self, received: bool, took: Duration, now: Timestamp) -> bool {
        let mut state = self.queue.state();
        let Some(line) = state.lines.get_mut(&self.due.target.receiver) else { return false };
        let was_failing = line.standing.is_failing();
        line.standing.ended(received, took, now);
        was_failing
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if !state.quick.remove(&self.number) {
            state.slow = state.slow.saturating_sub(1);
        }
        if state.unproven.remove(&self.number) {
            state.proven(&self.due.target.receiver.organization_id);
        }
        if let Some(line) = state.lines.get_mut(&self.due.target.receiver) {
            line.under_way = line.under_way.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_kept_until_its_time_and_not_by_a_clock_that_was_set_back() {
        let (queue, at) = (Queue::default(), |s: i64| Timestamp::from_secs(1_000_000 + s));
        assert!(!queue.has_watch(at(0)));
        queue.watched_until(at(1));
        assert_eq!([0, 1, 2, 3].map(|s| queue.has_watch(at(s))), [true, true, true, false]);
        assert!(!queue.has_watch(at(-3_600)));
    }
}
