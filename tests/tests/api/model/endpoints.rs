//! Webhook endpoints as the documents tell of them.

use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model, page};

const PATH: &str = "/api/v1/webhooks/endpoints";

/// In the order of their creation; nothing where one was deleted.
#[derive(Default)]
pub struct Endpoints(Vec<Option<Value>>);

fn name(at: usize) -> String {
    format!("{{endpoint:{at}}}")
}

pub fn call(model: &Model, dice: &mut Dice) -> Call {
    let count = model.endpoints.0.len();
    match dice.below(6) {
        0..3 => Call::post(PATH, create(dice)),
        3 => Call::delete(format!("{PATH}/{}", name(dice.below(count + 1)))),
        4 => Call::delete(format!("{PATH}/we_none")),
        _ => Call::get(format!("{PATH}?page={}&limit={}", 1 + dice.below(3), 1 + dice.below(5))),
    }
}

fn create(dice: &mut Dice) -> Value {
    let events = dice.pick(&[json!(["*"]), json!(["order.completed"]), json!(["order.expired", "deposit.confirmed"])]).clone();
    // Nobody listens there; what is sent is refused at once.
    let mut body = json!({ "url": format!("http://127.0.0.1:9/{}", dice.below(9)), "events": events });
    if dice.once_in(2) {
        body["secret"] = json!(format!("a secret of the model {}", dice.below(9)));
    }
    if dice.once_in(3) {
        body["description"] = json!("Größe");
    }
    if dice.once_in(5) {
        let bad = [
            ("url", json!("nowhere")),
            ("events", json!([])),
            ("events", json!(["order.lost"])),
            ("secret", json!("short")),
            ("name", json!(1)),
        ];
        let (field, value) = dice.pick(&bad);
        body[*field] = value.clone();
    }
    body
}

fn is_bad(body: &Value) -> bool {
    body["url"] == "nowhere"
        || body["events"] == json!([])
        || body["events"] == json!(["order.lost"])
        || body["secret"] == "short"
        || body.get("name").is_some()
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let now = model.time();
    let endpoints = &mut model.endpoints.0;
    if let Some(body) = &call.body {
        if is_bad(body) {
            return Answer::refused(400, "VALIDATION_ERROR");
        }
        let at = endpoints.len();
        let mut shown = json!({ "id": name(at), "enabled": true, "createdAt": now, "updatedAt": now });
        for field in ["url", "events", "description"] {
            if let Some(value) = body.get(field) {
                shown[field] = value.clone();
            }
        }
        endpoints.push(Some(shown.clone()));
        shown["secret"] = body.get("secret").cloned().unwrap_or_else(|| json!(format!("{{secret:{at}}}")));
        let answer = Answer::new(201, shown).naming("id", name(at));
        return if body.get("secret").is_some() { answer } else { answer.naming("secret", format!("{{secret:{at}}}")) };
    }
    if call.method == "DELETE" {
        let at = (0..endpoints.len()).find(|at| call.path == format!("{PATH}/{}", name(*at)));
        let gone = at.and_then(|at| endpoints[at].take());
        return gone.map_or_else(|| Answer::refused(404, "RESOURCE_NOT_FOUND"), |_| Answer::new(200, json!({ "success": true })));
    }
    let number = |name: &str| {
        let (_, text) = call.path.split_once(&format!("{name}=")).expect("in the query");
        text.split('&').next().and_then(|text| text.parse().ok()).expect("a number")
    };
    let newest: Vec<Value> = endpoints.iter().rev().flatten().cloned().collect();
    // Nobody listens there: since when that is known, the sender says.
    Answer::new(200, page(&newest, number("page"), number("limit"))).leaving_open(&["failingSince"]).by_workers(true)
}
