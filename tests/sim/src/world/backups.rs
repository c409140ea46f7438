//! Backups, and the day on which one is all that there is. What was answered after it was made is lost with the rest; what the chains know is
//! not, and has the names that it had.

use std::collections::BTreeMap;

use payin_sdk::ImportAddresses;
use payin_server::app::pool::restored::Restored;
use payin_types::{Protocol, Timestamp};

use super::World;
use super::setup::address;
use crate::dice::Dice;
use crate::disk::Backup;
use crate::receiver::Trust;

/// Addresses of each family that each merchant brings afterwards.
const FRESH: usize = 8;

/// A backup, and who was trusted when it was made.
pub struct Kept {
    backup: Backup,
    trusted: BTreeMap<String, Trust>,
    at: Timestamp,
}

/// A backup older than this is of no use to anybody here: within a day its keys and claims still mean something.
const USEFUL_S: u64 = 12 * 3600;

impl World {
    pub(super) fn back_up(&mut self) {
        self.kept = Some(Kept { backup: self.disk.backup(), trusted: self.receiver.trusted(), at: self.time.now() });
        self.coverage.hit("a backup is made");
    }

    /// Everything is gone but the newest backup. Whoever restores it does as the documents say.
    pub(super) async fn restore(&mut self, dice: &mut Dice) {
        let Some(kept) = self.kept.take().filter(|kept| self.time.now().since(kept.at).as_secs() < USEFUL_S) else { return };
        // All that was there is known by now, for comparison.
        let _ = self.look().await;
        self.servers = [None, None];
        self.paused = [0; 2];
        self.line.lead_to(None);
        let before = self.books.rows.remove("transfers").unwrap_or_default();
        self.disk.restore(&kept.backup);
        self.receiver.may_hear_again();
        self.receiver.trust_as_before(kept.trusted);
        self.start(0).await;
        let app = self.servers[0].as_ref().expect("a server").app.clone();
        app.store.write(Restored::new(&app, 0)).await.expect("what is free is put away");
        self.books.begin_anew(&self.disk.path()).await;
        self.judge.restored(before.iter(), &self.books);
        let there = |id: &str| self.books.row("orders", id).is_some();
        self.memory.orders.retain(|order| there(&order.id));
        self.memory
            .deposits
            .retain(|deposit| self.books.table("deposit_bindings").any(|(_, row)| row.text("reference") == deposit.reference));
        self.memory.asked.clear();
        for merchant in 0..self.merchants.len() {
            for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana] {
                let addresses: Vec<String> = (0..FRESH).map(|_| address(&protocol, dice)).collect();
                let import = ImportAddresses::new(protocol, addresses.join("\n"));
                self.merchants[merchant].client.addresses().import(&import).await.expect("an import");
            }
        }
        self.coverage.hit("a backup is restored");
        self.moved();
    }
}
