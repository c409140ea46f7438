//! Transfers: each is one that was really made, once, to an address of the pool, and counts for whoever had the address.

use std::sync::Arc;

use super::Judge;
use crate::books::{Books, Change, Line};
use crate::chain::{Moved, SimChain, Tx};
use crate::coverage::Coverage;

/// Whether a row says what a transaction moved.
pub fn tells(row: &Line, moved: &Moved) -> bool {
    moved.ordinal.is_none_or(|ordinal| i64::try_from(ordinal) == Ok(row.int("ordinal")))
        && (moved.to.as_str(), moved.contract.as_str(), moved.currency.as_str())
            == (row.text("to_address"), row.text("contract"), row.text("currency"))
        && moved.amount == row.units("amount")
}

/// What makes a transfer the one that it is.
pub fn identity(row: &Line) -> (String, String, i64) {
    (row.text("chain_id").to_owned(), row.text("tx_hash").to_owned(), row.int("ordinal"))
}

impl Judge {
    pub(super) fn transfer(&mut self, change: &Change, books: &Books, chains: &[Arc<SimChain>], coverage: &Coverage) {
        let (id, row) = (&change.id, &change.after);
        let Some(chain) = chains.iter().find(|chain| chain.id() == row.text("chain_id")) else {
            return self.wrong("a transfer of no chain", id.clone());
        };
        let deep = chain.has_replaced(row.int("block_time"));
        let (tx, place) = {
            let state = chain.state();
            let hash = row.text("tx_hash");
            (state.txs.get(hash).cloned(), state.real.place(hash))
        };
        self.identity(change, tx.as_ref());
        self.place(change, tx.as_ref(), place, deep);
        let verdict = match (row.has("orphaned_at"), row.text("unmatched")) {
            (true, _) => "orphan",
            (false, "") if row.has("deposit_id") => "deposit",
            (false, "") => "order",
            (false, reason) => reason,
        };
        coverage.hit(format!("transfer: {verdict}"));
        let pool = books.row("pool_addresses", &row.int("address_id").to_string());
        let ours = pool.is_some_and(|pool| {
            (pool.text("address"), pool.text("organization_id")) == (row.text("to_address"), row.text("organization_id"))
        });
        self.demand(ours, "a transfer to an address of somebody else", || format!("{row:?} and {pool:?}"));
        if !row.has("unmatched") && !row.has("orphaned_at") {
            self.counts_rightly(id, row, books);
        }
    }

    /// It was made, as it is told; and it is the same one for ever.
    fn identity(&mut self, change: &Change, tx: Option<&Tx>) {
        let (id, row) = (&change.id, &change.after);
        match tx {
            None => self.wrong("a transfer that nobody made", format!("{id}: {row:?}")),
            Some(Tx { forgery: Some(forgery), .. }) => self.wrong("a forgery is believed", format!("{id}: {forgery}: {row:?}")),
            Some(tx) => {
                let told = tx.moved.iter().any(|moved| tells(row, moved));
                self.demand(told, "a transfer is told wrongly", || format!("{id}: {row:?}, not {:?}", tx.moved));
            }
        }
        if let Some(before) = &change.before {
            self.demand(identity(before) == identity(row), "a transfer becomes another one", || id.clone());
        }
        if let Some(name) = self.named.get(&identity(row)).filter(|name| *name != id).cloned() {
            self.wrong("a transfer has another name after a backup was restored", format!("{name} and {id}"));
        }
    }

    /// It stood where it is said to stand, and what counts stands there still.
    fn place(&mut self, change: &Change, tx: Option<&Tx>, place: Option<(u64, u64)>, deep: bool) {
        let (id, row) = (&change.id, &change.after);
        let height = u64::try_from(row.int("block_number")).unwrap_or(u64::MAX);
        let stood = tx.is_none_or(|tx| tx.places.contains(&height));
        self.demand(stood, "a transfer stands where it never was", || format!("{id}: {height}, not {:?}", tx.map(|tx| &tx.places)));
        let newly = |name: &str| row.has(name) && !change.before.as_ref().is_some_and(|before| before.has(name));
        if (newly("confirmed_at") || newly("final_at")) && !row.has("orphaned_at") && !deep {
            let stands = place.is_some_and(|(now, _)| now == height);
            self.demand(stands, "a transfer counts that is not on the chain", || format!("{id}: {height}, and it is {place:?}"));
        }
        let counted = change.before.as_ref().is_some_and(|before| before.has("confirmed_at") && !before.has("orphaned_at"));
        if counted && row.has("orphaned_at") {
            self.demand(deep, "what counted is taken back without cause", || id.clone());
        }
    }

    /// Whoever it counts for had the address, asked for this, and it came in time.
    fn counts_rightly(&mut self, id: &str, row: &Line, books: &Books) {
        let time = row.int("block_time");
        let (kind, holder) = if row.has("deposit_id") { ("deposit", row.text("binding_id")) } else { ("order", row.text("order_id")) };
        let held = books.table("assignments").any(|(_, line)| {
            (line.text("holder_kind"), line.text("holder_id"), line.int("address_id")) == (kind, holder, row.int("address_id"))
                && line.int("begins_at") <= time
        });
        self.demand(held, "a transfer counts for who did not have the address", || format!("{id}: {row:?}"));
        let released = |line: &Line| line.opt("released_at").is_some_and(|released| released <= time);
        let let_go = books.table("assignments").any(|(_, line)| {
            (line.text("holder_kind"), line.text("holder_id"), line.int("address_id")) == (kind, holder, row.int("address_id"))
                && released(line)
        });
        self.demand(!let_go, "a transfer counts for who had let go of the address", || format!("{id}: {row:?}"));
        if kind == "deposit" {
            let binding = books.row("deposit_bindings", holder);
            let right = binding.is_some_and(|binding| {
                (binding.text("reference"), binding.text("organization_id")) == (row.text("deposit_reference"), row.text("organization_id"))
            });
            self.demand(right, "a deposit counts for another reference", || format!("{id}: {row:?} and {binding:?}"));
        } else {
            let order = books.row("orders", holder);
            let right = order.is_some_and(|order| {
                (order.text("chain_id"), order.text("currency"), order.text("address"))
                    == (row.text("chain_id"), row.text("currency"), row.text("to_address"))
                    && time <= order.int("closes_at")
            });
            self.demand(right, "a transfer counts for an order that did not ask for it", || format!("{id}: {row:?} and {order:?}"));
        }
    }

    pub(super) fn assignment(&mut self, change: &Change, books: &Books) {
        let address = change.after.int("address_id");
        let live = books.table("assignments").filter(|(_, line)| line.int("address_id") == address && !line.has("released_at")).count();
        self.demand(live <= 1, "an address has two holders", || format!("{change:?}"));
    }
}
