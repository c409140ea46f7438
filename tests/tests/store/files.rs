//! Databases as a whole: what is checked before one is trusted, who may share it, connections that end, and an old backup that goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_server::app::health::Writes;
use payin_server::app::{Unit as _, deposits, health};
use payin_server::store::{self, Fault, Location, claim_sole};
use payin_tests::gateway::{Gateway, Kind, Place, request};
use payin_types::{BindDeposit, OrderStatus};

use super::line::{Line, Sent, at};
use super::outbox::{Receiver, deliver_all, endpoint};
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

/// However many ask, it leaves nothing behind.
pub async fn looking_whether_it_can_be_written_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let before = world.place.everything().await;
    for (is_ready, checks) in join_all((0..20).map(|_| health::ready(&world.gateway.app))).await {
        assert!(is_ready && checks["database"].status == "ok", "{checks:?}");
    }
    assert_eq!(world.place.everything().await, before);
}

/// One that sleeps in the midst of looking keeps no other from writing.
#[tokio::test]
async fn a_server_that_looks_whether_it_can_write_keeps_no_other_waiting() {
    let world = World::new(Kind::Postgres).await;
    let other = Gateway::open(&world.place.location, 2, None).await;
    let (sleeper, waker) = (Arc::new(Writes::new(&world.gateway.app)), other.app.clone());
    let meanwhile = world.gateway.tx(move |tx| {
        let (sleeper, other) = (Arc::clone(&sleeper), waker.clone());
        async move {
            sleeper.run(tx).await?;
            Ok(health::ready(&other).await.0)
        }
        .boxed()
    });
    assert!(meanwhile.await.unwrap(), "the other one finds that it cannot write");
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

/// As when a PostgreSQL is restarted, or another one takes its place: whoever comes next is not told of it.
#[test]
fn connections_that_postgres_ended_are_made_anew() {
    run(async {
        let world = World::new(Kind::Postgres).await;
        let organization = world.gateway.merchant(10).await;
        // Each is waited for until it is gone.
        let end = "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'payin-server'";
        for number in 0..10 {
            assert_ne!(world.place.value(end).await, "0", "there was none to end");
            world.gateway.create(&organization, request(&format!("order {number}"))).await.expect("an order");
        }
        assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, "10");
    });
}

/// What happened since is read from the chain again, and told under the same ids: a receiver that knows them is told nothing twice.
#[test]
fn an_old_backup_tells_of_money_under_the_same_ids() {
    run(async {
        let world = World::new(Kind::Sqlite).await;
        let organization = world.gateway.merchant(2).await;
        endpoint(&world.gateway, &organization, r#"["order.completed", "deposit.confirmed"]"#).await;
        let bind = BindDeposit::new("alice", "USDT", "ethereum-sepolia");
        let bind = deposits::Bind::new(&world.gateway.app, organization.clone(), Ok(bind));
        let deposit = world.gateway.write(bind).await.unwrap();
        let order = world.gateway.create(&organization, request("order")).await.unwrap();
        let folder = tempfile::tempdir().expect("a folder");
        let backup = folder.path().join("backup.db");
        world.place.execute(&format!("VACUUM INTO '{}'", backup.display())).await;
        let restored = Gateway::open(&Location::Sqlite(backup), 2, None).await;
        let mut told = Vec::new();
        // What was paid stood in another block at first, which the restored server never sees.
        for (gateway, at_first) in [(&world.gateway, true), (&restored, false)] {
            let mut line = Line::new(gateway, "ethereum-sepolia").await;
            let sent = [Sent::pays(&order, "100", "0x1"), Sent::to(&deposit.address, "7", "0x2")];
            if at_first {
                line.block(at(1), &sent).await;
                line.reorganise(1).await;
            }
            line.block(at(2), &sent).await;
            line.blocks(3, at(3)).await;
            line.settle().await;
            let receiver = Receiver::answering(200);
            deliver_all(gateway, Arc::clone(&receiver)).await;
            let ids: BTreeSet<String> = receiver.ids().into_iter().collect();
            assert!(ids.len() == 2 && ids.contains(&format!("evt_order_completed_{}", order.order_id)), "{ids:?}");
            told.push(ids);
            let paid = gateway.order(&organization, order.order_id.as_str()).await;
            assert_eq!((paid.status, paid.received_amount.unwrap().to_string()), (OrderStatus::Completed, "100.00".to_owned()));
        }
        assert_eq!(told[0], told[1]);
    });
}
