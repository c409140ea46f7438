//! A merchant's key: replaced by another, or taken away with all others. Nobody ends a key that is stronger than they are.

use payin_core::Error;
use payin_core::access::may_grant;
use payin_types::{ApiKeyId, ErrorCode, Role, SecretString, Timestamp, UserId};

use super::{Fresh, first_key, lock};
use crate::app::{App, Outcome};
use crate::store::access as keys;
use crate::store::{Tx, Unit, merchants};

/// Ends a key, unless it has ended meanwhile.
async fn end(tx: &mut Tx<'_>, id: &ApiKeyId, own: &Role, now: Timestamp) -> Outcome<()> {
    let Some(key) = keys::lock_key(tx, id.as_str()).await? else { return Ok(()) };
    if !may_grant(own, &key.1) {
        let message = format!("You are {own} of this merchant, and a key of its has role {}: only an owner can end it", key.1);
        return Err(Error::new(ErrorCode::InsufficientPermissions, message).into());
    }
    Ok(keys::revoke(tx, &key, id.as_str(), now).await?)
}

/// Replaces a merchant's key by another of the same role that ends when it would have, in one transaction: the old one is taken no more. One
/// without a key gets one.
pub struct Rotate {
    user: UserId,
    id: String,
    key: Fresh,
    now: Timestamp,
}

impl Rotate {
    /// Of a merchant that somebody runs.
    #[must_use]
    pub fn new(app: &App, user: UserId, id: String) -> Self {
        Self { user, id, key: Fresh::new(app), now: app.clock.now() }
    }
}

impl Unit for Rotate {
    /// The new key, and which one it replaces.
    type Output = (SecretString, Option<ApiKeyId>);

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<(SecretString, Option<ApiKeyId>)> {
        let (organization, own) = lock(tx, &self.user, &self.id).await?;
        let before = merchants::key(tx, &organization, self.now).await?;
        let (old, like) = before.map_or_else(|| (None, first_key()), |(id, like)| (Some(id), like));
        if let Some(old) = &old {
            end(tx, old, &own, self.now).await?;
        }
        self.key.insert(tx, &organization, like, self.now).await?;
        Ok((self.key.secret.clone(), old))
    }
}

/// Takes all its keys from a merchant. Its open orders are watched on, and told of.
pub struct Close {
    user: UserId,
    id: String,
    now: Timestamp,
}

impl Close {
    /// A merchant that somebody runs.
    #[must_use]
    pub fn new(app: &App, user: UserId, id: String) -> Self {
        Self { user, id, now: app.clock.now() }
    }
}

impl Unit for Close {
    /// Which keys were ended.
    type Output = Vec<ApiKeyId>;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Vec<ApiKeyId>> {
        let (organization, own) = lock(tx, &self.user, &self.id).await?;
        let all = merchants::keys(tx, &organization).await?;
        for key in &all {
            end(tx, key, &own, self.now).await?;
        }
        Ok(all)
    }
}
