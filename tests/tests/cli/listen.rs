//! `payin listen` against the server program: killed, stopped, cut off and interrupted while events flow, it loses none, and forwards none
//! twice under another id. And `payin trigger`, which makes events happen.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use payin_sdk::webhook::{self, Verifier};
use payin_tests::gateway::{Kind, Place};
use payin_tests::nodes::http_client;
use payin_tests::nodes::program::{Command, Program};
use payin_tests::nodes::receiver::{Answer, Received, Receiver};
use payin_tests::sandbox::{Sandbox, new_order, text};
use payin_types::{SecretString, Timestamp};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{answer, failed, payin, payin_at};

const KEY: &str = "pk_test_of_a_developer";

/// The way to the server: it can be cut, and closed.
struct Road {
    address: SocketAddr,
    cut: watch::Sender<u64>,
    is_open: Arc<AtomicBool>,
}

impl Road {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (cut, cuts) = watch::channel(0);
        let road = Self { address: listener.local_addr().expect("a bound address"), cut, is_open: Arc::new(AtomicBool::new(true)) };
        let is_open = Arc::clone(&road.is_open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                if is_open.load(Ordering::SeqCst) {
                    tokio::spawn(async move {
                        let Ok(mut server) = TcpStream::connect(server).await else { return };
                        tokio::select! { _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}, _ = cuts.changed() => {} }
                    });
                }
            }
        });
        road
    }

    /// Breaks every connection; new ones are closed at once until it is opened.
    fn close(&self) {
        self.is_open.store(false, Ordering::SeqCst);
        self.cut.send_modify(|cut| *cut += 1);
    }

    fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

/// A developer's machine: a sandbox, a receiver, and a home in which `payin listen` remembers.
struct Desk {
    place: Place,
    server: Program,
    at: SocketAddr,
    road: Road,
    receiver: Receiver,
    home: tempfile::TempDir,
    /// The ids of what has happened, in order.
    happened: Vec<String>,
}

async fn server(place: &Place, listen: &str) -> (Program, SocketAddr) {
    let mut command = Command::payin_server();
    let database = match &place.location {
        payin_server::store::Location::Sqlite(path) => format!("sqlite://{}", path.display()),
        payin_server::store::Location::Postgres(url) => url.0.clone(),
    };
    command.args(["dev", "--listen", listen, "--clock", "virtual", "--api-key", KEY, "--database", &database]);
    let mut server = command.start();
    let ready = server.next_json().await;
    let at = text(&ready["url"]).trim_start_matches("http://").parse().expect("an address");
    (server, at)
}

impl Desk {
    async fn new(kind: Kind) -> Self {
        let place = Place::new(kind).await;
        let (server, at) = server(&place, "127.0.0.1:0").await;
        let (road, receiver) = (Road::to(at).await, Receiver::start().await);
        let home = tempfile::tempdir().expect("a folder");
        Self { place, server, at, road, receiver, home, happened: Vec::new() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = payin_at(&format!("http://{}", self.road.address), KEY, args);
        command.env("XDG_CONFIG_HOME", self.home.path());
        command
    }

    /// Listens, and is connected.
    async fn listen(&self) -> Program {
        let to = format!("{}/hook", self.receiver.url());
        let listen = self.command(&["listen", "--forward-to", &to, "--events", "order.created", "--output", "ndjson"]).start();
        listen.stderr_with("connected").await;
        listen
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = http_client().post(format!("http://{}/api/v1{path}", self.at)).header("X-API-Key", KEY).json(body);
        let response = request.send().await.expect("an answer");
        assert!(response.status().is_success(), "{response:?}");
        response.json().await.expect("JSON")
    }

    /// Something happens.
    async fn order(&mut self) {
        let order = self.post("/orders", &new_order(&format!("R-{}", self.happened.len()), "10")).await;
        self.happened.push(format!("evt_order_created_{}", text(&order["orderId"])));
    }

    /// What has happened last is forwarded next.
    async fn gets(&self) -> Received {
        let got = self.receiver.next().await;
        assert_eq!(&got.header("x-payin-event-id"), self.happened.last().expect("something has happened"));
        got
    }

    /// The last few that have happened are forwarded next. Of orders made in the same moment none is before the other.
    async fn gets_last(&self, count: usize) {
        let mut got = BTreeSet::new();
        for _ in 0..count {
            got.insert(self.receiver.next().await.header("x-payin-event-id").to_owned());
        }
        assert_eq!(got, self.happened.iter().rev().take(count).cloned().collect());
    }
}

async fn nothing_is_lost(kind: Kind) {
    let mut desk = Desk::new(kind).await;
    let mut listen = desk.listen().await;
    desk.order().await;
    let first = desk.gets().await;
    let line = listen.next_json().await;
    assert_eq!((&line["eventId"], &line["status"], &line["attempt"]), (&json!(desk.happened[0]), &json!(200), &json!(1)), "{line}");

    // Killed while the receiver has it and has not answered; more happens while nobody listens.
    desk.receiver.script([Answer::never()]);
    desk.order().await;
    desk.gets().await;
    assert_eq!(listen.kill().await.signal, Some(9));
    desk.order().await;
    desk.order().await;
    let mut listen = desk.listen().await;
    desk.gets_last(3).await;

    // Two of it would both forward everything.
    let to = format!("{}/hook", desk.receiver.url());
    failed(&desk.command(&["listen", "--forward-to", &to]).run().await, 5, "ALREADY_LISTENING");

    // Cut off, for as long as it takes it to notice.
    desk.road.close();
    desk.order().await;
    listen.stderr_with("connecting again").await;
    desk.order().await;
    desk.road.open();
    desk.gets_last(2).await;

    // Stopped, as a laptop sleeps; meanwhile the server is another one, and the connection means nothing any more.
    listen.signal("STOP");
    desk.order().await;
    assert_eq!(desk.server.kill().await.signal, Some(9));
    desk.server = server(&desk.place, &desk.at.to_string()).await.0;
    desk.order().await;
    listen.signal("CONT");
    desk.gets_last(2).await;

    // A receiver that does not manage at first.
    desk.receiver.script([Answer::status(500), Answer::status(302).header("location", "/elsewhere")]);
    desk.order().await;
    let tries = [desk.gets().await, desk.gets().await, desk.gets().await];
    assert!(tries.iter().all(|got| got.uri.path() == "/hook"), "redirects are not followed");
    let deliveries: BTreeSet<&str> = tries.iter().map(|got| got.header("x-payin-delivery-id")).collect();
    assert_eq!(deliveries.len(), 3, "each attempt has an id of its own");

    // One that wants no more: it is told so, with what is first the next time.
    desk.receiver.script([Answer::status(410)]);
    desk.order().await;
    desk.gets().await;
    let exit = listen.wait().await;
    assert_eq!(failed(&exit, 9, "NOT_DELIVERED")["exitCode"], 9);
    let mut listen = desk.listen().await;
    desk.gets().await;
    listen.line_with(desk.happened.last().expect("an event")).await;
    listen.interrupt();
    let exit = listen.wait().await;
    assert!(failed(&exit, 130, "INTERRUPTED")["hint"].as_str().is_some_and(|hint| hint.starts_with("stopped behind ")), "{exit:?}");

    // All of it, and nothing else; each body as it stands in the database, each genuine by the secret that is shown.
    let secret = desk.command(&["listen", "--print-secret"]).run().await.stdout.trim().to_owned();
    let verifier = Verifier::new(SecretString::from(secret));
    let mut ids = BTreeSet::new();
    for got in desk.receiver.received() {
        let id = got.header("x-payin-event-id").to_owned();
        let body = desk.place.value(&format!("SELECT body FROM events WHERE id = '{id}'")).await;
        assert_eq!(got.body, body);
        let now = Timestamp::from_secs(got.header("webhook-timestamp").parse().expect("seconds"));
        let headers = got.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        assert_eq!(webhook::construct_event(headers, &got.body, &verifier, now).expect("genuine").id.as_str(), id);
        ids.insert(id);
    }
    assert_eq!(ids, desk.happened.iter().cloned().collect());
    is_what_a_server_sends(&desk, &first).await;
}

/// The very headers of the server's own deliveries, with the same values where they do not depend on time, chance or secret.
async fn is_what_a_server_sends(desk: &Desk, forwarded: &Received) {
    let url = format!("{}/server", desk.receiver.url());
    desk.post("/webhooks/endpoints", &json!({ "url": url, "events": ["order.created"] })).await;
    desk.post("/orders", &new_order("SENT", "10")).await;
    desk.post("/sandbox/clock/advance", &json!({ "seconds": 1 })).await;
    let sent = loop {
        let got = desk.receiver.next().await;
        if got.uri.path() == "/server" {
            break got;
        }
    };
    let names = |got: &Received| got.headers.keys().map(|name| name.as_str().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names(forwarded), names(&sent));
    for name in ["content-type", "user-agent", "x-payin-event-type"] {
        assert_eq!(forwarded.header(name), sent.header(name), "{name}");
    }
    let shape = |id: &str| id.split('_').map(|part| part.chars().all(|c| c.is_ascii_digit())).collect::<Vec<_>>();
    assert_eq!(shape(forwarded.header("x-payin-delivery-id"))[..2], shape(sent.header("x-payin-delivery-id"))[..2]);
}

#[tokio::test]
async fn nothing_is_lost_on_sqlite() {
    nothing_is_lost(Kind::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_lost_on_postgres() {
    nothing_is_lost(Kind::Postgres).await;
}

#[tokio::test]
async fn events_are_printed_and_a_secret_of_ones_own_is_used() {
    let sandbox = Sandbox::frozen().await;
    let mut printing = payin(&sandbox, &["listen", "--events", "order.created", "--output", "ndjson"]).start();
    printing.stderr_with("connected").await;
    let order = sandbox.order("PRINTED", "10").await;
    let id = format!("evt_order_created_{}", text(&order["orderId"]));
    let body = sandbox.database().value(&format!("SELECT body FROM events WHERE id = '{id}'")).await;
    assert_eq!(printing.next_line().await, body, "as it is sent");
    let receiver = Receiver::start().await;
    let mut command = payin(&sandbox, &["listen", "--since", "beginning", "--forward-to", receiver.url(), "--secret-file", "secret.txt"]);
    std::fs::write(command.home().join("secret.txt"), "a secret of our own\n").expect("a file");
    command.arg("--quiet");
    let forwarding = command.start();
    let got = receiver.next().await;
    let now = Timestamp::from_secs(got.header("webhook-timestamp").parse().expect("seconds"));
    let headers = got.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    assert!(webhook::construct_event(headers, &got.body, &Verifier::new("a secret of our own".into()), now).is_ok());
    assert_eq!(got.body, body);
    assert!(!forwarding.stderr().contains("secret"), "{}", forwarding.stderr());
    for (args, code) in [
        (&["listen", "--forward-to", "localhost:8080"] as &[&str], "USAGE"),
        (&["listen", "--forward-to", "http://192.0.2.1/hook"], "USAGE"),
        (&["listen", "--since", "yesterday"], "USAGE"),
    ] {
        failed(&payin(&sandbox, args).run().await, 2, code);
    }
    failed(&payin(&sandbox, &["listen", "--events", "order.paid"]).run().await, 6, "VALIDATION_ERROR");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_sandbox_started_anew_is_not_taken_for_the_one_before() {
    let home = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start().await;
    let listen = |at: SocketAddr, since: &[&str]| {
        let mut command = payin_at(&format!("http://{at}"), KEY, &[&["listen", "--forward-to", receiver.url()], since].concat());
        command.env("XDG_CONFIG_HOME", home.path());
        command
    };
    let first = Place::new(Kind::Sqlite).await;
    let (mut old, at) = server(&first, "127.0.0.1:0").await;
    let mut listening = listen(at, &[]).start();
    listening.stderr_with("connected").await;
    let file = home.path().join("payin/listen");
    let is_kept = || {
        std::fs::read_dir(&file)
            .is_ok_and(|mut all| all.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "json"))))
    };
    while !is_kept() {
        assert!(listening.is_running());
        tokio::task::yield_now().await;
    }
    old.kill().await;
    let second = Place::new(Kind::Sqlite).await;
    let (_new, _) = server(&second, &at.to_string()).await;
    let exit = listening.wait().await;
    assert!(failed(&exit, 5, "CURSOR_UNKNOWN")["hint"].as_str().is_some_and(|hint| hint.contains("--since beginning")), "{exit:?}");
    failed(&listen(at, &[]).run().await, 5, "CURSOR_UNKNOWN");
    listen(at, &["--since", "beginning"]).start().stderr_with("connected").await;
}

#[tokio::test]
async fn whatever_is_triggered_happens() {
    let sandbox = Sandbox::frozen().await;
    let list = answer(payin(&sandbox, &["trigger", "--list"])).await;
    let events: Vec<&str> = list["data"].as_array().expect("a list").iter().map(|entry| text(&entry["event"])).collect();
    assert!(events.len() > 15, "{events:?}");
    for event in events {
        let made = answer(payin(&sandbox, &["trigger", event])).await;
        assert_eq!(made["event"], event, "{made}");
        let record = sandbox.read(&format!("/api/v1/webhooks/events/{}", text(&made["eventId"]))).await;
        assert_eq!(record["type"], event);
    }
    let set = ["--set", "amount=12.50", "--set", "reference=R-7", "--set", "metadata.cart=17", "--set", "chain=polygon-amoy"];
    let made = answer(payin(&sandbox, &[&["trigger", "order.completed"] as &[&str], &set].concat())).await;
    let order = sandbox.order_now(&made["orderId"]).await;
    assert_eq!(
        (&order["receivedAmount"], &order["orderReference"], &order["metadata"]),
        (&json!("12.50"), &json!("R-7"), &json!({ "cart": "17" }))
    );
    failed(&payin(&sandbox, &["trigger", "order.paid"]).run().await, 2, "USAGE");
    failed(&payin(&sandbox, &["trigger", "order.completed", "--set", "status=completed"]).run().await, 2, "USAGE");
    sandbox.stop().await;
}

#[tokio::test]
async fn time_that_runs_can_be_passed_too_and_elsewhere_nothing_is_made_up() {
    let sandbox = Sandbox::start().await;
    for event in ["order.expired", "order.reverted"] {
        assert_eq!(answer(payin(&sandbox, &["trigger", event])).await["event"], event);
    }
    sandbox.stop().await;
    let place = Place::new(Kind::Sqlite).await;
    let (server, key) = crate::api::stream::with_key(&place.location).await;
    let exit = payin_at(&format!("http://{}", server.address), &key, &["trigger", "order.completed"]).run().await;
    failed(&exit, 2, "NO_SANDBOX");
    server.stop().await.expect("it stops");
}
