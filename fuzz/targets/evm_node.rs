//! A node of an EVM chain that answers anything at all: envelopes, headers, logs, receipts. Whatever follows is an error or a transfer of
//! a pinned token to a watched address, never a panic.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_fuzz::{Answers, SHOP, chain, judge};
use payin_server::chain::evm::EvmSource;
use payin_types::Protocol;

fuzz_target!(|data: &[u8]| {
    let chain = chain("ethereum-sepolia");
    let shop = Address::parse(&Protocol::Evm, SHOP).expect("an address");
    judge(&chain, &EvmSource::new(chain.clone(), Arc::new(Answers::of(data))), &shop);
});
