//! Opening a database: what is checked before it is trusted, and who may share it.

use futures_util::future::join_all;
use payin_server::store::{self, Fault, Location, claim_sole};
use payin_tests::gateway::{Kind, Place};

use super::{World, run};

pub async fn a_newer_schema_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 9999, 'of a newer program', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    assert_eq!(world.place.execute(newer).await, 1);
    assert!(matches!(store::migrate(&world.place.location).await, Err(Fault::Migrate(_))));
}

pub async fn migrations_may_run_side_by_side(kind: Kind) {
    let place = Place::new(kind).await;
    for result in join_all((0..6).map(|_| store::migrate(&place.location))).await {
        // SQLite's file has one server; a command that migrates it at the same moment may find it locked, and then has done nothing.
        if kind == Kind::Sqlite && result.is_err() {
            store::migrate(&place.location).await.expect("the schema, when nobody else is making it");
        } else {
            result.expect("the schema");
        }
    }
    assert_ne!(place.value("SELECT COUNT(*) FROM _sqlx_migrations").await, "0");
    assert_eq!(place.value("SELECT value FROM counters WHERE name = 'pool_addresses'").await, "0");
}

#[test]
fn sqlite_is_new_enough_and_durable() {
    run(async {
        let world = World::new(Kind::Sqlite).await;
        let version = world.place.value("SELECT sqlite_version()").await;
        let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(numbers >= vec![3, 51, 3], "SQLite {version} can lose committed writes");
        // The mode is the file's. How a connection synchronises is its own: the store reads both back when it opens, and refuses.
        assert_eq!(world.place.value("PRAGMA journal_mode").await, "wal");
        let unwritable = Location::Sqlite("/dev/null/payin.db".into());
        assert!(store::open(&unwritable, None).await.is_err());
    });
}

#[test]
fn a_sqlite_file_serves_one_server_and_postgres_several() {
    run(async {
        let place = Place::new(Kind::Sqlite).await;
        let sole = claim_sole(&place.location).expect("nobody has it");
        let second = claim_sole(&place.location);
        assert!(matches!(&second, Err(Fault::Corrupt(text)) if text.contains("another payin-server")), "{second:?}");
        // A command that does not serve is not kept out.
        store::migrate(&place.location).await.expect("the schema");
        store::open(&place.location, None).await.expect("the database").close().await;
        drop(sole);
        claim_sole(&place.location).expect("it was let go");
        let postgres: Location = "postgres://app@127.0.0.1:1/payin".parse().unwrap();
        let _first = claim_sole(&postgres).expect("as many as like");
        claim_sole(&postgres).expect("as many as like");
        assert!(store::open(&postgres, None).await.expect("opened when it is first used").check().await.is_err());
    });
}

#[test]
fn a_database_is_a_file_or_a_postgres() {
    for bad in ["sqlite://", "sqlite://:memory:", "sqlite::memory:", ":memory:", "mysql://x/y", "", "/tmp/x.db"] {
        assert!(bad.parse::<Location>().is_err(), "{bad}");
    }
    assert_eq!("sqlite:///data/payin.db".parse(), Ok(Location::Sqlite("/data/payin.db".into())));
    let secret: Location = "postgres://app:hunter2@db/payin".parse().unwrap();
    assert!(!format!("{secret:?}").contains("hunter2"));
}
