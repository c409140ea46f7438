//! Whose an address is that was paid, and who held it when. What that means for the transfer is a rule of `payin_core::transfer`.

use payin_core::address::Address;
use payin_core::transfer::{Holder, OrderHold};
use payin_types::{BindingId, OrderId, OrganizationId, Timestamp};

use super::Recorded;
use crate::store::db::Row;
use crate::store::{Fault, Tx, sql};

/// An address of the pool that was paid, and who holds or last held it.
#[derive(Debug, Clone)]
pub struct Payee {
    /// Its row.
    pub address_id: i64,
    /// Whose it is.
    pub organization_id: OrganizationId,
    holds: Option<Holds>,
}

#[derive(Debug, Clone)]
enum Holds {
    Order(OrderId, OrderHold),
    Deposit(BindingId, String, Option<Timestamp>),
    /// Whoever held it when the transfer was first seen.
    Former(Option<OrderId>, Option<(BindingId, String)>),
}

impl Payee {
    /// The order that holds or last held it.
    #[must_use]
    pub fn order_id(&self) -> Option<&OrderId> {
        match &self.holds {
            Some(Holds::Order(id, _)) => Some(id),
            Some(Holds::Former(order, _)) => order.as_ref(),
            _ => None,
        }
    }

    /// The binding that holds or last held it.
    #[must_use]
    pub fn binding_id(&self) -> Option<&str> {
        match &self.holds {
            Some(Holds::Deposit(id, ..)) => Some(id.as_str()),
            Some(Holds::Former(_, binding)) => binding.as_ref().map(|(id, _)| id.as_str()),
            _ => None,
        }
    }

    /// That binding's reference.
    #[must_use]
    pub fn deposit_reference(&self) -> Option<&str> {
        match &self.holds {
            Some(Holds::Deposit(_, reference, _)) => Some(reference),
            Some(Holds::Former(_, binding)) => binding.as_ref().map(|(_, reference)| reference.as_str()),
            _ => None,
        }
    }

    /// What the holder asks for.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        self.holds.as_ref().and_then(|holds| match holds {
            Holds::Order(_, hold) => Some(Holder::Order(hold.clone())),
            Holds::Deposit(_, _, released_at) => Some(Holder::Deposit(*released_at)),
            Holds::Former(..) => None,
        })
    }

    /// Whether the address had another holder, or none, when the transfer was first seen. What was sent to one is never the next one's,
    /// in whichever block it stands.
    #[must_use]
    pub fn succeeds(&self, seen: &Recorded) -> bool {
        let holder = (seen.order_id.as_ref(), seen.binding.as_ref().map(|(id, _)| id.as_str()));
        seen.address_id == self.address_id && holder != (self.order_id(), self.binding_id())
    }

    /// The same address, with the holder it had when the transfer was first seen.
    #[must_use]
    pub fn formerly(self, seen: &Recorded) -> Self {
        Self { holds: Some(Holds::Former(seen.order_id.clone(), seen.binding.clone())), ..self }
    }
}

/// Who an address belongs to, with the holder whose assignment covers a block's time, else the latest one before it.
///
/// # Errors
/// What the database says.
pub async fn find(tx: &mut Tx<'_>, protocol: &str, address: &Address, block_time: Timestamp) -> Result<Option<Payee>, Fault> {
    let row = tx
        .one(
            sql("SELECT p.id AS address_id, p.organization_id, a.holder_kind, a.holder_id, a.released_at, o.chain_id, o.currency, \
                 o.closes_at, o.expired_at, b.reference FROM pool_addresses p \
                 LEFT JOIN assignments a ON a.address_id = p.id AND a.begins_at <= $3 \
                 LEFT JOIN orders o ON a.holder_kind = 'order' AND o.id = a.holder_id \
                 LEFT JOIN deposit_bindings b ON a.holder_kind = 'deposit' AND b.id = a.holder_id \
                 WHERE p.protocol = $1 AND p.address = $2 \
                 ORDER BY a.begins_at DESC NULLS LAST LIMIT 1")
            .text(protocol)
            .text(address.as_str())
            .int(block_time.millis()),
        )
        .await?;
    row.as_ref().map(payee).transpose()
}

fn payee(row: &Row) -> Result<Payee, Fault> {
    let holds = match row.opt_text("holder_kind")?.as_deref() {
        None => None,
        Some("order") => {
            let hold = OrderHold {
                chain_id: row.text("chain_id")?.into(),
                currency: row.text("currency")?.into(),
                closes_at: row.time("closes_at")?,
                expired: row.opt_int("expired_at")?.is_some(),
                released_at: row.opt_time("released_at")?,
            };
            Some(Holds::Order(row.text("holder_id")?.into(), hold))
        }
        Some(_) => Some(Holds::Deposit(row.text("holder_id")?.into(), row.text("reference")?, row.opt_time("released_at")?)),
    };
    Ok(Payee { address_id: row.int("address_id")?, organization_id: row.text("organization_id")?.into(), holds })
}
