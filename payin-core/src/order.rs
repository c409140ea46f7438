//! What an order is: which requests open one, how its facts read as a status, when it is paid and when it expires.
//! It must not look anything up: the facts are arguments.

mod received;

use std::time::Duration;

use payin_types::{
    ChainId, CreateOrder, Currency, ErrorCode, Order, OrderId, OrderStatus, OrganizationId, PaymentLinkId, Protocol, Timestamp,
};
use serde_json::{Map, Value};

use crate::address::Address;
use crate::dialect::{self, Origin};
use crate::error::shown;
use crate::{Chain, Chains, Error, Units, finality, metadata, reference, web_url};
use payin_types::Amount;
pub use received::{Counted, Received, expire, see, settle, take_back};

/// What a deployment lets orders be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Time to send, where the request says nothing (source: Orders API, 10 minutes).
    pub window: Duration,
    /// Time after the window in which a payment still counts (source: Orders API, 5 minutes).
    pub grace: Duration,
    /// The most that window and grace may come to (source: the vendor's order guide, 60 minutes).
    pub total_max: Duration,
    /// How much less than the amount still completes an order.
    pub tolerance: Units,
}

impl Default for Settings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self { window: minutes(10), grace: minutes(5), total_max: minutes(60), tolerance: Units::ZERO }
    }
}

/// A request that may become an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The merchant's id.
    pub reference: String,
    /// As the merchant wrote it.
    pub amount: Amount,
    /// The same as a number.
    pub units: Units,
    /// The currency asked for.
    pub currency: Currency,
    /// The chain asked for.
    pub chain_id: ChainId,
    /// Its family.
    pub protocol: Protocol,
    /// The merchant's own data.
    pub metadata: Map<String, Value>,
    /// Where the payer goes after payment.
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    pub cancel_url: Option<String>,
    /// Time to send.
    pub window: Duration,
    /// Time after it in which a payment still counts.
    pub grace: Duration,
}

/// Checks a request against what the deployment offers.
///
/// # Errors
/// `VALIDATION_ERROR`, `INVALID_AMOUNT`, `INVALID_CHAIN` or `INVALID_CURRENCY`, saying what is wrong and what would do.
pub fn open(request: CreateOrder, chains: &Chains, settings: &Settings) -> Result<Terms, Error> {
    open_with(request, chains, settings, &metadata::check)
}

/// The bounds that an API sets on the merchant's own data.
pub type MetadataCheck<'a> = &'a dyn Fn(&Map<String, Value>) -> Result<(), Error>;

/// As [`open`], for an API that sets other bounds on the merchant's own data.
///
/// # Errors
/// As [`open`].
pub fn open_with(request: CreateOrder, chains: &Chains, settings: &Settings, check_metadata: MetadataCheck<'_>) -> Result<Terms, Error> {
    reference::check("orderReference", &request.order_reference)?;
    let chain = chains.find(&request.chain_id)?;
    let token = chains.find_token(chain, &request.currency)?;
    let units = amount(request.amount, token.decimals)?;
    let metadata = request.metadata.unwrap_or_default();
    check_metadata(&metadata)?;
    for (field, url) in [("successUrl", &request.success_url), ("cancelUrl", &request.cancel_url)] {
        url.as_deref().map_or(Ok(()), |url| web_url::redirect(field, url))?;
    }
    let window = minutes("paymentWindowMinutes", request.payment_window_minutes, 1..=60)?.unwrap_or(settings.window);
    let grace = minutes("gracePeriodMinutes", request.grace_period_minutes, 0..=30)?.unwrap_or(settings.grace);
    if window.saturating_add(grace) > settings.total_max {
        let most = settings.total_max.as_secs() / 60;
        return Err(Error::field("paymentWindowMinutes", format!("window and grace together must be at most {most} minutes")));
    }
    Ok(Terms {
        reference: request.order_reference,
        amount: request.amount,
        units,
        currency: token.currency.clone(),
        chain_id: chain.id.clone(),
        protocol: chain.protocol.clone(),
        metadata,
        success_url: request.success_url,
        cancel_url: request.cancel_url,
        window,
        grace,
    })
}

/// Exactly representable in the token, positive, at most ten digits before the point. Nothing is rounded.
///
/// # Errors
/// `INVALID_AMOUNT`.
pub fn amount(amount: Amount, decimals: u32) -> Result<Units, Error> {
    let refuse = |message: String| Err(Error::new(ErrorCode::InvalidAmount, message));
    if amount.is_zero() {
        return refuse("Amount must be a positive number".to_owned());
    }
    if amount.scale() > decimals {
        return refuse(format!("Amount {amount} has {} decimals; this token has {decimals}", amount.scale()));
    }
    let digits = amount.to_string().split('.').next().map_or(0, str::len);
    match Units::from_amount(amount) {
        Some(units) if digits <= payin_types::amount::WHOLE_DIGITS_MAX => Ok(units),
        _ => refuse("Amount must have at most 10 digits before the point".to_owned()),
    }
}

fn minutes(field: &str, minutes: Option<u32>, allowed: std::ops::RangeInclusive<u32>) -> Result<Option<Duration>, Error> {
    match minutes {
        Some(minutes) if !allowed.contains(&minutes) => {
            Err(Error::field(field, format!("must be {} to {}, is {minutes}", allowed.start(), allowed.end())))
        }
        minutes => Ok(minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60))),
    }
}

/// Everything the database knows of an order: what happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The gateway's id.
    pub id: OrderId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What was asked for.
    pub terms: Terms,
    /// Where to pay.
    pub address: Address,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the first counting payment was seen.
    pub seen_at: Option<Timestamp>,
    /// When it was paid and confirmed.
    pub completed_at: Option<Timestamp>,
    /// When it expired.
    pub expired_at: Option<Timestamp>,
    /// When money came too late.
    pub paid_late_at: Option<Timestamp>,
    /// When its chain took a confirmed payment back.
    pub reverted_at: Option<Timestamp>,
    /// Sum of its confirmed payments.
    pub received: Units,
    /// The payment that completed it, or the latest one seen.
    pub payment: Option<Payment>,
    /// Confirmations its chain asks for.
    pub required_confirmations: u64,
    /// The payment link it was made through.
    pub payment_link_id: Option<PaymentLinkId>,
    /// The API it came through, if that is not the native one.
    pub origin: Option<Origin>,
}

/// Where a payment stands on its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub block_number: u64,
}

impl Facts {
    /// The end of the payment window.
    #[must_use]
    pub fn window_ends_at(&self) -> Timestamp {
        self.created_at.plus(self.terms.window)
    }

    /// The end of the grace period: a block of this time is the last whose payments count.
    #[must_use]
    pub fn closes_at(&self) -> Timestamp {
        self.window_ends_at().plus(self.terms.grace)
    }

    /// The documents' word for the facts.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        match (self.completed_at, self.expired_at) {
            (Some(_), _) => OrderStatus::Completed,
            (None, Some(_)) => OrderStatus::Expired,
            (None, None) => OrderStatus::Pending,
        }
    }

    /// Whether money came too late for it. Before it expires an order is not yet late: the payment that would save it may still be confirmed.
    #[must_use]
    pub fn is_paid_late(&self) -> bool {
        self.paid_late_at.is_some() && self.expired_at.is_some()
    }

    /// What is still to be paid.
    #[must_use]
    pub fn remaining(&self) -> Units {
        self.terms.units.saturating_sub(self.received)
    }

    /// As the API shows it, given the chain's newest block.
    #[must_use]
    pub fn to_wire(&self, head: Option<u64>) -> Order {
        let terms = &self.terms;
        let mut order = Order::new(
            self.id.clone(),
            terms.reference.clone(),
            terms.amount,
            terms.currency.clone(),
            terms.chain_id.clone(),
            terms.protocol.clone(),
            self.address.as_str().to_owned(),
            self.created_at,
            self.window_ends_at(),
        );
        order.status = self.status();
        order.metadata = terms.metadata.clone();
        order.success_url = terms.success_url.clone();
        order.cancel_url = terms.cancel_url.clone();
        order.grace_period_ends_at = Some(self.closes_at());
        order.received_amount = Some(self.received.to_amount());
        order.paid_late = self.is_paid_late().then_some(true);
        order.detected_at = self.seen_at;
        order.completed_at = self.completed_at;
        order.expired_at = self.expired_at;
        order.tx_hash = self.payment.as_ref().map(|payment| payment.tx_hash.clone());
        order.block_number = self.payment.as_ref().map(|payment| payment.block_number);
        // A payment that its chain has taken back has none, whatever stands in its former block now.
        let confirmed = |(payment, head): (&Payment, u64)| finality::confirmations(head, payment.block_number);
        let taken_back = self.reverted_at.is_some();
        order.confirmations = self.payment.as_ref().zip(head).map(|place| if taken_back { 0 } else { confirmed(place) });
        order.required_confirmations = Some(self.required_confirmations);
        order.payment_link_id = self.payment_link_id.clone();
        order
    }
}

/// Whether what has been received completes an order.
#[must_use]
pub fn is_paid(received: Units, amount: Units, tolerance: Units) -> bool {
    // A tolerance as large as the amount would give small orders away.
    let tolerance = if tolerance < amount { tolerance } else { Units::ZERO };
    !received.is_zero() && received >= amount.saturating_sub(tolerance)
}

/// Whether an order may expire: the chain's confirmed blocks have passed the end of its grace period in *chain* time, and no payment
/// that would count is still waiting for confirmations. Our own clock has no say: while a chain stands still, nothing on it expires.
#[must_use]
pub fn may_expire(closes_at: Timestamp, confirmed_chain_time: Option<Timestamp>, payments_pending: bool) -> bool {
    !payments_pending && confirmed_chain_time.is_some_and(|time| time > closes_at)
}

/// The refusal of a reference that an order has.
#[must_use]
pub fn duplicate(existing: &Facts) -> Error {
    let message = format!("Order with reference '{}' already exists", shown(&existing.terms.reference));
    // Whoever looks for it would not think of another API.
    let elsewhere = existing.origin.as_ref().map(|_| format!(": {} has it", dialect::named(existing))).unwrap_or_default();
    let message = message + &elsewhere;
    Error { existing_order_id: Some(existing.id.clone()), ..Error::new(ErrorCode::DuplicateOrderReference, message) }
}

/// The refusal when no address is free.
#[must_use]
pub fn no_address(protocol: &Protocol) -> Error {
    let message = format!("Address pool exhausted for protocol '{protocol}'; import more addresses or wait until held ones are released");
    Error { retry_after_s: Some(60), ..Error::new(ErrorCode::NoAvailableAddresses, message) }
}

/// How far a chain's time may lie before ours. Further, and a prompt payment would look late by the chain's clock.
const SKEW_MAX: Duration = Duration::from_secs(60);

/// A chain whose newest block is older than this, or than [`STALE_BLOCKS`] of its blocks take, is not sold on: a payment might not be seen
/// before the order's time is over.
const STALE_AFTER: Duration = Duration::from_secs(300);
const STALE_BLOCKS: u64 = 25;

/// How old a chain's newest block may be.
#[must_use]
pub fn stale_after(chain: &Chain) -> Duration {
    STALE_AFTER.max(Duration::from_millis(chain.block_ms.saturating_mul(STALE_BLOCKS)))
}

/// Whether an order can be taken on a chain, given the time of the newest block taken in; `None`: it is not followed.
///
/// # Errors
/// `CHAIN_UNAVAILABLE`.
pub fn check_chain(chain: &Chain, head_time: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    let (stale, chain) = (stale_after(chain), &chain.id);
    let message = match head_time {
        None => format!("Chain '{chain}' is not followed at the moment, so no order is taken on it; try again soon"),
        Some(time) if time > now.plus(SKEW_MAX) => {
            format!("Chain '{chain}' is at {time} and this server's clock at {now}: its operator must set it before orders are taken")
        }
        Some(time) if now.since(time) > stale => {
            format!("Chain '{chain}' is behind: its newest block we know is of {time}, so no order is taken on it; try again soon")
        }
        Some(_) => return Ok(()),
    };
    Err(Error { retry_after_s: Some(10), ..Error::new(ErrorCode::ChainUnavailable, message) })
}

/// Why nothing is taken in a token that its issuer has stopped. `said`: what its contract says.
#[must_use]
pub fn token_stopped(chain: &Chain, currency: &Currency, said: &str) -> Error {
    let message =
        format!("{currency} on '{}' is stopped by its issuer: {said}. Nothing is taken in it; offer another token or chain", chain.id);
    // As often as issuers' contracts are asked.
    Error { retry_after_s: Some(300), ..Error::new(ErrorCode::ChainUnavailable, message) }
}

/// How many confirmations a chain asks for.
#[must_use]
pub fn required_confirmations(chain: &Chain) -> u64 {
    chain.confirmations
}

#[cfg(test)]
mod tests;
