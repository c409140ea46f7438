//! The lean reader beside alloy's own types: whatever it reads they read, and the same of it; whatever they read it reads, written as nodes
//! write it.

use alloy::primitives::{address, hex};
use alloy::rpc::types::Log;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const USDT: EvmAddress = address!("aA8E23Fb1079EA71e0a56F48a2aA51851D8433D0");
const SHOP: EvmAddress = address!("8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC");
const WATCHED: [u8; 20] = SHOP.0.0;

/// A log whose fields are alloy's: all that following needs, and all of it decoded.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    address: EvmAddress,
    topics: Vec<B256>,
    data: Bytes,
    #[serde(default)]
    block_hash: Option<B256>,
    #[serde(default, with = "alloy::serde::quantity::opt")]
    block_number: Option<u64>,
    #[serde(default)]
    transaction_hash: Option<B256>,
    #[serde(default)]
    removed: bool,
}

impl From<Whole> for Log {
    fn from(whole: Whole) -> Self {
        Self {
            inner: Event { address: whole.address, data: LogData::new_unchecked(whole.topics, whole.data) },
            block_hash: whole.block_hash,
            block_number: whole.block_number,
            transaction_hash: whole.transaction_hash,
            removed: whole.removed,
            ..Self::default()
        }
    }
}

/// Everything that the lean reader tells of an answer, and whom each log pays; nothing if it refuses the answer.
fn lean(text: &str) -> Option<Vec<(Log, Option<[u8; 20]>)>> {
    let raw = RawValue::from_string(text.to_owned()).ok()?;
    let told = |told: &Told<'_>| Log {
        inner: told.event(),
        block_hash: told.block_hash(),
        block_number: told.block_number(),
        transaction_hash: told.transaction(),
        removed: told.removed(),
        ..Log::default()
    };
    Some(read(&raw).ok()?.iter().map(|log| (told(log), log.recipient(&[USDT]))).collect())
}

/// The same by alloy's reading of everything.
fn whole(text: &str) -> Option<Vec<(Log, Option<[u8; 20]>)>> {
    let recipient = |log: &Log| {
        let ours = log.inner.address == USDT && !log.removed && log.topics().first() == Some(&TRANSFER);
        super::super::decode::recipient(&log.inner).filter(|_| ours)
    };
    let logs: Vec<Whole> = serde_json::from_str(text).ok()?;
    Some(logs.into_iter().map(Log::from).map(|log| (log.clone(), recipient(&log))).collect())
}

/// That both agree on a text, whatever it is.
fn agree(text: &str) -> Result<(), TestCaseError> {
    let (by_lean, by_alloy) = (lean(text), whole(text));
    if by_lean.is_some() {
        prop_assert_eq!(&by_lean, &by_alloy, "{}", text);
    } else if let Some(all) = &by_alloy
        && all.iter().all(|(log, _)| log.topics().len() <= TOPICS_MAX)
    {
        // alloy takes more notations than nodes have; in theirs it is the same answer.
        let logs: Vec<&Log> = all.iter().map(|(log, _)| log).collect();
        let again = lean(&serde_json::to_string(&logs).unwrap());
        prop_assert_eq!(&again, &by_alloy, "{}", text);
    }
    // The type whose reading is measured against refuses more (it wants every field), and reads nothing differently.
    if let (Some(by_lean), Ok(logs)) = (by_lean, serde_json::from_str::<Vec<Log>>(text)) {
        for ((ours, _), theirs) in by_lean.into_iter().zip(logs) {
            let theirs = Log { block_timestamp: None, transaction_index: None, log_index: None, ..theirs };
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
    Ok(())
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
        1 => any::<[u8; 32]>().prop_map(|word| hex_of(&word).to_uppercase().replacen("0X", "0x", 1)),
    ]
}

fn log(topics_max: usize) -> impl Strategy<Value = Value> {
    let address = prop_oneof![4 => Just(USDT.to_string().to_lowercase()), 1 => Just(SHOP.to_string()), 1 => Just(USDT.to_string())];
    let topics = prop_oneof![
        3 => topic().prop_map(|to| vec![hex_of(TRANSFER.as_slice()), hex_of(&[0; 32]), to]),
        1 => prop::collection::vec(topic(), 0..=topics_max),
    ];
    let data = prop_oneof![
        3 => any::<u64>().prop_map(|amount| format!("0x{amount:064x}")),
        1 => prop::collection::vec(any::<u8>(), 0..70).prop_map(|bytes| hex_of(&bytes)),
    ];
    let place = prop_oneof![4 => any::<[u8; 32]>().prop_map(|hash| json!(hex_of(&hash))), 1 => Just(Value::Null)];
    let number = prop_oneof![4 => any::<u64>().prop_map(|number| json!(format!("{number:#x}"))), 1 => Just(Value::Null)];
    (address, topics, data, place, number, prop::bool::weighted(0.1)).prop_map(|(address, topics, data, hash, number, removed)| {
        json!({
            "address": address, "topics": topics, "data": data, "blockHash": hash, "blockNumber": number, "transactionHash": hash,
            "transactionIndex": "0x1", "logIndex": "0x2", "blockTimestamp": "0x65", "removed": removed
        })
    })
}

proptest! {
    #[test]
    fn both_read_the_same_of_what_nodes_write(logs in prop::collection::vec(log(TOPICS_MAX), 0..8)) {
        let text = Value::Array(logs).to_string();
        prop_assert!(lean(&text).is_some(), "{text}");
        agree(&text)?;
    }

    #[test]
    fn both_read_the_same_of_what_was_garbled(
        logs in prop::collection::vec(log(6), 1..4), at in any::<prop::sample::Index>(), byte in 0_u8..128
    ) {
        let mut bytes = Value::Array(logs).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        agree(&String::from_utf8(bytes).unwrap())?;
    }

    #[test]
    fn both_read_the_same_of_what_was_cut_or_repeated(
        logs in prop::collection::vec(log(6), 1..4), at in any::<prop::sample::Index>(), length in 0_usize..80, twice in any::<bool>()
    ) {
        let text = Value::Array(logs).to_string();
        let (before, rest) = text.split_at(at.index(text.len()));
        let (piece, after) = rest.split_at(length.min(rest.len()));
        agree(&format!("{before}{}{after}", if twice { [piece, piece].concat() } else { String::new() }))?;
    }
}

fn honest() -> Value {
    json!({
        "address": USDT, "topics": [TRANSFER, USDT.into_word(), SHOP.into_word()], "data": format!("0x{:064x}", 5_000_000),
        "blockHash": TRANSFER, "blockNumber": "0x1b4", "transactionHash": TRANSFER, "transactionIndex": "0x0", "logIndex": "0x0",
        "removed": false
    })
}

#[test]
fn an_honest_answer_is_read_as_a_whole() {
    let answer = RawValue::from_string(json!([honest(), honest()]).to_string()).unwrap();
    let told = read(&answer).unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!((told[1].block_hash(), told[1].block_number(), told[1].transaction()), (Some(TRANSFER), Some(436), Some(TRANSFER)));
    assert_eq!((told[0].recipient(&[USDT]), told[0].recipient(&[SHOP])), (Some(WATCHED), None));
    assert_eq!(told[0].event().data.data.as_ref(), [[0; 28].as_slice(), &5_000_000_u32.to_be_bytes()].concat());
    assert_eq!(lean(answer.get()), whole(answer.get()));
}

/// In every field that is looked at, of a log that is for nobody of ours too.
#[test]
fn what_no_node_may_write_is_refused() {
    for answer in ["null", "{}", "[1]", "[{}]", "[null]"] {
        assert_eq!(lean(answer), None, "{answer}");
    }
    let (short, long) = (&hex_of(&[7; 31]), &hex_of(&[7; 33]));
    let [no_digit, sign] = ['g', '+'].map(|sign| hex_of(&[7; 32]).replacen('7', &sign.to_string(), 1));
    for (field, written) in [
        ("address", json!("0x")),
        ("address", json!(TRANSFER)),
        ("address", Value::Null),
        ("topics", json!([TRANSFER, TRANSFER, TRANSFER, TRANSFER, TRANSFER])),
        ("topics", json!([TRANSFER, short, TRANSFER])),
        ("topics", json!([TRANSFER, long, TRANSFER])),
        ("topics", json!([no_digit])),
        ("topics", json!([null])),
        ("topics", Value::Null),
        ("data", json!("0x0")),
        ("data", json!(sign)),
        ("data", json!("0x0\u{e9}")),
        ("data", Value::Null),
        ("blockHash", json!(short)),
        ("blockHash", json!(no_digit)),
        ("blockNumber", json!("0x+1")),
        ("blockNumber", json!("0x10000000000000000")),
        ("blockNumber", json!("0xg")),
        ("transactionHash", json!(long)),
        ("removed", json!("false")),
        ("removed", Value::Null),
    ] {
        let mut log = honest();
        log[field] = written;
        let answer = json!([honest(), log]).to_string();
        assert_eq!((lean(&answer), whole(&answer).filter(|_| field != "topics")), (None, None), "{field}: {}", log[field]);
    }
}

/// Beside alloy: notations that it reads and nodes do not have.
#[test]
fn what_is_written_as_no_node_does_is_refused() {
    let honest = honest().to_string();
    let [bare, escaped] = ["\"", "\"\\u0030x"].map(|start| honest.replacen("\"data\":\"0x", &format!("\"data\":{start}"), 1));
    let [decimal, empty] = ["436", "\"0x\""].map(|number| honest.replace("\"0x1b4\"", number));
    let as_list = format!("[\"{USDT}\",[],\"0x\",null,null,null,false]");
    for log in [bare, escaped, decimal, empty, as_list] {
        assert!(log != honest && lean(&format!("[{log}]")).is_none() && whole(&format!("[{log}]")).is_some(), "{log}");
    }
}
