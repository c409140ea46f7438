//! The CryptoPay API: token payments on EVM chains, with the same client, retries, errors and pages as the native API; with the key as a
//! bearer token, or with a person's session, which is prolonged by itself. It must not decide about attempts, time or pages.

use std::marker::PhantomData;

use futures_util::Stream;
use payin_types::signature::Scheme;
use payin_types::{EndpointId, OrderId, SecretString, Timestamp, TransferId};
use secrecy::ExposeSecret as _;
use serde::Serialize;

pub use crate::client::{KeepError, Keeper, Tokens, Turn, Turning};
pub use payin_types::cryptopay::{
    AddWallet, CreatePaymentOrder, CreateWebhookEndpoint, CryptoPayErrorCode, MerchantWallet, OrderTransaction, PageQuery, PaymentOrder,
    PaymentOrderStatus, Register, Results, Transaction, UpdateWallet, UpdateWebhookEndpoint, User, WebhookEndpoint, WebhookEvent,
    WebhookEventData, WebhookEventType,
};

use payin_types::cryptopay::{LogIn, LoggedIn};

use crate::client::{Builder, Call, Client, Kind, Session};
use crate::error::Error;
use crate::pages::{self, Query};
use crate::wait::{Wait, sealed};
use crate::webhook::{self, Verifier, WebhookError};

/// The CryptoPay API of the caller's organization: [`Client::cryptopay`].
///
/// ```no_run
/// # async fn run(client: payin_sdk::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use payin_sdk::Waited;
/// use payin_sdk::cryptopay::CreatePaymentOrder;
///
/// let order = CreatePaymentOrder::new(1_704_110_400_000, "100.00".parse()?, "USDC", "base", &serde_json::json!({ "product": "Premium Plan" }));
/// let order = client.cryptopay().orders().create(&order).await?;
/// println!("send {} {} to {}", order.amount, order.currency, order.receiving_address);
/// let paid = matches!(client.cryptopay().orders().wait(&order.order_id).await?, Waited::Completed(_));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CryptoPay<'c> {
    client: &'c Client,
}

/// Payment orders: [`CryptoPay::orders`].
#[derive(Debug, Clone, Copy)]
pub struct PaymentOrders<'c> {
    client: &'c Client,
}

/// Transactions: [`CryptoPay::transactions`].
#[derive(Debug, Clone, Copy)]
pub struct Transactions<'c> {
    client: &'c Client,
}

/// Merchant wallets: [`CryptoPay::wallets`].
#[derive(Debug, Clone, Copy)]
pub struct MerchantWallets<'c> {
    client: &'c Client,
}

/// Webhook endpoints: [`CryptoPay::webhook_endpoints`].
#[derive(Debug, Clone, Copy)]
pub struct CryptoPayEndpoints<'c> {
    client: &'c Client,
}

impl Builder {
    /// Signs somebody in, by name or e-mail address, at the base URL that was given. The client then makes the CryptoPay API's calls with
    /// their session, which it prolongs as needed; it has no key for the other APIs, unless one was given.
    ///
    /// # Errors
    /// `UNAUTHORIZED` (401) where name or password is wrong; [`Error::Config`] without a base URL.
    pub async fn log_in(self, username: &str, password: &SecretString) -> Result<(Client, User), Error> {
        let body = LogIn { username: username.to_owned(), password: password.expose_secret().to_owned() };
        let client = self.without_key().build()?;
        let session: LoggedIn = client.post(Kind::Act, "/api/auth/login", &[], &body).await?;
        let tokens = Tokens { access: session.access.into(), refresh: session.refresh.into() };
        Ok((client.with_session(Session::new(tokens, None)), session.user))
    }

    /// Goes on with a session that was begun before, and that no other program goes on with.
    pub fn session(self, tokens: Tokens) -> Self {
        self.with_session(Session::new(tokens, None))
    }

    /// Goes on with a session that other programs may go on with, too: they take turns at prolonging it. `tokens` are those that were kept
    /// when the caller looked.
    pub fn shared_session(self, tokens: Tokens, keeper: impl Keeper) -> Self {
        self.with_session(Session::new(tokens, Some(Box::new(keeper))))
    }
}

impl Client {
    /// The CryptoPay API, where the deployment speaks it.
    #[must_use]
    pub fn cryptopay(&self) -> CryptoPay<'_> {
        CryptoPay { client: self }
    }
}

impl<'c> CryptoPay<'c> {
    /// Payment orders: create, read, list, wait.
    #[must_use]
    pub fn orders(&self) -> PaymentOrders<'c> {
        PaymentOrders { client: self.client }
    }

    /// What arrived.
    #[must_use]
    pub fn transactions(&self) -> Transactions<'c> {
        Transactions { client: self.client }
    }

    /// Where to be paid.
    #[must_use]
    pub fn wallets(&self) -> MerchantWallets<'c> {
        MerchantWallets { client: self.client }
    }

    /// Where events are posted.
    #[must_use]
    pub fn webhook_endpoints(&self) -> CryptoPayEndpoints<'c> {
        CryptoPayEndpoints { client: self.client }
    }

    /// Makes an account, and a merchant that it owns; needs no token.
    ///
    /// Errors: `VALIDATION_ERROR` (400) where the name or the e-mail address is taken.
    pub fn register(&self, who: &Register) -> Call<User> {
        self.client.post(Kind::Act, "/api/auth/register", &[], who)
    }

    /// The tokens of the client's session as they are now, to go on with it later; `None` where it calls with a key.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        self.client.session_tokens()
    }
}

impl PaymentOrders<'_> {
    /// Creates an order, or finds the one that the same request has created: its nonce makes it safe to repeat, also after a restart of
    /// your program.
    ///
    /// Errors: `VALIDATION_ERROR` (400) with what is wrong by field, `NO_WALLET_AVAILABLE` (503).
    pub fn create(&self, order: &CreatePaymentOrder) -> Call<PaymentOrder> {
        self.client.post(Kind::Set, "/api/payment-orders/", &[], order)
    }

    /// An order by its `order_id`, or by its number.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn get(&self, id: &str) -> Call<PaymentOrder> {
        self.client.read("/api/payment-orders/{id}/", &[id], &())
    }

    /// One page of orders, newest first.
    pub fn list(&self, query: PageQuery) -> Call<Results<PaymentOrder>> {
        self.client.read("/api/payment-orders/", &[], &query)
    }

    /// All orders, page by page as they are asked for. None comes twice.
    pub fn stream(&self) -> impl Stream<Item = Result<PaymentOrder, Error>> + Send + use<> {
        pages::stream(self.client, "/api/payment-orders/", &[], Of::<PaymentOrder>::default())
    }

    /// Waits until an order is confirmed, or has expired.
    pub fn wait(&self, id: &str) -> Wait<PaymentOrder> {
        Wait::new(self.client.clone(), OrderId::from(id))
    }
}

impl Transactions<'_> {
    /// A transaction by its hash.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn get(&self, hash: &str) -> Call<Transaction> {
        self.client.read("/api/transactions/{hash}/", &[hash], &())
    }

    /// One page of transactions, newest first.
    pub fn list(&self, query: PageQuery) -> Call<Results<Transaction>> {
        self.client.read("/api/transactions/", &[], &query)
    }

    /// All transactions, page by page as they are asked for. None comes twice.
    pub fn stream(&self) -> impl Stream<Item = Result<Transaction, Error>> + Send + use<> {
        pages::stream(self.client, "/api/transactions/", &[], Of::<Transaction>::default())
    }
}

impl MerchantWallets<'_> {
    /// Adds an address, or an account's extended public key. Never send a private key.
    ///
    /// Errors: `VALIDATION_ERROR` (400), also where it is there already.
    pub fn add(&self, wallet: &AddWallet) -> Call<MerchantWallet> {
        self.client.post(Kind::Act, "/api/merchant-wallets/", &[], wallet)
    }

    /// One page of wallets, newest first.
    pub fn list(&self, query: PageQuery) -> Call<Results<MerchantWallet>> {
        self.client.read("/api/merchant-wallets/", &[], &query)
    }

    /// All wallets, page by page as they are asked for. None comes twice.
    pub fn stream(&self) -> impl Stream<Item = Result<MerchantWallet, Error>> + Send + use<> {
        pages::stream(self.client, "/api/merchant-wallets/", &[], Of::<MerchantWallet>::default())
    }

    /// Changes a wallet.
    ///
    /// Errors: `NOT_FOUND` (404), `CONFLICT` (409) where an open order holds it.
    pub fn update(&self, id: &str, change: &UpdateWallet) -> Call<MerchantWallet> {
        self.client.put("/api/merchant-wallets/{id}/", &[id], change)
    }
}

impl CryptoPayEndpoints<'_> {
    /// Creates an endpoint. Its secret is in this answer alone.
    ///
    /// Errors: `VALIDATION_ERROR` (400).
    pub fn create(&self, endpoint: &CreateWebhookEndpoint) -> Call<WebhookEndpoint> {
        self.client.post(Kind::Act, "/api/webhook-endpoints/", &[], endpoint)
    }

    /// One page of endpoints, newest first.
    pub fn list(&self, query: PageQuery) -> Call<Results<WebhookEndpoint>> {
        self.client.read("/api/webhook-endpoints/", &[], &query)
    }

    /// All endpoints, page by page as they are asked for. None comes twice.
    pub fn stream(&self) -> impl Stream<Item = Result<WebhookEndpoint, Error>> + Send + use<> {
        pages::stream(self.client, "/api/webhook-endpoints/", &[], Of::<WebhookEndpoint>::default())
    }

    /// Changes an endpoint.
    ///
    /// Errors: `NOT_FOUND` (404).
    pub fn update(&self, id: &EndpointId, change: &UpdateWebhookEndpoint) -> Call<WebhookEndpoint> {
        self.client.put("/api/webhook-endpoints/{id}/", &[id.as_str()], change)
    }
}

/// The query of a list of these.
#[derive(Serialize)]
#[serde(transparent)]
struct Of<T> {
    query: PageQuery,
    #[serde(skip)]
    item: PhantomData<fn() -> T>,
}

impl<T> Default for Of<T> {
    fn default() -> Self {
        Self { query: PageQuery::default(), item: PhantomData }
    }
}

impl<T> Clone for Of<T> {
    fn clone(&self) -> Self {
        Self { query: self.query, item: PhantomData }
    }
}

macro_rules! lists {
    ($($item:ty: $id:expr;)*) => { $(
        impl Query for Of<$item> {
            type Item = $item;
            type Page = Results<$item>;

            fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>) {
                (&mut self.query.page, &mut self.query.page_size)
            }

            fn id(item: &$item) -> &str {
                let id: fn(&$item) -> &str = $id;
                id(item)
            }
        }
    )* };
}

lists! {
    PaymentOrder: |order| order.order_id.as_str();
    Transaction: |transaction| TransferId::as_str(&transaction.id);
    MerchantWallet: |wallet| wallet.id.as_str();
    WebhookEndpoint: |endpoint| endpoint.id.as_str();
}

impl sealed::Awaited for PaymentOrder {
    fn look(client: &Client, id: &OrderId) -> Call<Self> {
        client.cryptopay().orders().get(id.as_str())
    }

    fn is_paid(&self) -> Option<bool> {
        match self.status {
            PaymentOrderStatus::Confirmed => Some(true),
            PaymentOrderStatus::Expired => Some(false),
            _ => None,
        }
    }
}

/// Checks that a request was signed with one of the verifier's secrets, and reads its event. The signature's header says no time: note each
/// `webhook_id`, and take an event that comes again for the same.
///
/// # Errors
/// [`WebhookError::Verify`] when the request is not genuine, [`WebhookError::Decode`] when its body is not an event.
pub fn construct_event<N, V>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    verifier: &Verifier,
    now: Timestamp,
) -> Result<WebhookEvent, WebhookError>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    webhook::verify_as(Scheme::CryptoPay, headers, body, verifier, now)?;
    webhook::read(body)
}
