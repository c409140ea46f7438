//! Logs of an EVM node, read leanly and by alloy's own types: whatever the lean reader takes alloy takes, and reads the same of it; whatever
//! alloy takes the lean reader takes, written as nodes write it.
#![no_main]

use std::sync::LazyLock;

use alloy::primitives::{Address as EvmAddress, B256, Bytes, Log as Event, LogData};
use alloy::rpc::types::Log;
use libfuzzer_sys::fuzz_target;
use payin_core::Chain;
use payin_core::address::evm_bytes;
use payin_server::chain::logs::{decode, lean};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A chain and its tokens' contracts.
static WORLD: LazyLock<(Chain, Vec<EvmAddress>)> = LazyLock::new(|| {
    let chain = payin_fuzz::chain("ethereum-sepolia");
    let contracts = chain.tokens.iter().filter_map(|token| evm_bytes(token.contract.as_str())).map(Into::into).collect();
    (chain, contracts)
});

/// A log whose fields are alloy's: all that following needs, and all of it decoded.
#[derive(Deserialize)]
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

/// By alloy's types.
fn whole(text: &str) -> Option<Vec<Log>> {
    let logs: Vec<Whole> = serde_json::from_str(text).ok()?;
    let log = |whole: Whole| Log {
        inner: Event { address: whole.address, data: LogData::new_unchecked(whole.topics, whole.data) },
        block_hash: whole.block_hash,
        block_number: whole.block_number,
        transaction_hash: whole.transaction_hash,
        removed: whole.removed,
        ..Log::default()
    };
    Some(logs.into_iter().map(log).collect())
}

/// By the lean reader, whose word on who is paid must be the decoder's.
fn lean(text: &str) -> Option<Vec<Log>> {
    let (chain, contracts) = &*WORLD;
    let mut logs = Vec::new();
    for told in lean::read(serde_json::from_str::<&RawValue>(text).ok()?).ok()? {
        let log = Log {
            inner: told.event(),
            block_hash: told.block_hash(),
            block_number: told.block_number(),
            transaction_hash: told.transaction(),
            removed: told.removed(),
            ..Log::default()
        };
        if let Some(seen) = decode::transfer(&log, chain) {
            assert_eq!(told.recipient(contracts), Some(seen.to), "{text}");
        }
        logs.push(log);
    }
    Some(logs)
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (by_lean, by_alloy) = (lean(text), whole(text));
    if by_lean.is_some() {
        assert_eq!(by_lean, by_alloy, "{text}");
    } else if let Some(logs) = by_alloy.filter(|logs| logs.iter().all(|log| log.topics().len() <= 4)) {
        let again = serde_json::to_string(&logs).expect("alloy writes what it reads");
        assert_eq!(lean(&again), Some(logs), "{text}");
    }
    // The type whose reading is measured against refuses more, and reads nothing differently.
    if let (Some(by_lean), Ok(logs)) = (by_lean, serde_json::from_str::<Vec<Log>>(text)) {
        for (ours, theirs) in by_lean.into_iter().zip(logs) {
            assert_eq!(ours, Log { block_timestamp: None, transaction_index: None, log_index: None, ..theirs }, "{text}");
        }
    }
});
