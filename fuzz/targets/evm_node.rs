//! A node of an EVM chain that answers anything at all: envelopes, headers, logs, receipts. Whatever follows is an error or a transfer of
//! a pinned token to a watched address, never a panic.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_fuzz::{Answers, OneWatched};
use payin_server::chain::Source as _;
use payin_server::chain::evm::EvmSource;
use payin_types::Protocol;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    let chain = payin_fuzz::chain("ethereum-sepolia");
    let shop = Address::parse(&Protocol::Evm, payin_fuzz::SHOP).expect("an address");
    let (source, watch) = (EvmSource::new(chain.clone(), Arc::new(Answers::of(data))), OneWatched::of(&Protocol::Evm, &shop));
    RUNTIME.block_on(async {
        let _ = source.check().await;
        let mut found = Vec::new();
        if let Ok(heads) = source.heads().await {
            let tip = source.block(heads.latest.number.saturating_sub(2)).await.ok().flatten();
            if let Some(tip) = tip {
                let blocks = source.above(&tip, &heads.latest, 4).await.unwrap_or_default();
                found.extend(source.transfers(&blocks, &watch).await.unwrap_or_default());
            }
            if let Ok(read) = source.range(heads.latest.number.saturating_sub(2), heads.latest.number, &watch).await {
                found.extend(read.transfers);
            }
        }
        for transfer in found {
            assert!(transfer.to == shop && chain.token_at(&transfer.contract).is_some() && !transfer.amount.is_zero(), "{transfer:?}");
        }
    });
});
