//! Where a step can be held up: at each call to a node and each webhook. While it stands there the world goes on, as it does around a real
//! server that waits for an answer, or sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

/// One server's gate. At most one step of it stands there.
#[derive(Debug, Default)]
pub struct Gate {
    /// The how-manyth call from now on is held up; 0 for none.
    armed: AtomicU32,
    arrived: Notify,
    open: Notify,
}

impl Gate {
    /// The how-manyth call from now on is held up.
    pub fn arm(&self, calls: u32) {
        self.armed.store(calls, Ordering::Relaxed);
    }

    /// A call comes by.
    pub async fn pass(self: &Arc<Self>) {
        let armed = self.armed.load(Ordering::Relaxed);
        if armed == 0 {
            return;
        }
        self.armed.store(armed - 1, Ordering::Relaxed);
        if armed == 1 {
            self.arrived.notify_one();
            self.open.notified().await;
        }
    }

    /// Ready when somebody stands here.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets it go on.
    pub fn let_go(&self) {
        self.open.notify_one();
    }
}
