//! Bodies of the Payment Links API (schema: the vendor's payment-links guide, in the documents' camel case).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Amount, ChainId, Currency, OrderId, PaymentLinkId, Timestamp, open_enum};

open_enum! {
    /// Who says how much is paid.
    AmountType {
        /// The link; the default.
        Fixed = "fixed",
        /// The payer. The documents also write it as an amount of "0".
        UserInput = "user_input",
    }
}

open_enum! {
    /// How the checkout page looks.
    Theme {
        /// Dark; the default.
        Dark = "dark",
        /// Light.
        Light = "light",
    }
}

open_enum! {
    /// Whether a link can be paid.
    LinkStatus {
        /// Not yet published.
        Draft = "draft",
        /// Anybody who has its URL can pay.
        Published = "published",
    }
}

/// A currency a link can be paid in, and on which chains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkCurrency {
    /// The currency.
    pub currency: Currency,
    /// The chains, one at least.
    #[serde(alias = "chain_options")]
    pub chain_options: Vec<ChainId>,
    /// What is paid in this currency, where it differs from the link's amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Whether it is the one proposed first.
    #[serde(default, alias = "is_primary", skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
    /// The merchant's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// Body of `POST /payment-links`. A link is a draft until it is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePaymentLink {
    /// What is sold: 1 to 255 characters.
    pub title: String,
    /// More about it, at most 5000 characters; Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is paid, in whole tokens; "0" or absent where the payer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Who says how much; default `fixed`, or `user_input` where the amount is "0" or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_type: Option<AmountType>,
    /// What it can be paid in: 1 to 20.
    pub currencies: Vec<LinkCurrency>,
    /// How many can be sold; unlimited when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory_total: Option<u64>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The merchant's own data, at most 10 pairs and 8 KiB; copied into every order of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The words on the button, at most 60 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta_text: Option<String>,
    /// How the checkout page looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// Where the payer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
}

impl CreatePaymentLink {
    /// A link for a fixed amount of one currency.
    #[must_use]
    pub fn new(title: impl Into<String>, amount: Amount, currency: impl Into<Currency>, chains: Vec<ChainId>) -> Self {
        let currency = LinkCurrency { currency: currency.into(), chain_options: chains, amount: None, is_primary: None, metadata: None };
        Self {
            title: title.into(),
            description: None,
            amount: Some(amount),
            amount_type: None,
            currencies: vec![currency],
            inventory_total: None,
            expires_at: None,
            metadata: None,
            cta_text: None,
            theme: None,
            success_url: None,
            cancel_url: None,
        }
    }
}

/// Body of `PUT /payment-links/:id`. A field that is absent stays as it is; `null` takes away what may be absent. After publishing,
/// `amount`, `amountType` and `currencies` are frozen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdatePaymentLink {
    /// What is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub description: Option<Option<String>>,
    /// What is paid, in whole tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Who says how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_type: Option<AmountType>,
    /// What it can be paid in; replaces the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currencies: Option<Vec<LinkCurrency>>,
    /// How many can be sold; never fewer than are sold or reserved.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub inventory_total: Option<Option<u64>>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub expires_at: Option<Option<Timestamp>>,
    /// The merchant's own data; replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub metadata: Option<Option<Map<String, Value>>>,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub cta_text: Option<Option<String>>,
    /// How the checkout page looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// Where the payer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub success_url: Option<Option<String>>,
    /// Where the payer goes when the order has expired.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub cancel_url: Option<Option<String>>,
}

/// Body of `POST /payment-links/:id/publish`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishPaymentLink {
    /// The last part of the URL: 3 to 64 of `a-z`, `A-Z`, `0-9` and `-`, not beginning or ending with `-`; made when absent or taken. Once set it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

/// A payment link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct PaymentLink {
    /// The gateway's id.
    pub id: PaymentLinkId,
    /// What is sold.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is paid, in whole tokens; "0" where the payer says.
    pub amount: Amount,
    /// Who says how much.
    pub amount_type: AmountType,
    /// Whether it can be paid.
    pub status: LinkStatus,
    /// Whether it is put away: not listed unless asked for, and not payable.
    pub is_archived: bool,
    /// The last part of its URL, once published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Where it is paid, while it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<String>,
    /// What it can be paid in.
    pub currencies: Vec<LinkCurrency>,
    /// How many can be sold; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory_total: Option<u64>,
    /// How many are held by orders that wait for payment.
    pub inventory_reserved: u64,
    /// How many were sold.
    pub inventory_sold: u64,
    /// Until when it can be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The merchant's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The words on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta_text: Option<String>,
    /// How the checkout page looks.
    pub theme: Theme,
    /// Where the payer goes after payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Query of `GET /payment-links`, last changed first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListPaymentLinks {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only links that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<LinkStatus>,
    /// Only links whose title or description contains this text, whatever its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// `true`: only those put away. Default: only those that are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// `true`: both those put away and those that are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_archived: Option<bool>,
}

open_enum! {
    /// Where an order of a link stands.
    LinkOrderStatus {
        /// Waiting for its payment; holds one of the inventory.
        Pending = "pending",
        /// Paid; one of the inventory is sold.
        Completed = "completed",
        /// Not paid in time; what it held is free again.
        Expired = "expired",
    }
}

/// An order of a link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct LinkOrder {
    /// The order.
    pub order_id: OrderId,
    /// Its reference.
    pub order_reference: String,
    /// The payer's address, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_email: Option<String>,
    /// Where it stands.
    pub status: LinkOrderStatus,
    /// What the payer chose to pay on.
    pub chain_id: ChainId,
    /// What the payer chose to pay in.
    pub currency: Currency,
    /// What is to be paid, in whole tokens.
    pub amount: Amount,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Query of `GET /payment-links/:id/orders`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListLinkOrders {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only orders that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<LinkOrderStatus>,
}

/// Answer of `GET /payment-links/stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct LinkStats {
    /// How many links there are, those put away included.
    pub total_links: u64,
    /// How many of them are published and not put away.
    pub published_links: u64,
    /// How many orders they have had.
    pub total_orders: u64,
    /// How many of those were paid.
    pub completed_orders: u64,
    /// How many wait for payment.
    pub pending_orders: u64,
    /// How many were not paid in time.
    pub expired_orders: u64,
    /// What the paid ones received, by currency, in whole tokens.
    pub revenue: BTreeMap<Currency, Amount>,
    /// Paid of all, in percent with two decimals; "0.00" while there are none.
    pub conversion_rate: String,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
