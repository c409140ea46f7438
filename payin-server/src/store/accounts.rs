//! People, who they are for organizations, and what their sessions are prolonged with. Passwords are hashed and tokens MACed by the caller.

use payin_types::{OrganizationId, Role, Timestamp, UserId};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql, sql_of};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they are called, and may sign in by.
    pub name: String,
    /// Their e-mail address, by which they may sign in too.
    pub email: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// Tokens made before are taken no more.
    pub sessions_from: Timestamp,
    /// Since when they may not sign in.
    pub disabled_at: Option<Timestamp>,
}

const USERS: &str = "SELECT id, name, email, password_hash, sessions_from, disabled_at FROM users";

fn user(row: &Row) -> Result<User, Fault> {
    Ok(User {
        id: row.text("id")?.into(),
        name: row.text("name")?,
        email: row.text("email")?,
        password_hash: row.text("password_hash")?,
        sessions_from: row.time("sessions_from")?,
        disabled_at: row.opt_time("disabled_at")?,
    })
}

/// Adds a person. Answers false if the address or the name is taken.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, user: &User, (email_folded, name_folded): (&str, &str), now: Timestamp) -> Result<bool, Fault> {
    let insert = sql("INSERT INTO users (id, name, email, email_folded, name_folded, password_hash, created_at, sessions_from) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING");
    let insert = insert.text(user.id.as_str()).text(user.name.as_str()).text(user.email.as_str()).text(email_folded).text(name_folded);
    let insert = insert.text(user.password_hash.as_str()).int(now.millis()).int(user.sessions_from.millis());
    Ok(tx.execute(insert).await? == 1)
}

/// The person who signs in by this address or name, folded.
///
/// # Errors
/// What the database says.
pub async fn by_login(conn: &mut Conn, folded: &str) -> Result<Option<User>, Fault> {
    // An address has an @, and where somebody's name is another's address the address decides.
    let query =
        sql_of(&[USERS, " WHERE email_folded = $1 OR name_folded = $1 ORDER BY CASE WHEN email_folded = $1 THEN 0 ELSE 1 END LIMIT 1"]);
    conn.one(query.text(folded)).await?.as_ref().map(user).transpose()
}

/// The first two people there are: whether there is one only.
///
/// # Errors
/// What the database says.
pub async fn first(conn: &mut Conn) -> Result<Vec<User>, Fault> {
    conn.all(sql_of(&[USERS, " ORDER BY created_at, id LIMIT 2"])).await?.iter().map(user).collect()
}

/// A person, and who they are for an organization.
///
/// # Errors
/// What the database says.
pub async fn member(conn: &mut Conn, id: &UserId, organization: &OrganizationId) -> Result<Option<(User, Role)>, Fault> {
    let query = sql("SELECT u.id, u.name, u.email, u.password_hash, u.sessions_from, u.disabled_at, m.role FROM users u \
                     JOIN memberships m ON m.user_id = u.id WHERE u.id = $1 AND m.organization_id = $2");
    let row = conn.one(query.text(id.as_str()).text(organization.as_str())).await?;
    row.map(|row| Ok((user(&row)?, Role::from(row.text("role")?.as_str())))).transpose()
}

/// Makes a person a member of an organization.
///
/// # Errors
/// What the database says; a unique violation if they are one.
pub async fn join(tx: &mut Tx<'_>, id: &UserId, organization: &OrganizationId, role: &Role, now: Timestamp) -> Result<(), Fault> {
    let insert = sql("INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ($1, $2, $3, $4)");
    tx.change_one(insert.text(id.as_str()).text(organization.as_str()).text(role.as_str()).int(now.millis())).await
}

/// A person who may sign in.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, id: &UserId) -> Result<Option<User>, Fault> {
    let query = sql_of(&[USERS, " WHERE id = $1 AND disabled_at IS NULL"]);
    conn.one(query.text(id.as_str())).await?.as_ref().map(user).transpose()
}

/// Gives a person another password, and ends what was begun with the one before.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if the password is another one by now.
pub async fn set_password(tx: &mut Tx<'_>, before: &User, password_hash: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE users SET password_hash = $3, sessions_from = $4 WHERE id = $1 AND password_hash = $2");
    let update = update.text(before.id.as_str()).text(before.password_hash.as_str()).text(password_hash);
    tx.change_one(update.int(now.millis())).await
}

/// Ends what a person has begun.
///
/// # Errors
/// What the database says.
pub async fn end_sessions(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<(), Fault> {
    tx.change_one(sql("UPDATE users SET sessions_from = $2 WHERE id = $1").text(id.as_str()).int(now.millis())).await?;
    forget_refreshes(tx, id).await
}

/// Shuts a person out, and ends what they have begun.
///
/// # Errors
/// What the database says.
pub async fn disable(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE users SET disabled_at = COALESCE(disabled_at, $2), sessions_from = $2 WHERE id = $1");
    tx.change_one(update.text(id.as_str()).int(now.millis())).await
}

/// Lets a person in again.
///
/// # Errors
/// What the database says.
pub async fn enable(tx: &mut Tx<'_>, id: &UserId) -> Result<(), Fault> {
    tx.change_one(sql("UPDATE users SET disabled_at = NULL WHERE id = $1").text(id.as_str())).await
}

/// A person who may sign in, in order to do what is bounded for them as a whole.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, id: &UserId) -> Result<bool, Fault> {
    Ok(tx.lock(locked!("SELECT id FROM users WHERE id = $1 AND disabled_at IS NULL").text(id.as_str())).await?.is_some())
}

/// The organizations that a person is a member of, with their names, the one they joined first first.
///
/// # Errors
/// What the database says.
pub async fn organizations(conn: &mut Conn, id: &UserId) -> Result<Vec<(OrganizationId, String, Role)>, Fault> {
    let query = sql("SELECT o.id, o.name, m.role FROM memberships m JOIN organizations o ON o.id = m.organization_id \
                     WHERE m.user_id = $1 ORDER BY m.created_at, o.id");
    let rows = conn.all(query.text(id.as_str())).await?;
    rows.iter().map(|row| Ok((row.text("id")?.into(), row.text("name")?, Role::from(row.text("role")?.as_str())))).collect()
}

/// What a session is prolonged with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// Those that came one from the other.
    pub family: String,
    /// Whose.
    pub user_id: UserId,
    /// From when on it is taken no more.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When its family was ended.
    pub revoked_at: Option<Timestamp>,
}

/// Keeps one by its MAC.
///
/// # Errors
/// What the database says.
pub async fn insert_refresh(tx: &mut Tx<'_>, mac: &str, refresh: &Refresh, now: Timestamp) -> Result<(), Fault> {
    let insert = sql("INSERT INTO refresh_tokens (mac, family, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)");
    let insert = insert.text(mac).text(refresh.family.as_str()).text(refresh.user_id.as_str()).int(now.millis());
    tx.change_one(insert.int(refresh.expires_at.millis())).await
}

/// The one that has this MAC, to be used.
///
/// # Errors
/// What the database says.
pub async fn lock_refresh(tx: &mut Tx<'_>, mac: &str) -> Result<Option<Locked<Refresh>>, Fault> {
    let query = locked!("SELECT family, user_id, expires_at, used_at, revoked_at FROM refresh_tokens WHERE mac = $1");
    let row = tx.lock(query.text(mac)).await?;
    let refresh = |row: Row| {
        Ok(Refresh {
            family: row.text("family")?,
            user_id: row.text("user_id")?.into(),
            expires_at: row.time("expires_at")?,
            used_at: row.opt_time("used_at")?,
            revoked_at: row.opt_time("revoked_at")?,
        })
    };
    row.map(|row| row.read(refresh)).transpose()
}

/// Notes that it was used.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it had been before.
pub async fn used(tx: &mut Tx<'_>, _locked: &Locked<Refresh>, mac: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE refresh_tokens SET used_at = $2 WHERE mac = $1 AND used_at IS NULL AND revoked_at IS NULL");
    tx.change_one(update.text(mac).int(now.millis())).await
}

/// Ends a family.
///
/// # Errors
/// What the database says.
pub async fn end_family(tx: &mut Tx<'_>, family: &str, now: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE refresh_tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL");
    tx.execute(update.text(family).int(now.millis())).await.map(drop)
}

/// Ends everything that a person's sessions could be prolonged with.
///
/// # Errors
/// What the database says.
pub async fn forget_refreshes(tx: &mut Tx<'_>, user: &UserId) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM refresh_tokens WHERE user_id = $1").text(user.as_str())).await.map(drop)
}

/// Forgets what is over.
///
/// # Errors
/// What the database says.
pub async fn forget_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM refresh_tokens WHERE expires_at < $1").int(now.millis())).await.map(drop)
}

/// Ends an access token before its time, and forgets those whose time has come.
///
/// # Errors
/// What the database says.
pub async fn end_token(tx: &mut Tx<'_>, id: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM ended_tokens WHERE expires_at < $1").int(now.millis())).await?;
    let insert = sql("INSERT INTO ended_tokens (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING");
    tx.execute(insert.text(id).int(expires_at.millis())).await.map(drop)
}

/// Whether an access token was ended before its time, by itself or with its family.
///
/// # Errors
/// What the database says.
pub async fn is_ended(conn: &mut Conn, id: &str, family: Option<&str>) -> Result<bool, Fault> {
    if let Some(family) = family {
        let stands = sql("SELECT mac FROM refresh_tokens WHERE family = $1 AND revoked_at IS NULL LIMIT 1");
        if conn.one(stands.text(family)).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(conn.one(sql("SELECT id FROM ended_tokens WHERE id = $1").text(id)).await?.is_some())
}
