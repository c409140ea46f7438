//! The decoder over every pair of evil and honest transactions, and over what no node should answer.

use payin_core::address::Address;
use payin_core::solana::token_account;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

pub(in crate::chain::solana) const USDC: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
pub(in crate::chain::solana) const PYUSD: &str = "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo";
pub(in crate::chain::solana) const WALLET: &str = "DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK";
const OTHER: &str = "9hSR6S7WPtxmTojgo6GG3k4yDPecgJY292j7xrsUGWBu";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pair {
    evil: Vec<Value>,
    honest: Vec<Value>,
    honest_credits: Vec<Worth>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Worth {
    to: String,
    amount: String,
    ordinal: u64,
    from: String,
    currency: String,
}

macro_rules! pairs {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../../tests/fixtures/solana/", $name, ".json")))),*]
    };
}

const PAIRS: [(&str, &str); 12] = pairs![
    "closed-and-created",
    "failed",
    "fake-mint",
    "fees",
    "inner",
    "lookup-tables",
    "memo",
    "nothing-moved",
    "payouts",
    "set-authority",
    "two-transfers",
    "wrong-program",
];

fn pair(text: &str) -> Pair {
    serde_json::from_str(text).unwrap()
}

fn mints() -> Vec<Mint> {
    let mint = |address: &str, program| Mint { address: address.to_owned(), bytes: solana_bytes(address).unwrap(), program, decimals: 6 };
    vec![mint(USDC, TokenProgram::SplToken), mint(PYUSD, TokenProgram::Token2022)]
}

fn watched() -> BTreeMap<[u8; 32], Place> {
    let mut watched = BTreeMap::new();
    for wallet in [WALLET, OTHER].map(|wallet| solana_bytes(wallet).unwrap()) {
        for (place, mint) in mints().iter().enumerate() {
            watched.insert(token_account(&wallet, mint.program, &mint.bytes).unwrap(), Place { wallet, mint: place });
        }
    }
    watched
}

fn read(transaction: &Value) -> Result<Vec<Change>, Unreadable> {
    let (transaction, watched) = (serde_json::from_value(transaction.clone()).unwrap(), watched());
    changes(&transaction, &mints(), &|account| watched.get(account).copied())
}

fn worth(transactions: &[Value]) -> Vec<Worth> {
    let changes = transactions.iter().flat_map(|transaction| read(transaction).unwrap());
    let worth = |change: Change| {
        let place = change.place;
        change.credits.into_iter().map(move |credit| Worth {
            to: Address::from_solana_bytes(&place.wallet).to_string(),
            amount: credit.amount.to_string(),
            ordinal: credit.ordinal,
            from: credit.from,
            currency: ["USDC", "PYUSD"][place.mint].to_owned(),
        })
    };
    changes.flat_map(worth).collect()
}

#[test]
fn evil_transactions_are_worth_nothing_and_their_honest_twins_what_they_say() {
    for (name, text) in PAIRS {
        let pair = pair(text);
        assert!(!pair.evil.is_empty() && !pair.honest.is_empty(), "{name} has both");
        assert_eq!(worth(&pair.evil), Vec::<Worth>::new(), "evil {name}");
        assert_eq!(worth(&pair.honest), pair.honest_credits, "honest {name}");
    }
}

proptest! {
    /// Ours is written by hand and knows nothing of Solana's crates, which are the judge.
    #[test]
    fn token_accounts_are_those_of_solanas_own_crates(wallet in any::<[u8; 32]>(), mint in any::<[u8; 32]>()) {
        use solana_pubkey::Pubkey;
        let associated: Pubkey = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL".parse().unwrap();
        for program in TokenProgram::ALL {
            let (theirs, _) = Pubkey::find_program_address(&[&wallet, program.bytes(), &mint], &associated);
            prop_assert_eq!(token_account(&wallet, program, &mint), Some(theirs.to_bytes()));
        }
    }
}

#[test]
fn what_is_paid_and_set_aside_says_why() {
    let asides = |name: &str| -> Vec<Aside> {
        let (_, text) = PAIRS.into_iter().find(|(other, _)| *other == name).unwrap();
        pair(text).evil.iter().flat_map(|evil| read(evil).unwrap()).filter_map(|change| change.aside).collect()
    };
    assert_eq!(asides("fees"), [Aside::Unexplained; 3]);
    assert_eq!(asides("set-authority"), [Aside::NotTheWallet]);
    assert_eq!(asides("wrong-program"), [Aside::NotTheMint]);
    assert_eq!(asides("nothing-moved"), [Aside::Unexplained]);
    assert_eq!(asides("two-transfers"), []);
}

#[test]
fn a_record_that_does_not_tell_is_no_empty_one() {
    let honest = pair(PAIRS[4].1).honest.remove(0);
    let with = |path: &str, value: Value| {
        let mut transaction = honest.clone();
        *transaction.pointer_mut(path).unwrap() = value;
        read(&transaction)
    };
    assert_eq!(with("/meta", Value::Null).unwrap_err(), Unreadable::NoMeta);
    assert_eq!(
        with("/meta/innerInstructions", Value::Null).map(|changes| changes[0].credits.len()),
        Ok(0),
        "nothing says that there was a transfer"
    );
    assert_eq!(with("/meta/preTokenBalances/0/accountIndex", json!(99)).unwrap_err(), Unreadable::Key);
    assert_eq!(with("/meta/postTokenBalances/1/uiTokenAmount/amount", json!("1.5")).unwrap_err(), Unreadable::Amount);
    let mut silent = honest;
    silent["meta"].as_object_mut().unwrap().remove("err");
    assert!(serde_json::from_value::<Recorded>(silent).is_err(), "not saying whether it failed is not success");
}

/// Changes one value somewhere in a JSON document.
fn mutate(value: &mut Value, mut at: usize, to: &Value) {
    fn walk(value: &mut Value, at: &mut usize, to: &Value) -> bool {
        if *at == 0 {
            *value = to.clone();
            return true;
        }
        *at -= 1;
        match value {
            Value::Array(items) => items.iter_mut().any(|item| walk(item, at, to)),
            Value::Object(fields) => fields.values_mut().any(|field| walk(field, at, to)),
            _ => false,
        }
    }
    walk(value, &mut at, to);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        any::<u64>().prop_map(Value::from),
        (0u64..20).prop_map(Value::from),
        Just(json!(u64::MAX.to_string())),
        "[1-9A-HJ-NP-Za-km-z]{0,60}".prop_map(Value::from),
        Just(json!(USDC)),
        Just(json!(WALLET)),
    ]
}

proptest! {
    /// Whatever is answered: no panic, and never more credited than the account gained and lost together.
    #[test]
    fn reading_is_total(pick in 0..PAIRS.len(), evil in any::<bool>(), changed in prop::collection::vec((0usize..250, any_value()), 1..4)) {
        let pair = pair(PAIRS[pick].1);
        let mut transaction = if evil { pair.evil } else { pair.honest }.remove(0);
        for (at, to) in &changed {
            mutate(&mut transaction, *at, to);
        }
        if let Ok(recorded) = serde_json::from_value::<Recorded>(transaction) {
            let watched = watched();
            for change in changes(&recorded, &mints(), &|account| watched.get(account).copied()).unwrap_or_default() {
                prop_assert!(change.aside.is_none() || change.credits.is_empty());
            }
        }
    }

    #[test]
    fn any_instruction_can_be_read(data in prop::collection::vec(any::<u8>(), 0..80), accounts in prop::collection::vec(0usize..6, 0..12)) {
        let mut transaction = pair(PAIRS[1].1).honest.remove(0);
        transaction["transaction"]["message"]["instructions"][0]["data"] = bs58::encode(data).into_string().into();
        transaction["transaction"]["message"]["instructions"][0]["accounts"] = json!(accounts);
        let _ = read(&transaction);
    }
}
