//! A shop that takes stablecoins: it asks the gateway for an order, and ships when a webhook says that the order is paid. README.md beside
//! this folder walks through it. It must not ship on anything but a genuine event about an order of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{FromRef, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use payin_sdk::webhook::{Dedupe, ExpectedOrder, MemoryStore, OnceError, Receiver, Verified, Verifier};
use payin_sdk::{Amount, Client, CreateOrder, Event, EventType};
use serde::Deserialize;
use serde_json::{Value, json};

const CURRENCY: &str = "USDT";
const CHAIN: &str = "ethereum-sepolia";

/// What was sold.
struct Sale {
    item: String,
    amount: Amount,
    shipped: bool,
}

#[derive(Clone)]
struct Shop {
    gateway: Client,
    receiver: Receiver,
    // Both belong in your database, with a unique index on the reference and on the event's id: what is in memory is forgotten with the
    // process. `DedupeStore` says what a table for the second looks like.
    sales: Arc<Mutex<HashMap<String, Sale>>>,
    dedupe: Arc<Dedupe<MemoryStore>>,
}

/// Lets the extractor `Verified` find the secret.
impl FromRef<Shop> for Receiver {
    fn from_ref(shop: &Shop) -> Self {
        shop.receiver.clone()
    }
}

impl Shop {
    fn sales(&self) -> MutexGuard<'_, HashMap<String, Sale>> {
        self.sales.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Amounts are decimal text, never floats.
fn price(item: &str) -> Option<&'static str> {
    match item {
        "cap" => Some("25.00"),
        "shirt" => Some("40.00"),
        _ => None,
    }
}

/// One of its own for each sale, also after a restart.
fn new_reference() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("SHOP-{}-{}", now.as_nanos(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

#[derive(Deserialize)]
struct Wish {
    item: String,
}

/// What your customer presses. Answers where to pay, and how much.
async fn buy(State(shop): State<Shop>, Json(Wish { item }): Json<Wish>) -> (StatusCode, Json<Value>) {
    let Some(amount) = price(&item).and_then(|price| price.parse::<Amount>().ok()) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "item must be one of: cap, shirt" })));
    };
    let reference = new_reference();
    // Written down before anybody is asked: should the answer get lost, the payment still finds its sale.
    shop.sales().insert(reference.clone(), Sale { item, amount, shipped: false });
    // Tried again where it fails in a way that passes, under one idempotency key, so that nothing is created twice.
    match shop.gateway.orders().create(&CreateOrder::new(reference.as_str(), amount, CURRENCY, CHAIN)).await {
        Ok(order) => {
            let pay = json!({
                "amount": order.amount, "currency": order.currency, "chainId": order.chain_id, "address": order.address,
                "before": order.expires_at,
            });
            (StatusCode::CREATED, Json(json!({ "reference": reference, "orderId": order.order_id, "pay": pay })))
        }
        Err(error) => {
            eprintln!("no order for {reference}: {error}");
            (StatusCode::BAD_GATEWAY, Json(json!({ "error": "payments are not available just now" })))
        }
    }
}

/// Where the gateway tells what happened. `Verified` reads the raw body and checks its signature and its age; what is not genuine is
/// answered 401 before this is called.
async fn webhook(State(shop): State<Shop>, verified: Verified) -> StatusCode {
    // Every event comes at least once: after an answer that got lost it comes again, with the same id.
    let handled = shop.dedupe.once(&verified.event.id, verified.received_at, async {
        shop.handle(&verified.event);
        Ok::<(), Infallible>(())
    });
    match handled.await {
        // Now, or before. Quickly: whoever takes longer than 15 seconds gets the event again. What takes long is work for a queue.
        Ok(_) => StatusCode::NO_CONTENT,
        Err(OnceError::InProgress) => StatusCode::CONFLICT,
        Err(error) => {
            eprintln!("{}: {error}", verified.event.id);
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl Shop {
    fn handle(&self, event: &Event) {
        let told = match event.order() {
            Ok(Some(order)) => order,
            // Other events, also those that later versions add, are answered 204 and otherwise left alone.
            Ok(None) => return,
            Err(error) => return eprintln!("{} cannot be read: {error}", event.id),
        };
        if event.event_type == EventType::OrderReverted {
            eprintln!("the chain took a payment of {} back: a person must look", told.order_reference);
        }
        if event.event_type != EventType::OrderCompleted {
            return;
        }
        let mut sales = self.sales();
        let Some(sale) = sales.get_mut(&told.order_reference) else {
            return eprintln!("{} is about {}, which was not sold here: nothing is shipped", event.id, told.order_reference);
        };
        // The signature proves who says it. That it is your order, at your price, is for you to check.
        let expected = ExpectedOrder::new(told.order_reference, sale.amount, CURRENCY).chain(CHAIN);
        match expected.paid_by(event) {
            // An order can be completed twice, under two event ids, if a chain took its payment back in between. It is shipped once.
            Ok(_) if sale.shipped => {}
            Ok(paid) => {
                sale.shipped = true;
                println!("shipped {}", paid.order_reference);
            }
            // To hear it again would change nothing, so it is answered 204 too. A person must look.
            Err(error) => eprintln!("{}: {error}: nothing is shipped", event.id),
        }
    }
}

/// What your customer's page asks while it waits.
async fn sale(State(shop): State<Shop>, Path(reference): Path<String>) -> (StatusCode, Json<Value>) {
    match shop.sales().get(&reference) {
        Some(sale) => (StatusCode::OK, Json(json!({ "reference": reference, "item": sale.item, "shipped": sale.shipped }))),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no such order" }))),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("PAYIN_WEBHOOK_SECRET").map_err(|_| "set PAYIN_WEBHOOK_SECRET: README.md says where it comes from")?;
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse::<u16>())?;
    let shop = Shop {
        // Reads PAYIN_API_KEY and PAYIN_BASE_URL.
        gateway: Client::from_env()?,
        receiver: Receiver::new(Verifier::new(secret.into())),
        sales: Arc::default(),
        dedupe: Arc::new(Dedupe::new(MemoryStore::new(100_000))),
    };
    let router = Router::new()
        .route("/buy", post(buy))
        .route("/webhooks/payin", post(webhook))
        .route("/orders/{reference}", get(sale))
        .with_state(shop);
    let listener = tokio::net::TcpListener::bind((host.as_str(), port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
