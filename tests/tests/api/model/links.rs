//! Payment links as the documents tell of them: drafts that are published, put away and deleted, and what payers see and open through them.

use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model, orders, page};

const PATH: &str = "/api/v1/payment-links";
const CHECKOUT: &str = "/api/v1/checkout";
/// Unpaid orders that one payer may have through a link.
const OPEN_MAX: usize = 3;

/// In the order of their creation; nothing where one was deleted.
#[derive(Default)]
pub struct Links(Vec<Option<Value>>);

impl Links {
    /// An order of a link no longer waits: it was paid, or not.
    pub fn over(&mut self, link: usize, paid: bool) {
        // Nothing counts for one that was deleted.
        let Some(link) = &mut self.0[link] else { return };
        let count = |value: &Value| value.as_u64().expect("a count");
        link["inventoryReserved"] = json!(count(&link["inventoryReserved"]) - 1);
        link["inventorySold"] = json!(count(&link["inventorySold"]) + u64::from(paid));
    }
}

pub fn name(link: usize) -> String {
    format!("{{link:{link}}}")
}

fn slug(link: usize) -> String {
    format!("{{slug:{link}}}")
}

pub fn call(model: &Model, dice: &mut Dice) -> Call {
    let count = model.links.0.len();
    let at = dice.below(count + 1);
    let one = format!("{PATH}/{}", name(at));
    // Whoever never was published has no slug to be asked for.
    let offered: Vec<usize> =
        (0..count).filter(|at| model.links.0[*at].as_ref().is_some_and(|link| link["status"] == "published")).collect();
    let at = if offered.is_empty() || dice.once_in(4) { at } else { *dice.pick(&offered) };
    let has_slug = at < count && model.links.0[at].as_ref().is_none_or(|link| link.get("slug").is_some());
    let public = if has_slug { slug(at) } else { "nowhere-at-all".to_owned() };
    let keyless = |call: Call| Call { by: Some(String::new()), ..call };
    match dice.below(16) {
        0..3 => Call::post(PATH, create(dice)),
        3..6 => Call { method: "POST", path: format!("{one}/publish"), body: None, by: None },
        6 => {
            let deed = dice.pick(&["unpublish", "archive", "restore", "restore"]);
            Call { method: "POST", path: format!("{one}/{deed}"), body: None, by: None }
        }
        7 => Call { method: "PUT", path: one, body: Some(update(model, at, dice)), by: None },
        8 if dice.once_in(3) => Call::delete(one),
        8 => Call::get(one),
        9 => Call::get(format!(
            "{PATH}?{}limit={}",
            dice.pick(&["", "archived=true&", "includeArchived=true&", "status=published&"]),
            1 + dice.below(4)
        )),
        10 => Call::get(format!("{one}/orders?limit={}", 1 + dice.below(4))),
        11 => Call::get(format!("{PATH}/stats")),
        12 => keyless(Call::get(format!("{CHECKOUT}/{public}"))),
        _ => {
            let (currency, chain) = (dice.pick(&["USDT", "USDT", "USDC"]), dice.pick(&["ethereum-sepolia", "base-sepolia"]));
            keyless(Call::post(&format!("{CHECKOUT}/{public}/orders"), json!({ "currency": currency, "chainId": chain })))
        }
    }
}

fn create(dice: &mut Dice) -> Value {
    let mut body = json!({
        "title": format!("Größe {}", dice.below(9)), "amount": dice.pick(&["1.00", "2.5", "9.99"]),
        "currencies": [{ "currency": "USDT", "chainOptions": ["ethereum-sepolia", "base-sepolia"] }],
    });
    if dice.once_in(2) {
        body["inventoryTotal"] = json!(1 + dice.below(3));
    }
    if dice.once_in(3) {
        body["metadata"] = json!({ "sku": dice.below(9) });
    }
    if dice.once_in(8) {
        let bad = [("title", json!("")), ("currencies", json!([])), ("inventoryTotal", json!(0)), ("colour", json!("red"))];
        let (field, value) = dice.pick(&bad);
        body[*field] = value.clone();
    }
    body
}

fn update(model: &Model, at: usize, dice: &mut Dice) -> Value {
    let costs_ten = model.links.0.get(at).and_then(Option::as_ref).is_some_and(|link| link["amount"] == "10");
    match dice.below(4) {
        0 => json!({ "title": format!("Later {}", dice.below(9)) }),
        1 => json!({ "inventoryTotal": if dice.once_in(3) { Value::Null } else { json!(1 + dice.below(3)) } }),
        2 if !costs_ten => json!({ "amount": "10" }),
        _ => json!({ "ctaText": format!("Buy {}", dice.below(99)), "metadata": { "n": dice.below(99) } }),
    }
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let not_found = || Answer::refused(404, "RESOURCE_NOT_FOUND");
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    if let Some(rest) = path.strip_prefix(&format!("{CHECKOUT}/")) {
        let asked = rest.split('/').next().unwrap_or_default();
        let found = (0..model.links.0.len()).find(|at| slug(*at) == asked && model.links.0[*at].is_some());
        return found.map_or_else(not_found, |at| checkout(model, at, call));
    }
    if path == PATH {
        return match &call.body {
            Some(body) => created(model, body),
            None => list(model, query),
        };
    }
    let rest = path.strip_prefix(&format!("{PATH}/")).unwrap_or_default();
    if rest == "stats" {
        return stats(model);
    }
    let (id, deed) = rest.split_once('/').unwrap_or((rest, ""));
    let found = (0..model.links.0.len()).find(|at| name(*at) == id && model.links.0[*at].is_some());
    let Some(at) = found else { return not_found() };
    if deed == "orders" {
        let of_link = model.orders.of_link().into_iter().rev().filter(|(link, _)| *link == at);
        let shown = |(_, order)| {
            let order = orders::shown(&model.orders, order);
            let fields = ["orderId", "orderReference", "status", "chainId", "currency", "amount", "createdAt"];
            fields.into_iter().map(|field| (field.to_owned(), order[field].clone())).collect::<Value>()
        };
        let all: Vec<Value> = of_link.map(shown).collect();
        return Answer::new(200, page(&all, 1, query["limit=".len()..].parse().expect("a number")));
    }
    if call.method == "DELETE" {
        model.links.0[at] = None;
        return Answer::new(200, json!({ "success": true }));
    }
    let (now, before) = (model.time(), model.links.0[at].clone().expect("not deleted"));
    let after = match changed(before.clone(), deed, call, &now, at) {
        Ok(after) => after,
        Err(refused) => return refused,
    };
    let link = model.links.0[at].insert(after);
    if *link != before {
        link["updatedAt"] = now;
    }
    let answer = Answer::new(200, link.clone()).leaving_open(&["checkoutUrl"]);
    if deed == "publish" { answer.naming("slug", slug(at)) } else { answer }
}

fn changed(mut link: Value, deed: &str, call: &Call, now: &Value, at: usize) -> Result<Value, Answer> {
    match deed {
        "publish" if link["isArchived"] == true => return Err(Answer::refused(409, "INVALID_STATE")),
        "publish" => {
            (link["status"], link["slug"]) = (json!("published"), json!(slug(at)));
            if link.get("publishedAt").is_none() {
                link["publishedAt"] = now.clone();
            }
        }
        "unpublish" => link["status"] = json!("draft"),
        "archive" => link["isArchived"] = json!(true),
        "restore" => link["isArchived"] = json!(false),
        _ => {}
    }
    let count = |link: &Value, field: &str| link[field].as_u64().unwrap_or_default();
    for (field, value) in call.body.iter().filter_map(Value::as_object).flatten() {
        if field == "amount" && link.get("publishedAt").is_some() {
            return Err(Answer::refused(409, "INVALID_STATE"));
        }
        let taken = count(&link, "inventoryReserved") + count(&link, "inventorySold");
        if field == "inventoryTotal" && value.as_u64().is_some_and(|total| total < taken) {
            return Err(Answer::refused(400, "VALIDATION_ERROR"));
        }
        if value.is_null() {
            link.as_object_mut().expect("an object").remove(field);
        } else {
            link[field] = value.clone();
        }
    }
    Ok(link)
}

fn created(model: &mut Model, body: &Value) -> Answer {
    let is_bad = body["title"] == "" || body["currencies"] == json!([]) || body["inventoryTotal"] == 0 || body.get("colour").is_some();
    if is_bad {
        return Answer::refused(400, "VALIDATION_ERROR");
    }
    let (at, now) = (model.links.0.len(), model.time());
    let mut link = json!({
        "id": name(at), "amountType": "fixed", "status": "draft", "isArchived": false, "inventoryReserved": 0, "inventorySold": 0,
        "metadata": {}, "theme": "dark", "createdAt": now, "updatedAt": now,
    });
    link.as_object_mut().expect("an object").extend(body.as_object().cloned().expect("an object"));
    model.links.0.push(Some(link.clone()));
    Answer::new(201, link).naming("id", name(at))
}

fn list(model: &Model, query: &str) -> Answer {
    let is_wanted = |link: &&Value| match query.split('&').next() {
        Some("archived=true") => link["isArchived"] == true,
        Some("includeArchived=true") => true,
        Some("status=published") => link["isArchived"] == false && link["status"] == "published",
        _ => link["isArchived"] == false,
    };
    let mut all: Vec<Value> = model.links.0.iter().flatten().filter(is_wanted).cloned().collect();
    all.sort_by_key(|link| std::cmp::Reverse(link["updatedAt"].as_str().map(str::to_owned)));
    let limit = query.rsplit('=').next().and_then(|text| text.parse().ok()).expect("a number");
    Answer::new(200, page(&all, 1, limit)).leaving_open(&["checkoutUrl"])
}

fn stats(model: &Model) -> Answer {
    let links: Vec<&Value> = model.links.0.iter().flatten().collect();
    let statuses: Vec<Value> =
        model.orders.of_link().into_iter().map(|(_, at)| orders::shown(&model.orders, at)["status"].clone()).collect();
    let count = |status: &str| statuses.iter().filter(|one| **one == status).count();
    let published = links.iter().filter(|link| link["status"] == "published" && link["isArchived"] == false).count();
    let body = json!({
        "totalLinks": links.len(), "publishedLinks": published, "totalOrders": statuses.len(), "completedOrders": count("completed"),
        "pendingOrders": count("pending"), "expiredOrders": count("expired"),
    });
    Answer::new(200, body).leaving_open(&["revenue", "conversionRate"])
}

fn public(link: &Value) -> Value {
    let mut shown = json!({ "currencies": [{
        "currency": "USDT", "amount": link["amount"], "chains": ["ethereum-sepolia", "base-sepolia"], "isPrimary": true,
    }] });
    for field in ["id", "slug", "title", "amount", "amountType", "theme", "ctaText"] {
        if let Some(value) = link.get(field) {
            shown[field] = value.clone();
        }
    }
    let count = |field: &str| link[field].as_u64().unwrap_or_default();
    if let Some(total) = link["inventoryTotal"].as_u64() {
        shown["availableInventory"] = json!(total - count("inventoryReserved") - count("inventorySold"));
    }
    shown
}

fn checkout(model: &mut Model, at: usize, call: &Call) -> Answer {
    let link = model.links.0[at].as_ref().expect("not deleted");
    if link["status"] != "published" || link["isArchived"] == true {
        return Answer::refused(410, "PAYMENT_LINK_UNAVAILABLE");
    }
    let Some(body) = &call.body else { return Answer::new(200, public(link)) };
    if body["currency"] == "USDC" {
        return Answer::refused(400, "INVALID_CURRENCY");
    }
    if public(link)["availableInventory"] == 0 {
        return Answer::refused(409, "SOLD_OUT");
    }
    let is_open = |(link, order): &(usize, usize)| *link == at && orders::shown(&model.orders, *order)["status"] == "pending";
    if model.orders.of_link().iter().filter(|one| is_open(one)).count() >= OPEN_MAX {
        let mut refused = Answer::refused(429, "RATE_LIMIT_EXCEEDED");
        refused.body["retryAfter"] = json!(60);
        return refused;
    }
    let asked = json!({
        "amount": link["amount"], "currency": body["currency"], "chainId": body["chainId"], "metadata": link["metadata"],
        "paymentLinkId": link["id"],
    });
    let order = orders::open(model, asked);
    let link = model.links.0[at].as_mut().expect("not deleted");
    link["inventoryReserved"] = json!(link["inventoryReserved"].as_u64().expect("a count") + 1);
    let owner_sees = orders::shown(&model.orders, order);
    let mut shown = json!({ "remainingAmount": orders::canonical(&owner_sees["amount"]) });
    for field in [
        "orderId",
        "status",
        "amount",
        "currency",
        "chainId",
        "protocol",
        "address",
        "receivedAmount",
        "createdAt",
        "expiresAt",
        "gracePeriodEndsAt",
        "requiredConfirmations",
    ] {
        shown[field] = owner_sees[field].clone();
    }
    let body = json!({ "order": shown, "paymentLink": public(model.links.0[at].as_ref().expect("not deleted")) });
    Answer::new(201, body).naming("/order/orderId", orders::name(order)).naming("/order/address", orders::address(order))
}
