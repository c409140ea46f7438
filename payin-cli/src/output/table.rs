//! Tables for people. Nothing is wrapped or cut: an address that was copied from here must be whole.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::cell;
use crate::text::clean;

/// How many columns of a list are shown whatever room there is.
const ALWAYS: usize = 2;

/// What stands between two columns.
const GAP: usize = 2;

/// Many things, one a row. Left out are columns in which nothing stands, and those for which `width` has no room.
pub fn list(things: &[Value], columns: &[&str], width: usize) -> String {
    if things.is_empty() {
        return String::new();
    }
    let text = |thing: &Value, column: &str| clean(&brief(thing, column));
    let filled = columns.iter().copied().filter(|column| things.iter().any(|thing| !text(thing, column).is_empty()));
    let (mut shown, mut taken) = (Vec::new(), 0usize);
    for column in filled {
        let widest = things.iter().map(|thing| text(thing, column).chars().count()).max().unwrap_or_default();
        let needed = taken.saturating_add(widest.max(title(column).len())).saturating_add(GAP);
        if shown.len() < ALWAYS || needed <= width.saturating_add(GAP) {
            (shown, taken) = ([shown, vec![column]].concat(), needed);
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|column| title(column)));
    for thing in things {
        table.add_row(shown.iter().map(|column| text(thing, column)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// One thing, one field a row; what is absent is left out, and fields we do not know follow those we do.
pub fn record(thing: &Value, columns: &[&str]) -> String {
    let is_known = |name: &str| columns.iter().any(|column| *column == name || column.split('.').next() == Some(name));
    let others = thing.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str).filter(|name| !is_known(name));
    let rows = columns.iter().copied().chain(others).map(|name| (name, brief(thing, name)));
    let rows: Vec<_> = rows.filter(|(_, value)| !value.is_empty()).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{:width$}  {}\n", clean(name), clean(value))).collect()
}

/// What stands above a column: the field's name, without that of what it is within.
fn title(column: &str) -> &str {
    column.rsplit('.').next().unwrap_or(column)
}

/// A cell for eyes: sums by currency read `12.50 USDT`, the currencies of a link `USDT on ethereum-sepolia`.
fn brief(thing: &Value, column: &str) -> String {
    match thing.get(column) {
        Some(Value::Array(currencies)) if column == "currencies" => {
            let one = |item: &Value| format!("{} on {}", cell(item, "currency"), cell(item, "chainOptions"));
            currencies.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Some(Value::Object(sums)) if matches!(column, "volume" | "revenue" | "totalAmount") => {
            let sum = |(currency, amount): (&String, &Value)| format!("{} {currency}", amount.as_str().unwrap_or_default());
            sums.iter().map(sum).collect::<Vec<_>>().join(", ")
        }
        _ => cell(thing, column),
    }
}
