//! The hands of a sandbox's clock: time passes from one due moment to the next, and at each of them everything due is done before it goes on.
//! One call moves them at a time. They do nothing by themselves.

use std::sync::Arc;
use std::time::Duration;

use payin_types::{ChainId, Timestamp};
use tokio::sync::{Mutex, MutexGuard};

use super::post::{self, FaultyPost};
use crate::app::{App, event_stream, moments};
use crate::chain::Nodes;
use crate::env::{Clock as _, SystemClock, VirtualClock};
use crate::sandbox::World;
use crate::store::Fault;
use crate::worker::rest::{Rest, Trouble};

/// How long an advance may take, in real time, and what happens at one moment: a receiver that hangs is given up after 15 s.
const ADVANCE_WITHIN: Duration = Duration::from_secs(25);
/// How long a receiver that hangs is waited for, in real time, where no time passes.
const MOMENT_WITHIN: Duration = Duration::from_secs(5);
/// How long events may wait for their places, and chains be followed at the end of an advance that took too long, in real time.
const PLACED_WITHIN: Duration = Duration::from_secs(2);
/// Where a chain is not final yet, time passes at the pace of its blocks.
const TICK: Duration = Duration::from_secs(1);
/// On the way, a chain on which nothing goes on may fall so far behind: orders are still taken on it.
const BEHIND_MAX: Duration = Duration::from_secs(30);
/// What the lanes that deliver are called.
const DELIVERIES: &str = "deliver";
/// How often a node that failed is asked again at one moment.
const RETRIES: usize = 20;

/// The hands.
pub(super) struct Hands {
    app: App,
    world: Arc<World>,
    rest: Arc<Rest>,
    nodes: Vec<(ChainId, Arc<Nodes>)>,
    post: Arc<FaultyPost>,
    turn: Mutex<()>,
}

/// Time stands still until this is dropped, also where whoever asked has gone away.
pub(super) struct Still<'a> {
    clock: &'a VirtualClock,
    pub(super) was_running: bool,
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        if self.was_running {
            self.clock.resume();
        }
    }
}

impl Hands {
    pub(super) fn new(app: App, world: Arc<World>, rest: Arc<Rest>, nodes: Vec<(ChainId, Arc<Nodes>)>, post: Arc<FaultyPost>) -> Self {
        Self { app, world, rest, nodes, post, turn: Mutex::default() }
    }

    /// Whoever changes the world takes this first.
    pub(super) async fn take(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn clock(&self) -> &VirtualClock {
        self.world.clock()
    }

    /// Waits until everything due by now is done. Answers what is not, in words.
    pub(super) async fn settle(&self) -> Vec<String> {
        let _still = self.hold();
        let give_up = SystemClock.now().plus(ADVANCE_WITHIN);
        loop {
            let now = SystemClock.now();
            let mut pending = self.settle_by(now.plus(MOMENT_WITHIN).min(give_up)).await;
            if !self.post.unanswered().is_empty() {
                pending.extend(self.waiting_behind().await);
                return pending;
            }
            // Nobody hangs: this machine has much to do, or a node takes long.
            let took = SystemClock.now().since(now);
            if pending.is_empty() || took < MOMENT_WITHIN || SystemClock.now() >= give_up {
                return pending;
            }
        }
    }

    /// Lets time pass. Answers what was due by then and is not done, in words.
    pub(super) async fn advance(&self, by: Duration) -> Vec<String> {
        let _still = self.hold();
        let (until, give_up) = (self.clock().now().plus(by), SystemClock.now().plus(ADVANCE_WITHIN));
        let mut pending = self.pass(until, give_up).await;
        if self.clock().now() < until {
            pending.push(format!("what fell due after {} was done at {until}, or is still to be done", self.clock().now()));
            self.world.advance_to(until, |_, _| true);
            self.settle_by(SystemClock.now().plus(PLACED_WITHIN)).await;
        }
        pending.extend(self.left_over().await);
        pending
    }

    /// While something is waited for, time stands still also where it runs: what is due would never end.
    pub(super) fn hold(&self) -> Still<'_> {
        let was_running = !self.clock().is_frozen();
        self.clock().freeze();
        Still { clock: self.clock(), was_running }
    }

    /// From moment to moment up to a time, or until it must be given up. Answers what the last moment left undone.
    async fn pass(&self, until: Timestamp, give_up: Timestamp) -> Vec<String> {
        loop {
            let pending = self.settle_by(give_up).await;
            let now = self.clock().now();
            if now >= until || SystemClock.now() >= give_up {
                return pending;
            }
            let due = match moments::after(&self.app, now).await {
                Ok(due) => due,
                Err(fault) => return vec![format!("what falls due cannot be looked up: {fault}")],
            };
            let busy = self.busy(&due, now);
            let next = self.next(&due, &busy, now).map_or(until, |next| next.min(until));
            self.world
                .advance_to(next, |chain, behind| next >= until || behind > BEHIND_MAX || busy.iter().any(|busy| busy == chain.as_str()));
        }
    }

    /// The chains on which something goes on that only blocks bring to its end.
    fn busy(&self, due: &moments::Moments, now: Timestamp) -> Vec<String> {
        let goes_on = |(chain, at): &&(String, Timestamp)| at.plus(self.world.settles_within(chain)) >= now;
        let unsettled = due.unsettled.iter().filter(goes_on).map(|(chain, _)| chain.clone());
        let waiting = self.world.states().into_iter().filter(|chain| chain.waiting > 0).map(|chain| chain.chain_id.as_str().to_owned());
        unsettled.chain(waiting).collect()
    }

    /// The next moment after now at which something may happen.
    fn next(&self, due: &moments::Moments, busy: &[String], now: Timestamp) -> Option<Timestamp> {
        let waiting = due.waiting.then(|| self.rest.looks_again_at(DELIVERIES)).flatten();
        let tick = (!busy.is_empty()).then(|| now.plus(TICK));
        [due.delivery, waiting, due.closing, tick].into_iter().flatten().filter(|at| *at > now).min()
    }

    async fn settle_by(&self, give_up: Timestamp) -> Vec<String> {
        let mut troubles = Vec::new();
        for _ in 0..RETRIES {
            let left = give_up.since(SystemClock.now());
            let Ok(found) = tokio::time::timeout(left, self.rest.reached(self.clock())).await else {
                return self.still_at_it();
            };
            troubles = self.unexpected(found);
            if troubles.is_empty() {
                break;
            }
            // In a frozen world a node that failed would rest for ever.
            self.nodes.iter().for_each(|(_, nodes)| nodes.wake());
        }
        troubles.into_iter().map(|(work, fault)| format!("{work}: {fault}")).collect()
    }

    /// Who is at work, in words. Of deliveries rather which receivers are waited for.
    fn still_at_it(&self) -> Vec<String> {
        let unanswered = self.post.unanswered();
        let is_told = |work: &String| work == DELIVERIES && !unanswered.is_empty();
        let others = self.rest.at_work().into_iter().filter(|work| !is_told(work)).map(|work| format!("{work}: still at it"));
        others.chain(unanswered.iter().cloned()).collect()
    }

    /// That a stopped chain cannot be followed is as it should be.
    fn unexpected(&self, troubles: Vec<Trouble>) -> Vec<Trouble> {
        let stopped: Vec<String> =
            self.world.states().into_iter().filter(|chain| chain.stopped).map(|chain| format!("chain {}", chain.chain_id)).collect();
        troubles.into_iter().filter(|(work, _)| !stopped.contains(work)).collect()
    }

    /// What is due and was not done, by the database; events have their places by then.
    async fn left_over(&self) -> Vec<String> {
        let give_up = SystemClock.now().plus(PLACED_WITHIN);
        while SystemClock.now() < give_up && event_stream::standing(&self.app).await.is_ok_and(|end| end.is_behind) {
            SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(2))).await;
        }
        // Those whose endpoint rests, or has too much under way, are claimed and wait as they have to.
        let is_waited_for = !self.post.unanswered().is_empty();
        match moments::overdue(&self.app, self.clock().now()).await {
            Ok(0) if !is_waited_for => Vec::new(),
            Ok(_) => self.waiting_behind().await,
            Err(fault) => vec![unknown(&fault)],
        }
    }

    /// The deliveries that have not been made, by the URLs to which they go; among them those that have no answer yet.
    async fn waiting_behind(&self) -> Vec<String> {
        let words = |(url, count): (String, u64)| {
            let url = url.parse().map_or(url, |url| post::shown(&url));
            format!("webhook deliveries due and not made: {count} to {url}")
        };
        match moments::not_made(&self.app, self.clock().now()).await {
            Ok(found) => found.into_iter().map(words).collect(),
            Err(fault) => vec![unknown(&fault)],
        }
    }

    /// A chain's node answers again: it is asked at once.
    pub(super) fn wake(&self, chain: &ChainId) {
        self.nodes.iter().filter(|(id, _)| id == chain).for_each(|(_, nodes)| nodes.wake());
    }
}

fn unknown(fault: &Fault) -> String {
    format!("what is due cannot be looked up: {fault}")
}
