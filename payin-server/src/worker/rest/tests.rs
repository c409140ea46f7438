//! Driven workers, and whoever waits until they are at rest.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::super::driver::Driver;
use super::super::{Did, StepFault, Worker};
use super::*;
use crate::env::VirtualClock;

/// Does what falls due, a thing a second, each in two steps; and hands every second one on to another worker.
struct Chore {
    name: &'static str,
    clock: Arc<VirtualClock>,
    begun: Timestamp,
    done: Arc<AtomicU64>,
    handed: Arc<AtomicU64>,
    hands_on: bool,
}

impl Worker for Chore {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        async move {
            // Somebody else may run meanwhile.
            tokio::task::yield_now().await;
            let now = self.clock.now();
            if !self.hands_on {
                let left = self.handed.load(Ordering::SeqCst);
                if left > self.done.load(Ordering::SeqCst) {
                    self.done.fetch_add(1, Ordering::SeqCst);
                    return Ok(Did::Work);
                }
                return Ok(Did::Idle { until: now.plus(Duration::from_secs(3_600)) });
            }
            let due = now.since(self.begun).as_secs();
            if self.done.load(Ordering::SeqCst) < due {
                self.done.fetch_add(1, Ordering::SeqCst);
                self.handed.fetch_add(1, Ordering::SeqCst);
                return Ok(Did::Work);
            }
            Ok(Did::Idle { until: now.plus(Duration::from_millis(300)) })
        }
        .boxed()
    }
}

#[tokio::test]
async fn whoever_is_at_rest_has_done_all_that_was_due_and_what_others_handed_on() {
    let begun = Timestamp::from_secs(1_700_000_000);
    let (clock, rest) = (Arc::new(VirtualClock::frozen(begun)), Arc::new(Rest::default()));
    let mut driver = Driver::new(Arc::clone(&clock) as Arc<dyn Clock>).watched_by(&rest);
    let (first, second, handed): (Arc<AtomicU64>, Arc<AtomicU64>, Arc<AtomicU64>) = Default::default();
    for (name, hands_on, done) in [("b", true, &first), ("a", false, &second), ("a", false, &second)] {
        let (clock, done, handed) = (Arc::clone(&clock), Arc::clone(done), Arc::clone(&handed));
        driver.start(Box::new(Chore { name, clock, begun, done, handed, hands_on }), &Arc::default());
    }
    for seconds in [0, 1, 5, 50, 500] {
        let now = clock.advance_to(begun.plus(Duration::from_secs(seconds)));
        assert_eq!(rest.reached(clock.as_ref()).await, []);
        assert_eq!((first.load(Ordering::SeqCst), second.load(Ordering::SeqCst)), (seconds, seconds));
        assert!(rest.looks_again_at("b").is_some_and(|at| at > now) && rest.at_work().is_empty());
    }
    driver.stop().await;
    assert_eq!(rest.reached(clock.as_ref()).await, [], "whoever has left is not waited for");
}

/// Cannot do its work.
struct Broken;

impl Worker for Broken {
    fn name(&self) -> String {
        "broken".to_owned()
    }

    fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
        futures_util::future::ready(Err(StepFault::Refused("out of order".to_owned()))).boxed()
    }
}

#[tokio::test]
async fn who_cannot_do_its_work_is_at_rest_and_named() {
    let clock = Arc::new(VirtualClock::frozen(Timestamp::from_secs(1)));
    let rest = Arc::new(Rest::default());
    let mut driver = Driver::new(Arc::clone(&clock) as Arc<dyn Clock>).watched_by(&rest);
    driver.start(Box::new(Broken), &Arc::default());
    assert_eq!(rest.reached(clock.as_ref()).await, [("broken".to_owned(), "refused: out of order".to_owned())]);
    driver.stop().await;
}
