//! Transactions as a Solana node tells them, decoded: a failed one gives nothing; an account that no instruction names is paid nothing,
//! and one that a single place names no more than its own rise; no two payments have one identity.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use payin_core::address::solana_bytes;
use payin_core::solana::{TokenProgram, token_account};
use payin_server::chain::solana::decode::{Mint, Place, changes};
use serde_json::Value;

type Accounts = BTreeMap<[u8; 32], Place>;

/// The fixtures' mints, and the token accounts of their wallet.
static WORLD: LazyLock<(Vec<Mint>, Accounts)> = LazyLock::new(|| {
    let pinned = [
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", TokenProgram::SplToken),
        ("2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo", TokenProgram::Token2022),
    ];
    let bytes = |address: &str| solana_bytes(address).expect("an address");
    let mint = |(address, program): (&str, _)| Mint { address: address.to_owned(), bytes: bytes(address), program, decimals: 6 };
    let (mints, wallet): (Vec<Mint>, _) = (pinned.map(mint).into(), bytes(payin_fuzz::SHOP_ON_SOLANA));
    let account = |(place, mint): (usize, &Mint)| {
        (token_account(&wallet, mint.program, &mint.bytes).expect("an account"), Place { wallet, mint: place })
    };
    let accounts = mints.iter().enumerate().map(account).collect();
    (mints, accounts)
});

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// How many places of all instructions, the inner ones too, are this account's.
fn named(transaction: &Value, account: &[u8; 32]) -> usize {
    let (message, meta) = (&transaction["transaction"]["message"], &transaction["meta"]);
    let loaded = ["writable", "readonly"].into_iter().flat_map(|kind| list(&meta["loadedAddresses"][kind]));
    let keys = list(&message["accountKeys"]).chain(loaded).enumerate();
    let is = |key: &Value| key.as_str().and_then(solana_bytes).as_ref() == Some(account);
    let places: BTreeSet<u64> = keys.filter(|(_, key)| is(key)).map(|(place, _)| place as u64).collect();
    let inner = list(&meta["innerInstructions"]).flat_map(|inner| list(&inner["instructions"]));
    let accounts = list(&message["instructions"]).chain(inner).flat_map(|instruction| list(&instruction["accounts"]));
    accounts.filter(|place| place.as_u64().is_some_and(|place| places.contains(&place))).count()
}

fuzz_target!(|data: &[u8]| {
    let Ok(transaction) = serde_json::from_slice(data) else { return };
    let (mints, accounts) = &*WORLD;
    let Ok(changes) = changes(&transaction, mints, &|account| accounts.get(account).copied()) else { return };
    // What the decoder skips may be no text.
    let Ok(said) = serde_json::from_slice::<Value>(data) else { return };
    assert!(changes.is_empty() || said["meta"]["err"].is_null(), "it failed");
    let mut ordinals = BTreeSet::new();
    for change in changes {
        assert!(change.credits.is_empty() || change.aside.is_none(), "{change:?}");
        assert!(change.credits.iter().all(|credit| credit.amount > 0 && ordinals.insert(credit.ordinal)), "{change:?}");
        let credited: u128 = change.credits.iter().map(|credit| u128::from(credit.amount)).sum();
        match named(&said, &change.account) {
            0 => assert_eq!(credited, 0, "{change:?}"),
            1 => assert!(credited <= u128::from(change.after.saturating_sub(change.before)), "{change:?}"),
            _ => {}
        }
    }
});
