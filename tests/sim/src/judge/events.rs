//! Events and their webhooks: each told once, in order, with one body for ever, and received before it is called received.

use super::Judge;
use crate::books::{Books, Change};
use crate::coverage::Coverage;
use crate::receiver::Receiver;

impl Judge {
    pub(super) fn event(&mut self, change: &Change, coverage: &Coverage) {
        let row = &change.after;
        if let Some(before) = &change.before {
            let same = before.0 == row.0;
            return self.demand(same, "an event changes", || format!("{before:?} and {row:?}"));
        }
        coverage.hit(format!("event {}", row.text("type")));
        let numbers = self.sequences.entry(row.text("object_id").to_owned()).or_default();
        let fresh = numbers.insert(row.int("sequence"));
        let object = row.text("object_id").to_owned();
        self.demand(fresh, "two events have one number", || object);
        let body: serde_json::Value = serde_json::from_str(row.text("body")).unwrap_or_default();
        let own = row.has("api") || body.get("id").and_then(serde_json::Value::as_str) == Some(change.id.as_str());
        self.demand(own, "an event's body has another id", || format!("{}: {body}", change.id));
    }

    pub(super) fn delivery(&mut self, change: &Change, books: &Books, receiver: &Receiver, coverage: &Coverage) {
        let row = &change.after;
        let before = change.before.as_ref();
        // One that is sent again begins anew.
        let again = before.is_some_and(|before| before.has("delivered_at") && !row.has("delivered_at"));
        if again {
            coverage.hit("webhook sent again");
        }
        if row.has("delivered_at") && !before.is_some_and(|before| before.has("delivered_at")) {
            coverage.hit("webhook delivered");
            let Some(endpoint) = books.row("webhook_endpoints", row.text("endpoint_id")) else { return };
            let Some(event) = books.row("events", row.text("event_id")) else { return };
            let url = url::Url::parse(endpoint.text("url")).map(String::from).unwrap_or_default();
            let heard = receiver.has_acknowledged(&url, event.text("body").as_bytes());
            self.demand(heard, "a webhook is called received that was not", || format!("{} at {url}", row.text("event_id")));
        }
        if row.has("given_up_at") && !before.is_some_and(|before| before.has("given_up_at")) {
            coverage.hit("webhook given up");
        }
    }

    /// The numbers of each object's events have no gaps.
    pub(super) fn gaps(&mut self) {
        let is_whole = |numbers: &std::collections::BTreeSet<i64>| (1..).zip(numbers).all(|(expected, number)| expected == *number);
        let gap = self.sequences.iter().find(|(_, numbers)| !is_whole(numbers));
        if let Some((object, numbers)) = gap {
            let detail = format!("{object}: {numbers:?}");
            self.wrong("an object's events have gaps", detail);
        }
    }
}
