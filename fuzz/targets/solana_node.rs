//! A node of Solana that answers anything at all: accounts, slots, blocks, histories, transactions. Whatever follows is an error or a
//! transfer of a pinned token to a watched wallet, never a panic.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_fuzz::{Answers, SHOP_ON_SOLANA, chain, judge};
use payin_server::chain::solana::SolanaSource;
use payin_types::Protocol;

fuzz_target!(|data: &[u8]| {
    let mut chain = chain("solana-mainnet");
    // One mint account for the input to hold.
    chain.tokens.retain(|token| token.currency.as_str() == "USDC");
    let shop = Address::parse(&Protocol::Solana, SHOP_ON_SOLANA).expect("an address");
    judge(&chain, &SolanaSource::new(chain.clone(), Arc::new(Answers::of(data))), &shop);
});
