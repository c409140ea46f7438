//! The members of an organization: listed, given another role, removed. Who is let in is `app/accounts/invitation.rs`. Nobody changes
//! somebody who is stronger than they are, and the last owner stays.

use payin_core::Error;
use payin_core::access::may_grant;
use payin_core::error::shown;
use payin_types::{ErrorCode, OrganizationId, Role, UserId};

use super::Session;
use crate::app::query::known;
use crate::app::{App, Outcome};
use crate::store::access::lock_organization;
pub use crate::store::members::Member;
use crate::store::{Tx, Unit, accounts, members};

/// Every member of an organization.
///
/// # Errors
/// What the database says.
pub async fn list(app: &App, organization: &OrganizationId) -> Outcome<Vec<Member>> {
    Ok(members::all(&mut app.store.read().await?, organization).await?)
}

/// What is done to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// They have another role from now on.
    Role(Role),
    /// They are a member no more.
    Remove,
}

/// Does something to a member.
#[derive(Debug)]
pub struct Change {
    organization: OrganizationId,
    by: UserId,
    id: String,
    deed: Deed,
}

impl Change {
    /// To a member of the organization for which somebody is signed in.
    #[must_use]
    pub fn new(by: &Session, id: String, deed: Deed) -> Self {
        Self { organization: by.organization_id.clone(), by: by.user_id.clone(), id, deed }
    }

    fn check(&self, own: &Role, member: &Member, owners: usize) -> Result<(), Error> {
        let refused = |message: String| Err(Error::new(ErrorCode::InsufficientPermissions, message));
        if !may_grant(own, &member.role) {
            return refused(format!("You are {own}: you cannot change somebody who is {}", member.role));
        }
        if let Deed::Role(role) = &self.deed {
            known("role", Some(role.as_str()), Role::known)?;
            if !may_grant(own, role) {
                return refused(format!("You are {own}: you cannot make somebody {role}"));
            }
        }
        let stays_owner = self.deed == Deed::Role(Role::Owner);
        if member.role == Role::Owner && owners < 2 && !stays_owner {
            let message = "An organization keeps one owner: make somebody else owner first";
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        Ok(())
    }
}

impl Unit for Change {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        // One at a time, so that of two owners not each removes the other.
        lock_organization(tx, &self.organization).await?;
        let own = accounts::member(tx, &self.by, &self.organization).await?.filter(|(user, _)| user.disabled_at.is_none());
        let (_, own) = own.ok_or_else(|| super::unauthorized("You are a member no more"))?;
        let all = members::all(tx, &self.organization).await?;
        let member = all.iter().find(|member| member.id.as_str() == self.id);
        let member = member.ok_or_else(|| Error::not_found("Member", &shown(&self.id)))?;
        let owners = all.iter().filter(|member| member.role == Role::Owner && member.disabled_at.is_none()).count();
        self.check(&own, member, owners)?;
        match &self.deed {
            Deed::Role(role) => Ok(members::set_role(tx, &self.organization, &member.id, role).await?),
            Deed::Remove => Ok(members::remove(tx, &self.organization, &member.id).await?),
        }
    }
}
