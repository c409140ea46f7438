//! A gateway in this process, on a database of its own: the real use cases, store and rules, with a clock that stands still and seeded
//! randomness. No HTTP, no workers, no network: a test calls what it wants to see. Programs are in [`crate::nodes::program`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::address::Address;
use payin_core::event::Who;
use payin_core::order::Settings;
use payin_core::{Block, Chain, Chains, Error, Token, chains};
use payin_server::app::{App, access, orders, pool, quota};
use payin_server::env::{Clock, SeededEntropy, Targets, VirtualClock};
use payin_server::seal::Seal;
use payin_server::store::chains::Cursor;
use payin_server::store::db::Recorder;
use payin_server::store::open::secrecy_text::Hidden;
use payin_server::store::{self, Failure, Location, Tx, Unit};
use payin_types::{
    ChainId, CreateOrder, Environment, ExposeSecret as _, ImportAddresses, ImportedAddresses, Order, OrganizationId, Protocol, Role,
    Timestamp,
};
use secrecy::SecretBox;
use sqlx::{AssertSqlSafe, ColumnIndex, Connection as _, Decode, PgConnection, Row, SqliteConnection, Type};
use tempfile::TempDir;

use crate::nodes::postgres::Database;

/// When the clock of every gateway stands at first: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// A fresh, empty database. It is gone with this value, so keep that as long as gateways use it.
#[derive(Debug)]
pub struct Place {
    pub location: Location,
    _folder: Option<TempDir>,
    _database: Option<Database>,
}

impl Place {
    pub async fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                Self { location: Location::Sqlite(folder.path().join("payin.db")), _folder: Some(folder), _database: None }
            }
            Kind::Postgres => {
                let database = Database::create().await;
                Self { location: Location::Postgres(Hidden(database.url().to_owned())), _folder: None, _database: Some(database) }
            }
        }
    }

    pub fn kind(&self) -> Kind {
        match self.location {
            Location::Sqlite(_) => Kind::Sqlite,
            Location::Postgres(_) => Kind::Postgres,
        }
    }

    /// Executes a statement past the store; answers how many rows it changed.
    pub async fn execute(&self, statement: &str) -> u64 {
        match self.connect().await {
            Raw::Sqlite(mut conn) => sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.map(|done| done.rows_affected()),
            Raw::Postgres(mut conn) => sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.map(|done| done.rows_affected()),
        }
        .unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The rows of a query made past the store, each column as text; NULL is `-`.
    pub async fn rows(&self, query: &str) -> Vec<Vec<String>> {
        self.connect().await.rows(query).await
    }

    /// A database that somebody else keeps.
    #[must_use]
    pub fn of(location: &Location) -> Self {
        Self { location: location.clone(), _folder: None, _database: None }
    }

    /// Every row of every table, but for what changes by itself: how far chains are followed, by whom, in which order events became
    /// visible, and when a key was last used.
    pub async fn everything(&self) -> BTreeMap<String, Vec<Vec<String>>> {
        let mut connection = self.connect().await;
        let tables = match self.kind() {
            Kind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            Kind::Postgres => "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'",
        };
        let mut all = BTreeMap::new();
        for table in connection.rows(tables).await.concat() {
            let query = match table.as_str() {
                "leases" | "chain_cursors" | "chain_blocks" | "chain_scans" | "quotas" | "_sqlx_migrations" => continue,
                "api_keys" => "SELECT id, revoked_at, role FROM api_keys".to_owned(),
                "counters" => "SELECT * FROM counters WHERE name NOT LIKE 'event_%'".to_owned(),
                "events" => "SELECT id, organization_id, type, object_id, sequence, body, created_at FROM events".to_owned(),
                table => format!("SELECT * FROM {table}"),
            };
            let mut rows = connection.rows(&query).await;
            rows.sort();
            all.insert(table, rows);
        }
        all
    }

    /// The one column of the one row of a query made past the store.
    pub async fn value(&self, query: &str) -> String {
        let rows = self.rows(query).await;
        match rows.as_slice() {
            [row] if row.len() == 1 => row[0].clone(),
            other => panic!("{query}: not one value but {other:?}"),
        }
    }

    async fn connect(&self) -> Raw {
        match &self.location {
            Location::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(20));
                Raw::Sqlite(SqliteConnection::connect_with(&options).await.expect("the database's file"))
            }
            Location::Postgres(url) => Raw::Postgres(PgConnection::connect(&url.0).await.expect("the database")),
        }
    }
}

enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    async fn rows(&mut self, query: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(conn) => {
                let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(conn).await;
                rows.map(|rows| rows.iter().map(columns).collect())
            }
            Self::Postgres(conn) => {
                let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(conn).await;
                rows.map(|rows| rows.iter().map(columns).collect())
            }
        }
        .unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}

fn columns<'r, R: Row>(row: &'r R) -> Vec<String>
where
    usize: ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let column = |at: usize| match row.try_get::<Option<i64>, _>(at) {
        Ok(number) => number.map_or_else(|| "-".to_owned(), |number| number.to_string()),
        Err(_) => row.try_get::<Option<String>, _>(at).expect("a text").unwrap_or_else(|| "-".to_owned()),
    };
    (0..row.len()).map(column).collect()
}

/// A gateway.
#[derive(Clone)]
pub struct Gateway {
    pub app: App,
    /// The clock of `app`.
    pub clock: Arc<VirtualClock>,
}

impl Gateway {
    /// A gateway on a database, which is brought to this version's schema. Gateways that share a database need different seeds.
    pub async fn open(location: &Location, seed: u64, recorder: Option<Recorder>) -> Self {
        store::migrate(location).await.expect("the schema");
        let store = store::open(location, recorder).await.expect("the database");
        let clock = Arc::new(VirtualClock::frozen(START));
        let app = App {
            store: Arc::new(store),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(seed)),
            seal: Arc::new(Seal::new(&[SecretBox::new(Box::new([0x5e; 32]))])),
            environment: Environment::Testnet,
            chains: Arc::new(Chains::new(offered())),
            orders: Settings::default(),
            cooldown: Duration::from_secs(30 * 60),
            targets: Targets { allow_private: true, allow_http: true },
            deliveries: Arc::default(),
            keys: Arc::default(),
            front: Arc::default(),
            quotas: Arc::new(quota::Meters::new(None)),
            passwords: Arc::default(),
            health: Arc::default(),
            streams: Arc::default(),
        };
        Self { app, clock }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn chain(&self, id: &str) -> Chain {
        self.app.chains.find(&ChainId::from(id)).expect("a chain of the fixture").clone()
    }

    /// Every chain has just begun to be followed, at a block 99 of the time of the clock's start: orders may be opened on them.
    pub async fn follow_all(&self) {
        for chain in self.app.chains.iter() {
            let (id, now) = (chain.id.as_str().to_owned(), self.now());
            let block = Block { number: 99, hash: format!("0x99 of {id}"), parent_hash: format!("0x98 of {id}"), time: START };
            let cursor = Cursor {
                head_number: block.number,
                head_hash: block.hash.clone(),
                head_time: block.time,
                finalized_number: 0,
                confirmed_time: None,
                updated_at: now,
                halted: None,
                take_back_from: None,
                hole_since: None,
            };
            let followed = self.tx(move |tx| {
                let (id, block, cursor) = (id.clone(), block.clone(), cursor.clone());
                async move {
                    store::chains::insert_block(tx, &id, &block).await?;
                    Ok(store::chains::put(tx, &id, &cursor).await?)
                }
                .boxed()
            });
            followed.await.expect("the chain is followed");
        }
    }

    /// Runs a unit.
    ///
    /// # Errors
    /// Its refusal or fault.
    pub async fn write<U: Unit>(&self, unit: U) -> Result<U::Output, Failure> {
        self.app.store.write(unit).await
    }

    /// Runs a closure as a unit: for store functions that no use case calls in the way that is to be tested.
    ///
    /// # Errors
    /// What the closure answers.
    pub async fn tx<T, F>(&self, run: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.app.store.write(Closure { run, answers: std::marker::PhantomData }).await
    }

    /// A new organization with an owner's key; answers its id and the key.
    pub async fn organization(&self, name: &str) -> (OrganizationId, String) {
        let key = access::make_key(&self.app).expose_secret().to_owned();
        let unit = access::CreateKey::new(&self.app, &key, Role::Owner, "test", Some(name.to_owned()));
        (self.write(unit).await.expect("a key").0, key)
    }

    /// So many made-up EVM addresses, never the same twice.
    pub fn addresses(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| Address::from_evm_bytes(&self.app.entropy.array()).as_str().to_owned()).collect()
    }

    /// Imports EVM addresses.
    ///
    /// # Errors
    /// The refusal or fault.
    pub async fn import(&self, organization: &OrganizationId, addresses: &[String]) -> Result<ImportedAddresses, Failure> {
        let request = ImportAddresses::new(Protocol::Evm, addresses.join("\n"));
        self.write(pool::Import::new(&self.app, organization.clone(), Who::Operator, Ok(request))).await
    }

    /// A new organization with a pool of so many addresses.
    pub async fn merchant(&self, pool: usize) -> OrganizationId {
        // A key's organization is known by its name: every merchant has one of their own.
        let (organization, _) = self.organization(&format!("Merchant {}", self.app.random_id())).await;
        if pool > 0 {
            self.import(&organization, &self.addresses(pool)).await.expect("an import");
        }
        organization
    }

    /// Opens an order the way the API does.
    ///
    /// # Errors
    /// The refusal or fault.
    pub async fn create(&self, organization: &OrganizationId, request: CreateOrder) -> Result<Order, Failure> {
        self.app.store.write_together(orders::Create::new(&self.app, organization.clone(), Ok(request))).await
    }

    /// An order as the API shows it.
    pub async fn order(&self, organization: &OrganizationId, id: &str) -> Order {
        orders::get(&self.app, organization, id).await.expect("the order")
    }
}

/// A request for 100 USDT on the fixture's first chain.
pub fn request(reference: &str) -> CreateOrder {
    CreateOrder::new(reference, "100.00".parse().expect("an amount"), "USDT", "ethereum-sepolia")
}

/// What a use case was refused with.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Failure>) -> Error {
    match result {
        Err(Failure::Refused(error)) => error,
        other => panic!("not a refusal: {other:?}"),
    }
}

/// The fault a use case met.
pub fn fault<T: std::fmt::Debug>(result: Result<T, Failure>) -> store::Fault {
    match result {
        Err(Failure::Fault(fault)) => fault,
        other => panic!("not a fault: {other:?}"),
    }
}

/// Three EVM chains, each with USDT and USDC: two with 6 decimals and 3 confirmations, one with 18 decimals and 15 confirmations.
fn offered() -> Vec<Chain> {
    let known = chains::known();
    let by_id = |id: &str| known.iter().find(|chain| chain.id.as_str() == id).expect("a known chain").clone();
    let mut chains = ["ethereum-sepolia", "base-sepolia", "bsc-testnet"].map(by_id).to_vec();
    for (chain, number) in chains.iter_mut().zip(1u8..) {
        let decimals = if chain.id.as_str().starts_with("bsc") { 18 } else { 6 };
        let token = |currency: &str, byte: u8| {
            let mut contract = [byte; 20];
            contract[19] = number;
            Token { currency: currency.into(), contract: Address::from_evm_bytes(&contract), decimals }
        };
        chain.tokens = vec![token("USDT", 0x07), token("USDC", 0x0c)];
        // Blocks come when a test makes them: no chain here is behind before two days are over.
        chain.block_ms = 2 * 60 * 60 * 1000;
    }
    chains
}

struct Closure<T, F> {
    run: F,
    answers: std::marker::PhantomData<fn() -> T>,
}

impl<T, F> Unit for Closure<T, F>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Tx<'_>) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
{
    type Output = T;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Result<T, Failure> {
        (self.run)(tx).await
    }
}
