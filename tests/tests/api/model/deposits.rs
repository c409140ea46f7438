//! Deposit references as the documents tell of them: bound once on a chain, credited for what is confirmed, gone with their last address.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Answer, Call, Dice, Model, page};

const PATH: &str = "/api/v1/deposits";
const REFERENCES: &str = "/api/v1/deposits/references";
pub const CHAINS: [&str; 2] = ["ethereum-sepolia", "base-sepolia"];
const STATUSES: [&str; 3] = ["pending", "confirmed", "completed"];
/// As sent, as shown, and in cents.
const AMOUNTS: [(&str, &str, u64); 4] = [("5", "5.00", 500), ("0.5", "0.50", 50), ("12.25", "12.25", 1225), ("100.50", "100.50", 10_050)];

#[derive(Default)]
pub struct Deposits {
    /// Those with an address, in the order in which they came to be.
    references: Vec<Reference>,
    /// In the order in which they came.
    all: Vec<Deposit>,
    addresses: usize,
    pub unbound: bool,
}

struct Reference {
    name: String,
    metadata: Map<String, Value>,
    addresses: Vec<Value>,
}

struct Deposit {
    reference: String,
    chain: Value,
    currency: Value,
    amount: &'static (&'static str, &'static str, u64),
    status: &'static str,
}

impl Deposits {
    pub fn bound(&self) -> usize {
        self.references.iter().map(|reference| reference.addresses.len()).sum()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Who could be paid.
    pub fn pick(&self, dice: &mut Dice) -> Option<String> {
        (!self.references.is_empty()).then(|| dice.pick(&self.references).name.clone())
    }

    /// Pays where and what its first address is for. Answers what the sandbox is to be asked, and the chain.
    pub fn pay(&mut self, reference: &str, dice: &mut Dice) -> (usize, Value, Value) {
        let found = self.references.iter().find(|known| known.name == reference).expect("a bound reference");
        let (first, amount) = (&found.addresses[0], dice.pick(&AMOUNTS));
        let (chain, currency) = (first["chainId"].clone(), first["currency"].clone());
        self.all.push(Deposit { reference: reference.to_owned(), chain: chain.clone(), currency, amount, status: "pending" });
        (self.all.len() - 1, json!({ "depositReference": reference, "amount": amount.0 }), chain)
    }

    pub fn stands(&mut self, deposit: usize, status: &'static str) {
        self.all[deposit].status = status;
    }

    fn credited(&self, reference: &str) -> (usize, Value) {
        let of = |deposit: &&Deposit| deposit.reference == reference && deposit.status != "pending";
        let mut cents = BTreeMap::<&str, u64>::new();
        for deposit in self.all.iter().filter(of) {
            *cents.entry(deposit.currency.as_str().unwrap_or_default()).or_default() += deposit.amount.2;
        }
        let total = |(currency, cents): (&str, u64)| (currency.to_owned(), json!(format!("{}.{:02}", cents / 100, cents % 100)));
        (self.all.iter().filter(of).count(), Value::Object(cents.into_iter().map(total).collect()))
    }

    fn shown(&self, at: usize) -> Value {
        let deposit = &self.all[at];
        json!({
            "depositId": name(at), "depositReference": deposit.reference, "amount": deposit.amount.1, "currency": deposit.currency,
            "chainId": deposit.chain, "protocol": "evm", "status": deposit.status, "requiredConfirmations": 3,
        })
    }
}

pub fn name(deposit: usize) -> String {
    format!("{{deposit:{deposit}}}")
}

pub fn call(model: &Model, dice: &mut Dice) -> Call {
    let reference = format!("user_{}", dice.below(6));
    match dice.below(10) {
        0..4 => Call::post(REFERENCES, create(reference, dice)),
        4 => Call::get(format!("{REFERENCES}/{reference}")),
        5 => Call::get(format!("{REFERENCES}?search={}&limit={}", dice.pick(&["USER", "_1", "%25", "r_2"]), 1 + dice.below(3))),
        6 => Call::delete(match dice.pick(&["", CHAINS[0], CHAINS[1]]) {
            &"" => format!("{REFERENCES}/{reference}"),
            chain => format!("{REFERENCES}/{reference}?chainId={chain}"),
        }),
        7 => Call::get(format!("{PATH}/{}", name(dice.below(model.deposits.all.len() + 1)))),
        _ => Call::get(format!("{PATH}?{}", query(reference, dice))),
    }
}

fn create(reference: String, dice: &mut Dice) -> Value {
    let mut body = json!({ "depositReference": reference, "currency": dice.pick(&["USDT", "USDC"]), "chainId": dice.pick(&CHAINS) });
    if dice.once_in(2) {
        let field = ["a", "b"][dice.below(2)];
        body["metadata"] = json!({ field: dice.below(9) });
    }
    if dice.once_in(6) {
        let bad = [("chainId", "nowhere"), ("currency", "DOGE"), ("depositReference", ""), ("colour", "red")];
        let (field, value) = dice.pick(&bad);
        body[*field] = json!(value);
    }
    body
}

fn query(reference: String, dice: &mut Dice) -> String {
    let mut query = vec![format!("limit={}", 1 + dice.below(4)), format!("page={}", 1 + dice.below(2))];
    let filters =
        [("depositReference", reference.as_str()), ("status", STATUSES[dice.below(3)]), ("currency", "USDT"), ("chainId", CHAINS[0])];
    query.extend(filters.into_iter().filter(|_| dice.once_in(3)).map(|(name, value)| format!("{name}={value}")));
    query.extend(dice.once_in(3).then(|| "sortBy=detectedAt&sortOrder=asc".to_owned()));
    query.extend(dice.once_in(10).then(|| "sortBy=createdAt".to_owned()));
    query.join("&")
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let given: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let get = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let number = |name: &str, otherwise: usize| get(name).map_or(otherwise, |text| text.parse().expect("a number"));
    if let Some(body) = &call.body {
        return bound(model, body);
    }
    if let Some(reference) = path.strip_prefix(&format!("{REFERENCES}/")) {
        let found = model.deposits.references.iter().position(|known| known.name == reference);
        let Some(at) = found else { return Answer::refused(404, "DEPOSIT_REFERENCE_NOT_FOUND") };
        return if call.method == "DELETE" { unbound(&mut model.deposits, at, get("chainId")) } else { one(&model.deposits, at) };
    }
    let deposits = &model.deposits;
    if path == REFERENCES {
        let part = get("search").unwrap_or_default().replace("%25", "%").to_lowercase();
        let wanted = deposits.references.iter().rev().filter(|reference| reference.name.contains(&part));
        let item = |reference: &Reference| {
            let (count, totals) = deposits.credited(&reference.name);
            json!({
                "depositReference": reference.name, "protocols": ["evm"], "addressCount": reference.addresses.len(),
                "totalDeposits": count, "totalAmount": totals,
            })
        };
        let all: Vec<Value> = wanted.map(item).collect();
        return Answer::new(200, page(&all, 1, number("limit", 20)));
    }
    let open: &[&str] = &["fromAddress", "address"];
    if let Some(id) = path.strip_prefix(&format!("{PATH}/")) {
        let found = (0..deposits.all.len()).find(|at| name(*at) == id);
        return match found {
            Some(at) => Answer::new(200, deposits.shown(at)).leaving_open(open),
            None => Answer::refused(404, "RESOURCE_NOT_FOUND"),
        };
    }
    if given.contains(&("sortBy", "createdAt")) {
        return Answer::refused(400, "VALIDATION_ERROR");
    }
    let mut all: Vec<Value> = (0..deposits.all.len()).map(|at| deposits.shown(at)).collect();
    all.retain(|deposit| {
        ["depositReference", "status", "currency", "chainId"].iter().all(|field| get(field).is_none_or(|wanted| deposit[*field] == wanted))
    });
    if get("sortOrder") != Some("asc") {
        all.reverse();
    }
    Answer::new(200, page(&all, number("page", 1), number("limit", 20))).leaving_open(open)
}

fn bound(model: &mut Model, body: &Value) -> Answer {
    let bad = [
        ("chainId", "nowhere", "INVALID_CHAIN"),
        ("currency", "DOGE", "INVALID_CURRENCY"),
        ("depositReference", "", "VALIDATION_ERROR"),
        ("colour", "red", "VALIDATION_ERROR"),
    ];
    if let Some((.., code)) = bad.iter().find(|(field, value, _)| body[*field] == *value) {
        return Answer::refused(400, code);
    }
    let (now, deposits) = (model.time(), &mut model.deposits);
    let reference = body["depositReference"].as_str().expect("a text");
    let at = deposits.references.iter().position(|known| known.name == reference);
    let taken = at.is_some_and(|at| deposits.references[at].addresses.iter().any(|address| address["chainId"] == body["chainId"]));
    if taken {
        return Answer::refused(409, "DUPLICATE_DEPOSIT_REFERENCE");
    }
    let at = at.unwrap_or_else(|| {
        deposits.references.push(Reference { name: reference.to_owned(), metadata: Map::new(), addresses: Vec::new() });
        deposits.references.len() - 1
    });
    let address = format!("{{deposit-address:{}}}", deposits.addresses);
    deposits.addresses += 1;
    let mut shown =
        json!({ "currency": body["currency"], "chainId": body["chainId"], "protocol": "evm", "address": address, "createdAt": now });
    let known = &mut deposits.references[at];
    known.addresses.push(shown.clone());
    known.metadata.extend(body["metadata"].as_object().cloned().unwrap_or_default());
    (shown["depositReference"], shown["metadata"]) = (json!(reference), json!(known.metadata));
    Answer::new(201, shown).naming("address", address)
}

fn unbound(deposits: &mut Deposits, at: usize, chain: Option<&str>) -> Answer {
    let known = &mut deposits.references[at];
    let before = known.addresses.len();
    known.addresses.retain(|address| chain.is_some_and(|chain| address["chainId"] != chain));
    let (reference, count) = (known.name.clone(), before - known.addresses.len());
    if count == 0 {
        return Answer::refused(404, "DEPOSIT_REFERENCE_NOT_FOUND");
    }
    if known.addresses.is_empty() {
        deposits.references.remove(at);
    }
    deposits.unbound = true;
    Answer::new(200, json!({ "success": true, "depositReference": reference, "unboundAddresses": count }))
}

fn one(deposits: &Deposits, at: usize) -> Answer {
    let reference = &deposits.references[at];
    let (count, totals) = deposits.credited(&reference.name);
    Answer::new(
        200,
        json!({
            "depositReference": reference.name, "addresses": reference.addresses, "totalDeposits": count, "totalAmount": totals,
            "metadata": reference.metadata,
        }),
    )
}
