//! Payment orders and transactions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::transfer::{TransferStatus, UnmatchedReason};
use crate::{Amount, Currency, Timestamp, TransferId, open_enum};

open_enum! {
    /// Where a payment order stands.
    PaymentOrderStatus {
        /// Waiting for payment, or for its confirmations.
        Pending = "pending",
        /// Paid and confirmed.
        Confirmed = "confirmed",
        /// Its chain has taken a confirmed payment back.
        Failed = "failed",
        /// The time passed without enough payment.
        Expired = "expired",
    }
}

/// Body of `POST /payment-orders/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePaymentOrder {
    /// What is to be paid, in whole tokens; at most the token's decimals.
    pub amount: Amount,
    /// The token: `USDC`, `USDT`, …
    pub currency: Currency,
    /// The chain: `ethereum`, `base`, `polygon`, `bsc` or `arbitrum`.
    pub blockchain: String,
    /// The merchant's own data: a text that is JSON.
    pub order_info: String,
    /// A number that the merchant uses once, at most 2⁵³ − 1. The same request again is the same order.
    pub nonce: u64,
    /// Where the order's events are posted, besides the merchant's endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// Where the customer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// When the time to pay ends; without it the deployment's usual time is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl CreatePaymentOrder {
    /// An order of so much of a token on a chain, with data of the merchant's own.
    #[must_use]
    pub fn new(nonce: u64, amount: Amount, currency: impl Into<Currency>, blockchain: impl Into<String>, order_info: &Value) -> Self {
        Self {
            amount,
            currency: currency.into(),
            blockchain: blockchain.into(),
            order_info: order_info.to_string(),
            nonce,
            webhook_url: None,
            redirect_url: None,
            expires_at: None,
        }
    }

    /// Where the order's events are posted, besides the merchant's endpoints.
    #[must_use]
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Where the customer goes after payment.
    #[must_use]
    pub fn redirect_url(mut self, url: impl Into<String>) -> Self {
        self.redirect_url = Some(url.into());
        self
    }

    /// When the time to pay ends.
    #[must_use]
    pub fn expires_at(mut self, time: Timestamp) -> Self {
        self.expires_at = Some(time);
        self
    }
}

/// A payment order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct PaymentOrder {
    /// Its number among the merchant's orders.
    pub id: u64,
    /// The gateway's id, `ORD-…`.
    pub order_id: String,
    /// What is to be paid, with the scale the merchant wrote.
    pub amount: Amount,
    /// Sum of the confirmed payments that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_received: Option<Amount>,
    /// The token.
    pub currency: Currency,
    /// The chain.
    pub blockchain: String,
    /// Where it stands.
    pub status: PaymentOrderStatus,
    /// Where to pay.
    pub receiving_address: String,
    /// The page where the customer pays.
    pub payment_url: String,
    /// The address as a QR code, an SVG image: a path on the server.
    pub qr_code_url: String,
    /// The merchant's own data, as it was sent.
    pub order_info: String,
    /// The merchant's number.
    pub nonce: u64,
    /// Where the customer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the time to pay ends.
    pub expires_at: Timestamp,
    /// When the payment was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When money came that is too late for the order, which has expired. (Not in the documents.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_late_at: Option<Timestamp>,
    /// The payment that was seen; `None` before.
    pub transaction: Option<OrderTransaction>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct OrderTransaction {
    /// The transaction's hash.
    pub transaction_hash: String,
    /// Its block.
    pub block_number: u64,
    /// How many blocks confirm it, its own included.
    pub confirmations: u64,
    /// How many are asked for.
    pub required_confirmations: u64,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A payment that arrived at one of the merchant's wallets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Transaction {
    /// The gateway's id of the payment; a transaction may bear several.
    pub id: TransferId,
    /// The transaction's hash.
    pub transaction_hash: String,
    /// The order it counts for, or was probably meant for, `ORD-…`; `None` if there is none.
    pub order_id: Option<String>,
    /// The chain; one that this API has no word for is named as the deployment names it.
    pub blockchain: String,
    /// The token.
    pub currency: Currency,
    /// How much, in whole tokens.
    pub amount: Amount,
    /// Who sent it, as the chain tells it.
    pub from_address: String,
    /// Where it arrived.
    pub to_address: String,
    /// Its block.
    pub block_number: u64,
    /// How many blocks confirm it, its own included; 0 when its chain has taken it back.
    pub confirmations: u64,
    /// Where it stands.
    pub status: TransferStatus,
    /// When it was seen.
    pub created_at: Timestamp,
    /// When it was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// Why it counts for nothing, however well confirmed: then nothing is to be delivered for it. (Not in the documents.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmatched_reason: Option<UnmatchedReason>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
