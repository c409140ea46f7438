//! The server dies, or is asked to stop.

use std::time::Duration;

use payin_tests::gateway::Place;
use payin_tests::merchant::Engine;
use payin_tests::nodes::canary::MASTER_KEY;
use payin_tests::nodes::postgres::Database;
use payin_tests::nodes::program::Command;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::world::{USDT, World, address, id, part};

/// A chain belongs to a server that has died for as long as its lease runs (15 s) and not longer.
const TAKEN_OVER: Duration = Duration::from_secs(60);

pub async fn a_killed_server_goes_on(engine: Engine) {
    let mut world = World::start(engine, 1).await;
    between_payment_and_completion(&mut world).await;
    asked_to_stop(&mut world).await;
}

async fn between_payment_and_completion(world: &mut World) {
    part("killed between payment and completion");
    let (seen, unseen) = (world.order("SEEN").await, world.order("UNSEEN").await);
    let mut waiting = world.merchant.waiting(id(&seen));
    waiting.stderr_with("send 100.00 USDT").await;
    let first = world.anvil.transfer(&world.usdt, address(&seen), 100 * USDT).await;
    world.seen(&seen).await;
    assert_eq!(world.merchant.server().kill().await.signal, Some(9));

    // So many blocks that the server asks for them in ranges when it is back.
    world.anvil.mine(20).await;
    let second = world.anvil.transfer(&world.usdt, address(&unseen), 100 * USDT).await;
    world.anvil.mine(20).await;
    world.merchant.start_again().await;

    let is = |order: &Value| order["status"] == "completed";
    world.merchant.order_when_within(TAKEN_OVER, id(&seen), "completed", is).await;
    world.completed_once(&seen, &first, "100.00").await;
    world.completed_once(&unseen, &second, "100.00").await;
    let exit = waiting.wait().await;
    assert_eq!((exit.code, &exit.json()["status"]), (Some(0), &"completed".into()), "{exit:?}");
}

/// A request of which the server has half when it is asked to stop is answered, and what it asked for stands.
async fn asked_to_stop(world: &mut World) {
    part("asked to stop with a request in flight");
    let body = r#"{"orderReference":"IN-FLIGHT","amount":"1.00","currency":"USDT","chainId":"ethereum-sepolia"}"#;
    let (begun, rest) = body.split_at(body.len() / 2);
    let mut connection = TcpStream::connect(world.merchant.listen()).await.expect("a connection");
    let head = format!(
        "POST /api/v1/orders HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        world.merchant.listen(),
        world.merchant.key(),
        body.len()
    );
    connection.write_all(head.as_bytes()).await.expect("the head is sent");
    // It says so when it has taken the request, so that this is in flight and not in a queue.
    let mut taken = [0; 25];
    connection.read_exact(&mut taken).await.expect("an answer");
    assert_eq!(&taken, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(begun.as_bytes()).await.expect("half of the body is sent");

    world.merchant.server().terminate();
    world.merchant.server().stderr_with("stopping").await;
    while TcpStream::connect(world.merchant.listen()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(world.merchant.server().is_running());
    connection.write_all(rest.as_bytes()).await.expect("the rest of the body is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    let exit = world.merchant.server().wait().await;
    assert_eq!((exit.code, exit.signal), (Some(0), None), "{exit:?}");

    world.merchant.start_again().await;
    let order = world.merchant.answer(&["orders", "get", "--reference", "IN-FLIGHT"]).await;
    assert_eq!(order["status"], "pending", "{order:#}");
}

/// Each time it makes at least one more table, and in the end the schema is whole.
pub async fn a_server_that_is_killed_while_it_migrates_goes_on(engine: Engine) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (database, url, tables) = match engine {
        Engine::Sqlite => {
            let file = home.path().join("payin.db");
            std::fs::write(&file, "").expect("an empty file");
            (None, format!("sqlite://{}", file.display()), "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'")
        }
        Engine::Postgres => {
            let database = Database::create().await;
            let url = database.url().to_owned();
            (Some(database), url, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
        }
    };
    let config = home.path().join("payin-server.toml");
    std::fs::write(
        &config,
        format!("environment = \"testnet\"\ndatabase = \"{url}\"\n\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:9\"\n"),
    )
    .expect("a file");
    let place = Place::of(&url.parse().expect("a database"));
    let migrate = || {
        let mut command = Command::payin_server();
        command.env("PAYIN_SERVER_MASTER_KEY", MASTER_KEY).args(["keys", "create", "--role", "owner", "--config"]).arg(&config);
        command.start()
    };
    let (mut there, mut kills) = ("0".to_owned(), 0);
    loop {
        let mut program = migrate();
        while program.is_running() && place.value(tables).await == there {}
        if !program.is_running() {
            let exit = program.wait().await;
            assert_eq!(exit.code, Some(0), "after {kills} kills, with {there} tables: {exit:?}");
            break;
        }
        program.kill().await;
        kills += 1;
        there = place.value(tables).await;
    }
    assert!(kills > 1, "it was killed {kills} times");
    assert_eq!(place.value(tables).await, there);
    assert_ne!(place.value("SELECT COUNT(*) FROM api_keys").await, "0");
    drop(database);
}
