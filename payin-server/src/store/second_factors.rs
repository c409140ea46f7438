//! People's second factors, and what stands in for a lost phone. Secrets are sealed and codes MACed by the caller; what a code is good for is a rule
//! of `payin-core`. Whatever is used up is used up by a guarded change, so that of several who show the same one is let in.

use payin_types::{Timestamp, UserId};

use super::{Conn, Fault, Tx, sql};

/// A second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Its secret, sealed.
    pub sealed: String,
    /// Since when it is asked for; `None`: somebody is setting it up.
    pub confirmed_at: Option<Timestamp>,
    /// The newest step of which a code was taken.
    pub used_step: i64,
}

/// A person's.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, user: &UserId) -> Result<Option<SecondFactor>, Fault> {
    let row = conn.one(sql("SELECT secret, confirmed_at, used_step FROM second_factors WHERE user_id = $1").text(user.as_str())).await?;
    let factor = row.map(|row| {
        Ok(SecondFactor { sealed: row.text("secret")?, confirmed_at: row.opt_time("confirmed_at")?, used_step: row.int("used_step")? })
    });
    factor.transpose()
}

/// Begins to set one up, anew if it was begun before. Answers false if there is one that is asked for.
///
/// # Errors
/// What the database says.
pub async fn begin(tx: &mut Tx<'_>, user: &UserId, sealed: &str, now: Timestamp) -> Result<bool, Fault> {
    let begin = sql("INSERT INTO second_factors (user_id, secret, created_at, used_step) VALUES ($1, $2, $3, 0) \
                     ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at \
                     WHERE second_factors.confirmed_at IS NULL");
    Ok(tx.execute(begin.text(user.as_str()).text(sealed).int(now.millis())).await? == 1)
}

/// Turns one on of which a code was shown. Answers false if it is another one by now, or on.
///
/// # Errors
/// What the database says.
pub async fn confirm(tx: &mut Tx<'_>, user: &UserId, sealed: &str, step: i64, now: Timestamp) -> Result<bool, Fault> {
    let update =
        sql("UPDATE second_factors SET used_step = $3, confirmed_at = $4 WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL");
    Ok(tx.execute(update.text(user.as_str()).text(sealed).int(step).int(now.millis())).await? == 1)
}

/// Uses up a code, and those of the steps before. Answers false if that has been done.
///
/// # Errors
/// What the database says.
pub async fn use_step(tx: &mut Tx<'_>, user: &UserId, sealed: &str, step: i64) -> Result<bool, Fault> {
    let update = sql("UPDATE second_factors SET used_step = $3 \
                      WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NOT NULL AND used_step < $3");
    Ok(tx.execute(update.text(user.as_str()).text(sealed).int(step)).await? == 1)
}

/// Turns it off, with what stands in for it.
///
/// # Errors
/// What the database says.
pub async fn remove(tx: &mut Tx<'_>, user: &UserId) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM recovery_codes WHERE user_id = $1").text(user.as_str())).await?;
    tx.execute(sql("DELETE FROM second_factors WHERE user_id = $1").text(user.as_str())).await.map(drop)
}

/// Keeps a recovery code by its MAC.
///
/// # Errors
/// What the database says.
pub async fn insert_recovery(tx: &mut Tx<'_>, user: &UserId, mac: &str, now: Timestamp) -> Result<(), Fault> {
    let insert = sql("INSERT INTO recovery_codes (mac, user_id, created_at) VALUES ($1, $2, $3)");
    tx.change_one(insert.text(mac).text(user.as_str()).int(now.millis())).await
}

/// Uses up a recovery code. Answers false if there is none, any more.
///
/// # Errors
/// What the database says.
pub async fn use_recovery(tx: &mut Tx<'_>, user: &UserId, mac: &str) -> Result<bool, Fault> {
    let delete = sql("DELETE FROM recovery_codes WHERE mac = $1 AND user_id = $2");
    Ok(tx.execute(delete.text(mac).text(user.as_str())).await? == 1)
}

/// How many are left.
///
/// # Errors
/// What the database says.
pub async fn recovery_left(conn: &mut Conn, user: &UserId) -> Result<u64, Fault> {
    let row = conn.one(sql("SELECT COUNT(*) AS remaining FROM recovery_codes WHERE user_id = $1").text(user.as_str())).await?;
    row.map_or(Ok(0), |row| row.count("remaining"))
}
