//! What the chain says in the end, straight from its node, and what the gateway says: the same transfers, each once, and the same sums.

use std::collections::{BTreeMap, BTreeSet};

use payin_tests::nodes::abi;
use payin_tests::nodes::anvil::{Anvil, Token};
use serde_json::{Value, json};

/// A transfer by what is its identity, and by everything that money depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    pub tx: String,
    /// Its place in its transaction's receipt.
    pub ordinal: u64,
    pub block: u64,
    /// Lower case, as all addresses here.
    pub token: String,
    pub to: String,
    pub base_units: u128,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_ascii_lowercase()
}

/// Every transfer on the chain to one of these addresses, in any order.
pub async fn of_chain(anvil: &Anvil, watched: &BTreeSet<String>) -> BTreeSet<Moved> {
    // Every log of every contract: its place in its receipt is its place among its transaction's.
    let logs = anvil.rpc("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "latest"}])).await;
    let mut ordinals: BTreeMap<String, u64> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for log in logs.as_array().expect("a list of logs") {
        let tx = text(&log["transactionHash"]);
        let ordinal = ordinals.entry(tx.clone()).or_default();
        let to = format!("0x{}", &text(&log["topics"][2])[26..]);
        if watched.contains(&to) {
            let block = u64::try_from(abi::quantity(&log["blockNumber"])).expect("64 bits");
            let (token, base_units) = (text(&log["address"]), abi::quantity(&log["data"]));
            assert!(found.insert(Moved { tx, ordinal: *ordinal, block, token, to, base_units }), "the node gave {log} twice");
        }
        *ordinal += 1;
    }
    found
}

/// Whoever was paid has just what the chain moved to him.
pub async fn balances_agree(anvil: &Anvil, tokens: &[Token], watched: &BTreeSet<String>, moved: &BTreeSet<Moved>) {
    for token in tokens {
        for holder in watched {
            let sum: u128 =
                moved.iter().filter(|moved| &moved.to == holder && moved.token == token.address).map(|moved| moved.base_units).sum();
            assert_eq!(anvil.balance_of(token, holder).await, sum, "{holder} of {}", token.address);
        }
    }
}

/// A transfer as the gateway shows it.
pub fn shown(transfer: &Value) -> Moved {
    let number = |name: &str| transfer[name].as_u64().unwrap_or_else(|| panic!("no {name}: {transfer}"));
    Moved {
        tx: text(&transfer["txHash"]),
        ordinal: number("logIndex"),
        block: number("blockNumber"),
        token: text(&transfer["contractAddress"]),
        to: text(&transfer["toAddress"]),
        base_units: base_units(&transfer["amount"]),
    }
}

/// An amount of a token of six decimals.
pub fn base_units(amount: &Value) -> u128 {
    let amount = text(amount);
    let (whole, part) = amount.split_once('.').unwrap_or((&amount, ""));
    assert!(part.len() <= 6, "more than six decimals: {amount}");
    format!("{whole}{part:0<6}").parse().unwrap_or_else(|_| panic!("no amount: {amount}"))
}

/// The first few of what one side has and the other has not, for people.
pub fn difference(chain: &BTreeSet<Moved>, gateway: &BTreeSet<Moved>) -> Option<String> {
    let few = |mut all: Vec<&Moved>| {
        let count = all.len();
        all.truncate(5);
        format!("{count}: {all:#?}")
    };
    let missing: Vec<&Moved> = chain.difference(gateway).collect();
    let invented: Vec<&Moved> = gateway.difference(chain).collect();
    (!missing.is_empty() || !invented.is_empty())
        .then(|| format!("on the chain and not recorded {}\nrecorded and not on the chain {}", few(missing), few(invented)))
}
