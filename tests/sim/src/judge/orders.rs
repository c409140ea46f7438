//! Orders: which facts may follow which, and whether the chains bear them out.

use std::sync::Arc;

use payin_core::Units;

use super::Judge;
use crate::books::{Books, Change, Line};
use crate::chain::SimChain;
use crate::coverage::Coverage;

/// The word for an order's facts.
pub fn status(row: &Line) -> &'static str {
    match (row.has("completed_at"), row.has("expired_at")) {
        (true, _) => "completed",
        (false, true) => "expired",
        (false, false) => "pending",
    }
}

fn fact(row: &Line) -> &'static str {
    match status(row) {
        "completed" if row.has("reverted_at") => "reverted",
        "pending" if row.has("seen_at") => "seen",
        "expired" if row.has("paid_late_at") => "expired, paid late",
        status => status,
    }
}

/// What has really come for an order, on the chain as it is now: to its address, in its currency, while it had it and in time.
pub fn truly_paid(id: &str, row: &Line, books: &Books, chains: &[Arc<SimChain>]) -> Units {
    let Some(chain) = chains.iter().find(|chain| chain.id() == row.text("chain_id")) else { return Units::ZERO };
    let begins = books.table("assignments").find(|(_, line)| line.text("holder_id") == id).map(|(_, line)| line.int("begins_at"));
    let Some(begins) = begins else { return Units::ZERO };
    let counts = |time_s: u64| {
        let time = i64::try_from(time_s).expect("a time") * 1_000;
        begins <= time && time <= row.int("closes_at")
    };
    let ours = chain
        .canonical()
        .into_iter()
        .filter(|(_, _, time_s, moved)| moved.to == row.text("address") && moved.currency == row.text("currency") && counts(*time_s));
    ours.fold(Units::ZERO, |sum, (.., moved)| sum.saturating_add(moved.amount))
}

/// Whether a reorganisation has replaced blocks by which the order may have been decided.
pub fn is_excused(row: &Line, chains: &[Arc<SimChain>]) -> bool {
    let on = chains.iter().find(|chain| chain.id() == row.text("chain_id"));
    on.is_some_and(|chain| chain.has_replaced_what_decided(row.int("created_at"), row.int("closes_at")))
}

impl Judge {
    pub(super) fn order(&mut self, change: &Change, books: &Books, chains: &[Arc<SimChain>], coverage: &Coverage) {
        let (id, after) = (&change.id, &change.after);
        let deep = is_excused(after, chains);
        let was = change.before.as_ref().map_or("nothing", fact);
        if was != fact(after) {
            coverage.hit(format!("order: {was} → {}", fact(after)));
        }
        if let Some(before) = &change.before {
            self.follows(id, before, after);
        }
        let address = books.row("pool_addresses", &after.int("address_id").to_string());
        let own = |address: &Line| {
            (address.text("address"), address.text("organization_id")) == (after.text("address"), after.text("organization_id"))
        };
        self.demand(address.is_some_and(own), "an order has an address of somebody else", || format!("{id}: {after:?} and {address:?}"));
        self.stock(after, books);
        let newly = |name: &str| after.has(name) && !change.before.as_ref().is_some_and(|before| before.has(name));
        let no_longer = |name: &str| !after.has(name) && change.before.as_ref().is_some_and(|before| before.has(name));
        let amount = after.units("amount");
        if newly("completed_at") || no_longer("reverted_at") {
            let paid = truly_paid(id, after, books, chains);
            self.demand(deep || paid >= amount, "an order is completed without its money", || format!("{id}: {paid:?} of {amount:?}"));
            self.demand(after.units("received") >= amount, "an order is completed below its amount", || format!("{after:?}"));
        }
        if newly("expired_at") {
            let paid = truly_paid(id, after, books, chains);
            self.demand(deep || paid < amount, "an order expires although it was paid in time", || format!("{id}: {paid:?} of {amount:?}"));
            let cursor = books.row("chain_cursors", after.text("chain_id"));
            let time = cursor.and_then(|cursor| cursor.opt("confirmed_time"));
            let over = time.is_some_and(|time| time > after.int("closes_at"));
            self.demand(over, "an order expires before its chain says so", || format!("{id}: {time:?}, {}", after.int("closes_at")));
        }
        if newly("reverted_at") {
            self.demand(deep, "a completed order is taken back without cause", || id.clone());
        }
        if newly("released_at") {
            self.demand(status(after) != "pending", "an open order lets go of its address", || id.clone());
        }
    }

    /// A link sells no more than it has, counted by the orders that are open or paid.
    fn stock(&mut self, order: &Line, books: &Books) {
        let link = order.text("payment_link_id");
        let Some(total) = books.row("payment_links", link).and_then(|link| link.opt("inventory_total")) else { return };
        let taken = |row: &Line| row.text("payment_link_id") == link && status(row) != "expired";
        let sold = books.table("orders").filter(|(_, row)| taken(row)).count();
        self.demand(i64::try_from(sold).is_ok_and(|sold| sold <= total), "a link is oversold", || format!("{link}: {sold} of {total}"));
    }

    /// Only such facts follow.
    fn follows(&mut self, id: &str, before: &Line, after: &Line) {
        for name in ["completed_at", "expired_at", "released_at"] {
            let kept = !before.has(name) || before.opt(name) == after.opt(name);
            self.demand(kept, "a fact is taken back", || format!("{id}: {name} was {:?} and is {:?}", before.opt(name), after.opt(name)));
        }
        let both = after.has("completed_at") && after.has("expired_at");
        self.demand(!both, "an order is completed and expired", || id.to_owned());
        for name in ["organization_id", "reference", "chain_id", "currency", "address"] {
            self.demand(before.text(name) == after.text(name), "what an order is changes", || format!("{id}: {name}"));
        }
        let same = before.units("amount") == after.units("amount") && before.int("closes_at") == after.int("closes_at");
        self.demand(same, "what an order asks for changes", || id.to_owned());
        let grows = before.int("event_sequence") <= after.int("event_sequence");
        self.demand(grows, "an order's events are counted backwards", || id.to_owned());
    }

    /// What an order has received is the sum of its confirmed transfers, of which none counts twice.
    pub(super) fn sums(&mut self, id: &str, books: &Books) {
        let Some(order) = books.row("orders", id) else { return };
        let counts =
            |line: &&Line| line.text("order_id") == id && !line.has("unmatched") && line.has("confirmed_at") && !line.has("orphaned_at");
        let counted: Vec<&Line> = books.table("transfers").map(|(_, line)| line).filter(counts).collect();
        let sum = counted.iter().fold(Units::ZERO, |sum, line| sum.saturating_add(line.units("amount")));
        let shown = order.units("received");
        self.demand(sum == shown, "an order's sum is not that of its transfers", || format!("{id}: {shown:?}, not {sum:?}"));
    }
}
