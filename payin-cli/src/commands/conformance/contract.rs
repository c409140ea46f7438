//! The judge of whole answers: `openapi.yaml`, which is part of this program. It knows none of the SDK's types, so that a mistake in them
//! cannot hide one of the server's. It must not ask anybody.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use http::HeaderMap;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

const TEXT: &str = include_str!("../../../../openapi.yaml");

/// What payin-server keeps beyond the vendor's documents.
const PROMISES: &str = "x-server-promises";

/// What other APIs of the same server are tagged with.
const OTHER_APIS: [&str; 2] = ["PayWarden", "CryptoPay"];

/// The API of `payin-server dev`, which no other deployment has.
pub const SANDBOX: &str = "Sandbox";

const SCHEMAS: &str = "#/components/schemas/";

/// `openapi.yaml`, ready to judge.
pub struct Contract {
    document: Value,
    /// By the schema's text: to build one takes much longer than to judge by it.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

/// One operation of the native API.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub tag: String,
    /// The roles whose keys may call it; none where no key is needed.
    pub roles: Vec<String>,
}

impl Contract {
    /// With the promises of payin-server, or with no more than the vendor's documents demand.
    pub fn load(documented: bool) -> Result<Self, Failure> {
        let broken = |error: serde_yaml_ng::Error| Failure::internal(format!("openapi.yaml: {error}"));
        let mut document: Value = serde_yaml_ng::from_str(TEXT).map_err(broken)?;
        settle_promises(&mut document, !documented);
        Ok(Self { document, validators: RefCell::default() })
    }

    /// The native API's operations, in the file's order.
    pub fn operations(&self) -> Vec<Operation> {
        let texts = |list: Option<&Value>| -> Vec<String> {
            list.and_then(Value::as_array).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let of = |(path, item): (&String, &Value)| -> Vec<Operation> {
            let methods = item.as_object().into_iter().flatten();
            let operation = |(method, operation): (&String, &Value)| {
                let id = operation.get("operationId")?.as_str()?.to_owned();
                let tag = texts(operation.get("tags")).into_iter().next()?;
                let roles = texts(operation.get("x-roles"));
                Some(Operation { id, method: method.to_uppercase(), path: path.clone(), tag, roles })
            };
            methods.filter_map(operation).filter(|operation| !OTHER_APIS.contains(&operation.tag.as_str())).collect()
        };
        self.document.get("paths").and_then(Value::as_object).into_iter().flatten().flat_map(of).collect()
    }

    /// What an operation may answer with this status, if it may.
    pub fn response(&self, operation: &Operation, status: u16) -> Option<&Value> {
        let responses = self.document.get("paths")?.get(&operation.path)?.get(operation.method.to_lowercase())?.get("responses")?;
        let described = responses.get(status.to_string()).or_else(|| responses.get(format!("{}XX", status / 100)))?;
        Some(self.resolve(described))
    }

    /// Whether an answer as it is described is a stream, a page or anything else than JSON.
    pub fn is_json(response: &Value) -> bool {
        response.get("content").is_none_or(|content| content.get("application/json").is_some())
    }

    /// Whether an answer is one that is described: what is wrong with its headers or its body.
    pub fn judge(&self, response: &Value, headers: &HeaderMap, body: &Value) -> Result<(), String> {
        for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            // These two have checks of their own.
            if name == "X-Request-Id" || name.starts_with("X-RateLimit-") {
                continue;
            }
            let header = self.resolve(header);
            match headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes())) {
                None if header.get("required") == Some(&json!(true)) => return Err(format!("header {name}: missing")),
                None => {}
                Some(text) => self.text(header.get("schema"), &text).map_err(|why| format!("header {name}: {why}"))?,
            }
        }
        match response.pointer("/content/application~1json/schema") {
            Some(schema) => self.schema(schema, body),
            None => Ok(()),
        }
    }

    /// Whether this is what every refusal has for its body.
    pub fn problem(&self, body: &Value) -> Result<(), String> {
        self.schema(&json!({ "$ref": format!("{SCHEMAS}Problem") }), body)
    }

    /// Whether this is an event of this type as an endpoint may receive it.
    pub fn event(&self, event_type: &str, body: &Value) -> Result<(), String> {
        let hook = self.document.get("webhooks").and_then(|hooks| hooks.get(event_type));
        let schema = hook.and_then(|hook| hook.pointer("/post/requestBody/content/application~1json/schema"));
        schema.map_or_else(|| Err(format!("no event is called {event_type:?}")), |schema| self.schema(schema, body))
    }

    fn resolve<'a>(&'a self, mut node: &'a Value) -> &'a Value {
        while let Some(found) = node.get("$ref").and_then(Value::as_str).and_then(|to| self.document.pointer(to.strip_prefix('#')?)) {
            node = found;
        }
        node
    }

    /// What arrives as text but may mean a number.
    fn text(&self, schema: Option<&Value>, text: &str) -> Result<(), String> {
        let Some(schema) = schema.map(|schema| self.resolve(schema)) else { return Ok(()) };
        let value = match schema.get("type").and_then(Value::as_str) {
            Some("integer") => json!(text.parse::<i64>().map_err(|_| format!("{text:?} is not a whole number"))?),
            _ => json!(text),
        };
        self.schema(schema, &value)
    }

    fn schema(&self, schema: &Value, body: &Value) -> Result<(), String> {
        let validator = self.validator(schema)?;
        match validator.iter_errors(body).next() {
            None => Ok(()),
            Some(error) => Err(format!("at {:?}: {}", error.instance_path().to_string(), brief(&error.to_string()))),
        }
    }

    fn validator(&self, schema: &Value) -> Result<Rc<Validator>, String> {
        let text = schema.to_string();
        if let Some(known) = self.validators.borrow().get(&text) {
            return Ok(Rc::clone(known));
        }
        let mut root = schema.clone();
        if let Some(fields) = root.as_object_mut() {
            fields.insert("components".to_owned(), json!({ "schemas": self.reachable(schema) }));
        }
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let built = options.build(&root).map_err(|error| format!("openapi.yaml has no schema here: {error}"))?;
        Ok(Rc::clone(self.validators.borrow_mut().entry(text).or_insert(Rc::new(built))))
    }

    /// The named schemas that one leads to: all 200 would have to be built for each otherwise.
    fn reachable(&self, schema: &Value) -> Map<String, Value> {
        let (mut found, mut open) = (Map::new(), BTreeSet::new());
        references(schema, &mut open);
        while let Some(name) = open.pop_first() {
            let Some(named) = self.document.pointer(&format!("/components/schemas/{name}")).filter(|_| !found.contains_key(&name)) else {
                continue;
            };
            references(named, &mut open);
            found.insert(name, named.clone());
        }
        found
    }
}

fn references(node: &Value, names: &mut BTreeSet<String>) {
    match node {
        Value::Object(fields) => {
            // Some lead to a part of a named one.
            let named = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS)?.split('/').next());
            names.extend(named.map(str::to_owned));
            fields.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

/// Merges every promise into the schema that holds it, or drops it.
fn settle_promises(node: &mut Value, keep: bool) {
    match node {
        Value::Object(fields) => {
            if let Some(Value::Object(promises)) = fields.remove(PROMISES)
                && keep
            {
                merge(fields, promises);
            }
            fields.values_mut().for_each(|value| settle_promises(value, keep));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| settle_promises(item, keep)),
        _ => {}
    }
}

fn merge(base: &mut Map<String, Value>, promises: Map<String, Value>) {
    for (key, promise) in promises {
        match (base.get_mut(&key), promise) {
            (Some(Value::Object(base)), Value::Object(promise)) => merge(base, promise),
            (Some(Value::Array(base)), Value::Array(more)) => base.extend(more),
            (_, promise) => drop(base.insert(key, promise)),
        }
    }
}

/// As much of a long text as a person reads.
pub fn brief(text: &str) -> String {
    const CHARS: usize = 300;
    if text.chars().count() <= CHARS { text.to_owned() } else { text.chars().take(CHARS).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_every_operation_can_be_judged() {
        let contract = Contract::load(false).unwrap_or_else(|failure| panic!("{failure:?}"));
        let operations = contract.operations();
        assert!(operations.len() > 70 && operations.iter().all(|operation| !operation.id.is_empty()));
        for operation in operations {
            let statuses = (200..600).filter_map(|status| contract.response(&operation, status));
            for schema in statuses.filter_map(|response| response.pointer("/content/application~1json/schema")) {
                contract.validator(schema).unwrap_or_else(|why| panic!("{}: {why}", operation.id));
            }
        }
    }

    #[test]
    fn promises_are_demanded_unless_the_documents_are_all() {
        let refusal = json!({ "error": "Short", "message": "Long", "code": "INVALID_AMOUNT", "statusCode": 400 });
        let of = |documented| Contract::load(documented).unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(of(true).problem(&refusal), Ok(()));
        assert!(of(false).problem(&refusal).is_err_and(|why| why.contains("requestId")));
        assert!(
            of(true).problem(&json!({ "error": "Short", "message": "Long", "statusCode": 400 })).is_err_and(|why| why.contains("code"))
        );
        assert!(of(true).event("order.flown", &json!({})).is_err());
    }
}
