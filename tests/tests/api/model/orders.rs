//! Orders as the documents tell of them: a list in memory.

use std::time::Duration;

use payin_types::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model, page, settings};

const PATH: &str = "/api/v1/orders";
/// In growing order, so that places in this list compare as the numbers do; what is equal stands together.
const AMOUNTS: [(&str, u32, &str); 7] = [
    ("0.000001", 0, "0.000001"),
    ("1", 1, "1.00"),
    ("1.00", 1, "1.00"),
    ("2.5", 2, "2.50"),
    ("9.99", 3, "9.99"),
    ("10", 4, "10.00"),
    ("1000.10", 5, "1000.10"),
];
/// One thing wrong, and what it is called.
const BAD: [(&str, &str, &str); 12] = [
    ("amount", "\"0\"", "INVALID_AMOUNT"),
    ("amount", "\"-1\"", "INVALID_AMOUNT"),
    ("amount", "1", "INVALID_AMOUNT"),
    ("amount", "\"0.0000001\"", "INVALID_AMOUNT"),
    ("chainId", "\"nowhere\"", "INVALID_CHAIN"),
    ("chainId", "\"ethereum-mainnet\"", "INVALID_CHAIN"),
    ("currency", "\"DOGE\"", "INVALID_CURRENCY"),
    ("orderReference", "\"\"", "VALIDATION_ERROR"),
    ("orderReference", "7", "VALIDATION_ERROR"),
    ("paymentWindowMinutes", "61", "VALIDATION_ERROR"),
    ("successUrl", "\"javascript:alert(1)\"", "VALIDATION_ERROR"),
    ("colour", "\"red\"", "VALIDATION_ERROR"),
];

#[derive(Default)]
pub struct Orders(Vec<Order>);

struct Order {
    body: Value,
    created: Timestamp,
    status: &'static str,
}

impl Orders {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn pending(&self) -> Vec<usize> {
        (0..self.0.len()).filter(|at| self.0[*at].status == "pending").collect()
    }

    /// Since when the oldest waits.
    pub fn waits_since(&self) -> Option<Timestamp> {
        self.0.iter().find(|order| order.status == "pending").map(|order| order.created)
    }

    /// The orders that were opened through links, each with its link, oldest first.
    pub fn of_link(&self) -> Vec<(usize, usize)> {
        let link = |order: &Order| {
            let id = order.body.get("paymentLinkId")?.as_str()?;
            id.strip_prefix("{link:")?.strip_suffix('}')?.parse().ok()
        };
        self.0.iter().enumerate().filter_map(|(at, order)| Some((link(order)?, at))).collect()
    }

    fn by_reference(&self, reference: &Value) -> Option<usize> {
        self.0.iter().position(|order| order.body["orderReference"] == *reference)
    }
}

/// It is paid, or its time is over; the link that it was opened through, if any, has one fewer that wait.
pub fn end(model: &mut Model, order: usize, status: &'static str) {
    model.orders.0[order].status = status;
    if let Some((link, _)) = model.orders.of_link().into_iter().find(|(_, at)| *at == order) {
        model.links.over(link, status == "completed");
    }
}

pub fn address(order: usize) -> String {
    format!("{{address:{order}}}")
}

/// An amount as sums are written.
pub fn canonical(amount: &Value) -> &'static str {
    AMOUNTS.iter().find(|(written, ..)| amount == *written).expect("one of the table").2
}

/// Opens an order with what holds now where the request does not say.
pub fn open(model: &mut Model, mut body: Value) -> usize {
    let at = model.orders.len();
    if body.get("orderReference").is_none() {
        // Its own id: a payer has no reference.
        body["orderReference"] = json!(name(at));
    }
    for (field, setting) in
        [("paymentWindowMinutes", settings::WINDOW), ("gracePeriodMinutes", settings::GRACE), ("successUrl", settings::SUCCESS)]
    {
        let holds = model.settings.get(setting);
        if body.get(field).is_none() && !holds.is_null() {
            body[field] = holds;
        }
    }
    model.orders.0.push(Order { body, created: model.now, status: "pending" });
    at
}

pub fn name(order: usize) -> String {
    format!("{{order:{order}}}")
}

pub fn call(model: &Model, dice: &mut Dice) -> Call {
    let orders = &model.orders;
    let some = if orders.len() == 0 { "ord_none".to_owned() } else { name(dice.below(orders.len())) };
    match dice.below(8) {
        0..3 => Call::post(PATH, create(dice)),
        3 => Call::get(format!("{PATH}/{some}")),
        4 => Call::get(format!("{PATH}/ord_{}", dice.below(9))),
        5 => Call::get(format!("{PATH}/by-reference/{}", reference(dice))),
        _ => Call::get(format!("{PATH}?{}", query(model, dice))),
    }
}

fn reference(dice: &mut Dice) -> String {
    format!("{}-{}", dice.pick(&["Alpha", "beta", "GAMMA"]), dice.below(60))
}

fn create(dice: &mut Dice) -> Value {
    let mut body = json!({
        "orderReference": reference(dice),
        "amount": dice.pick(&AMOUNTS).0,
        "currency": dice.pick(&["USDT", "USDC"]),
        "chainId": dice.pick(&["ethereum-sepolia", "base-sepolia"]),
    });
    if dice.once_in(3) {
        body["metadata"] = json!({ "n": dice.below(1000), "ü": [null, true, "x"] });
    }
    if dice.once_in(3) {
        body["successUrl"] = json!("https://shop.example/paid?o={{orderId}}");
    }
    if dice.once_in(3) {
        // Long enough that only an expiry of the run closes it.
        (body["paymentWindowMinutes"], body["gracePeriodMinutes"]) = (json!(20 + dice.below(20)), json!(dice.below(20)));
    }
    if dice.once_in(4) {
        let (field, value, _) = dice.pick(&BAD);
        body[*field] = serde_json::from_str(value).expect("JSON");
    }
    body
}

fn query(model: &Model, dice: &mut Dice) -> String {
    let mut query = Vec::new();
    let mut maybe = |dice: &mut Dice, name: &str, values: &[&str]| {
        if dice.once_in(3) {
            query.push(format!("{name}={}", dice.pick(values)));
        }
    };
    maybe(dice, "status", &["pending", "completed", "expired"]);
    maybe(dice, "currency", &["USDT", "USDC", "DAI"]);
    maybe(dice, "chainId", &["ethereum-sepolia", "base-sepolia", "nowhere"]);
    maybe(dice, "orderReference", &["a-", "ALPHA", "-1", "%25", "mma-"]);
    maybe(dice, "sortBy", &["createdAt", "amount"]);
    maybe(dice, "sortOrder", &["asc", "desc"]);
    maybe(dice, "page", &["1", "2", "9"]);
    maybe(dice, "limit", &["1", "3", "100"]);
    if let Some(order) = model.orders.0.first().filter(|_| dice.once_in(4)) {
        query.push(format!("{}={}", dice.pick(&["createdAfter", "createdBefore"]), order.created));
    }
    if dice.once_in(12) {
        query.push((*dice.pick(&["limit=0", "limit=101", "status=paid", "sortBy=name", "colour=red"])).to_owned());
    }
    query.join("&")
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    if let Some(body) = &call.body {
        return created(model, body);
    }
    let orders = &model.orders;
    let not_found = || Answer::refused(404, "RESOURCE_NOT_FOUND");
    if let Some(query) = call.path.strip_prefix(&format!("{PATH}?")) {
        return list(orders, query);
    }
    let found = match call.path.strip_prefix(&format!("{PATH}/by-reference/")) {
        Some(reference) => orders.by_reference(&json!(reference)),
        None => (0..orders.len()).find(|at| call.path == format!("{PATH}/{}", name(*at))),
    };
    found.map_or_else(not_found, |at| Answer::new(200, shown(orders, at)))
}

fn created(model: &mut Model, body: &Value) -> Answer {
    // One that stands in the table is wrong in this way; the documents' order of checks is not the model's business, since only
    // one thing is wrong at a time.
    let is_bad = |(field, value, _): &&(&str, &str, &str)| body[*field] == serde_json::from_str::<Value>(value).expect("JSON");
    if let Some((_, _, code)) = BAD.iter().find(is_bad) {
        return Answer::refused(400, code);
    }
    if let Some(existing) = model.orders.by_reference(&body["orderReference"]) {
        let mut answer = Answer::refused(409, "DUPLICATE_ORDER_REFERENCE");
        answer.body["existingOrderId"] = json!(name(existing));
        return answer;
    }
    let at = open(model, body.clone());
    Answer::new(201, shown(&model.orders, at)).naming("orderId", name(at)).naming("address", address(at))
}

fn summary(orders: &Orders, at: usize) -> Value {
    let order = &orders.0[at];
    let mut shown = json!({
        "orderId": name(at), "address": address(at), "status": order.status, "createdAt": order.created.to_string(),
    });
    for field in ["orderReference", "amount", "currency", "chainId"] {
        shown[field] = order.body[field].clone();
    }
    shown
}

pub fn shown(orders: &Orders, at: usize) -> Value {
    let (order, mut shown) = (&orders.0[at], summary(orders, at));
    let minutes = |field: &str| Duration::from_secs(order.body[field].as_u64().expect("a number") * 60);
    let expires = order.created.plus(minutes("paymentWindowMinutes"));
    shown["protocol"] = json!("evm");
    shown["metadata"] = order.body.get("metadata").cloned().unwrap_or_else(|| json!({}));
    shown["expiresAt"] = json!(expires.to_string());
    shown["gracePeriodEndsAt"] = json!(expires.plus(minutes("gracePeriodMinutes")).to_string());
    shown["receivedAmount"] = json!(if order.status == "completed" { canonical(&order.body["amount"]) } else { "0.00" });
    shown["requiredConfirmations"] = json!(3);
    for field in ["successUrl", "paymentLinkId"] {
        if let Some(value) = order.body.get(field) {
            shown[field] = value.clone();
        }
    }
    shown
}

fn list(orders: &Orders, query: &str) -> Answer {
    let given: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let get = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
    let twice = given.iter().any(|(name, _)| given.iter().filter(|(other, _)| other == name).count() > 1);
    if twice || ["limit=0", "limit=101", "status=paid", "sortBy=name", "colour=red"].iter().any(|bad| query.split('&').any(|p| p == *bad)) {
        return Answer::refused(400, "VALIDATION_ERROR");
    }
    let is_wanted = |at: &usize| {
        let order = &orders.0[*at];
        let is = |name: &str, value: &Value| get(name).is_none_or(|wanted| value == wanted);
        let reference = order.body["orderReference"].as_str().unwrap_or_default().to_lowercase();
        let time = |name: &str| get(name).map(|time| time.parse::<Timestamp>().expect("a time"));
        is("status", &json!(order.status))
            && is("currency", &order.body["currency"])
            && is("chainId", &order.body["chainId"])
            && get("orderReference").is_none_or(|part| reference.contains(&part.replace("%25", "%").to_lowercase()))
            && time("createdAfter").is_none_or(|time| order.created >= time)
            && time("createdBefore").is_none_or(|time| order.created < time)
    };
    let mut found: Vec<usize> = (0..orders.len()).filter(is_wanted).collect();
    if get("sortBy") == Some("amount") {
        let rank = |at: &usize| AMOUNTS.iter().find(|(amount, ..)| orders.0[*at].body["amount"] == *amount).map(|(_, rank, _)| *rank);
        found.sort_by_key(rank);
    }
    if get("sortOrder") != Some("asc") {
        found.reverse();
    }
    let number = |name: &str, otherwise: usize| get(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let all: Vec<Value> = found.into_iter().map(|at| summary(orders, at)).collect();
    Answer::new(200, page(&all, number("page", 1), number("limit", 20)))
}
