//! Giving an endpoint a new secret. For a while deliveries are signed with both, so that the receiver can take it up without missing one.

use std::sync::Arc;
use std::time::Duration;

use payin_core::{Error, endpoint};
use payin_types::{Endpoint, OrganizationId, RotateSecret, Timestamp};

use super::{lock, make_secret, place, to_wire};
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::endpoints::{self, Stored};
use crate::store::{Fault, Tx, Unit};

/// Replaces an endpoint's secret. The one before the present one is good no longer, whatever time it had left.
pub struct Rotate {
    /// What is asked for, or why it cannot be read.
    pub request: Result<RotateSecret, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub id: String,
    generated_secret: String,
    nonce: [u8; 24],
    now: Timestamp,
    seal: Arc<Seal>,
}

impl Rotate {
    /// A new secret for an endpoint of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, id: String, request: Result<RotateSecret, Error>) -> Self {
        Self {
            request,
            organization_id,
            id,
            generated_secret: make_secret(app),
            nonce: app.entropy.array(),
            now: app.clock.now(),
            seal: Arc::clone(&app.seal),
        }
    }
}

impl Unit for Rotate {
    type Output = Endpoint;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Endpoint> {
        let request = self.request.clone()?;
        request.secret.as_deref().map_or(Ok(()), endpoint::check_secret)?;
        let overlap = endpoint::overlap(request.old_secret_valid_hours)?;
        let before = lock(tx, &self.organization_id, &self.id).await?;
        let place = place(&before.id);
        // Asked for twice without an idempotency key, this would put the secret that receivers still have out of use.
        if let Some(given) = &request.secret
            && self.seal.open(&place, &before.secret_sealed).map_err(Fault::from)? == *given
        {
            return Err(Error::field("secret", "is the present secret; give another one, or leave it out to have one made").into());
        }
        let secret = request.secret.unwrap_or_else(|| self.generated_secret.clone());
        let after = Stored {
            secret_sealed: self.seal.seal(&place, &secret, self.nonce),
            previous_secret: (overlap > Duration::ZERO).then(|| (before.secret_sealed.clone(), self.now.plus(overlap))),
            updated_at: self.now,
            ..Stored::clone(&before)
        };
        endpoints::update(tx, &before, &after).await?;
        Ok(Endpoint { secret: Some(secret), ..to_wire(after, self.now) })
    }
}
