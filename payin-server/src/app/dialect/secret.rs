//! The secret of an organization's webhooks of other APIs: made when it is first asked for, sealed at rest, replaced on demand. Those APIs'
//! headers have room for one signature, so it takes over at a time that is known before: until then the one before goes on signing.

use std::sync::Arc;
use std::time::Duration;

use payin_core::Error;
use payin_types::{ErrorCode, OrganizationId, SecretString, Timestamp};

use crate::app::endpoints::make_secret;
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::endpoints::Secrets;
use crate::store::orders::dialect;
use crate::store::{Fault, Tx, Unit, access};

/// Where an organization's secret is kept: it opens nowhere else.
pub(in crate::app) fn place(organization: &OrganizationId) -> String {
    format!("organization webhooks {organization}")
}

/// The secret, as its organization is told it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The present one.
    pub secret: SecretString,
    /// Until when the one before signs instead; `None`: the present one does.
    pub signs_from: Option<Timestamp>,
}

/// Tells the secret, which it makes where there is none.
pub struct Secret {
    organization_id: OrganizationId,
    fresh: String,
    nonce: [u8; 24],
    now: Timestamp,
    seal: Arc<Seal>,
}

impl Secret {
    /// The secret of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId) -> Self {
        let (fresh, nonce, now) = (make_secret(app), app.entropy.array(), app.clock.now());
        Self { organization_id, fresh, nonce, now, seal: Arc::clone(&app.seal) }
    }

    fn sealed(&self) -> String {
        self.seal.seal(&place(&self.organization_id), &self.fresh, self.nonce)
    }
}

impl Unit for Secret {
    type Output = Told;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Told> {
        let mut kept = dialect::secrets(tx, &self.organization_id).await?;
        if kept.is_none() {
            dialect::keep_secret(tx, &self.organization_id, &self.sealed()).await?;
            // Of two at once the first has made it.
            kept = dialect::secrets(tx, &self.organization_id).await?;
        }
        let Secrets { present, previous } =
            kept.ok_or_else(|| Fault::Corrupt(format!("organization {} has no webhook secret", self.organization_id)))?;
        let secret = SecretString::from(self.seal.open(&place(&self.organization_id), &present).map_err(Fault::from)?);
        Ok(Told { secret, signs_from: previous.map(|(_, until)| until).filter(|until| *until > self.now) })
    }
}

/// Replaces the secret by one that is made. For a while the one before goes on signing.
pub struct Replace {
    secret: Secret,
    overlap: Duration,
}

impl Replace {
    /// A new secret for an organization, which takes over after a while.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, overlap: Duration) -> Self {
        Self { secret: Secret::new(app, organization_id), overlap }
    }
}

impl Unit for Replace {
    type Output = Told;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Told> {
        let Self { secret, overlap } = self;
        access::lock_organization(tx, &secret.organization_id).await?;
        let Some(before) = dialect::secrets(tx, &secret.organization_id).await? else { return secret.run(tx).await };
        // Nobody knows of the present one that its receivers have it already, so it cannot sign, nor may the one before any longer.
        if let Some((_, until)) = before.previous.as_ref().filter(|(_, until)| *until > secret.now && !overlap.is_zero()) {
            let message = format!("The secret was replaced before, and the new one takes over at {until}; it can be replaced at once, too");
            return Err(Error::new(ErrorCode::InvalidState, message).into());
        }
        let signs_from = (!overlap.is_zero()).then(|| secret.now.plus(*overlap));
        let after = Secrets { present: secret.sealed(), previous: signs_from.map(|until| (before.present.clone(), until)) };
        dialect::replace_secret(tx, &secret.organization_id, &before, &after).await?;
        Ok(Told { secret: SecretString::from(secret.fresh.as_str()), signs_from })
    }
}
