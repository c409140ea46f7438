//! What a payer may see and do without a key, under `/checkout`. No metadata, no reference of the merchant's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::link::{AmountType, Theme};
use crate::{Amount, ChainId, Currency, OrderId, OrderStatus, PaymentLinkId, Protocol, Timestamp};

/// An order as its payer may see it: answer of `GET /checkout/orders/:orderId`.
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

/// A link as anybody may see it: answer of `GET /checkout/:slug`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct PublicPaymentLink {
    /// The gateway's id.
    pub id: PaymentLinkId,
    /// The last part of its URL.
    pub slug: String,
    /// What is sold.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is paid, in whole tokens; "0" where the payer says.
    pub amount: Amount,
    /// Who says how much.
    pub amount_type: AmountType,
    /// What it can be paid in.
    pub currencies: Vec<PublicLinkCurrency>,
    /// Until when it can be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many are left; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_inventory: Option<u64>,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta_text: Option<String>,
    /// How the checkout page looks.
    pub theme: Theme,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Part of [`PublicPaymentLink`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicLinkCurrency {
    /// The currency.
    pub currency: Currency,
    /// What is paid in it, in whole tokens; "0" where the payer says.
    pub amount: Amount,
    /// On which chains.
    pub chains: Vec<ChainId>,
    /// Whether it is the one proposed first.
    pub is_primary: bool,
}

/// Body of `POST /checkout/:slug/orders`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateLinkOrder {
    /// The payer's e-mail address, for the merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// One of the link's currencies.
    pub currency: Currency,
    /// One of that currency's chains.
    pub chain_id: ChainId,
    /// What the payer wants to pay; only where the link lets the payer say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

/// Answer of `POST /checkout/:slug/orders`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct OpenedLinkOrder {
    /// The order, as its payer may see it.
    pub order: PublicOrder,
    /// The link.
    pub payment_link: PublicPaymentLink,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
