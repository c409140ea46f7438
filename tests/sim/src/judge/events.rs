//! Events and their webhooks: each told once, in order, with one body for ever, and received before it is called received.

use payin_types::Amount;
use serde_json::Value;

use super::Judge;
use crate::books::{Books, Change, Line};
use crate::coverage::Coverage;
use crate::receiver::Receiver;

impl Judge {
    pub(super) fn event(&mut self, change: &Change, books: &Books, coverage: &Coverage) {
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
        let body: Value = serde_json::from_str(row.text("body")).unwrap_or_default();
        let own = row.has("api") || body.get("id").and_then(Value::as_str) == Some(change.id.as_str());
        self.demand(own, "an event's body has another id", || format!("{}: {body}", change.id));
        if let Some(order) = books.row("orders", row.text("object_id")).filter(|_| !row.has("api")) {
            self.tells_of(order, row, &body["data"]);
        }
    }

    /// What an event says of its order for ever. What changes may have changed again by now.
    fn tells_of(&mut self, order: &Line, event: &Line, data: &Value) {
        let amount = |name: &str| data[name].as_str().and_then(|text| text.parse::<Amount>().ok()).map(|amount| amount.to_decimal());
        let asked = order.units("amount").to_amount().to_decimal();
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let same = order.text("organization_id") == event.text("organization_id")
            && (text("orderReference"), text("address")) == (order.text("reference").to_owned(), order.text("address").to_owned())
            && (text("chainId"), text("currency")) == (order.text("chain_id").to_owned(), order.text("currency").to_owned())
            && amount("amount") == Some(asked);
        self.demand(same, "an event says something else than its order", || format!("{order:?} and {data}"));
        if event.text("type") == "order.completed" {
            let paid = data["status"] == "completed" && amount("receivedAmount").is_some_and(|received| received >= asked);
            self.demand(paid, "an order is told to be completed that was not paid", || data.to_string());
        }
    }

    pub(super) fn delivery(&mut self, change: &Change, books: &Books, receiver: &Receiver, coverage: &Coverage) {
        let row = &change.after;
        let before = change.before.as_ref();
        let (endpoint, event) = (books.row("webhook_endpoints", row.text("endpoint_id")), books.row("events", row.text("event_id")));
        let one = |line: Option<&Line>| line.map(|line| line.text("organization_id").to_owned());
        self.demand(one(endpoint) == one(event) && event.is_some(), "an event is told to somebody else", || format!("{row:?}"));
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
