//! What the SDK offers to tests of merchants' programs, over the real program: a sandbox that is started or found, its payments, clock, webhooks
//! and journal.

use std::time::Duration;

use payin_sdk::testing::{Sandbox, SandboxError};
use payin_sdk::types::endpoint::ListEndpoints;
use payin_sdk::types::sandbox::{JournalKind, PaymentKind};
use payin_sdk::webhook;
use payin_sdk::{Client, CreateEndpoint, CreateOrder, Event, EventType, Order, OrderStatus};
use payin_tests::nodes::http_client;
use payin_tests::nodes::program::built;
use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{CHAIN, Sandbox as Within};
use payin_types::SecretString;

async fn sandbox() -> Sandbox {
    Sandbox::builder().program(built("payin-server")).seed(5).start().await.unwrap_or_else(|error| panic!("no sandbox: {error}"))
}

async fn order(client: &Client, reference: &str) -> Order {
    let order = CreateOrder::new(reference, "25.00".parse().expect("an amount"), "USDT", CHAIN);
    client.orders().create(&order).await.expect("an order")
}

/// Posts an event as somebody would who knows this secret. Answers the status.
async fn post(url: &str, event: &Event, secret: &SecretString) -> u16 {
    let body = serde_json::to_vec(event).expect("JSON");
    let mut request = http_client().post(url);
    for (name, value) in webhook::sign(secret, event.id.as_str(), event.created_at, &body) {
        request = request.header(name, value);
    }
    request.body(body).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_test_pays_lets_time_pass_and_hears_of_it() {
    let sandbox = sandbox().await;
    let (paid, half) = (order(sandbox.client(), "PAID").await, order(sandbox.client(), "HALF").await);
    sandbox.pay(&paid).unmined().await.expect("a payment that waits");
    sandbox.pay(&half).kind(PaymentKind::Under).await.expect("a payment");
    assert_eq!(sandbox.webhooks().received(), []);
    sandbox.webhooks().fail(2, 500);
    let begun = sandbox.clock().now().await.expect("a time");
    let now = sandbox.clock().advance(Duration::from_secs(16 * 60)).await.expect("all that was due");
    assert_eq!(now.since(begun), Duration::from_secs(16 * 60));

    // The first one failed two times, and came again each time; handed out is each delivery, in order.
    let mut events = Vec::new();
    for _ in 0..4 {
        events.push(sandbox.webhooks().next().await.expect("an event"));
    }
    let of = |event_type: &EventType| events.iter().filter(|event| event.event_type == *event_type).collect::<Vec<_>>();
    let (completed, expired) = (of(&EventType::OrderCompleted), of(&EventType::OrderExpired));
    assert_eq!((completed.len(), expired.len()), (3, 1), "{events:#?}");
    assert!(completed.iter().all(|event| event.id == completed[0].id));
    let told = expired[0].order().expect("an order").expect("an order's event");
    assert_eq!((told.order_id, told.received_amount), (half.order_id.clone(), "12.50".parse().ok()));
    let status = async |order: &Order| sandbox.client().orders().get(&order.order_id).await.expect("the order").status;
    assert_eq!((status(&paid).await, status(&half).await), (OrderStatus::Completed, OrderStatus::Expired));
    assert!(matches!(sandbox.webhooks().next().await, Err(SandboxError::NoWebhook { came: 4, .. })));

    sandbox.assert(JournalKind::Delivery, "order.completed * 500", 2).await.expect("so it is");
    let error = sandbox.assert(JournalKind::Delivery, "order.completed * 204", 7).await.expect_err("so it is not");
    assert!(error.to_string().contains("there are 1"), "{error}");
    let journal = sandbox.journal().await.expect("a journal");
    let deliveries = journal.iter().filter(|entry| entry.kind == JournalKind::Delivery).count();
    assert!(deliveries == 4 && journal.windows(2).all(|pair| pair[0].seq < pair[1].seq), "{journal:#?}");
}

#[tokio::test]
async fn what_is_not_genuine_is_refused_and_told() {
    let sandbox = sandbox().await;
    let one = order(sandbox.client(), "ONE").await;
    sandbox.pay(&one).confirmed().await.expect("a payment");
    let event = sandbox.webhooks().next().await.expect("an event");
    let hooks = sandbox.webhooks();
    assert_eq!(post(hooks.url(), &event, &SecretString::from("another secret entirely")).await, 401);
    assert!(matches!(hooks.next().await, Err(SandboxError::NotGenuine(_))));
    // Of a time that the sandbox's clock has not reached.
    let later = Event { created_at: event.created_at.plus(Duration::from_secs(3_600)), ..event.clone() };
    assert_eq!(post(hooks.url(), &later, hooks.secret()).await, 204);
    assert!(matches!(hooks.next().await, Err(SandboxError::FromTheFuture { .. })));
    assert_eq!(post(hooks.url(), &event, hooks.secret()).await, 204);
    assert_eq!(hooks.next().await.expect("a genuine one"), event);
}

#[tokio::test]
async fn what_was_started_ends_with_the_value() {
    let sandbox = sandbox().await;
    let client = sandbox.client().clone();
    client.me().await.expect("it answers");
    assert!(sandbox.log().contains("The sandbox is ready"), "{}", sandbox.log());
    drop(sandbox);
    let gone = async || client.me().retries_max(0).await.is_err();
    let begun = std::time::Instant::now();
    while !gone().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "it still answers");
    }
}

#[tokio::test]
async fn what_does_not_start_says_why() {
    let error = Sandbox::builder().program("no/such/program").start().await.expect_err("no program");
    assert!(error.to_string().contains("PAYIN_SERVER_PROGRAM"), "{error}");
    let builder = Sandbox::builder().program(built("payin-server")).arg("--database").arg("nonsense");
    let error = builder.start().await.expect_err("no database");
    assert!(matches!(error, SandboxError::NotStarted(_)) && error.to_string().contains("nonsense"), "{error}");
}

#[tokio::test]
async fn one_that_runs_already_is_left_as_it_was_found() {
    let within = Within::frozen().await;
    let client = Client::builder().api_key(within.key()).base_url(within.url()).build().expect("a client");
    let endpoints = async || client.webhook_endpoints().list(&ListEndpoints::default()).await.expect("a page").pagination.total;
    let attached = Sandbox::attach(client.clone()).await.expect("a sandbox");
    assert_eq!(endpoints().await, 1);
    let one = order(attached.client(), "ONE").await;
    attached.pay(&one).confirmed().await.expect("a payment");
    assert_eq!(attached.webhooks().next().await.expect("an event").event_type, EventType::OrderCompleted);
    attached.detach().await.expect("gone");
    assert_eq!(endpoints().await, 0);
    within.stop().await;
}

/// On Tron and Solana confirmations are counted, but only what is final counts.
#[tokio::test]
async fn a_confirmed_payment_counts_on_every_family_of_chains() {
    let sandbox = sandbox().await;
    for (chain, currency) in [(CHAIN, "USDT"), ("polygon-amoy", "USDC"), ("tron-nile", "USDT"), ("solana-devnet", "USDC")] {
        let wish = CreateOrder::new(format!("ON-{chain}"), "25.00".parse().expect("an amount"), currency, chain);
        let order = sandbox.client().orders().create(&wish).await.expect("an order");
        sandbox.pay(&order).confirmed().await.expect("a payment");
        let now = sandbox.client().orders().get(&order.order_id).await.expect("the order");
        assert_eq!(now.status, OrderStatus::Completed, "{chain}");
    }
}

/// Whoever plays is told at once which receiver holds everything up.
#[tokio::test]
async fn a_receiver_that_hangs_is_an_error_of_whoever_pays() {
    let sandbox = sandbox().await;
    let hangs = Receiver::start().await;
    hangs.answer(Answer::never());
    let events = vec![EventType::OrderPaymentDetected];
    let wish = CreateEndpoint { url: format!("{}/hook", hangs.url()), events, secret: None, description: None };
    sandbox.client().webhook_endpoints().create(&wish).await.expect("an endpoint");
    let order = order(sandbox.client(), "HANGS").await;
    let error = sandbox.pay(&order).await.expect_err("a receiver that hangs").to_string();
    assert!(error.contains(&format!("order.payment_detected {}/hook: no answer yet", hangs.url())), "{error}");
}
