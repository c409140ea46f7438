//! Binding a deposit reference on a chain: an address, the binding, its hold on the address, in one transaction.

use std::sync::Arc;

use payin_core::deposit::{self, Terms};
use payin_core::{Chains, Error, event, order};
use payin_types::{BindDeposit, BindingId, BoundDeposit, EventType, OrganizationId, Timestamp};
use serde_json::Map;

use crate::app::events::{Happened, record};
use crate::app::issuers;
use crate::app::pool::assign::claim_genuine;
use crate::app::settings::{self, Deployment};
use crate::app::{App, Outcome, refused};
use crate::seal::Seal;
use crate::store::deposits::{self, Binding, Reference};
use crate::store::pool::Holder;
use crate::store::{Tx, Unit, orders, pool};

/// Binds a reference to an address of its own on a chain.
pub struct Bind {
    /// What is asked for, or why it cannot be read.
    pub request: Result<BindDeposit, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// The binding's id.
    pub id: BindingId,
    /// The time.
    pub now: Timestamp,
    chains: Arc<Chains>,
    deployment: Deployment,
    seal: Arc<Seal>,
}

impl Bind {
    /// A new binding of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<BindDeposit, Error>) -> Self {
        let now = app.clock.now();
        Self {
            request,
            organization_id,
            id: BindingId::from_time(now.millis(), app.random_id()),
            now,
            chains: Arc::clone(&app.chains),
            deployment: app.deployment(),
            seal: Arc::clone(&app.seal),
        }
    }

    /// An address for the reference, held.
    async fn place(&self, tx: &mut Tx<'_>, terms: &Terms) -> Outcome<Binding> {
        let free = claim_genuine(tx, (&self.chains, &self.seal), &self.organization_id, &terms.protocol, self.now).await?;
        let free = free.ok_or_else(|| order::no_address(&terms.protocol))?;
        let binding = Binding {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            reference: terms.reference.clone(),
            currency: terms.currency.clone(),
            chain_id: terms.chain_id.clone(),
            protocol: terms.protocol.clone(),
            address_id: free.id,
            address: free.address.clone(),
            created_at: self.now,
        };
        deposits::insert(tx, &binding).await?;
        pool::hold(tx, &[(&free, Holder::Deposit(&binding.id))]).await?;
        Ok(binding)
    }

    async fn tell(&self, tx: &mut Tx<'_>, binding: &Binding) -> Outcome<()> {
        let happened = Happened {
            organization_id: &self.organization_id,
            event_type: EventType::DepositAddressBound,
            object_id: binding.id.as_str(),
            sequence: 1,
            data: event::bound_data(&binding.told(), &self.chains),
            now: self.now,
        };
        record(tx, happened).await?;
        Ok(())
    }
}

impl Binding {
    /// As events tell of it.
    pub(super) fn told(&self) -> event::Binding<'_> {
        event::Binding {
            id: &self.id,
            reference: &self.reference,
            chain_id: &self.chain_id,
            protocol: &self.protocol,
            currency: &self.currency,
            address: self.address.as_str(),
        }
    }
}

impl Unit for Bind {
    type Output = BoundDeposit;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<BoundDeposit> {
        let terms = deposit::bind(self.request.clone().map_err(refused)?, &self.chains).map_err(refused)?;
        let opening = orders::opening(tx, &self.organization_id, terms.chain_id.as_str(), self.now).await?;
        settings::effective(&self.deployment, &opening.settings)?.check_deposits_enabled()?;
        let chain = self.chains.find(&terms.chain_id)?;
        order::check_chain(chain, opening.head_time, self.now)?;
        issuers::check(tx, chain, &terms.currency, opening.stopped).await?;
        // From here on nobody else binds or unbinds this reference.
        deposits::ensure(tx, &self.organization_id, &terms.reference, self.now).await?;
        let known = deposits::lock(tx, &self.organization_id, &terms.reference).await?;
        let known = known.ok_or_else(|| crate::store::Fault::Corrupt("a deposit reference has vanished".to_owned()))?;
        let bound = deposits::bindings(tx, &self.organization_id, &terms.reference, Some(&terms.chain_id)).await?;
        if !bound.is_empty() {
            return Err(deposit::duplicate(&terms.reference, &terms.chain_id).into());
        }
        let metadata = deposit::merge(known.metadata.clone(), terms.metadata.clone())?;
        let binding = self.place(tx, &terms).await?;
        let after = Reference { bound: known.bound.saturating_add(1), metadata: metadata.clone() };
        deposits::put(tx, &self.organization_id, &terms.reference, &known, &after).await?;
        self.tell(tx, &binding).await?;
        Ok(BoundDeposit {
            deposit_reference: binding.reference,
            currency: binding.currency,
            chain_id: binding.chain_id,
            protocol: binding.protocol,
            address: binding.address.as_str().to_owned(),
            metadata,
            created_at: self.now,
            extra: Map::new(),
        })
    }
}
