//! `/sandbox`: what the outside world does, on demand. Mounted in `dev` only; the world itself is handed in.

mod faults;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, extract::FromRequestParts};
use futures_util::future::BoxFuture;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::sandbox::{
    Advance, Advanced, Asserted, Assertion, Cleared, ClockState, ControlChain, FaultRule, FaultRules, Journal, Mine, Mined, NewFault, Paid,
    Pay, PayDeposit, ReadJournal, Reorg, Reorganised, Restore, SimulatedChain, SimulatedChains, Snapshot,
};
use payin_types::{DepositReference, ErrorCode, Order, OrganizationId};

pub(super) use self::faults::disturbed;
use super::answer::{Reject, json};
use super::body::{BODY_MAX, body, parse, query};
use super::call::Caller;
use crate::app::{App, deposits, orders};

/// A simulated world.
pub trait Sandbox: Send + Sync {
    /// Somebody pays an order.
    fn pay<'a>(&'a self, order: &'a Order, pay: Pay) -> BoxFuture<'a, Result<Paid, Error>>;
    /// Somebody pays into a deposit reference.
    fn pay_deposit<'a>(&'a self, reference: &'a DepositReference, pay: PayDeposit) -> BoxFuture<'a, Result<Paid, Error>>;
    /// Blocks are made.
    fn mine(&self, mine: Mine) -> BoxFuture<'_, Result<Mined, Error>>;
    /// A chain changes its mind.
    fn reorg(&self, reorg: Reorg) -> BoxFuture<'_, Result<Reorganised, Error>>;
    /// How the chains are.
    fn chains(&self) -> SimulatedChains;
    /// A chain's node stops or starts, its finality stalls or moves.
    fn control(&self, control: ControlChain) -> BoxFuture<'_, Result<SimulatedChain, Error>>;
    /// What time it is.
    fn clock(&self) -> ClockState;
    /// Time stands still.
    fn freeze(&self) -> BoxFuture<'_, ClockState>;
    /// Time runs.
    fn run(&self) -> BoxFuture<'_, ClockState>;
    /// Time passes.
    fn advance(&self, advance: Advance) -> BoxFuture<'_, Result<Advanced, Error>>;
    /// Something shall go wrong.
    fn add_fault(&self, fault: NewFault) -> Result<FaultRule, Error>;
    /// What shall go wrong.
    fn faults(&self) -> FaultRules;
    /// Nothing shall go wrong any more.
    fn clear_faults(&self) -> BoxFuture<'_, Cleared>;
    /// What has happened.
    fn journal(&self, query: &ReadJournal) -> Result<Journal, Error>;
    /// Whether it has happened.
    fn assert(&self, assertion: &Assertion) -> Result<Asserted, Error>;
    /// The present is kept.
    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, Error>>;
    /// A moment that was kept; without a name the beginning.
    fn moment(&self, id: Option<&str>) -> Result<Snapshot, Error>;
    /// What goes wrong with a request that is about to be answered: `POST /api/v1/orders`. It may take its time.
    fn disturb<'a>(&'a self, asked: &'a str) -> BoxFuture<'a, Option<Disturbance>>;
    /// A request was answered.
    fn answered(&self, asked: String, outcome: String, request_id: Option<String>, disturbance: Option<&Disturbance>);
}

/// Beside an answer: once it is given, and nobody else is being answered, the sandbox returns to this moment.
#[derive(Debug, Clone)]
pub struct Return(pub String);

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub struct Disturbance {
    /// The rule that says so.
    pub rule: u64,
    /// What goes wrong; nothing more than has happened, where it only took its time.
    pub wrong: Option<Wrong>,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub struct Wrong {
    /// The error that is answered; none: the connection is closed.
    pub error: Option<(ErrorCode, Option<u64>)>,
    /// Whether the request is done before.
    pub is_done: bool,
}

#[derive(Clone)]
struct Both {
    app: Arc<App>,
    sandbox: Arc<dyn Sandbox>,
}

/// A caller that may do anything in a sandbox: whoever may create orders.
struct Player(Caller);

impl FromRequestParts<Both> for Player {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, both: &Both) -> Result<Self, Reject> {
        let caller = Caller::unlimited(parts, &both.app).await?;
        caller.may(Permission::CreateOrders)?;
        Ok(Self(caller))
    }
}

impl Player {
    fn organization(&self) -> &OrganizationId {
        &self.0.key.organization_id
    }
}

/// The sandbox's routes.
pub fn router(app: Arc<App>, sandbox: Arc<dyn Sandbox>) -> Router {
    Router::new()
        .route("/pay", post(pay))
        .route("/pay-deposit", post(pay_deposit))
        .route("/mine", post(mine))
        .route("/reorg", post(reorg))
        .route("/chains", get(chains))
        .route("/chain", post(control))
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
        .route("/clock/freeze", post(freeze))
        .route("/clock/run", post(run))
        .route("/faults", post(add_fault).get(list_faults).delete(clear_faults))
        .route("/snapshot", post(snapshot))
        .route("/restore", post(restore))
        .route("/reset", post(reset))
        .route("/journal", get(journal))
        .route("/journal/assert", post(assert))
        .with_state(Both { app, sandbox })
}

async fn pay(State(both): State<Both>, player: Player, request: Request) -> Result<Response, Reject> {
    let pay: Pay = parse(&body(request, BODY_MAX).await?)?;
    let order = orders::get(&both.app, player.organization(), pay.order_id.as_str()).await?;
    Ok(json(200, &both.sandbox.pay(&order, pay).await?))
}

async fn pay_deposit(State(both): State<Both>, player: Player, request: Request) -> Result<Response, Reject> {
    let pay: PayDeposit = parse(&body(request, BODY_MAX).await?)?;
    let reference = deposits::get(&both.app, player.organization(), &pay.deposit_reference).await?;
    Ok(json(200, &both.sandbox.pay_deposit(&reference, pay).await?))
}

async fn mine(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.mine(parse(&body(request, BODY_MAX).await?)?).await?))
}

async fn reorg(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.reorg(parse(&body(request, BODY_MAX).await?)?).await?))
}

async fn chains(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.chains())
}

async fn control(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.control(parse(&body(request, BODY_MAX).await?)?).await?))
}

async fn clock(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.clock())
}

async fn advance(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.advance(parse(&body(request, BODY_MAX).await?)?).await?))
}

async fn freeze(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.freeze().await)
}

async fn run(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.run().await)
}

async fn add_fault(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.add_fault(parse(&body(request, BODY_MAX).await?)?)?))
}

async fn list_faults(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.faults())
}

async fn clear_faults(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.clear_faults().await)
}

async fn journal(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.journal(&query(request.uri())?)?))
}

async fn assert(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.assert(&parse(&body(request, BODY_MAX).await?)?)?))
}

async fn snapshot(State(both): State<Both>, _: Player) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.snapshot().await?))
}

async fn restore(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    let restore: Restore = parse(&body(request, BODY_MAX).await?)?;
    Ok(returning(&both.sandbox.moment(Some(&restore.snapshot_id))?))
}

async fn reset(State(both): State<Both>, _: Player) -> Result<Response, Reject> {
    Ok(returning(&both.sandbox.moment(None)?))
}

fn returning(moment: &Snapshot) -> Response {
    let mut response = json(200, moment);
    response.extensions_mut().insert(Return(moment.snapshot_id.clone()));
    response
}
