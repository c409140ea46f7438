//! `payin login`, `logout`, `doctor`: keys that are kept, and what is looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{Sandbox, text};
use serde_json::json;

use super::{answer, failed, kept_in, payin, payin_at};

#[tokio::test]
async fn a_key_is_kept_used_and_forgotten() {
    let (sandbox, home) = (Sandbox::frozen().await, tempfile::tempdir().expect("a folder"));
    let run = |args: &[&str]| kept_in(home.path(), args);
    let login = |key: &str, more: &[&str]| {
        let mut command = run(&[&["login", "--base-url", sandbox.url()], more].concat());
        command.stdin(format!("{key}\n"));
        command
    };
    failed(&run(&["whoami"]).run().await, 4, "NO_API_KEY");
    // A key that is not taken is not kept, nor is none.
    failed(&login("pk_test_nobody", &[]).run().await, 4, "INVALID_API_KEY");
    failed(&login("", &[]).run().await, 2, "USAGE");
    assert!(!home.path().join("payin").exists());

    // Without a keyring it is kept in a file that nobody else may read.
    let exit = login(sandbox.key(), &[]).run().await;
    assert_eq!((&exit.json()["profile"], &exit.json()["keptIn"]), (&json!("default"), &json!("file")), "{exit:?}");
    assert!(!exit.stdout.contains(sandbox.key()) && !exit.stderr.contains(sandbox.key()), "{exit:?}");
    let file = home.path().join("payin/profiles.json");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    let me = answer(run(&["whoami"])).await;
    assert_eq!(me["role"], "owner");
    let viewer = sandbox.key_with_role(payin_types::Role::Viewer).await;
    answer(login(&viewer, &["--profile", "reports", "--keep-in", "file"])).await;
    assert_eq!(answer(run(&["whoami", "--profile", "reports"])).await["role"], "viewer");
    let mut named = run(&["whoami"]);
    named.env("PAYIN_PROFILE", "reports");
    assert_eq!(answer(named).await["role"], "viewer");
    // The environment goes before the profile, and that is said.
    let mut both = run(&["whoami", "--profile", "reports"]);
    both.env("PAYIN_API_KEY", sandbox.key()).env("PAYIN_BASE_URL", sandbox.url());
    let both = both.run().await;
    assert_eq!((&both.json()["role"], both.stderr.contains("PAYIN_API_KEY is set")), (&json!("owner"), true), "{both:?}");
    failed(&run(&["whoami", "--profile", "nobody"]).run().await, 4, "NO_PROFILE");
    // Whoever else may read it, we do not.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("the mode is set");
    assert!(text(&failed(&run(&["whoami"]).run().await, 4, "UNSAFE_PROFILES")["hint"]).contains("chmod 600"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("the mode is set");
    // Where the keyring is asked for, nothing else will do.
    failed(&login(sandbox.key(), &["--keep-in", "keyring", "--profile", "safe"]).run().await, 1, "NO_KEYRING");

    assert_eq!(answer(run(&["logout", "--profile", "reports"])).await["success"], true);
    failed(&run(&["logout", "--profile", "reports"]).run().await, 3, "NO_PROFILE");
    assert_eq!(answer(run(&["whoami"])).await, me);
    assert_eq!(answer(run(&["logout"])).await["profile"], "default");
    failed(&run(&["whoami"]).run().await, 4, "NO_API_KEY");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_does_not_go_to_the_other_environment_nor_in_clear() {
    failed(&payin_at("https://app.payin.com", "pk_test_x", &["whoami"]).run().await, 4, "WRONG_ENVIRONMENT");
    failed(&payin_at("https://testnet.payin.com/api/v1", "pk_live_x", &["whoami"]).run().await, 4, "WRONG_ENVIRONMENT");
    let clear = failed(&payin_at("http://192.0.2.1:3000", "pk_test_x", &["whoami"]).run().await, 2, "CONFIG");
    assert!(text(&clear["hint"]).contains("--allow-http"), "{clear}");
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong() {
    let sandbox = Sandbox::frozen().await;
    let exit = payin(&sandbox, &["doctor"]).run().await;
    let told = exit.json();
    assert_eq!((exit.code, &told["ok"]), (Some(0), &json!(true)), "{exit:?}");
    let verdict =
        |area: &str| told["checks"].as_array().and_then(|all| all.iter().find(|check| check["area"] == area))?["verdict"].as_str();
    for area in ["key", "server", "tls", "clock", "access", "health", "pool", "limits"] {
        assert_eq!(verdict(area), Some("ok"), "{area}: {told}");
    }
    assert_eq!(verdict("webhooks"), Some("warn"));
    // For people: a mark a line, and what to do below.
    let table = payin(&sandbox, &["doctor", "-o", "table"]).run().await;
    assert!(table.stdout.starts_with("✓ key") && table.stdout.contains("! webhooks") && table.stdout.contains("→"), "{}", table.stdout);

    // One after the other: no key, nobody there, a key that is not taken, an empty pool.
    let mut none = payin_at(sandbox.url(), "", &["doctor"]);
    none.env("PAYIN_API_KEY", "");
    let none = none.run().await;
    assert!(text(&failed(&none, 1, "UNHEALTHY")["message"]).starts_with("key:"), "{none:?}");
    assert_eq!(none.json()["checks"].as_array().map(Vec::len), Some(1));
    let nobody = payin_at("http://127.0.0.1:1", sandbox.key(), &["doctor"]).run().await;
    assert!(text(&failed(&nobody, 1, "UNHEALTHY")["message"]).starts_with("server:"), "{nobody:?}");
    let stranger = payin_at(sandbox.url(), "pk_test_nobody", &["doctor"]).run().await;
    assert!(text(&failed(&stranger, 1, "UNHEALTHY")["message"]).starts_with("access:"), "{stranger:?}");
    let empty = payin_at(sandbox.url(), &sandbox.stranger().await, &["doctor"]).run().await;
    assert!(text(&failed(&empty, 1, "UNHEALTHY")["message"]).starts_with("pool:"), "{empty:?}");
    // What a weak key may not see does not fail.
    let viewer = sandbox.key_with_role(payin_types::Role::Viewer).await;
    assert_eq!(payin_at(sandbox.url(), &viewer, &["doctor"]).run().await.code, Some(0));
    // What speaks TLS to nobody.
    let plain = Receiver::start().await;
    plain.answer(Answer::status(200).body("hello"));
    let url = plain.url().replace("http://", "https://");
    let told = payin_at(&url, sandbox.key(), &["doctor"]).run().await;
    failed(&told, 1, "UNHEALTHY");
    assert_eq!(told.json()["checks"].as_array().map(Vec::len), Some(2), "{told:?}");
    sandbox.stop().await;
}
