//! Idempotency keys over HTTP.

use futures_util::future::join_all;
use payin_server::store::Location;
use payin_tests::sandbox::{Ask, Reply, Sandbox, contract, new_order, text};
use payin_types::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ORDERS: &str = "/api/v1/orders";

fn with<'a>(sandbox: &'a Sandbox, key: &str, body: &Value) -> Ask<'a> {
    sandbox.ask("POST", ORDERS).header("Idempotency-Key", key).json(body)
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == "true"
}

async fn replays(sandbox: &Sandbox) {
    let order = new_order("ONCE", "1.50");
    let first = with(sandbox, "a-key", &order).send().await;
    assert_eq!((first.status, is_replay(&first)), (201, false));
    let id = first.json["orderId"].clone();
    // The order goes on; its first answer does not.
    sandbox.pay(&id, json!({})).await;
    sandbox.mine(3).await;
    sandbox.order_with_status(&id, "completed").await;
    for key in ["a-key", "\"a-key\"", " a-key "] {
        let again = with(sandbox, key, &order).send().await;
        assert_eq!((again.status, is_replay(&again)), (201, true), "{key:?}");
        assert_eq!(again.text, first.text, "{key:?}");
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    // The same with another body is a mistake, even if only a space differs.
    for other in [new_order("ONCE", "1.51").to_string(), format!("{order} "), String::new(), "{".to_owned()] {
        let ask = sandbox.ask("POST", ORDERS).header("Idempotency-Key", "a-key").raw_json(other);
        ask.send().await.refused(409, "IDEMPOTENCY_KEY_CONFLICT", "another request body");
    }
    // A key is of one path.
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    for is_again in [false, true] {
        let ask = sandbox.ask("POST", "/api/v1/address-pool/import").header("Idempotency-Key", "a-key");
        let reply = ask.json(&import).send().await;
        assert_eq!((is_replay(&reply), &reply.json["imported"]), (is_again, &json!(1)));
    }
    // Refusals that the same request would meet again are kept too, the id of their request with them.
    for (key, body, status, code) in
        [("bad", new_order("BAD", "0"), 400, "INVALID_AMOUNT"), ("twice", new_order("ONCE", "7"), 409, "DUPLICATE_ORDER_REFERENCE")]
    {
        let refusal = with(sandbox, key, &body).send().await;
        refusal.refused(status, code, "");
        let again = with(sandbox, key, &body).send().await;
        assert_eq!((is_replay(&refusal), is_replay(&again)), (false, true), "{key}");
        assert_eq!(again.text, refusal.text);
    }
    assert_eq!(sandbox.read(ORDERS).await["pagination"]["total"], 1);
    // After a day a key is free again.
    sandbox.advance(24 * 60 * 60 + 60).await;
    with(sandbox, "a-key", &order).send().await.refused(409, "DUPLICATE_ORDER_REFERENCE", "'ONCE'");
    assert_eq!(with(sandbox, "bad", &new_order("GOOD", "1")).send().await.status, 201);
}

#[tokio::test]
async fn the_first_answer_is_given_again_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    replays(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn the_first_answer_is_given_again_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    replays(&sandbox).await;
    sandbox.stop().await;
}

async fn sixty_four_at_once(sandbox: &Sandbox) {
    let order = new_order("CROWD", "1");
    let replies = join_all((0..64).map(|_| with(sandbox, "crowd", &order).send())).await;
    assert_eq!(replies.iter().filter(|reply| !is_replay(reply)).count(), 1);
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (201, &replies[0].text));
    }
    // Without a key it is the reference that lets only one through.
    let order = new_order("RACE", "1");
    let replies = join_all((0..64).map(|_| sandbox.ask("POST", ORDERS).json(&order).send())).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 63));
    for reply in refused {
        reply.refused(409, "DUPLICATE_ORDER_REFERENCE", "'RACE'");
        assert_eq!(reply.json["existingOrderId"], made[0].json["orderId"]);
    }
    let counts = sandbox.counts().await;
    assert_eq!((&counts["orders"], &counts["pool"]["evm"]["allocated"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn sixty_four_at_once_are_one_order_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    sixty_four_at_once(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn sixty_four_at_once_are_one_order_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    sixty_four_at_once(&sandbox).await;
    sandbox.stop().await;
}

/// A database that stalls for longer than a call waits: whoever asks with the key is told that it is under way, and nobody does it a second time.
#[tokio::test]
async fn what_is_under_way_for_long_is_said_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    let Location::Postgres(url) = sandbox.database().location else { panic!("the sandbox is on PostgreSQL") };
    let mut holder = PgConnection::connect(&url.0).await.expect("the database");
    sqlx::raw_sql("BEGIN; LOCK TABLE idempotency_records IN EXCLUSIVE MODE").execute(&mut holder).await.expect("a lock");
    let order = new_order("STALLED", "1");
    let three = || join_all((0..3).map(|_| with(&sandbox, "stalled", &order).send()));
    for reply in three().await {
        reply.refused(409, "IDEMPOTENCY_IN_PROGRESS", "still under way");
        assert_eq!(reply.header("retry-after"), "1");
    }
    let orders = || async { sandbox.database().value("SELECT COUNT(*) FROM orders").await };
    assert_eq!(orders().await, "0");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("the lock is let go of");
    let replies = three().await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (201, &replies[0].text));
    }
    assert_eq!(orders().await, "1");
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let sandbox = Sandbox::frozen().await;
    let order = new_order("KEYS", "1");
    let before = sandbox.counts().await;
    for (bad, says) in [
        (String::new(), "Idempotency-Key: must not be empty"),
        ("\"\"".to_owned(), "Idempotency-Key: must not be empty"),
        ("k".repeat(256), "Idempotency-Key: must be at most 255 characters, is 256"),
        ("ключ".to_owned(), "Idempotency-Key: must consist of printable ASCII"),
        ("a\tb".to_owned(), "Idempotency-Key: must consist of printable ASCII"),
    ] {
        with(&sandbox, &bad, &order).send().await.refused(400, "VALIDATION_ERROR", says);
    }
    with(&sandbox, "one", &order).header("Idempotency-Key", "two").send().await.refused(400, "VALIDATION_ERROR", "given once");
    with(&sandbox, "one", &order).header("Idempotency-Key", "one").send().await.refused(400, "VALIDATION_ERROR", "given once");
    assert_eq!(sandbox.counts().await, before);
    assert_eq!(with(&sandbox, &"k".repeat(255), &order).send().await.status, 201);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_may_pass_by_itself_is_not_kept() {
    let sandbox = Sandbox::frozen().await;
    let key = sandbox.stranger().await;
    let create = || with(&sandbox, "later", &new_order("LATER", "1")).key(&key);
    for _ in 0..2 {
        let empty = create().send().await;
        empty.refused(503, "NO_AVAILABLE_ADDRESSES", "'evm'");
        assert!(!is_replay(&empty));
        assert_eq!(empty.header("retry-after"), empty.json["retryAfter"].to_string());
    }
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    assert_eq!(sandbox.ask("POST", "/api/v1/address-pool/import").key(&key).json(&import).send().await.status, 200);
    let made = create().send().await;
    assert_eq!((made.status, is_replay(&made)), (201, false));
    // The pool is empty again, but this answer stands.
    assert!(is_replay(&create().send().await));
    // An empty pool does not hide that a reference is taken.
    let twice = sandbox.ask("POST", ORDERS).key(&key).json(&new_order("LATER", "2")).send().await;
    twice.refused(409, "DUPLICATE_ORDER_REFERENCE", "'LATER'");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_secret_is_given_again_only_to_the_key_that_made_it() {
    let sandbox = Sandbox::frozen().await;
    let admin = sandbox.key_with_role(Role::Admin).await;
    let body = json!({ "url": "https://a.example/hook", "events": ["order.completed"] });
    let create = |key: &str| sandbox.ask("POST", "/api/v1/webhooks/endpoints").key(key).header("Idempotency-Key", "hook").json(&body);
    let (first, again) = (create(sandbox.key()).send().await, create(sandbox.key()).send().await);
    assert_eq!((first.status, is_replay(&first), is_replay(&again)), (201, false, true));
    assert_eq!(first.text, again.text);
    let other = create(&admin).send().await;
    assert_eq!((other.status, is_replay(&other)), (201, false));
    assert_ne!(text(&other.json["secret"]), text(&first.json["secret"]));
    // An order bears no secret: there the organization shares its keys.
    let order = new_order("SHARED", "1");
    let mine = with(&sandbox, "shared", &order).send().await;
    let theirs = with(&sandbox, "shared", &order).key(&admin).send().await;
    assert_eq!((is_replay(&theirs), &theirs.text), (true, &mine.text));
    sandbox.stop().await;
}

/// Who takes a key: told by the refusal of one that is too long, which every operation that takes one looks at before anything else.
#[tokio::test]
async fn the_operations_that_take_a_key_are_those_of_the_contract() {
    let sandbox = Sandbox::frozen().await;
    let (mut taking, mut wrong) = (0, Vec::new());
    for (method, template) in contract().operations().into_iter().filter(|(method, _)| method != "GET") {
        let documented = contract().operation(&method, &template)["parameters"].to_string().contains("parameters/IdempotencyKey");
        let part = |part: &str| if part.starts_with('{') { "nothing".to_owned() } else { part.to_owned() };
        let path = template.split('/').map(part).collect::<Vec<_>>().join("/");
        let ask = sandbox.ask(&method, &path).header("Idempotency-Key", "k".repeat(256));
        let reply = match contract().request_example(&method, &template) {
            Some(body) => ask.json(body).send().await,
            None => ask.send().await,
        };
        let takes = reply.status == 400 && text(&reply.json["message"]).starts_with("Idempotency-Key: ");
        taking += usize::from(takes);
        if takes != documented {
            wrong.push(format!("{method} {template}: documented {documented}, but {} {}", reply.status, reply.text));
        }
    }
    sandbox.stop().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taking >= 15, "{taking}");
}

async fn steps(sandbox: &Sandbox) {
    let keyed = |path: &str, key: &str| sandbox.ask("POST", path).header("Idempotency-Key", key);
    let link = json!({ "title": "Plan", "amount": "1", "currencies": [{ "currency": "USDT", "chainOptions": ["ethereum-sepolia"], "isPrimary": true }] });
    let link = sandbox.post("/api/v1/payment-links", &link).await.ok(201);
    let link = format!("/api/v1/payment-links/{}", text(&link["id"]));
    let hook =
        sandbox.post("/api/v1/webhooks/endpoints", &json!({ "url": "https://a.example/hook", "events": ["order.created"] })).await.ok(201);
    let test = format!("/api/v1/webhooks/endpoints/{}/test", text(&hook["id"]));
    sandbox.order("TOLD", "1").await;
    let event = sandbox.read("/api/v1/webhooks/events?limit=1").await["data"][0]["id"].clone();
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    sandbox.post("/api/v1/address-pool/import", &import).await.ok(200);
    let address = "/api/v1/address-pool/addresses/0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
    for path in [
        format!("{link}/publish"),
        format!("{link}/unpublish"),
        format!("{link}/archive"),
        format!("{link}/restore"),
        format!("{address}/archive"),
        format!("{address}/restore"),
        test.clone(),
        format!("/api/v1/webhooks/events/{}/resend", text(&event)),
    ] {
        let (first, again) = (keyed(&path, "step").send().await, keyed(&path, "step").send().await);
        assert!([200, 202].contains(&first.status) && !is_replay(&first), "{first:?}");
        assert_eq!((again.status, &again.text, is_replay(&again)), (first.status, &first.text, true), "{path}");
    }
    // One test was sent; under another key it is another one.
    let sent = async |key: &str| keyed(&test, key).send().await.ok(202)["eventId"].clone();
    assert_eq!(sent("step").await, sent("step").await);
    assert_ne!(sent("step").await, sent("another").await);
    let other = keyed(&test, "step").json(&json!({})).send().await;
    other.refused(409, "IDEMPOTENCY_KEY_CONFLICT", "another request body");
    // What the body may be.
    sandbox.post(&test, &json!({ "event": "order.created" })).await.refused(400, "VALIDATION_ERROR", "event");
    sandbox.ask("POST", &test).body("{}").send().await.refused(415, "UNSUPPORTED_MEDIA_TYPE", "application/json");
    sandbox.ask("POST", &test).raw_json(" ".repeat(70_000)).send().await.refused(413, "PAYLOAD_TOO_LARGE", "at most");
}

#[tokio::test]
async fn steps_are_taken_once_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    steps(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn steps_are_taken_once_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    steps(&sandbox).await;
    sandbox.stop().await;
}

/// A line that is cut behind any byte of a request: nothing was done, and nothing stands under its key.
#[tokio::test]
async fn a_request_that_is_cut_anywhere_does_nothing() {
    let sandbox = Sandbox::frozen().await;
    let (host, body) = (sandbox.url().trim_start_matches("http://"), new_order("CUT", "1").to_string());
    let whole = format!(
        "POST /api/v1/orders HTTP/1.1\r\nhost: {host}\r\nx-api-key: {}\r\nidempotency-key: cut\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        sandbox.key(),
        body.len()
    );
    let send = async |bytes: &str, is_cut: bool| {
        let mut socket = TcpStream::connect(host).await.expect("a connection");
        socket.write_all(bytes.as_bytes()).await.expect("it is sent");
        if is_cut {
            socket.shutdown().await.expect("no more is sent");
        }
        let mut answer = String::new();
        // However it ends it is then over.
        let _ = socket.read_to_string(&mut answer).await;
        answer
    };
    let before = sandbox.counts().await;
    for cut in 0..whole.len() {
        let answer = send(&whole[..cut], true).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "cut behind {cut} bytes: {answer}");
    }
    assert_eq!(sandbox.counts().await, before);
    let answer = send(&whole, false).await;
    assert!(answer.starts_with("HTTP/1.1 201 ") && !answer.contains("idempotent-replayed"), "{answer}");
    sandbox.stop().await;
}
