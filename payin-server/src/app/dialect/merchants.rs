//! Merchants, for the people who run them: organizations where somebody is owner or admin, each with its key and what its orders come to.
//! Whoever asks is looked up again in the transaction of every change. What they are called in an API is said there.

mod key;

use payin_core::access::roles_with;
use payin_core::account::check_name;
use payin_core::calendar::Day;
use payin_core::merchant::{Counts, KEY_ROLE, Merchant, Takings, not_found, runs};
use payin_core::{Error, Units, access::Permission};
use payin_types::{ApiKeyId, Currency, ErrorCode, ExposeSecret as _, OrganizationId, Role, SecretString, Timestamp, UserId};

use super::{Secret, Told};
use crate::app::access::{mac, make_key, shown_prefix};
use crate::app::accounts::Session;
use crate::app::endpoints::check_url;
use crate::app::query::{is_findable, paging};
use crate::app::{App, Outcome, refused};
use crate::env::Targets;
use crate::store::access::{self as keys, Key};
use crate::store::merchants::{self, Like, Of, Reach};
use crate::store::{Conn, Fault, Tx, Unit, accounts};
pub use key::{Close, Rotate};

/// How many merchants a page has where nothing is said: more than most have, because the documents' list has no pages.
const PAGE: u64 = 100;

/// How many merchants somebody may run and make more: what bounds an organization would bound nobody who could have any number of them.
const MERCHANTS_MAX: u64 = 100;

/// Through which API orders are counted, and in which currency.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The API.
    pub api: &'static str,
    /// The currency.
    pub currency: Currency,
}

impl Counted {
    fn of(&self) -> Of<'_> {
        Of { api: self.api, currency: self.currency.as_str() }
    }
}

/// The merchants that somebody runs.
pub(super) fn reach(user: &UserId) -> Reach {
    Reach { user_id: user.clone(), roles: roles_with(Permission::ManageSettings).cloned().collect() }
}

/// Somebody who has signed in, for the first of the merchants that they run; as they signed in, where they run none.
///
/// # Errors
/// What the database says.
pub async fn running(app: &App, session: Session) -> Outcome<Session> {
    if runs(&session.role) {
        return Ok(session);
    }
    let all = accounts::organizations(&mut app.store.read().await?, &session.user_id).await?;
    Ok(match all.into_iter().find(|(_, _, role)| runs(role)) {
        Some((organization_id, _, role)) => Session { organization_id, role, ..session },
        None => session,
    })
}

/// Who somebody is for a merchant that they run.
pub(super) async fn role(conn: &mut Conn, user: &UserId, organization: &OrganizationId) -> Outcome<Option<Role>> {
    let member = accounts::member(conn, user, organization).await?;
    Ok(member.filter(|(user, role)| user.disabled_at.is_none() && runs(role)).map(|(_, role)| role))
}

/// Locks a merchant that somebody runs. Answers who they are for it.
async fn lock(tx: &mut Tx<'_>, user: &UserId, id: &str) -> Outcome<(OrganizationId, Role)> {
    if !is_findable(id) {
        return Err(not_found(id).into());
    }
    let organization = OrganizationId::from(id);
    keys::lock_organization(tx, &organization).await?;
    let role = role(tx, user, &organization).await?.ok_or_else(|| not_found(id))?;
    Ok((organization, role))
}

/// A merchant that somebody runs.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for one that they do not run.
pub async fn get(app: &App, user: &UserId, counted: &Counted, id: &str) -> Outcome<Merchant> {
    if !is_findable(id) {
        return Err(not_found(id).into());
    }
    let (mut conn, organization) = (app.store.read().await?, OrganizationId::from(id));
    role(&mut conn, user, &organization).await?.ok_or_else(|| not_found(id))?;
    let merchant = merchants::get(&mut conn, &organization, app.clock.now()).await?.ok_or_else(|| not_found(id))?;
    Ok(with_takings(&mut conn, vec![merchant], counted).await?.into_iter().next().ok_or_else(|| not_found(id))?)
}

async fn with_takings(conn: &mut Conn, merchants: Vec<Merchant>, counted: &Counted) -> Result<Vec<Merchant>, Fault> {
    let ids: Vec<OrganizationId> = merchants.iter().map(|merchant| merchant.id.clone()).collect();
    let takings = merchants::takings_of(conn, &ids, counted.of()).await?;
    let of = |merchant: &Merchant| takings.get(&merchant.id).copied().unwrap_or_default();
    Ok(merchants.into_iter().map(|merchant| Merchant { takings: of(&merchant), ..merchant }).collect())
}

/// A page of merchants.
#[derive(Debug)]
pub struct Listed {
    /// The merchants, newest first.
    pub merchants: Vec<Merchant>,
    /// How many there are in all.
    pub total: u64,
    /// Which page this is.
    pub page: u64,
    /// How many a page has at most.
    pub limit: u64,
}

/// Lists the merchants that somebody runs.
///
/// # Errors
/// `VALIDATION_ERROR` for a page out of bounds.
pub async fn list(app: &App, user: &UserId, counted: &Counted, (page, limit): (Option<u64>, Option<u64>)) -> Outcome<Listed> {
    let (page, limit, offset) = paging(page, limit.or(Some(PAGE)))?;
    let (mut conn, reach, now) = (app.store.read().await?, reach(user), app.clock.now());
    let (total, _) = merchants::count(&mut conn, &reach, now).await?;
    let found = merchants::list(&mut conn, &reach, now, (i64::try_from(limit).unwrap_or(100), offset)).await?;
    Ok(Listed { merchants: with_takings(&mut conn, found, counted).await?, total, page, limit })
}

/// What all merchants that somebody runs come to.
#[derive(Debug)]
pub struct Stats {
    /// Where their orders stand: paid and expired ones since midnight, in UTC.
    pub counts: Counts,
    /// What paid orders received: today, this month, in all.
    pub received: [Units; 3],
    /// How many merchants they are, and how many have a key that is taken.
    pub merchants: (u64, u64),
}

/// Adds them up.
///
/// # Errors
/// What the database says.
pub async fn stats(app: &App, user: &UserId, counted: &Counted) -> Outcome<Stats> {
    let (mut conn, reach, now) = (app.store.read().await?, reach(user), app.clock.now());
    let today = Day::of(now);
    let counts = merchants::counts(&mut conn, &reach, counted.of(), today.begins()).await?;
    let mut received = [Units::ZERO; 3];
    for (sum, since) in received.iter_mut().zip([today.begins(), today.first_of_month().begins(), Timestamp::default()]) {
        *sum = merchants::paid_since(&mut conn, &reach, counted.of(), since).await?.received;
    }
    Ok(Stats { counts, received, merchants: merchants::count(&mut conn, &reach, now).await? })
}

/// What came in on each day since one, those without paid orders left out.
///
/// # Errors
/// What the database says.
pub async fn daily(app: &App, user: &UserId, counted: &Counted, since: Day) -> Outcome<Vec<(Day, Takings)>> {
    let mut conn = app.store.read().await?;
    Ok(merchants::paid_by_day(&mut conn, &reach(user), counted.of(), since.begins()).await?)
}

/// Where an organization's orders are told of that bring no URL along.
///
/// # Errors
/// What the database says.
pub async fn webhook_url(app: &App, organization: &OrganizationId) -> Outcome<Option<String>> {
    Ok(merchants::webhook_url(&mut app.store.read().await?, organization).await?)
}

/// What is to be a merchant, or to change of one.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it is called.
    pub name: Option<String>,
    /// Where orders are told of that bring no URL along; within it nothing: nowhere.
    pub webhook_url: Option<Option<String>>,
}

impl Change {
    fn check(&self, targets: &Targets) -> Result<(), Error> {
        self.name.as_deref().map_or(Ok(()), |name| check_name("name", name))?;
        self.webhook_url.iter().flatten().try_for_each(|url| check_url("webhook_url", url, targets))
    }
}

/// A name tells a merchant from the others of whoever runs it, and makes it safe to ask for one again. Their row is locked: of two at once
/// the second finds the first.
async fn check_free(tx: &mut Tx<'_>, user: &UserId, name: &str, organization: &OrganizationId) -> Outcome<()> {
    if !accounts::lock(tx, user).await? {
        return Err(Error::new(ErrorCode::InvalidApiKey, "The account may not sign in any more").into());
    }
    if merchants::has_named(tx, user, name, organization).await? {
        let name = payin_core::error::shown(name);
        return Err(Error::new(ErrorCode::InvalidState, format!("You have a merchant called '{name}' already; take another name")).into());
    }
    Ok(())
}

/// A key that is not in the database yet.
struct Fresh {
    id: ApiKeyId,
    secret: SecretString,
    prefix: String,
    mac: String,
}

impl Fresh {
    fn new(app: &App) -> Self {
        let secret = make_key(app);
        let (prefix, mac) = (shown_prefix(app, secret.expose_secret()), mac(app, secret.expose_secret()));
        Self { id: ApiKeyId::from_random(app.random_id()), secret, prefix, mac }
    }

    /// Adds it as its organization's key.
    async fn insert(&self, tx: &mut Tx<'_>, organization: &OrganizationId, like: Like, now: Timestamp) -> Outcome<()> {
        let key = Key {
            id: self.id.clone(),
            organization_id: organization.clone(),
            organization_name: String::new(),
            role: like.role,
            prefix: self.prefix.clone(),
            created_at: now,
            expires_at: like.expires_at,
            revoked_at: None,
        };
        keys::insert_key(tx, &key, &like.name, &self.mac).await?;
        Ok(merchants::set_key(tx, &key).await?)
    }
}

/// The key of a merchant that has none.
fn first_key() -> Like {
    Like { role: KEY_ROLE, name: "The merchant's key".to_owned(), expires_at: None }
}

/// A new merchant, with what is shown once.
pub struct Made {
    /// The merchant.
    pub merchant: Merchant,
    /// Its key.
    pub api_key: SecretString,
    /// What its webhooks are signed with.
    pub webhook_secret: SecretString,
}

/// Makes a merchant that whoever asks owns.
pub struct Create {
    change: Result<Change, Error>,
    user: UserId,
    id: OrganizationId,
    key: Fresh,
    secret: Secret,
    targets: Targets,
    now: Timestamp,
}

impl Create {
    /// A merchant that somebody asks for; `change` says what it is to be, with a name, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, user: UserId, change: Result<Change, Error>) -> Self {
        let id = OrganizationId::from_random(app.random_id());
        let (key, secret) = (Fresh::new(app), Secret::new(app, id.clone()));
        Self { change, user, id, key, secret, targets: app.targets, now: app.clock.now() }
    }
}

impl Unit for Create {
    type Output = Made;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Made> {
        let change = self.change.as_ref().map_err(|error| refused(error.clone()))?;
        change.check(&self.targets)?;
        let (name, webhook_url) = (change.name.clone().unwrap_or_default(), change.webhook_url.clone().flatten());
        check_free(tx, &self.user, &name, &self.id).await?;
        if merchants::count(tx, &reach(&self.user), self.now).await?.0 >= MERCHANTS_MAX {
            let message = format!("You run {MERCHANTS_MAX} merchants, as many as there may be for one person");
            return Err(Error::new(ErrorCode::InvalidState, message).into());
        }
        keys::insert_organization(tx, &self.id, &name, None, self.now).await?;
        merchants::update(tx, &self.id, &name, webhook_url.as_deref()).await?;
        accounts::join(tx, &self.user, &self.id, &Role::Owner, self.now).await?;
        self.key.insert(tx, &self.id, first_key(), self.now).await?;
        let webhook_secret = self.secret.run(tx).await?.secret;
        let merchant = Merchant {
            id: self.id.clone(),
            name,
            key_prefix: Some(self.key.prefix.clone()),
            webhook_url,
            created_at: self.now,
            takings: Takings::default(),
        };
        Ok(Made { merchant, api_key: self.key.secret.clone(), webhook_secret })
    }
}

/// Changes a merchant.
pub struct Update {
    change: Result<Change, Error>,
    user: UserId,
    id: String,
    targets: Targets,
    now: Timestamp,
}

impl Update {
    /// A merchant that somebody runs; `change` says what is to change, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, user: UserId, id: String, change: Result<Change, Error>) -> Self {
        Self { change, user, id, targets: app.targets, now: app.clock.now() }
    }
}

impl Unit for Update {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        let (organization, _) = lock(tx, &self.user, &self.id).await?;
        let change = self.change.as_ref().map_err(|error| refused(error.clone()))?;
        change.check(&self.targets)?;
        if let Some(name) = &change.name {
            check_free(tx, &self.user, name, &organization).await?;
        }
        let before = merchants::get(tx, &organization, self.now).await?.ok_or_else(|| not_found(&self.id))?;
        let name = change.name.as_deref().unwrap_or(&before.name);
        let webhook_url = change.webhook_url.clone().unwrap_or(before.webhook_url);
        Ok(merchants::update(tx, &organization, name, webhook_url.as_deref()).await?)
    }
}

/// What a merchant's webhooks are signed with; it is made where there is none.
///
/// # Errors
/// What the database says.
pub async fn webhook_secret(app: &App, organization: &OrganizationId) -> Outcome<Told> {
    app.store.write(Secret::new(app, organization.clone())).await
}
