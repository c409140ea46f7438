//! The end of a world: everything heals, time goes on, and within a bounded time everything must be decided and told.

use std::time::Duration;

use payin_types::Timestamp;

use super::World;
use crate::chain::node::Wrong;
use crate::judge::Violation;

/// Rounds of time until all must be at rest. The longest wait of a webhook is a day.
const ROUNDS: usize = 60;

impl World {
    /// Heals, and looks for the last time.
    ///
    /// # Errors
    /// What the judge finds.
    pub async fn heal(&mut self) -> Result<(), Violation> {
        self.note(format_args!("healing"));
        self.receiver.heal();
        for chain in &self.chains {
            chain.nodes.iter().for_each(|node| *node.wrong() = Wrong::default());
            let mut state = chain.state();
            state.minority = None;
            state.real.stall(false);
        }
        self.paused = [0; 2];
        if let Some(second) = self.servers[1].take() {
            second.stop().await;
            self.receiver.may_hear_again();
        }
        if self.servers[0].is_none() {
            self.start(0).await;
        }
        self.lead();
        if let Some(server) = &mut self.servers[0] {
            server.clock.set(0);
            server.gate.arm(0);
        }
        while let Some((slot, stepped)) = match &mut self.servers[0] {
            Some(server) => server.let_go().await,
            None => None,
        } {
            self.stepped(0, slot, stepped).await;
        }
        for round in 0..ROUNDS {
            self.look().await?;
            self.mine_all(if round < 8 { 6 } else { 2 });
            self.pump(0, 3_000).await;
            self.look().await?;
            if round >= 8 && self.is_at_rest() {
                break;
            }
            self.pass(round).await;
        }
        self.look().await?;
        let changes = self.books.changes(true).await;
        self.judge.changes(&changes, &self.books, &self.chains, &self.receiver, &self.coverage);
        for table in ["orders", "transfers", "events"] {
            let (there, known) = (self.books.count(table).await, self.books.table(table).count());
            let gone = || format!("{table}: {there}, and there were {known}");
            self.judge.demand(i64::try_from(known) == Ok(there), "rows are gone", gone);
        }
        let (books, chains) = (&self.books, &self.chains);
        self.judge.finally(books, chains, &self.receiver)
    }

    /// Time goes on to what is due next: half an hour, or the next webhook.
    async fn pass(&mut self, round: usize) {
        let due = self.books.number("SELECT MIN(next_attempt_at) FROM deliveries WHERE next_attempt_at IS NOT NULL").await;
        let due = due.map(Timestamp::from_millis).filter(|due| *due > self.time.now());
        match due {
            Some(due) if round >= 8 => self.time.advance_to(due),
            _ => self.time.advance(Duration::from_secs(12 * 60)),
        }
    }

    /// Whether nothing more is expected.
    fn is_at_rest(&self) -> bool {
        let open = self.books.table("orders").any(|(_, row)| !row.has("released_at"));
        let unfinal = self.books.table("transfers").any(|(_, row)| !row.has("orphaned_at") && !row.has("final_at"));
        let untold = self.books.table("deliveries").any(|(_, row)| !row.has("delivered_at") && !row.has("given_up_at"));
        !open && !unfinal && !untold
    }
}
