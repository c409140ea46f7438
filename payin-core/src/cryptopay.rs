//! What the CryptoPay API's documents say of an order: the words for where it stands, and how it and its payments are shown. What opens
//! one, what is told of it, how lists are divided and how often a merchant may ask stand below. Sources: its API overview, else its guides.
//! It decides nothing about money.

pub mod hooks;
pub mod pages;
pub mod plan;
pub mod wish;

use payin_types::cryptopay::{OrderTransaction, PaymentOrder, PaymentOrderStatus, Transaction, User};
use payin_types::{OrderId, SecretString, UserId, signature};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::delivery::{Attempted, Next};
use crate::dialect::{Change, Changed, Dialect};
use crate::order::{Facts, Settings};
use crate::record::{Depth, Record};
use crate::{Error, finality};
use wish::{ORDER_INFO, slug};

/// What the configuration calls it.
pub const NAME: &str = "cryptopay";

/// The CryptoPay API's rules, as the use cases ask for them.
#[derive(Debug, Clone, Copy)]
pub struct CryptoPay;

impl Dialect for CryptoPay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn called(&self, order: &OrderId) -> String {
        order_id(order)
    }

    fn settings(&self, deployment: &Settings) -> Settings {
        wish::settings(deployment)
    }

    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error> {
        wish::check_metadata(data)
    }

    fn tells(&self, change: Change, order: &Changed<'_>) -> Option<(&'static str, String)> {
        hooks::tells(change, order)
    }

    fn awaits(&self) -> bool {
        false
    }

    fn headers(&self, secrets: &[SecretString], _event_id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
        // One signature: by the secret that receivers have had for longest.
        let signature = secrets.last().map(|secret| ("X-Webhook-Signature", signature::sign_cryptopay(secret, body)));
        signature.into_iter().chain([("User-Agent", "CryptoPay-Webhook/1.0".to_owned())]).collect()
    }

    // Its documents name no schedule: the native one, which loses nothing of a merchant who is down for a day.
    /// The documents name no schedule.
    fn next(&self, _attempt: &Attempted<'_>) -> Option<Next> {
        None
    }
}

/// Somebody with a password, as this API shows them: their number is 48 bits of a hash of their id, which stays, and is no key of anything.
#[must_use]
pub fn user(id: &UserId, name: &str, email: &str) -> User {
    let number = Sha256::digest(id.as_str().as_bytes()).iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    User { id: number, username: name.to_owned(), email: email.to_owned(), extra: Map::new() }
}

/// What an order is called: `ORD-` and its id's own digits.
#[must_use]
pub fn order_id(id: &OrderId) -> String {
    format!("ORD-{}", id.as_str().strip_prefix("ord_").unwrap_or(id.as_str()))
}

/// What an order is named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Its number among its merchant's orders.
    Number(u64),
    /// Its id.
    Id(OrderId),
}

/// Reads what an order is named by: its number, or `ORD-…`. `None`: no order is named so.
#[must_use]
pub fn named(text: &str) -> Option<Named> {
    match text.strip_prefix("ORD-") {
        Some(digits) => Some(Named::Id(OrderId::from(format!("ord_{digits}")))),
        None => text.parse().ok().filter(|number: &u64| number.to_string() == text).map(Named::Number),
    }
}

/// The word for where an order stands.
#[must_use]
pub fn status(facts: &Facts) -> PaymentOrderStatus {
    match (facts.completed_at, facts.expired_at) {
        (Some(_), _) if facts.reverted_at.is_some() => PaymentOrderStatus::Failed,
        (Some(_), _) => PaymentOrderStatus::Confirmed,
        (None, Some(_)) => PaymentOrderStatus::Expired,
        (None, None) => PaymentOrderStatus::Pending,
    }
}

/// The merchant's own data, as it was sent.
fn order_info(facts: &Facts) -> String {
    facts.terms.metadata.get(ORDER_INFO).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn confirmations(facts: &Facts, head: Option<u64>) -> u64 {
    // What its chain has taken back has none, whatever stands in its former block now.
    match (&facts.payment, head) {
        (Some(payment), Some(head)) if facts.reverted_at.is_none() => finality::confirmations(head, payment.block_number),
        _ => 0,
    }
}

/// A payment order as it stands, given its number and its chain's newest block.
#[must_use]
pub fn payment_order(facts: &Facts, number: u64, head: Option<u64>, public_url: Option<&str>) -> PaymentOrder {
    let order_id = order_id(&facts.id);
    let transaction = facts.payment.as_ref().map(|payment| OrderTransaction {
        transaction_hash: payment.tx_hash.clone(),
        block_number: payment.block_number,
        confirmations: confirmations(facts, head),
        required_confirmations: facts.required_confirmations,
        extra: Map::new(),
    });
    PaymentOrder {
        id: number,
        amount: facts.terms.amount,
        amount_received: Some(facts.received.to_amount()),
        currency: facts.terms.currency.clone(),
        blockchain: slug(&facts.terms.chain_id).to_owned(),
        status: status(facts),
        receiving_address: facts.address.as_str().to_owned(),
        payment_url: format!("{}/order/{order_id}", public_url.unwrap_or_default()),
        qr_code_url: format!("/qr/{order_id}"),
        order_id,
        order_info: order_info(facts),
        // The reference of an order of this API is its nonce.
        nonce: facts.terms.reference.parse().unwrap_or_default(),
        redirect_url: facts.terms.success_url.clone(),
        created_at: facts.created_at,
        expires_at: facts.window_ends_at(),
        confirmed_at: facts.completed_at,
        paid_late_at: facts.paid_late_at.filter(|_| facts.is_paid_late()),
        transaction,
        extra: Map::new(),
    }
}

/// A payment as it stands.
#[must_use]
pub fn transaction(record: &Record, head: Option<u64>) -> Transaction {
    let transfer = record.to_wire(Depth { head, required: None });
    Transaction {
        id: transfer.transfer_id,
        transaction_hash: transfer.tx_hash,
        order_id: transfer.order_id.as_ref().map(order_id),
        blockchain: slug(&transfer.chain_id).to_owned(),
        currency: transfer.currency,
        amount: transfer.amount,
        from_address: transfer.from_address,
        to_address: transfer.to_address,
        block_number: transfer.block_number,
        confirmations: transfer.confirmations,
        status: transfer.status,
        created_at: transfer.detected_at,
        confirmed_at: transfer.confirmed_at,
        unmatched_reason: transfer.unmatched_reason,
        extra: Map::new(),
    }
}

/// Of the payments that one transaction bears, the one that is meant by its hash: one that counts before one that does not, and then by
/// their places in it.
#[must_use]
pub fn by_hash(records: &[Record]) -> Option<&Record> {
    records.iter().min_by_key(|record| (record.unmatched.is_some(), record.transfer.ordinal))
}

#[cfg(test)]
mod tests;
