//! How much of its limits each key has used, as one text. What it says is read in `payin_core::quota`.

use payin_types::{ApiKeyId, Timestamp};

use super::db::Locked;
use super::statement::locked;
use super::{Fault, Tx, sql};

/// What a key has used, to be changed; `nothing` if it has never used anything.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, key: &ApiKeyId, nothing: &str, now: Timestamp) -> Result<Locked<String>, Fault> {
    if let Some(usage) = find(tx, key).await? {
        return Ok(usage);
    }
    let insert = sql("INSERT INTO quotas (api_key_id, usage, updated_at) VALUES ($1, $2, $3) ON CONFLICT (api_key_id) DO NOTHING");
    tx.execute(insert.text(key.as_str()).text(nothing).int(now.millis())).await?;
    // Another server may have been first.
    find(tx, key).await?.ok_or_else(|| Fault::Corrupt("a key's quota has vanished".to_owned()))
}

async fn find(tx: &mut Tx<'_>, key: &ApiKeyId) -> Result<Option<Locked<String>>, Fault> {
    let row = tx.lock(locked!("SELECT usage FROM quotas WHERE api_key_id = $1").text(key.as_str())).await?;
    row.map(|row| row.read(|row| row.text("usage"))).transpose()
}

/// Replaces it.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut Tx<'_>, _locked: &Locked<String>, key: &ApiKeyId, usage: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE quotas SET usage = $2, updated_at = $3 WHERE api_key_id = $1");
    tx.change_one(update.text(key.as_str()).text(usage).int(now.millis())).await
}
