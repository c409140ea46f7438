//! Rate limits over several servers that share a database: never more than the limit together, each key by itself, nothing held for ever.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payin_core::quota::Limits;
use payin_server::app::quota::{self, Meters, Ticket};
use payin_tests::gateway::{Gateway, Kind};
use payin_types::ApiKeyId;

use super::World;

const LIMITS: Limits = Limits { per_minute: 60, per_hour: 150, per_day: 400 };

/// Servers with limits: two on PostgreSQL, one on SQLite.
async fn servers(world: &World, limits: Limits) -> Vec<Gateway> {
    let mut servers = world.servers().await;
    for server in &mut servers {
        server.app.quotas = Arc::new(Meters::new(Some(limits)));
    }
    servers
}

async fn ask(server: &Gateway, key: &str) -> Ticket {
    quota::take(&server.app, &ApiKeyId::from(key)).await.expect("an answer").expect("limits are on")
}

/// Asks so often at once, in turn of the servers, and then each by itself until it refuses, so that none holds anything any more. Answers
/// how many were admitted.
async fn all_that_is_left(servers: &[Gateway], key: &'static str, count: usize) -> usize {
    let mut admitted = storm(servers, key, count).await;
    for server in servers {
        while ask(server, key).await.check().is_ok() {
            admitted += 1;
        }
    }
    admitted
}

/// Asks so often at once, in turn of the servers. Answers how many were admitted.
async fn storm(servers: &[Gateway], key: &'static str, count: usize) -> usize {
    let tasks = (0..count).map(|at| {
        let server = servers[at % servers.len()].clone();
        tokio::spawn(async move { ask(&server, key).await.check().is_ok() })
    });
    join_all(tasks.collect::<Vec<_>>()).await.into_iter().filter(|admitted| *admitted.as_ref().expect("a task")).count()
}

fn advance(servers: &[Gateway], seconds: u64) {
    for server in servers {
        server.clock.advance(Duration::from_secs(seconds));
    }
}

pub async fn all_servers_together_keep_the_limit(kind: Kind) {
    let world = World::new(kind).await;
    let servers = servers(&world, LIMITS).await;
    let mut admitted = all_that_is_left(&servers, "key", 200).await;
    assert_eq!(admitted, 60, "all of it, as long as everybody asks");
    assert_eq!(storm(&servers, "key", 50).await, 0);
    advance(&servers, 60);
    assert_eq!(storm(&servers, "key", 10).await, 0, "the second of the first has not left the minute");
    advance(&servers, 1);
    admitted += all_that_is_left(&servers, "key", 200).await;
    advance(&servers, 61);
    admitted += all_that_is_left(&servers, "key", 200).await;
    assert_eq!(admitted, 150, "the hour is used up");
    advance(&servers, 600);
    let refused = ask(&servers[0], "key").await;
    let view = refused.view();
    assert_eq!((view.window, view.remaining, refused.check().is_err()), ("hour", 0, true));
    assert_eq!(refused.check().unwrap_err().retry_after_s, Some(view.retry_after));
    advance(&servers, view.retry_after);
    assert!(ask(&servers[0], "key").await.check().is_ok(), "as it was told");
}

pub async fn limits_are_each_keys_own(kind: Kind) {
    let world = World::new(kind).await;
    let servers = servers(&world, LIMITS).await;
    let [one, two] = [all_that_is_left(&servers, "one", 100), all_that_is_left(&servers, "two", 20)];
    assert_eq!(futures_util::join!(one, two), (60, 60));
    assert!(ask(&servers[0], "three").await.check().is_ok());
    assert_eq!(world.place.value("SELECT COUNT(*) FROM quotas").await, "3");
    // What is kept can be read, or nothing is admitted.
    world.place.execute("UPDATE quotas SET usage = '?'").await;
    advance(&servers, 1);
    assert!(quota::take(&servers[0].app, &ApiKeyId::from("one")).await.is_err());
}

pub async fn what_is_left_goes_back(kind: Kind) {
    let world = World::new(kind).await;
    let servers = servers(&world, LIMITS).await;
    // Each asks in turn, much and little: what a server leased and did not use is not lost to the others.
    let mut admitted = 0;
    for second in 0..50_usize {
        let count = if second % 7 == 0 && second < 25 { 9 } else { 1 };
        for at in 0..count {
            admitted += usize::from(ask(&servers[(second + at) % servers.len()], "key").await.check().is_ok());
        }
        advance(&servers, 1);
    }
    assert_eq!(admitted, 60);
}

pub async fn a_lease_is_for_its_second(kind: Kind) {
    let world = World::new(kind).await;
    let servers = servers(&world, Limits { per_minute: 1_000_000, per_hour: 1_000_000, per_day: 1_000_000 }).await;
    let server = &servers[0];
    assert_eq!(storm(&servers[..1], "key", 64).await, 64);
    // The next second begins with about as much as the last one used: one look at the database, and none for the rest.
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(server, "key").await.view().remaining, 1_000_000 - 65);
    let kept = world.place.value("SELECT usage FROM quotas").await;
    for more in 0..63 {
        assert_eq!(ask(server, "key").await.view().remaining, 1_000_000 - 66 - more);
    }
    assert_eq!(world.place.value("SELECT usage FROM quotas").await, kept);
    server.clock.advance(Duration::from_secs(1));
    assert!(ask(server, "key").await.check().is_ok());
    assert_ne!(world.place.value("SELECT usage FROM quotas").await, kept);
}

pub async fn what_a_role_forbids_is_not_counted(kind: Kind) {
    let world = World::new(kind).await;
    let servers = servers(&world, Limits { per_minute: 3, ..LIMITS }).await;
    let server = &servers[0];
    for _ in 0..10 {
        let ticket = ask(server, "key").await;
        assert!(ticket.check().is_ok());
        assert_eq!(ticket.give_back(server.now()).remaining, 3);
    }
    assert_eq!(storm(&servers[..1], "key", 10).await, 3);
}
