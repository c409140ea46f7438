//! The lean reader beside alloy's: where both read an answer they find the same transfers, whatever is in it.

use alloy::primitives::address;
use alloy::rpc::types::Log;
use payin_core::Chain;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chain::logs::decode::{self, Seen};

const USDT: EvmAddress = address!("aA8E23Fb1079EA71e0a56F48a2aA51851D8433D0");
const SHOP: EvmAddress = address!("8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC");
const WATCHED: [u8; 20] = SHOP.0.0;

fn sepolia() -> Chain {
    payin_core::chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-sepolia").unwrap()
}

fn raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// What the lean reader finds for the watched account; nothing if it refuses the answer.
fn lean(text: &str, chain: &Chain) -> Option<Vec<(Option<B256>, Seen)>> {
    let raw = raw(text)?;
    let mut found = Vec::new();
    for told in read(&raw).ok()? {
        if told.recipient(&[USDT]).ok()? == Some(WATCHED) {
            let log = Log { inner: told.event().ok()?, removed: told.removed(), ..Log::default() };
            found.extend(decode::transfer(&log, chain).map(|seen| (told.block_hash(), seen)));
        }
    }
    Some(found)
}

/// The same by alloy's own reading of everything.
fn whole(text: &str, chain: &Chain) -> Option<Vec<(Option<B256>, Seen)>> {
    let logs: Vec<Log> = serde_json::from_str(text).ok()?;
    let ours = logs.iter().filter(|log| log.inner.address == USDT);
    let seen = ours.filter_map(|log| Some((log.block_hash, decode::transfer(log, chain)?)));
    Some(seen.filter(|(_, seen)| seen.to == WATCHED).collect())
}

fn hex_of(bytes: &[u8]) -> String {
    hex::encode_prefixed(bytes)
}

fn topic() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(hex_of(TRANSFER.as_slice())),
        4 => Just(hex_of(SHOP.into_word().as_slice())),
        2 => Just(hex_of(USDT.into_word().as_slice())),
        1 => any::<[u8; 20]>().prop_map(|account| hex_of(EvmAddress::from(account).into_word().as_slice())),
        1 => any::<[u8; 32]>().prop_map(|word| hex_of(&word)),
    ]
}

fn log() -> impl Strategy<Value = Value> {
    let address = prop_oneof![4 => Just(USDT.to_string().to_lowercase()), 1 => Just(SHOP.to_string()), 1 => Just(USDT.to_string())];
    let topics = prop_oneof![
        3 => topic().prop_map(|to| vec![hex_of(TRANSFER.as_slice()), hex_of(&[0; 32]), to]),
        1 => prop::collection::vec(topic(), 0..6),
    ];
    let data = prop_oneof![
        3 => any::<u64>().prop_map(|amount| format!("0x{amount:064x}")),
        1 => prop::collection::vec(any::<u8>(), 0..70).prop_map(|bytes| hex_of(&bytes)),
    ];
    let place = prop_oneof![4 => any::<[u8; 32]>().prop_map(|hash| json!(hex_of(&hash))), 1 => Just(Value::Null)];
    (address, topics, data, place, prop::bool::weighted(0.1)).prop_map(|(address, topics, data, hash, removed)| {
        json!({
            "address": address, "topics": topics, "data": data, "blockHash": hash, "blockNumber": "0x1b4", "transactionHash": hash,
            "transactionIndex": "0x1", "logIndex": "0x2", "blockTimestamp": "0x65", "removed": removed
        })
    })
}

proptest! {
    #[test]
    fn both_find_the_same(logs in prop::collection::vec(log(), 0..8)) {
        let (text, chain) = (Value::Array(logs).to_string(), sepolia());
        let (lean, whole) = (lean(&text, &chain), whole(&text, &chain));
        // alloy reads any number of topics; a node that writes five is refused here.
        prop_assert!(lean.is_none() || lean == whole, "{lean:?} is not {whole:?}: {text}");
        prop_assert!(lean.is_some() || text.len() > 2, "an empty list is read");
    }

    #[test]
    fn both_find_the_same_in_what_was_garbled(logs in prop::collection::vec(log(), 1..4), at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let (mut bytes, chain) = (Value::Array(logs).to_string().into_bytes(), sepolia());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let (Some(lean), Some(whole)) = (lean(&text, &chain), whole(&text, &chain)) {
            prop_assert_eq!(lean, whole, "{}", text);
        }
    }
}

#[test]
fn an_honest_answer_is_read_as_a_whole() {
    let log = json!({
        "address": USDT, "topics": [TRANSFER, USDT.into_word(), SHOP.into_word()], "data": format!("0x{:064x}", 5_000_000),
        "blockHash": TRANSFER, "blockNumber": "0x1b4", "transactionHash": TRANSFER, "transactionIndex": "0x0", "logIndex": "0x0",
        "removed": false
    });
    let answer = raw(&json!([log, log]).to_string()).unwrap();
    let told = read(&answer).unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!((told[1].block_hash(), told[1].block_number(), told[1].transaction()), (Some(TRANSFER), Some(436), Some(TRANSFER)));
    assert_eq!((told[0].recipient(&[USDT]), told[0].recipient(&[SHOP])), (Ok(Some(WATCHED)), Ok(None)));
    assert_eq!((told[0].is_transfer_of(&[USDT]), told[0].is_transfer_of(&[SHOP])), (Ok(true), Ok(false)));
    assert_eq!(lean(answer.get(), &sepolia()).unwrap()[0].1.amount.unwrap().to_amount().to_string(), "5.00");
}

#[test]
fn what_no_node_may_write_is_refused() {
    for answer in ["null", "{}", "[1]", "[{}]", r#"[{"address":"0x","topics":[],"data":"0x"}]"#] {
        let raw = raw(answer).unwrap();
        let refused = read(&raw)
            .map_err(|_| Malformed)
            .and_then(|logs| logs.iter().map(|told| told.recipient(&[USDT])).collect::<Result<Vec<_>, _>>());
        assert_eq!(refused, Err(Malformed), "{answer}");
    }
}
