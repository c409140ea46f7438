//! API keys: made, shown once, recognised. Of a key only its MAC is stored; what a role may do is a rule of `payin-core`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payin_core::Error;
use payin_types::id::base62;
use payin_types::{ApiKeyId, Environment, ErrorCode, OrganizationId, Role, SecretString, Timestamp};
use sha2::{Digest, Sha256};

use super::{App, Outcome};
pub use crate::store::access::Key;
use crate::store::access::{self, Organization};
use crate::store::{Failure, Fault, Tx, Unit};

/// How long a key is believed without asking the database again: how long a revoked key may still be taken.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// The most keys remembered; unknown keys are not.
const CACHED_MAX: usize = 10_000;
/// Digits of the random part: 256 bits in base62.
const RANDOM_DIGITS: usize = 44;
/// Digits of the checksum.
const CHECK_DIGITS: usize = 6;

/// Keys seen a moment ago, by their MAC, and when keys were last used.
#[derive(Debug, Default)]
pub struct Cache {
    keys: Mutex<Seen>,
    /// What is not yet in the database.
    used: Mutex<HashMap<ApiKeyId, Timestamp>>,
}

#[derive(Debug, Default)]
struct Seen {
    by_mac: HashMap<String, (Arc<Key>, Timestamp)>,
    /// How many keys have been revoked here: what was read before the latest revocation may be what it revoked.
    revocations: u64,
}

impl Cache {
    fn keys(&self) -> MutexGuard<'_, Seen> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a key that has been revoked, also where another request is just reading it.
    pub fn forget(&self, id: &str) {
        let mut keys = self.keys();
        keys.by_mac.retain(|_, (key, _)| key.id.as_str() != id);
        keys.revocations = keys.revocations.wrapping_add(1);
    }

    /// Notes a use, to the minute.
    fn note(&self, id: &ApiKeyId, now: Timestamp) {
        let minute = Timestamp::from_secs(now.secs().div_euclid(60).saturating_mul(60));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(id) {
            Some(latest) => *latest = minute.max(*latest),
            None => drop(used.insert(id.clone(), minute)),
        }
    }

    /// Takes what has been noted since the last time.
    pub(super) fn take_used(&self) -> HashMap<ApiKeyId, Timestamp> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn prefix(environment: &Environment) -> &'static str {
    if environment == &Environment::Mainnet { "pk_live_" } else { "pk_test_" }
}

fn checksum(body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let number = hash.iter().take(4).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    base62(number, CHECK_DIGITS)
}

/// Makes a key: a prefix that names the environment, 256 random bits, and a checksum by which a mistyped key is told from a wrong one.
#[must_use]
pub fn make_key(app: &App) -> SecretString {
    let halves: [u128; 2] = [u128::from_be_bytes(app.entropy.array()), u128::from_be_bytes(app.entropy.array())];
    let random: String = halves.map(|half| base62(half, RANDOM_DIGITS / 2)).concat();
    let body = format!("{}{random}", prefix(&app.environment));
    SecretString::from(format!("{body}{}", checksum(&body)))
}

/// What is shown of a key, to tell it from others.
pub(super) fn shown_prefix(app: &App, secret: &str) -> String {
    secret.chars().take(prefix(&app.environment).len() + 4).collect()
}

/// What is stored of a key.
pub(super) fn mac(app: &App, secret: &str) -> String {
    app.seal.api_key_macs(secret).into_iter().next().unwrap_or_default()
}

/// Whether a text has the form of our keys and its checksum is right.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    let Some((body, check)) = text.len().checked_sub(CHECK_DIGITS).and_then(|at| text.split_at_checked(at)) else { return false };
    let random = body.strip_prefix("pk_test_").or_else(|| body.strip_prefix("pk_live_"));
    random.is_some_and(|random| random.len() == RANDOM_DIGITS) && checksum(body) == check
}

/// Whether a text has the form of what people's sessions bear: a JSON object and two more parts, in base64.
fn looks_like_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

fn invalid(message: &str) -> Failure {
    Error::new(ErrorCode::InvalidApiKey, message).into()
}

/// Whose key this is.
///
/// # Errors
/// `INVALID_API_KEY` if it is nobody's, expired or revoked.
pub async fn authenticate(app: &App, secret: &str) -> Outcome<Arc<Key>> {
    let now = app.clock.now();
    let macs = app.seal.api_key_macs(secret);
    for mac in &macs {
        if let Some(key) = find(app, mac, now).await? {
            if key.revoked_at.is_some() {
                return Err(invalid("The API key has been revoked"));
            }
            if key.expires_at.is_some_and(|expires| expires <= now) {
                return Err(invalid("The API key has expired"));
            }
            app.keys.note(&key.id, now);
            return Ok(key);
        }
    }
    Err(invalid(if is_well_formed(secret) {
        "The API key is unknown here: testnet and production have keys of their own"
    } else if looks_like_token(secret) {
        "This is a session's token, not an API key: only the API that signed the person in takes it, as `payin cryptopay …` does. Use a key here"
    } else {
        "The API key is not one of this server's: check that it was copied whole"
    }))
}

/// What a key that was taken may do now, past everything remembered; `None` if it is no longer taken.
///
/// # Errors
/// What the database says.
pub async fn role_now(app: &App, id: &ApiKeyId) -> Result<Option<Role>, Fault> {
    let now = app.clock.now();
    let key = access::key_by_id(&mut app.store.read().await?, id).await?;
    let good = key.filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|expires| expires > now));
    Ok(good.map(|key| key.role))
}

async fn find(app: &App, mac: &str, now: Timestamp) -> Result<Option<Arc<Key>>, Fault> {
    let revocations = {
        let cached = app.keys.keys();
        if let Some((key, seen_at)) = cached.by_mac.get(mac)
            && *seen_at <= now
            && now.since(*seen_at) < CACHED_FOR
        {
            return Ok(Some(Arc::clone(key)));
        }
        cached.revocations
    };
    let found = access::key_by_mac(&mut app.store.read().await?, mac).await?.map(Arc::new);
    if let Some(key) = &found {
        let mut cached = app.keys.keys();
        if cached.by_mac.len() >= CACHED_MAX {
            cached.by_mac.clear();
        }
        if cached.revocations == revocations {
            cached.by_mac.insert(mac.to_owned(), (Arc::clone(key), now));
        }
    }
    Ok(found)
}

/// Finds an organization by name, and makes it where there is none of that name.
#[derive(Debug)]
pub struct Founding {
    /// The organization's name or id; `None`: the only one, or the first one, which is made.
    organization: Option<String>,
    /// Its id, should it be made.
    new_id: OrganizationId,
    now: Timestamp,
}

/// Makes a key for an organization, by name, which it makes where there is none of that name.
#[derive(Debug)]
pub struct CreateKey {
    founding: Founding,
    /// The key's id.
    pub id: ApiKeyId,
    /// What it may do.
    pub role: Role,
    /// For people.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What is stored of it.
    pub mac: String,
    /// When it is made.
    pub now: Timestamp,
}

/// The name of the first organization, where nobody gives it one.
pub const FIRST_ORGANIZATION: &str = "My organization";

impl Founding {
    /// Of this name or id.
    #[must_use]
    pub fn new(app: &App, organization: Option<String>) -> Self {
        Self { organization, new_id: OrganizationId::from_random(app.random_id()), now: app.clock.now() }
    }
}

/// The organization that whoever runs the server means: by its id, or by what they called it themselves. In an API anybody may call an
/// organization of theirs like another one, and would get what was meant for that.
fn meant<'a>(all: &'a [Organization], asked: Option<&str>) -> Result<Option<&'a Organization>, Error> {
    if let Some(found) = all.iter().find(|one| Some(one.id.as_str()) == asked) {
        return Ok(Some(found));
    }
    let is_asked = |one: &&Organization| one.operator_name.as_deref().is_some_and(|name| asked.is_none_or(|asked| name == asked));
    let found: Vec<&Organization> = all.iter().filter(is_asked).collect();
    match (found.as_slice(), asked) {
        ([], Some(id)) if id.starts_with("org_") => Err(Error::field("organization", format!("none has the id {id}"))),
        ([], _) => Ok(None),
        ([one], _) => Ok(Some(*one)),
        (several, None) => {
            let names: Vec<&str> = several.iter().filter_map(|one| one.operator_name.as_deref()).collect();
            Err(Error::field("organization", format!("there are several: name one of {}", names.join(", "))))
        }
        (several, Some(name)) => {
            let ids: Vec<&str> = several.iter().map(|one| one.id.as_str()).collect();
            Err(Error::field("organization", format!("several are called '{name}': say which by its id, one of {}", ids.join(", "))))
        }
    }
}

impl Unit for Founding {
    /// The organization's id and name.
    type Output = (OrganizationId, String);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(OrganizationId, String)> {
        if let Some(found) = meant(&access::organizations(tx).await?, self.organization.as_deref())? {
            return Ok((found.id.clone(), found.name.clone()));
        }
        let name = self.organization.clone().unwrap_or_else(|| FIRST_ORGANIZATION.to_owned());
        access::insert_organization(tx, &self.new_id, &name, Some(&name), self.now).await?;
        Ok((self.new_id.clone(), name))
    }
}

/// Finds the organization that whoever runs the server means.
#[derive(Debug)]
pub struct Find {
    /// Its name or id; `None`: the only one.
    pub organization: Option<String>,
}

impl Unit for Find {
    type Output = OrganizationId;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<OrganizationId> {
        let all = access::organizations(tx).await?;
        let found = meant(&all, self.organization.as_deref())?;
        let missing = || Error::field("organization", "there is none of that name: make one with payin-server keys create".to_owned());
        Ok(found.ok_or_else(missing)?.id.clone())
    }
}

impl CreateKey {
    /// A key with this secret.
    #[must_use]
    pub fn new(app: &App, secret: &str, role: Role, name: &str, organization: Option<String>) -> Self {
        Self {
            founding: Founding::new(app, organization),
            id: ApiKeyId::from_random(app.random_id()),
            role,
            name: name.to_owned(),
            prefix: shown_prefix(app, secret),
            mac: mac(app, secret),
            now: app.clock.now(),
        }
    }
}

impl Unit for CreateKey {
    /// The organization's id and name.
    type Output = (OrganizationId, String);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(OrganizationId, String)> {
        let (organization, name) = self.founding.run(tx).await?;
        let key = Key {
            id: self.id.clone(),
            organization_id: organization.clone(),
            organization_name: String::new(),
            role: self.role.clone(),
            prefix: self.prefix.clone(),
            created_at: self.now,
            expires_at: None,
            revoked_at: None,
        };
        access::insert_key(tx, &key, &self.name, &self.mac).await?;
        Ok((organization, name))
    }
}
