//! Browsers in which somebody is signed in. Tokens are MACed by the caller; whether a session is over is a rule of `payin-core`.

use payin_types::{OrganizationId, Timestamp, UserId};

use super::{Conn, Fault, Tx, sql};

/// A session of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Whose.
    pub user_id: UserId,
    /// The organization that is looked at.
    pub organization_id: OrganizationId,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

/// Keeps one by its MAC.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, mac: &str, browser: &Browser) -> Result<(), Fault> {
    let insert = sql("INSERT INTO browser_sessions (mac, user_id, organization_id, created_at, seen_at) VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.text(mac).text(browser.user_id.as_str()).text(browser.organization_id.as_str());
    tx.change_one(insert.int(browser.created_at.millis()).int(browser.seen_at.millis())).await
}

/// The one that has this MAC.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, mac: &str) -> Result<Option<Browser>, Fault> {
    let query = sql("SELECT user_id, organization_id, created_at, seen_at FROM browser_sessions WHERE mac = $1");
    let row = conn.one(query.text(mac)).await?;
    let browser = row.map(|row| {
        Ok(Browser {
            user_id: row.text("user_id")?.into(),
            organization_id: row.text("organization_id")?.into(),
            created_at: row.time("created_at")?,
            seen_at: row.time("seen_at")?,
        })
    });
    browser.transpose()
}

/// Notes that it was used.
///
/// # Errors
/// What the database says.
pub async fn seen(tx: &mut Tx<'_>, mac: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE browser_sessions SET seen_at = $2 WHERE mac = $1 AND seen_at < $2");
    tx.execute(update.text(mac).int(now.millis())).await.map(drop)
}

/// Looks at another organization.
///
/// # Errors
/// What the database says.
pub async fn look_at(tx: &mut Tx<'_>, mac: &str, organization: &OrganizationId) -> Result<(), Fault> {
    let update = sql("UPDATE browser_sessions SET organization_id = $2 WHERE mac = $1");
    tx.execute(update.text(mac).text(organization.as_str())).await.map(drop)
}

/// Ends it, if it has not ended already.
///
/// # Errors
/// What the database says.
pub async fn end(tx: &mut Tx<'_>, mac: &str) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM browser_sessions WHERE mac = $1").text(mac)).await.map(drop)
}

/// Forgets those that were last used, or begun, before these times.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut Tx<'_>, used_before: Timestamp, begun_before: Timestamp) -> Result<(), Fault> {
    let delete = sql("DELETE FROM browser_sessions WHERE seen_at < $1 OR created_at < $2");
    tx.execute(delete.int(used_before.millis()).int(begun_before.millis())).await.map(drop)
}
