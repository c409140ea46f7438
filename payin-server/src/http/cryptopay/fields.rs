//! Reading a body whose every field is looked at, so that all that is wrong with it is said at once.

use payin_core::Error;
use payin_core::error::shown_up_to;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::http::body::parse;

/// A field: what it is called, whether it must be there, and whether a value can be read as one.
pub struct Field {
    name: &'static str,
    is_required: bool,
    read: fn(Value) -> Result<(), serde_json::Error>,
}

fn read<T: DeserializeOwned>(value: Value) -> Result<(), serde_json::Error> {
    serde_json::from_value::<T>(value).map(drop)
}

/// A field that must be there.
pub const fn required<T: DeserializeOwned>(name: &'static str) -> Field {
    Field { name, is_required: true, read: read::<T> }
}

/// A field that may be left out, or null.
pub const fn optional<T: DeserializeOwned>(name: &'static str) -> Field {
    Field { name, is_required: false, read: read::<Option<T>> }
}

/// A text that must be there and is nobody's to read: of what is sent in its place only the type is told.
pub const fn secret(name: &'static str) -> Field {
    Field { name, is_required: true, read: read_secret }
}

/// As [`secret`], for one that may be left out, or null.
pub const fn optional_secret(name: &'static str) -> Field {
    Field { name, is_required: false, read: |value| if value.is_null() { Ok(()) } else { read_secret(value) } }
}

fn read_secret(value: Value) -> Result<(), serde_json::Error> {
    let what = match value {
        Value::String(_) => return Ok(()),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Err(serde::de::Error::custom(format!("must be a string, is {what}")))
}

/// Reads a body with these fields and no others.
///
/// # Errors
/// `VALIDATION_ERROR` about every field that is wrong.
pub fn parse_fields<T: DeserializeOwned>(body: &[u8], fields: &[Field]) -> Result<T, Error> {
    let given: Map<String, Value> = parse(body)?;
    let mut wrong = Vec::new();
    for field in fields {
        match given.get(field.name) {
            None if field.is_required => wrong.push(Error::field(field.name, "This field is required")),
            None => {}
            Some(value) => {
                let problem = (field.read)(value.clone()).err();
                wrong.extend(problem.map(|problem| Error::field(field.name, shown_up_to(&problem.to_string(), 240))));
            }
        }
    }
    let unknown = given.keys().filter(|name| !fields.iter().any(|field| field.name == name.as_str()));
    wrong.extend(unknown.map(|name| Error::field(&shown_up_to(name, 80), "There is no such field")));
    match Error::together(wrong) {
        Some(error) => Err(error),
        None => parse(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Body {
        number: u64,
        text: Option<String>,
    }

    const FIELDS: &[Field] = &[required::<u64>("number"), optional::<String>("text")];

    #[test]
    fn a_body_is_read_or_everything_that_is_wrong_is_named() {
        let body: Body = parse_fields(br#"{"number":7,"text":null}"#, FIELDS).unwrap();
        assert_eq!((body.number, body.text), (7, None));
        let said = |body: &str| parse_fields::<Body>(body.as_bytes(), FIELDS).unwrap_err().message;
        assert_eq!(said("{}"), "number: This field is required");
        assert_eq!(
            said(r#"{"number":"7","text":1,"tex":2}"#),
            "number: invalid type: string \"7\", expected u64; text: invalid type: integer `1`, expected a string; tex: There is no such field"
        );
        // What is nobody's to read is not repeated.
        let secrets = &[secret("password"), optional_secret("hint")];
        let said_of = |body: &str| parse_fields::<Map<String, Value>>(body.as_bytes(), secrets).map_err(|error| error.message);
        assert_eq!(said_of(r#"{"password":"x","hint":null}"#).map(|read| read.len()), Ok(2));
        assert_eq!(
            said_of(r#"{"password":12345678,"hint":["12345678"]}"#),
            Err("password: must be a string, is a number; hint: must be a string, is an array".to_owned())
        );
        assert_eq!(said_of("{}"), Err("password: This field is required".to_owned()));
        assert!(said(r#"{"number":7,"number":8}"#).contains("number") && said("{").contains("not JSON") && said("[]").contains("an array"));
    }
}
