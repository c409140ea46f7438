//! `payin-server` as a program.

use std::fs;
use std::path::Path;
use std::time::Duration;

use payin_server::store::Location;
use payin_tests::gateway::Place;
use payin_tests::nodes::http_client;
use payin_tests::nodes::program::{Command, Program};
use payin_tests::sandbox::{CHAIN, contract, new_order};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{answer, failed, payin_at};

const MASTER_KEY: &str = "abababababababababababababababababababababababababababababababab";

fn server(args: &[&str]) -> Command {
    let mut command = Command::payin_server();
    command.args(args);
    command
}

/// A folder with a configuration for a testnet whose node does not answer.
pub(super) fn configured(more: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("payin.db");
    let text = format!(
        "environment = \"testnet\"\nlisten = \"127.0.0.1:0\"\ndatabase = \"sqlite://{}\"\n{more}\n[chains.{CHAIN}]\nrpc = \"http://127.0.0.1:1/secret-path\"\n",
        database.display()
    );
    fs::write(folder.path().join("payin-server.toml"), text).expect("a file");
    folder
}

pub(super) fn with_config(folder: &Path, args: &[&str]) -> Command {
    let mut command = server(args);
    command.arg("--config").arg(folder.join("payin-server.toml")).env("PAYIN_SERVER_MASTER_KEY", MASTER_KEY);
    command
}

/// The address that a started server says it listens on.
pub(super) async fn url(server: &Program) -> String {
    let line = server.stderr_with("payin-server is ready").await;
    let at = line.find("127.0.0.1:").unwrap_or_else(|| panic!("no address in {line}"));
    let address: String = line[at..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
    format!("http://{address}")
}

#[tokio::test]
async fn the_tour_ends_well() {
    let exit = server(&["demo", "--exit"]).start().wait_within(Duration::from_secs(90)).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for said in [
        "A sandbox is up at http://127.0.0.1:",
        "pending",
        "completed: received 25.00",
        "X-PayIn-Signature: t=",
        "verified: genuine",
        "one bit changed: refused",
    ] {
        assert!(exit.stdout.contains(said), "{said:?} is not in {}", exit.stdout);
    }
}

#[tokio::test]
async fn the_tour_stays_up_and_what_it_says_can_be_pasted() {
    let mut tour = server(&["demo"]).start();
    let export = tour.line_with("export PAYIN_BASE_URL=").await;
    let word = |name: &str| export.split_whitespace().find_map(|word| word.strip_prefix(name)).expect("a word").to_owned();
    let (url, key) = (word("PAYIN_BASE_URL="), word("PAYIN_API_KEY="));
    assert_eq!(answer(payin_at(&url, &key, &["orders", "get", "--reference", "DEMO-1"])).await["status"], "completed");
    let create = tour.line_with("payin orders create").await;
    let args: Vec<&str> = create.split_whitespace().skip(1).collect();
    let order = answer(payin_at(&url, &key, &args)).await;
    let id = order["orderId"].as_str().expect("an id");
    answer(payin_at(&url, &key, &["sandbox", "pay", id])).await;
    assert_eq!(answer(payin_at(&url, &key, &["orders", "wait", id])).await["status"], "completed");
    tour.interrupt();
    assert_eq!(tour.wait().await.code, Some(0));
}

#[tokio::test]
async fn a_sandbox_says_one_line_and_ends_when_told() {
    let mut dev =
        server(&["dev", "--listen", "127.0.0.1:0", "--clock", "virtual", "--seed", "7", "--api-key", "pk_test_of_my_own"]).start();
    let ready = dev.next_json().await;
    let url = ready["url"].as_str().expect("a URL").to_owned();
    assert_eq!(ready["apiKey"], "pk_test_of_my_own");
    assert!(
        url.starts_with("http://127.0.0.1:") && ready["chains"].as_array().is_some_and(|chains| chains.contains(&json!(CHAIN))),
        "{ready}"
    );
    assert_eq!(answer(payin_at(&url, "pk_test_of_my_own", &["sandbox", "clock"])).await["frozen"], true);
    // One key per role, whose they are, and what is in the pool.
    assert_eq!(ready["keys"].as_object().map(serde_json::Map::len), Some(4), "{ready}");
    for role in ["owner", "admin", "member", "viewer"] {
        let me = answer(payin_at(&url, ready["keys"][role].as_str().expect("a key"), &["whoami"])).await;
        assert_eq!((&me["role"], &me["organization"]["id"]), (&json!(role), &ready["organizationId"]), "{me}");
    }
    assert_eq!(ready["keys"]["owner"], "pk_test_of_my_own");
    assert!(["evm", "tron"].iter().all(|family| ready["pool"][family] == 256), "{ready}");
    // Whoever still talks to it is served to the end.
    let client = http_client();
    let order = |reference: &str| {
        client.post(format!("{url}/api/v1/orders")).header("X-API-Key", "pk_test_of_my_own").json(&new_order(reference, "1"))
    };
    assert_eq!(order("DEV-1").send().await.expect("an answer").status(), 201);
    dev.terminate();
    let exit = dev.wait().await;
    assert_eq!((exit.code, exit.stdout.lines().count()), (Some(0), 1), "{exit:?}");
    assert!(order("DEV-2").send().await.is_err());
    assert!(exit.stderr.contains("payin orders create"), "{}", exit.stderr);
}

/// glibc's allocator, beside the program's own, would keep what SQLite has freed: 128 MB after a list of 200,000 addresses. Whatever
/// allocates through it has a heap.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn sqlite_allocates_where_the_program_does() {
    let mut dev = server(&["dev", "--listen", "127.0.0.1:0", "--clock", "virtual"]).start();
    dev.next_json().await;
    let maps = fs::read_to_string(format!("/proc/{}/maps", dev.pid())).expect("a running program");
    assert!(maps.contains("payin-server") && !maps.contains("[heap]"), "{maps}");
}

#[tokio::test]
async fn a_sandbox_goes_on_with_its_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}", folder.path().join("dev.db").display());
    let args = ["dev", "--listen", "127.0.0.1:0", "--database", &database, "--api-key", "pk_test_of_my_own"];
    let (mut orders, mut viewers) = (Vec::new(), Vec::<String>::new());
    for round in 0..2 {
        let mut dev = server(&args).start();
        let ready = dev.next_json().await;
        let url = ready["url"].as_str().expect("a URL");
        let reference = format!("ROUND-{round}");
        let create = ["orders", "create", "--reference", &reference, "--amount", "1", "--currency", "USDT", "--chain", CHAIN];
        orders.push(answer(payin_at(url, "pk_test_of_my_own", &create)).await);
        // The other roles' keys are new ones, instead of those that nobody can have kept.
        let viewer = ready["keys"]["viewer"].as_str().expect("a key").to_owned();
        assert_eq!(answer(payin_at(url, &viewer, &["whoami"])).await["role"], "viewer");
        for former in &viewers {
            failed(&payin_at(url, former, &["whoami"]).run().await, 4, "INVALID_API_KEY");
        }
        viewers.push(viewer);
        let page = answer(payin_at(url, "pk_test_of_my_own", &["orders", "list"])).await;
        assert_eq!(page["pagination"]["total"], orders.len());
        assert_eq!(answer(payin_at(url, "pk_test_of_my_own", &["addresses", "status"])).await["evm"]["total"], 256);
        // A second one on the same file is refused, and harms nothing.
        let second = server(&args).run().await;
        assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""), "{second:?}");
        assert_eq!(answer(payin_at(url, "pk_test_of_my_own", &["whoami"])).await["role"], "owner");
        dev.terminate();
        assert_eq!(dev.wait().await.code, Some(0));
    }
    assert_ne!(orders[0]["address"], orders[1]["address"]);
}

#[tokio::test]
async fn the_configuration_is_checked() {
    let good = configured("");
    let exit = with_config(good.path(), &["config", "check"]).run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.contains("testnet") && exit.stdout.contains(&format!("{CHAIN} (3 confirmations): USDT, USDC, PYUSD")), "{exit:?}");
    assert!(!exit.stdout.contains("secret-path") && !exit.stdout.contains(MASTER_KEY), "{exit:?}");
    assert!(!good.path().join("payin.db").exists(), "a check starts nothing");
    // The environment goes before the file; a password is not shown.
    let mut other = with_config(good.path(), &["config", "check"]);
    other.env("PAYIN_SERVER_DATABASE", "postgres://app:hunter2@db.example/payin").env("PAYIN_SERVER_LISTEN", "0.0.0.0:80");
    let exit = other.run().await;
    assert!(exit.code == Some(0) && exit.stdout.contains("0.0.0.0:80") && !exit.stdout.contains("hunter2"), "{exit:?}");

    let fails = async |command: Command, says: &str| {
        let exit = command.run().await;
        assert_eq!((exit.code, exit.stdout.contains(says)), (Some(1), false), "{exit:?}");
        assert!(exit.stderr.contains(says), "{says:?} is not in {}", exit.stderr);
    };
    let mut keyless = server(&["config", "check", "--config"]);
    keyless.arg(good.path().join("payin-server.toml"));
    fails(keyless, "openssl rand -hex 32").await;
    let mut short = with_config(good.path(), &["config", "check"]);
    short.env("PAYIN_SERVER_MASTER_KEY", "abab");
    fails(short, "64 hexadecimal digits").await;
    let mut mainnet = with_config(good.path(), &["config", "check"]);
    mainnet.env("PAYIN_SERVER_ENVIRONMENT", "mainnet");
    fails(mainnet, "they never mix").await;
    fails(with_config(configured("colour = 1").path(), &["config", "check"]), "colour").await;
    fails(with_config(configured("[orders]\npayment_window_minutes = 0").path(), &["config", "check"]), "1 to 60").await;
    fails(with_config(Path::new("/nowhere"), &["config", "check"]), "/nowhere/payin-server.toml").await;
}

/// A server in production, whose node does not answer yet.
async fn serve(folder: &Path) -> (Program, String) {
    let server = with_config(folder, &["serve"]).start();
    let url = url(&server).await;
    (server, url)
}

#[tokio::test]
async fn one_server_only_on_one_file_and_keys_are_made_beside_it() {
    let folder = configured("");
    let (mut first, url) = serve(folder.path()).await;
    let second = with_config(folder.path(), &["serve"]).run().await;
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains("payin.db"), "it does not say which file: {}", second.stderr);
    // Other commands are not refused.
    assert_eq!(with_config(folder.path(), &["migrate"]).run().await.code, Some(0));
    let mut keys = Vec::new();
    for role in ["owner", "viewer"] {
        let exit = with_config(folder.path(), &["keys", "create", "--role", role]).run().await;
        assert_eq!((exit.code, exit.stdout.lines().count()), (Some(0), 1), "{exit:?}");
        let key = exit.stdout.trim().to_owned();
        assert!(key.starts_with("pk_test_") && !exit.stderr.contains(&key), "{exit:?}");
        let me = answer(payin_at(&url, &key, &["whoami"])).await;
        assert_eq!((&me["role"], &me["organization"]["name"]), (&json!(role), &json!("My organization")));
        keys.push(key);
    }
    // There is no sandbox in production.
    let exit = payin_at(&url, &keys[0], &["sandbox", "clock"]).run().await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    nothing_of_a_sandbox_answers(&url, &keys[0]).await;
    // Nor a webhook to this machine or in clear.
    for target in ["http://shop.example/hook"] {
        let exit = payin_at(&url, &keys[0], &["webhooks", "endpoints", "create", "--url", target]).run().await;
        assert_eq!(exit.code, Some(6), "{target}: {exit:?}");
    }
    first.terminate();
    assert_eq!(first.wait().await.code, Some(0));
    // The file is free again, and the keys are still good.
    let (mut third, url) = serve(folder.path()).await;
    assert_eq!(answer(payin_at(&url, &keys[1], &["whoami"])).await["role"], "viewer");
    third.terminate();
    assert_eq!(third.wait().await.code, Some(0));
    // Killed, it leaves no lock behind.
    let (mut killed, _) = serve(folder.path()).await;
    killed.kill().await;
    let (mut fourth, _) = serve(folder.path()).await;
    fourth.terminate();
    assert_eq!(fourth.wait().await.code, Some(0));
}

/// Of all that can be done to a sandbox, nothing can be done to a production server, not even by its owner.
async fn nothing_of_a_sandbox_answers(url: &str, key: &str) {
    let is_of_it = |(method, path): &(String, String)| contract().operation(method, path)["tags"] == json!(["Sandbox"]);
    let operations: Vec<_> = contract().operations().into_iter().filter(is_of_it).collect();
    assert!(operations.len() > 15, "{operations:?}");
    for (method, path) in operations {
        let request = http_client().request(method.parse().expect("a method"), format!("{url}{path}")).header("X-API-Key", key);
        let request = match contract().request_example(&method, &path) {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 404, "{method} {path}");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["code"], "RESOURCE_NOT_FOUND", "{method} {path}");
    }
}

/// An order whose chain was never seen would start to be watched somewhere above its payment: money would be lost.
#[tokio::test]
async fn no_order_is_taken_on_a_chain_that_was_never_seen() {
    let folder = configured("");
    let (mut running, url) = serve(folder.path()).await;
    let exit = with_config(folder.path(), &["keys", "create", "--role", "owner"]).run().await;
    let key = exit.stdout.trim().to_owned();
    let client = http_client();
    let post = async |path: &str, body: &Value| {
        let response = client.post(format!("{url}{path}")).header("X-API-Key", &key).json(body).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body: Value = response.json().await.expect("JSON");
        contract().check_response("POST", path, status, &headers, &body).unwrap_or_else(|why| panic!("{why}"));
        (status, body)
    };
    let import = json!({ "protocol": "evm", "addresses": "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE" });
    assert_eq!(post("/api/v1/address-pool/import", &import).await.0, 200);
    let (status, body) = post("/api/v1/orders", &new_order("BLIND", "1")).await;
    assert_eq!((status, &body["code"]), (503, &json!("CHAIN_UNAVAILABLE")), "{body}");
    running.terminate();
    assert_eq!(running.wait().await.code, Some(0));
}

#[tokio::test]
async fn blocks_are_declared_lost_after_a_persons_word() {
    let folder = configured("");
    let run = async |args: &[&str]| with_config(folder.path(), args).run().await;
    assert_eq!(run(&["keys", "create", "--role", "owner"]).await.code, Some(0));
    let place = Place::of(&Location::Sqlite(folder.path().join("payin.db")));
    let lost = async |more: &[&str]| run(&[&["chains", "lost", "--chain", CHAIN, "--reason", " pruned "], more].concat()).await;
    let exit = lost(&["--from", "21", "--yes"]).await;
    assert!(exit.code == Some(1) && exit.stderr.contains("has no hole"), "{exit:?}");
    place
        .execute(&format!(
            "INSERT INTO chain_cursors (chain_id, head_number, head_hash, head_time, finalized_number, updated_at) VALUES ('{CHAIN}', 90, '0x90', 90, 80, 0);
             INSERT INTO chain_scans (chain_id, from_number, to_number, to_hash, to_time, begun_at, scanned_at)
             VALUES ('{CHAIN}', 10, 20, '0x20', 20, 0, 0), ('{CHAIN}', 80, 90, '0x90', 90, 0, 0)"
        ))
        .await;
    // What is refused says what would be right, and changes nothing.
    for (more, says) in [
        (&["--from", "20", "--yes"][..], "blocks 21 to 79: --from must be 21"),
        (&["--from", "21", "--to", "80", "--yes"], "--to at most 79"),
        (&["--from", "21", "--to", "20", "--yes"], "--to at most 79"),
        (&["--from", "21"], "say --yes"),
        (&["--from", "21", "--yes", "--reason", "  "], "cannot be used multiple times"),
    ] {
        let exit = lost(more).await;
        assert!(exit.code != Some(0) && exit.stderr.contains(says), "{more:?}: {exit:?}");
    }
    assert_eq!(place.value("SELECT COUNT(*) FROM chain_losses").await, "0");
    let exit = lost(&["--from", "21", "--to", "50", "--yes"]).await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
    for said in ["Orders that were paid there", "reconcile --chain", "--from 21 --to 50", "up to 79, is still read", "cannot be taken back"]
    {
        assert!(exit.stderr.contains(said), "{said}: {exit:?}");
    }
    let exit = lost(&["--from", "51", "--yes"]).await;
    assert!(exit.code == Some(0) && exit.stderr.contains("Nothing on"), "{exit:?}");
    let losses = place.rows("SELECT from_number, to_number, reason FROM chain_losses ORDER BY 1").await;
    assert_eq!(losses, [["21", "50", "pruned"], ["51", "79", "pruned"]]);
    assert_eq!(place.rows("SELECT from_number, to_number, to_hash FROM chain_scans").await, [["10", "90", "0x90"]]);
}

#[tokio::test]
async fn people_are_made_beside_a_server_and_sign_in() {
    let folder = configured("apis = [\"payin\", \"paywarden\"]");
    let (mut running, url) = serve(folder.path()).await;
    let create = |args: &[&str], password: &str| {
        let mut command = with_config(folder.path(), &[&["users", "create"], args].concat());
        command.stdin(password.to_owned());
        command.run()
    };
    let log_in = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        let answer = http_client().post(format!("{url}/api/v1/admin/login")).json(&body).send().await.expect("an answer");
        let (status, cookie) = (answer.status().as_u16(), answer.headers().get("set-cookie").map(|cookie| cookie.as_bytes().to_vec()));
        (status, String::from_utf8(cookie.unwrap_or_default()).expect("a text"), answer.json::<Value>().await.expect("JSON"))
    };
    // The password is read from a pipe; nothing of it is shown.
    let exit = create(&["--email", "alice@shop.example"], "correct horse battery\n").await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
    assert!(exit.stderr.contains("as owner of \"My organization\" (org_") && !exit.stderr.contains("horse"), "{exit:?}");
    let (status, cookie, session) = log_in("alice@shop.example", "correct horse battery").await;
    // Nobody said that the server is reached without TLS.
    assert!(status == 200 && cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    let token = session["token"].as_str().expect("a token");
    let stats = http_client().get(format!("{url}/api/v1/admin/stats")).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(stats.json::<Value>().await.expect("JSON")["merchants"], json!({ "total": 1, "active": 0 }));
    // Or it is made, and shown once.
    let args = ["--email", "bob@shop.example", "--name", "bob", "--organization", "Second", "--role", "admin", "--generate-password"];
    let exit = create(&args, "").await;
    assert_eq!((exit.code, exit.stdout.trim().len()), (Some(0), 22), "{exit:?}");
    assert!(exit.stderr.contains("as admin of \"Second\"") && !exit.stderr.contains(exit.stdout.trim()), "{exit:?}");
    assert_eq!(log_in("bob", exit.stdout.trim()).await.0, 200);
    for (args, password, says) in [
        (
            &["--email", "ALICE@shop.example", "--organization", "Second"][..],
            "correct horse battery",
            "'ALICE@shop.example' is another account's",
        ),
        (
            &["--email", "carol@shop.example", "--name", "BOB", "--organization", "Second"],
            "correct horse battery",
            "name: 'BOB' is another",
        ),
        (&["--email", "carol@shop.example", "--organization", "Second"], "short-1", "password: must be 8 to 256 characters"),
        (&["--email", "carol@shop.example", "--organization", "Second"], "", "no password was given"),
        (&["--email", "carol", "--organization", "Second"], "correct horse battery", "email: must be an e-mail address"),
        (&["--email", "carol@shop.example"], "correct horse battery", "organization: there are several"),
    ] {
        let exit = create(args, password).await;
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""), "{exit:?}");
        let shows_it = !password.is_empty() && exit.stderr.contains(password);
        assert!(exit.stderr.contains(says) && !shows_it, "{says}: {exit:?}");
    }
    // Somebody's lost phone is forgotten, whether they had one or not.
    for (login, code, says) in [("ALICE@shop.example", 0, "signs in with the password alone"), ("carol", 1, "Nobody signs in as 'carol'")] {
        let exit = with_config(folder.path(), &["users", "reset-totp", login]).run().await;
        assert!(exit.code == Some(code) && exit.stderr.contains(says), "{exit:?}");
    }
    let help = with_config(folder.path(), &["users", "create", "--help"]).run().await;
    assert!(help.stdout.contains("no flag takes it"), "{help:?}");
    running.terminate();
    assert_eq!(running.wait().await.code, Some(0));
}

#[tokio::test]
async fn strangers_register_only_where_the_operator_says_so() {
    let who = json!({ "username": "alice", "email": "alice@shop.example", "password": "correct horse battery", "shop_name": "A shop" });
    for (more, status) in [("", 403), ("open_registration = true", 201)] {
        let folder = configured(&format!("apis = [\"payin\", \"cryptopay\"]\n{more}"));
        let server = with_config(folder.path(), &["serve"]).start();
        let url = url(&server).await;
        let reply = http_client().post(format!("{url}/api/auth/register")).json(&who).send().await.expect("an answer");
        assert_eq!(reply.status(), status);
        let said = reply.json::<Value>().await.expect("JSON");
        match status {
            403 => {
                assert_eq!(said["error"]["code"], "FORBIDDEN", "{said}");
                assert!(said["error"]["message"].as_str().is_some_and(|text| text.contains("open_registration = true")), "{said}");
            }
            _ => assert_eq!(said["data"]["username"], "alice", "{said}"),
        }
    }
}

#[tokio::test]
async fn the_secret_of_other_apis_webhooks_is_shown_and_replaced() {
    let folder = configured("");
    let run = async |args: &[&str]| with_config(folder.path(), &[&["webhook-secret"], args].concat()).run().await;
    let exit = with_config(folder.path(), &["keys", "create", "--role", "owner"]).run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let first = run(&[]).await;
    assert!(first.stdout.starts_with("whsec_") && !first.stderr.contains("signs from"), "{first:?}");
    assert_eq!(run(&[]).await.stdout, first.stdout);
    let second = run(&["--rotate"]).await;
    assert!(second.stdout != first.stdout && second.stderr.contains("until then the one before does"), "{second:?}");
    let shown = run(&[]).await;
    assert!(shown.stdout == second.stdout && shown.stderr.contains("until then the one before does"), "{shown:?}");
    let hasty = run(&["--rotate"]).await;
    assert!(hasty.code == Some(1) && hasty.stdout.is_empty() && hasty.stderr.contains("it can be replaced at once"), "{hasty:?}");
    let third = run(&["--rotate", "--old-secret-valid-hours", "0"]).await;
    assert!(third.stdout != second.stdout && !third.stderr.contains("signs from"), "{third:?}");
    for bad in [&["--old-secret-valid-hours", "0"][..], &["--rotate", "--old-secret-valid-hours", "169"]] {
        assert_ne!(run(bad).await.code, Some(0), "{bad:?}");
    }
    assert_eq!(run(&[]).await.stdout, third.stdout);
}

/// What the link that a new server offers bears.
fn invitation(line: &str) -> String {
    let token = line.split("/dashboard/invitation?invitation=").nth(1).unwrap_or_else(|| panic!("no link in {line}"));
    token.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[tokio::test]
async fn the_first_owner_comes_in_by_a_link_in_the_log() {
    let folder = configured("");
    let form = |pairs: &[(&str, &str)]| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let post = async |url: String, pairs: &[(&str, &str)]| {
        let request = http_client().post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form(pairs));
        request.send().await.expect("an answer")
    };
    let mut first = with_config(folder.path(), &["serve"]).start();
    let old = invitation(&first.stderr_with("nobody can sign in yet").await);
    url(&first).await;
    first.terminate();
    assert_eq!(first.wait().await.code, Some(0));
    let mut server = with_config(folder.path(), &["serve"]).start();
    let token = invitation(&server.stderr_with("nobody can sign in yet").await);
    let url = url(&server).await;
    assert!(token.len() == 44 && token != old, "{token}");
    let look = async |token: &str| {
        http_client().get(format!("{url}/dashboard/invitation?invitation={token}")).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((look(&token).await, look(&old).await), (200, 404));
    let owner = [
        ("invitation", token.as_str()),
        ("organization", "Ada's shop"),
        ("email", "ada@shop.example"),
        ("password", "correct horse battery"),
    ];
    let answer = post(format!("{url}/dashboard/invitation"), &owner).await;
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let page = http_client().get(format!("{url}/dashboard")).header("Cookie", cookie.split(';').next().unwrap_or_default()).send().await;
    let page = page.expect("an answer").text().await.expect("a page");
    assert!(page.contains("Ada&#39;s shop") && page.contains("Owner") && !page.contains("/dashboard/sandbox"), "{page}");
    assert_eq!((look(&token).await, post(format!("{url}/dashboard/invitation"), &owner).await.status().as_u16()), (404, 404));
    assert_eq!(post(format!("{url}/dashboard/sandbox/mine"), &[]).await.status(), 404);
    server.terminate();
    assert_eq!(server.wait().await.code, Some(0));
    let mut again = with_config(folder.path(), &["serve"]).start();
    self::url(&again).await;
    again.terminate();
    let exit = again.wait().await;
    assert!(exit.code == Some(0) && !exit.stderr.contains("invitation"), "nobody else is offered that: {exit:?}");
}

#[tokio::test]
async fn there_is_no_dashboard_where_the_operator_wants_none() {
    let folder = configured("dashboard = false");
    let mut server = with_config(folder.path(), &["serve"]).start();
    let url = url(&server).await;
    for path in ["/dashboard", "/dashboard/sign-in", "/dashboard/assets/page.css"] {
        let answer = http_client().get(format!("{url}{path}")).send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON")["code"].clone()),
            (404, json!("RESOURCE_NOT_FOUND"))
        );
    }
    server.terminate();
    assert!(!server.wait().await.stderr.contains("invitation"));
}
