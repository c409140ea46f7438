//! Answers as text: what stands in a cell. The formats, and which columns a thing has, have files of their own.

pub mod columns;
pub mod csv;
pub mod table;

use clap::ValueEnum;
use serde_json::Value;

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// As the API says it
    Json,
    /// One JSON object a line
    Ndjson,
    /// With a header, safe to open in a spreadsheet
    Csv,
}

/// Fields of a thing by their names in JSON, `a.b` for a field within a field, in the order they are shown; those of a list by what they
/// are worth, because a table shows as many as there is room for.
pub type Columns = &'static [&'static str];

/// What stands in a cell: empty for what is absent, `a, b` for a list of words or for a field of each thing in a list, JSON for what is
/// deeper.
pub fn cell(thing: &Value, column: &str) -> String {
    if let Some((list, field)) = column.split_once('.')
        && let Some(Value::Array(items)) = thing.get(list)
    {
        return items.iter().map(|item| cell(item, field)).collect::<Vec<_>>().join(", ");
    }
    let found = column.split('.').try_fold(thing, |value, name| value.get(name));
    let word = |value: &Value| match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    match found {
        None => String::new(),
        Some(Value::Object(fields)) if fields.is_empty() => String::new(),
        Some(Value::Array(items)) if items.iter().all(|item| word(item).is_some()) => {
            items.iter().filter_map(word).collect::<Vec<_>>().join(", ")
        }
        Some(value) => word(value).unwrap_or_else(|| value.to_string()),
    }
}

#[cfg(test)]
mod tests;
