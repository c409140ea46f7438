//! Answers by idempotency key. A record commits with the effect it records, or not at all.

use payin_types::{OrganizationId, Timestamp};

use super::{Fault, Tx, sql, sql_rows};

/// Within what a key is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose request it is.
    pub organization_id: OrganizationId,
    /// The API key where the answer bears a secret, else empty.
    pub api_key_id: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The key.
    pub key: String,
}

/// What was answered to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// SHA-256 of the request's body.
    pub fingerprint: String,
    /// The status answered.
    pub status: u16,
    /// The body answered, byte for byte, or sealed.
    pub body: String,
    /// Whether the body is sealed.
    pub sealed: bool,
}

/// Keeps answers; a record older than `cutoff` is replaced. Waits for a concurrent transaction that keeps one under the same key.
/// Answers false if not all could be kept, because a younger record is there.
///
/// # Errors
/// What the database says.
pub async fn keep(tx: &mut Tx<'_>, records: &[(&Scope, Record)], now: Timestamp, cutoff: Timestamp) -> Result<bool, Fault> {
    let mut insert = sql_rows(
        "INSERT INTO idempotency_records (organization_id, api_key_id, method, path, key, fingerprint, status, body, sealed, created_at) VALUES ",
        "($, $, $, $, $, $, $, $, $, $)",
        records.len(),
        " ON CONFLICT (organization_id, api_key_id, method, path, key) DO UPDATE SET fingerprint = excluded.fingerprint, \
         status = excluded.status, body = excluded.body, sealed = excluded.sealed, created_at = excluded.created_at \
         WHERE idempotency_records.created_at <= $",
    );
    for (scope, record) in records {
        insert = insert
            .text(scope.organization_id.as_str())
            .text(scope.api_key_id.as_str())
            .text(scope.method.as_str())
            .text(scope.path.as_str())
            .text(scope.key.as_str())
            .text(record.fingerprint.as_str())
            .int(i64::from(record.status))
            .text(record.body.as_str())
            .int(i64::from(record.sealed))
            .int(now.millis());
    }
    let rows = tx.execute(insert.int(cutoff.millis())).await?;
    Ok(usize::try_from(rows) == Ok(records.len()))
}

/// The record under a key, unless it is older than `cutoff`.
///
/// # Errors
/// What the database says.
pub async fn find(tx: &mut Tx<'_>, scope: &Scope, cutoff: Timestamp) -> Result<Option<Record>, Fault> {
    let row = tx
        .one(
            sql("SELECT fingerprint, status, body, sealed FROM idempotency_records \
                 WHERE organization_id = $1 AND api_key_id = $2 AND method = $3 AND path = $4 AND key = $5 AND created_at > $6")
            .text(scope.organization_id.as_str())
            .text(scope.api_key_id.as_str())
            .text(scope.method.as_str())
            .text(scope.path.as_str())
            .text(scope.key.as_str())
            .int(cutoff.millis()),
        )
        .await?;
    row.map(|row| {
        Ok(Record {
            fingerprint: row.text("fingerprint")?,
            status: u16::try_from(row.int("status")?).map_err(|_| Fault::Corrupt("a status that is none".to_owned()))?,
            body: row.text("body")?,
            sealed: row.int("sealed")? == 1,
        })
    })
    .transpose()
}

/// Forgets records older than `cutoff`, a few at a time. Answers how many went.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut Tx<'_>, cutoff: Timestamp) -> Result<u64, Fault> {
    let bound = tx
        .one(
            sql("SELECT MAX(created_at) AS bound FROM (SELECT created_at FROM idempotency_records WHERE created_at <= $1 \
                 ORDER BY created_at LIMIT 1000) oldest")
            .int(cutoff.millis()),
        )
        .await?;
    match bound.map(|row| row.opt_int("bound")).transpose()?.flatten() {
        Some(bound) => tx.execute(sql("DELETE FROM idempotency_records WHERE created_at <= $1").int(bound)).await,
        None => Ok(0),
    }
}
