//! The PayWarden API: USDT on Tron, with the same client, key, retries, errors and pages as the native API. It must not decide about
//! attempts, time or pages.

mod admin;

use futures_util::Stream;

pub use admin::Admin;
use payin_types::OrderId;
use payin_types::Timestamp;
pub use payin_types::paywarden::admin::{
    AdminStats, CreateMerchant, DailyQuery, DailyStats, Day, HotWallet, ListMerchants, ListWebhooks, Merchant, MerchantCounts,
    MerchantPage, OrderCounts, RetriedWebhook, Revenue, SignedOut, UpdateMerchant, Webhook, WebhookStatus,
};
pub use payin_types::paywarden::{
    CheckoutStatus, CreatePayment, FlatPage, InitWallet, ListPayments, Payment, PaymentErrorCode, PaymentEvent, PaymentEventType,
    PaymentStatus, TimelineEvent, TimelineType, Wallet,
};
use payin_types::signature::Scheme;

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages::{self, Query};
use crate::wait::{Wait, sealed};
use crate::webhook::{self, Verifier, WebhookError};

/// The PayWarden API of the key's organization: [`Client::paywarden`].
///
/// ```no_run
/// # async fn run(client: payin_sdk::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use payin_sdk::Waited;
/// use payin_sdk::paywarden::CreatePayment;
///
/// let payment = CreatePayment::new("order_123", "99.00".parse()?).webhook_url("https://shop.example/hooks/paywarden");
/// let payment = client.paywarden().payments().create(&payment).await?;
/// println!("send {} USDT to {}", payment.amount, payment.address);
/// let paid = matches!(client.paywarden().payments().wait(&payment.id).await?, Waited::Completed(_));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PayWarden<'c> {
    client: &'c Client,
}

/// Payment orders: [`PayWarden::payments`].
#[derive(Debug, Clone, Copy)]
pub struct Payments<'c> {
    client: &'c Client,
}

impl Client {
    /// The PayWarden API, where the deployment speaks it.
    #[must_use]
    pub fn paywarden(&self) -> PayWarden<'_> {
        PayWarden { client: self }
    }
}

impl<'c> PayWarden<'c> {
    /// Payment orders: create, read, list, wait.
    #[must_use]
    pub fn payments(&self) -> Payments<'c> {
        Payments { client: self.client }
    }

    /// A payment as its payer may see it; needs no key.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn checkout_status(&self, id: &OrderId) -> Call<CheckoutStatus> {
        self.client.read("/checkout/{id}/status", &[id.as_str()], &())
    }

    /// Says, once, from which account addresses are derived. Never send a private key.
    ///
    /// Errors: `CONFLICT` (409) where that was said before, `INVALID_BODY` (400).
    pub fn init_wallet(&self, xpub: impl Into<String>) -> Call<Wallet> {
        self.client.post(Kind::Act, "/wallet/init", &[], &InitWallet { xpub: xpub.into() })
    }
}

impl Payments<'_> {
    /// Creates a payment order, or finds the one that the same request has created: its external id makes it safe to repeat, also after
    /// a restart of your program.
    ///
    /// Errors: `EXTERNAL_ID_CONFLICT` (409) where the external id asked for something else, `INVALID_AMOUNT`, `INVALID_BODY` (400),
    /// `NO_ADDRESS_AVAILABLE` (503).
    pub fn create(&self, payment: &CreatePayment) -> Call<Payment> {
        self.client.post(Kind::Set, "/payments", &[], payment)
    }

    /// A payment by the gateway's id, with what happened to it.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn get(&self, id: &OrderId) -> Call<Payment> {
        self.client.read("/payments/{id}", &[id.as_str()], &())
    }

    /// One page of payments, newest first.
    pub fn list(&self, query: &ListPayments) -> Call<FlatPage<Payment>> {
        self.client.read("/payments", &[], query)
    }

    /// All payments that match, page by page as they are asked for. None comes twice; one may be missed where others leave the filter
    /// meanwhile.
    pub fn stream(&self, query: ListPayments) -> impl Stream<Item = Result<Payment, Error>> + Send + use<> {
        pages::stream(self.client, "/payments", &[], query)
    }

    /// Waits until a payment is confirmed, whatever becomes of its webhook, or has expired.
    pub fn wait(&self, id: &OrderId) -> Wait<Payment> {
        Wait::new(self.client.clone(), id.clone())
    }
}

impl Query for ListPayments {
    type Item = Payment;
    type Page = FlatPage<Payment>;

    fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
        (&mut self.page, &mut self.limit)
    }

    fn id(payment: &Payment) -> &str {
        payment.id.as_str()
    }
}

impl sealed::Awaited for Payment {
    fn look(client: &Client, id: &OrderId) -> Call<Self> {
        client.paywarden().payments().get(id)
    }

    fn is_paid(&self) -> Option<bool> {
        match self.status {
            PaymentStatus::Confirmed | PaymentStatus::Completed | PaymentStatus::Failed => Some(true),
            PaymentStatus::Expired => Some(false),
            _ => None,
        }
    }
}

/// Checks that a request was signed with one of the verifier's secrets, and reads its event. The signature covers no time: note each
/// `X-Idempotency-Key`, and take an event that comes again for the same.
///
/// # Errors
/// [`WebhookError::Verify`] when the request is not genuine, [`WebhookError::Decode`] when its body is not an event.
pub fn construct_event<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<PaymentEvent, WebhookError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    webhook::verify_as(Scheme::PayWarden, headers, body, verifier, now)?;
    webhook::read(body)
}
