//! What the sandbox API does to the simulated world: payments, blocks, reorganisations, time. It must not touch the database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::order::check_chain;
use payin_core::{Chain, Error, Token, Units};
use payin_types::sandbox::{Advance, ChainHead, ClockState, Mine, Mined, Paid, Pay, PayDeposit, PaymentKind, Reorg};
use payin_types::{Amount, ChainId, DepositReference, ErrorCode, Order, OrderStatus};
use tokio::sync::Notify;

use crate::app::{App, progress};
use crate::env::{Clock as _, SystemClock};
use crate::http::sandbox::Sandbox;
use crate::sandbox::world::Sent;
use crate::sandbox::{World, WorldFault};

/// How long a call that moves the clock waits for the watchers at most.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(5);

/// The world as the sandbox API offers it.
pub(super) struct Play {
    pub(super) app: App,
    pub(super) world: Arc<World>,
    /// Rung when something has changed.
    pub(super) wake: Arc<Notify>,
}

impl From<WorldFault> for Error {
    fn from(fault: WorldFault) -> Self {
        match fault {
            WorldFault::NoChain(_) => Self::new(ErrorCode::InvalidChain, fault.to_string()),
            WorldFault::Address(_) => Self::field("orderId", fault.to_string()),
            WorldFault::TooMuch => Self::new(ErrorCode::InvalidAmount, fault.to_string()),
            WorldFault::Reorg(_) => Self::field("depth", fault.to_string()),
        }
    }
}

impl Play {
    fn changed(&self) {
        self.wake.notify_waiters();
    }

    /// Waits until the watchers have come to where the clock was moved: before that no order is taken. Not for ever: a chain that a test
    /// makes stand still shall be seen to.
    async fn followed(&self) {
        let give_up = SystemClock.now().plus(FOLLOWED_WITHIN);
        for chain in self.world.chains() {
            while SystemClock.now() < give_up {
                self.changed();
                let head = progress::cursor(&self.app, chain).await.ok().flatten().map(|cursor| cursor.head_time);
                if check_chain(chain, head, self.world.clock().now()).is_ok() {
                    break;
                }
                SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(2))).await;
            }
        }
    }

    fn pay_now(&self, order: &Order, pay: &Pay) -> Result<Paid, Error> {
        let kind = pay.kind.clone().unwrap_or(PaymentKind::Exact);
        if PaymentKind::known(kind.as_str()).is_none() {
            return Err(Error::field("kind", format!("'{}' is no way to pay", payin_core::error::shown(kind.as_str()))));
        }
        // Paying what is over is refused, unless that is what is to be tried.
        match order.status {
            OrderStatus::Expired if kind != PaymentKind::Late => {
                return Err(Error::new(ErrorCode::OrderExpired, format!("Order {} has expired; create a new one", order.order_id)));
            }
            OrderStatus::Completed if kind == PaymentKind::Exact && pay.amount.is_none() => {
                return Err(Error::new(ErrorCode::OrderAlreadyPaid, format!("Order {} is already paid", order.order_id)));
            }
            _ => {}
        }
        let chain =
            self.world.chains().find(|chain| chain.id == order.chain_id).ok_or_else(|| WorldFault::NoChain(order.chain_id.clone()))?;
        let sent = sent(chain, order, pay, &kind)?;
        if kind == PaymentKind::Late {
            let closes = order.grace_period_ends_at.unwrap_or(order.expires_at);
            self.world.advance(closes.since(self.world.clock().now()) + Duration::from_secs(60));
        }
        let tx_hash = self.world.pay(&chain.id, &order.address, &sent)?;
        if pay.mine.unwrap_or(true) {
            self.world.mine(Some(&chain.id), 1)?;
        }
        self.changed();
        Ok(Paid { chain_id: chain.id.clone(), tx_hash })
    }
}

/// So much of a token, if the token can express it.
fn base_units(token: &Token, amount: Units) -> Result<u128, Error> {
    let base = amount.to_base_units(token.decimals).filter(|base| *base > 0);
    base.ok_or_else(|| {
        let message = format!("{} has {} decimals and cannot express that amount", token.currency, token.decimals);
        Error::new(ErrorCode::InvalidAmount, message)
    })
}

fn units(amount: Amount) -> Result<Units, Error> {
    Units::from_amount(amount).ok_or_else(|| Error::new(ErrorCode::InvalidAmount, "The amount is too large"))
}

/// What a payer of this kind sends.
fn sent(chain: &Chain, order: &Order, pay: &Pay, kind: &PaymentKind) -> Result<Sent, Error> {
    let token =
        chain.token(&order.currency).ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The order's currency is not on its chain"))?;
    let remaining = units(order.amount)?.saturating_sub(order.received_amount.map_or(Ok(Units::ZERO), units)?);
    let remaining = if remaining.is_zero() { units(order.amount)? } else { remaining };
    let amount = match (pay.amount, kind) {
        (Some(amount), _) => units(amount)?,
        (None, PaymentKind::Under) => remaining.half(),
        (None, PaymentKind::Over) => remaining.checked_add(remaining.half()).unwrap_or(remaining),
        (None, _) => remaining,
    };
    match kind {
        PaymentKind::FakeToken => Ok(Sent::Fake(base_units(token, amount)?)),
        PaymentKind::WrongToken => {
            let other = chain.tokens.iter().find(|other| other.currency != order.currency);
            let other = other.ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The chain has no other token"))?;
            Ok(Sent::Token(other.clone(), base_units(other, amount)?))
        }
        _ => Ok(Sent::Token(token.clone(), base_units(token, amount)?)),
    }
}

fn within(field: &str, value: u64, most: u64) -> Result<(), Error> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(Error::field(field, format!("must be 1 to {most}, is {value}"))) }
}

impl Sandbox for Play {
    fn pay<'a>(&'a self, order: &'a Order, pay: Pay) -> BoxFuture<'a, Result<Paid, Error>> {
        async move {
            let paid = self.pay_now(order, &pay)?;
            if pay.kind == Some(PaymentKind::Late) {
                self.followed().await;
            }
            Ok(paid)
        }
        .boxed()
    }

    fn pay_deposit(&self, reference: &DepositReference, pay: PayDeposit) -> Result<Paid, Error> {
        let bound = |chain: &ChainId| reference.addresses.iter().find(|address| &address.chain_id == chain);
        let first = reference.addresses.first().ok_or_else(|| Error::field("depositReference", "has no address"))?;
        let chain_id = pay.chain_id.as_ref().unwrap_or(&first.chain_id);
        let chain = self.world.chains().find(|chain| &chain.id == chain_id).ok_or_else(|| WorldFault::NoChain(chain_id.clone()))?;
        let payee = bound(chain_id).unwrap_or(first);
        let currency = pay.currency.as_ref().unwrap_or(&payee.currency);
        let token = chain.token(currency).ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The currency is not on that chain"))?;
        let sent = Sent::Token(token.clone(), base_units(token, units(pay.amount)?)?);
        let tx_hash = self.world.pay(&chain.id, &payee.address, &sent)?;
        if pay.mine.unwrap_or(true) {
            self.world.mine(Some(&chain.id), 1)?;
        }
        self.changed();
        Ok(Paid { chain_id: chain.id.clone(), tx_hash })
    }

    fn mine(&self, mine: Mine) -> Result<Mined, Error> {
        let blocks = mine.blocks.unwrap_or(1);
        within("blocks", u64::from(blocks), 1000)?;
        let grown = self.world.mine(mine.chain_id.as_ref(), blocks)?;
        self.changed();
        Ok(Mined { chains: grown.into_iter().map(|(chain_id, head)| ChainHead { chain_id, head }).collect() })
    }

    fn reorg(&self, reorg: Reorg) -> Result<ChainHead, Error> {
        within("depth", u64::from(reorg.depth), 1000)?;
        let head = self.world.reorg(&reorg.chain_id, reorg.depth, reorg.drop.unwrap_or(false))?;
        self.changed();
        Ok(ChainHead { chain_id: reorg.chain_id, head })
    }

    fn clock(&self) -> ClockState {
        ClockState { now: self.world.clock().now(), frozen: self.world.clock().is_frozen() }
    }

    fn advance(&self, advance: Advance) -> BoxFuture<'_, Result<ClockState, Error>> {
        async move {
            within("seconds", advance.seconds, 31_536_000)?;
            self.world.advance(Duration::from_secs(advance.seconds));
            self.followed().await;
            Ok(self.clock())
        }
        .boxed()
    }
}
