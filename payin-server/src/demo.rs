//! The tour: a sandbox, an order, its payment on a simulated chain, and the signed webhook, verified as a merchant would.
//! It speaks to the sandbox over HTTP only, like anybody else.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use payin_types::signature::{Claim, Verifier};
use payin_types::{Amount, CreateOrder, Event, Order, OrderStatus, SecretString, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::dev::{self, Ready};
use crate::env::{Clock as _, SystemClock};
use crate::http::dialect::Apis;
use crate::http::listen::{self, Limits};

/// How long the tour waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Commands to paste, for a sandbox that is ready.
#[must_use]
pub fn next_commands(ready: &Ready) -> String {
    let Ready { url, api_key, .. } = ready;
    format!(
        "  export PAYIN_BASE_URL={url} PAYIN_API_KEY={api_key}\n  \
         payin orders create --reference ORDER-1 --amount 25.00 --currency USDT --chain ethereum-sepolia\n  \
         payin sandbox pay ORDER_ID        # pays it on the simulated chain\n  \
         payin orders list\n  \
         curl -s {url}/api/v1/orders -H 'X-API-Key: {api_key}'\n"
    )
}

/// A webhook as it came in.
struct Received {
    headers: HeaderMap,
    body: bytes::Bytes,
}

/// A merchant's server, with one webhook path.
struct Shop {
    url: String,
    received: mpsc::Receiver<Received>,
    stop: oneshot::Sender<()>,
}

async fn shop() -> anyhow::Result<Shop> {
    let (sender, received) = mpsc::channel(16);
    let take = |State(sender): State<mpsc::Sender<Received>>, headers: HeaderMap, body: bytes::Bytes| async move {
        match sender.send(Received { headers, body }).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    };
    let router = axum::Router::new().route("/webhooks/payin", post(take)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("the shop's address")?;
    let url = format!("http://{}/webhooks/payin", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = listen::serve(listener, router, Limits::default(), async move {
        // A dropped sender is a stop too.
        let _ = stopped.await;
    });
    spawn(serving);
    Ok(Shop { url, received, stop })
}

#[expect(clippy::disallowed_methods, reason = "the shop is not part of the server: it lives as long as the tour")]
fn spawn(task: impl Future<Output = std::io::Result<()>> + Send + 'static) {
    tokio::spawn(task);
}

/// A caller of the sandbox's API.
struct Api {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Api {
    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.header("X-API-Key", &self.key).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "the sandbox answered {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn post(&self, path: &str, body: &impl serde::Serialize) -> anyhow::Result<Value> {
        self.send(self.client.post(format!("{}/api/v1{path}", self.base)).json(body)).await
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.client.get(format!("{}/api/v1{path}", self.base))).await
    }
}

/// The tour. Afterwards it stays up until `stay` ends, if that is given.
///
/// # Errors
/// If anything on the way is not as it should be.
pub async fn run(listen: &str, stay: Option<impl Future<Output = anyhow::Result<()>>>) -> anyhow::Result<()> {
    let options = dev::Options {
        listen: listen.to_owned(),
        database: None,
        api_key: None,
        seed: None,
        frozen: false,
        rate_limits: None,
        apis: Apis::all(),
    };
    let dev = dev::start(options).await?;
    let ready = dev.ready.clone();
    println!("A sandbox is up at {} on a temporary SQLite file; its chains are simulated: {}.", ready.url, ready.chains.join(", "));
    let mut shop = shop().await?;
    tokio::time::timeout(PATIENCE, tour(&ready, &mut shop)).await.context("the tour took more than a minute")??;
    // The sandbox goes on; only the shop closes.
    let _ = shop.stop.send(());
    if let Some(stay) = stay {
        println!("\nThe sandbox stays up (Ctrl-C ends it). Next:\n{}", next_commands(&ready));
        stay.await?;
    }
    dev.stop().await
}

async fn tour(ready: &Ready, shop: &mut Shop) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let api = Api { client, base: ready.url.clone(), key: ready.api_key.clone() };
    let endpoint = api.post("/webhooks/endpoints", &json!({"url": shop.url, "events": ["order.completed"]})).await?;
    let secret = endpoint.get("secret").and_then(Value::as_str).context("a new endpoint shows its secret")?.to_owned();
    println!("A shop listens at {} and keeps its signing secret.", shop.url);
    let amount: Amount = "25.00".parse()?;
    let order: Order = serde_json::from_value(api.post("/orders", &CreateOrder::new("DEMO-1", amount, "USDT", "ethereum-sepolia")).await?)?;
    println!("\n1. Order {} ({}): pay {} {} on {}", order.order_id, order.order_reference, order.amount, order.currency, order.chain_id);
    println!("   to {} until {}", order.address, order.expires_at);
    let paid = api.post("/sandbox/pay", &json!({"orderId": order.order_id})).await?;
    println!("2. A simulated payer sends it: transaction {}", paid.get("txHash").and_then(Value::as_str).unwrap_or_default());
    watch(&api, &order).await?;
    let event = received(shop, &secret).await?;
    let data = event.order()?.context("order.completed tells of an order")?;
    ensure!(data.order_id == order.order_id && data.amount == order.amount, "the event tells of another order");
    println!(
        "   It says: {} received {} {}: the shop may ship.",
        data.order_reference,
        data.received_amount.unwrap_or(data.amount),
        data.currency
    );
    Ok(())
}

/// Prints each change until the order is completed.
async fn watch(api: &Api, order: &Order) -> anyhow::Result<()> {
    let mut shown = String::new();
    loop {
        let now: Order = serde_json::from_value(api.get(&format!("/orders/{}", order.order_id)).await?)?;
        let state = match (&now.status, now.confirmations) {
            (OrderStatus::Pending, None) => "pending: nothing seen yet".to_owned(),
            (OrderStatus::Pending, Some(n)) => {
                format!(
                    "pending: seen in block {}, {n} of {} confirmations",
                    now.block_number.unwrap_or(0),
                    now.required_confirmations.unwrap_or(0)
                )
            }
            (OrderStatus::Completed, _) => format!("completed: received {}", now.received_amount.unwrap_or(now.amount)),
            (status, _) => bail!("the order is {status}"),
        };
        if state != shown {
            println!("3. {state}");
            shown = state;
        }
        if now.status == OrderStatus::Completed {
            return Ok(());
        }
        let soon = SystemClock.now().plus(Duration::from_millis(100));
        SystemClock.sleep_until(soon).await;
    }
}

/// Takes a webhook and verifies it as a merchant does: the raw body, the header, the secret, the time.
async fn received(shop: &mut Shop, secret: &str) -> anyhow::Result<Event> {
    let Received { headers, body } = shop.received.recv().await.context("the shop has closed")?;
    let signature = headers.get("x-payin-signature").and_then(|value| value.to_str().ok()).context("no X-PayIn-Signature")?;
    let verifier = Verifier::new(SecretString::from(secret.to_owned()));
    let now: Timestamp = SystemClock.now();
    let genuine = verifier.verify(Claim::payin(signature), &body, now)?;
    let event: Event = serde_json::from_slice(&body)?;
    println!("4. Webhook {} ({}) arrived, signed {}", event.id, event.event_type, genuine.signed_at.unwrap_or(now));
    println!("   X-PayIn-Signature: {signature}\n   verified: genuine, by the verifier that merchants use.");
    let mut forged = body.to_vec();
    if let Some(byte) = forged.last_mut() {
        *byte ^= 1;
    }
    ensure!(verifier.verify(Claim::payin(signature), &forged, now).is_err(), "a forged body was taken for genuine");
    println!("   The same with one bit changed: refused.");
    Ok(event)
}
