//! `payin addresses import` of lists too long for one request, and from keys; `archive` and `restore`.

use std::fs;

use payin_tests::nodes::program::Command;
use payin_tests::sandbox::{Sandbox, text};
use serde_json::json;

use super::{answer, failed, payin};

/// So many addresses, all different, one a line.
fn lines(count: u32) -> String {
    (0..count).map(|n| format!("0x{:040x}\n", 0xabcd_0000_0000_u64 + u64::from(n))).collect()
}

fn import(sandbox: &Sandbox, text: &str, more: &[&str]) -> Command {
    let command = payin(sandbox, &[&["addresses", "import", "pool.csv", "--protocol", "evm"], more].concat());
    fs::write(command.home().join("pool.csv"), text).expect("a file");
    command
}

#[tokio::test]
async fn a_long_list_goes_in_pieces_and_on_where_it_failed() {
    let sandbox = Sandbox::frozen().await;
    let before = answer(payin(&sandbox, &["addresses", "status"])).await["evm"]["total"].as_u64().expect("a number");
    let good = format!("address,derivation_index\n{}", lines(25));
    let dry = answer(import(&sandbox, &good, &["--chunk", "10", "--dry-run"])).await;
    assert_eq!(dry, json!({ "dryRun": true, "addresses": 25, "lines": 26, "chunks": 3, "header": true }));

    // The bad line has the file's number, and what stood before its piece is in.
    let bad = good.replace(&format!("{:040x}", 0xabcd_0000_0000_u64 + 14), "nonsense");
    let exit = import(&sandbox, &bad, &["--chunk", "10"]).run().await;
    let report = failed(&exit, 6, "VALIDATION_ERROR");
    assert_eq!(report["details"][0]["line"], 16, "{report}");
    assert!(text(&report["message"]).starts_with("lines 12 to 21 failed, those before are imported"), "{report}");
    assert!(text(&report["hint"]).contains("--from-line 12"), "{report}");
    let total = async || answer(payin(&sandbox, &["addresses", "status"])).await["evm"]["total"].as_u64();
    assert_eq!(total().await, Some(before + 10));
    // On from there, or all again: what is there is skipped.
    let rest = answer(import(&sandbox, &good, &["--chunk", "10", "--from-line", "12"])).await;
    assert_eq!((&rest["imported"], &rest["skipped"], &rest["lines"]), (&json!(15), &json!(0), &json!(26)));
    let again = import(&sandbox, &good, &["--chunk", "10"]).run().await;
    assert_eq!((&again.json()["imported"], &again.json()["skipped"]), (&json!(0), &json!(25)));
    assert!(again.stderr.contains("line 26: 0 imported, 25 there already"), "{}", again.stderr);
    assert_eq!(total().await, Some(before + 25));
    failed(&import(&sandbox, &good, &["--chunk", "0"]).run().await, 2, "USAGE");
    sandbox.stop().await;
}

/// The most memory that a process has had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_list_of_any_length_fits_into_memory() {
    let text = lines(1_000_000);
    let length = text.len() / 1024;
    let mut command = Command::payin();
    command.args(["addresses", "import", "-", "--protocol", "evm", "--dry-run"]).stdin(text);
    let mut program = command.start();
    let mut most = 0;
    while program.is_running() {
        most = most.max(peak(program.pid()));
        tokio::task::yield_now().await;
    }
    assert_eq!(program.wait().await.json()["addresses"], 1_000_000);
    assert!((1..30_000).contains(&most), "{most} KiB for {length} KiB of text");
}

#[tokio::test]
async fn keys_that_can_spend_are_not_sent_and_addresses_are_put_away() {
    let sandbox = Sandbox::frozen().await;
    // BIP-32's first test vector: published, worth nothing.
    let private = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    let refused = payin(&sandbox, &["addresses", "import", "--protocol", "evm", "--xpub", private]).run().await;
    assert!(text(&failed(&refused, 2, "USAGE")["message"]).contains("nothing was sent"));
    assert!(!refused.stderr.contains(private));
    let both = payin(&sandbox, &["addresses", "import", "f", "--protocol", "evm", "--xpub", "xpub"]).run().await;
    failed(&both, 2, "USAGE");
    let bad = payin(&sandbox, &["addresses", "import", "--protocol", "evm", "--xpub", "xpubnonsense"]).run().await;
    failed(&bad, 6, "VALIDATION_ERROR");

    let address = answer(payin(&sandbox, &["addresses", "list", "--state", "available", "--limit", "1"])).await;
    let address = text(&address["data"][0]["address"]);
    assert_eq!(answer(payin(&sandbox, &["addresses", "archive", address])).await["state"], "archived");
    assert_eq!(answer(payin(&sandbox, &["addresses", "list", "--state", "archived"])).await["pagination"]["total"], 1);
    assert_eq!(answer(payin(&sandbox, &["addresses", "restore", address])).await["state"], "available");
    failed(&payin(&sandbox, &["addresses", "archive", "0x0000000000000000000000000000000000000001"]).run().await, 3, "RESOURCE_NOT_FOUND");
    sandbox.stop().await;
}
