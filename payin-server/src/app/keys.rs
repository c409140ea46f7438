//! API keys over the API: made for an organization by one of its keys, listed, revoked. How a key is recognised is in `app/access.rs`.

use payin_core::Error;
use payin_core::access::may_grant;
use payin_core::error::shown;
use payin_types::organization::ListPaging;
use payin_types::{
    ApiKey, ApiKeyId, CreateApiKey, ErrorCode, ExposeSecret as _, OrganizationId, OrganizationSummary, Page, Pagination, Role,
    SecretString, Timestamp, UserId,
};
use serde_json::Map;

use super::access::{mac, make_key, shown_prefix};
use super::accounts::Session;
use super::query::{is_findable, known, paging};
use super::{App, Outcome};
pub use crate::store::access::Listed;
use crate::store::access::{self, Key};
use crate::store::{Tx, Unit, accounts};

const NAME_CHARS_MAX: usize = 100;

/// The organizations that a key belongs to: its own.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn organizations(app: &App, key: &Key, query: &ListPaging) -> Outcome<Page<OrganizationSummary>> {
    let (page, limit, _) = paging(query.page, query.limit)?;
    let created_at = access::organization_created_at(&mut app.store.read().await?, &key.organization_id).await?;
    let all = created_at.map(|created_at| OrganizationSummary {
        id: key.organization_id.clone(),
        name: key.organization_name.clone(),
        role: key.role.clone(),
        created_at,
        extra: Map::new(),
    });
    let total = u64::from(all.is_some());
    Ok(Page { data: all.into_iter().filter(|_| page == 1).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Refuses any other organization than the key's own.
fn check_own(own: &OrganizationId, asked: &str) -> Result<(), Error> {
    if own.as_str() == asked { Ok(()) } else { Err(Error::not_found("Organization", asked)) }
}

fn to_wire(listed: Listed, secret: Option<&SecretString>, now: Timestamp) -> ApiKey {
    let Listed { key, name, last_used_at } = listed;
    ApiKey {
        id: key.id,
        organization_id: key.organization_id,
        name,
        role: key.role,
        key_prefix: key.prefix,
        is_active: key.revoked_at.is_none() && key.expires_at.is_none_or(|expires| expires > now),
        last_used_at,
        expires_at: key.expires_at,
        created_at: key.created_at,
        api_key: secret.map(|secret| secret.expose_secret().to_owned()),
        extra: Map::new(),
    }
}

/// A page of an organization's keys that are not revoked, newest first, without their secrets.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` for another organization than the key's own, `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, own: &OrganizationId, asked: &str, query: &ListPaging) -> Outcome<Page<ApiKey>> {
    check_own(own, asked)?;
    let (page, limit, offset) = paging(query.page, query.limit)?;
    let (found, total) = access::keys(&mut app.store.read().await?, own, i64::try_from(limit).unwrap_or(100), offset).await?;
    let now = app.clock.now();
    Ok(Page { data: found.into_iter().map(|key| to_wire(key, None, now)).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Every key of every organization, for the server's operator.
///
/// # Errors
/// What the database says.
pub async fn all(app: &App) -> Outcome<Vec<Listed>> {
    Ok(access::all_keys(&mut app.store.read().await?).await?)
}

/// Who asks for a key.
enum By {
    /// A key: its role, and from when it is no longer taken.
    Key(ApiKeyId, Role, Option<Timestamp>),
    /// Somebody who is signed in.
    Person(UserId),
}

/// Makes a key.
pub struct Create {
    /// What is asked for, or why it cannot be read.
    pub request: Result<CreateApiKey, Error>,
    /// For which organization it is asked.
    pub asked: String,
    by: By,
    /// The organization of who asks.
    own: OrganizationId,
    id: ApiKeyId,
    secret: SecretString,
    prefix: String,
    mac: String,
    now: Timestamp,
}

impl Create {
    /// A key of an organization, asked for by one of its keys.
    #[must_use]
    pub fn new(app: &App, by: &Key, asked: String, request: Result<CreateApiKey, Error>) -> Self {
        let own = by.organization_id.clone();
        Self::asked_for(app, By::Key(by.id.clone(), by.role.clone(), by.expires_at), own, asked, request)
    }

    /// A key of the organization for which somebody is signed in.
    #[must_use]
    pub fn by_person(app: &App, by: &Session, request: Result<CreateApiKey, Error>) -> Self {
        let own = by.organization_id.clone();
        Self::asked_for(app, By::Person(by.user_id.clone()), own.clone(), own.as_str().to_owned(), request)
    }

    fn asked_for(app: &App, by: By, own: OrganizationId, asked: String, request: Result<CreateApiKey, Error>) -> Self {
        let secret = make_key(app);
        Self {
            request,
            asked,
            by,
            own,
            id: ApiKeyId::from_random(app.random_id()),
            prefix: shown_prefix(app, secret.expose_secret()),
            mac: mac(app, secret.expose_secret()),
            secret,
            now: app.clock.now(),
        }
    }

    /// The role of who asks, as it is now: whoever has stolen a key could keep a request waiting for its last byte until the key is revoked,
    /// and make another then.
    async fn own_role(&self, tx: &mut Tx<'_>) -> Outcome<Role> {
        match &self.by {
            By::Key(id, role, expires_at) => {
                let stands = access::lock_key(tx, id.as_str()).await?.is_some() && expires_at.is_none_or(|expires| expires > self.now);
                let over = || Error::new(ErrorCode::InvalidApiKey, "The API key has been revoked or has expired");
                Ok(stands.then(|| role.clone()).ok_or_else(over)?)
            }
            By::Person(user) => {
                let member = accounts::member(tx, user, &self.own).await?.filter(|(user, _)| user.disabled_at.is_none());
                let over = || Error::new(ErrorCode::InvalidApiKey, "You are a member no more");
                Ok(member.map(|(_, role)| role).ok_or_else(over)?)
            }
        }
    }

    fn check(&self, request: &CreateApiKey, own: &Role) -> Result<Role, Error> {
        let name = request.name.trim();
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || request.name.chars().any(char::is_control) || name != request.name {
            let problem = format!("must be 1 to {NAME_CHARS_MAX} printable characters, without white space around them");
            return Err(Error::field("name", problem));
        }
        let role = request.role.clone().unwrap_or(Role::Member);
        known("role", Some(role.as_str()), Role::known)?;
        if request.expires_at.is_some_and(|expires| expires <= self.now) {
            return Err(Error::field("expiresAt", "must be in the future"));
        }
        if !may_grant(own, &role) {
            let message = format!("Who has role {own} cannot make a key with role {role}");
            return Err(Error::new(ErrorCode::InsufficientPermissions, message));
        }
        Ok(role)
    }
}

impl Unit for Create {
    type Output = ApiKey;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<ApiKey> {
        // Whoever takes all of an organization's keys away must find this one, or come first.
        access::lock_organization(tx, &self.own).await?;
        let own_role = self.own_role(tx).await?;
        check_own(&self.own, &self.asked)?;
        let request = self.request.as_ref().map_err(Clone::clone)?;
        let key = Key {
            id: self.id.clone(),
            organization_id: self.own.clone(),
            organization_name: String::new(),
            role: self.check(request, &own_role)?,
            prefix: self.prefix.clone(),
            created_at: self.now,
            expires_at: request.expires_at,
            revoked_at: None,
        };
        access::insert_key(tx, &key, &request.name, &self.mac).await?;
        let listed = Listed { key, name: request.name.clone(), last_used_at: None };
        Ok(to_wire(listed, Some(&self.secret), self.now))
    }
}

#[derive(Debug)]
struct Revoke {
    /// The organization and role of the key that asks; `None`: the server's operator does.
    by: Option<(OrganizationId, Role)>,
    id: String,
    now: Timestamp,
}

impl Unit for Revoke {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let found = if is_findable(&self.id) { access::lock_key(tx, &self.id).await? } else { None };
        let theirs = |(organization, _): &(OrganizationId, Role)| self.by.as_ref().is_none_or(|(own, _)| own == organization);
        let key = found.filter(|key| theirs(key)).ok_or_else(|| Error::not_found("API key", &self.id))?;
        if let Some((_, own)) = &self.by
            && !may_grant(own, &key.1)
        {
            let message = format!("Who has role {own} cannot revoke key '{}', whose role is {}", shown(&self.id), key.1);
            return Err(Error::new(ErrorCode::InsufficientPermissions, message).into());
        }
        Ok(access::revoke(tx, &key, &self.id, self.now).await?)
    }
}

/// Revokes a key, asked for by a key or, with `None`, by the server's operator. This process takes it no more from now on, others within
/// the second for which they believe a key.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's key and one that is revoked; `INSUFFICIENT_PERMISSIONS` for a stronger one.
pub async fn revoke(app: &App, by: Option<&Key>, id: String) -> Outcome<()> {
    let by = by.map(|key| (key.organization_id.clone(), key.role.clone()));
    app.store.write(Revoke { by, id: id.clone(), now: app.clock.now() }).await?;
    app.keys.forget(&id);
    Ok(())
}
