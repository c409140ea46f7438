//! `payin webhooks test --chaos` against a handler that is right, made of what the SDK offers, and against handlers that are each wrong in
//! one way: which is what it has to tell.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use payin_sdk::webhook::{self, Dedupe, MemoryStore, OnceError, Receiver, Verified, Verifier, VerifyError, WebhookError};
use payin_sdk::{Event, SecretString, Timestamp};
use payin_tests::nodes::program::{Command, Exit};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::failed;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A merchant's server; closed when dropped.
struct Shop {
    url: String,
    server: JoinHandle<()>,
}

impl Shop {
    async fn open(router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("a bound address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the shop serves") });
        Self { url, server }
    }

    /// A handler that is given the request and answers a status.
    async fn with(handle: impl Fn(&HeaderMap, &[u8]) -> u16 + Send + Sync + 'static) -> Self {
        let handle = Arc::new(handle);
        let route = post(move |headers: HeaderMap, body: Bytes| {
            let status = handle(&headers, &body);
            async move { StatusCode::from_u16(status).expect("a status") }
        });
        Self::open(Router::new().route("/hook", route)).await
    }

    async fn tried(&self, secret: &str, args: &[&str]) -> Exit {
        let mut command = Command::payin();
        std::fs::write(command.home().join("secret"), format!("{secret}\n")).expect("a file");
        command.args(["webhooks", "test", "--chaos", &self.url, "--secret-file", "secret", "--seed", "7"]).args(args);
        command.run().await
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn verified(headers: &HeaderMap, body: &[u8], verifier: &Verifier) -> Result<Event, WebhookError> {
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    webhook::construct_event(headers, body, verifier, now())
}

fn verifier() -> Verifier {
    Verifier::new(SecretString::from(SECRET))
}

/// The cases that went wrong.
#[track_caller]
fn wrong(exit: &Exit) -> Vec<String> {
    let report = exit.json();
    let cases = report["cases"].as_array().expect("cases").iter();
    let wrong: Vec<String> =
        cases.filter(|case| case["verdict"] == "wrong").map(|case| case["case"].as_str().expect("a name").to_owned()).collect();
    assert_eq!((report["ok"].as_bool(), exit.code), (Some(wrong.is_empty()), Some(if wrong.is_empty() { 0 } else { 9 })), "{exit:?}");
    if !wrong.is_empty() {
        let told = failed(exit, 9, "HANDLER_WRONG");
        assert!(wrong.iter().all(|case| told["message"].as_str().expect("words").contains(case)), "{told}");
        let meant = report["cases"].as_array().expect("cases").iter().filter(|case| case["means"].is_string()).count();
        assert_eq!(meant, wrong.len(), "{report}");
    }
    wrong
}

#[derive(Clone)]
struct Right {
    receiver: Receiver,
    dedupe: Arc<Dedupe<MemoryStore>>,
    /// The ids of the events that took effect.
    effects: Arc<Mutex<Vec<String>>>,
}

impl FromRef<Right> for Receiver {
    fn from_ref(right: &Right) -> Self {
        right.receiver.clone()
    }
}

async fn handle(State(right): State<Right>, verified: Verified) -> Response {
    let handled = right.dedupe.once(&verified.event.id, verified.received_at, async {
        // Others run meanwhile.
        tokio::task::yield_now().await;
        right.effects.lock().expect("no panic").push(verified.event.id.to_string());
        Ok::<(), std::convert::Infallible>(())
    });
    match handled.await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(OnceError::InProgress) => StatusCode::CONFLICT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[tokio::test]
async fn a_right_handler_gets_nothing_wrong_and_each_event_took_effect_once() {
    for args in [&[][..], &["--event", "deposit.confirmed"]] {
        let receiver = Receiver::new(verifier());
        let right = Right { receiver, dedupe: Arc::new(Dedupe::new(MemoryStore::new(1000))), effects: Arc::default() };
        let shop = Shop::open(Router::new().route("/hook", post(handle)).with_state(right.clone())).await;
        let exit = shop.tried(SECRET, args).await;
        assert_eq!(wrong(&exit), [""; 0], "{}", exit.stdout);
        assert!(exit.stderr.contains("answers do not show effects"), "{exit:?}");
        // What the report says is to be looked up, looked up.
        let report = exit.json();
        let listed = |effect: u64| -> Vec<&str> {
            let events = report["checkByHand"].as_array().expect("events").iter();
            events.filter(|event| event["takesEffect"] == effect).map(|event| event["id"].as_str().expect("an id")).collect()
        };
        let (mut expected, mut effects) = (listed(1), right.effects.lock().expect("no panic").clone());
        expected.sort_unstable();
        effects.sort_unstable();
        assert_eq!(effects, expected);
        assert!(listed(0).len() >= 10 && expected.len() >= 12, "{report:#}");
    }
}

#[tokio::test]
async fn what_each_wrong_handler_gets_wrong_is_told() {
    // Believes everybody.
    let shop = Shop::with(|_, _| 200).await;
    let believed = wrong(&shop.tried(SECRET, &[]).await);
    let refused = [
        "unsigned",
        "wrong-secret",
        "empty-secret",
        "tampered",
        "stale",
        "from-the-future",
        "stale-made-fresh",
        "truncated-signature",
        "malformed-signature",
        "downgraded",
        "reserialised",
        "forged-then-genuine",
    ];
    assert_eq!(sorted(believed), sorted(refused.map(str::to_owned).to_vec()));

    // Looks at no time.
    let shop = Shop::with(|headers, body| match verified(headers, body, &verifier().tolerance(None)) {
        Ok(_) => 200,
        Err(_) => 401,
    })
    .await;
    assert_eq!(sorted(wrong(&shop.tried(SECRET, &[]).await)), ["from-the-future", "stale"]);

    // Looks at one signature of several only.
    for pick in [0, 1] {
        let shop = Shop::with(move |headers, body| {
            let header = headers.get("x-payin-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let parts: Vec<&str> = header.split(',').collect();
            let signatures = parts.len().saturating_sub(1).max(1);
            let one = format!("{},{}", parts[0], parts.get(1 + pick.min(signatures - 1)).unwrap_or(&""));
            let genuine = verifier().verify(webhook::Claim::payin(&one), body, now());
            if genuine.is_ok() { 200 } else { 401 }
        })
        .await;
        assert_eq!(wrong(&shop.tried(SECRET, &[]).await), ["rotation"]);
    }
}

#[tokio::test]
async fn handlers_that_read_before_they_verify_are_found() {
    // Verifies what it has written itself.
    let shop = Shop::with(|headers, body| {
        let Ok(event) = serde_json::from_slice::<Event>(body) else { return 400 };
        match verified(headers, &serde_json::to_vec(&event).expect("JSON"), &verifier()) {
            Ok(_) => 200,
            Err(_) => 401,
        }
    })
    .await;
    assert_eq!(sorted(wrong(&shop.tried(SECRET, &[]).await)), ["reserialised", "written-otherwise"]);

    // Panics, as it were, at what it does not expect: types, fields, signatures.
    let shop = Shop::with(|headers, body| match verified(headers, body, &verifier()) {
        Err(WebhookError::Verify(VerifyError::Malformed(_) | VerifyError::OtherScheme { .. })) => 500,
        Err(_) => 400,
        Ok(event) if payin_sdk::EventType::known(event.event_type.as_str()).is_none() => 500,
        Ok(event) if !event.extra.is_empty() => 422,
        Ok(_) => 200,
    })
    .await;
    let found = sorted(wrong(&shop.tried(SECRET, &[]).await));
    assert_eq!(found, ["downgraded", "malformed-signature", "truncated-signature", "unknown-fields", "unknown-type"]);
}

#[tokio::test]
async fn handlers_that_mind_duplicates_order_or_age_wrongly_are_found() {
    // A unique index that nobody expected to be violated, remembered before anything is verified.
    let seen = Mutex::new(std::collections::BTreeSet::new());
    let shop = Shop::with(move |headers, body| {
        let event: Value = serde_json::from_slice(body).unwrap_or_default();
        if !seen.lock().expect("no panic").insert(event["id"].to_string()) {
            return 500;
        }
        if verified(headers, body, &verifier()).is_ok() { 200 } else { 400 }
    })
    .await;
    let found = sorted(wrong(&shop.tried(SECRET, &[]).await));
    let expected = ["downgraded", "duplicate", "duplicates-at-once", "forged-then-genuine", "malformed-signature", "truncated-signature"];
    assert_eq!(found, expected);

    // Takes events of today only, and only the next of an object; ends its endpoint where it wants to refuse.
    let shop = Shop::with(|headers, body| match verified(headers, body, &verifier()) {
        Err(WebhookError::Verify(VerifyError::MissingHeader(_))) => 410,
        Err(WebhookError::Verify(VerifyError::Mismatch { .. })) => 429,
        Err(_) => 401,
        Ok(event) if now().since(event.created_at).as_secs() > 86_400 => 400,
        Ok(event) if event.sequence == Some(2) => 409,
        Ok(_) => 200,
    })
    .await;
    let found = sorted(wrong(&shop.tried(SECRET, &[]).await));
    for case in ["late", "out-of-order", "unsigned", "wrong-secret", "tampered", "reserialised"] {
        assert!(found.iter().any(|found| found == case), "{case} is not among {found:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_tried_is_said() {
    // Another secret than the handler's: nothing else is tried.
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let shop = Shop::with(move |headers, body| {
        counted.fetch_add(1, Ordering::SeqCst);
        if verified(headers, body, &verifier()).is_ok() { 200 } else { 401 }
    })
    .await;
    let exit = shop.tried("another secret entirely", &[]).await;
    assert_eq!(wrong(&exit), ["genuine"]);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert!(!exit.stderr.contains("another secret entirely"));

    // For people: a table.
    let exit = shop.tried(SECRET, &["--output", "table"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.starts_with("case ") && exit.stdout.contains("duplicates-at-once"), "{exit:?}");

    // An event of an order that the shop knows.
    let data = json!({ "orderId": "ord_7", "orderReference": "known", "amount": "1.00", "currency": "USDT", "chainId": "tron-nile" });
    let template = json!({ "id": "evt_1", "type": "order.completed", "created_at": "2025-01-20T10:30:00.000Z", "data": data, "news": 1 });
    let knows = Shop::with(|headers, body| match verified(headers, body, &verifier()) {
        Ok(event) if event.data["orderReference"] == "known" => 200,
        Ok(_) => 404,
        Err(_) => 401,
    })
    .await;
    let mut command = Command::payin();
    std::fs::write(command.home().join("secret"), SECRET).expect("a file");
    command.args(["webhooks", "test", "--chaos", &knows.url, "--secret-file", "secret", "--template", "-"]).stdin(template.to_string());
    let exit = command.run().await;
    assert_eq!(wrong(&exit), [""; 0], "{}", exit.stdout);

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let mut command = Command::payin();
    std::fs::write(command.home().join("secret"), SECRET).expect("a file");
    command.args(["webhooks", "test", "--chaos", &format!("http://{nobody}/"), "--secret-file", "secret"]);
    failed(&command.run().await, 8, "NETWORK");
    for (args, code) in [(&["--chaos", "nonsense", "--secret-file", "secret"][..], 2), (&["--secret-file", "secret"], 2)] {
        let mut command = Command::payin();
        std::fs::write(command.home().join("secret"), SECRET).expect("a file");
        command.args(["webhooks", "test"]).args(args);
        assert_eq!(command.run().await.code, Some(code), "{args:?}");
    }
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    words
}
