//! A database that nobody may write to for a while, as a PostgreSQL that another one is about to take over from: what needs no writing is
//! answered, the rest is refused and not done, and all goes on by itself.

use std::time::Instant;

use payin_core::quota::Limits;
use payin_tests::gateway::Place;
use payin_tests::nodes::{DEADLINE, http_client};
use payin_tests::sandbox::{Sandbox, new_order};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";

async fn ready(sandbox: &Sandbox) -> (u16, Value) {
    let answer = http_client().get(format!("{}/health/ready", sandbox.url())).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["checks"]["database"].clone())
}

/// Whoever is connected has to connect again, and finds it so.
async fn turn(place: &Place, read_only: bool) {
    let name = place.value("SELECT CAST(current_database() AS TEXT)").await;
    let set = if read_only { "SET default_transaction_read_only = on" } else { "RESET default_transaction_read_only" };
    place.execute(&format!("BEGIN READ WRITE; ALTER DATABASE {name} {set}; COMMIT")).await;
    if read_only {
        let end = "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'payin-server'";
        assert_ne!(place.value(end).await, "0", "nobody was connected");
    }
}

/// A reader's connection that ended within the last second is found out by whoever meets it. Until none is left: they take turns, and there
/// are fewer than twenty.
async fn met_by_somebody(sandbox: &Sandbox) {
    let (mut good, until) = (0, Instant::now() + DEADLINE);
    while good < 20 {
        good = if sandbox.get(ORDERS).await.status == 200 { good + 1 } else { 0 };
        assert!(Instant::now() < until, "readers never come back");
    }
}

#[tokio::test]
async fn a_database_that_became_read_only_is_said_and_reading_goes_on() {
    // Time runs: what was leased of the limits is good for a second.
    let sandbox =
        Sandbox::on_postgres(|options| options.rate_limits = Some(Limits { per_minute: 10_000, per_hour: 10_000, per_day: 10_000 })).await;
    let create = async |reference: &str| {
        let order = sandbox.ask("POST", ORDERS).header("Idempotency-Key", reference).json(&new_order(reference, "1"));
        order.send().await
    };
    let first = create("first").await.ok(201);
    assert_eq!(ready(&sandbox).await, (200, json!({ "status": "ok" })));
    turn(&sandbox.database(), true).await;
    met_by_somebody(&sandbox).await;
    let failing = json!({ "status": "failing", "message": "nothing can be written to the database" });
    assert_eq!(ready(&sandbox).await, (503, failing));
    create("second").await.refused(503, "SERVICE_UNAVAILABLE", "did nothing");
    // The limits' own writing fails as well, as soon as what was leased of them is used up; until then and from then on all is answered.
    let path = format!("{ORDERS}/{}", first["orderId"].as_str().expect("an id"));
    let until = Instant::now() + DEADLINE;
    loop {
        let shown = sandbox.get(&path).await;
        assert_eq!((shown.status, &shown.json["orderReference"]), (200, &json!("first")));
        if shown.header("x-ratelimit-limit").is_empty() {
            break;
        }
        assert!(Instant::now() < until, "requests are still counted, by whoever cannot write them down");
    }
    assert_eq!(sandbox.read(ORDERS).await["pagination"]["total"], 1);
    turn(&sandbox.database(), false).await;
    assert_eq!(ready(&sandbox).await, (200, json!({ "status": "ok" })));
    let second = create("second").await.ok(201);
    assert_eq!(create("second").await.ok(201), second);
    assert_eq!(sandbox.read(ORDERS).await["pagination"]["total"], 2);
    assert!(!sandbox.get(ORDERS).await.header("x-ratelimit-limit").is_empty(), "requests are counted again");
    sandbox.stop().await;
}
