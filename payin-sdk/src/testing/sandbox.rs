//! A sandbox for a test: started as a program of its own, or one that runs already. It must not decide what happens there.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use payin_types::sandbox::{
    Advance, Asserted, Assertion, ClockState, JournalEntry, JournalKind, Mine, Paid, Pay, PayDeposit, PaymentKind, ReadJournal,
};
use payin_types::{Amount, EventType, Order, Timestamp};
use tokio::process::Child;

use super::Webhooks;
use super::start::{Log, SandboxBuilder};
use crate::client::Client;
use crate::error::Error;
use crate::webhook::WebhookError;

/// The journal is read in pages of so many entries.
const ENTRIES: u32 = 1_000;
/// What a merchant subscribes to who misses nothing that may change an order or a deposit.
const EVENTS: [EventType; 8] = [
    EventType::OrderCompleted,
    EventType::OrderExpired,
    EventType::OrderPaidLate,
    EventType::OrderReverted,
    EventType::DepositPending,
    EventType::DepositConfirmed,
    EventType::DepositCompleted,
    EventType::DepositReverted,
];

/// Why a sandbox is of no use to a test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The program could not be started, or ended before it was ready.
    #[error("the sandbox did not start: {0}")]
    NotStarted(String),
    /// No port to receive webhooks at.
    #[error("no port of this machine can be listened at: {0}")]
    Listen(#[source] io::Error),
    /// A call was refused, or had no answer.
    #[error(transparent)]
    Api(#[from] Error),
    /// What was due by then is not done: a receiver of webhooks hangs, or a chain cannot be followed.
    #[error("this was due and is still to be done: {}", .0.join("; "))]
    Pending(Vec<String>),
    /// No webhook came.
    #[error("no webhook came within {} s; {came} came before", within.as_secs())]
    NoWebhook {
        /// How long was waited, in real time.
        within: Duration,
        /// How many came before.
        came: usize,
    },
    /// A webhook came that the sandbox has not sent.
    #[error("a webhook came that is not genuine: {0}")]
    NotGenuine(#[source] Arc<WebhookError>),
    /// A webhook came that was signed at a time which the sandbox's clock has not reached.
    #[error("a webhook came that was signed at {signed_at}, and in the sandbox it is {now}")]
    FromTheFuture {
        /// What its signature says.
        signed_at: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
}

/// A sandbox: the gateway over simulated chains, with a client, and an endpoint for its webhooks. See [the module](super).
pub struct Sandbox {
    client: Client,
    webhooks: Webhooks,
    log: Log,
    /// Ends when this is dropped.
    _child: Option<Child>,
}

impl Sandbox {
    pub(super) fn of(client: Client, webhooks: Webhooks, log: Log, child: Option<Child>) -> Self {
        Self { client, webhooks, log, _child: child }
    }

    /// Starts a sandbox of this test's own, whose time stands still until it is moved.
    ///
    /// # Errors
    /// [`SandboxError::NotStarted`].
    pub async fn start() -> Result<Self, SandboxError> {
        Self::builder().start().await
    }

    /// Says how it is to be started.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new(EVENTS.to_vec())
    }

    /// One that runs already, and goes on running. Others may use it as well, and see its clock move. The endpoint of [`Sandbox::webhooks`]
    /// is removed by [`Sandbox::detach`].
    ///
    /// # Errors
    /// [`SandboxError::Api`] when it does not answer, or is no sandbox.
    pub async fn attach(client: Client) -> Result<Self, SandboxError> {
        client.sandbox().clock().await?;
        Ok(Self::of(client.clone(), Webhooks::open(&client, EVENTS.to_vec()).await?, Log::default(), None))
    }

    /// Leaves a sandbox that goes on running as it was found: without this test's webhook endpoint.
    ///
    /// # Errors
    /// [`SandboxError::Api`] when it does not answer.
    pub async fn detach(self) -> Result<(), SandboxError> {
        self.client.webhook_endpoints().delete(&self.webhooks.endpoint().id).await?;
        Ok(())
    }

    /// A client with the owner's key.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its webhooks, from its beginning on.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Clock<'_> {
        Clock { client: &self.client }
    }

    /// Pays an order; in full, unless it is told otherwise.
    pub fn pay(&self, order: &Order) -> Paying<'_> {
        let pay = Pay { order_id: order.order_id.clone(), amount: None, kind: None, mine: None };
        Paying { client: &self.client, pay, confirmed: false }
    }

    /// Pays so much into a deposit reference's address, on the chain it was bound on first.
    ///
    /// # Errors
    /// [`SandboxError::Api`], and [`SandboxError::Pending`] for what was due by then and is not done.
    pub async fn pay_deposit(&self, deposit_reference: &str, amount: Amount) -> Result<Paid, SandboxError> {
        let paid = self.client.sandbox().pay_deposit(&PayDeposit::new(deposit_reference, amount)).await?;
        if paid.pending.is_empty() { Ok(paid) } else { Err(SandboxError::Pending(paid.pending)) }
    }

    /// All that its journal has.
    ///
    /// # Errors
    /// [`SandboxError::Api`].
    pub async fn journal(&self) -> Result<Vec<JournalEntry>, SandboxError> {
        let mut all: Vec<JournalEntry> = Vec::new();
        loop {
            let after = all.last().map(|entry| entry.seq);
            let query = ReadJournal { after, limit: Some(ENTRIES), ..ReadJournal::default() };
            let page = self.client.sandbox().journal(&query).await?.entries;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Asks whether so much of this kind has happened: `assert(JournalKind::Delivery, "order.completed * 204", 1)`.
    ///
    /// # Errors
    /// [`SandboxError::Api`], with what came instead.
    pub async fn assert(&self, kind: JournalKind, pattern: &str, count: u64) -> Result<Asserted, SandboxError> {
        let assertion = Assertion { kind: Some(kind), pattern: Some(pattern.to_owned()), after: None, count: Some(count) };
        Ok(self.client.sandbox().assert(&assertion).await?)
    }

    /// What the program said on stderr; nothing of one that ran already.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("client", &self.client).field("webhooks", &self.webhooks).finish_non_exhaustive()
    }
}

/// The clock of a sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Clock<'s> {
    client: &'s Client,
}

impl Clock<'_> {
    /// Lets time pass, in whole seconds, and comes back when everything that was due by then has happened.
    ///
    /// # Errors
    /// [`SandboxError::Pending`] names what has not.
    pub async fn advance(&self, span: Duration) -> Result<Timestamp, SandboxError> {
        let advanced = self.client.sandbox().advance(&Advance { seconds: span.as_secs() }).await?;
        if advanced.pending.is_empty() { Ok(advanced.now) } else { Err(SandboxError::Pending(advanced.pending)) }
    }

    /// What time it is there.
    ///
    /// # Errors
    /// [`SandboxError::Api`].
    pub async fn now(&self) -> Result<Timestamp, SandboxError> {
        Ok(self.client.sandbox().clock().await?.now)
    }

    /// Time stands still from now on.
    ///
    /// # Errors
    /// [`SandboxError::Api`].
    pub async fn freeze(&self) -> Result<ClockState, SandboxError> {
        Ok(self.client.sandbox().freeze().await?)
    }

    /// Time runs from now on, and blocks come by themselves.
    ///
    /// # Errors
    /// [`SandboxError::Api`].
    pub async fn run(&self) -> Result<ClockState, SandboxError> {
        Ok(self.client.sandbox().run().await?)
    }
}

/// A payment that happens when it is awaited.
#[derive(Debug, Clone)]
#[must_use = "nobody pays before it is awaited"]
pub struct Paying<'s> {
    client: &'s Client,
    pay: Pay,
    confirmed: bool,
}

impl Paying<'_> {
    /// How the payer behaves.
    pub fn kind(mut self, kind: PaymentKind) -> Self {
        self.pay.kind = Some(kind);
        self
    }

    /// So much, in whole tokens.
    pub fn amount(mut self, amount: Amount) -> Self {
        self.pay.amount = Some(amount);
        self
    }

    /// It waits for a block, which comes as the clock advances, or by `client().sandbox().mine(…)`.
    pub fn unmined(mut self) -> Self {
        self.pay.mine = Some(false);
        self
    }

    /// With so many blocks upon it that it counts: on Tron and Solana as many as make it final.
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }

    async fn happen(self) -> Result<Paid, SandboxError> {
        let paid = self.client.sandbox().pay(&self.pay).await?;
        let mut pending = paid.pending.clone();
        if self.confirmed {
            let chains = self.client.sandbox().chains().await?.chains;
            let chain = chains.iter().find(|chain| chain.chain_id == paid.chain_id);
            let blocks = chain.and_then(|chain| u32::try_from(chain.confirmed_after).ok());
            let mine = Mine { chain_id: Some(paid.chain_id.clone()), blocks };
            // What was not done at the payment may be by now.
            pending = self.client.sandbox().mine(&mine).await?.pending;
        }
        if pending.is_empty() { Ok(paid) } else { Err(SandboxError::Pending(pending)) }
    }
}

impl<'s> IntoFuture for Paying<'s> {
    type Output = Result<Paid, SandboxError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 's>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.happen())
    }
}
