//! The administration of the PayWarden API: somebody signs in, and runs merchants. It must not decide about attempts, time or pages.

use std::fmt;

use payin_types::paywarden::FlatPage;
use payin_types::paywarden::admin::{
    AdminLogin, AdminSession, AdminStats, CreateMerchant, DailyQuery, DailyStats, ListMerchants, ListWebhooks, Merchant, MerchantPage,
    RetriedWebhook, SignedOut, UpdateMerchant, Webhook,
};
use payin_types::{OrganizationId, SecretString, Timestamp};
use secrecy::ExposeSecret as _;

use crate::client::{Builder, Call, Client, Kind};
use crate::error::Error;

/// Somebody who has signed in, for a day. A merchant is an organization of the server's, and its key.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use payin_sdk::paywarden::{Admin, CreateMerchant};
/// use payin_sdk::{Client, SecretString};
///
/// let server = Client::builder().base_url("https://pay.shop.example");
/// let admin = Admin::log_in(server, Some("alice@shop.example"), &SecretString::from("correct horse battery")).await?;
/// let merchant = admin.create_merchant(&CreateMerchant { name: "Second shop".to_owned(), webhook_url: None }).await?;
/// println!("its key, shown once: {}", merchant.api_key.unwrap_or_default());
/// println!("{} USDT today", admin.stats().await?.revenue.today);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Admin {
    client: Client,
    token: SecretString,
    expires_at: Option<Timestamp>,
}

impl Admin {
    /// Signs somebody in, by e-mail address or name, at the base URL that was given; without either, the only person the server knows.
    ///
    /// # Errors
    /// `UNAUTHORIZED` (401) where name or password is wrong, `INVALID_BODY` (400) where the server has several accounts and none was named;
    /// [`Error::Config`] without a base URL.
    pub async fn log_in(server: Builder, email: Option<&str>, password: &SecretString) -> Result<Self, Error> {
        let body = AdminLogin { password: password.expose_secret().to_owned(), email: email.map(str::to_owned) };
        let client = server.without_key().build()?;
        let AdminSession { token, expires_at } = client.post(Kind::Act, "/admin/login", &[], &body).await?;
        Ok(Self { client, token: SecretString::from(token), expires_at: Some(expires_at) })
    }

    /// Goes on with a session that was begun before.
    ///
    /// # Errors
    /// [`Error::Config`] without a base URL.
    pub fn with_token(server: Builder, token: SecretString) -> Result<Self, Error> {
        Ok(Self { client: server.without_key().build()?, token, expires_at: None })
    }

    /// The session's token, to go on with it later: to be kept as a password is.
    #[must_use]
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// When the session is over, where it was begun here.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Ends the session on the server.
    pub fn log_out(&self) -> Call<SignedOut> {
        self.client.post_nothing(Kind::Act, "/admin/logout", &[]).bearing(&self.token)
    }

    /// What the merchants come to.
    pub fn stats(&self) -> Call<AdminStats> {
        self.client.read("/admin/stats", &[], &()).bearing(&self.token)
    }

    /// What came in on each of the last days, in UTC, oldest first.
    pub fn daily_stats(&self, query: &DailyQuery) -> Call<DailyStats> {
        self.client.read("/admin/stats/daily", &[], query).bearing(&self.token)
    }

    /// Makes a merchant. Its key is in the answer, and nowhere else.
    ///
    /// Errors: `CONFLICT` (409) where you have one of that name, `INVALID_BODY` (400).
    pub fn create_merchant(&self, merchant: &CreateMerchant) -> Call<Merchant> {
        self.client.post(Kind::Act, "/admin/merchants", &[], merchant).bearing(&self.token)
    }

    /// One page of merchants, newest first.
    pub fn merchants(&self, query: &ListMerchants) -> Call<MerchantPage> {
        self.client.read("/admin/merchants", &[], query).bearing(&self.token)
    }

    /// A merchant, with what its webhooks are signed with.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn merchant(&self, id: &OrganizationId) -> Call<Merchant> {
        self.client.read("/admin/merchants/{id}", &[id.as_str()], &()).bearing(&self.token)
    }

    /// Changes a merchant: what is left out stays.
    ///
    /// Errors: `NOT_FOUND` (404), `CONFLICT` (409), `INVALID_BODY` (400).
    pub fn update_merchant(&self, id: &OrganizationId, change: &UpdateMerchant) -> Call<Merchant> {
        self.client.patch("/admin/merchants/{id}", &[id.as_str()], change).bearing(&self.token)
    }

    /// Replaces a merchant's key. The new one is in the answer, and nowhere else; the old one is taken no more.
    ///
    /// Errors: `NOT_FOUND` (404), `FORBIDDEN` (403) where the key is an owner's and you are none.
    pub fn rotate_key(&self, id: &OrganizationId) -> Call<Merchant> {
        self.client.post_nothing(Kind::Act, "/admin/merchants/{id}/rotate-key", &[id.as_str()]).bearing(&self.token)
    }

    /// Takes all its keys from a merchant. Its open orders are watched on; a new key makes it active again.
    ///
    /// Errors: as [`Admin::rotate_key`].
    pub fn close_merchant(&self, id: &OrganizationId) -> Call<Merchant> {
        self.client.delete(Kind::Set, "/admin/merchants/{id}", &[id.as_str()], &()).bearing(&self.token)
    }

    /// One page of what the merchants were told of their orders, newest first.
    pub fn webhooks(&self, query: &ListWebhooks) -> Call<FlatPage<Webhook>> {
        self.client.read("/admin/webhooks", &[], query).bearing(&self.token)
    }

    /// Begins a webhook anew that was not acknowledged: it is sent now, with the same idempotency key.
    ///
    /// Errors: `NOT_FOUND` (404), `CONFLICT` (409) where it was acknowledged or is being delivered just now.
    pub fn retry_webhook(&self, id: &str) -> Call<RetriedWebhook> {
        self.client.post_nothing(Kind::Set, "/admin/webhooks/{id}/retry", &[id]).bearing(&self.token)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("client", &self.client).finish_non_exhaustive()
    }
}
