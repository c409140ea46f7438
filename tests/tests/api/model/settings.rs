//! Settings as the documents tell of them: what the organization sets holds for what is created from then on, `null` lets it go.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Call, Dice, Model};

const PATH: &str = "/api/v1/config";
pub const WINDOW: &str = "orders.payment_window_minutes";
pub const GRACE: &str = "orders.grace_period_minutes";
pub const SUCCESS: &str = "redirect.default_order_success_url";
/// What holds when nobody sets it.
const DEFAULTS: [(&str, &str); 3] = [(WINDOW, "10"), (GRACE, "5"), (SUCCESS, "null")];
/// The smallest and the largest number.
const RANGES: [(&str, u64, u64); 2] = [(WINDOW, 1, 60), (GRACE, 0, 30)];

/// What is set, and when.
#[derive(Default)]
pub struct Settings(BTreeMap<&'static str, (Value, Value)>);

impl Settings {
    /// What holds.
    pub fn get(&self, name: &str) -> Value {
        let default = || DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, text)| serde_json::from_str(text).expect("JSON"));
        self.0.get(name).map(|(value, _)| value.clone()).or_else(default).expect("a setting")
    }
}

pub fn call(_: &Model, dice: &mut Dice) -> Call {
    let (name, _) = dice.pick(&DEFAULTS);
    let alias = name.split_once('.').map_or(*name, |(_, alias)| alias);
    let path = format!("{PATH}/{}", dice.pick(&[name, alias, "colour"]));
    if dice.once_in(3) {
        return Call::get(path);
    }
    // Long enough that only an expiry of the run closes a window.
    let value = match (*name, dice.below(4)) {
        (_, 0) => Value::Null,
        (SUCCESS, 1) => json!("javascript:alert(1)"),
        (SUCCESS, _) => json!(format!("https://shop.example/{}", dice.below(9))),
        (_, 1) => dice.pick(&[json!(61), json!("20"), json!(-1), json!(1.5), json!(true)]).clone(),
        (WINDOW, _) => json!(15 + dice.below(40)),
        _ => json!(5 + dice.below(15)),
    };
    Call { method: "PUT", path, body: Some(json!({ "value": value })), by: None }
}

pub fn answer(model: &mut Model, call: &Call) -> Answer {
    let asked = call.path.rsplit('/').next().unwrap_or_default();
    let found = DEFAULTS.iter().find(|(name, _)| *name == asked || name.split_once('.').is_some_and(|(_, alias)| alias == asked));
    let Some((name, default)) = found else { return Answer::refused(404, "RESOURCE_NOT_FOUND") };
    let range = RANGES.iter().find(|(ranged, ..)| ranged == name);
    if let Some(body) = &call.body {
        let value = &body["value"];
        let is_good = match range {
            Some((_, least, most)) => value.as_u64().is_some_and(|value| (*least..=*most).contains(&value)),
            None => value.as_str().is_some_and(|url| url.starts_with("https://")),
        };
        if !value.is_null() && !is_good {
            return Answer::refused(400, "VALIDATION_ERROR");
        }
        let before = model.settings.0.remove(name);
        if !value.is_null() {
            model.settings.0.insert(name, (value.clone(), model.time()));
        }
        // Window and grace come to an hour at most.
        let minutes = |name| model.settings.get(name).as_u64().unwrap_or_default();
        if minutes(WINDOW) + minutes(GRACE) > 60 {
            model.settings.0.remove(name);
            model.settings.0.extend(before.map(|before| (*name, before)));
            return Answer::refused(400, "VALIDATION_ERROR");
        }
    }
    let mut shown = json!({
        "key": name, "alias": name.split_once('.').map(|(_, alias)| alias), "value": model.settings.get(name),
        "source": if model.settings.0.contains_key(name) { "organization" } else { "default" },
        "type": if range.is_some() { "number" } else { "string" },
        "default": serde_json::from_str::<Value>(default).expect("JSON"), "readOnly": false,
    });
    if let Some((_, least, most)) = range {
        (shown["minimum"], shown["maximum"]) = (json!(least), json!(most));
    }
    if let Some((_, at)) = model.settings.0.get(name) {
        shown["updatedAt"] = at.clone();
    }
    Answer::new(200, shown).leaving_open(&["description"])
}
