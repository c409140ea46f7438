//! Links by which people become members. Tokens are MACed by the caller; who may invite whom is a rule of `payin-core`.

use payin_types::{OrganizationId, Role, Timestamp, UserId};

use super::db::{Locked, Row};
use super::statement::locked;
use super::{Conn, Fault, Tx, sql, sql_of};

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Into which organization, and who lets them in; `None`: the first person of a new server, who makes one.
    pub into: Option<(OrganizationId, UserId)>,
    /// Who they are there.
    pub role: Role,
    /// From when on it is taken no more.
    pub expires_at: Timestamp,
}

const FOUND: &str = "SELECT organization_id, role, invited_by, expires_at FROM invitations WHERE mac = $1";

fn invitation(row: &Row) -> Result<Invitation, Fault> {
    let organization = row.opt_text("organization_id")?.map(OrganizationId::from);
    let by = row.opt_text("invited_by")?.map(UserId::from);
    let role = Role::from(row.text("role")?.as_str());
    Ok(Invitation { into: organization.zip(by), role, expires_at: row.time("expires_at")? })
}

/// Keeps one by its MAC. `guest`: for whom it is, as whoever made it calls them.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, mac: &str, invitation: &Invitation, guest: Option<&str>, now: Timestamp) -> Result<(), Fault> {
    let insert = sql("INSERT INTO invitations (mac, organization_id, role, invited_by, created_at, expires_at, guest) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let (organization, by) = invitation.into.as_ref().map(|(organization, by)| (organization.as_str(), by.as_str())).unzip();
    let insert = insert.text(mac).opt_text(organization).text(invitation.role.as_str()).opt_text(by).int(now.millis());
    tx.change_one(insert.int(invitation.expires_at.millis()).opt_text(guest)).await
}

/// An invitation into an organization that is not over, as those see it who may let people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// By which it is taken back: it lets nobody in.
    pub mac: String,
    /// For whom it is, if whoever made it said so.
    pub guest: Option<String>,
    /// Who they will be.
    pub role: Role,
    /// What whoever lets them in is called.
    pub invited_by: String,
    /// Who that is now; `None`: a member no more, or one who may not sign in.
    pub inviter_role: Option<Role>,
    /// From when on it is taken no more.
    pub expires_at: Timestamp,
}

/// A page of those of an organization that are not over, the last made first, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn waiting(
    conn: &mut Conn,
    organization: &OrganizationId,
    now: Timestamp,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Waiting>, u64), Fault> {
    let total = sql("SELECT COUNT(*) AS total FROM invitations WHERE organization_id = $1 AND expires_at > $2");
    let total = conn.one(total.text(organization.as_str()).int(now.millis())).await?.map_or(Ok(0), |row| row.count("total"))?;
    let page = sql("SELECT i.mac, i.guest, i.role, u.name, m.role AS inviter_role, i.expires_at FROM invitations i \
                    JOIN users u ON u.id = i.invited_by \
                    LEFT JOIN memberships m ON m.user_id = u.id AND m.organization_id = i.organization_id AND u.disabled_at IS NULL \
                    WHERE i.organization_id = $1 AND i.expires_at > $2 ORDER BY i.expires_at DESC, i.mac LIMIT 0 + $3 OFFSET $4");
    let rows = conn.all(page.text(organization.as_str()).int(now.millis()).int(limit).int(offset)).await?;
    let one = |row: &Row| {
        Ok(Waiting {
            mac: row.text("mac")?,
            guest: row.opt_text("guest")?,
            role: Role::from(row.text("role")?.as_str()),
            invited_by: row.text("name")?,
            inviter_role: row.opt_text("inviter_role")?.map(|role| Role::from(role.as_str())),
            expires_at: row.time("expires_at")?,
        })
    };
    Ok((rows.iter().map(one).collect::<Result<_, Fault>>()?, total))
}

/// The one that has this MAC.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, mac: &str) -> Result<Option<Invitation>, Fault> {
    conn.one(sql_of(&[FOUND]).text(mac)).await?.as_ref().map(invitation).transpose()
}

/// The one that has this MAC, to be used or taken back.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx<'_>, mac: &str) -> Result<Option<Locked<Invitation>>, Fault> {
    let query = locked!("SELECT organization_id, role, invited_by, expires_at FROM invitations WHERE mac = $1");
    tx.lock(query.text(mac)).await?.map(|row| row.read(|row| invitation(&row))).transpose()
}

/// Takes one away: it was used, or taken back.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it had been before.
pub async fn remove(tx: &mut Tx<'_>, _locked: &Locked<Invitation>, mac: &str) -> Result<(), Fault> {
    tx.change_one(sql("DELETE FROM invitations WHERE mac = $1").text(mac)).await
}

/// Forgets those for the first person of a new server.
///
/// # Errors
/// What the database says.
pub async fn forget_setup(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM invitations WHERE organization_id IS NULL")).await.map(drop)
}

/// Forgets what is over.
///
/// # Errors
/// What the database says.
pub async fn forget_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM invitations WHERE expires_at < $1").int(now.millis())).await.map(drop)
}
