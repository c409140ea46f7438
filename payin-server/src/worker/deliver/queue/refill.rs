//! The right to claim more, and who may claim how much. It says so; the claiming is the lane's that has the right.

use std::collections::HashMap;
use std::sync::Arc;

use payin_types::{OrganizationId, Timestamp};

use super::{Line, Queue, State, UNPROVEN_MAX};
use crate::app::deliveries::{Due, DueReceiver, Receiver, Walk};

/// How many may wait here, claimed, that may be sent soon: what is sent while the next ones are being claimed.
const WAITING_MAX: usize = 256;
/// With fewer than so many of them it is time to claim more.
const WAITING_LOW: usize = 96;
/// Receivers whose standing is remembered though nothing of theirs is here. Beyond that only who stands badly is.
const REMEMBERED_MAX: usize = 10_000;

/// The right to claim more, until this is dropped.
pub struct Refill {
    queue: Arc<Queue>,
    /// Whether the right was given back already.
    ended: bool,
}

impl State {
    /// How many deliveries of a receiver may be claimed besides those that wait here.
    fn may_claim(&self, receiver: &Receiver, failing: bool, now: Timestamp) -> usize {
        let unknown = Line::new(failing);
        let line = self.lines.get(receiver).unwrap_or(&unknown);
        let standing = &line.standing;
        let organization = &receiver.organization_id;
        let open = self.room(organization, standing) > 0
            && !standing.rests(now)
            && (!standing.is_slow() || self.has_place(organization, standing));
        let most = if standing.is_steady() { standing.at_once().saturating_mul(2) } else { standing.at_once() };
        if open { most.saturating_sub(line.under_way).saturating_sub(line.waiting.len()) } else { 0 }
    }

    /// How many more deliveries each organization may have waiting here for receivers that are not known to answer well: no more than it may
    /// have under way there, without what they were given while they answered well. Who is not named has none.
    fn unproven_left(&self) -> HashMap<OrganizationId, usize> {
        let mut left = HashMap::new();
        for (receiver, line) in self.turns.iter().filter_map(|receiver| self.lines.get_key_value(receiver)) {
            if !line.standing.is_steady() {
                let left = left.entry(receiver.organization_id.clone()).or_insert(UNPROVEN_MAX);
                *left = left.saturating_sub(line.waiting.len().min(line.standing.at_once()));
            }
        }
        left
    }
}

impl Queue {
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
}

impl Refill {
    /// Where the walk over those who wait stands.
    #[must_use]
    pub fn walk(&self) -> Walk {
        self.queue.state().walk.clone()
    }

    /// The walk has gone on.
    pub fn walked(&self, walk: &Walk) {
        self.queue.state().walk.clone_from(walk);
    }

    /// Whether anything may be sent to any receiver of an organization, of which those that answer well are known.
    #[must_use]
    pub fn has_room(&self, organization: &OrganizationId) -> bool {
        let state = self.queue.state();
        let is_steady = |(receiver, line): (&Arc<Receiver>, &Line)| receiver.organization_id == *organization && line.standing.is_steady();
        state.room_left(organization) > 0 && (state.under_way(organization).unproven < UNPROVEN_MAX || state.lines.iter().any(is_steady))
    }

    /// Whether somebody else wanted to claim more meanwhile.
    #[must_use]
    pub fn is_asked_again(&self) -> bool {
        self.queue.state().asked_again
    }

    /// How many deliveries of each of these receivers may be claimed. One that answers well may have as many again waiting here, so that it
    /// need not wait for the next claim. First the room is shared evenly, so that however many are busy, everybody who is named has
    /// something; then those named first have what is left.
    pub fn shares(&self, receivers: impl Iterator<Item = DueReceiver>, now: Timestamp) -> Vec<(Arc<Receiver>, usize)> {
        let mut state = self.queue.state();
        state.age(now);
        let mut unproven_left = state.unproven_left();
        let may = receivers.map(|due| (state.may_claim(&due.receiver, due.failing, now), due.receiver));
        let mut shares: Vec<(Receiver, usize, usize)> = may.filter(|(may, _)| *may > 0).map(|(may, receiver)| (receiver, may, 0)).collect();
        let mut room = WAITING_MAX.saturating_sub(state.ready(now));
        let even = room.checked_div(shares.len()).unwrap_or_default().max(1);
        let mut give = |(receiver, may, share): &mut (Receiver, usize, usize), most: usize| {
            let mut more = most.min(may.saturating_sub(*share)).min(room);
            if !state.lines.get(receiver).is_some_and(|line| line.standing.is_steady()) {
                let unproven_left = unproven_left.entry(receiver.organization_id.clone()).or_insert(UNPROVEN_MAX);
                more = more.min(*unproven_left);
                *unproven_left = unproven_left.saturating_sub(more);
            }
            (*share, room) = (share.saturating_add(more), room.saturating_sub(more));
        };
        // Those named last are those of the walk: whose turn it is there comes again only when it has gone round.
        shares.iter_mut().rev().for_each(|one| give(one, even));
        shares.iter_mut().for_each(|one| give(one, usize::MAX));
        shares.into_iter().filter(|(.., share)| *share > 0).map(|(receiver, _, share)| (Arc::new(receiver), share)).collect()
    }

    /// Puts what was claimed at the ends of its lines.
    pub fn put(&self, all: Vec<Due>, claimed_at: Timestamp) {
        let mut state = self.queue.state();
        if state.lines.len() > REMEMBERED_MAX {
            state.lines.retain(|_, line| line.is_in_use() || line.standing.is_slow() || line.standing.rests(claimed_at));
        }
        for due in all {
            let receiver = Arc::clone(&due.target.receiver);
            let failing = due.target.failing_since.is_some();
            let line = state.lines.entry(Arc::clone(&receiver)).or_insert_with(|| Line::new(failing));
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
