//! The one place that starts workers, lets them wait, and stops them. It must not know what they do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::rest::{Place, Rest};
use super::tenure::Tenure;
use super::{Did, StepFault, Worker};
use crate::app::Fault;
use crate::env::Clock;

/// Waits after a fault: doubled up to the maximum.
const FAULT_WAIT_FIRST: Duration = Duration::from_millis(500);
const FAULT_WAIT_MAX: Duration = Duration::from_secs(15);

/// Running workers.
pub struct Driver {
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Where workers say whether they are at rest, if anybody wants to know.
    rest: Option<Arc<Rest>>,
}

impl Driver {
    /// No workers yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, stop: watch::Sender::new(false), tasks: JoinSet::new(), rest: None }
    }

    /// Its workers say from now on whether they are at rest.
    #[must_use]
    pub fn watched_by(mut self, rest: &Arc<Rest>) -> Self {
        self.rest = Some(Arc::clone(rest));
        self
    }

    /// Starts a worker. Ringing `wake` makes it look again at once.
    pub fn start(&mut self, worker: Box<dyn Worker>, wake: &Arc<Notify>) {
        let place = self.rest.as_ref().map(|rest| rest.join(worker.name()));
        self.tasks.spawn(run(worker, Arc::clone(&self.clock), Arc::clone(wake), self.stop.subscribe(), place));
    }

    /// Starts a worker that goes by another clock than the others. It is not asked whether it is at rest.
    pub fn start_by(&mut self, clock: Arc<dyn Clock>, worker: Box<dyn Worker>, wake: &Arc<Notify>) {
        self.tasks.spawn(run(worker, clock, Arc::clone(wake), self.stop.subscribe(), None));
    }

    /// Stops every worker where it waits, lets it let go of what it holds, and waits for that.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker did not end well");
            }
        }
    }
}

async fn run(mut worker: Box<dyn Worker>, clock: Arc<dyn Clock>, wake: Arc<Notify>, mut stop: watch::Receiver<bool>, place: Option<Place>) {
    let (name, tenure) = (worker.name(), worker.tenure());
    let mut fault_wait = FAULT_WAIT_FIRST;
    while !*stop.borrow() {
        // Registered before the step: a wake-up during it is not missed.
        let woken = wake.notified();
        let began = place.as_ref().map_or(0, Place::begins);
        // A panic in one step must not end the work for good, unnoticed.
        let stepped = tokio::select! {
            stepped = std::panic::AssertUnwindSafe(worker.step()).catch_unwind() => stepped,
            // Another server does this work by now: nothing that the step would still do could take effect.
            lost = keep(tenure.as_deref(), clock.as_ref()) => Ok(Err(lost)),
            // What a step has asked the store for is done all the same; what it waits for outside is not worth waiting for.
            _ = stop.changed() => break,
        };
        let mut failed = None;
        let until = match stepped.unwrap_or_else(|_| Err(StepFault::Panicked)) {
            Ok(Did::Work) => {
                fault_wait = FAULT_WAIT_FIRST;
                place.iter().for_each(Place::did);
                continue;
            }
            Ok(Did::Idle { until }) => {
                fault_wait = FAULT_WAIT_FIRST;
                until
            }
            Err(fault) => {
                tracing::warn!(worker = name, %fault, "a step failed and is tried again");
                let until = clock.now().plus(fault_wait);
                fault_wait = (fault_wait * 2).min(FAULT_WAIT_MAX);
                failed = Some(fault.to_string());
                until
            }
        };
        if let Some(place) = &place {
            place.idles(began, until, failed);
        }
        tokio::select! {
            () = clock.sleep_until(until) => {}
            () = woken => {}
            () = asked(place.as_ref()) => {}
            _ = stop.changed() => {}
        }
    }
    if let Err(fault) = worker.stop().await {
        tracing::warn!(worker = name, %fault, "a worker could not let go of what it holds; it will be let go of in time");
    }
}

/// Ready when somebody wants to know whether the worker is at rest.
async fn asked(place: Option<&Place>) {
    match place {
        Some(place) => place.asked().await,
        None => std::future::pending().await,
    }
}

/// Keeps a worker's lease for as long as a step takes; ready only when another server has it.
async fn keep(tenure: Option<&Tenure>, clock: &dyn Clock) -> StepFault {
    let Some(tenure) = tenure else { return std::future::pending().await };
    loop {
        clock.sleep_until(clock.now().plus(tenure.renew_every())).await;
        match tenure.keep().await {
            Ok(()) => {}
            Err(lost @ StepFault::Store(Fault::Fenced(_))) => return lost,
            Err(fault) => tracing::warn!(%fault, "a lease could not be renewed; that is tried again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use payin_types::Timestamp;

    use super::*;
    use crate::env::VirtualClock;

    /// Panics at its first step.
    struct Stumbles {
        steps: usize,
        went_on: Arc<Notify>,
    }

    impl Worker for Stumbles {
        fn name(&self) -> String {
            "stumbles".to_owned()
        }

        fn step(&mut self) -> BoxFuture<'_, Result<Did, StepFault>> {
            Box::pin(async move {
                self.steps += 1;
                assert!(self.steps > 1, "on purpose");
                self.went_on.notify_one();
                Ok(Did::Idle { until: Timestamp::from_millis(i64::MAX) })
            })
        }
    }

    #[tokio::test]
    async fn a_step_that_panics_is_taken_again() {
        let (clock, went_on) = (Arc::new(VirtualClock::frozen(Timestamp::from_secs(0))), Arc::new(Notify::new()));
        let mut driver = Driver::new(Arc::clone(&clock) as Arc<dyn Clock>);
        driver.start(Box::new(Stumbles { steps: 0, went_on: Arc::clone(&went_on) }), &Arc::default());
        let time_passes = async {
            loop {
                clock.advance(FAULT_WAIT_FIRST);
                tokio::task::yield_now().await;
            }
        };
        let goes_on = async {
            tokio::select! {
                () = went_on.notified() => {}
                () = time_passes => {}
            }
        };
        tokio::time::timeout(Duration::from_secs(30), goes_on).await.expect("it goes on after its panic");
        driver.stop().await;
    }
}
