//! Everything goes wrong at once, and no money is lost or doubled: reorganisations, a node that drops calls, lags and lies beside one
//! that does worse, a server that is killed and killed again. Then it all heals, and database and chain are compared transfer by transfer.
//!
//! `PAYIN_CHAOS_SEED` repeats a run's choices; how the programs' own timing falls is not repeated.

mod deliveries;
mod holders;
mod kills;
mod payers;
mod races;
mod truth;
mod world;

use payin_tests::merchant::Engine;
use payin_tests::nodes::receiver::Answer;

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_sqlite() {
    world::storm(Engine::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_on_postgres() {
    world::storm(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_on_sqlite() {
    deliveries::deliveries(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_on_postgres_with_two_servers() {
    deliveries::deliveries(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_and_double_nothing_on_sqlite() {
    kills::blows(Engine::Sqlite, kills::Blow::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_and_double_nothing_on_postgres() {
    kills::blows(Engine::Postgres, kills::Blow::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_servers_lose_and_double_nothing() {
    kills::blows(Engine::Postgres, kills::Blow::Pause).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_under_a_key_have_one_effect_on_sqlite() {
    races::races(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_under_a_key_have_one_effect_on_postgres() {
    races::races(Engine::Postgres).await;
}
