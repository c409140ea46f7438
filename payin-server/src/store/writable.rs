//! Whether anything can be written. It must leave nothing behind, and know nothing of what a server writes otherwise.

use super::{Fault, Tx, sql};

/// Writes a row of that name and takes it away again. A statement that changed nothing would not reach the disk.
///
/// # Errors
/// What the database says.
pub async fn prove(tx: &mut Tx<'_>, name: &str) -> Result<(), Fault> {
    tx.change_one(sql("INSERT INTO counters (name, value) VALUES ($1, 0)").text(name)).await?;
    tx.change_one(sql("DELETE FROM counters WHERE name = $1").text(name)).await
}
