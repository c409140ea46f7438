//! Events as they happen, over real HTTP: what a reader sees of the stream, and of servers that share a database.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use payin_server::app::access;
use payin_server::config::Config;
use payin_server::env::Targets;
use payin_server::serve::{self, Running};
use payin_server::store::Location;
use payin_tests::nodes::postgres::Database;
use payin_tests::nodes::{DEADLINE, http_client};
use payin_tests::sandbox::{Sandbox, text};
use payin_types::{Environment, ExposeSecret as _, Role};
use serde_json::{Value, json};

const STREAM: &str = "/api/v1/webhooks/events/stream";

/// A reader that knows of Server-Sent Events only that they are lines.
struct Reader {
    body: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
    taken: usize,
}

/// What stands in an event's lines.
#[derive(Debug)]
struct Told {
    id: String,
    event: String,
    data: String,
}

impl Reader {
    async fn open(url: &str, key: &str, query: &str, last: Option<&str>) -> Self {
        let request = http_client().get(format!("{url}{STREAM}{query}")).header("X-API-Key", key);
        let request = if let Some(last) = last { request.header("Last-Event-ID", last) } else { request };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().contains_key("x-request-id"));
        let mut reader = Self { body: response.bytes_stream().boxed(), text: String::new(), taken: 0 };
        assert!(reader.block().await.starts_with("retry: 1000\nid: "), "{}", reader.text);
        reader
    }

    /// The next lines up to an empty one; `None` once the stream has ended in order.
    async fn more(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text[self.taken..].find("\n\n") {
                let block = self.text[self.taken..self.taken + end].to_owned();
                self.taken += end + 2;
                return Some(block);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.body.next()).await.expect("something is said in time")?;
            self.text.push_str(std::str::from_utf8(&chunk.expect("the stream is not cut")).expect("text"));
        }
    }

    async fn block(&mut self) -> String {
        self.more().await.expect("the stream goes on")
    }

    async fn event(&mut self) -> Told {
        loop {
            let block = self.block().await;
            if block.contains("data: ") {
                let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
                return Told { id: line("id: "), event: line("event: "), data: line("data: ") };
            }
        }
    }

    /// The last thing that it is told before the stream ends in order.
    async fn last(mut self) -> String {
        let mut last = String::new();
        while let Some(block) = self.more().await {
            last = block;
        }
        last
    }
}

async fn complete(sandbox: &Sandbox, reference: &str) -> Value {
    let order = sandbox.order(reference, "10").await;
    sandbox.pay(&order["orderId"], json!({})).await;
    sandbox.mine(3).await;
    order["orderId"].clone()
}

async fn a_stream_is_read_cut_and_gone_on_with(sandbox: Sandbox) {
    let body = async |id: &str| sandbox.database().value(&format!("SELECT body FROM events WHERE id = '{id}'")).await;
    let mut now = Reader::open(sandbox.url(), sandbox.key(), "", None).await;
    let first = complete(&sandbox, "FIRST").await;
    let told = now.event().await;
    let id = format!("evt_order_completed_{}", text(&first));
    assert_eq!((told.event.as_str(), &told.data), ("order.completed", &body(&id).await), "byte for byte");
    drop(now);
    // While nobody listens, two more; the reader goes on, and also one that begins anew sees all of them.
    for reference in ["SECOND", "THIRD"] {
        complete(&sandbox, reference).await;
    }
    let mut again = Reader::open(sandbox.url(), sandbox.key(), "", Some(&told.id)).await;
    let (second, third) = (again.event().await, again.event().await);
    assert!(!second.data.contains(&id) && !third.data.contains(&id));
    let mut beginning = Reader::open(sandbox.url(), sandbox.key(), "?since=beginning&types=*", None).await;
    assert_eq!(beginning.event().await.data, told.data);
    assert_eq!([beginning.event().await.data, beginning.event().await.data], [second.data, third.data]);
    // The same order in pages.
    let page = sandbox.read("/api/v1/webhooks/events?after=beginning&limit=2").await;
    assert_eq!(
        (page["data"][0]["id"].as_str(), page["nextCursor"].as_str(), page["hasMore"].as_bool()),
        (Some(id.as_str()), Some(second.id.as_str()), Some(true))
    );
    let rest = sandbox.read(&format!("/api/v1/webhooks/events?after={}", text(&page["nextCursor"]))).await;
    assert_eq!((rest["data"].as_array().map(Vec::len), rest["hasMore"].as_bool()), (Some(1), Some(false)));
    // What only a stream asks for.
    let mut unusual = Reader::open(sandbox.url(), sandbox.key(), "?types=order.created", None).await;
    let fourth = sandbox.order("FOURTH", "10").await;
    let created = unusual.event().await;
    assert_eq!(created.event, "order.created");
    assert!(created.data.contains(text(&fourth["orderId"])));
    // Who may, and what cannot be.
    for role in [Role::Member, Role::Viewer] {
        let key = sandbox.key_with_role(role).await;
        sandbox.ask("GET", STREAM).key(&key).send().await.refused(403, "INSUFFICIENT_PERMISSIONS", "");
    }
    for (query, status, code) in [
        ("?after=00000000-1", 410, "CURSOR_UNKNOWN"),
        ("?after=1", 400, "VALIDATION_ERROR"),
        ("?since=soon", 400, "VALIDATION_ERROR"),
        ("?types=order.paid", 400, "VALIDATION_ERROR"),
        ("?limit=1", 400, "VALIDATION_ERROR"),
    ] {
        sandbox.get(&format!("{STREAM}{query}")).await.refused(status, code, "");
    }
    sandbox.ask("GET", STREAM).header("Last-Event-ID", "x").send().await.refused(400, "VALIDATION_ERROR", "Last-Event-ID");
    // A key that is taken back, on another server of this database for all that this one knows.
    let key = sandbox.key_with_role(Role::Admin).await;
    let admin = Reader::open(sandbox.url(), &key, "", None).await;
    sandbox.end_key(&key, "revoked_at").await;
    assert!(admin.last().await.starts_with(": the key is no longer taken\nretry: "));
    let (_, stopped) = tokio::join!(sandbox.stop(), again.last());
    assert_eq!(stopped, ": the server is stopping\nretry: 1000");
}

#[tokio::test]
async fn a_stream_is_read_cut_and_gone_on_with_on_sqlite() {
    a_stream_is_read_cut_and_gone_on_with(Sandbox::frozen().await).await;
}

#[tokio::test]
async fn a_stream_is_read_cut_and_gone_on_with_on_postgres() {
    a_stream_is_read_cut_and_gone_on_with(Sandbox::frozen_on_postgres().await).await;
}

async fn server(location: &Location) -> Running {
    let master_keys = vec![secrecy::SecretBox::new(Box::new([0x5a; 32]))];
    let config = Config {
        environment: Environment::Testnet,
        listen: "127.0.0.1:0".to_owned(),
        agreed_limits: std::collections::HashMap::new(),
        apis: payin_server::http::dialect::Apis::all(),
        public_url: None,
        open_registration: false,
        dashboard: false,
        trusted_proxies: Vec::new(),
        database: location.clone(),
        master_keys,
        orders: payin_core::order::Settings::default(),
        cooldown: Duration::ZERO,
        targets: Targets { allow_private: true, allow_http: true },
        rate_limits: None,
        deliveries: payin_core::delivery::Policy::default(),
        chains: Vec::new(),
    };
    serve::serve(config).await.unwrap_or_else(|error| panic!("no server: {error:#}"))
}

/// A server that is no sandbox, and an owner's key for it.
pub async fn with_key(location: &Location) -> (Running, String) {
    let server = server(location).await;
    let app = server.app();
    let key = access::make_key(app).expose_secret().to_owned();
    app.store.write(access::CreateKey::new(app, &key, Role::Owner, "test", None)).await.expect("a key");
    (server, key)
}

#[tokio::test]
async fn an_event_of_one_server_is_read_at_the_other() {
    let database = Database::create().await;
    let location: Location = database.url().parse().expect("a location");
    let ((one, key), other) = (with_key(&location).await, server(&location).await);
    let [at_one, at_other] = [&one, &other].map(|server| format!("http://{}", server.address));
    let post = async |path: &str, body: &Value| {
        let request = http_client().post(format!("{at_one}/api/v1/webhooks/endpoints{path}")).header("X-API-Key", &key).json(body);
        request.send().await.expect("an answer").json::<Value>().await.expect("JSON")
    };
    let endpoint = post("", &json!({ "url": "http://127.0.0.1:9/nobody", "events": ["*"] })).await;
    let mut reader = Reader::open(&at_other, &key, "", None).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let queued = post(&format!("/{}/test", text(&endpoint["id"])), &json!({})).await;
        let committed = Instant::now();
        assert!(reader.event().await.data.contains(text(&queued["eventId"])), "in the order they happened");
        slowest = slowest.max(committed.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let (_, stopped) = tokio::join!(async { other.stop().await.expect("it stops") }, reader.last());
    assert_eq!(stopped, ": the server is stopping\nretry: 1000");
    one.stop().await.expect("it stops");
}
