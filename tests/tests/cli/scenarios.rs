//! `payin sandbox run`: scenarios from a shell, against a shop.

use std::fs;

use payin_tests::nodes::program::Command;
use payin_tests::sandbox::{Sandbox, text};
use payin_tests::shop::{Mistake, SECRET, Shop};

use super::{answer, failed, payin, payin_at};

/// `payin sandbox run` against a shop, with its secret in a file.
fn play(sandbox: &Sandbox, shop: &Shop, args: &[&str]) -> Command {
    let mut command = payin(sandbox, &["sandbox", "run", "--merchant", shop.url(), "--secret-file", "secret", "--patience", "0"]);
    fs::write(command.home().join("secret"), format!("{SECRET}\n")).expect("a file");
    command.args(args);
    command
}

#[tokio::test]
async fn a_shop_passes_or_is_told_what_it_gets_wrong() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let passed = answer(play(&sandbox, &shop, &["exact_payment", "stale_replay", "--set", "chain=polygon-amoy"])).await;
    assert_eq!((&passed["ok"], passed["scenarios"].as_array().map(Vec::len)), (&true.into(), Some(2)), "{passed}");

    let wrong = Shop::open(sandbox.url(), sandbox.key(), Some(Mistake::DoesNotDedupe)).await;
    let command = play(&sandbox, &wrong, &["exact_payment", "duplicate_webhooks", "--junit", "report.xml"]);
    let report = command.home().join("report.xml");
    let mut program = command.start();
    let exit = program.wait().await;
    let told = failed(&exit, 9, "SCENARIOS_FAILED");
    assert_eq!(told["message"], "the merchant fails 1 of 2 scenarios: duplicate_webhooks");
    let scenarios = exit.json()["scenarios"].clone();
    let failure = &scenarios[1]["failure"];
    assert_eq!(
        (&scenarios[0]["passed"], &failure["expected"], &failure["got"]),
        (&true.into(), &"fulfilled 1".into(), &"fulfilled 2".into())
    );
    assert!(text(&failure["what"]).starts_with("merchant GET /orders/duplicate-") && !text(&failure["what"]).contains('$'), "{failure}");
    assert!(exit.stderr.contains("duplicate_webhooks:") && exit.stderr.contains("expected fulfilled 1, got fulfilled 2"), "{exit:?}");
    let xml = fs::read_to_string(report).expect("a report");
    assert!(
        xml.contains("tests=\"2\" failures=\"1\"") && xml.contains("<testcase classname=\"scenarios\" name=\"exact_payment\"/>"),
        "{xml}"
    );
    assert!(xml.contains("name=\"duplicate_webhooks\">\n    <failure message=\"step "), "{xml}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_file_is_played_like_one_of_the_library() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let command = play(&sandbox, &shop, &["mine.yaml"]);
    let steps = "about: Mine.\nsteps:\n  - api: { get: /me, answer: { role: owner } }\n  - merchant: { get: /orders/none, status: 404 }\n";
    fs::write(command.home().join("mine.yaml"), steps).expect("a file");
    assert_eq!(answer(command).await["scenarios"][0]["steps"], 2);

    let command = play(&sandbox, &shop, &["typo.yaml"]);
    fs::write(command.home().join("typo.yaml"), "about: A typo.\nsteps:\n  - api: { get: /me, anwser: {} }\n").expect("a file");
    let told = failed(&command.run().await, 2, "USAGE");
    let message = text(&told["message"]);
    assert!(message.starts_with("typo.yaml:3:") && message.contains("anwser") && message.contains("answer"), "{message}");
    sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_before_anything_is() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let refused = async |args: &[&str], says: &str| {
        let told = failed(&play(&sandbox, &shop, args).run().await, 2, "USAGE");
        assert!(text(&told["message"]).contains(says), "{told}");
    };
    refused(&["exact_paymint"], "is no file, and no scenario that comes with this version").await;
    refused(&["none.yaml"], "cannot read none.yaml").await;
    refused(&["exact_payment", "--set", "chian=base-sepolia"], "--set chian").await;
    refused(&["exact_payment", "--set", "chain=tron-nil"], "exact_payment:1:1: chain is \"tron-nil\", and the sandbox has ").await;
    refused(&["exact_payment", "--set", "chain=solana-devnet"], "currency is \"USDT\", and solana-devnet has USDC, PYUSD").await;
    let undefined = "about: A name.\nsteps:\n  - merchant: { post: /poll }\n  - confirm: ${ordre.orderId}\n";
    let command = play(&sandbox, &shop, &["exact_payment", "undefined.yaml"]);
    fs::write(command.home().join("undefined.yaml"), undefined).expect("a file");
    let told = failed(&command.run().await, 2, "USAGE");
    assert!(text(&told["message"]).starts_with("undefined.yaml:4:1: nothing is named \"ordre\" here"), "{told}");
    sandbox.ask("POST", "/api/v1/sandbox/clock/run").send().await.ok(200);
    refused(&["exact_payment"], "the sandbox's clock runs").await;
    assert_eq!(sandbox.counts().await["orders"], 0);
    let list = answer(payin(&sandbox, &["sandbox", "run", "--list"])).await;
    assert!(list["data"].as_array().is_some_and(|all| all.len() >= 20 && all.iter().all(|one| one["about"].is_string())), "{list}");
    sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_happen_on_a_chain_is_skipped_and_who_is_not_there_is_told_apart() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let command = play(&sandbox, &shop, &["exact_payment", "wrong_chain", "--set", "chain=tron-nile", "--junit", "report.xml"]);
    let report = command.home().join("report.xml");
    let mut program = command.start();
    let exit = program.wait().await;
    let (told, scenarios) = (exit.json(), exit.json()["scenarios"].clone());
    assert_eq!(
        (exit.code, &told["ok"], &scenarios[0]["passed"], &scenarios[1]["passed"]),
        (Some(0), &true.into(), &true.into(), &false.into())
    );
    assert!(text(&scenarios[1]["skipped"]).contains("no other chain of the sandbox has the addresses of tron-nile"), "{told}");
    let xml = fs::read_to_string(report).expect("a report");
    assert!(xml.contains("tests=\"2\" failures=\"0\" skipped=\"1\"") && xml.contains("<skipped message=\"no other chain"), "{xml}");

    let nobody = "http://127.0.0.1:9";
    let args = ["sandbox", "run", "exact_payment", "--merchant", nobody, "--secret-file", "secret"];
    let command = payin(&sandbox, &args);
    fs::write(command.home().join("secret"), SECRET).expect("a file");
    let told = failed(&command.run().await, 8, "NETWORK");
    assert!(text(&told["message"]).contains("the merchant's program gives no answer at http://127.0.0.1:9/"), "{told}");
    let command =
        payin_at(nobody, sandbox.key(), &["sandbox", "run", "exact_payment", "--merchant", shop.url(), "--secret-file", "secret"]);
    fs::write(command.home().join("secret"), SECRET).expect("a file");
    failed(&command.run().await, 8, "NETWORK");
    assert_eq!(sandbox.counts().await["orders"], 1, "that of exact_payment");
    sandbox.stop().await;
}
