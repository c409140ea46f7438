//! What organizations have set, as one text each. What it says is read in `payin_core::settings`.

use payin_types::{OrderId, OrganizationId};

use super::db::Locked;
use super::statement::locked;
use super::{Conn, Fault, Tx, sql};

fn missing() -> Fault {
    Fault::Corrupt("an organization that was known is not there".to_owned())
}

/// An organization's settings.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId) -> Result<String, Fault> {
    let row = conn.one(sql("SELECT settings FROM organizations WHERE id = $1").text(organization.as_str())).await?;
    row.ok_or_else(missing)?.text("settings")
}

/// An organization's settings, to be changed.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, organization: &OrganizationId) -> Result<Locked<String>, Fault> {
    let row = tx.lock(locked!("SELECT settings FROM organizations WHERE id = $1").text(organization.as_str())).await?;
    row.ok_or_else(missing)?.read(|row| row.text("settings"))
}

/// Replaces them.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut Tx<'_>, _locked: &Locked<String>, organization: &OrganizationId, settings: &str) -> Result<(), Fault> {
    tx.change_one(sql("UPDATE organizations SET settings = $2 WHERE id = $1").text(organization.as_str()).text(settings)).await
}

/// The settings of the organization that an order belongs to.
///
/// # Errors
/// What the database says.
pub async fn of_order(tx: &mut Tx<'_>, order: &OrderId) -> Result<String, Fault> {
    let query = sql("SELECT settings FROM organizations WHERE id = (SELECT organization_id FROM orders WHERE id = $1)");
    tx.one(query.text(order.as_str())).await?.ok_or_else(missing)?.text("settings")
}
