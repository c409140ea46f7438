//! Bodies of the PayWarden API's administration: who signs in, what the merchants come to, and what became of webhooks (source: its guides
//! "Admin", "Merchants" and "Webhooks", version 1). A merchant is an organization of the server's, and its key.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FlatPage, PaymentEventType};
use crate::{Amount, Currency, OrderId, OrganizationId, Timestamp, open_enum};

open_enum! {
    /// Where a webhook stands.
    WebhookStatus {
        /// It was not tried yet, or waits to be begun anew.
        Pending = "pending",
        /// An attempt is under way.
        Delivering = "delivering",
        /// The merchant's server answered 2xx.
        Delivered = "delivered",
        /// An attempt failed, and another follows.
        Retrying = "retrying",
        /// It was tried as often as it is tried.
        Failed = "failed",
    }
}

/// Body of `POST /admin/login`. It bears a password, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminLogin {
    /// The password.
    pub password: String,
    /// Who signs in, by e-mail address or name: needed where the server has several accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Answer of `POST /admin/login`; the token is in the cookie `paywarden_admin` too. It has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminSession {
    /// What the other calls bear, in `Authorization: Bearer` or the cookie.
    pub token: String,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// Answer of `POST /admin/logout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// Whether the session is over: always.
    pub success: bool,
}

/// Answer of `GET /admin/stats`: what the admin's merchants come to, through this API. Days and months are those of UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdminStats {
    /// How many orders there are.
    pub orders: OrderCounts,
    /// What paid orders received.
    pub revenue: Revenue,
    /// How many merchants there are.
    pub merchants: MerchantCounts,
    /// The hot wallet, of which there is none.
    pub wallet: HotWallet,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How many orders there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCounts {
    /// In all.
    pub total: u64,
    /// Waiting for payment.
    pub pending: u64,
    /// Confirmed since midnight.
    pub confirmed_today: u64,
    /// Expired since midnight.
    pub expired_today: u64,
}

/// What paid orders received, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revenue {
    /// By orders confirmed since midnight.
    pub today: Amount,
    /// By orders confirmed since the first of the month.
    pub this_month: Amount,
    /// In all.
    pub total: Amount,
    /// `USDT`.
    pub currency: Currency,
}

/// How many merchants there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantCounts {
    /// In all.
    pub total: u64,
    /// With a key that is taken.
    pub active: u64,
}

/// The documents' hot wallet. A server that keeps no keys has none, and each field is `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HotWallet {
    /// Where payments would be swept to.
    pub hot_wallet_address: Option<String>,
    /// What it would have for fees.
    pub trx_balance: Option<Amount>,
    /// What it would hold.
    pub usdt_balance: Option<Amount>,
}

/// Query of `GET /admin/stats/daily`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyQuery {
    /// How many days, today among them; 1 to 366, default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
}

/// Answer of `GET /admin/stats/daily`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DailyStats {
    /// Every day that was asked for, oldest first.
    pub data: Vec<Day>,
}

/// A day, from midnight to midnight in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Such as `2025-01-20`.
    pub date: String,
    /// What the orders that were confirmed on it received.
    pub revenue: Amount,
    /// How many they are.
    pub orders: u64,
}

/// Query of `GET /admin/merchants`. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListMerchants {
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Body of `POST /admin/merchants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateMerchant {
    /// What it is called; the admin has no other of that name.
    pub name: String,
    /// Where orders are told of that bring no URL along.
    #[serde(default, alias = "callback_url", skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
}

/// Body of `PATCH /admin/merchants/:id`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateMerchant {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where orders are told of that bring no URL along; `null`: nowhere.
    #[serde(default, alias = "callback_url", skip_serializing_if = "Option::is_none", deserialize_with = "crate::patch::present")]
    pub webhook_url: Option<Option<String>>,
}

/// A merchant.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Merchant {
    /// The organization's id.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// The first characters of its key; `null` where no key of its is taken.
    pub api_key_prefix: Option<String>,
    /// Where orders are told of that bring no URL along.
    pub webhook_url: Option<String>,
    /// How many orders it has, through this API.
    pub orders_count: u64,
    /// The same, by the name that the documents' list has for it.
    pub orders_total: u64,
    /// What its paid orders received.
    pub revenue_total: Amount,
    /// Whether a key of its is taken.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its webhooks are signed with; not in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
    /// From when on they are: until then the secret before it signs, which was replaced. Left out: by now. (Not in the documents.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret_signs_from: Option<Timestamp>,
    /// The key, shown once: when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may bear a key and a secret.
        f.debug_struct("Merchant").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// One page of merchants, newest first.
pub type MerchantPage = FlatPage<Merchant>;

/// Query of `GET /admin/webhooks`. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListWebhooks {
    /// Only those that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WebhookStatus>,
    /// Only those of this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// Items a page, 1 to 100; default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A webhook: an event of an order on its way to the merchant's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The order it tells of.
    pub order_id: OrderId,
    /// What it tells.
    pub event: PaymentEventType,
    /// Where to.
    pub url: String,
    /// Where it stands.
    pub status: WebhookStatus,
    /// How often it was tried since it was begun, or begun anew.
    pub attempts: u64,
    /// When it was last tried. What was tried long ago is forgotten.
    pub last_attempt_at: Option<Timestamp>,
    /// When it was acknowledged.
    pub delivered_at: Option<Timestamp>,
    /// What the merchant's server answered last.
    pub response_status: Option<u16>,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Answer of `POST /admin/webhooks/:id/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetriedWebhook {
    /// Its id.
    pub id: String,
    /// `pending`.
    pub status: WebhookStatus,
    /// 0: they are counted anew.
    pub attempts: u64,
    /// When it is tried next: now.
    pub next_attempt_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_null_clears() {
        let change = |text: &str| serde_json::from_str::<UpdateMerchant>(text).unwrap();
        assert_eq!(change("{}"), UpdateMerchant::default());
        assert_eq!(change(r#"{"webhook_url":null}"#).webhook_url, Some(None));
        assert_eq!(change(r#"{"callback_url":"https://a.example/"}"#).webhook_url, Some(Some("https://a.example/".to_owned())));
        assert!(serde_json::from_str::<UpdateMerchant>(r#"{"active":false}"#).is_err());
    }
}
