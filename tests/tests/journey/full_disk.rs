//! A disk that is full while payments come. What cannot be written is refused and left undone, the server says so, and has lost nothing
//! when there is room again.

use std::time::{Duration, Instant};

use payin_server::store::Location;
use payin_tests::merchant::Engine;
use payin_tests::nodes::{DEADLINE, http_client};
use serde_json::{Value, json};

use super::world::{USDT, World, address, id, part};

/// What failed again and again waits up to 15 s before it is tried once more.
const TRIED_AGAIN: Duration = Duration::from_secs(60);

/// Readiness, with its status.
async fn ready(world: &World) -> (u16, Value) {
    let answer = http_client().get(format!("{}/health/ready", world.merchant.url())).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn ready_when(world: &World, what: &str, is: impl Fn(u16, &Value) -> bool) -> Value {
    let until = Instant::now() + DEADLINE;
    loop {
        let (status, body) = ready(world).await;
        if is(status, &body) {
            return body;
        }
        assert!(Instant::now() < until, "not {what}: {status} {body:#}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// An order under an idempotency key: the status, what stands in a header, the body.
async fn create(world: &World) -> (u16, [Option<String>; 2], Value) {
    let body = json!({ "orderReference": "FULL", "amount": "1.00", "currency": "USDT", "chainId": "ethereum-sepolia" });
    let request = http_client().post(format!("{}/api/v1/orders", world.merchant.url())).header("x-api-key", world.merchant.key());
    let answer = request.header("idempotency-key", "full").json(&body).send().await.expect("an answer");
    let headers = ["retry-after", "idempotent-replayed"]
        .map(|name| answer.headers().get(name).map(|value| value.to_str().expect("a text").to_owned()));
    (answer.status().as_u16(), headers, answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let mut world = World::start(Engine::Sqlite, 1).await;
    let paid = world.order("PAID").await;
    let (status, body) = ready(&world).await;
    assert_eq!((status, &body["checks"]["database"]), (200, &json!({ "status": "ok" })));
    part("full");
    let Location::Sqlite(database) = world.merchant.place().location else { panic!("SQLite") };
    // What is committed goes to the end of the log first; it is not copied into the database before it is much longer.
    let log = std::fs::metadata(database.with_extension("db-wal")).expect("the log").len();
    world.merchant.server().limit_files(Some(log));
    let (status, body) = ready(&world).await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")), "{body:#}");
    let database = &body["checks"]["database"];
    assert_eq!(*database, json!({ "status": "failing", "message": "nothing can be written to the database" }));
    let alive = http_client().get(format!("{}/health", world.merchant.url())).send().await.expect("an answer");
    assert_eq!(alive.status().as_u16(), 200, "it lives, and is not to be started again for this");
    for _ in 0..3 {
        let (status, [retry_after, _], refused) = create(&world).await;
        assert_eq!((status, &refused["code"], retry_after.as_deref()), (503, &json!("SERVICE_UNAVAILABLE"), Some("1")), "{refused:#}");
    }
    assert_eq!(world.merchant.orders().await.len(), 1, "what was refused was not done, and what can be read is answered");
    part("paid meanwhile");
    let transaction = world.anvil.transfer(&world.usdt, address(&paid), 100 * USDT).await;
    world.confirm().await;
    let failing = |body: &Value| {
        body["checks"]["chain ethereum-sepolia"]["message"].as_str().is_some_and(|message| message.contains("not committed"))
    };
    ready_when(&world, "a payment that cannot be written", |status, body| status == 503 && failing(body)).await;
    let unseen = world.merchant.order(id(&paid)).await;
    assert_eq!((&unseen["status"], &unseen["receivedAmount"], unseen.get("detectedAt")), (&json!("pending"), &json!("0.00"), None));
    part("room again");
    world.merchant.server().limit_files(None);
    let is = |order: &Value| order["status"] == "completed";
    world.merchant.order_when_within(TRIED_AGAIN, id(&paid), "completed", is).await;
    world.completed_once(&paid, &transaction, "100.00").await;
    ready_when(&world, "ready", |status, body| status == 200 && body["checks"]["chain ethereum-sepolia"]["status"] == "ok").await;
    // The same request goes on to be one: it is done now, and once.
    let (status, [_, replayed], first) = create(&world).await;
    assert_eq!((status, replayed), (201, None), "{first:#}");
    let (status, [_, replayed], second) = create(&world).await;
    assert_eq!((status, replayed.as_deref(), &second), (201, Some("true"), &first));
    assert_eq!(world.merchant.orders().await.len(), 2);
    assert_eq!(world.merchant.place().rows("SELECT tx_hash FROM transfers").await, [[transaction]]);
    assert!(world.merchant.server().is_running());
}
