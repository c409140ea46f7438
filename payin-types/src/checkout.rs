//! What a payer may see of an order without a key: answer of `GET /checkout/orders/:orderId`. No metadata, no reference of the merchant's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, OrderId, OrderStatus, Protocol, Timestamp};

/// An order as its payer may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct PublicOrder {
    /// The gateway's id; whoever knows it may see this.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What is to be paid, in whole tokens.
    pub amount: Amount,
    /// Which token.
    pub currency: Currency,
    /// On which chain.
    pub chain_id: ChainId,
    /// That chain's family.
    pub protocol: Protocol,
    /// Where to pay.
    pub address: String,
    /// Sum of the confirmed payments that count, in whole tokens.
    pub received_amount: Amount,
    /// What is still to be paid, in whole tokens.
    pub remaining_amount: Amount,
    /// Money arrived after the grace period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_late: Option<bool>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the payment window ends.
    pub expires_at: Timestamp,
    /// Until when a payment still counts.
    pub grace_period_ends_at: Timestamp,
    /// When a payment was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// When it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_at: Option<Timestamp>,
    /// The transaction of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<String>,
    /// How many blocks confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// How many its chain asks for.
    pub required_confirmations: u64,
    /// Where the payer goes now: once completed or expired, where the merchant gave a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
