//! What simulated payers send, and how: from an order or a reference to transfers on a chain. What a chain cannot do honestly is refused here,
//! with a reason.

use payin_core::{Chain, Error, Token, Units};
use payin_types::sandbox::{PayDeposit, PaymentKind};
use payin_types::{Amount, ChainId, Currency, DepositReference, ErrorCode, Order};

use crate::sandbox::world::Sent;
use crate::sandbox::{World, WorldFault};

/// What a token keeps that keeps something: a hundredth.
const FEE: u128 = 100;

/// A payment: on which chain, to which address, and what each of its transactions sends.
pub(super) struct Payment {
    pub(super) chain_id: ChainId,
    pub(super) to: String,
    pub(super) transactions: Vec<Vec<Sent>>,
}

/// The way to pay, if it is one.
pub(super) fn known(kind: Option<PaymentKind>) -> Result<PaymentKind, Error> {
    match kind.unwrap_or(PaymentKind::Exact) {
        PaymentKind::Unknown(word) => Err(Error::field("kind", format!("'{}' is no way to pay", payin_core::error::shown(&word)))),
        kind => Ok(kind),
    }
}

/// Whether somebody who pays so means to pay what is due, and so cannot where nothing is.
pub(super) fn is_all_that_is_due(kind: &PaymentKind) -> bool {
    matches!(kind, PaymentKind::Exact | PaymentKind::InParts | PaymentKind::Twice | PaymentKind::TwoInOne | PaymentKind::FeeOnTransfer)
}

/// What somebody pays to an order: so much, or as the kind says of what remains.
pub(super) fn of_order(world: &World, order: &Order, amount: Option<Amount>, kind: &PaymentKind) -> Result<Payment, Error> {
    let chain = chain(world, &order.chain_id)?;
    let remaining = units(order.amount)?.saturating_sub(order.received_amount.map_or(Ok(Units::ZERO), units)?);
    let remaining = if remaining.is_zero() { units(order.amount)? } else { remaining };
    let amount = match (amount, kind) {
        (Some(amount), _) => units(amount)?,
        (None, PaymentKind::Under) => remaining.half(),
        (None, PaymentKind::Over) => remaining.checked_add(remaining.half()).unwrap_or(remaining),
        (None, _) => remaining,
    };
    payment(world, chain, &order.currency, &order.address, amount, kind)
}

/// What somebody pays into a reference.
pub(super) fn of_deposit(world: &World, reference: &DepositReference, pay: &PayDeposit) -> Result<Payment, Error> {
    let kind = known(pay.kind.clone())?;
    if matches!(kind, PaymentKind::Under | PaymentKind::Over | PaymentKind::Late) {
        return Err(Error::field("kind", format!("a reference asks for no amount and has no end, so nothing paid into it is '{kind}'")));
    }
    let bound = |chain: &ChainId| reference.addresses.iter().find(|address| &address.chain_id == chain);
    let first = reference.addresses.first().ok_or_else(|| Error::field("depositReference", "has no address"))?;
    let chain_id = pay.chain_id.as_ref().unwrap_or(&first.chain_id);
    let payee = bound(chain_id).unwrap_or(first);
    let currency = pay.currency.as_ref().unwrap_or(&payee.currency);
    payment(world, chain(world, chain_id)?, currency, &payee.address, units(pay.amount)?, &kind)
}

fn chain<'a>(world: &'a World, id: &ChainId) -> Result<&'a Chain, Error> {
    Ok(world.chains().find(|chain| &chain.id == id).ok_or_else(|| WorldFault::NoChain(id.clone()))?)
}

fn token<'a>(chain: &'a Chain, currency: &Currency) -> Result<&'a Token, Error> {
    chain.token(currency).ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, format!("{currency} is not on {}", chain.id)))
}

fn payment(world: &World, chain: &Chain, currency: &Currency, to: &str, amount: Units, kind: &PaymentKind) -> Result<Payment, Error> {
    let chain = if *kind == PaymentKind::WrongChain { another(world, chain, currency)? } else { chain };
    let asked = token(chain, currency)?;
    let base = base_units(asked, amount)?;
    let exact = |value| Sent::Token(asked.clone(), value);
    let transactions = match kind {
        PaymentKind::FakeToken => vec![vec![Sent::Fake(base)]],
        PaymentKind::WrongToken => {
            let other = chain.tokens.iter().find(|other| other.currency != *currency);
            let other = other.ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "The chain has no other token"))?;
            vec![vec![Sent::Token(other.clone(), base_units(other, amount)?)]]
        }
        PaymentKind::InParts => {
            let (one, other) = halves(base)?;
            vec![vec![exact(one)], vec![exact(other)]]
        }
        PaymentKind::TwoInOne => {
            let (one, other) = halves(base)?;
            vec![vec![exact(one), exact(other)]]
        }
        PaymentKind::Twice => vec![vec![exact(base)], vec![exact(base)]],
        PaymentKind::FeeOnTransfer => {
            let fee = (base / FEE).max(1);
            let arrives = base.checked_sub(fee).filter(|arrives| *arrives > 0);
            let arrives = arrives.ok_or_else(|| Error::new(ErrorCode::InvalidAmount, "Nothing would arrive of so little"))?;
            vec![vec![Sent::Taxed(asked.clone(), arrives, fee)]]
        }
        _ => vec![vec![exact(base)]],
    };
    Ok(Payment { chain_id: chain.id.clone(), to: to.to_owned(), transactions })
}

/// Another chain on which the same address can be paid in the same currency.
fn another<'a>(world: &'a World, chain: &Chain, currency: &Currency) -> Result<&'a Chain, Error> {
    let other = world.chains().find(|other| other.protocol == chain.protocol && other.id != chain.id && other.token(currency).is_some());
    other.ok_or_else(|| Error::field("kind", format!("no other simulated chain has the address and {currency}: {} is alone", chain.id)))
}

fn halves(base: u128) -> Result<(u128, u128), Error> {
    let half = base / 2;
    if half == 0 {
        return Err(Error::new(ErrorCode::InvalidAmount, "So little cannot be sent in two transfers"));
    }
    Ok((half, base.saturating_sub(half)))
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
