//! The members of organizations, as those see them. Who may change whom is a rule of `payin-core`.

use payin_types::{OrganizationId, Role, Timestamp, UserId};

use super::{Conn, Fault, Tx, sql};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// Who they are here.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// Since when they may not sign in.
    pub disabled_at: Option<Timestamp>,
}

/// Every member, the one who joined first first.
///
/// # Errors
/// What the database says.
pub async fn all(conn: &mut Conn, organization: &OrganizationId) -> Result<Vec<Member>, Fault> {
    let query = sql("SELECT u.id, u.name, u.email, u.disabled_at, m.role, m.created_at FROM memberships m \
                     JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 ORDER BY m.created_at, u.id");
    let rows = conn.all(query.text(organization.as_str())).await?;
    let member = |row: &super::db::Row| {
        Ok(Member {
            id: row.text("id")?.into(),
            name: row.text("name")?,
            email: row.text("email")?,
            role: Role::from(row.text("role")?.as_str()),
            joined_at: row.time("created_at")?,
            disabled_at: row.opt_time("disabled_at")?,
        })
    };
    rows.iter().map(member).collect()
}

/// Says who a member is from now on.
///
/// # Errors
/// What the database says; [`Fault::Guard`] for somebody who is none.
pub async fn set_role(tx: &mut Tx<'_>, organization: &OrganizationId, id: &UserId, role: &Role) -> Result<(), Fault> {
    let update = sql("UPDATE memberships SET role = $3 WHERE organization_id = $1 AND user_id = $2");
    tx.change_one(update.text(organization.as_str()).text(id.as_str()).text(role.as_str())).await
}

/// Takes a membership away.
///
/// # Errors
/// What the database says; [`Fault::Guard`] for somebody who is no member.
pub async fn remove(tx: &mut Tx<'_>, organization: &OrganizationId, id: &UserId) -> Result<(), Fault> {
    let delete = sql("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2");
    tx.change_one(delete.text(organization.as_str()).text(id.as_str())).await
}
