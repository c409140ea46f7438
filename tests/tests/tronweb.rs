//! Our addresses and the contracts' calling convention, judged by Tron's own library (npm `tronweb`), which shares no code with ours.

use payin_core::address::{Address, tron_bytes};
use payin_server::chain::logs::decode;
use payin_server::env::{Entropy, SeededEntropy};
use payin_tests::nodes::abi::{self, Arg};
use payin_tests::nodes::from_scripts_test;
use payin_tests::nodes::program::Command;
use payin_types::Protocol;
use serde_json::{Value, json};

const ACCOUNTS: usize = 500;
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl+";

async fn judge(asked: &Value) -> Value {
    let mut node = Command::at("node");
    node.args(["-e", include_str!("tronweb/judge.js")]).env("PAYIN_TEST_TRONWEB", from_scripts_test("PAYIN_TEST_TRONWEB"));
    node.stdin(asked.to_string());
    let exit = node.run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.json()
}

/// One character is another one, or is missing, or there is one more.
fn mistyped(text: &str, dice: [u8; 3]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let (place, other) = (usize::from(dice[0]) % bytes.len(), BASE58[usize::from(dice[1]) % BASE58.len()]);
    match dice[2] % 8 {
        0 => drop(bytes.remove(place)),
        1 => bytes.insert(place, other),
        _ => bytes[place] = other,
    }
    String::from_utf8(bytes).expect("ASCII")
}

#[tokio::test]
async fn tronweb_agrees_about_addresses_and_calls() {
    let seeded = SeededEntropy::new(41);
    let entropy: &dyn Entropy = &seeded;
    let accounts: Vec<[u8; 20]> = (0..ACCOUNTS).map(|_| entropy.array()).collect();
    let addresses: Vec<Address> = accounts.iter().map(Address::from_tron_bytes).collect();
    let mut texts: Vec<String> = addresses.iter().map(|address| mistyped(address.as_str(), entropy.array())).collect();
    texts.extend(addresses.iter().take(20).map(|address| address.as_str().to_owned()));
    // Base58check of a version that is not Tron's, of too few bytes and of too many.
    let framed = |version: u8, bytes: &[u8]| bs58::encode(bytes).with_check_version(version).into_string();
    texts.extend([framed(0x00, &accounts[0]), framed(0xa0, &accounts[0]), framed(0x41, &accounts[0][1..]), framed(0x41, &[7; 21])]);
    let amount = u128::from(u64::MAX) * 3;
    let hex = |account: &[u8; 20]| abi::hex(account);
    let said = judge(&json!({
        "accounts": accounts.iter().map(hex).collect::<Vec<_>>(),
        "addresses": addresses.iter().map(Address::as_str).collect::<Vec<_>>(),
        "texts": texts,
        "amount": amount.to_string(),
    }))
    .await;
    for (place, (account, address)) in accounts.iter().zip(&addresses).enumerate() {
        assert_eq!(said["base58"][place], address.as_str());
        assert_eq!(said["hex"][place], format!("41{}", hex(account)));
        assert_eq!(tron_bytes(address.as_str()), Some(*account));
        let call = abi::call("transfer(address,uint256)", &[Arg::Address(format!("0x{}", hex(account))), Arg::Uint(amount)]);
        assert_eq!(said["transfers"][place], call);
    }
    let mut valid = 0;
    for (place, text) in texts.iter().enumerate() {
        let ours = Address::parse(&Protocol::Tron, text).is_ok();
        assert_eq!(said["valid"][place], ours, "{text}");
        valid += usize::from(ours);
    }
    assert!((20..40).contains(&valid), "{valid} of {} mistyped addresses are valid", texts.len());
    assert_eq!((&said["decimals"], &said["topic"]), (&"0x313ce567".into(), &json!(decode::TRANSFER)));
}
