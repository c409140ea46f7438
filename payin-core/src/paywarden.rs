//! What the PayWarden API's documents say of an order: what opens one, the words for where it stands, what its merchant is told and how
//! often that is tried. Sources: its Payments API document, else its guides, version 1. It decides nothing about money.

pub mod admin;

use std::time::Duration;

use payin_types::id::hex;
use payin_types::paywarden::{
    CheckoutStatus, CreatePayment, Payment, PaymentEvent, PaymentEventType, PaymentStatus, TimelineEvent, TimelineType,
};
use payin_types::{CreateOrder, Currency, ErrorCode, Protocol, SecretString, Timestamp, signature};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::delivery::{Attempted, Next, is_received};
use crate::dialect::{Change, Changed, Dialect, Heard, Stage};
use crate::error::shown;
use crate::order::{Facts, Settings};
use crate::{Chain, Chains, Error, finality, metadata, reference};

/// The time to pay (source: guide "Order lifecycle", `ORDER_EXPIRY_MINUTES`; the document's example lasts as long).
pub const WINDOW: Duration = Duration::from_secs(60 * 60);

/// How often a webhook is tried in all (source: Payments API, "failed").
const ATTEMPTS_MAX: u64 = 10;

/// The one currency (source: Payments API, "Must be USDT").
const CURRENCY: &str = "USDT";

/// What the configuration calls it.
pub const NAME: &str = "paywarden";

/// The PayWarden API's rules, as the use cases ask for them.
#[derive(Debug, Clone, Copy)]
pub struct PayWarden;

impl Dialect for PayWarden {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self, deployment: &Settings) -> Settings {
        settings(deployment)
    }

    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error> {
        check_metadata(data)
    }

    fn tells(&self, change: Change, order: &Changed<'_>) -> Option<(&'static str, String)> {
        event_word(change, order.after).map(|word| (word, event_body(word, order.after, Some(order.head))))
    }

    fn awaits(&self) -> bool {
        true
    }

    fn headers(&self, secrets: &[SecretString], event_id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        // One signature: by the secret that receivers have had for longest.
        let signature = secrets.last().map(|secret| ("X-PayWarden-Signature", signature::sign_paywarden(secret, body)));
        let others = [("X-Idempotency-Key", idempotency_key(event_id)), ("User-Agent", "PayWarden-Webhook/1.0".to_owned())];
        signature.into_iter().chain(others).collect()
    }

    fn next(&self, attempt: &Attempted<'_>) -> Option<Next> {
        Some(next(attempt))
    }
}

/// What orders may be: an hour. What counts as paid, and for how long after the hour, the documents leave to the deployment.
#[must_use]
fn settings(deployment: &Settings) -> Settings {
    Settings { window: WINDOW, total_max: WINDOW.saturating_add(deployment.grace), ..*deployment }
}

/// The bounds on the merchant's own data: any number of pairs (source: Payments API, "arbitrary"), within what a webhook can bear.
///
/// # Errors
/// `VALIDATION_ERROR`.
fn check_metadata(data: &Map<String, Value>) -> Result<(), Error> {
    metadata::check_size(data)
}

/// The Tron network of this deployment: the one that has the token.
///
/// # Errors
/// `CHAIN_UNAVAILABLE`.
pub fn network(chains: &Chains) -> Result<&Chain, Error> {
    let has_token = |chain: &&Chain| chain.protocol == Protocol::Tron && chain.token(&Currency::from(CURRENCY)).is_some();
    let none = || {
        Error::new(ErrorCode::ChainUnavailable, "This server follows no Tron network, so it takes no payments; its operator can add one")
    };
    chains.iter().find(has_token).ok_or_else(none)
}

/// The order that a payment request asks for.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field; `CHAIN_UNAVAILABLE`.
pub fn order(request: &CreatePayment, chains: &Chains) -> Result<CreateOrder, Error> {
    if request.currency.as_str() != CURRENCY {
        return Err(Error::field("currency", format!("must be {CURRENCY}, is '{}'", shown(request.currency.as_str()))));
    }
    reference::check("external_id", &request.external_id)?;
    let mut order = CreateOrder::new(request.external_id.as_str(), request.amount, CURRENCY, network(chains)?.id.clone());
    order.metadata = Some(request.metadata.clone().unwrap_or_default());
    Ok(order)
}

/// What two requests must have in common to ask for the same order: all that they say, the amount as a number.
#[must_use]
pub fn fingerprint(request: &CreatePayment) -> String {
    let metadata = request.metadata.clone().unwrap_or_default();
    let amount = request.amount.to_decimal().normalize().to_string();
    let said = json!([amount, request.currency, request.external_id, request.webhook_url, metadata]);
    hex(&Sha256::digest(said.to_string().as_bytes()))
}

/// The word for where an order stands.
#[must_use]
pub fn status(stage: Stage) -> PaymentStatus {
    match stage {
        Stage::Open => PaymentStatus::Pending,
        Stage::Seen => PaymentStatus::Detected,
        Stage::Paid => PaymentStatus::Confirmed,
        Stage::Acknowledged => PaymentStatus::Completed,
        Stage::GivenUp => PaymentStatus::Failed,
        Stage::Expired => PaymentStatus::Expired,
    }
}

/// Where the orders stand for which this is the word.
///
/// # Errors
/// `VALIDATION_ERROR` for a word that is none.
pub fn stage(word: &PaymentStatus) -> Result<Stage, Error> {
    let found = Stage::ALL.iter().find(|(stage, _)| &status(*stage) == word).map(|(stage, _)| *stage);
    found.ok_or_else(|| {
        let words: Vec<&str> = PaymentStatus::KNOWN.iter().map(PaymentStatus::as_str).collect();
        Error::field("status", format!("'{}' is none; there are {}", shown(word.as_str()), words.join(", ")))
    })
}

fn confirmations(facts: &Facts, head: Option<u64>) -> Option<u64> {
    // What its chain has taken back has none, whatever stands in its former block now.
    let count = |head, block| if facts.reverted_at.is_some() { 0 } else { finality::confirmations(head, block) };
    facts.payment.as_ref().zip(head).map(|(payment, head)| count(head, payment.block_number))
}

fn tx_hash(facts: &Facts) -> Option<String> {
    facts.payment.as_ref().map(|payment| payment.tx_hash.clone())
}

/// The page where the customer pays.
fn checkout_url(facts: &Facts, public_url: Option<&str>) -> Option<String> {
    public_url.map(|root| format!("{root}/checkout/{}", facts.id))
}

/// A payment as it was just created.
#[must_use]
pub fn created(facts: &Facts, public_url: Option<&str>) -> Payment {
    Payment {
        id: facts.id.clone(),
        status: PaymentStatus::Pending,
        amount: facts.terms.amount,
        amount_received: None,
        currency: facts.terms.currency.clone(),
        address: facts.address.as_str().to_owned(),
        external_id: facts.terms.reference.clone(),
        tx_hash: None,
        confirmations: None,
        expires_at: facts.window_ends_at(),
        created_at: facts.created_at,
        confirmed_at: None,
        paid_late_at: None,
        checkout_url: checkout_url(facts, public_url),
        metadata: None,
        events: None,
        extra: Map::new(),
    }
}

/// A payment as it stands, without its timeline.
#[must_use]
pub fn payment(facts: &Facts, heard: Heard, head: Option<u64>, public_url: Option<&str>) -> Payment {
    Payment {
        status: status(Stage::of(facts, heard)),
        amount_received: Some(facts.received.to_amount()),
        tx_hash: tx_hash(facts),
        confirmations: confirmations(facts, head),
        confirmed_at: facts.completed_at,
        paid_late_at: paid_late_at(facts),
        metadata: (!facts.terms.metadata.is_empty()).then(|| facts.terms.metadata.clone()),
        ..created(facts, public_url)
    }
}

/// A payment as it stands, with what happened to it.
#[must_use]
pub fn payment_with_timeline(facts: &Facts, heard: Heard, head: Option<u64>, public_url: Option<&str>) -> Payment {
    Payment { events: Some(timeline(facts, heard)), ..payment(facts, heard, head, public_url) }
}

/// When money came too late for the order, once that is certain.
fn paid_late_at(facts: &Facts) -> Option<Timestamp> {
    facts.paid_late_at.filter(|_| facts.is_paid_late())
}

fn timeline(facts: &Facts, heard: Heard) -> Vec<TimelineEvent> {
    let event = |event_type: TimelineType, at: Option<Timestamp>| {
        at.map(|at| TimelineEvent {
            tx_hash: if event_type == TimelineType::Detected { tx_hash(facts) } else { None },
            confirmations: (event_type == TimelineType::Confirmed).then_some(facts.required_confirmations),
            event_type,
            at,
            extra: Map::new(),
        })
    };
    let answered = facts.completed_at.is_some();
    let all = [
        event(TimelineType::Created, Some(facts.created_at)),
        event(TimelineType::Detected, facts.seen_at),
        event(TimelineType::Confirmed, facts.completed_at),
        event(TimelineType::Completed, heard.acknowledged_at.filter(|_| answered)),
        event(TimelineType::Failed, heard.given_up_at.filter(|_| answered && heard.acknowledged_at.is_none())),
        event(TimelineType::Reverted, facts.reverted_at),
        event(TimelineType::Expired, facts.expired_at),
        event(TimelineType::PaidLate, paid_late_at(facts)),
    ];
    let mut timeline: Vec<_> = all.into_iter().flatten().collect();
    timeline.sort_by_key(|event| event.at);
    timeline
}

/// A payment as its payer may see it.
#[must_use]
pub fn checkout(facts: &Facts, heard: Heard, head: Option<u64>) -> CheckoutStatus {
    CheckoutStatus {
        id: facts.id.clone(),
        status: status(Stage::of(facts, heard)),
        amount: facts.terms.amount,
        amount_received: facts.received.to_amount(),
        currency: facts.terms.currency.clone(),
        address: facts.address.as_str().to_owned(),
        confirmations: confirmations(facts, head).unwrap_or(0),
        required_confirmations: facts.required_confirmations,
        expires_at: facts.window_ends_at(),
        extra: Map::new(),
    }
}

/// What a change is called. The documents have no word for a payment that was confirmed and is gone; a merchant who was told that it is
/// there is told of that, too, and when it is there again. One that was only seen was never promised.
#[must_use]
fn event_word(change: Change, facts: &Facts) -> Option<&'static str> {
    match change {
        Change::Seen => Some("payment.detected"),
        Change::Underpaid => Some("payment.underpaid"),
        Change::Paid | Change::PaidAgain => Some("payment.confirmed"),
        Change::TakenBack => facts.reverted_at.map(|_| "payment.reverted"),
        Change::Expired => Some("payment.expired"),
    }
}

/// The body that tells of a change, rendered once and sent byte for byte on every attempt.
#[must_use]
fn event_body(word: &str, facts: &Facts, head: Option<u64>) -> String {
    let event = PaymentEvent {
        event: PaymentEventType::from(word),
        order_id: facts.id.clone(),
        external_id: facts.terms.reference.clone(),
        amount: facts.terms.amount,
        amount_received: facts.received.to_amount(),
        currency: facts.terms.currency.clone(),
        address: facts.address.as_str().to_owned(),
        tx_hash: tx_hash(facts),
        confirmations: confirmations(facts, head).unwrap_or(0),
        created_at: facts.created_at,
        confirmed_at: facts.completed_at,
        metadata: facts.terms.metadata.clone(),
        extra: Map::new(),
    };
    // Maps with text keys always serialise.
    serde_json::to_string(&event).unwrap_or_default()
}

/// The `X-Idempotency-Key` of an event: a UUID (source: guide "Webhooks"), the same on every attempt.
#[must_use]
fn idempotency_key(event_id: &str) -> String {
    let mut bytes: [u8; 16] = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(event_id.as_bytes())).for_each(|(byte, hashed)| *byte = hashed);
    // Version 8, "custom", variant 1 (RFC 9562).
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let digits = hex(&number.to_be_bytes());
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Any answer but 2xx is tried again, 410 too: after 2, 4, 8, … 512 seconds, and then it is enough.
#[must_use]
fn next(attempt: &Attempted<'_>) -> Next {
    if attempt.status.is_some_and(is_received) {
        return Next::Delivered;
    }
    let attempts = attempt.before.saturating_add(1);
    let wait_s = u32::try_from(attempts).ok().filter(|_| attempts < ATTEMPTS_MAX).and_then(|attempts| 2_u64.checked_pow(attempts));
    wait_s.map_or(Next::GivenUp, |wait_s| Next::At(attempt.ended_at.plus(Duration::from_secs(wait_s))))
}

/// Why a wallet is not made here.
#[must_use]
pub fn keyless() -> Error {
    let why =
        "must be the account's extended public key (m/44'/195'/0'): this server keeps no keys, so it makes no mnemonic and takes none";
    Error::field("xpub", why)
}

#[cfg(test)]
mod tests;
