//! The judge: raw JSON against `openapi.yaml`. It knows none of our types, so that a mistake in them cannot hide here.
//!
//! It judges in one of two moods. [`Contract::load`] demands what payin-server promises beyond the vendor's documents
//! (`x-server-promises`): fields it always sends, no field that is not described, milliseconds in every timestamp.
//! [`Contract::documented`] demands only what every deployment of the vendor keeps, which is what the documents' own
//! examples can fulfil.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, header};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const PROMISES: &str = "x-server-promises";
const TRAILING_SLASH: &str = "x-trailing-slash";
const UNMATCHED: &str = "x-unmatched-requests";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `openapi.yaml`, ready to judge.
pub struct Contract {
    document: Value,
    /// By the schema's text. To build one takes much longer than to judge by it.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An operation, and the values that stand in the place of its path's parameters.
struct Found<'a> {
    item: &'a Value,
    operation: &'a Value,
    arguments: Vec<(String, String)>,
}

impl Contract {
    /// What payin-server keeps. Panics if the file cannot be read.
    #[must_use]
    pub fn load() -> Self {
        Self::read(true)
    }

    /// What the vendor's documents promise, and no more.
    #[must_use]
    pub fn documented() -> Self {
        Self::read(false)
    }

    fn read(promises: bool) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut document = serde_yaml_ng::from_str(&text).unwrap_or_else(|e| panic!("openapi.yaml: {e}"));
        settle_promises(&mut document, promises, "#");
        Self { document, validators: Mutex::default() }
    }

    /// Every operation as (METHOD, path template), in the file's order.
    #[must_use]
    pub fn operations(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().expect("openapi.yaml has `paths`");
        let of = |(path, item): (&String, &Value)| {
            let methods = METHODS.iter().filter(|m| item.get(**m).is_some());
            methods.map(|m| (m.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of).collect()
    }

    /// The roles whose keys may call an operation; `None` where no key is needed.
    #[must_use]
    pub fn roles(&self, method: &str, template: &str) -> Option<Vec<String>> {
        let roles = self
            .operation(method, template)
            .get("x-roles")?
            .as_array()
            .unwrap_or_else(|| panic!("{method} {template}: x-roles is not a list"));
        Some(roles.iter().map(|role| role.as_str().unwrap_or_else(|| panic!("{method} {template}: {role}")).to_owned()).collect())
    }

    /// What the API that an operation belongs to calls this refusal of the native API's.
    #[must_use]
    pub fn code_of<'a>(&self, method: &str, template: &str, native: &'a str) -> &'a str {
        let tags = &self.operation(method, template)["tags"];
        let is_other = [json!(["PayWarden"]), json!(["CryptoPay"])].contains(tags);
        match native {
            "INVALID_API_KEY" if is_other => "UNAUTHORIZED",
            "INSUFFICIENT_PERMISSIONS" if is_other => "FORBIDDEN",
            "RATE_LIMIT_EXCEEDED" if is_other => "RATE_LIMITED",
            native => native,
        }
    }

    /// Whether an operation says of itself that it wants no key.
    #[must_use]
    pub fn is_public(&self, method: &str, template: &str) -> bool {
        self.operation(method, template)["security"] == json!([])
    }

    /// What the file says of an operation, whose path is written as the file writes it.
    #[must_use]
    pub fn operation(&self, method: &str, template: &str) -> &Value {
        &self.document["paths"][template][method.to_lowercase()]
    }

    /// The first example of an operation's JSON body, if it has one.
    #[must_use]
    pub fn request_example(&self, method: &str, template: &str) -> Option<&Value> {
        let body = self.resolve(self.operation(method, template).get("requestBody")?);
        let (_, example) = body["content"]["application/json"]["examples"].as_object()?.iter().next()?;
        self.resolve(example).get("value")
    }

    /// Every event type that may arrive at a webhook endpoint.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.document["webhooks"].as_object().expect("openapi.yaml has `webhooks`").keys().cloned().collect()
    }

    /// Is this request one the contract allows? `path` may carry a query. `body` is `Null` for a request without one.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let at = format!("{method} {path}");
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let found = self.find(method, bare).ok_or_else(|| format!("{at}: no such operation"))?;
        self.check_arguments(&found, query).map_err(|e| format!("{at}: {e}"))?;
        let Some(described) = found.operation.get("requestBody").map(|b| self.resolve(b)) else {
            return if body.is_null() { Ok(()) } else { Err(format!("{at}: takes no body")) };
        };
        if body.is_null() && described["required"] != json!(true) {
            return Ok(());
        }
        self.check_schema(&described["content"]["application/json"]["schema"], body).map_err(|e| format!("{at}: request body: {e}"))
    }

    /// Is this whole answer one the contract allows? `body` is `Null` for an answer without one.
    pub fn check_response(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &Value) -> Result<(), String> {
        let response = self.response(method, path, status)?;
        let at = |e: String| format!("{method} {path} -> {status}: {e}");
        self.check_headers(response, headers).map_err(at)?;
        self.check_content(response, body).map_err(at)
    }

    /// As [`Contract::check_response`], for an example that comes without headers.
    pub fn check_response_body(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let response = self.response(method, path, status)?;
        self.check_content(response, body).map_err(|e| format!("{method} {path} -> {status}: {e}"))
    }

    /// Is this an event of this type as a webhook endpoint may receive it?
    pub fn check_event(&self, event_type: &str, body: &Value) -> Result<(), String> {
        let hook = self.document["webhooks"].get(event_type).ok_or_else(|| format!("{event_type}: no such event"))?;
        let schema = &hook["post"]["requestBody"]["content"]["application/json"]["schema"];
        self.check_schema(schema, body).map_err(|e| format!("event {event_type}: {e}"))
    }

    /// Checks every example in the file against the schema beside it: how many there are, and what is wrong.
    #[must_use]
    pub fn check_examples(&self) -> (usize, Vec<String>) {
        let (mut count, mut wrong) = (0, Vec::new());
        self.walk_examples(&self.document, "#", &mut count, &mut wrong);
        (count, wrong)
    }

    fn walk_examples(&self, node: &Value, at: &str, count: &mut usize, wrong: &mut Vec<String>) {
        if let (Some(schema), Some(examples)) = (node.get("schema"), node.get("examples").and_then(Value::as_object)) {
            for (name, example) in examples {
                *count += 1;
                if let Err(e) = self.check_schema(schema, &self.resolve(example)["value"]) {
                    wrong.push(format!("{at}/examples/{name}: {e}"));
                }
            }
        }
        match node {
            Value::Object(map) => map.iter().for_each(|(k, v)| self.walk_examples(v, &format!("{at}/{k}"), count, wrong)),
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(i, v)| self.walk_examples(v, &format!("{at}/{i}"), count, wrong));
            }
            _ => {}
        }
    }

    /// Follows `$ref` within this file, as often as needed. Siblings of the `$ref` are for schemas, which are not resolved
    /// here but by the validator.
    fn resolve<'a>(&'a self, mut node: &'a Value) -> &'a Value {
        while let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}: not within openapi.yaml"));
            node = self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference}: points nowhere"));
        }
        node
    }

    fn item(&self, path: &str) -> Option<(&Value, Vec<(String, String)>)> {
        let paths = self.document["paths"].as_object().expect("openapi.yaml has `paths`");
        // Some APIs take a path with and without a slash at its end.
        let shape = |item: &Value, path: &str| {
            let is_optional = item[TRAILING_SLASH] == json!("optional");
            if is_optional { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
        };
        let fit = |template: &str, item: &Value| match_path(&shape(item, template), &shape(item, path.strip_suffix("//").unwrap_or(path)));
        let matches = paths.iter().filter_map(|(template, item)| Some((item, fit(template, item)?)));
        // The template with the fewest parameters is the most exact one.
        matches.min_by_key(|(_, arguments)| arguments.len())
    }

    fn find(&self, method: &str, path: &str) -> Option<Found<'_>> {
        let (item, arguments) = self.item(path)?;
        let operation = item.get(method.to_lowercase())?;
        Some(Found { item, operation, arguments })
    }

    fn response(&self, method: &str, path: &str, status: u16) -> Result<&Value, String> {
        let bare = path.split_once('?').map_or(path, |(bare, _)| bare);
        // An API of its own says no on its own paths.
        let is_its_own = |other: &&Value| self.check_schema(&json!({ "pattern": other["path"] }), &json!(bare)).is_ok();
        let others = self.document[UNMATCHED]["others"].as_array().into_iter().flatten();
        let unmatched = others.into_iter().find(is_its_own).unwrap_or(&self.document[UNMATCHED]);
        let responses = match (self.item(bare), self.find(method, bare)) {
            (None, _) => &unmatched["unknownPath"],
            (Some(_), None) => &unmatched["unknownMethod"],
            (_, Some(found)) => &found.operation["responses"],
        };
        let range = format!("{}XX", status / 100);
        let described = responses.get(status.to_string()).or_else(|| responses.get(range));
        described
            .map(|r| self.resolve(r))
            .ok_or_else(|| format!("{method} {path} -> {status}: this status is not in openapi.yaml for this request"))
    }

    fn check_arguments(&self, found: &Found<'_>, query: &str) -> Result<(), String> {
        let parameters: Vec<&Value> = [found.item, found.operation]
            .iter()
            .filter_map(|o| o.get("parameters").and_then(Value::as_array))
            .flatten()
            .map(|p| self.resolve(p))
            .collect();
        let described = |place: &str, name: &str| parameters.iter().find(|p| p["in"] == json!(place) && p["name"] == json!(name)).copied();
        for (name, text) in &found.arguments {
            let parameter = described("path", name).ok_or_else(|| format!("{{{name}}} is not described"))?;
            self.check_text(&parameter["schema"], text).map_err(|e| format!("{{{name}}}: {e}"))?;
        }
        let mut seen = BTreeSet::new();
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            let parameter = described("query", &name).ok_or_else(|| format!("?{name}: no such parameter"))?;
            if !seen.insert(name.to_string()) {
                return Err(format!("?{name}: given twice"));
            }
            self.check_text(&parameter["schema"], &text).map_err(|e| format!("?{name}: {e}"))?;
        }
        let missing =
            |p: &&&Value| p["in"] == json!("query") && p["required"] == json!(true) && !seen.contains(p["name"].as_str().unwrap_or(""));
        parameters.iter().find(missing).map_or(Ok(()), |p| Err(format!("?{}: missing", p["name"])))
    }

    fn check_headers(&self, response: &Value, headers: &HeaderMap) -> Result<(), String> {
        if response.get("content").is_some() {
            let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
            let media = given.split(';').next().unwrap_or("").trim();
            if !media.eq_ignore_ascii_case("application/json") {
                return Err(format!("header Content-Type: `{given}` is not application/json"));
            }
        }
        let described = response.get("headers").and_then(Value::as_object).into_iter().flatten();
        for (name, header) in described {
            let header = self.resolve(header);
            match headers.get(name) {
                None if header["required"] == json!(true) => return Err(format!("header {name}: missing")),
                None => {}
                Some(value) => {
                    let text = value.to_str().map_err(|e| format!("header {name}: {e}"))?;
                    self.check_text(&header["schema"], text).map_err(|e| format!("header {name}: {e}"))?;
                }
            }
        }
        Ok(())
    }

    fn check_content(&self, response: &Value, body: &Value) -> Result<(), String> {
        match response.get("content") {
            None if body.is_null() => Ok(()),
            None => Err("a body, where none is described".to_owned()),
            Some(content) => self.check_schema(&content["application/json"]["schema"], body).map_err(|e| format!("body: {e}")),
        }
    }

    /// Checks what arrives as text (a header, a parameter) but may mean a number.
    fn check_text(&self, schema: &Value, text: &str) -> Result<(), String> {
        let value = match self.resolve(schema)["type"].as_str() {
            Some("integer") => json!(text.parse::<i64>().map_err(|_| format!("`{text}` is not a whole number"))?),
            Some("boolean") => json!(text.parse::<bool>().map_err(|_| format!("`{text}` is not true or false"))?),
            _ => json!(text),
        };
        self.check_schema(schema, &value)
    }

    fn check_schema(&self, schema: &Value, body: &Value) -> Result<(), String> {
        let faults: Vec<String> = self
            .validator(schema)
            .iter_errors(body)
            .map(|e| format!("at `{}`: {e} (keyword {})", e.instance_path(), e.schema_path()))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut known = self.validators.lock().expect("no test panics while it builds one");
        Arc::clone(known.entry(schema.to_string()).or_insert_with(|| Arc::new(self.build(schema))))
    }

    fn build(&self, schema: &Value) -> Validator {
        let mut root = schema.as_object().unwrap_or_else(|| panic!("not a schema: {schema}")).clone();
        // `#/components/schemas/…` then points into this very schema, and the validator needs no file.
        root.insert("components".to_owned(), json!({ "schemas": self.document["components"]["schemas"] }));
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(&Value::Object(root))
            .unwrap_or_else(|e| panic!("openapi.yaml: not a valid schema at {}: {e}", e.instance_path()))
    }
}

/// Fits a path to a template such as `/orders/{orderId}` and gives back the decoded parts in braces.
fn match_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (want, have): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    if want.len() != have.len() {
        return None;
    }
    let mut arguments = Vec::new();
    for (want, have) in want.into_iter().zip(have) {
        match want.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            None if want == have => {}
            Some(name) if !have.is_empty() => arguments.push((name.to_owned(), percent_decode(have))),
            _ => return None,
        }
    }
    Some(arguments)
}

fn percent_decode(segment: &str) -> String {
    // A form decoder that sees one value: `+` and `&` mean themselves in a path.
    let form = format!("v={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).map(|(_, v)| v.into_owned()).collect()
}

/// Merges every `x-server-promises` into the schema that holds it, or drops it.
fn settle_promises(node: &mut Value, keep: bool, at: &str) {
    match node {
        Value::Object(map) => {
            match map.remove(PROMISES) {
                Some(Value::Object(promises)) if keep => merge(map, promises, at),
                Some(Value::Object(_)) | None => {}
                Some(other) => panic!("{at}/{PROMISES}: not an object but {other}"),
            }
            map.iter_mut().for_each(|(key, value)| settle_promises(value, keep, &format!("{at}/{key}")));
        }
        Value::Array(all) => all.iter_mut().for_each(|value| settle_promises(value, keep, at)),
        _ => {}
    }
}

fn merge(base: &mut Map<String, Value>, promises: Map<String, Value>, at: &str) {
    for (key, promise) in promises {
        let at = format!("{at}/{key}");
        match (base.get_mut(&key), promise) {
            (None, promise) => {
                base.insert(key, promise);
            }
            (Some(Value::Object(base)), Value::Object(promise)) => merge(base, promise, &at),
            (Some(Value::Array(base)), Value::Array(more)) if key == "required" => base.extend(more),
            (Some(base), promise) => panic!("{at}: the promise {promise} contradicts {base}"),
        }
    }
}
