//! `/sandbox`: what the outside world does, on demand. Mounted in `dev` only; the world itself is handed in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, extract::FromRequestParts};
use futures_util::future::BoxFuture;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::sandbox::{Advance, ChainHead, ClockState, Mine, Mined, Paid, Pay, PayDeposit, Reorg};
use payin_types::{DepositReference, Order, OrganizationId};

use super::answer::{Reject, json};
use super::call::{BODY_MAX, Caller, body, parse};
use crate::app::{App, deposits, orders};

/// A simulated world.
pub trait Sandbox: Send + Sync {
    /// Somebody pays an order.
    fn pay<'a>(&'a self, order: &'a Order, pay: Pay) -> BoxFuture<'a, Result<Paid, Error>>;
    /// Somebody pays into a deposit reference.
    fn pay_deposit(&self, reference: &DepositReference, pay: PayDeposit) -> Result<Paid, Error>;
    /// Blocks are made.
    fn mine(&self, mine: Mine) -> Result<Mined, Error>;
    /// A chain changes its mind.
    fn reorg(&self, reorg: Reorg) -> Result<ChainHead, Error>;
    /// What time it is.
    fn clock(&self) -> ClockState;
    /// Time passes.
    fn advance(&self, advance: Advance) -> BoxFuture<'_, Result<ClockState, Error>>;
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
        .route("/clock", get(clock))
        .route("/clock/advance", post(advance))
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
    Ok(json(200, &both.sandbox.pay_deposit(&reference, pay)?))
}

async fn mine(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.mine(parse(&body(request, BODY_MAX).await?)?)?))
}

async fn reorg(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.reorg(parse(&body(request, BODY_MAX).await?)?)?))
}

async fn clock(State(both): State<Both>, _: Player) -> Response {
    json(200, &both.sandbox.clock())
}

async fn advance(State(both): State<Both>, _: Player, request: Request) -> Result<Response, Reject> {
    Ok(json(200, &both.sandbox.advance(parse(&body(request, BODY_MAX).await?)?).await?))
}
