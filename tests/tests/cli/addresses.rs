//! `payin addresses check` and `derive`: what can be said of addresses without a server, which says the same.

use std::fs;

use payin_tests::nodes::program::{Command, Exit};
use payin_tests::sandbox::{Sandbox, text};
use serde_json::{Value, json};

use super::{answer, failed, payin};

const EVM: &str = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94";
const TRON: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";
const SOLANA: &str = "DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK";
// Of the mnemonic "abandon … about" of BIP-39, as are `EVM` and `TRON`.
const EVM_XPUB: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";
const EVM_XPRV: &str = "xprv9zDSoJv1aBcjX6sNgEpE2J9K6MV2MUnXuqXsFgzVn3zY2aHyupaFQdYCtdCbNMkvcTdx9FeN49sgXw6mjrhrFLRSzJVnRYPfSCCgjeg4GxY";
const TRON_XPUB: &str = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd";

/// `payin addresses …` without a server, a key or an environment, in a folder with this file.
async fn addresses(file: &str, args: &[&str]) -> Exit {
    let mut command = Command::payin();
    fs::write(command.home().join("file"), file).expect("a file");
    command.arg("addresses").args(args);
    command.run().await
}

/// The lines of ndjson.
fn rows(exit: &Exit) -> Vec<Value> {
    exit.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {exit:?}"))).collect()
}

/// The failure, which stands alone on stderr; what was found is on stdout.
#[track_caller]
fn some_are_bad(exit: &Exit, says: &str) {
    let report: Value = serde_json::from_str(exit.stderr.trim()).unwrap_or_else(|error| panic!("{error}: {exit:?}"));
    assert_eq!((exit.code, &report["code"], text(&report["message"])), (Some(6), &json!("VALIDATION_ERROR"), says));
}

#[tokio::test]
async fn addresses_are_checked_by_their_form() {
    let exit = addresses("", &["check", &EVM.to_lowercase(), TRON, SOLANA]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let found = |line: u64, protocol: &str, address: &str, canonical: &str| json!({ "line": line, "valid": true, "protocol": protocol, "address": address, "canonical": canonical });
    let lower = EVM.to_lowercase();
    assert_eq!(rows(&exit), [found(1, "evm", &lower, EVM), found(2, "tron", TRON, TRON), found(3, "solana", SOLANA, SOLANA)]);
    // Each is told what is wrong with it, as one of the family that it looks like.
    let wrong = [
        (EVM.replace("Ef", "ef"), Some("evm"), "EIP-55 checksum is wrong"),
        (EVM[..41].to_owned(), Some("evm"), "0x and 40 hexadecimal digits"),
        (EVM[2..].to_owned(), Some("evm"), "0x and 40 hexadecimal digits"),
        (format!("0x{}", "0".repeat(40)), Some("evm"), "nobody owns the zero address"),
        (TRON.replace("UE", "Ue"), Some("tron"), "checksum is wrong"),
        (format!("{TRON}a"), Some("tron"), "34 base58 characters"),
        (SOLANA.replace("SKK", "S1K"), Some("solana"), "not on the ed25519 curve"),
        ("customer-42".to_owned(), None, "this is no address of EVM"),
        (EVM_XPUB.to_owned(), None, "payin addresses derive"),
    ];
    let args: Vec<&str> = std::iter::once("check").chain(wrong.iter().map(|(address, ..)| address.as_str())).collect();
    let exit = addresses("", &args).await;
    some_are_bad(&exit, "9 of 9 cannot be paid: each says why");
    for ((address, family, says), row) in wrong.iter().zip(rows(&exit)) {
        assert_eq!((&row["address"], row["valid"].as_bool(), row["protocol"].as_str()), (&json!(address), Some(false), *family), "{row}");
        assert!(text(&row["error"]).contains(says) && row.get("canonical").is_none(), "{row}");
    }
    // Of a stated family.
    let exit = addresses("", &["check", "--protocol", "tron", TRON, EVM]).await;
    some_are_bad(&exit, "1 of 2 cannot be paid: each says why");
    assert!(text(&rows(&exit)[1]["error"]).contains("a Tron address is"), "{exit:?}");
    for args in [&["check"][..], &["check", "--file", "file", EVM], &["check", "--protocol", "btc", EVM], &["check", "--file", "nowhere"]] {
        failed(&addresses("", args).await, 2, "USAGE");
    }
}

#[tokio::test]
async fn files_are_checked_with_the_numbers_of_their_lines() {
    let csv = format!("\u{feff}label,Address\n\n\"a, b\",\"{}\"\r\nc,{TRON}\nd,nonsense\n", EVM.to_lowercase());
    for (name, format) in [("json", "json"), ("ndjson", "ndjson")] {
        let exit = addresses(&csv, &["check", "--file", "file", "--output", format]).await;
        some_are_bad(&exit, "1 of 3 cannot be paid: each says why");
        let told: Vec<_> = rows(&exit).iter().map(|row| (row["line"].clone(), row["valid"].clone())).collect();
        assert_eq!(told, [(json!(3), json!(true)), (json!(4), json!(true)), (json!(5), json!(false))], "{name}");
    }
    let exit = addresses(&csv, &["check", "--file", "file", "-o", "csv"]).await;
    let lines: Vec<&str> = exit.stdout.lines().collect();
    assert_eq!(lines[..2], ["line,valid,protocol,address,canonical,error", &format!("3,true,evm,{},{EVM},", EVM.to_lowercase())]);
    assert_eq!((exit.code, lines.len()), (Some(6), 4));
    let exit = addresses(&csv, &["check", "--file", "file", "-o", "table"]).await;
    let table: Vec<&str> = exit.stdout.lines().collect();
    assert_eq!(table[..3], ["line  result", &format!("3     {EVM}"), &format!("4     {TRON}")], "{exit:?}");
    assert!(table[3].starts_with("5     nonsense is bad: this is no address of EVM") && exit.stderr.contains("1 of 3"), "{exit:?}");
    // One a line, from a pipe.
    let mut piped = Command::payin();
    piped.args(["addresses", "check", "--file", "-"]).stdin(format!("{EVM}\n  {SOLANA}  \n"));
    let exit = piped.run().await;
    assert_eq!((exit.code, rows(&exit).len()), (Some(0), 2), "{exit:?}");
    failed(&addresses("address\n\n", &["check", "--file", "file"]).await, 6, "VALIDATION_ERROR");
}

#[tokio::test]
async fn what_can_spend_is_not_repeated() {
    let hex = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    for secret in [EVM_XPRV, hex, &format!("0x{hex}"), words] {
        let exit = addresses(&format!("{EVM}\n{secret}"), &["check", "--file", "file"]).await;
        some_are_bad(&exit, "1 of 2 cannot be paid: each says why");
        let row = &rows(&exit)[1];
        assert_eq!((&row["line"], &row["address"], row.get("protocol")), (&json!(2), &json!("[hidden]"), None), "{row}");
        assert!(text(&row["error"]).contains("treat it as leaked"), "{row}");
        let derived = addresses(secret, &["derive", "--protocol", "evm", "--xpub-file", "file"]).await;
        assert!(text(&failed(&derived, 2, "USAGE")["message"]).contains("treat it as leaked"));
        for exit in [exit, derived] {
            assert!(!format!("{exit:?}").contains(&secret[..20]), "{exit:?}");
        }
    }
}

#[tokio::test]
async fn the_server_derives_what_is_shown() {
    for (protocol, xpub, first) in [("evm", EVM_XPUB, EVM), ("tron", TRON_XPUB, TRON)] {
        let exit = addresses(xpub, &["derive", "--protocol", protocol, "--xpub-file", "file", "--count", "3"]).await;
        let shown = rows(&exit);
        assert_eq!((exit.code, shown.len(), &shown[0]), (Some(0), 3, &json!({ "index": 0, "path": "0/0", "address": first })));
        let later = addresses(xpub, &["derive", "--protocol", protocol, "--xpub-file", "file", "--from", "2", "--count", "1"]).await;
        assert_eq!(rows(&later), shown[2..]);
        let sandbox = Sandbox::frozen().await;
        let import = ["addresses", "import", "--protocol", protocol, "--xpub", xpub, "--count", "3"];
        assert_eq!(answer(payin(&sandbox, &import)).await["imported"], 3);
        let listed = payin(&sandbox, &["addresses", "list", "--protocol", protocol, "--all"]).run().await;
        let listed = rows(&listed);
        for row in shown {
            assert!(
                listed.iter().any(|listed| (&listed["address"], &listed["derivationIndex"]) == (&row["address"], &row["index"])),
                "{row}"
            );
        }
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn only_what_can_be_derived_is() {
    let derive = async |xpub: &str, more: &[&str]| addresses(xpub, &[&["derive", "--xpub-file", "file"][..], more].concat()).await;
    let default = derive(&format!("{EVM_XPUB}\n"), &["--protocol", "evm", "-o", "csv"]).await;
    assert!(default.stdout.starts_with("index,path,address\r\n0,0/0,0x98") && default.stdout.lines().count() == 11, "{default:?}");
    let last = derive(EVM_XPUB, &["--protocol", "evm", "--from", "2147483647", "--count", "1"]).await;
    assert_eq!(rows(&last)[0]["address"], "0x8848bfC75a28756B521b09afDC120BdDddC7d7c9");
    for wrong in [&["--from", "2147483647", "--count", "2"][..], &["--from", "2147483648"], &["--count", "0"]] {
        failed(&derive(EVM_XPUB, &[&["--protocol", "evm"], wrong].concat()).await, 2, "USAGE");
    }
    for (protocol, xpub, says) in
        [("solana", EVM_XPUB, "no public derivation"), ("evm", &EVM_XPUB[..100], "mistyped"), ("tron", TRON, "mistyped")]
    {
        let report = failed(&derive(xpub, &["--protocol", protocol]).await, 6, "VALIDATION_ERROR");
        assert!(text(&report["message"]).contains(says), "{report}");
    }
}
