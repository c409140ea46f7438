//! Pieces of sentences: sums, spans of time, lists of transactions. No meaning.

use std::time::Duration;

use payin_types::Currency;

use crate::Units;
use crate::record::{Depth, Record};

/// Transactions named before the rest is only counted.
const NAMED: usize = 3;

/// `12.50 USDT`.
pub(super) fn amount(units: Units, currency: &Currency) -> String {
    format!("{} {currency}", units.to_amount())
}

/// `1 transfer`, `2 transfers`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `35 s`, `5 min`, `2 h 5 min`, `3 d 2 h`: the two largest parts, where the second is something.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let from = parts.iter().position(|(number, _)| *number > 0);
    let shown = parts.iter().skip(from.unwrap_or(3)).take(2).enumerate().filter(|(place, (number, _))| *place == 0 || *number > 0);
    shown.map(|(_, (number, unit))| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

/// The transactions of transfers, each once: `in transaction 0x1`.
pub(super) fn transactions(transfers: &[&(Record, Depth)]) -> String {
    let mut hashes: Vec<&str> = Vec::new();
    for (record, _) in transfers {
        if !hashes.contains(&record.transfer.tx_hash.as_str()) {
            hashes.push(&record.transfer.tx_hash);
        }
    }
    let named: Vec<&str> = hashes.iter().copied().take(NAMED).collect();
    match hashes.len() {
        0 => "in no transaction that is shown".to_owned(),
        1 => format!("in transaction {}", named.join("")),
        all if all <= NAMED => format!("in transactions {}", named.join(", ")),
        all => format!("in transactions {} and {} more", named.join(", "), all.saturating_sub(NAMED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_parts_at_most() {
        let cases = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (65, "1 min 5 s"), (3600, "1 h"), (3725, "1 h 2 min"), (90_000, "1 d 1 h")];
        for (seconds, text) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
