//! A node of Tron that answers anything at all by both its interfaces. Whatever follows is an error or a transfer of a pinned token to a
//! watched address, never a panic.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_fuzz::{Answers, SHOP_ON_TRON, chain, judge};
use payin_server::chain::tron::TronSource;

fuzz_target!(|data: &[u8]| {
    let (chain, node) = (chain("tron-mainnet"), Arc::new(Answers::of(data)));
    judge(&chain, &TronSource::new(chain.clone(), node.clone(), node), &Address::from_tron_bytes(&SHOP_ON_TRON));
});
