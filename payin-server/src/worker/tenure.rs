//! A worker's lease, taken before a step and kept during it. A step that reads from a slow node may take longer than the lease's term: the
//! driver keeps it meanwhile, so that no other server begins the same work. What a step may do is not decided here: whether the lease
//! still holds is checked again in the transaction of every effect.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payin_types::Timestamp;

use super::StepFault;
use crate::app::progress::{GiveBackLease, Lease, RenewLease, TakeLease};
use crate::app::{App, Fault};

/// One work's lease, as one server holds it or not.
pub struct Tenure {
    app: App,
    /// The work.
    name: String,
    /// This server's name among those that share the database.
    holder: String,
    /// How long a server that has gone silent keeps the work from the others.
    term: Duration,
    /// The lease, and when it was taken or renewed.
    held: Mutex<Option<(Lease, Timestamp)>>,
}

impl Tenure {
    /// Not held yet.
    #[must_use]
    pub fn new(app: App, name: String, holder: String, term: Duration) -> Self {
        Self { app, name, holder, term, held: Mutex::default() }
    }

    fn held(&self) -> Option<(Lease, Timestamp)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, lease: Option<(Lease, Timestamp)>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }

    /// Whether this server believes to hold it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held().is_some()
    }

    /// How often it is renewed: two renewals may fail before another server takes the work.
    #[must_use]
    pub fn renew_every(&self) -> Duration {
        self.term / 3
    }

    /// The lease, taken or renewed if need be. `None`: another server holds it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn take(&self) -> Result<Option<Lease>, StepFault> {
        let now = self.app.clock.now();
        if let Some((lease, at)) = self.held()
            && at <= now
            && now.since(at) < self.renew_every()
        {
            return Ok(Some(lease));
        }
        let (name, holder) = (self.name.clone(), self.holder.clone());
        let lease = self.app.store.write(TakeLease { name, holder, now, term: self.term }).await?;
        self.hold(lease.clone().map(|lease| (lease, now)));
        Ok(lease)
    }

    /// Renews the lease if it is held.
    ///
    /// # Errors
    /// [`Fault::Fenced`] if another server has it by now, or what the database says.
    pub async fn keep(&self) -> Result<(), StepFault> {
        let Some((lease, _)) = self.held() else { return Ok(()) };
        let now = self.app.clock.now();
        if self.app.store.write(RenewLease { lease: lease.clone(), now, term: self.term }).await? {
            self.hold(Some((lease, now)));
            return Ok(());
        }
        self.doubt();
        Err(Fault::Fenced(self.name.clone()).into())
    }

    /// Another server may have it: the next step asks for it again.
    fn doubt(&self) {
        self.hold(None);
    }

    /// What a step came to. Whatever went wrong may be that another server has the lease: then the next step asks for it again.
    ///
    /// # Errors
    /// Those of the step.
    pub fn after<T>(&self, step: Result<T, StepFault>) -> Result<T, StepFault> {
        if step.is_err() {
            self.doubt();
        }
        step
    }

    /// Gives the lease back, so that another server need not wait for its end.
    ///
    /// # Errors
    /// What the database says.
    pub async fn give_back(&self) -> Result<(), StepFault> {
        let held = self.held();
        self.doubt();
        match held {
            Some((lease, _)) => Ok(self.app.store.write(GiveBackLease { lease }).await?),
            None => Ok(()),
        }
    }
}
