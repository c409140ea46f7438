//! Deliveries under a clock that stands, and jumps when nobody expects it: what is due then is sent then, without the clock moving on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use payin_server::env::{Clock, Http, VirtualClock};
use payin_server::worker::deliver::{Deliver, LANES, Queue};
use payin_server::worker::driver::Driver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::Kind;
use payin_types::Timestamp;

use super::World;
use super::outbox::{Receiver, deliver_all, endpoint, tell};
use super::turns::until;

/// Jumps just before it is looked at for the so-many-th time.
struct Jumps {
    clock: Arc<VirtualClock>,
    looks_left: AtomicUsize,
    by: Duration,
}

impl Jumps {
    fn has_jumped(&self) -> bool {
        self.looks_left.load(Ordering::SeqCst) == 0
    }
}

impl Clock for Jumps {
    fn now(&self) -> Timestamp {
        match self.looks_left.load(Ordering::SeqCst) {
            0 => {}
            left => {
                self.looks_left.store(left - 1, Ordering::SeqCst);
                if left == 1 {
                    self.clock.advance(self.by);
                }
            }
        }
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.clock.sleep_until(at)
    }
}

/// Whenever the clock jumps while a lane looks and sends, the lane does not rest before what is due by then is sent: something new, something
/// that failed before, and both.
pub async fn a_jump_passes_over_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    for by in [2, 12, 3_600].map(Duration::from_secs) {
        for (failed, new) in [(0, 1), (1, 0), (1, 1)] {
            for looks in 1.. {
                let to = endpoint(gateway, &organization, "[\"*\"]").await;
                tell(gateway, &organization, failed, std::slice::from_ref(&to)).await;
                deliver_all(gateway, Receiver::answering(500)).await;
                tell(gateway, &organization, new, std::slice::from_ref(&to)).await;
                let receiver = Receiver::answering(200);
                let jumps = Arc::new(Jumps { clock: Arc::clone(&gateway.clock), looks_left: AtomicUsize::new(looks), by });
                let mut app = gateway.app.clone();
                app.clock = Arc::clone(&jumps) as Arc<dyn Clock>;
                let mut lane = Deliver::new(app, Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
                loop {
                    match lane.step().await.expect("a step") {
                        Did::Idle { until } if until > gateway.now() => break,
                        _ => {}
                    }
                }
                if !jumps.has_jumped() {
                    assert!(looks > 2, "it looks at the clock more often than {looks} times");
                    gateway.clock.advance(by);
                    deliver_all(gateway, receiver).await;
                    break;
                }
                assert_eq!(receiver.count(), failed + new, "{by:?} before look {looks}, {failed} failed before, {new} new");
            }
        }
    }
}

/// All lanes of a server, as the driver runs them: whatever is told, and whatever falls due by a jump, is sent before the clock moves again.
pub async fn no_ring_is_missed_while_the_clock_stands(kind: Kind) {
    const ROUNDS: usize = 150;
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    let receiver = Receiver::answering(200);
    let (queue, bell) = (Arc::<Queue>::default(), gateway.app.store.outbox());
    let mut driver = Driver::new(Arc::clone(&gateway.clock) as Arc<dyn Clock>);
    for _ in 0..LANES {
        let http = Arc::clone(&receiver) as Arc<dyn Http>;
        driver.start(Box::new(Deliver::new(gateway.app.clone(), http, Arc::clone(&queue), Arc::clone(bell))), bell);
    }
    let mut wanted = 0;
    for round in 0..ROUNDS {
        let fails = round % 3 == 0;
        receiver.answers(if fails { 500 } else { 200 });
        tell(gateway, &organization, 1, &to).await;
        wanted += to.len();
        let said = || format!("{} of {wanted} attempts in round {round}", receiver.count());
        until(|| receiver.count() == wanted, said).await;
        if fails {
            let failed = "SELECT COUNT(*) FROM deliveries WHERE attempts = 1 AND delivered_at IS NULL";
            while world.place.value(failed).await != to.len().to_string() {
                tokio::task::yield_now().await;
            }
            receiver.answers(200);
            gateway.clock.advance(Duration::from_secs(2));
            wanted += to.len();
            let said = || format!("{} of {wanted} attempts after the clock jumped in round {round}", receiver.count());
            until(|| receiver.count() == wanted, said).await;
        }
        while world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL").await != "0" {
            tokio::task::yield_now().await;
        }
    }
    driver.stop().await;
}
