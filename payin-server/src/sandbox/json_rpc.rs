//! The envelope of JSON-RPC 2.0, as every simulated node has it: single calls, batches, notifications, refusals. It knows no method.

use serde_json::{Value, json};

/// A refusal, in the node's own words.
#[derive(Debug)]
pub(super) struct RpcError {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// −32602: what the caller sent makes no sense, or asks for too much.
    pub(super) fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    pub(super) fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// What a node does with one call's method and parameters, which are positional.
pub(super) type Answers<'a> = dyn FnMut(&str, &[Value]) -> Result<Value, RpcError> + 'a;

/// The method that is called; of a batch the first one.
pub(super) fn method(body: &[u8]) -> String {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let first = request.as_array().and_then(|batch| batch.first()).unwrap_or(&request);
    first.get("method").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Answers a request, or a batch of them. `Null` means that there is nothing to send: only notifications.
pub(super) fn handle(request: &Value, node: &mut Answers<'_>) -> Value {
    match request {
        Value::Array(batch) if batch.is_empty() => failure(&Value::Null, RpcError::new(-32600, "empty batch")),
        Value::Array(batch) => {
            let answers: Vec<Value> = batch.iter().filter_map(|call| answer(call, node)).collect();
            if answers.is_empty() { Value::Null } else { Value::Array(answers) }
        }
        single => answer(single, node).unwrap_or(Value::Null),
    }
}

fn answer(call: &Value, node: &mut Answers<'_>) -> Option<Value> {
    let id = call.get("id");
    let result = run(call, node);
    // Without an id it is a notification, which has no answer; but a thing without a method is not even that.
    let id = match id {
        None if call.get("method").is_some_and(Value::is_string) => return None,
        id => id.unwrap_or(&Value::Null),
    };
    Some(match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => failure(id, error),
    })
}

fn run(call: &Value, node: &mut Answers<'_>) -> Result<Value, RpcError> {
    let version = call.get("jsonrpc").filter(|version| *version == "2.0");
    let Some(method) = version.and(call.get("method")).and_then(Value::as_str) else {
        return Err(RpcError::new(-32600, "invalid request"));
    };
    let none = Vec::new();
    let params = match call.get("params") {
        None | Some(Value::Null) => &none,
        Some(Value::Array(params)) => params,
        Some(_) => return Err(RpcError::params("non-array args")),
    };
    node(method, params)
}

/// Adds a field to an object that is being written.
pub(super) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn failure(id: &Value, error: RpcError) -> Value {
    let mut body = json!({ "code": error.code, "message": error.message });
    if let Some(data) = error.data {
        put(&mut body, "data", data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": body })
}
