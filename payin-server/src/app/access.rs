//! API keys: made, shown once, recognised. Of a key only its MAC is stored; what a role may do is a rule of `payin-core`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payin_core::Error;
use payin_types::id::base62;
use payin_types::{ApiKeyId, Environment, ErrorCode, OrganizationId, Role, SecretString, Timestamp};
use sha2::{Digest, Sha256};

use super::{App, Outcome};
use crate::store::access;
pub use crate::store::access::Key;
use crate::store::{Failure, Fault, Tx, Unit};

/// How long a key is believed without asking the database again: how long a revoked key may still be taken.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// The most keys remembered; unknown keys are not.
const CACHED_MAX: usize = 10_000;
/// Digits of the random part: 256 bits in base62.
const RANDOM_DIGITS: usize = 44;
/// Digits of the checksum.
const CHECK_DIGITS: usize = 6;

/// Keys seen a moment ago, by their MAC.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<String, (Key, Timestamp)>>);

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

/// Whether a text has the form of our keys and its checksum is right.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    let Some((body, check)) = text.len().checked_sub(CHECK_DIGITS).and_then(|at| text.split_at_checked(at)) else { return false };
    let random = body.strip_prefix("pk_test_").or_else(|| body.strip_prefix("pk_live_"));
    random.is_some_and(|random| random.len() == RANDOM_DIGITS) && checksum(body) == check
}

fn invalid(message: &str) -> Failure {
    Error::new(ErrorCode::InvalidApiKey, message).into()
}

/// Whose key this is.
///
/// # Errors
/// `INVALID_API_KEY` if it is nobody's, expired or revoked.
pub async fn authenticate(app: &App, secret: &str) -> Outcome<Key> {
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
            return Ok(key);
        }
    }
    Err(invalid(if is_well_formed(secret) {
        "The API key is unknown here: testnet and production have keys of their own"
    } else {
        "The API key is not one of this server's: check that it was copied whole"
    }))
}

async fn find(app: &App, mac: &str, now: Timestamp) -> Result<Option<Key>, Fault> {
    {
        let cached = app.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, seen_at)) = cached.get(mac)
            && *seen_at <= now
            && now.since(*seen_at) < CACHED_FOR
        {
            return Ok(Some(key.clone()));
        }
    }
    let found = access::key_by_mac(&mut app.store.read().await?, mac).await?;
    if let Some(key) = &found {
        let mut cached = app.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED_MAX {
            cached.clear();
        }
        cached.insert(mac.to_owned(), (key.clone(), now));
    }
    Ok(found)
}

/// Makes a key for an organization, or for the first one, which it makes where there is none.
#[derive(Debug)]
pub struct CreateKey {
    /// Whose; `None`: the first organization's.
    pub organization_id: Option<OrganizationId>,
    /// The id of the organization to be made where there is none.
    pub new_organization_id: OrganizationId,
    /// That organization's name.
    pub organization_name: String,
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

impl CreateKey {
    /// A key with this secret.
    #[must_use]
    pub fn new(app: &App, secret: &str, role: Role, name: &str, organization: Option<OrganizationId>, organization_name: &str) -> Self {
        Self {
            organization_id: organization,
            new_organization_id: OrganizationId::from_random(app.random_id()),
            organization_name: organization_name.to_owned(),
            id: ApiKeyId::from_random(app.random_id()),
            role,
            name: name.to_owned(),
            prefix: secret.chars().take(prefix(&app.environment).len() + 4).collect(),
            mac: app.seal.api_key_macs(secret).into_iter().next().unwrap_or_default(),
            now: app.clock.now(),
        }
    }
}

impl Unit for CreateKey {
    type Output = OrganizationId;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<OrganizationId> {
        let organization = match &self.organization_id {
            Some(id) => id.clone(),
            None => match access::first_organization(tx).await? {
                Some(id) => id,
                None => {
                    access::insert_organization(tx, &self.new_organization_id, &self.organization_name, self.now).await?;
                    self.new_organization_id.clone()
                }
            },
        };
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
        Ok(organization)
    }
}
