//! Whether anything can be written. It must leave nothing behind, and know nothing of what a server writes otherwise.

use super::{Fault, Tx, sql};

/// Writes a row and takes it away again. A statement that changed nothing would not reach the disk.
///
/// # Errors
/// What the database says.
pub async fn prove(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.change_one(sql("INSERT INTO counters (name, value) VALUES ('written', 0)")).await?;
    tx.change_one(sql("DELETE FROM counters WHERE name = 'written'")).await
}
