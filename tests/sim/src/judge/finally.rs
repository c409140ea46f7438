//! What must be true in the end, when everything has healed and come to rest: all that was paid is in the books, all that was promised is
//! decided, all that happened was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::orders::{status, truly_paid};
use super::transfers::tells;
use super::{Judge, Violation};
use crate::books::{Books, Line};
use crate::chain::SimChain;
use crate::receiver::Receiver;

impl Judge {
    /// The last look.
    ///
    /// # Errors
    /// What is wrong.
    pub fn finally(&mut self, books: &Books, chains: &[Arc<SimChain>], receiver: &Receiver) -> Result<(), Violation> {
        for chain in chains {
            self.all_there(chain, books);
        }
        for (id, row) in books.table("orders") {
            self.decided(id, row, books, chains);
            self.told_of(id, books);
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
        let deep = chains.iter().any(|chain| chain.id() == row.text("chain_id") && chain.state().deep);
        let (paid, amount) = (truly_paid(id, row, books, chains), row.units("amount"));
        let is_paid = paid >= amount;
        let detail = || format!("{id}: {paid:?} of {amount:?}, {row:?}");
        match status(row) {
            "pending" => self.wrong("an order is never decided", detail()),
            "completed" => self.demand(is_paid != row.has("reverted_at"), "an order is completed and was not paid", detail),
            // A payment that comes back after its order has expired is late.
            _ => self.demand(deep || !is_paid, "an order was paid and has expired", detail),
        }
        let told = |name: &str| books.table("events").any(|(_, event)| event.text("object_id") == id && event.text("type") == name);
        let alpha = books
            .table("webhook_endpoints")
            .any(|(_, line)| line.text("organization_id") == row.text("organization_id") && line.text("url").ends_with("/all"));
        if alpha && status(row) != "pending" {
            let name = if status(row) == "completed" { "order.completed" } else { "order.expired" };
            self.demand(told(name), "what became of an order was not told", || format!("{id}: {name}"));
        }
        self.demand(row.has("released_at"), "an order keeps its address for ever", detail);
    }

    /// Every webhook was received, or its endpoint wants no more.
    fn all_told(&mut self, books: &Books, receiver: &Receiver) {
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
