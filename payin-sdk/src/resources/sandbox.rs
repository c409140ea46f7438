//! The sandbox of `payin-server dev`: simulated payments, blocks and time. Elsewhere every call here is a 404.

use payin_types::sandbox::{
    Advance, Advanced, Asserted, Assertion, Cleared, ClockState, ControlChain, FaultRule, FaultRules, Journal, Mine, Mined, NewFault, Paid,
    Pay, PayDeposit, ReadJournal, Reorg, Reorganised, Restore, SimulatedChain, SimulatedChains, Snapshot,
};

use crate::client::{Call, Client, Kind};

/// Simulated payments, blocks and time: [`Client::sandbox`].
///
/// These calls count each time and know no idempotency key, so none is repeated that may have taken effect.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox<'c> {
    client: &'c Client,
}

impl Client {
    /// Simulated payments, blocks and time of `payin-server dev`.
    #[must_use]
    pub fn sandbox(&self) -> Sandbox<'_> {
        Sandbox { client: self }
    }
}

impl Sandbox<'_> {
    /// Pays an order on its simulated chain.
    pub fn pay(&self, pay: &Pay) -> Call<Paid> {
        self.client.post(Kind::Act, "/sandbox/pay", &[], pay)
    }

    /// Pays into a deposit reference's address on its simulated chain.
    ///
    /// Errors: `DepositReferenceNotFound` (404).
    pub fn pay_deposit(&self, pay: &PayDeposit) -> Call<Paid> {
        self.client.post(Kind::Act, "/sandbox/pay-deposit", &[], pay)
    }

    /// Mines blocks.
    pub fn mine(&self, mine: &Mine) -> Call<Mined> {
        self.client.post(Kind::Act, "/sandbox/mine", &[], mine)
    }

    /// Replaces the newest blocks of a chain by others.
    pub fn reorg(&self, reorg: &Reorg) -> Call<Reorganised> {
        self.client.post(Kind::Act, "/sandbox/reorg", &[], reorg)
    }

    /// The virtual clock.
    pub fn clock(&self) -> Call<ClockState> {
        self.client.read("/sandbox/clock", &[], &())
    }

    /// Lets time pass, and answers when everything that was due by then has happened, or says what has not.
    pub fn advance(&self, advance: &Advance) -> Call<Advanced> {
        self.client.post(Kind::Act, "/sandbox/clock/advance", &[], advance)
    }

    /// Time stands still from now on: blocks come on demand.
    pub fn freeze(&self) -> Call<ClockState> {
        self.client.post_nothing(Kind::Set, "/sandbox/clock/freeze", &[])
    }

    /// Time runs from now on, and blocks come by themselves.
    pub fn run(&self) -> Call<ClockState> {
        self.client.post_nothing(Kind::Set, "/sandbox/clock/run", &[])
    }

    /// The simulated chains as they are.
    pub fn chains(&self) -> Call<SimulatedChains> {
        self.client.read("/sandbox/chains", &[], &())
    }

    /// Stops or starts a chain's node, stalls its finality or lets it move.
    pub fn control(&self, control: &ControlChain) -> Call<SimulatedChain> {
        self.client.post(Kind::Set, "/sandbox/chain", &[], control)
    }

    /// Lets something go wrong.
    pub fn add_fault(&self, fault: &NewFault) -> Call<FaultRule> {
        self.client.post(Kind::Act, "/sandbox/faults", &[], fault)
    }

    /// What shall go wrong, and how often it has.
    pub fn faults(&self) -> Call<FaultRules> {
        self.client.read("/sandbox/faults", &[], &())
    }

    /// Lets nothing go wrong any more; webhooks that were held back go out.
    pub fn clear_faults(&self) -> Call<Cleared> {
        self.client.delete(Kind::Act, "/sandbox/faults", &[], &())
    }

    /// What has happened: requests, deliveries, and what the chains did.
    pub fn journal(&self, query: &ReadJournal) -> Call<Journal> {
        self.client.read("/sandbox/journal", &[], query)
    }

    /// Asks whether something has happened.
    ///
    /// Errors: `NotAsAsserted` (409), whose message says what came instead.
    pub fn assert(&self, assertion: &Assertion) -> Call<Asserted> {
        self.client.post(Kind::Act, "/sandbox/journal/assert", &[], assertion)
    }

    /// Keeps the present: database, chains, clock and journal. On SQLite only.
    ///
    /// Errors: `InvalidState` (409) on PostgreSQL.
    pub fn snapshot(&self) -> Call<Snapshot> {
        self.client.post_nothing(Kind::Act, "/sandbox/snapshot", &[])
    }

    /// Returns to a moment that was kept; fault rules are forgotten.
    ///
    /// Errors: `ResourceNotFound` (404); `InvalidState` (409) on PostgreSQL.
    pub fn restore(&self, restore: &Restore) -> Call<Snapshot> {
        self.client.post(Kind::Set, "/sandbox/restore", &[], restore)
    }

    /// Returns to how the sandbox began.
    ///
    /// Errors: `InvalidState` (409) on PostgreSQL.
    pub fn reset(&self) -> Call<Snapshot> {
        self.client.post_nothing(Kind::Set, "/sandbox/reset", &[])
    }
}
