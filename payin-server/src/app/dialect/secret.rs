//! The secret of an organization's webhooks of other APIs: made when it is first asked for, sealed at rest.

use std::sync::Arc;

use payin_types::{OrganizationId, SecretString};

use crate::app::endpoints::make_secret;
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::orders::dialect;
use crate::store::{Fault, Tx, Unit};

/// Tells the secret, which it makes where there is none.
pub struct Secret {
    organization_id: OrganizationId,
    fresh: String,
    nonce: [u8; 24],
    seal: Arc<Seal>,
}

impl Secret {
    /// The secret of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId) -> Self {
        Self { organization_id, fresh: make_secret(app), nonce: app.entropy.array(), seal: Arc::clone(&app.seal) }
    }

    /// Where it is kept: it opens nowhere else.
    fn place(&self) -> String {
        format!("organization webhooks {}", self.organization_id)
    }
}

impl Unit for Secret {
    type Output = SecretString;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<SecretString> {
        let mut kept = dialect::secret(tx, &self.organization_id).await?;
        if kept.is_none() {
            dialect::keep_secret(tx, &self.organization_id, &self.seal.seal(&self.place(), &self.fresh, self.nonce)).await?;
            // Of two at once the first has made it.
            kept = dialect::secret(tx, &self.organization_id).await?;
        }
        let kept = kept.ok_or_else(|| Fault::Corrupt(format!("organization {} has no webhook secret", self.organization_id)))?;
        Ok(SecretString::from(self.seal.open(&self.place(), &kept).map_err(Fault::from)?))
    }
}
