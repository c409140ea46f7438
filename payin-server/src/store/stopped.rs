//! Tokens that their issuers have stopped, as their contracts say: no order is taken in them. Who looks, and how, is not known here.

use payin_types::{Currency, Timestamp};

use super::db::Row;
use super::{Conn, Fault, Tx, sql};

/// A token that its issuer has stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub currency: Currency,
    /// What its contract says.
    pub reason: String,
    /// Since when that is known.
    pub since: Timestamp,
}

/// Those of a chain.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn, chain: &str) -> Result<Vec<Stopped>, Fault> {
    let query = sql("SELECT currency, reason, since FROM stopped_tokens WHERE chain_id = $1 ORDER BY currency");
    let stopped =
        |row: &Row| Ok(Stopped { currency: row.text("currency")?.into(), reason: row.text("reason")?, since: row.time("since")? });
    conn.all(query.text(chain)).await?.iter().map(stopped).collect()
}

/// Writes down that a token is stopped; what was known of it before is replaced.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut Tx<'_>, chain: &str, stopped: &Stopped) -> Result<(), Fault> {
    let insert = sql("INSERT INTO stopped_tokens (chain_id, currency, reason, since) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (chain_id, currency) DO UPDATE SET reason = excluded.reason, since = excluded.since");
    let insert = insert.text(chain).text(stopped.currency.as_str()).text(stopped.reason.as_str()).int(stopped.since.millis());
    tx.change_one(insert).await
}

/// A token goes on.
///
/// # Errors
/// What the database says.
pub async fn remove(tx: &mut Tx<'_>, chain: &str, currency: &Currency) -> Result<(), Fault> {
    let delete = sql("DELETE FROM stopped_tokens WHERE chain_id = $1 AND currency = $2");
    tx.change_one(delete.text(chain).text(currency.as_str())).await
}
