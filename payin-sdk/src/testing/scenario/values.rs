//! What steps name as `${…}`, and how an answer is held against what is expected of it. Pure.

use std::collections::BTreeSet;
use std::fmt;

use payin_types::Amount;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What has a name so far: what the scenario begins with, and the answers that it kept.
#[derive(Debug, Default)]
pub(super) struct Values(Map<String, Value>);

impl Values {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// A step with what it names put in. A text that is one name and nothing else becomes what has the name, whatever that is.
    ///
    /// # Errors
    /// Says which name nothing has, or why what has it cannot stand there.
    pub(super) fn fill<T: Serialize + DeserializeOwned>(&self, step: &T) -> Result<T, String> {
        let step = serde_json::to_value(step).map_err(|error| error.to_string())?;
        serde_json::from_value(self.filled(&step)?).map_err(|error| error.to_string())
    }

    fn filled(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => Ok(Value::Array(items.iter().map(|item| self.filled(item)).collect::<Result<_, _>>()?)),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| Ok((name.clone(), self.filled(field)?)));
                Ok(Value::Object(fields.collect::<Result<_, String>>()?))
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Result<Value, String> {
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('}')) {
            return self.named(name).cloned();
        }
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or_else(|| format!("{text:?} has a ${{ without its }}"))?;
            filled.push_str(before);
            match self.named(name)? {
                Value::String(word) => filled.push_str(word),
                other => filled.push_str(&other.to_string()),
            }
            rest = behind;
        }
        filled.push_str(rest);
        Ok(Value::String(filled))
    }

    /// Whether a path leads to something that is known already, or has a name among those of which nothing is known yet.
    ///
    /// # Errors
    /// Says which name nothing has, and which there are.
    pub(super) fn known(&self, path: &str, later: &BTreeSet<String>) -> Result<(), String> {
        let name = path.split('.').next().unwrap_or_default();
        if self.0.contains_key(name) {
            return self.named(path).map(drop);
        }
        let all: BTreeSet<&str> = self.0.keys().chain(later).map(String::as_str).collect();
        Err(format!("nothing is named {name:?} here; there is: {}", all.into_iter().collect::<Vec<_>>().join(", ")))
    }

    /// `order.orderId`: a field of what has a name.
    fn named(&self, path: &str) -> Result<&Value, String> {
        let (name, fields) = path.split_once('.').map_or((path, None), |(name, fields)| (name, Some(fields)));
        let known = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut found = self.0.get(name).ok_or_else(|| format!("nothing is named {name:?} yet; there is: {}", known()))?;
        for field in fields.into_iter().flat_map(|fields| fields.split('.')) {
            let within = match found {
                Value::Array(items) => field.parse().ok().and_then(|at: usize| items.get(at)),
                other => other.get(field),
            };
            found = within.ok_or_else(|| format!("{path:?} has no {field:?}: {name} is {}", shown(found)))?;
        }
        Ok(found)
    }
}

/// Where an answer is not what was expected, and what is there.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    path: String,
    pub(super) expected: String,
    pub(super) got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.expected)
    }
}

impl Difference {
    /// What stands at the path, behind its name.
    pub(super) fn got(&self) -> String {
        format!("{} {}", self.path, self.got)
    }
}

/// The first place where an answer differs. Fields that are not expected may be anything; `null` expects that there is none. Texts that are
/// amounts are compared as numbers: `25` is `25.00`.
pub(super) fn difference(expected: &Value, got: &Value) -> Option<Difference> {
    differs(expected, got, "")
}

fn differs(expected: &Value, got: &Value, path: &str) -> Option<Difference> {
    let below = |name: &dyn fmt::Display| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    match (expected, got) {
        (Value::Object(fields), Value::Object(found)) => {
            fields.iter().find_map(|(name, field)| differs(field, found.get(name).unwrap_or(&Value::Null), &below(name)))
        }
        (Value::Array(items), Value::Array(found)) if items.len() == found.len() => {
            items.iter().zip(found).enumerate().find_map(|(at, (item, found))| differs(item, found, &below(&at)))
        }
        (Value::String(text), Value::String(found)) if is_same_amount(text, found) => None,
        (expected, got) if expected == got => None,
        (expected, got) => {
            let path = if path.is_empty() { "the answer" } else { path }.to_owned();
            Some(Difference { path, expected: shown(expected), got: shown(got) })
        }
    }
}

fn is_same_amount(one: &str, other: &str) -> bool {
    one.parse::<Amount>().is_ok_and(|one| other.parse::<Amount>().is_ok_and(|other| one == other))
}

/// As much of a value as helps.
pub(super) fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 400;
    match value {
        Value::Null => "absent".to_owned(),
        value => {
            let text = value.to_string();
            let cut: String = text.chars().take(CHARS_MAX).collect();
            if cut.len() < text.len() { format!("{cut}…") } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        let mut values = Values::default();
        values.set("run", json!("7"));
        values.set("order", json!({ "orderId": "ord_1", "confirmations": 3, "logs": [{ "at": "a" }] }));
        values
    }

    #[test]
    fn names_stand_for_texts_for_parts_of_texts_and_for_all_else() {
        let step = json!({ "a": "${order.orderId}", "b": ["X-${run}/${order.confirmations}"], "c": "${order}", "d": 1, "e": "${order.logs.0.at}" });
        let filled = values().fill(&step).unwrap();
        assert_eq!(filled["a"], "ord_1");
        assert_eq!(filled["b"][0], "X-7/3");
        assert_eq!(filled["c"]["logs"][0]["at"], "a");
        assert_eq!((&filled["d"], &filled["e"]), (&json!(1), &json!("a")));
    }

    #[test]
    fn names_that_nothing_has_are_told_with_those_that_there_are() {
        let said = |text: &str| values().fill(&json!(text)).unwrap_err();
        assert_eq!(said("${orders.id}"), "nothing is named \"orders\" yet; there is: order, run");
        assert!(said("${order.id}").starts_with("\"order.id\" has no \"id\": order is {"));
        assert_eq!(said("a ${run"), "\"a ${run\" has a ${ without its }");
    }

    #[test]
    fn an_answer_has_what_is_expected_and_may_have_more() {
        let got = json!({ "status": "completed", "amount": "25.00", "list": [1, 2], "more": true });
        for right in [json!({}), json!({ "status": "completed", "gone": null }), json!({ "amount": "25" }), json!({ "list": [1, 2] })] {
            assert_eq!(difference(&right, &got), None, "{right}");
        }
        let said = |expected: Value| difference(&expected, &got).map(|found| (found.to_string(), found.got())).unwrap();
        assert_eq!(said(json!({ "status": "expired" })), ("status \"expired\"".to_owned(), "status \"completed\"".to_owned()));
        assert_eq!(said(json!({ "list": [1, 3] })), ("list.1 3".to_owned(), "list.1 2".to_owned()));
        assert_eq!(said(json!({ "list": [1] })), ("list [1]".to_owned(), "list [1,2]".to_owned()));
        assert_eq!(said(json!({ "gone": 1 })), ("gone 1".to_owned(), "gone absent".to_owned()));
        assert_eq!(said(json!({ "amount": "25.01" })).1, "amount \"25.00\"");
        assert_eq!(said(json!("text")).1.split(' ').take(2).collect::<Vec<_>>(), ["the", "answer"]);
    }
}
