//! A small shop that offers what scenarios ask of a merchant (`docs/scenarios.md`), and does it rightly; or makes one mistake, of those that
//! merchants make. What it does about webhooks stands in `shop/events.rs`.

mod events;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use payin_sdk::{Amount, BindDeposit, ChainId, Client, CreateOrder, Currency, DepositId, Error, EventId, Order, OrderId, OrderStatus};
use payin_types::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What this shop verifies webhooks with.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a merchant may do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Does nothing about webhooks.
    Deaf,
    /// The goods go out with the order.
    FulfilsAtOnce,
    /// … when a payment was seen.
    CreditsOnDetected,
    /// … for any money that came, when the order expires.
    AnyMoneyWillDo,
    /// … if almost all of it came.
    Tolerant,
    /// What came of an order that expired is forgotten.
    ForgetsPart,
    /// What came in fact is taken for the price.
    TakesPriceForReceived,
    /// Judges by amount and address of any transfer, whatever was sent, and wherever.
    CreditsAnyTransfer,
    FulfilsLate,
    FulfilsCancelled,
    NeverCloses,
    IgnoresReverted,
    /// An order that is completed under another event's id is another sale to it.
    FulfilsPerEvent,
    DoesNotDedupe,
    IgnoresSequence,
    NeverPolls,
    /// Whatever is not paid when it looks is closed.
    PollCloses,
    SwallowsErrors,
    TrustsAnybody,
    AcceptsOld,
    FirstSignatureOnly,
    DoesNotCheckPrice,
    RefusesUnknown,
    FreshKeyPerRetry,
    GivesUpAtOnce,
    /// Tells its customer that there is an order, when there is none.
    PromisesAnyway,
    /// A customer who pays the same amount again pays for nothing.
    OneAmountOnce,
    /// Two deposits of one transaction are one to it.
    OneTransactionOnce,
    /// Credits what is confirmed, and once more what is final.
    CreditsFinalToo,
}

/// What was sold.
struct Sale {
    amount: Amount,
    currency: Currency,
    order_id: Option<OrderId>,
    address: String,
    status: &'static str,
    fulfilled: u64,
    received: Option<Amount>,
    /// Of the newest event about it.
    sequence: u64,
    cancelled: bool,
}

impl Sale {
    fn fulfil(&mut self, received: Option<Amount>) {
        self.fulfilled += 1;
        (self.status, self.received) = ("fulfilled", received);
    }

    /// What an order that has expired leaves: nothing, or money that is the customer's.
    fn expire(&mut self, received: Option<Amount>) {
        self.received = received;
        self.status = if received.is_some_and(|sum| !sum.is_zero()) { "review" } else { "closed" };
    }
}

/// A customer's own address, and what was paid into it.
#[derive(Default)]
struct Account {
    credited: HashMap<DepositId, Amount>,
    /// What a mistaken shop tells deposits apart by.
    seen: HashSet<String>,
    more: Vec<Amount>,
}

#[derive(Default)]
struct Books {
    sales: HashMap<String, Sale>,
    accounts: HashMap<String, Account>,
    handled: HashSet<EventId>,
}

/// What the handlers share.
struct Counter {
    gateway: Client,
    mistake: Option<Mistake>,
    books: Mutex<Books>,
}

/// An open shop; closed when dropped.
pub struct Shop {
    url: String,
    server: JoinHandle<()>,
}

impl Shop {
    /// Sells for the organization of this key.
    pub async fn open(gateway: &str, key: &str, mistake: Option<Mistake>) -> Self {
        let gateway = Client::builder().api_key(key).base_url(gateway).build().expect("a client");
        let counter = Arc::new(Counter { gateway, mistake, books: Mutex::default() });
        let router = Router::new()
            .route("/orders", post(sell))
            .route("/orders/{reference}", get(sale))
            .route("/orders/{reference}/cancel", post(cancel))
            .route("/poll", post(poll))
            .route("/deposits", post(bind))
            .route("/deposits/{reference}", get(account))
            .route("/webhooks/payin", post(events::webhook))
            .with_state(counter);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the shop serves") });
        Self { url, server }
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn secret() -> SecretString {
        SecretString::from(SECRET)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Counter {
    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no panic while the books were open")
    }

    async fn create(&self, wish: &CreateOrder) -> Result<Order, Error> {
        let orders = self.gateway.orders();
        if self.makes(Mistake::FreshKeyPerRetry) {
            return match orders.create(wish).retries_max(0).await {
                Err(error) if error.is_transient() => orders.create(wish).retries_max(0).await,
                answer => answer,
            };
        }
        let create = orders.create(wish);
        if self.makes(Mistake::GivesUpAtOnce) { create.retries_max(0).await } else { create.await }
    }
}

type Answer = (StatusCode, Json<Value>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    reference: String,
    amount: Amount,
    currency: Currency,
    chain_id: ChainId,
}

async fn sell(State(shop): State<Arc<Counter>>, Json(wish): Json<Wish>) -> Answer {
    let Wish { reference, amount, currency, chain_id } = wish;
    let order = CreateOrder::new(reference.as_str(), amount, currency.clone(), chain_id);
    let mut sale = Sale {
        amount,
        currency,
        order_id: None,
        address: String::new(),
        status: "waiting",
        fulfilled: 0,
        received: None,
        sequence: 0,
        cancelled: false,
    };
    let created = match shop.create(&order).await {
        Ok(order) => {
            (sale.order_id, sale.address) = (Some(order.order_id.clone()), order.address.clone());
            json!({ "orderId": order.order_id, "address": order.address })
        }
        Err(_) if shop.makes(Mistake::PromisesAnyway) => json!({ "orderId": "soon" }),
        Err(error) => return (StatusCode::BAD_GATEWAY, Json(json!({ "error": error.to_string() }))),
    };
    if shop.makes(Mistake::FulfilsAtOnce) {
        sale.fulfil(None);
    }
    shop.books().sales.insert(reference, sale);
    (StatusCode::CREATED, Json(created))
}

async fn sale(State(shop): State<Arc<Counter>>, Path(reference): Path<String>) -> Answer {
    match shop.books().sales.get(&reference) {
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no such order" }))),
        Some(sale) => {
            let says = json!({ "status": sale.status, "fulfilled": sale.fulfilled, "received": sale.received.unwrap_or(Amount::ZERO) });
            (StatusCode::OK, Json(says))
        }
    }
}

async fn cancel(State(shop): State<Arc<Counter>>, Path(reference): Path<String>) -> StatusCode {
    match shop.books().sales.get_mut(&reference) {
        None => StatusCode::NOT_FOUND,
        Some(sale) => {
            (sale.cancelled, sale.status) = (true, "closed");
            StatusCode::NO_CONTENT
        }
    }
}

/// Looks after the orders that no webhook has told the end of.
async fn poll(State(shop): State<Arc<Counter>>) -> StatusCode {
    let open = |(reference, sale): (&String, &Sale)| Some((reference.clone(), sale.order_id.clone().filter(|_| sale.status == "waiting")?));
    let open: Vec<(String, OrderId)> = shop.books().sales.iter().filter_map(open).collect();
    if shop.makes(Mistake::NeverPolls) {
        return StatusCode::NO_CONTENT;
    }
    for (reference, id) in open {
        let Ok(order) = shop.gateway.orders().get(&id).await else { return StatusCode::BAD_GATEWAY };
        let mut books = shop.books();
        let Some(sale) = books.sales.get_mut(&reference) else { continue };
        match order.status {
            OrderStatus::Completed if sale.fulfilled == 0 => sale.fulfil(order.received_amount),
            OrderStatus::Expired => sale.expire(order.received_amount),
            OrderStatus::Pending if shop.makes(Mistake::PollCloses) => sale.status = "closed",
            _ => {}
        }
    }
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    reference: String,
    currency: Currency,
    chain_id: ChainId,
}

async fn bind(State(shop): State<Arc<Counter>>, Json(binding): Json<Binding>) -> Answer {
    let bind = BindDeposit::new(binding.reference.as_str(), binding.currency, binding.chain_id);
    match shop.gateway.deposits().bind(&bind).await {
        Err(error) => (StatusCode::BAD_GATEWAY, Json(json!({ "error": error.to_string() }))),
        Ok(bound) => {
            shop.books().accounts.insert(binding.reference, Account::default());
            (StatusCode::CREATED, Json(json!({ "address": bound.address })))
        }
    }
}

async fn account(State(shop): State<Arc<Counter>>, Path(reference): Path<String>) -> Answer {
    match shop.books().accounts.get(&reference) {
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no such customer" }))),
        Some(account) => (StatusCode::OK, Json(json!({ "balance": account.balance() }))),
    }
}

impl Account {
    fn balance(&self) -> Amount {
        let all = self.credited.values().chain(&self.more);
        all.fold(Amount::ZERO, |sum, amount| (sum.to_decimal() + amount.to_decimal()).try_into().expect("an amount"))
    }
}
