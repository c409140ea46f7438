//! Role × operation × own or foreign object, generated from `openapi.yaml`: who may call what (`x-roles`), that a refusal changes
//! nothing, and that another organization's object looks exactly as if it did not exist.

mod fixtures;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use payin_core::access::{Permission, allows};
use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{Reply, Sandbox, contract, text};
use payin_types::{Role, Timestamp};
use serde_json::{Value, json};

use self::fixtures::{Fixture, Keys};

const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Member, Role::Viewer];

/// An operation that wants a key.
struct Operation {
    method: String,
    template: String,
    roles: Vec<String>,
    body: Option<Value>,
}

/// Every operation but the public ones (`security: []`), the sandbox's, the stream, whose answer has no end (who may read that one is asked in
/// `stream.rs`), and the end of a session, after which nothing could be asked with it (`paywarden/admin.rs`).
fn operations() -> Vec<Operation> {
    let asked = contract().operations().into_iter().filter(|(method, template)| {
        let operation = contract().operation(method, template);
        let is_endless = operation["responses"]["200"]["content"].get("text/event-stream").is_some();
        let is_the_end = operation["operationId"] == json!("adminLogOut");
        !contract().is_public(method, template) && operation["tags"] != json!(["Sandbox"]) && !is_endless && !is_the_end
    });
    asked.map(|(method, template)| Operation::new(method, template)).collect()
}

impl Operation {
    fn new(method: String, template: String) -> Self {
        let described = contract().operation(&method, &template);
        let roles = contract().roles(&method, &template).unwrap_or_else(|| panic!("{method} {template} has no x-roles in openapi.yaml"));
        let body = contract().request_example(&method, &template).cloned();
        assert_eq!(body.is_some(), described.get("requestBody").is_some(), "{method} {template} has a body without a JSON example");
        Self { method, template, roles, body }
    }

    fn code(&self, native: &'static str) -> &'static str {
        contract().code_of(&self.method, &self.template, native)
    }

    fn admits(&self, role: &Role) -> bool {
        self.roles.iter().any(|admitted| admitted == role.as_str())
    }

    /// Whether people ask it, who have signed in, instead of keys.
    fn wants_a_session(&self) -> bool {
        self.template.starts_with("/api/v1/admin/")
    }

    /// The name of the parameter in its path, if it has one.
    fn parameter(&self) -> Option<&str> {
        let mut names = self.template.split('{').skip(1).filter_map(|part| part.split('}').next());
        let first = names.next();
        assert_eq!(names.next(), None, "{}: this matrix knows paths with one parameter", self.template);
        first
    }

    async fn ask(&self, sandbox: &Sandbox, key: Option<&str>, id: &str) -> Reply {
        let path = match self.parameter() {
            Some(name) => self.template.replace(&format!("{{{name}}}"), &encoded(id)),
            None => self.template.clone(),
        };
        let ask = sandbox.ask(&self.method, &path);
        let ask = if let Some(key) = key { ask.key(key) } else { ask.no_key() };
        match &self.body {
            Some(body) => ask.json(body).send().await,
            None => ask.send().await,
        }
    }
}

/// A text as one segment of a path.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// An id like this one that nothing has. As long, so that not even the length tells.
fn unlike(id: &str) -> String {
    let zeros = format!("{}0000", &id[..id.len() - 4]);
    if zeros == id { format!("{}1111", &id[..id.len() - 4]) } else { zeros }
}

/// An answer without what differs anyway: the id that was asked for, and the request's.
fn anonymous(reply: &Reply, id: &str) -> (u16, String, Vec<String>) {
    let mut body = reply.json.clone();
    body["requestId"] = Value::Null;
    let mut headers: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (reply.status, body.to_string().to_lowercase().replace(&id.to_lowercase(), "{id}"), headers)
}

/// What became of every cell.
#[derive(Default)]
struct Tally {
    cells: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn cell(&mut self, kind: &'static str, is_right: bool, says: impl FnOnce() -> String) {
        *self.cells.entry(kind).or_default() += 1;
        if !is_right {
            self.wrong.push(format!("{kind}: {}", says()));
        }
    }
}

/// One organization with a key of each role, and another one with an owner's.
struct World {
    sandbox: Sandbox,
    own: Keys,
    foreign: Keys,
    /// Of each role a key, and the token of a person.
    roles: Vec<(Role, String, String)>,
    /// A key that was taken back, and one that never was; a session that was ended, and one that never was.
    bad_keys: Vec<String>,
    bad_tokens: Vec<String>,
    /// Takes what fixtures set going at once, so that it is over before anything is asked.
    _shop: Receiver,
}

impl World {
    async fn new(sandbox: Sandbox) -> Self {
        let shop = Receiver::start().await;
        let keys = async |owner: String| {
            let admin = sandbox.admin(&owner, Role::Owner).await;
            Keys { owner, admin, people: Vec::new(), shop: shop.url().to_owned() }
        };
        let (mut own, foreign) = (keys(sandbox.key().to_owned()).await, keys(sandbox.stranger().await).await);
        fixtures::fill_pool(&sandbox, &foreign).await;
        let mut roles = Vec::new();
        for role in ROLES {
            let (email, id) = sandbox.person(&own.owner, role.clone()).await;
            own.people.push((role.clone(), id));
            roles.push((role.clone(), sandbox.key_with_role(role).await, sandbox.log_in(&email).await));
        }
        let revoked = sandbox.key_with_role(Role::Owner).await;
        sandbox.end_key(&revoked, "revoked_at").await;
        let mistyped = format!("{}{}", &own.owner[..own.owner.len() - 1], if own.owner.ends_with('0') { '1' } else { '0' });
        let ended = sandbox.admin(&own.owner, Role::Owner).await;
        sandbox.ask("POST", "/api/v1/admin/logout").key(&ended).send().await.ok(200);
        // A key is no session.
        let bad_tokens = vec![ended, own.owner.clone()];
        Self { sandbox, own, foreign, roles, bad_keys: vec![revoked, mistyped], bad_tokens, _shop: shop }
    }

    async fn object(&self, keys: &Keys, operation: &Operation) -> Fixture {
        match operation.parameter() {
            Some(name) => fixtures::make(&self.sandbox, keys, name, &operation.template).await,
            None => Fixture::Nothing,
        }
    }

    /// The database once nothing is being sent: what a fixture has set going is no change that a request made.
    async fn settled(&self) -> BTreeMap<String, Vec<Vec<String>>> {
        let begun = Instant::now();
        loop {
            let now: Timestamp = text(&self.sandbox.read("/api/v1/sandbox/clock").await["now"]).parse().expect("a time");
            let sending = format!("SELECT COUNT(*) FROM deliveries WHERE next_attempt_at <= {}", now.millis());
            if self.sandbox.database().value(&sending).await == "0" {
                return self.sandbox.database().everything().await;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the outbox is not done");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn without_a_key(&self, operation: &Operation, tally: &mut Tally) {
        let id = self.object(&self.own, operation).await;
        let before = self.settled().await;
        let bad = if operation.wants_a_session() { &self.bad_tokens } else { &self.bad_keys };
        let keys = std::iter::once(None).chain(bad.iter().map(|key| Some(key.as_str())));
        for key in keys {
            let reply = operation.ask(&self.sandbox, key, id.id()).await;
            let is_right = reply.status == 401 && *reply.code() == operation.code("INVALID_API_KEY");
            tally.cell("no valid key", is_right, || format!("{reply:?}"));
        }
        tally.cell("no valid key changes nothing", self.sandbox.database().everything().await == before, || operation.template.clone());
    }

    async fn own(&self, operation: &Operation, role: &Role, key: &str, tally: &mut Tally) {
        let id = self.object(&self.own, operation).await;
        let before = self.settled().await;
        let reply = operation.ask(&self.sandbox, Some(key), id.id()).await;
        if operation.admits(role) {
            // What is its own is found. What becomes of it is for other tests to say.
            let is_right = ![401, 403, 404].contains(&reply.status);
            tally.cell("own, allowed", is_right, || format!("{role}: {reply:?}"));
        } else {
            let is_right = reply.status == 403 && *reply.code() == operation.code("INSUFFICIENT_PERMISSIONS");
            let unchanged = self.sandbox.database().everything().await == before;
            tally.cell("own, forbidden", is_right && unchanged, || format!("{role}, unchanged: {unchanged}: {reply:?}"));
        }
    }

    async fn foreign(&self, operation: &Operation, role: &Role, key: &str, tally: &mut Tally) {
        let Fixture::Id(id) = self.object(&self.foreign, operation).await else { return };
        let before = self.settled().await;
        let theirs = operation.ask(&self.sandbox, Some(key), &id).await;
        let unknown = unlike(&id);
        let nobodys = operation.ask(&self.sandbox, Some(key), &unknown).await;
        let alike = anonymous(&theirs, &id) == anonymous(&nobodys, &unknown);
        let unchanged = self.sandbox.database().everything().await == before;
        let (kind, status) = if operation.admits(role) { ("foreign, allowed", 404) } else { ("foreign, forbidden", 403) };
        let says = || format!("{role}, alike: {alike}, unchanged: {unchanged}: {theirs:?} and of {unknown}: {nobodys:?}");
        tally.cell(kind, alike && unchanged && theirs.status == status, says);
    }
}

async fn every_cell(sandbox: Sandbox) {
    let (world, mut tally) = (World::new(sandbox).await, Tally::default());
    let operations = operations();
    for operation in &operations {
        world.without_a_key(operation, &mut tally).await;
        for (role, key, token) in &world.roles {
            let key = if operation.wants_a_session() { token } else { key };
            world.own(operation, role, key, &mut tally).await;
            world.foreign(operation, role, key, &mut tally).await;
        }
    }
    println!("{} operations, {} roles, {} cells: {:?}", operations.len(), ROLES.len(), tally.cells.values().sum::<usize>(), tally.cells);
    assert!(tally.wrong.is_empty(), "{} cells are wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
    world.sandbox.stop().await;
}

#[tokio::test]
async fn every_cell_on_sqlite() {
    every_cell(Sandbox::frozen().await).await;
}

#[tokio::test]
async fn every_cell_on_postgresql() {
    every_cell(Sandbox::frozen_on_postgres().await).await;
}

/// Who may call an operation is what the rule says of one of the permissions; a set of roles of its own would be a second rule.
#[test]
fn the_contract_and_the_rule_agree() {
    let permissions = [Permission::ViewData, Permission::CreateOrders, Permission::CreateDeposits, Permission::ManageSettings];
    for operation in operations() {
        let is_it = |permission: &Permission| ROLES.iter().all(|role| allows(role, *permission) == operation.admits(role));
        assert!(permissions.iter().any(is_it), "{} {}: {:?} is no permission's", operation.method, operation.template, operation.roles);
        let unknown = operation.roles.iter().find(|role| !ROLES.iter().any(|known| known.as_str() == role.as_str()));
        assert_eq!(unknown, None, "{} {}", operation.method, operation.template);
    }
}
