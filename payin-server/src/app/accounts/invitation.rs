//! Links by which somebody becomes a member: of an organization whose member lets them in, or of the first one of a new server, which they
//! name. Each is used once, or taken back; of what it bears only the MAC is kept. It must not send it anywhere.

use payin_core::Error;
use payin_core::access::may_grant;
use payin_core::account::{INVITATION_LIFETIME, check_name, folded};
use payin_core::error::shown;
use payin_types::{ErrorCode, ExposeSecret as _, OrganizationId, Page, Pagination, Role, SecretString, Timestamp, UserId};

use super::browser::random_token;
use super::{Session, new_user};
use crate::app::access::FIRST_ORGANIZATION;
use crate::app::query::{is_findable, paging};
use crate::app::{App, Outcome};
use crate::store::access::{self, insert_organization, lock_organization};
use crate::store::accounts::{self, User};
use crate::store::invitations::{self, Invitation};
use crate::store::{Conn, Tx, Unit};

fn over() -> Error {
    let message = "This link has been used, is over, or was never given out here: ask for another one";
    Error::new(ErrorCode::ResourceNotFound, message)
}

fn first_mac(app: &App, token: &SecretString) -> String {
    app.seal.invitation_macs(token.expose_secret()).into_iter().next().unwrap_or_default()
}

struct OfferSetup {
    mac: String,
    now: Timestamp,
}

impl Unit for OfferSetup {
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        if !access::organizations(tx).await?.is_empty() {
            return Ok(false);
        }
        invitations::forget_setup(tx).await?;
        let expires_at = self.now.plus(INVITATION_LIFETIME);
        invitations::insert(tx, &self.mac, &Invitation { into: None, role: Role::Owner, expires_at }, None, self.now).await?;
        Ok(true)
    }
}

/// On a new server: what the link bears by which its first owner is made. Those that were offered before are good no longer.
///
/// # Errors
/// What the database says.
pub async fn offer_setup(app: &App) -> Outcome<Option<SecretString>> {
    let token = random_token(app);
    let is_offered = app.store.write(OfferSetup { mac: first_mac(app, &token), now: app.clock.now() }).await?;
    Ok(is_offered.then_some(token))
}

/// Lets somebody in.
pub struct Invite {
    organization: OrganizationId,
    by: UserId,
    role: Role,
    guest: Option<String>,
    mac: String,
    token: SecretString,
    now: Timestamp,
}

impl Invite {
    /// Into the organization for which somebody is signed in. `guest`: for whom, so that they tell this one from others.
    #[must_use]
    pub fn new(app: &App, by: &Session, role: Role, guest: Option<String>) -> Self {
        let token = random_token(app);
        let (organization, by, now) = (by.organization_id.clone(), by.user_id.clone(), app.clock.now());
        Self { organization, by, role, guest, mac: first_mac(app, &token), token, now }
    }
}

/// Whether somebody may give a role away, as they are now.
async fn may_give(conn: &mut Conn, by: &UserId, organization: &OrganizationId, role: &Role) -> Outcome<bool> {
    let own = accounts::member(conn, by, organization).await?.filter(|(user, _)| user.disabled_at.is_none());
    Ok(own.is_some_and(|(_, own)| may_grant(&own, role)))
}

impl Unit for Invite {
    /// What the link bears.
    type Output = SecretString;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<SecretString> {
        if !may_give(tx, &self.by, &self.organization, &self.role).await? {
            let role = shown(self.role.as_str());
            let message = format!("Nobody can make somebody '{role}' who has no such role, or a stronger one");
            return Err(Error::new(ErrorCode::InsufficientPermissions, message).into());
        }
        if let Some(guest) = &self.guest {
            check_name("guest", guest)?;
        }
        invitations::forget_expired(tx, self.now).await?;
        let into = Some((self.organization.clone(), self.by.clone()));
        let invitation = Invitation { into, role: self.role.clone(), expires_at: self.now.plus(INVITATION_LIFETIME) };
        invitations::insert(tx, &self.mac, &invitation, self.guest.as_deref(), self.now).await?;
        Ok(self.token.clone())
    }
}

/// An invitation that waits for somebody.
pub struct Waiting {
    /// As it is kept.
    pub kept: invitations::Waiting,
    /// Whether whoever made it may give that role now: it is good only then.
    pub is_good: bool,
}

/// A page of the invitations into an organization that are not over, the last made first.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn waiting(app: &App, organization: &OrganizationId, page: Option<u64>, limit: u64) -> Outcome<Page<Waiting>> {
    let (page, limit, offset) = paging(page, Some(limit))?;
    let (most, now) = (i64::try_from(limit).unwrap_or(100), app.clock.now());
    let (found, total) = invitations::waiting(&mut app.store.read().await?, organization, now, most, offset).await?;
    let waiting = |kept: invitations::Waiting| {
        let is_good = kept.inviter_role.as_ref().is_some_and(|own| may_grant(own, &kept.role));
        Waiting { kept, is_good }
    };
    Ok(Page { data: found.into_iter().map(waiting).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Takes an invitation back: nobody comes in by it any more.
pub struct TakeBack {
    organization: OrganizationId,
    by: UserId,
    mac: String,
    now: Timestamp,
}

impl TakeBack {
    /// One into the organization for which somebody is signed in.
    #[must_use]
    pub fn new(app: &App, by: &Session, mac: String) -> Self {
        Self { organization: by.organization_id.clone(), by: by.user_id.clone(), mac, now: app.clock.now() }
    }
}

impl Unit for TakeBack {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let gone =
            || Error::new(ErrorCode::ResourceNotFound, "This invitation is not open any more: it was used or taken back, or is over");
        // Whoever comes in by it at this moment locks it as well: the first of the two takes it away, and the second finds none.
        let found = if is_findable(&self.mac) { invitations::lock(tx, &self.mac).await? } else { None };
        let is_ours = |found: &Invitation| found.into.as_ref().is_some_and(|(organization, _)| *organization == self.organization);
        let found = found.filter(|found| is_ours(found) && found.expires_at > self.now).ok_or_else(gone)?;
        if !may_give(tx, &self.by, &self.organization, &found.role).await? {
            let message = format!("Nobody can take back an invitation as {} who may not give that role", found.role);
            return Err(Error::new(ErrorCode::InsufficientPermissions, message).into());
        }
        Ok(invitations::remove(tx, &found, &self.mac).await?)
    }
}

/// What an invitation is to whoever has the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Into which organization; `None`: the first one of a new server.
    pub organization: Option<String>,
    /// Who they will be there.
    pub role: Role,
}

/// Looks at an invitation.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` if it is over, or none.
pub async fn look(app: &App, token: &str) -> Outcome<Open> {
    let mut conn = app.store.read().await?;
    for mac in app.seal.invitation_macs(token) {
        let Some(found) = invitations::get(&mut conn, &mac).await?.filter(|found| found.expires_at > app.clock.now()) else { continue };
        let organization = match &found.into {
            Some((id, _)) => access::organization_name(&mut conn, id).await?,
            None => None,
        };
        return Ok(Open { organization, role: found.role });
    }
    Err(over().into())
}

/// Somebody new, as they say who they are.
pub struct Newcomer {
    /// What they are called.
    pub name: Option<String>,
    /// Their e-mail address, by which they sign in.
    pub email: String,
    /// Their password.
    pub password: SecretString,
    /// What the first organization of a new server is to be called.
    pub organization: Option<String>,
}

enum Who {
    New(Box<User>),
    Known(UserId),
}

/// Lets somebody in who has the link.
pub struct Accept {
    macs: Vec<String>,
    who: Who,
    organization: Option<String>,
    organization_id: OrganizationId,
    now: Timestamp,
}

impl Accept {
    /// Somebody new. What they say is checked, and the password hashed, once the link is known to be good.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND` as [`look`]; `VALIDATION_ERROR` naming the field.
    pub async fn newcomer(app: &App, token: &str, asked: Newcomer) -> Outcome<Self> {
        let open = look(app, token).await?;
        let named = asked.organization.filter(|_| open.organization.is_none());
        let name = named.as_deref().map(|name| ("organization", name));
        let user = new_user(app, asked.name, asked.email, asked.password, name).await?;
        Ok(Self::of(app, token, Who::New(Box::new(user)), named))
    }

    /// Somebody who is signed in.
    #[must_use]
    pub fn known(app: &App, token: &str, user: UserId) -> Self {
        Self::of(app, token, Who::Known(user), None)
    }

    fn of(app: &App, token: &str, who: Who, organization: Option<String>) -> Self {
        let organization_id = OrganizationId::from_random(app.random_id());
        Self { macs: app.seal.invitation_macs(token), who, organization, organization_id, now: app.clock.now() }
    }

    /// The organization, which is made where this is the first.
    async fn organization(&self, tx: &mut Tx<'_>, invitation: &Invitation) -> Outcome<OrganizationId> {
        if let Some((organization, by)) = &invitation.into {
            lock_organization(tx, organization).await?;
            // Whoever let them in may have gone since.
            if !may_give(tx, by, organization, &invitation.role).await? {
                return Err(over().into());
            }
            return Ok(organization.clone());
        }
        if !access::organizations(tx).await?.is_empty() {
            return Err(over().into());
        }
        let name = self.organization.as_deref().unwrap_or(FIRST_ORGANIZATION);
        insert_organization(tx, &self.organization_id, name, Some(name), self.now).await?;
        Ok(self.organization_id.clone())
    }
}

impl Unit for Accept {
    /// Who it is, and for which organization they are signed in.
    type Output = (UserId, OrganizationId);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(UserId, OrganizationId)> {
        for mac in &self.macs {
            let Some(invitation) = invitations::lock(tx, mac).await? else { continue };
            if invitation.expires_at <= self.now {
                return Err(over().into());
            }
            let organization = self.organization(tx, &invitation).await?;
            let user = match &self.who {
                Who::Known(user) => user.clone(),
                Who::New(user) => {
                    if !accounts::insert(tx, user, (&folded(&user.email), &folded(&user.name)), self.now).await? {
                        // Which of the two is taken is nobody's business.
                        let problem = "this e-mail address or name cannot be used; sign in first and open the link again, or take another";
                        return Err(Error::field("email", problem).into());
                    }
                    user.id.clone()
                }
            };
            if accounts::member(tx, &user, &organization).await?.is_some() {
                return Err(Error::new(ErrorCode::InvalidState, "You are a member already; the link is left for somebody else").into());
            }
            accounts::join(tx, &user, &organization, &invitation.role, self.now).await?;
            invitations::remove(tx, &invitation, mac).await?;
            return Ok((user, organization));
        }
        Err(over().into())
    }
}
