//! What must be true in the end, when everything has healed and come to rest: all that was paid is in the books, all that was promised is
//! decided, all that happened was told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use payin_core::transfer::is_dust;

use super::orders::{is_excused, status, truly_paid};
use super::transfers::tells;
use super::{Judge, Violation};
use crate::books::{Books, Line};
use crate::chain::SimChain;
use crate::receiver::Receiver;

fn times_told(object: &str, name: &str, books: &Books) -> usize {
    books.table("events").filter(|(_, event)| event.text("object_id") == object && event.text("type") == name && !event.has("api")).count()
}

/// Whether an endpoint is told everything that happens to whoever has this.
fn hears_all(endpoint: &Line, of: &Line) -> bool {
    endpoint.text("organization_id") == of.text("organization_id") && endpoint.text("url").ends_with("/all")
}

/// Whether whoever had an address had it when this came, and it was what they had asked for. `skew`: how far servers' clocks may have been off.
/// An address is theirs from when nobody else had it, and what came before they were there, or was first seen then, they did not ask for.
fn wants(held: &Line, transfer: &Line, skew: Duration, books: &Books, chains: &[Arc<SimChain>]) -> bool {
    let (time, skew) = (transfer.int("block_time"), i64::try_from(skew.as_millis()).expect("minutes"));
    let table = if held.text("holder_kind") == "deposit" { "deposit_bindings" } else { "orders" };
    let Some(since) = books.row(table, held.text("holder_id")).map(|holder| holder.int("created_at")) else { return false };
    if time < since + skew || transfer.int("seen_at") < since + 2 * skew {
        return false;
    }
    let had = held.int("address_id") == transfer.int("address_id")
        && held.int("begins_at") <= time
        && held.opt("released_at").is_none_or(|released| time < released);
    had && (held.text("holder_kind") == "deposit"
        || books.row("orders", held.text("holder_id")).is_some_and(|order| {
            (order.text("chain_id"), order.text("currency")) == (transfer.text("chain_id"), transfer.text("currency"))
                && time <= order.int("closes_at")
                && !is_excused(order, chains)
        }))
}

impl Judge {
    /// The last look.
    ///
    /// # Errors
    /// What is wrong.
    pub fn finally(&mut self, books: &Books, chains: &[Arc<SimChain>], receiver: &Receiver) -> Result<(), Violation> {
        for chain in chains {
            self.all_there(chain, books);
        }
        for (id, row) in books.table("transfers").filter(|(_, row)| row.has("unmatched") && !row.has("orphaned_at")) {
            let skew = receiver.clock_skew();
            let holder = books.table("assignments").map(|(_, line)| line).find(|line| wants(line, row, skew, books, chains));
            self.demand(holder.is_none(), "money counts for nobody though somebody waited for it", || format!("{id}: {row:?}, {holder:?}"));
        }
        for (id, row) in books.table("orders") {
            self.decided(id, row, books, chains);
            self.told_of(id, books);
        }
        for (id, row) in books.table("transfers").filter(|(_, row)| row.has("deposit_id")) {
            let (confirmed, reverted) = (
                times_told(row.text("deposit_id"), "deposit.confirmed", books),
                times_told(row.text("deposit_id"), "deposit.reverted", books),
            );
            // Nobody is told of dust.
            let counts = row.has("confirmed_at") && !row.has("orphaned_at") && !is_dust(row.units("amount"));
            let right = confirmed == reverted + usize::from(counts);
            self.demand(right, "a deposit was not told as often as it came", || {
                format!("{id}: {confirmed}, {reverted} taken back: {row:?}")
            });
        }
        self.gaps();
        self.all_told(books, receiver);
        self.verdict()
    }

    /// The same transfers on the chain and in the books, each once.
    fn all_there(&mut self, chain: &SimChain, books: &Books) {
        let ours: BTreeSet<&str> = books.table("pool_addresses").map(|(_, line)| line.text("address")).collect();
        let rows: Vec<(&String, &Line)> =
            books.table("transfers").filter(|(_, row)| row.text("chain_id") == chain.id() && !row.has("orphaned_at")).collect();
        let mut claimed = BTreeSet::new();
        for (hash, height, _, moved) in chain.canonical().into_iter().filter(|(.., moved)| ours.contains(moved.to.as_str())) {
            let found = rows.iter().find(|(id, row)| row.text("tx_hash") == hash && tells(row, &moved) && !claimed.contains(*id));
            match found {
                None => self.wrong("money is not in the books", format!("{} {hash} in {height}: {moved:?}", chain.id())),
                Some((id, row)) => {
                    claimed.insert((*id).clone());
                    let there = u64::try_from(row.int("block_number")) == Ok(height) && row.has("confirmed_at") && row.has("final_at");
                    self.demand(there, "money is in the books and does not count", || format!("{id} in {height}: {row:?}"));
                }
            }
        }
        if let Some((id, row)) = rows.iter().find(|(id, _)| !claimed.contains(*id)) {
            self.wrong("the books have money that is not there", format!("{id}: {row:?}"));
        }
    }

    fn decided(&mut self, id: &str, row: &Line, books: &Books, chains: &[Arc<SimChain>]) {
        let deep = is_excused(row, chains);
        let (paid, amount) = (truly_paid(id, row, books, chains), row.units("amount"));
        let is_paid = paid >= amount;
        let detail = || format!("{id}: {paid:?} of {amount:?}, {row:?}");
        match status(row) {
            "pending" => self.wrong("an order is never decided", detail()),
            "completed" => self.demand(is_paid != row.has("reverted_at"), "an order is completed and was not paid", detail),
            // A payment that comes back after its order has expired is late.
            _ => self.demand(deep || !is_paid, "an order was paid and has expired", detail),
        }
        let told = |name: &str| times_told(id, name, books);
        let reverted = told("order.reverted");
        let right = match status(row) {
            "completed" => told("order.expired") == 0 && told("order.completed") == reverted + usize::from(!row.has("reverted_at")),
            // Only who asks for it is told of late payments.
            _ => {
                told("order.expired") == 1 && told("order.completed") == 0 && {
                    let is_all = books.table("webhook_endpoints").any(|(_, line)| hears_all(line, row));
                    !is_all || told("order.paid_late") == reverted + usize::from(row.has("paid_late_at"))
                }
            }
        };
        self.demand(right, "what became of an order was not told as often as it became so", || {
            let events: Vec<&str> =
                books.table("events").filter(|(_, event)| event.text("object_id") == id).map(|(id, _)| id.as_str()).collect();
            format!("{id}: {events:?}, {row:?}")
        });
        self.demand(row.has("released_at"), "an order keeps its address for ever", detail);
    }

    /// Every webhook was received, or its endpoint wants no more.
    fn all_told(&mut self, books: &Books, receiver: &Receiver) {
        for (id, event) in books.table("events").filter(|(_, event)| !event.has("api")) {
            for (endpoint, _) in books.table("webhook_endpoints").filter(|(_, endpoint)| hears_all(endpoint, event)) {
                let sent = books.row("deliveries", &format!("{id} {endpoint}")).is_some();
                self.demand(sent, "an event is kept from who asked for it", || format!("{id} from {endpoint}"));
            }
        }
        for (id, row) in books.table("deliveries") {
            let over = row.has("delivered_at") || row.has("given_up_at");
            self.demand(over, "a webhook is never delivered", || format!("{id}: {row:?}"));
            let endpoint = books.row("webhook_endpoints", row.text("endpoint_id"));
            let open = endpoint.is_some_and(|endpoint| endpoint.int("enabled") == 1 && !endpoint.has("deleted_at"));
            let gone = endpoint.is_some_and(|endpoint| receiver.was_gone(endpoint.text("url")));
            self.demand(!open || gone || row.has("delivered_at"), "a webhook was given up", || format!("{id}: {row:?}"));
        }
    }
}
