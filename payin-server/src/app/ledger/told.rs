//! What is told of transfers and deposits, beside what is told of orders. It decides nothing.

use payin_core::record::Depth;
use payin_core::transfer::is_dust;
use payin_core::{Chain, Units, event};
use payin_types::{EventType, OrganizationId, Timestamp, TransferId};
use serde_json::Map;

use crate::app::events::{Happened, is_wanted, record};
use crate::store::transfers::records;
use crate::store::{Fault, Tx, deposits, events};

/// A transfer of which something is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// Whose it is.
    pub(super) organization_id: &'a OrganizationId,
    /// Which.
    pub(super) transfer: &'a TransferId,
    /// How much: of dust nothing is told.
    pub(super) amount: Units,
    /// Its chain.
    pub(super) chain: &'a Chain,
    /// The newest block of that chain.
    pub(super) head: u64,
    /// The time.
    pub(super) now: Timestamp,
}

impl Told<'_> {
    /// Tells of the transfer itself, if anybody asks for that.
    pub(super) async fn transfer(&self, tx: &mut Tx<'_>, event_type: EventType) -> Result<(), Fault> {
        if is_dust(self.amount) || !is_wanted(tx, self.organization_id, &event_type, self.now).await? {
            return Ok(());
        }
        let data = event::transfer_data(&self.recorded(tx).await?.record.to_wire(self.depth()));
        self.tell(tx, event_type, self.transfer.as_str(), data).await
    }

    /// Tells of the deposit that the transfer is.
    pub(super) async fn deposit(&self, tx: &mut Tx<'_>, event_type: EventType) -> Result<(), Fault> {
        if is_dust(self.amount) || !is_wanted(tx, self.organization_id, &event_type, self.now).await? {
            return Ok(());
        }
        let found = self.recorded(tx).await?;
        let deposit = found.record.to_deposit(self.depth());
        let deposit = deposit.ok_or_else(|| Fault::Corrupt(format!("transfer {} is no deposit", self.transfer)))?;
        let metadata = deposits::metadata_of(tx, self.organization_id, &deposit.deposit_reference).await?;
        let data = event::deposit_data(&deposit, &metadata.unwrap_or_else(Map::new));
        self.tell(tx, event_type, deposit.deposit_id.as_str(), data).await
    }

    fn depth(&self) -> Depth {
        Depth { head: Some(self.head), required: Some(self.chain.confirmations) }
    }

    async fn recorded(&self, tx: &mut Tx<'_>) -> Result<records::Shown, Fault> {
        let found = records::get(tx, self.organization_id, self.transfer).await?;
        found.ok_or_else(|| Fault::Corrupt(format!("transfer {} is told of and does not exist", self.transfer)))
    }

    async fn tell(&self, tx: &mut Tx<'_>, event_type: EventType, object_id: &str, data: serde_json::Value) -> Result<(), Fault> {
        let sequence = events::count(tx, object_id).await?.saturating_add(1);
        let happened = Happened { organization_id: self.organization_id, event_type, object_id, sequence, data, now: self.now };
        record(tx, happened).await.map(drop)
    }
}
