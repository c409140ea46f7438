//! Whether the workers are at rest: whoever moves a virtual clock must know that all that was due by now has been done. It asks everybody
//! to look; it must not know what they do, nor move anything itself.
//!
//! Workers of one name share one work (the lanes of deliveries do). The workers are at rest once, since they were asked, each work was looked
//! at by somebody who found nothing to do before a later time, while nobody did anything: then whoever looked again would find the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payin_types::Timestamp;
use tokio::sync::{Notify, watch};

use crate::env::Clock;

/// The works of a driver.
#[derive(Default)]
pub struct Rest {
    state: Mutex<State>,
    /// Told whenever somebody ends a step.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    /// How often everybody was asked.
    asked: u64,
    /// Steps that did something.
    did: u64,
    works: BTreeMap<String, Work>,
}

#[derive(Default)]
struct Work {
    /// Makes one of its workers look.
    bell: Arc<Notify>,
    /// Until when each of its workers is idle; nothing while it is in a step.
    idle: BTreeMap<u64, Option<Timestamp>>,
    numbered: u64,
    /// What was asked the last time when somebody began to look and then found nothing to do.
    looked: u64,
    /// Why the last step failed, if it did.
    fault: Option<String>,
}

/// A worker's place among those who are asked. Leaving it, the worker is asked no more.
pub(super) struct Place {
    rest: Arc<Rest>,
    work: String,
    number: u64,
    bell: Arc<Notify>,
}

/// A work whose last step failed, and why.
pub type Trouble = (String, String);

impl Rest {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(self: &Arc<Self>, work: String) -> Place {
        let mut state = self.state();
        let joined = state.works.entry(work.clone()).or_default();
        joined.numbered = joined.numbered.saturating_add(1);
        joined.idle.insert(joined.numbered, None);
        Place { rest: Arc::clone(self), work, number: joined.numbered, bell: Arc::clone(&joined.bell) }
    }

    /// Waits until all are at rest. Answers whose last step failed: they try again later.
    pub async fn reached(&self, clock: &dyn Clock) -> Vec<Trouble> {
        let mut changed = self.changed.subscribe();
        loop {
            let (asked, did) = self.ask();
            while self.is_at_work(asked, clock.now()) {
                // The sender is in `self`, so this cannot end in an error.
                let _ = changed.changed().await;
            }
            let state = self.state();
            if state.did == did {
                let troubles = state.works.iter().filter_map(|(name, work)| Some((name.clone(), work.fault.clone()?)));
                return troubles.collect();
            }
        }
    }

    /// The works that somebody is about.
    pub fn at_work(&self) -> Vec<String> {
        let is_busy = |work: &Work| work.idle.values().any(Option::is_none);
        self.state().works.iter().filter(|(_, work)| is_busy(work)).map(|(name, _)| name.clone()).collect()
    }

    /// When the first of a work's workers looks again by itself.
    pub fn looks_again_at(&self, work: &str) -> Option<Timestamp> {
        self.state().works.get(work)?.idle.values().flatten().min().copied()
    }

    fn ask(&self) -> (u64, u64) {
        let mut state = self.state();
        state.asked = state.asked.saturating_add(1);
        state.works.values().for_each(|work| work.bell.notify_one());
        (state.asked, state.did)
    }

    fn is_at_work(&self, asked: u64, now: Timestamp) -> bool {
        let is_idle = |until: &Option<Timestamp>| until.is_some_and(|until| until > now);
        self.state().works.values().any(|work| work.looked < asked || !work.idle.values().all(is_idle))
    }
}

impl Place {
    /// A step begins. Answers what it must be told at the step's end.
    pub(super) fn begins(&self) -> u64 {
        let mut state = self.rest.state();
        if let Some(work) = state.works.get_mut(&self.work) {
            work.idle.insert(self.number, None);
        }
        state.asked
    }

    /// The step did something.
    pub(super) fn did(&self) {
        let mut state = self.rest.state();
        state.did = state.did.saturating_add(1);
    }

    /// The step found nothing to do before a time, or failed and is tried again then.
    pub(super) fn idles(&self, asked: u64, until: Timestamp, fault: Option<String>) {
        let mut state = self.rest.state();
        if let Some(work) = state.works.get_mut(&self.work) {
            work.idle.insert(self.number, Some(until));
            work.looked = work.looked.max(asked);
            work.fault = fault;
        }
        drop(state);
        self.rest.changed.send_replace(());
    }

    /// Ready when somebody asks.
    pub(super) async fn asked(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.rest.state();
        if let Some(work) = state.works.get_mut(&self.work) {
            work.idle.remove(&self.number);
        }
        state.works.retain(|_, work| !work.idle.is_empty());
        drop(state);
        self.rest.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests;
