//! `payin conformance`: our own server passes, and servers that are each wrong in one way are caught by the check that is meant for it.

mod spoilt;
mod wrong;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use payin_core::quota::Limits;
use payin_tests::nodes::program::{Command, Exit, Program};
use payin_tests::sandbox::{Sandbox, contract, text};
use payin_types::{Role, SecretString};
use serde_json::{Value, json};

use self::spoilt::{Spoil, Spoilt};
use self::wrong::Wrong;
use super::{failed, payin, payin_at};

/// What is skipped of our own sandbox, with the word that its reason has in it.
const SKIPPED: &[(&str, &str)] = &[
    ("limits.headers", "limits off"),
    ("limits.values", "limits off"),
    ("limits.refusal", "none is provoked"),
    ("operations.sandboxReorg", "for everybody in it"),
    ("operations.sandboxAdvanceClock", "for everybody in it"),
    ("operations.sandboxFreezeClock", "for everybody in it"),
    ("operations.sandboxRunClock", "for everybody in it"),
    ("operations.sandboxControlChain", "for everybody in it"),
    ("operations.sandboxAddFault", "for everybody in it"),
    ("operations.sandboxClearFaults", "for everybody in it"),
    ("operations.sandboxSnapshot", "for everybody in it"),
    ("operations.sandboxRestore", "for everybody in it"),
    ("operations.sandboxReset", "for everybody in it"),
];

/// A run makes some hundred requests, and waits for chains and deliveries.
const WITHIN: Duration = Duration::from_secs(180);

async fn finished(command: Command) -> Exit {
    command.start().wait_within(WITHIN).await
}

fn checks(report: &Value) -> Vec<&Value> {
    report["checks"].as_array().map(|checks| checks.iter().collect()).unwrap_or_default()
}

fn with_outcome<'a>(report: &'a Value, outcome: &str) -> Vec<&'a str> {
    let these = checks(report).into_iter().filter(|row| row["outcome"] == outcome);
    these.map(|row| text(&row["check"])).collect()
}

/// The whole report of a run that has to pass.
#[track_caller]
fn passed(exit: &Exit) -> Value {
    let report: Value = serde_json::from_str(&exit.stdout).unwrap_or_else(|error| panic!("no report ({error}): {exit:?}"));
    let wrong: Vec<_> = checks(&report).into_iter().filter(|row| row["outcome"] == "failed").collect();
    assert!(wrong.is_empty() && exit.code == Some(0), "{wrong:#?}\n{}", exit.stderr);
    report
}

/// What there is that a run could have left: orders apart, which expire by themselves.
async fn made(sandbox: &Sandbox) -> Value {
    let total = async |path: &str| sandbox.read(path).await["pagination"]["total"].clone();
    let organization = sandbox.read("/api/v1/me").await["organization"]["id"].clone();
    json!({
        "links": total("/api/v1/payment-links?includeArchived=true").await,
        "references": total("/api/v1/deposits/references").await,
        "endpoints": total("/api/v1/webhooks/endpoints").await,
        "keys": total(&format!("/api/v1/organizations/{}/api-keys", text(&organization))).await,
        "settings": sandbox.read("/api/v1/config").await,
    })
}

async fn our_own(sandbox: &Sandbox, is_frozen: bool) {
    let before = made(sandbox).await;
    let report = passed(&finished(payin(sandbox, &["conformance", "--output", "json"])).await);
    assert_eq!(made(sandbox).await, before);
    assert_eq!((&report["ok"], &report["failed"], &report["role"]), (&json!(true), &json!(0), &json!("owner")));
    let skipped = checks(&report).into_iter().filter(|row| row["outcome"] == "skipped");
    let skipped: BTreeSet<_> = skipped.map(|row| (text(&row["check"]), text(&row["note"]).to_owned())).collect();
    let expected = || SKIPPED.iter().filter(|(check, _)| !is_frozen || *check != "operations.sandboxAdvanceClock");
    for (check, note) in &skipped {
        assert!(expected().any(|(known, word)| known == check && note.contains(word)), "{check} was skipped: {note}");
    }
    assert_eq!(skipped.len(), expected().count());
    // Every operation is there, by its id in the contract.
    let contract = contract();
    for (method, path) in contract.operations() {
        let operation = contract.operation(&method, &path);
        let is_other = [json!(["PayWarden"]), json!(["CryptoPay"])].contains(&operation["tags"]);
        let name = format!("operations.{}", text(&operation["operationId"]));
        assert_eq!(checks(&report).into_iter().filter(|row| row["check"] == json!(name)).count(), usize::from(!is_other), "{name}");
    }
    all_that_stays_is_named(sandbox, &report).await;
}

/// In a sandbox in which nobody else has made anything.
async fn all_that_stays_is_named(sandbox: &Sandbox, report: &Value) {
    let ids = async |path: &str, field: &str| {
        let page = sandbox.read(path).await;
        page["data"].as_array().expect("a page").iter().map(|one| text(&one[field]).to_owned()).collect::<BTreeSet<_>>()
    };
    let named = |what: &str| {
        let all = report["leftBehind"].as_array().expect("a list").iter().filter(|one| one["what"] == what);
        all.map(|one| text(&one["id"]).to_owned()).collect::<BTreeSet<_>>()
    };
    let (orders, deposits) = (ids("/api/v1/orders?limit=100", "orderId").await, ids("/api/v1/deposits?limit=100", "depositId").await);
    assert_eq!((named("order"), named("deposit")), (orders.clone(), deposits.clone()));
    assert_eq!((orders.len(), deposits.len()), (3, 1));
    for stays in report["leftBehind"].as_array().expect("a list").iter().filter(|one| one["what"] == "order") {
        let order = sandbox.order_now(&stays["id"]).await;
        assert_eq!((&stays["reference"], &stays["status"]), (&order["orderReference"], &order["status"]), "{stays}");
        let expires = (order["status"] == "pending").then(|| order["expiresAt"].clone());
        assert_eq!(stays.get("expiresAt"), expires.as_ref(), "{stays}");
    }
}

#[tokio::test]
async fn our_own_server_conforms_on_sqlite() {
    let sandbox = Sandbox::start().await;
    our_own(&sandbox, false).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn our_own_server_conforms_on_postgresql_while_its_time_stands_still() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    our_own(&sandbox, true).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn the_report_is_for_people_and_for_machines() {
    let sandbox = Sandbox::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let junit = folder.path().join("report.xml");
    let file = junit.to_str().expect("a path");
    let exit = finished(payin(&sandbox, &["conformance", "-o", "table", "--junit", file])).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for line in ["✓ orders.create ", "✓ operations.createOrder ", "- limits.headers ", " 0 failed, "] {
        assert!(exit.stdout.contains(line), "{line}\n{}", exit.stdout);
    }
    let xml = std::fs::read_to_string(&junit).expect("the report");
    assert_eq!(xml.matches("<testcase ").count() + 2, exit.stdout.trim_end().lines().count());
    assert!(xml.contains("failures=\"0\"") && xml.contains("<skipped message="), "{xml}");

    // A viewer may look, and nothing else.
    let before = made(&sandbox).await;
    let key = sandbox.key_with_role(Role::Viewer).await;
    let of_viewer = passed(&finished(payin_at(sandbox.url(), &key, &["conformance", "-o", "json"])).await);
    let created = checks(&of_viewer).into_iter().find(|row| row["check"] == "orders.create").expect("the check");
    assert_eq!((&created["outcome"], &created["note"]), (&json!("skipped"), &json!("the role of the key is viewer")));
    // Nor does who only wants to look; the documents demand less than we promise.
    let only_read = passed(&finished(payin(&sandbox, &["conformance", "--read-only", "--documented", "-o", "json"])).await);
    assert!(with_outcome(&only_read, "passed").len() > 30);
    assert_eq!(made(&sandbox).await["links"], before["links"]);
    let elsewhere = Sandbox::frozen().await;
    failed(&finished(payin_at(sandbox.url(), elsewhere.key(), &["conformance", "-o", "json"])).await, 4, "INVALID_API_KEY");
    failed(&finished(payin_at("http://127.0.0.1:9", &key, &["conformance", "-o", "json"])).await, 8, "NETWORK");
    failed(&finished(payin(&sandbox, &["conformance", "-o", "json", "--junit", "/nowhere/x.xml"])).await, 2, "USAGE");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_interrupted_run_takes_back_what_it_made() {
    for signal in [Program::interrupt, Program::terminate] {
        let sandbox = Sandbox::start().await;
        let before = made(&sandbox).await;
        let mut run = payin(&sandbox, &["conformance", "-o", "json"]).start();
        sandbox.read_when("/api/v1/payment-links", "begun", |page| page["pagination"]["total"].as_u64() > Some(0)).await;
        signal(&run);
        let exit = run.wait_within(WITHIN).await;
        let report: Value = serde_json::from_str(&exit.stdout).unwrap_or_else(|error| panic!("no report ({error}): {exit:?}"));
        failed(&exit_without_stdout(exit), 130, "INTERRUPTED");
        assert!(checks(&report).iter().any(|row| row["note"] == "the run was interrupted"), "{report}");
        assert_eq!(made(&sandbox).await, before);
        sandbox.stop().await;
    }
}

/// Whatever a server of real money may be taken for: it does not say what it is, or says so, or the key does.
#[tokio::test]
async fn nothing_is_created_where_money_may_be_real() {
    let key = "pk_live_of_real_money";
    let sandbox = Sandbox::with(|options| options.api_key = Some(SecretString::from(key))).await;
    let own = sandbox.key_with_role(Role::Owner).await;
    let before = (made(&sandbox).await, sandbox.counts().await);
    let unsaid: Spoil = Spoil::Answer(|asked, answered| {
        if asked.is("GET", "/api/v1/me") {
            answered.without("environment");
        }
    });
    let live: Spoil = Spoil::Answer(|asked, answered| {
        if asked.is("GET", "/api/v1/me") {
            answered.replace("\"testnet\"", "\"mainnet\"");
        }
    });
    for (spoil, key, args) in
        [(unsaid, own.as_str(), &[][..]), (live, own.as_str(), &[]), (unsaid, key, &["--read-only"]), (live, key, &["--read-only"])]
    {
        let server = Spoilt::start(sandbox.url(), sandbox.key(), spoil).await;
        let exit = finished(payin_at(&server.url, key, &[&["conformance", "-o", "json"], args].concat())).await;
        let report: Value = serde_json::from_str(&exit.stdout).unwrap_or_else(|error| panic!("no report ({error}): {exit:?}"));
        assert!(with_outcome(&report, "passed").len() > 20, "{report:#}");
        let created = checks(&report).into_iter().find(|row| row["check"] == "orders.create").expect("the check");
        assert!(created["outcome"] == "skipped" && text(&created["note"]).starts_with("nothing is created: "), "{created}");
        assert_eq!((server.changes(), &report["leftBehind"]), (Vec::<String>::new(), &json!([])));
    }
    // Such a key creates nothing even where the server calls itself a testnet: nobody is asked anything.
    let server = Spoilt::start(sandbox.url(), sandbox.key(), Spoil::Answer(|_, _| {})).await;
    let told = failed(&finished(payin_at(&server.url, key, &["conformance", "-o", "json"])).await, 2, "USAGE");
    assert!(text(&told["message"]).contains("real money"), "{told}");
    let told = failed(&finished(payin_at(&server.url, &own, &["conformance", "-o", "json", "--api-key", key])).await, 2, "USAGE");
    assert!(text(&told["message"]).contains("real money"), "{told}");
    assert_eq!(server.asked(), 0);
    assert_eq!((made(&sandbox).await, sandbox.counts().await), before);
    sandbox.stop().await;
}

/// The report of an interrupted run is told all the same; `failed` is about the error.
fn exit_without_stdout(exit: Exit) -> Exit {
    Exit { stdout: String::new(), ..exit }
}

async fn caught(sandbox: &Sandbox, wrong: &Wrong) {
    let Wrong { name, spoil, fails, says } = wrong;
    let server = Spoilt::start(sandbox.url(), sandbox.key(), *spoil).await;
    let exit = finished(payin_at(&server.url, sandbox.key(), &["conformance", "-o", "json", "-q"])).await;
    let report: Value = serde_json::from_str(&exit.stdout).unwrap_or_else(|error| panic!("{name}: no report ({error}): {exit:?}"));
    let rows: Vec<_> = checks(&report).into_iter().filter(|row| row["outcome"] == "failed").collect();
    let found: BTreeSet<_> = rows.iter().map(|row| text(&row["check"])).collect();
    assert_eq!(found, fails.iter().copied().collect(), "{name}: {rows:#?}");
    let first = rows.iter().find(|row| row["check"] == json!(fails[0])).expect("the check");
    let told = format!("{} {}", text(&first["expected"]), text(&first["got"]));
    assert!(told.contains(says), "{name}: {told}");
    assert_eq!(exit.code, Some(9), "{name}: {}", exit.stderr);
}

/// Two at a time: a run waits for chains and deliveries most of its time.
async fn all_caught(wrongs: &[Wrong]) {
    let sandbox = Sandbox::with(|options| options.rate_limits = Some(generous())).await;
    stream::iter(wrongs).for_each_concurrent(2, |wrong| caught(&sandbox, wrong)).await;
    sandbox.stop().await;
}

fn generous() -> Limits {
    Limits { per_minute: 1_000_000, per_hour: 1_000_000, per_day: 1_000_000 }
}

#[tokio::test]
async fn answers_of_a_wrong_form_are_caught() {
    all_caught(wrong::FORM).await;
}

#[tokio::test]
async fn wrong_refusals_are_caught() {
    all_caught(wrong::REFUSALS).await;
}

#[tokio::test]
async fn wrong_orders_lists_and_repetitions_are_caught() {
    all_caught(wrong::ANSWERS).await;
}

#[tokio::test]
async fn wrong_webhooks_are_caught() {
    all_caught(wrong::WEBHOOKS).await;
}
