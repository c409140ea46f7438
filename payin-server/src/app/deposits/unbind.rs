//! A deposit reference lets go of its addresses. What arrived in a block before counts; what comes later is nobody's.

use std::sync::Arc;
use std::time::Duration;

use payin_core::deposit::not_found;
use payin_core::{Chains, Error, event};
use payin_types::deposit::UnbindDeposit;
use payin_types::{EventType, OrganizationId, Protocol, Timestamp, UnboundDeposit};
use serde_json::Map;

use crate::app::events::{Happened, record};
use crate::app::query::is_findable;
use crate::app::settings::{self, Deployment};
use crate::app::{App, Outcome, refused};
use crate::store::deposits::{self, Binding, Reference};
use crate::store::pool::Holder;
use crate::store::{self, Fault, Tx, Unit, chains, pool};

/// Ends a reference's bindings, on one chain or on all.
pub struct Unbind {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub reference: String,
    /// On which chain, or why that cannot be read.
    pub query: Result<UnbindDeposit, Error>,
    /// The time.
    pub now: Timestamp,
    chains: Arc<Chains>,
    deployment: Deployment,
}

impl Unbind {
    /// For an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, reference: String, query: Result<UnbindDeposit, Error>) -> Self {
        let (now, chains) = (app.clock.now(), Arc::clone(&app.chains));
        Self { organization_id, reference, query, now, chains, deployment: app.deployment() }
    }

    /// From when on what arrives is nobody's: by the chains' clock where that is ahead of ours, for a block that was seen before must not
    /// lie behind the end.
    async fn end(&self, tx: &mut Tx<'_>, protocol: &Protocol) -> Result<Timestamp, Fault> {
        let cursors = chains::all(tx).await?;
        let of_family = |id: &str| self.chains.iter().any(|chain| chain.id.as_str() == id && &chain.protocol == protocol);
        let ahead = cursors.iter().filter(|(id, _)| of_family(id)).map(|(_, cursor)| cursor.head_time.plus(Duration::from_millis(1)));
        Ok(ahead.max().unwrap_or(self.now).max(self.now))
    }

    async fn let_go(&self, tx: &mut Tx<'_>, binding: &Binding) -> Result<(), Fault> {
        let end = self.end(tx, &binding.protocol).await?;
        deposits::end(tx, &binding.id, self.now).await?;
        let kept = store::settings::get(tx, &self.organization_id).await?;
        let cooldown = settings::effective(&self.deployment, &kept)?.cooldown;
        pool::release(tx, binding.address_id, Holder::Deposit(&binding.id), end, end.plus(cooldown)).await?;
        let happened = Happened {
            organization_id: &self.organization_id,
            event_type: EventType::DepositAddressUnbound,
            object_id: binding.id.as_str(),
            sequence: store::events::count(tx, binding.id.as_str()).await?.saturating_add(1),
            data: event::unbound_data(&binding.told()),
            now: self.now,
        };
        record(tx, happened).await.map(drop)
    }
}

impl Unit for Unbind {
    type Output = UnboundDeposit;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<UnboundDeposit> {
        let chain = self.query.as_ref().map_err(|error| refused(error.clone()))?.chain_id.as_ref();
        let missing = || not_found(&self.reference, chain);
        if !is_findable(&self.reference) || chain.is_some_and(|chain| !is_findable(chain.as_str())) {
            return Err(missing().into());
        }
        let known = deposits::lock(tx, &self.organization_id, &self.reference).await?.ok_or_else(missing)?;
        let bound = deposits::bindings(tx, &self.organization_id, &self.reference, chain).await?;
        if bound.is_empty() {
            return Err(missing().into());
        }
        for (binding, _) in &bound {
            self.let_go(tx, binding).await?;
        }
        let unbound = u64::try_from(bound.len()).unwrap_or(u64::MAX);
        let after = Reference { bound: known.bound.saturating_sub(unbound), metadata: known.metadata.clone() };
        deposits::put(tx, &self.organization_id, &self.reference, &known, &after).await?;
        Ok(UnboundDeposit {
            success: true,
            message: "Deposit reference unbound".to_owned(),
            deposit_reference: self.reference.clone(),
            unbound_addresses: unbound,
            extra: Map::new(),
        })
    }
}
