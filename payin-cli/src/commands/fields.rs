//! Fields of request bodies as people write them on a command line.

use payin_sdk::{Amount, ErrorCode};
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::failure::Failure;

/// An amount. Said here, because a text that is no amount cannot be sent; with the code and exit code that the server would choose.
pub fn amount(text: &str) -> Result<Amount, Failure> {
    text.parse()
        .map_err(|error| Failure::new(Exit::Validation, ErrorCode::InvalidAmount.as_str(), format!("{text:?} is no amount: {error}")))
}

/// The merchant's own data, from pairs; nothing where there are none.
pub fn metadata(pairs: Vec<(String, String)>) -> Result<Option<Map<String, Value>>, Failure> {
    let mut fields = Map::new();
    for (key, value) in pairs {
        if fields.contains_key(&key) {
            return Err(Failure::usage(format!("--metadata {key:?} is given twice")));
        }
        fields.insert(key, value.into());
    }
    Ok(Some(fields).filter(|fields| !fields.is_empty()))
}

/// A setting's value: JSON where it is a number, true, false or null; else the text as it stands.
pub fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        assert_eq!(
            ["15", "true", "null", "fast", "\"15\"", "[1]", ""].map(value),
            [json!(15), json!(true), json!(null), json!("fast"), json!("\"15\""), json!("[1]"), json!("")]
        );
    }

    #[test]
    fn pairs_of_metadata_are_given_once() {
        let pair = |key: &str| (key.to_owned(), "v".to_owned());
        assert_eq!(metadata(vec![]).unwrap(), None);
        assert_eq!(json!(metadata(vec![pair("a"), pair("b")]).unwrap()), json!({ "a": "v", "b": "v" }));
        assert!(metadata(vec![pair("a"), pair("a")]).is_err());
    }
}
