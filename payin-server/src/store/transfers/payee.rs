//! Whose an address is that was paid, and who held it when. What that means for the transfer is a rule of `payin_core::transfer`.

use payin_core::address::Address;
use payin_core::transfer::{Holder, OrderHold};
use payin_types::{BindingId, OrderId, OrganizationId, Timestamp};

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
}

impl Payee {
    /// The order that holds or last held it.
    #[must_use]
    pub fn order_id(&self) -> Option<&OrderId> {
        if let Some(Holds::Order(id, _)) = &self.holds { Some(id) } else { None }
    }

    /// The binding that holds or last held it.
    #[must_use]
    pub fn binding_id(&self) -> Option<&str> {
        if let Some(Holds::Deposit(id, ..)) = &self.holds { Some(id.as_str()) } else { None }
    }

    /// That binding's reference.
    #[must_use]
    pub fn deposit_reference(&self) -> Option<&str> {
        if let Some(Holds::Deposit(_, reference, _)) = &self.holds { Some(reference) } else { None }
    }

    /// What the holder asks for.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        self.holds.as_ref().map(|holds| match holds {
            Holds::Order(_, hold) => Holder::Order(hold.clone()),
            Holds::Deposit(_, _, released_at) => Holder::Deposit(*released_at),
        })
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
