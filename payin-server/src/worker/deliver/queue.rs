//! Whose turn it is: claimed deliveries that wait for a place, one line for each receiver, and the places. It neither sends nor asks the
//! database, and knows no clock.
//!
//! [`PLACES`] attempts may be under way that have not lasted a second. Whoever takes longer goes on outside of them, where
//! [`SLOW_PLACES`] may; a receiver that took long the last time begins there, two attempts at a time, and those may take only half of that
//! room, so that those who turn slow find some, and who turns slow takes none of theirs. So dead receivers that are known hold no place of living ones, and those that just died
//! hold theirs for a second, until more of them die at once than there is room for. Receivers take turns, and none has more than its share
//! ([`Standing`]) under way: who has ten thousand events waits for itself. Nor may an organization have more than [`UNPROVEN_MAX`] attempts
//! under way at receivers that do not answer well or have not answered yet, however many of them it names; those at receivers that answered
//! well and then take long are added to these, and with [`LINGERING_MAX`] none of its receivers is sent anything. Whoever has several
//! organizations has no more of all places for it than leaves some to others: none may have more than half of what is left ([`fair`]).

mod refill;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payin_core::delivery::Standing;
use payin_core::delivery::standing::SLOW_AFTER;
use payin_types::{OrganizationId, Timestamp};

use crate::app::deliveries::{Due, Receiver, Walk};
pub use refill::Refill;

/// Attempts under way that have not lasted long.
pub const PLACES: usize = 64;
/// Attempts under way that have.
pub const SLOW_PLACES: usize = 384;
/// Attempts of one organization under way at receivers that are not known to answer well.
pub const UNPROVEN_MAX: usize = 32;
/// With so many of them, and of those at receivers that had answered well and take long, an organization begins no other: with the [`PLACES`]
/// that it may have besides it holds less than the half of [`SLOW_PLACES`] that slow receivers may take, so that all others have theirs.
pub const LINGERING_MAX: usize = SLOW_PLACES / 4;
/// A watch that is later than this is over: its lane is sending.
const WATCH_LATE_MAX: Duration = Duration::from_secs(2);
/// Nobody keeps watch for so long: the clock was set back.
const WATCH_AHEAD_MAX: Duration = Duration::from_secs(5);

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

/// Why an attempt may never be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// Its receiver was not known to answer well when it began.
    Unproven,
    /// Its receiver was, and it takes long all the same.
    Lingering,
}

/// An organization's attempts under way.
#[derive(Debug, Clone, Copy, Default)]
struct UnderWay {
    all: usize,
    /// Those that began among the slow ones.
    began_slow: usize,
    /// Those that may never be answered.
    unproven: usize,
    lingering: usize,
}

impl UnderWay {
    fn doubtful(&mut self, doubt: Doubt) -> &mut usize {
        match doubt {
            Doubt::Unproven => &mut self.unproven,
            Doubt::Lingering => &mut self.lingering,
        }
    }
}

/// How many of so many places one organization may hold: as many as half of those that are free. Alone it has a third of all; the more
/// others hold many, the fewer, and there is room for the next one.
fn fair(places: usize, taken: usize) -> usize {
    places.saturating_sub(taken) / 2
}

#[derive(Default)]
struct State {
    lines: HashMap<Arc<Receiver>, Line>,
    /// Receivers with something waiting, each once, in the order of their turns.
    turns: VecDeque<Arc<Receiver>>,
    /// How many deliveries wait.
    waiting: usize,
    /// Attempts under way, the oldest first, by number; those that have ended, or are slow, are passed over.
    young: VecDeque<(Timestamp, u64, Arc<Receiver>)>,
    /// The attempts under way that hold a place, those that are slow, and how many of these began so.
    quick: HashSet<u64>,
    slow: usize,
    began_slow: usize,
    /// The attempts under way that may never be answered.
    doubtful: HashMap<u64, Doubt>,
    /// What each organization has under way, if anything.
    of: HashMap<OrganizationId, UnderWay>,
    numbered: u64,
    refilling: bool,
    /// Somebody wanted to refill while another did: something may have come since that one looked.
    asked_again: bool,
    /// Where the walk over those who wait stands.
    walk: Walk,
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
    began_slow: bool,
}

/// A delivery whose turn it is, by what its attempt is counted.
struct Turn {
    due: Due,
    claimed_at: Timestamp,
    number: u64,
    began_slow: bool,
}

impl State {
    /// Attempts that have lasted long by now give up their places, and their receivers get one at a time.
    fn age(&mut self, now: Timestamp) {
        let quick = &self.quick;
        let is_over =
            |(started_at, number, _): &mut (Timestamp, u64, Arc<Receiver>)| now.since(*started_at) >= SLOW_AFTER || !quick.contains(number);
        let mut over = Vec::new();
        while let Some(one) = self.young.pop_front_if(is_over) {
            over.push(one);
        }
        for (_, number, receiver) in over {
            if self.quick.remove(&number) {
                self.slow = self.slow.saturating_add(1);
                self.doubt(number, &receiver.organization_id, Doubt::Lingering);
                if let Some(line) = self.lines.get_mut(&receiver) {
                    line.standing.lingers();
                }
            }
        }
    }

    /// How many of those that wait may be sent soon.
    fn ready(&self, now: Timestamp) -> usize {
        let mut room: HashMap<&OrganizationId, usize> = HashMap::new();
        let mut all: usize = 0;
        for (receiver, line) in self.turns.iter().filter_map(|receiver| self.lines.get_key_value(receiver)) {
            let (organization, standing) = (&receiver.organization_id, &line.standing);
            let mut ready = line.ready(now, self.slow_room(organization) > 0);
            if standing.is_steady() {
                ready = if self.room(organization, standing) > 0 { ready } else { 0 };
            } else {
                let room = room.entry(organization).or_insert_with(|| self.room(organization, standing));
                ready = ready.min(*room);
                *room = room.saturating_sub(ready);
            }
            all = all.saturating_add(ready);
        }
        all
    }

    fn under_way(&self, organization: &OrganizationId) -> UnderWay {
        self.of.get(organization).copied().unwrap_or_default()
    }

    /// How many more attempts an organization may begin at all.
    fn room_left(&self, organization: &OrganizationId) -> usize {
        let of = self.under_way(organization);
        let places = fair(PLACES.saturating_add(SLOW_PLACES), self.quick.len().saturating_add(self.slow)).saturating_sub(of.all);
        places.min(LINGERING_MAX.saturating_sub(of.unproven).saturating_sub(of.lingering))
    }

    /// How many more attempts an organization may begin at a receiver that stands like this.
    fn room(&self, organization: &OrganizationId, standing: &Standing) -> usize {
        let all = self.room_left(organization);
        if standing.is_steady() { all } else { all.min(UNPROVEN_MAX.saturating_sub(self.under_way(organization).unproven)) }
    }

    /// How many more attempts an organization may begin at receivers that took long the last time.
    fn slow_room(&self, organization: &OrganizationId) -> usize {
        fair(SLOW_PLACES / 2, self.began_slow).saturating_sub(self.under_way(organization).began_slow)
    }

    /// An attempt of an organization may never be answered.
    fn doubt(&mut self, number: u64, organization: &OrganizationId, doubt: Doubt) {
        if let Entry::Vacant(vacant) = self.doubtful.entry(number) {
            vacant.insert(doubt);
            let count = self.of.entry(organization.clone()).or_default().doubtful(doubt);
            *count = count.saturating_add(1);
        }
    }

    /// An attempt of an organization is over.
    fn over(&mut self, number: u64, began_slow: bool, organization: &OrganizationId) {
        let was_slow = !self.quick.remove(&number);
        self.slow = self.slow.saturating_sub(usize::from(was_slow));
        self.began_slow = self.began_slow.saturating_sub(usize::from(began_slow));
        let doubt = self.doubtful.remove(&number);
        let Some(of) = self.of.get_mut(organization) else { return };
        of.began_slow = of.began_slow.saturating_sub(usize::from(began_slow));
        if let Some(doubt) = doubt {
            let count = of.doubtful(doubt);
            *count = count.saturating_sub(1);
        }
        of.all = of.all.saturating_sub(1);
        if of.all == 0 {
            self.of.remove(organization);
        }
    }

    fn has_watch(&self, now: Timestamp) -> bool {
        self.watched_until.plus(WATCH_LATE_MAX) > now && self.watched_until.since(now) <= WATCH_AHEAD_MAX
    }

    fn has_place(&self, organization: &OrganizationId, standing: &Standing) -> bool {
        if self.room(organization, standing) == 0 {
            return false;
        }
        if standing.is_slow() { self.slow_room(organization) > 0 } else { self.has_quick_place() }
    }

    fn has_quick_place(&self) -> bool {
        self.quick.len().saturating_add(self.slow.saturating_sub(SLOW_PLACES)) < PLACES
    }

    fn take(&mut self, now: Timestamp) -> Option<Turn> {
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
                self.turns.push_back(Arc::clone(&receiver));
            }
            let Some((due, claimed_at)) = next else { continue };
            line.under_way = line.under_way.saturating_add(1);
            self.numbered = self.numbered.wrapping_add(1);
            let (is_steady, is_slow) = (line.standing.is_steady(), line.standing.is_slow());
            let of = self.of.entry(receiver.organization_id.clone()).or_default();
            of.all = of.all.saturating_add(1);
            of.began_slow = of.began_slow.saturating_add(usize::from(is_slow));
            self.began_slow = self.began_slow.saturating_add(usize::from(is_slow));
            if !is_steady {
                self.doubt(self.numbered, &receiver.organization_id, Doubt::Unproven);
            }
            if is_slow {
                self.slow = self.slow.saturating_add(1);
            } else {
                self.quick.insert(self.numbered);
                self.young.push_back((now, self.numbered, receiver));
            }
            return Some(Turn { due, claimed_at, number: self.numbered, began_slow: is_slow });
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
        let Turn { due, claimed_at, number, began_slow } = self.state().take(now)?;
        Some(Taken { due, claimed_at, queue: Arc::clone(self), number, began_slow })
    }

    /// Whether there is something for another lane to do: nobody keeps watch, or there is a place and something waits or should be claimed.
    /// With every place taken, who comes back from an attempt sees to it.
    pub fn wants_more(&self, now: Timestamp) -> bool {
        let state = self.state();
        !state.has_watch(now) || (state.has_quick_place() && (state.waiting > 0 || !state.refilling))
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

    /// When a place or a line that is closed now opens by itself, if one does.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        let rest = state.lines.values().filter(|line| line.standing.rests(now)).map(|line| line.standing.rests_until()).min();
        let place = state.young.front().map(|(started_at, ..)| started_at.plus(SLOW_AFTER)).filter(|at| *at > now);
        rest.into_iter().chain(place).min()
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
        state.over(self.number, self.began_slow, &self.due.target.receiver.organization_id);
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
