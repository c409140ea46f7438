//! Tron's decoder on answers in java-tron's own shapes (`tests/fixtures/tron`): one honest payment, and everything that looks like it.

use payin_core::address::Address;
use payin_core::transfer::Transfer;
use payin_core::{Chain, Units, chains};
use payin_server::chain::logs::decode;
use payin_server::chain::logs::wire::Header;
use payin_server::chain::tron::http;
use payin_server::chain::{SourceFault, Watched};
use payin_types::Protocol;
use serde_json::{Value, json};

use super::inconsistent;

const BLOCK: &str = include_str!("../../fixtures/tron/block.json");
const INFOS: &str = include_str!("../../fixtures/tron/infos.json");
const REPLACED: &str = include_str!("../../fixtures/tron/block-replaced.json");
const INFOS_REPLACED: &str = include_str!("../../fixtures/tron/infos-replaced.json");
const JSON_RPC: &str = include_str!("../../fixtures/tron/block-json-rpc.json");
const LIMITED: &str = include_str!("../../fixtures/tron/limited.json");

fn mainnet() -> Chain {
    chains::known().into_iter().find(|chain| chain.id.as_str() == "tron-mainnet").expect("a known chain")
}

fn header(text: &str) -> Header {
    http::header(text.as_bytes()).unwrap().expect("a block")
}

fn credited(block: &str, infos: &str) -> Result<Vec<Transfer>, SourceFault> {
    let header = header(block);
    let watched = Watched::default();
    watched.insert(&Protocol::Tron, &Address::from_tron_bytes(&[0x11; 20]));
    let receipts = http::receipts(infos.as_bytes(), &header)?;
    Ok(receipts.iter().flat_map(|receipt| decode::credited(&mainnet(), &header.block(), receipt, &watched)).collect())
}

/// Transactions by the first eight digits, which are numbered.
fn told(transfers: &[Transfer]) -> Vec<(u64, u64, String)> {
    let number = |transfer: &Transfer| u64::from_str_radix(&transfer.tx_hash[..8], 16).unwrap() - 0x01b4_cde4;
    transfers.iter().map(|transfer| (number(transfer), transfer.ordinal, transfer.amount.to_amount().to_string())).collect()
}

#[test]
fn the_honest_are_credited_and_their_evil_twins_are_not() {
    let transfers = credited(BLOCK, INFOS).unwrap();
    let expected = [(0, 0, "12.50"), (6, 0, "2.00"), (6, 2, "3.00"), (8, 0, "4.00")];
    assert_eq!(told(&transfers), expected.map(|(number, ordinal, amount)| (number, ordinal, amount.to_owned())));
    let first = &transfers[0];
    assert_eq!((first.block_number, first.block_time.secs()), (66_985_120, 1_777_437_762));
    assert_eq!(first.contract.as_str(), "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    assert_eq!(first.amount, Units::from_base_units(12_500_000, 6).unwrap());
}

/// The oracle of the fuzz target: of a failure and a success the last word counted.
#[test]
fn who_says_twice_what_became_of_a_transaction_is_not_believed() {
    let mut infos: Vec<Value> = serde_json::from_str(INFOS).unwrap();
    let mut failed = infos[0].clone();
    (failed["receipt"]["result"], failed["result"]) = (json!("REVERT"), json!("FAILED"));
    infos.insert(0, failed);
    inconsistent(credited(BLOCK, &json!(infos).to_string()));
}

#[test]
fn a_block_is_the_same_by_both_interfaces() {
    let answer: Value = serde_json::from_str(JSON_RPC).unwrap();
    let by_json_rpc: Header = serde_json::from_value(answer["result"].clone()).unwrap();
    assert_eq!(Header { logs_bloom: None, ..by_json_rpc }, header(BLOCK));
    assert_eq!(http::header(b"{}").unwrap(), None);
}

#[test]
fn a_transaction_stays_what_it_was_when_its_block_is_replaced() {
    let (before, after) = (credited(BLOCK, INFOS).unwrap(), credited(REPLACED, INFOS_REPLACED).unwrap());
    for again in &after {
        let identity = |transfer: &&Transfer| (&transfer.tx_hash, transfer.ordinal) == (&again.tx_hash, again.ordinal);
        let was = before.iter().find(identity).expect("the same transfer");
        assert_eq!((was.amount, &was.to), (again.amount, &again.to));
        assert_ne!((&was.block_hash, was.block_time), (&again.block_hash, again.block_time));
    }
    assert_eq!(after.len(), 3);
    // By height alone the one block's transactions cannot be told from the other's: they are not taken for them.
    inconsistent(credited(BLOCK, INFOS_REPLACED));
    inconsistent(credited(REPLACED, INFOS));
}

#[test]
fn what_is_missing_is_not_known() {
    let infos: Vec<Value> = serde_json::from_str(INFOS).unwrap();
    for place in 0..infos.len() {
        let mut fewer = infos.clone();
        fewer.remove(place);
        inconsistent(credited(BLOCK, &json!(fewer).to_string()));
    }
    inconsistent(credited(BLOCK, "[]"));
    inconsistent(credited(BLOCK, "{}"));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut infos = json!(infos);
        change(&mut infos[0]);
        credited(BLOCK, &infos.to_string())
    };
    inconsistent(changed(&|info| info["blockNumber"] = json!(66_985_121)));
    inconsistent(changed(&|info| info["blockTimeStamp"] = json!(1_777_437_765_000_u64)));
    inconsistent(changed(&|info| info["id"] = infos[1]["id"].clone()));
    inconsistent(changed(&|info| drop(info["receipt"].as_object_mut().unwrap().remove("result"))));
    for result in ["REVERT", "OUT_OF_ENERGY", "OUT_OF_TIME", "UNKNOWN", "DEFAULT", "success", ""] {
        let without = changed(&|info| info["receipt"]["result"] = json!(result)).unwrap();
        assert_eq!(told(&without)[0].0, 6, "{result}");
    }
    for wrong in ["not JSON", "[1]", "[{\"id\":7}]", LIMITED] {
        let result = credited(BLOCK, wrong);
        assert!(result.is_err(), "{wrong}: {result:?}");
    }
}

/// An account with and without 0x41 is one; anything else is none.
#[test]
fn accounts_in_hexadecimal_are_of_one_type() {
    let bare = "a614f803b6fd780986a42c78ec9c7f77e6ded13c";
    let account = http::account(bare).expect("an account");
    assert_eq!(Address::from_tron_bytes(&account).as_str(), "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    for same in [format!("41{bare}"), format!("0x{bare}"), format!("0x41{bare}")] {
        assert_eq!(http::account(&same), Some(account), "{same}");
    }
    for none in ["", "41", &bare[1..], &format!("42{bare}"), &format!("4141{bare}"), "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", &"é".repeat(20)]
    {
        assert_eq!(http::account(none), None, "{none}");
    }
}
