//! The sandbox of `payin-server dev` in this process, and a raw client of it: no type of ours between the test and the
//! wire, and every answer is judged by `openapi.yaml` before the test sees it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};
use payin_server::app::accounts::{CreateUser, NewUser};
use payin_server::app::dialect::{Replace, Told};
use payin_server::app::{App, access};
use payin_server::config::Config;
use payin_server::dev::{self, Dev, Options};
use payin_server::env::Targets;
use payin_server::http::dialect::Apis;
use payin_server::serve;
use payin_server::store::Location;
use payin_types::{Environment, ExposeSecret, Role, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::gateway::Place;
use crate::nodes::postgres::Database;
use crate::nodes::{DEADLINE, http_client};
use crate::openapi::Contract;

/// The chain that tests use unless they want another: 3 confirmations.
pub const CHAIN: &str = "ethereum-sepolia";

/// Of everybody who signs in.
pub const PASSWORD: &str = "correct horse battery";

/// The contract, read once.
#[must_use]
pub fn contract() -> &'static Contract {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);
    &CONTRACT
}

/// A running sandbox with a database of its own.
pub struct Sandbox {
    dev: Dev,
    client: reqwest::Client,
    location: Location,
    /// A second way into its database, beside the server: for what no API offers.
    back_door: OnceCell<App>,
    _postgres: Option<Database>,
    _folder: Option<TempDir>,
}

impl Sandbox {
    /// On SQLite; time runs.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// On SQLite; time stands still until the test moves it, and blocks come on demand.
    pub async fn frozen() -> Self {
        Self::with(|options| options.frozen = true).await
    }

    /// On SQLite; time stands still, and ids, keys and chains are those of a seed.
    pub async fn seeded(seed: u64) -> Self {
        Self::with(|options| (options.frozen, options.seed) = (true, Some(seed))).await
    }

    /// As the test wants it, on SQLite.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let location = Location::Sqlite(folder.path().join("payin.db"));
        Self::at(location, None, Some(folder), change).await
    }

    /// On PostgreSQL; time stands still.
    pub async fn frozen_on_postgres() -> Self {
        Self::on_postgres(|options| options.frozen = true).await
    }

    /// As the test wants it, on PostgreSQL.
    pub async fn on_postgres(change: impl FnOnce(&mut Options)) -> Self {
        let database = Database::create().await;
        let location = database.url().parse().expect("a location");
        Self::at(location, Some(database), None, change).await
    }

    async fn at(location: Location, postgres: Option<Database>, folder: Option<TempDir>, change: impl FnOnce(&mut Options)) -> Self {
        let client = http_client();
        let database = Some(location.clone());
        let mut options = Options {
            listen: "127.0.0.1:0".to_owned(),
            database,
            api_key: None,
            seed: None,
            frozen: false,
            rate_limits: None,
            apis: Apis::all(),
        };
        change(&mut options);
        let dev = dev::start(options).await.unwrap_or_else(|error| panic!("no sandbox: {error:#}"));
        Self { dev, client, location, back_door: OnceCell::new(), _postgres: postgres, _folder: folder }
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> &str {
        &self.dev.ready.url
    }

    /// The owner's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.dev.ready.api_key
    }

    /// As whom, and with which password, its owner signs in by hand.
    #[must_use]
    pub fn owner(&self) -> (&str, &str) {
        let sign_in = &self.dev.ready.dashboard;
        (&sign_in.email, &sign_in.password)
    }

    /// What the webhooks of other APIs are signed with.
    #[must_use]
    pub fn webhook_secret(&self) -> &str {
        self.dev.ready.webhook_secret.as_deref().expect("a server that speaks other APIs")
    }

    /// Its database, past the server.
    #[must_use]
    pub fn database(&self) -> Place {
        Place::of(&self.location)
    }

    /// Stops it in order. A test that does not care may drop it.
    pub async fn stop(self) {
        if let Some(app) = self.back_door.get() {
            app.store.close().await;
        }
        self.dev.stop().await.unwrap_or_else(|error| panic!("the sandbox did not stop: {error:#}"));
    }

    /// A request with the owner's key. `path` is the whole path, as it goes over the wire.
    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let method: Method = method.parse().expect("a method");
        Ask { sandbox: self, method, path: path.to_owned(), headers: Vec::new(), body: None }.key(self.key())
    }

    /// Status and body of a request with the owner's key that the contract does not judge: of a server that speaks not all of it.
    pub async fn without_judge(&self, method: &str, path: &str) -> (u16, Value) {
        let method: Method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url())).header("X-API-Key", self.key());
        let response = request.send().await.unwrap_or_else(|error| panic!("{path}: no answer: {error:?}"));
        (response.status().as_u16(), response.json().await.unwrap_or_else(|error| panic!("{path}: not JSON: {error}")))
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path).json(body).send().await
    }

    /// As [`Sandbox::post`], of a body made for it.
    pub async fn post_owned(&self, path: &str, body: Value) -> Reply {
        self.post(path, &body).await
    }

    /// The body of a GET that must succeed.
    pub async fn read(&self, path: &str) -> Value {
        self.get(path).await.ok(200)
    }

    /// A new order in the documents' words.
    pub async fn order(&self, reference: &str, amount: &str) -> Value {
        self.post("/api/v1/orders", &new_order(reference, amount)).await.ok(201)
    }

    /// An order as it is.
    pub async fn order_now(&self, id: &Value) -> Value {
        self.read(&format!("/api/v1/orders/{}", text(id))).await
    }

    /// What a GET answers, as soon as it is as the test waits for.
    pub async fn read_when(&self, path: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.read(path).await;
            if is_it(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < DEADLINE, "{path} is not {what} within {DEADLINE:?}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// An order, as soon as it is as the test waits for.
    pub async fn order_when(&self, id: &Value, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.read_when(&format!("/api/v1/orders/{}", text(id)), what, is_it).await
    }

    /// An order, as soon as it has this status.
    pub async fn order_with_status(&self, id: &Value, status: &str) -> Value {
        self.order_when(id, status, |order| order["status"] == status).await
    }

    /// An order, as soon as a payment of it was seen.
    pub async fn order_seen(&self, id: &Value) -> Value {
        self.order_when(id, "seen", |order| order["txHash"].is_string()).await
    }

    /// Pays an order, as `change` says where it says anything. Answers what the sandbox answered.
    pub async fn pay(&self, id: &Value, change: Value) -> Value {
        let mut pay = json!({ "orderId": id });
        let (pay_fields, change) = (pay.as_object_mut().expect("an object"), change.as_object().cloned().unwrap_or_default());
        pay_fields.extend(change);
        self.post("/api/v1/sandbox/pay", &pay).await.ok(200)
    }

    /// All that the journal has, a line each, but for the ports of this machine: it gives receivers of webhooks other ones in each run.
    pub async fn whole_journal(&self) -> String {
        let (mut lines, mut after) = (String::new(), 0);
        loop {
            let page = self.read(&format!("/api/v1/sandbox/journal?limit=1000&after={after}")).await;
            assert_eq!(page["forgotten"], 0, "more has happened than the journal keeps");
            let entries = page["entries"].as_array().expect("a list");
            let Some(last) = entries.last() else { return without_ports(&lines) };
            after = last["seq"].as_u64().expect("a number");
            lines.extend(entries.iter().map(|entry| format!("{entry}\n")));
        }
    }

    /// Mines blocks on [`CHAIN`].
    pub async fn mine(&self, blocks: u32) -> Value {
        self.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": blocks })).await.ok(200)
    }

    pub async fn advance(&self, seconds: u64) -> Value {
        self.post("/api/v1/sandbox/clock/advance", &json!({ "seconds": seconds })).await.ok(200)
    }

    /// What must stay the same where nothing may happen: how many orders, endpoints and addresses there are.
    pub async fn counts(&self) -> Value {
        let total = async |path: &str| self.read(path).await["pagination"]["total"].clone();
        json!({
            "orders": total("/api/v1/orders?limit=1").await,
            "endpoints": total("/api/v1/webhooks/endpoints?limit=1").await,
            "pool": self.read("/api/v1/address-pool/status").await,
        })
    }

    /// A key of the sandbox's organization with this role.
    pub async fn key_with_role(&self, role: Role) -> String {
        let app = self.back_door().await;
        let secret = access::make_key(app);
        let unit = access::CreateKey::new(app, secret.expose_secret(), role, "of a test", Some("Sandbox".to_owned()));
        app.store.write(unit).await.unwrap_or_else(|error| panic!("no key: {error:?}"));
        secret.expose_secret().to_owned()
    }

    /// Somebody new who has this role in the organization that a key belongs to: their e-mail address, and their id.
    pub async fn person(&self, key: &str, role: Role) -> (String, String) {
        let app = self.back_door().await;
        let key = access::authenticate(app, key).await.unwrap_or_else(|error| panic!("no organization: {error:?}"));
        let email = format!("{:x}@shop.example", app.random_id());
        let asked = NewUser {
            name: None,
            email: email.clone(),
            password: SecretString::from(PASSWORD),
            organization: Some(key.organization_name.clone()),
            role,
        };
        let unit = CreateUser::new(app, asked).await.unwrap_or_else(|error| panic!("no account: {error:?}"));
        let (id, _, _) = app.store.write(unit).await.unwrap_or_else(|error| panic!("no account: {error:?}"));
        (email, id.as_str().to_owned())
    }

    /// The token of a login at PayWarden's administration.
    pub async fn log_in(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let session = self.ask("POST", "/api/v1/admin/login").no_key().json(&body).send().await.ok(200);
        text(&session["token"]).to_owned()
    }

    /// The token of somebody new who has this role in the organization that a key belongs to.
    pub async fn admin(&self, key: &str, role: Role) -> String {
        let (email, _) = self.person(key, role).await;
        self.log_in(&email).await
    }

    /// Replaces what an organization's webhooks of other APIs are signed with, after a while.
    pub async fn replace_webhook_secret(&self, organization: &str, overlap: Duration) -> Told {
        let app = self.back_door().await;
        app.store.write(Replace::new(app, organization.into(), overlap)).await.unwrap_or_else(|error| panic!("no secret: {error:?}"))
    }

    /// An owner's key of another organization, whose pool is empty.
    pub async fn stranger(&self) -> String {
        let app = self.back_door().await;
        let secret = access::make_key(app);
        let unit = access::CreateKey::new(
            app,
            secret.expose_secret(),
            Role::Owner,
            "of a stranger",
            Some(format!("Stranger {}", app.random_id())),
        );
        app.store.write(unit).await.unwrap_or_else(|error| panic!("no key: {error:?}"));
        secret.expose_secret().to_owned()
    }

    /// Ends a key by the column that says so, which no API of this version writes.
    pub async fn end_key(&self, key: &str, column: &str) {
        let mac = self.back_door().await.seal.api_key_macs(key).remove(0);
        let statement = format!("UPDATE api_keys SET {column} = 1 WHERE secret_mac = '{mac}'");
        self.database().execute(&statement).await;
    }

    async fn back_door(&self) -> &App {
        let open = async || {
            // The sandbox's own master key: `dev::start` says it.
            let master_keys = vec![secrecy::SecretBox::new(Box::new([0x5a; 32]))];
            let config = Config {
                environment: Environment::Testnet,
                listen: String::new(),
                apis: Apis::all(),
                public_url: None,
                open_registration: false,
                dashboard: false,
                trusted_proxies: Vec::new(),
                database: self.location.clone(),
                master_keys,
                orders: payin_core::order::Settings::default(),
                cooldown: Duration::ZERO,
                targets: Targets { allow_private: false, allow_http: false },
                deliveries: payin_core::delivery::Policy::default(),
                rate_limits: None,
                agreed_limits: std::collections::HashMap::new(),
                chains: Vec::new(),
            };
            serve::app(&config).await.unwrap_or_else(|error| panic!("no back door: {error:#}"))
        };
        self.back_door.get_or_init(open).await
    }
}

fn without_ports(text: &str) -> String {
    const HOST: &str = "http://127.0.0.1:";
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(HOST) {
        kept.extend([before, HOST, "PORT"]);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    kept + rest
}

/// The body of a new order, with only what is required.
#[must_use]
pub fn new_order(reference: &str, amount: &str) -> Value {
    json!({ "orderReference": reference, "amount": amount, "currency": "USDT", "chainId": CHAIN })
}

/// A JSON string's text.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// A request on its way: `sandbox.ask("GET", "/api/v1/me").key("pk_…").send().await`.
#[must_use = "nothing is asked before `send`"]
pub struct Ask<'a> {
    sandbox: &'a Sandbox,
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<bytes::Bytes>,
}

impl Ask<'_> {
    /// Another key or token than the owner's key, in the header that the path's API reads.
    pub fn key(self, key: &str) -> Self {
        let is_cryptopay = self.path.starts_with("/api/") && !self.path.starts_with("/api/v1");
        let is_admin = self.path.starts_with("/api/v1/admin/");
        let ask = self.no_key();
        if is_cryptopay || is_admin { ask.header("Authorization", format!("Bearer {key}")) } else { ask.header("X-API-Key", key) }
    }

    pub fn no_key(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "X-API-Key" && name != "Authorization");
        self
    }

    /// One more header; a name may come twice.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw_json(body.to_string())
    }

    /// A body that says that it is JSON.
    pub fn raw_json(self, body: impl Into<bytes::Bytes>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// A body that says nothing of itself.
    pub fn body(mut self, body: impl Into<bytes::Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it and lets the contract judge the answer.
    ///
    /// # Panics
    /// If no answer comes, or one that the contract does not allow.
    pub async fn send(self) -> Reply {
        let at = format!("{} {}", self.method, self.path);
        let mut request = self.sandbox.client.request(self.method.clone(), format!("{}{}", self.sandbox.url(), self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value.as_slice());
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{at}: no answer: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_else(|error| panic!("{at}: no body: {error:?}"));
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{at}: {status}: not JSON ({error}): {text}"));
        if let Err(why) = contract().check_response(self.method.as_str(), &self.path, status, &headers, &json) {
            panic!("the contract is broken: {why}\n{text}");
        }
        Reply { at, status, headers, text, json }
    }
}

/// An answer that keeps the contract.
#[derive(Debug, Clone)]
pub struct Reply {
    at: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub text: String,
    pub json: Value,
}

impl Reply {
    /// The body, if this is the status.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.at, self.text);
        self.json
    }

    /// That it was refused with this status, this code, and a message that has this in it.
    ///
    /// # Panics
    /// If it was not.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, says: &str) {
        // Not every API has a message beside its error, and some have both within it.
        let said = if self.json["error"].is_object() { &self.json["error"] } else { &self.json };
        let message = said.get("message").unwrap_or(&said["error"]).as_str().unwrap_or_default();
        let is_so = self.status == status && self.code() == code && message.contains(says);
        assert!(is_so, "{}: wanted {status} {code} “…{says}…”, got {} {}", self.at, self.status, self.text);
    }

    /// The code of a refusal, wherever its API puts it.
    #[must_use]
    pub fn code(&self) -> &Value {
        self.json["error"].get("code").unwrap_or(&self.json["code"])
    }

    /// A header's value; empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of visible characters"))
    }
}
