//! What `payin` does without a server: verifying, signing, helping.

use std::fs;

use payin_tests::nodes::program::{Command, Exit};
use serde_json::{Value, json};

use super::failed;

/// Made with another program (Python's hmac), so that our own signer cannot hide a mistake.
const SECRET: &str = "webhook_secret_key";
const BODY: &str = r#"{"id":"evt_order_completed_ord_1","type":"order.completed","created_at":"2025-01-20T10:35:22.000Z","data":{"orderId":"ord_1","amount":"100.00"}}"#;
const PAYIN: &str = "t=1737369322,v1=8f71f019df8940b35bb74f4c2ec2f13308288746a0e9d8fdb94205288908efc9";
const STANDARD: &str = "v1,YDyssJNYfPATkUJL1GPdoXxLl7yUpqvyTHJcD9qde4w=";
const PAYWARDEN: &str = "sha256=8f7af4e855e8d75ab18a336e4e977661a41809e0f848651d9ca3f49fd8fafab2";

/// `payin` in a folder with a secret, another one, the body and a forged one.
fn offline(args: &[&str]) -> Command {
    let mut command = Command::payin();
    for (name, content) in [
        ("secret", format!("{SECRET}\n")),
        ("other", "another secret entirely".to_owned()),
        ("body", BODY.to_owned()),
        ("forged", BODY.replace("100.00", "1.00")),
    ] {
        fs::write(command.home().join(name), content).expect("a file");
    }
    command.args(args);
    command
}

async fn verify(secret: &str, signature: &str, body: &str, more: &[&str]) -> Exit {
    let args = ["webhooks", "verify", "--secret-file", secret, "--signature", signature, "--body", body];
    offline(&[&args[..], more].concat()).run().await
}

#[tokio::test]
async fn a_webhook_is_verified_offline() {
    let standard = ["--scheme", "standard", "--id", "evt_order_completed_ord_1", "--timestamp", "1737369322", "--tolerance", "0"];
    for (signature, more) in [
        (PAYIN, &["--tolerance", "0"][..]),
        (&format!("X-PayIn-Signature: {PAYIN}"), &["--tolerance", "0"]),
        (&format!("t=1737369322,v1={},{}", "0".repeat(64), &PAYIN[13..]), &["--tolerance", "0"]),
        (PAYIN, &["--tolerance", "9000000000"]),
        (STANDARD, &standard),
        (PAYWARDEN, &["--scheme", "paywarden"]),
        (&PAYWARDEN[7..], &["--scheme", "cryptopay"]),
    ] {
        let exit = verify("secret", signature, "body", more).await;
        assert_eq!((exit.code, &exit.json()["genuine"]), (Some(0), &json!(true)), "{signature}: {exit:?}");
    }
    // Several secrets, as during a rotation: which of them it was is told.
    let exit = verify("other", PAYIN, "body", &["--secret-file", "secret", "--tolerance", "0"]).await;
    assert_eq!((exit.code, &exit.json()["secretFile"]), (Some(0), &json!("secret")), "{exit:?}");
    let mut piped = offline(&["webhooks", "verify", "--secret-file", "secret", "--signature", PAYIN, "--tolerance", "0", "--body", "-"]);
    piped.stdin(BODY);
    assert_eq!(piped.run().await.code, Some(0));

    let flipped = PAYIN.replace("v1=8f", "v1=9f");
    for (secret, signature, body, more, says) in [
        ("secret", PAYIN, "forged", &["--tolerance", "0"][..], "no signature matches"),
        ("secret", &flipped, "body", &["--tolerance", "0"], "no signature matches"),
        ("other", PAYIN, "body", &["--tolerance", "0"], "no signature matches"),
        ("secret", PAYIN, "body", &[], "300 s allowed"),
        ("secret", &PAYIN.replace("1737369322", "1737369323"), "body", &["--tolerance", "0"], "no signature matches"),
        ("secret", "nonsense", "body", &["--tolerance", "0"], "malformed"),
        ("secret", "", "body", &["--tolerance", "0"], "malformed"),
        ("secret", PAYWARDEN, "body", &["--tolerance", "0"], "paywarden"),
        ("secret", STANDARD, "forged", &standard, "no signature matches"),
    ] {
        let exit = verify(secret, signature, body, more).await;
        let report = failed(&exit, 9, "NOT_GENUINE");
        assert!(report["message"].as_str().is_some_and(|message| message.contains(says)), "{signature}: {report}");
        assert!(exit.stdout.is_empty() && !exit.stderr.contains(SECRET), "{exit:?}");
    }
    // Lines as they are pasted from a log.
    let lines = [
        ["--scheme", "standard", "--id", "webhook-id: evt_order_completed_ord_1", "--tolerance", "0", "--timestamp"],
        ["--scheme", "standard", "--id", "Webhook-Id:evt_order_completed_ord_1 ", "--tolerance", "0", "--timestamp"],
    ];
    for line in lines {
        let pasted = format!("webhook-signature: {STANDARD}");
        let exit = verify("secret", &pasted, "body", &[&line[..], &["webhook-timestamp: 1737369322"]].concat()).await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
    }
    // Standard input is one thing only.
    let both = ["webhooks", "verify", "--secret-file", "-", "--signature", PAYIN, "--body", "-"];
    failed(&offline(&both).run().await, 2, "USAGE");
    let mut secret_piped =
        offline(&["webhooks", "verify", "--secret-file", "-", "--signature", PAYIN, "--tolerance", "0", "--body", "body"]);
    secret_piped.stdin(format!("{SECRET}\r\n"));
    assert_eq!(secret_piped.run().await.code, Some(0));
    // The side of a clock that is wrong, and what a framework did to the body.
    let stale = failed(&verify("secret", PAYIN, "body", &[]).await, 9, "NOT_GENUINE");
    assert!(stale["message"].as_str().is_some_and(|message| message.contains(" s ago, more than")), "{stale}");
    let mut rewritten =
        offline(&["webhooks", "verify", "--secret-file", "secret", "--signature", PAYIN, "--tolerance", "0", "--body", "-"]);
    rewritten.stdin(BODY.replace("\":", "\": "));
    let report = failed(&rewritten.run().await, 9, "NOT_GENUINE");
    assert!(report["message"].as_str().is_some_and(|message| message.contains("parsed and written again")), "{report}");
    // What cannot even be looked at is no verdict.
    assert_eq!(verify("nowhere", PAYIN, "body", &[]).await.code, Some(2));
    assert_eq!(verify("secret", PAYIN, "nowhere", &[]).await.code, Some(2));
    assert_eq!(verify("secret", PAYIN, "body", &["--scheme", "homemade"]).await.code, Some(2));
}

#[tokio::test]
async fn what_is_signed_verifies() {
    let sign = ["webhooks", "sign", "--secret-file", "secret", "--body", "body", "--timestamp", "1737369322"];
    let exit = offline(&sign).run().await;
    assert_eq!(exit.json(), json!({ "X-PayIn-Signature": PAYIN }));
    let exit = offline(&[&sign[..], &["--scheme", "standard", "--id", "evt_order_completed_ord_1", "-o", "table"]].concat()).run().await;
    assert!(exit.stdout.lines().any(|line| line == format!("webhook-signature: {STANDARD}")), "{exit:?}");
    for id in ["", "evt.1", "evt 1", "evt_1\r\nx-a: b", "é"] {
        let exit = offline(&[&sign[..], &["--scheme", "standard", "--id", id]].concat()).run().await;
        failed(&exit, 2, "USAGE");
    }
    let twice = ["--secret-file", "other", "--scheme", "paywarden"];
    failed(&offline(&[&sign[..], &twice].concat()).run().await, 2, "USAGE");
    // A rotation: one signature for each secret, in their order.
    let exit = offline(&[&sign[..], &["--secret-file", "other"]].concat()).run().await;
    assert!(exit.json()["X-PayIn-Signature"].as_str().is_some_and(|header| header.starts_with(&format!("{PAYIN},v1="))), "{exit:?}");
    let mut spaced = offline(&["webhooks", "sign", "--secret-file", "-", "--body", "body"]);
    spaced.stdin(format!(" {SECRET}\n"));
    assert!(spaced.run().await.stderr.contains("begins or ends with white space"));
    // Now, without a time given.
    let now = offline(&sign[..6]).run().await.json();
    let signature = now["X-PayIn-Signature"].as_str().expect("a signature").to_owned();
    assert_eq!(verify("secret", &signature, "body", &[]).await.code, Some(0));
}

/// The names of the commands in a help text.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_has_help_and_none_takes_the_key_as_an_argument() {
    let mut paths = vec![Vec::<String>::new()];
    let mut leaves = 0;
    while let Some(path) = paths.pop() {
        let mut command = Command::payin();
        // With a key set: help must not repeat what is in the environment.
        command.env("PAYIN_API_KEY", "pk_test_secret").args(&path).arg("--help");
        let exit = command.run().await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{path:?}");
        // Another server's, of which nothing is kept: the one command that says so in its help.
        let takes_one = path == ["conformance"];
        assert_eq!(exit.stdout.contains("--api-key"), takes_one, "{path:?}: {}", exit.stdout);
        assert!(!exit.stdout.contains("pk_test_secret"), "{path:?}: {}", exit.stdout);
        let below = commands(&exit.stdout);
        leaves += usize::from(below.is_empty());
        paths.extend(below.into_iter().map(|name| [&path[..], &[name]].concat()));
    }
    assert!(leaves >= 60, "only {leaves} commands were found");
    let version = Command::payin();
    let mut version = version;
    version.arg("--version");
    assert!(version.run().await.stdout.starts_with("payin "));
}

#[tokio::test]
async fn completions_for_each_shell() {
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef payin"),
        ("fish", "complete -c payin"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let mut command = Command::payin();
        command.args(["completions", shell]);
        let exit = command.run().await;
        assert_eq!(exit.code, Some(0));
        assert!(exit.stdout.contains(word) && exit.stdout.contains("endpoints"), "{shell}");
    }
    let mut command = Command::payin();
    command.args(["completions", "cmd"]);
    let exit = command.run().await;
    let report: Value = failed(&exit, 2, "USAGE");
    assert!(report["message"].as_str().is_some_and(|message| message.contains("cmd")));
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    for (page, words) in
        [(None, "payin"), (Some("payin-orders-create"), "\\-\\-amount"), (Some("payin-webhooks-endpoints-rotate-secret"), "old\\-secret")]
    {
        let mut command = Command::payin();
        command.arg("man").args(page);
        let exit = command.run().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
        assert!(exit.stdout.contains(".TH") && exit.stdout.contains(words), "{page:?}: {}", exit.stdout);
    }
    let mut command = Command::payin();
    command.args(["man", "payin-fly"]);
    failed(&command.run().await, 2, "USAGE");
}
