//! The sandbox of `payin-server dev`: simulated payments, blocks and time. Elsewhere every call here is a 404.

use payin_types::sandbox::{Advance, ChainHead, ClockState, Mine, Mined, Paid, Pay, PayDeposit, Reorg};

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
    pub fn reorg(&self, reorg: &Reorg) -> Call<ChainHead> {
        self.client.post(Kind::Act, "/sandbox/reorg", &[], reorg)
    }

    /// The virtual clock.
    pub fn clock(&self) -> Call<ClockState> {
        self.client.read("/sandbox/clock", &[], &())
    }

    /// Lets time pass.
    pub fn advance(&self, advance: &Advance) -> Call<ClockState> {
        self.client.post(Kind::Act, "/sandbox/clock/advance", &[], advance)
    }
}
