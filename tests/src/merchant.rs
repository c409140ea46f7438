//! A merchant with a gateway of their own: `payin-server serve` with a configuration file, a key, `payin` beside it, and a
//! webhook endpoint that keeps what comes. Everything a test learns here a merchant could learn the same way.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_sdk::{SecretString, Timestamp};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::gateway::Place;
use crate::nodes::DEADLINE;
use crate::nodes::canary::MASTER_KEY;
use crate::nodes::postgres::Database;
use crate::nodes::program::{Command, Exit, Program};
use crate::nodes::receiver::{Received, Receiver};
use crate::openapi::Contract;

/// Between two looks at something that is to change.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Addresses in the pool: more than any journey has orders, since none is used again within its cooldown.
const ADDRESSES: u64 = 24;
/// `order.reverted` is missing on purpose: it comes to whoever has `order.completed`.
const EVENTS: &str = "order.completed,order.expired,order.payment_detected,order.paid_late,transfer.unmatched";

/// Which database a server works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A running gateway, its owner's key and webhook endpoint. Everything ends with the value.
pub struct Merchant {
    // Before what it works on: fields are dropped in this order.
    server: Program,
    receiver: Receiver,
    database: Option<Database>,
    home: TempDir,
    /// `[chains.…]` and whatever else a configuration has.
    settings: String,
    database_url: String,
    /// Where the server listens, also after it was started again.
    listen: String,
    key: String,
    secret: SecretString,
    contract: Contract,
}

impl Merchant {
    /// Creates the database and the key, starts the server with these `[chains.…]` tables, fills the address pool, and asks
    /// for webhooks.
    pub async fn start(engine: Engine, settings: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (database, database_url) = match engine {
            Engine::Sqlite => (None, format!("sqlite://{}", home.path().join("payin.db").display())),
            Engine::Postgres => {
                let database = Database::create().await;
                let url = database.url().to_owned();
                (Some(database), url)
            }
        };
        let config = home.path().join("payin-server.toml");
        let listen = "127.0.0.1:0";
        std::fs::write(&config, configuration(listen, &database_url, settings)).expect("a file in a temporary folder");

        let mut keys = payin_server(&config);
        keys.args(["keys", "create", "--role", "owner", "--config"]).arg(&config);
        let exit = keys.run().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        let key = exit.stdout.trim().to_owned();

        let (server, listen) = serve(&config).await;
        let receiver = Receiver::start().await;
        let mut merchant = Self {
            server,
            receiver,
            database,
            home,
            settings: settings.to_owned(),
            database_url,
            listen,
            key,
            secret: SecretString::from(String::new()),
            contract: Contract::load(),
        };
        merchant.settle_in().await;
        merchant
    }

    async fn settle_in(&mut self) {
        let addresses: String =
            (1..=ADDRESSES).map(|number| format!("0x{number:040x}\n")).map(|line| line.replacen("0x00", "0xb0", 1)).collect();
        let mut import = self.payin();
        import.args(["addresses", "import", "-", "--protocol", "evm"]).stdin(addresses);
        let imported = answer(import).await;
        assert_eq!((&imported["imported"], &imported["skipped"]), (&ADDRESSES.into(), &0.into()));

        let url = format!("{}/webhooks", self.receiver.url());
        let endpoint = self.answer(&["webhooks", "endpoints", "create", "--url", &url, "--event", EVENTS]).await;
        self.secret = endpoint["secret"].as_str().expect("the secret is shown once").into();
    }

    // ---- The command line ---------------------------------------------------------------------------------------

    /// `payin`, with this merchant's key and server.
    pub fn payin(&self) -> Command {
        let mut command = Command::payin();
        command.env("PAYIN_API_KEY", &self.key).env("PAYIN_BASE_URL", self.url());
        command
    }

    /// What `payin` answers to these arguments. Panics unless it exits with 0.
    pub async fn answer(&self, args: &[&str]) -> Value {
        let mut command = self.payin();
        command.args(args);
        answer(command).await
    }

    /// `payin orders create`, with further flags; judged by the contract. The reference has to be new.
    pub async fn create(&self, reference: &str, amount: &str, currency: &str, flags: &[&str]) -> Value {
        let mut args = vec!["orders", "create", "--reference", reference, "--amount", amount, "--currency", currency];
        args.extend(["--chain", "ethereum-sepolia"]);
        args.extend(flags);
        let order = self.answer(&args).await;
        self.contract.check_response_body("POST", "/api/v1/orders", 201, &order).unwrap();
        assert_eq!((&order["status"], &order["receivedAmount"]), (&"pending".into(), &"0.00".into()), "{order}");
        order
    }

    /// `payin orders get`, judged by the contract.
    pub async fn order(&self, id: &str) -> Value {
        let order = self.answer(&["orders", "get", id]).await;
        let path = format!("/api/v1/orders/{id}");
        self.contract.check_response_body("GET", &path, 200, &order).unwrap();
        order
    }

    /// The order, as soon as it is as wanted.
    pub async fn order_when(&self, id: &str, wanted: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.order_when_within(DEADLINE, id, wanted, is).await
    }

    pub async fn order_when_within(&self, deadline: Duration, id: &str, wanted: &str, is: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + deadline;
        loop {
            let order = self.order(id).await;
            if is(&order) {
                return order;
            }
            let logged = || self.server.stderr();
            assert!(Instant::now() < until, "not {wanted} after {deadline:?}: {order:#}\n-- the server's log:\n{}", logged());
            sleep(LOOK_EVERY).await;
        }
    }

    /// A payment, by `payin paywarden payments get`, as soon as it has this status; judged by the contract.
    pub async fn payment_with_status(&self, id: &str, status: &str) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            let payment = self.answer(&["paywarden", "payments", "get", id]).await;
            self.contract.check_response_body("GET", &format!("/api/v1/payments/{id}"), 200, &payment).unwrap();
            if payment["status"] == status {
                return payment;
            }
            let logged = || self.server.stderr();
            assert!(Instant::now() < until, "not {status} after {DEADLINE:?}: {payment:#}\n-- the server's log:\n{}", logged());
            sleep(LOOK_EVERY).await;
        }
    }

    /// The deposits, by `payin deposits list`, as soon as they are as wanted.
    pub async fn deposits_when(&self, wanted: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + DEADLINE;
        loop {
            let deposits = self.lines(&["deposits", "list", "--all"]).await;
            if is(&deposits) {
                return deposits;
            }
            let logged = || self.server.stderr();
            assert!(Instant::now() < until, "not {wanted} after {DEADLINE:?}: {deposits:#?}\n-- the server's log:\n{}", logged());
            sleep(LOOK_EVERY).await;
        }
    }

    /// `payin orders wait`, running.
    pub fn waiting(&self, id: &str) -> Program {
        let mut command = self.payin();
        command.args(["orders", "wait", id, "--timeout", "90s"]);
        command.start()
    }

    /// Every order, by `payin orders list --all`.
    pub async fn orders(&self) -> Vec<Value> {
        self.lines(&["orders", "list", "--all"]).await
    }

    async fn lines(&self, args: &[&str]) -> Vec<Value> {
        let mut command = self.payin();
        command.args(args);
        let exit = command.run().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        exit.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }

    // ---- Webhooks -----------------------------------------------------------------------------------------------

    /// All that came so far: each signature verified by the SDK both ways, each body judged by the contract.
    pub fn webhooks(&self) -> Vec<Value> {
        self.receiver.received().iter().map(|received| self.genuine(received)).collect()
    }

    /// Those of one type about one order (or about a transfer to its address), each delivery counted.
    pub fn about(&self, order: &Value, event_type: &str) -> Vec<Value> {
        let about =
            |data: &Value| data["orderId"] == order["orderId"] || (data["orderId"].is_null() && data["address"] == order["address"]);
        let received = self.receiver.received();
        let found = received.iter().filter(|received| {
            let event = received.json();
            event["type"] == event_type && about(&event["data"])
        });
        found.map(|received| self.genuine(received)).collect()
    }

    /// The first webhook of this type about an order, as soon as it has come.
    pub async fn webhook(&self, order: &Value, event_type: &str) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(event) = self.about(order, event_type).into_iter().next() {
                return event;
            }
            assert!(Instant::now() < until, "no {event_type} came for {order:#}\n-- the server's log:\n{}", self.server.stderr());
            sleep(LOOK_EVERY).await;
        }
    }

    /// The ids of the events of one type about an order: a retry has its first attempt's id.
    pub fn event_ids(&self, order: &Value, event_type: &str) -> BTreeSet<String> {
        self.about(order, event_type).iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The same, as soon as there are so many.
    pub async fn event_ids_when(&self, order: &Value, event_type: &str, count: usize) -> BTreeSet<String> {
        let until = Instant::now() + DEADLINE;
        loop {
            let ids = self.event_ids(order, event_type);
            if ids.len() >= count {
                return ids;
            }
            assert!(Instant::now() < until, "only {ids:?} came for {order:#}\n-- the server's log:\n{}", self.server.stderr());
            sleep(LOOK_EVERY).await;
        }
    }

    /// Where the webhooks go.
    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    fn genuine(&self, received: &Received) -> Value {
        // As of when it came: a long run looks at all of them in its end.
        let (verifier, now) = (Verifier::new(self.secret.clone()), Timestamp::from(SystemTime::now()).minus(received.at.elapsed()));
        let headers = || received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        for scheme in [Scheme::PayIn, Scheme::Standard] {
            webhook::verify_as(scheme, headers(), &received.body, &verifier, now).unwrap_or_else(|error| panic!("{scheme}: {error}"));
            let forged = Verifier::new(SecretString::from("whsec_c29tZWJvZHkgZWxzZSdz"));
            assert!(webhook::verify_as(scheme, headers(), &received.body, &forged, now).is_err(), "{scheme}: any secret will do");
        }
        let event = received.json();
        assert_eq!(received.header("webhook-id"), event["id"].as_str().expect("an id"));
        let event_type = event["type"].as_str().expect("a type");
        if self.contract.events().iter().any(|described| described == event_type) {
            self.contract.check_event(event_type, &event).unwrap();
        }
        event
    }

    // ---- The server ---------------------------------------------------------------------------------------------

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// `127.0.0.1:PORT`
    pub fn listen(&self) -> &str {
        &self.listen
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn server(&mut self) -> &mut Program {
        &mut self.server
    }

    /// `payin-server` beside the running one, with its configuration, to its end.
    pub async fn beside(&self, args: &[&str]) -> Exit {
        let config = self.home.path().join("payin-server.toml");
        let mut command = payin_server(&config);
        command.args(args).arg("--config").arg(&config);
        command.run().await
    }

    /// The database, past the server.
    pub fn place(&self) -> Place {
        Place::of(&self.database_url.parse().expect("a database"))
    }

    /// The chain, as soon as it is followed as wanted; judged by the contract.
    pub async fn chain_when(&self, wanted: &str, is: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + DEADLINE;
        loop {
            let all = self.answer(&["chains", "list"]).await;
            self.contract.check_response_body("GET", "/api/v1/chains", 200, &all).unwrap();
            if is(&all["data"][0]) {
                return all["data"][0].clone();
            }
            assert!(Instant::now() < until, "not {wanted}: {all:#}\n-- the server's log:\n{}", self.server.stderr());
            sleep(LOOK_EVERY).await;
        }
    }

    /// Another server on the same database, and where it listens. Only PostgreSQL may have one.
    pub async fn second_server(&self) -> (Program, String) {
        let config = self.home.path().join("second-server.toml");
        let text = configuration("127.0.0.1:0", &self.database_url, &self.settings);
        std::fs::write(&config, text).expect("a file in a temporary folder");
        serve(&config).await
    }

    /// Stops the server's clock hands, but not the world: SIGSTOP, until [`Self::thaw`].
    pub fn freeze(&self) {
        self.server.signal("STOP");
    }

    pub fn thaw(&self) {
        self.server.signal("CONT");
    }

    /// Ends a killed server's leases, as their time would: on PostgreSQL the next server waits for that, half a minute long.
    pub async fn end_leases(&self) {
        if let Some(database) = &self.database {
            let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
            sqlx::query("UPDATE leases SET expires_at = 0").execute(&mut connection).await.expect("leases");
        }
    }

    /// Starts the server again after its end, with the same configuration, at the same address.
    pub async fn start_again(&mut self) {
        let config = self.home.path().join("payin-server.toml");
        std::fs::write(&config, configuration(&self.listen, &self.database_url, &self.settings)).expect("a file in a temporary folder");
        let (server, listen) = serve(&config).await;
        assert_eq!(listen, self.listen);
        self.server = server;
    }
}

fn configuration(listen: &str, database: &str, settings: &str) -> String {
    format!(
        "environment = \"testnet\"\napis = [\"payin\", \"paywarden\", \"cryptopay\"]\nlisten = \"{listen}\"\ndatabase = \"{database}\"\n\n\
         [webhooks]\nallow_http = true\nallow_private = true\n\n[rate_limits]\nenabled = false\n\n{settings}"
    )
}

fn payin_server(config: &Path) -> Command {
    assert!(config.is_file());
    let mut command = Command::payin_server();
    command.env("PAYIN_SERVER_MASTER_KEY", MASTER_KEY).env("NO_COLOR", "1");
    command
}

/// Answers the server and where it listens.
async fn serve(config: &Path) -> (Program, String) {
    let mut command = payin_server(config);
    command.args(["serve", "--config"]).arg(config);
    let server = command.start();
    let ready = server.stderr_with("payin-server is ready").await;
    let (_, address) = ready.split_once("address=").unwrap_or_else(|| panic!("no address: {ready}"));
    (server, address.trim().to_owned())
}

async fn answer(command: Command) -> Value {
    let exit: Exit = command.run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.json()
}
