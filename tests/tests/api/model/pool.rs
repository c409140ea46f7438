//! The address pool as the documents tell of it: how many there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model};

const PATH: &str = "/api/v1/address-pool";

pub struct Pool {
    /// How many the sandbox began with.
    first: u64,
    imported: BTreeSet<String>,
}

impl Pool {
    pub fn new(first: u64) -> Self {
        Self { first, imported: BTreeSet::new() }
    }

    fn total(&self) -> u64 {
        self.first + u64::try_from(self.imported.len()).expect("few")
    }
}

fn address(number: usize) -> String {
    format!("0x{:040x}", 0xfeed_0000_0000_0000_0000_u128 + u128::try_from(number).expect("small"))
}

pub fn call(_: &Model, dice: &mut Dice) -> Call {
    match dice.below(4) {
        0 | 1 => Call::post(&format!("{PATH}/import"), import(dice)),
        2 => Call::get(format!("{PATH}/status")),
        _ => Call::get(format!("{PATH}/addresses?limit={}&protocol={}", 1 + dice.below(100), dice.pick(&["evm", "tron", "solana", "btc"]))),
    }
}

fn import(dice: &mut Dice) -> Value {
    let mut lines: Vec<String> = (0..1 + dice.below(4)).map(|_| address(dice.below(200))).collect();
    if dice.once_in(3) {
        lines.insert(0, "address".to_owned());
    }
    if dice.once_in(4) {
        lines.push("0x1234".to_owned());
    }
    json!({ "protocol": "evm", "addresses": lines.join("\n") })
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let pending = u64::try_from(model.orders.pending().len()).expect("few");
    let all = u64::try_from(model.orders.len()).expect("few");
    let bound = u64::try_from(model.deposits.bound()).expect("few");
    // When an address that was let go of is free again depends on when a worker looked.
    let loose = all > pending || model.deposits.unbound;
    let pool = &mut model.pool;
    if let Some(body) = &call.body {
        let lines: Vec<&str> = body["addresses"].as_str().expect("a text").lines().filter(|line| *line != "address").collect();
        if lines.contains(&"0x1234") {
            return Answer::refused(400, "VALIDATION_ERROR");
        }
        let new = lines.iter().filter(|line| pool.imported.insert((**line).to_owned())).count();
        let summary = json!({ "protocol": "evm", "mode": "self_managed" });
        let skipped = lines.len() - new;
        return Answer::new(200, json!({ "success": true, "imported": new, "skipped": skipped, "errors": [], "summary": summary }));
    }
    if call.path.ends_with("/status") {
        let free = pool.total() - pending - bound;
        let counts = json!({
            "total": pool.total(), "available": free, "allocated": pending, "bound": bound, "coolingDown": 0, "quarantined": 0, "archived": 0,
        });
        let open: &[&str] = if loose { &["available", "allocated", "coolingDown"] } else { &[] };
        // Nobody in the model asks for anything on the others.
        let other = json!({
            "total": pool.first, "available": pool.first, "allocated": 0, "bound": 0, "coolingDown": 0, "quarantined": 0, "archived": 0,
        });
        return Answer::new(200, json!({ "evm": counts, "tron": other, "solana": other })).leaving_open(open).by_workers(loose);
    }
    if call.path.ends_with("btc") {
        return Answer::refused(400, "VALIDATION_ERROR");
    }
    let total = if call.path.ends_with("evm") { pool.total() } else { pool.first };
    let limit: u64 = call.path.split(['=', '&']).nth(1).and_then(|text| text.parse().ok()).expect("a number");
    let pages = total.div_ceil(limit);
    let pagination = json!({ "page": 1, "limit": limit, "total": total, "totalPages": pages, "hasMore": 1 < pages });
    Answer::new(200, json!({ "pagination": pagination })).leaving_open(&["data"]).by_workers(loose)
}
