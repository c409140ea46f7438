//! Tables for people. Nothing is wrapped or cut: an address that was copied from here must be whole.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::cell;
use crate::text::clean;

/// Many things, one a row; columns in which nothing stands are left out.
pub fn list(things: &[Value], columns: &[&str]) -> String {
    if things.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = columns.iter().filter(|column| things.iter().any(|thing| !cell(thing, column).is_empty())).collect();
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|column| column.to_string()));
    for thing in things {
        table.add_row(shown.iter().map(|column| clean(&cell(thing, column))));
    }
    format!("{table}\n")
}

/// One thing, one field a row; what is absent is left out, and fields we do not know follow those we do.
pub fn record(thing: &Value, columns: &[&str]) -> String {
    let is_known = |name: &str| columns.iter().any(|column| *column == name || column.split('.').next() == Some(name));
    let others = thing.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str).filter(|name| !is_known(name));
    let rows = columns.iter().copied().chain(others).map(|name| (name, cell(thing, name)));
    let rows: Vec<_> = rows.filter(|(_, value)| !value.is_empty()).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{:width$}  {}\n", clean(name), clean(value))).collect()
}
