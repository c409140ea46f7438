//! Logs of an EVM node, read leanly and by alloy: what one of them finds paid to a watched address the other finds too.
#![no_main]

use std::sync::LazyLock;

use alloy::primitives::Address as EvmAddress;
use alloy::rpc::types::Log;
use libfuzzer_sys::fuzz_target;
use payin_core::Chain;
use payin_core::address::evm_bytes;
use payin_server::chain::logs::decode::{self, Seen};
use payin_server::chain::logs::lean;
use serde_json::value::RawValue;

/// A chain, its tokens' contracts, and who is watched.
static WORLD: LazyLock<(Chain, Vec<EvmAddress>, [u8; 20])> = LazyLock::new(|| {
    let chain = payin_fuzz::chain("ethereum-sepolia");
    let contracts = chain.tokens.iter().filter_map(|token| evm_bytes(token.contract.as_str())).map(Into::into).collect();
    (chain, contracts, evm_bytes(payin_fuzz::SHOP).expect("an address"))
});

fn lean(raw: &RawValue) -> Option<Vec<Seen>> {
    let (chain, contracts, shop) = &*WORLD;
    let mut found = Vec::new();
    for told in lean::read(raw).ok()? {
        let _ = (told.block_hash(), told.block_number(), told.transaction(), told.is_transfer_of(contracts));
        if told.recipient(contracts).ok()?.as_ref() == Some(shop) {
            found.extend(decode::transfer(&Log { inner: told.event().ok()?, removed: told.removed(), ..Log::default() }, chain));
        }
    }
    Some(found)
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else { return };
    let by_lean = lean(raw);
    let Ok(logs) = serde_json::from_str::<Vec<Log>>(text) else { return };
    let (chain, _, shop) = &*WORLD;
    let whole: Vec<Seen> = logs.iter().filter_map(|log| decode::transfer(log, chain)).filter(|seen| &seen.to == shop).collect();
    if let Some(by_lean) = by_lean {
        assert_eq!(by_lean, whole, "{text}");
    }
});
