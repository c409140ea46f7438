//! Do the tests' own nodes do what they say?

mod solana;

use payin_tests::nodes::abi::{self, Arg};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions, TEST_TOKEN};
use payin_tests::nodes::canary::{Canaries, DATABASE_PASSWORD, MASTER_KEY, NODE_KEY};
use payin_tests::nodes::http_client;
use payin_tests::nodes::postgres::Database;
use payin_tests::nodes::program::{Command, built};
use payin_tests::nodes::receiver::{Answer, Receiver};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

const PAYER: &str = "0x00000000000000000000000000000000000000a1";
const SHOP: &str = "0x00000000000000000000000000000000000000b2";

/// Every `Transfer` from one block on, as (token, to, amount), in the order of the chain.
async fn transfers(anvil: &Anvil, from_block: u64) -> Vec<(String, String, u128)> {
    let topic = abi::topic("Transfer(address,address,uint256)");
    let filter = json!([{"fromBlock": format!("{from_block:#x}"), "toBlock": "latest", "topics": [topic]}]);
    let logs = anvil.rpc("eth_getLogs", filter).await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let read = |log: &Value| {
        let to = format!("0x{}", &text(&log["topics"][2])[26..]);
        (text(&log["address"]), to, abi::quantity(&log["data"]))
    };
    logs.as_array().expect("a list of logs").iter().map(read).collect()
}

#[test]
fn the_compiled_token_is_that_of_its_source() {
    let source = include_bytes!("../contracts/TestToken.sol");
    let hash = abi::hex(&Sha256::digest(source));
    assert_eq!(TEST_TOKEN["sourceSha256"], hash, "TestToken.sol has changed: run scripts/compile-contracts");
}

#[test]
fn calls_are_encoded_as_the_convention_says() {
    // The selector of ERC-20's transfer and the topic of its event are known to everybody.
    let call = abi::call("transfer(address,uint256)", &[Arg::Address(PAYER.to_owned()), Arg::Uint(255)]);
    assert_eq!(call, format!("0xa9059cbb{}a1{}ff", "0".repeat(62), "0".repeat(62)));
    let topic = abi::topic("Transfer(address,address,uint256)");
    assert_eq!(topic, "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

#[tokio::test]
async fn a_token_is_deployed_and_moves() {
    let anvil = Anvil::start(11_155_111).await;
    assert_eq!(anvil.rpc("eth_chainId", json!([])).await, "0xaa36a7");
    assert_eq!(anvil.head().await.number, 0);

    let usd = anvil.deploy_token("Test Dollar", "TUSD", 6).await;
    let eur = anvil.deploy_token_at("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "A name longer than one word", "TEUR", 18).await;
    let decimals = json!([{"to": eur.address, "data": abi::call("decimals()", &[])}, "latest"]);
    assert_eq!(abi::quantity(&anvil.rpc("eth_call", decimals).await), 18);

    let begun = anvil.head().await.number + 1;
    anvil.mint(&usd, anvil.account(1), 7).await;
    anvil.transfer_from(anvil.account(1), &usd, SHOP, 5).await;
    anvil.transfer(&usd, SHOP, 100).await;
    anvil.multi_transfer(&usd, &[(PAYER, 1), (SHOP, 2), (SHOP, 2)]).await;
    let both = anvil.batch_across(&[(&usd, SHOP, 3), (&eur, PAYER, 10_u128.pow(30))]).await;

    let moved = |token: &str, to: &str, amount| (token.to_owned(), to.to_owned(), amount);
    let expected = [
        moved(&usd.address, anvil.account(1), 7),
        moved(&usd.address, SHOP, 5),
        moved(&usd.address, SHOP, 100),
        moved(&usd.address, PAYER, 1),
        moved(&usd.address, SHOP, 2),
        moved(&usd.address, SHOP, 2),
        moved(&usd.address, SHOP, 3),
        moved(&eur.address, PAYER, 10_u128.pow(30)),
    ];
    assert_eq!(transfers(&anvil, begun).await, expected);
    assert_eq!(anvil.receipt(&both).await.expect("mined")["logs"].as_array().map(Vec::len), Some(2));
    assert_eq!(anvil.balance_of(&usd, SHOP).await, 112);
    assert_eq!(anvil.balance_of(&usd, anvil.account(1)).await, 2);
}

#[tokio::test]
async fn a_reorganisation_drops_or_keeps_transactions() {
    let anvil = Anvil::start(31337).await;
    let token = anvil.deploy_token("Test Dollar", "TUSD", 6).await;
    anvil.mint(&token, anvil.account(1), 1000).await;
    anvil.mine(3).await;
    let dropped = anvil.transfer(&token, SHOP, 10).await;
    let kept = anvil.transfer_from(anvil.account(1), &token, PAYER, 20).await;
    let before = anvil.head().await;

    // The kept one moves from the second of the two blocks to the first.
    anvil.reorg(2, &[(&kept, 0)]).await;

    let after = anvil.head().await;
    assert_eq!(after.number, before.number);
    assert_ne!(after.hash, before.hash);
    assert!(anvil.receipt(&dropped).await.is_none());
    let receipt = anvil.receipt(&kept).await.expect("still there");
    assert_eq!(abi::quantity(&receipt["blockNumber"]), u128::from(before.number - 1));
    assert_eq!(receipt["blockHash"], after.parent_hash);
    assert_eq!(anvil.balance_of(&token, SHOP).await, 0);
    assert_eq!(anvil.balance_of(&token, PAYER).await, 20);
}

#[tokio::test]
async fn blocks_and_time_are_the_tests_to_make() {
    let anvil = Anvil::start_with(AnvilOptions { epoch_slots: 2, ..AnvilOptions::default() }).await;
    let token = anvil.deploy_token("Test Dollar", "TUSD", 6).await;
    anvil.mine(10).await;
    let head = anvil.head().await;
    assert_eq!(anvil.block("safe").await.expect("a block").number, head.number - 2);
    assert_eq!(anvil.block("finalized").await.expect("a block").number, head.number - 4);

    anvil.set_next_block_timestamp(head.timestamp + 1000).await;
    anvil.mine(1).await;
    assert_eq!(anvil.head().await.timestamp, head.timestamp + 1000);
    anvil.increase_time(500).await;
    anvil.mine(1).await;
    assert!(anvil.head().await.timestamp >= head.timestamp + 1500);

    anvil.set_automine(false).await;
    let hash = anvil.transfer(&token, SHOP, 10).await;
    assert!(anvil.receipt(&hash).await.is_none());
    anvil.mine(1).await;
    assert!(anvil.receipt(&hash).await.is_some());
    anvil.set_interval(1).await;
    let hash = anvil.transfer(&token, SHOP, 10).await;
    assert_eq!(anvil.mined(&hash).await["status"], "0x1");
}

#[tokio::test]
async fn a_killed_node_is_gone() {
    let mut anvil = Anvil::start(31337).await;
    let url = anvil.url().to_owned();
    anvil.kill().await;
    assert!(http_client().post(&url).body("{}").send().await.is_err());
}

#[tokio::test]
async fn databases_are_apart_and_end_with_the_test() {
    let (one, other) = (Database::create().await, Database::create().await);
    let mut inside = PgConnection::connect(one.url()).await.expect("a connection");
    sqlx::raw_sql("CREATE TABLE fact (id BIGINT)").execute(&mut inside).await.expect("a table");
    let mut outside = PgConnection::connect(other.url()).await.expect("a connection");
    assert!(sqlx::raw_sql("SELECT id FROM fact").execute(&mut outside).await.is_err());

    // Dropped although `inside` is still connected.
    drop(one);
    assert!(sqlx::raw_sql("SELECT id FROM fact").execute(&mut inside).await.is_err());
}

#[tokio::test]
async fn the_receiver_keeps_what_came_and_answers_as_told() {
    let receiver = Receiver::start().await;
    receiver.script([Answer::status(500).body("no"), Answer::status(302).header("Location", "/elsewhere")]);
    let send = |body: &'static str| {
        let request = http_client().post(format!("{}/hook?a=1", receiver.url())).header("X-Signature", "t=1");
        async move { request.body(body).send().await.expect("an answer") }
    };

    let answer = send("first\n").await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.text().await.expect("a body"), "no");
    assert_eq!(send("second").await.headers()["location"], "/elsewhere");
    receiver.answer(Answer::status(204).after(Duration::from_millis(50)));
    let begun = Instant::now();
    assert_eq!(send("{\"n\":3}").await.status(), 204);
    assert!(begun.elapsed() >= Duration::from_millis(50));

    let first = receiver.next().await;
    assert_eq!((first.order, first.header("x-signature"), &first.body[..]), (0, "t=1", &b"first\n"[..]));
    assert_eq!(first.uri, "/hook?a=1");
    assert_eq!(receiver.next().await.order, 1);
    assert_eq!(receiver.next().await.json(), json!({"n": 3}));
    receiver.quiet_for(Duration::from_millis(20)).await;
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn a_program_is_read_signalled_and_waited_for() {
    assert!(built("payin").is_file() && built("payin-server").is_file());

    let mut shell = Command::at("/bin/sh");
    shell.args(["-c", "echo one; echo two >&2; read line; echo \"{\\\"line\\\":\\\"$line\\\"}\"; exit 3"]).stdin("said\n");
    let mut shell = shell.start();
    assert_eq!(shell.next_line().await, "one");
    assert_eq!(shell.stderr_with("tw").await, "two");
    assert_eq!(shell.next_json().await, json!({"line": "said"}));
    let exit = shell.wait().await;
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert!(!shell.is_running());

    let mut shell = Command::at("/bin/sh");
    shell.args(["-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done"]);
    let mut shell = shell.start();
    shell.line_with("ready").await;
    shell.terminate();
    assert_eq!(shell.wait().await.stdout, "ready\nbye\n");

    let mut shell = Command::at("/bin/sleep");
    shell.arg("60");
    let mut sleep = shell.start();
    assert_eq!(sleep.kill().await.signal, Some(9));
}

/// The search itself: what it must find in a log, and where it is not to look.
#[tokio::test]
async fn a_secret_in_a_log_is_found() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let variables =
        [("PAYIN_API_KEY".to_owned(), "pk_test_short_and_wrong".to_owned()), ("PAYIN_BASE_URL".to_owned(), "http://shop".to_owned())];
    let of = |program: &str, args: &[&str]| Canaries::of(program, &words(args), &variables, b"correct horse battery\nx\n");
    let key = format!("pk_live_{}", "4Hq1jS0dW8".repeat(5));
    let secrets =
        [MASTER_KEY, NODE_KEY, DATABASE_PASSWORD, key.as_str(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "pk_test_short_and_wrong"];
    for secret in secrets {
        let log = format!("INFO all is well\nERROR it answers {secret:?}, which is wrong\n");
        assert!(of("payin-server", &["serve"]).leak(&log).is_some_and(|line| line.contains(secret)), "{secret}");
        assert_eq!(of("payin-server", &["dev"]).leak(&log), None, "a sandbox shows its key");
        assert_eq!(of("anvil", &[]).leak(&log), None, "not ours");
    }
    let typed = "error: correct horse battery is no password";
    assert!(of("payin-server", &["users", "create"]).leak(typed).is_some());
    assert!(of("payin", &["addresses", "import", "-"]).leak(typed).is_none(), "no secret: a file");
    assert_eq!(of("payin", &["orders"]).leak("the key pk_test_4Hq1… at http://shop, whsec_…"), None, "what is shown of a key");
    let listen = of("payin", &["listen", "--forward-to", "http://shop"]);
    assert_eq!(listen.leak("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw (it stays)"), None, "what its handler has to know");
    assert!(listen.leak("refused: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_some());
    assert!(of("payin-server", &["serve"]).stdout_too && !of("payin-server", &["keys", "create"]).stdout_too);
    // A program that logs one, under the name of ours.
    let folder = tempfile::tempdir().expect("a folder");
    let fake = folder.path().join("payin");
    std::os::unix::fs::symlink("/bin/sh", &fake).expect("a link");
    let mut command = Command::at(&fake);
    command.args(["-c", "echo \"$PAYIN_API_KEY\"; echo refused: \"$PAYIN_API_KEY\" >&2"]).env("PAYIN_API_KEY", &key);
    let mut program = command.start();
    program.wait().await;
    assert_eq!(program.leak(), Some(format!("refused: {key}")));
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(program))).expect_err("the test that started it fails");
    assert!(told.downcast_ref::<String>().is_some_and(|told| told.starts_with("payin logged a secret: ")), "{told:?}");
}
