//! Opening orders, one or many at a time: an address, the order, its hold on the address, in one transaction.
//! What may be ordered is a rule of `payin-core`.

use std::collections::BTreeMap;
use std::sync::Arc;

use payin_core::dialect::{Dialect, Origin};
use payin_core::order::{self, Facts, Terms};
use payin_core::{Chain, Chains, Error, Units, redirect};
use payin_types::{ChainId, CreateOrder, EventType, Order, OrderId, OrganizationId, PaymentLinkId, Protocol, Timestamp};

use crate::app::events::{Happened, record};
use crate::app::issuers;
use crate::app::pool::assign::{check_genuine, claim_genuine, given};
use crate::app::settings::{self, Deployment, Effective};
use crate::app::{App, Outcome};
use crate::seal::Seal;
use crate::store::pool::{Contended, Holder};
use crate::store::{Fault, Together, Tx, Unit, orders, pool};

/// Opens an order on a free address, whoever asks for it: the one way to a new order.
pub struct Opener {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: OrderId,
    /// The time.
    pub now: Timestamp,
    chains: Arc<Chains>,
    deployment: Deployment,
    seal: Arc<Seal>,
}

/// An order that may be opened.
pub struct Prepared {
    /// What it will be.
    pub terms: Terms,
    /// What holds for its organization.
    pub holds: Effective,
    /// Whether somebody asks to be told.
    told: bool,
    /// The API it is asked for through, if that is not the native one.
    origin: Option<Origin>,
}

impl Opener {
    /// The chains offered.
    pub(crate) fn chains(&self) -> &Chains {
        &self.chains
    }

    /// A new order of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId) -> Self {
        let now = app.clock.now();
        Self {
            organization_id,
            id: OrderId::from_time(now.millis(), app.random_id()),
            now,
            chains: Arc::clone(&app.chains),
            deployment: app.deployment(),
            seal: Arc::clone(&app.seal),
        }
    }

    /// The chain asked for.
    fn chain(&self, request: &CreateOrder) -> Result<&Chain, Error> {
        self.chains.find(&request.chain_id)
    }

    /// What is asked for, if it can be had where these settings hold.
    fn terms(&self, request: CreateOrder, holds: &Effective) -> Result<Terms, Error> {
        holds.check_orders_enabled()?;
        order::open(redirect::resolve(request, (holds.success_url.clone(), holds.cancel_url.clone())), &self.chains, &holds.orders)
    }

    /// What is asked for, if it can be had as things are.
    ///
    /// # Errors
    /// As [`order::open`]; `CHAIN_UNAVAILABLE`, `SERVICE_UNAVAILABLE`; a fault.
    pub async fn prepare(&self, tx: &mut Tx<'_>, request: CreateOrder) -> Outcome<Prepared> {
        self.prepare_with(tx, request, None, Self::terms).await
    }

    /// As [`Opener::prepare`], for an order that comes through another API, by whose documents it may be opened.
    ///
    /// # Errors
    /// As [`Opener::prepare`].
    pub async fn prepare_through(
        &self,
        tx: &mut Tx<'_>,
        request: CreateOrder,
        (dialect, ends_at): (&dyn Dialect, Option<(&str, Timestamp)>),
        origin: Origin,
    ) -> Outcome<Prepared> {
        let terms = |opener: &Self, request, holds: &Effective| {
            holds.check_orders_enabled()?;
            let mut settings = dialect.settings(&opener.deployment.orders);
            if let Some((field, ends_at)) = ends_at {
                settings.window = payin_core::dialect::window(field, ends_at, opener.now, &settings)?;
            }
            order::open_with(request, &opener.chains, &settings, &|data| dialect.check_metadata(data))
        };
        self.prepare_with(tx, request, Some(origin), terms).await
    }

    async fn prepare_with(
        &self,
        tx: &mut Tx<'_>,
        request: CreateOrder,
        origin: Option<Origin>,
        terms: impl FnOnce(&Self, CreateOrder, &Effective) -> Result<Terms, Error>,
    ) -> Outcome<Prepared> {
        let chain = self.chain(&request)?;
        let opening = orders::opening(tx, &self.organization_id, chain.id.as_str(), self.now).await?;
        let holds = settings::effective(&self.deployment, &opening.settings)?;
        let terms = terms(self, request, &holds)?;
        order::check_chain(chain, opening.head_time, self.now)?;
        issuers::check(tx, chain, &terms.currency, opening.stopped).await?;
        Ok(Prepared { terms, holds, told: opening.told, origin })
    }

    /// Opens it.
    ///
    /// # Errors
    /// `NO_AVAILABLE_ADDRESSES`, `DUPLICATE_ORDER_REFERENCE`; a fault.
    pub async fn open(&self, tx: &mut Tx<'_>, prepared: Prepared, link: Option<PaymentLinkId>) -> Outcome<Facts> {
        let Prepared { terms, told, origin, .. } = prepared;
        let (protocol, reference) = (terms.protocol.clone(), terms.reference.clone());
        let Some(free) = claim_genuine(tx, (&self.chains, &self.seal), &self.organization_id, &protocol, self.now).await? else {
            // An empty pool must not hide that the order exists.
            return Err(match self.existing(tx, &reference).await? {
                Some(existing) => order::duplicate(&existing).into(),
                None => order::no_address(&protocol).into(),
            });
        };
        let facts = Facts { payment_link_id: link, origin, ..self.place(terms, &free)? };
        if !orders::insert(tx, &[(&facts, free.id)]).await? {
            let existing = self.existing(tx, &reference).await?;
            let existing = existing.ok_or_else(|| Fault::Corrupt("a reference is taken by nobody".to_owned()))?;
            return Err(order::duplicate(&existing).into());
        }
        pool::hold(tx, &[(&free, Holder::Order(&facts.id))]).await?;
        if told {
            self.tell(tx, &facts).await?;
        }
        Ok(facts)
    }

    /// The order on an address, if the address is as it was imported.
    fn place(&self, terms: Terms, free: &pool::Free) -> Result<Facts, Fault> {
        check_genuine(&self.seal, &self.organization_id, &terms.protocol, free)?;
        let required_confirmations = self.chains.get(&terms.chain_id).map_or(u64::MAX, order::required_confirmations);
        Ok(Facts {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            required_confirmations,
            terms,
            address: free.address.clone(),
            created_at: self.now,
            seen_at: None,
            completed_at: None,
            expired_at: None,
            paid_late_at: None,
            reverted_at: None,
            received: Units::ZERO,
            payment: None,
            payment_link_id: None,
            origin: None,
        })
    }

    async fn existing(&self, tx: &mut Tx<'_>, reference: &str) -> Result<Option<Facts>, Fault> {
        Ok(orders::get_by_reference(tx, &self.organization_id, reference).await?.map(|existing| existing.facts))
    }

    /// Tells of the new order whoever asks to be told.
    async fn tell(&self, tx: &mut Tx<'_>, facts: &Facts) -> Result<(), Fault> {
        let stored = orders::lock(tx, facts.id.as_str()).await?;
        let happened = Happened {
            organization_id: &self.organization_id,
            event_type: EventType::OrderCreated,
            object_id: facts.id.as_str(),
            sequence: 1,
            data: payin_core::event::order_data(&facts.to_wire(None)),
            now: self.now,
        };
        if record(tx, happened).await? {
            orders::update(tx, &stored, facts, 1, self.now).await?;
        }
        Ok(())
    }
}

/// Opens the order that a merchant asks for.
pub struct Create {
    /// What is asked for, or why it cannot be read: within the unit, so that a bad request under an idempotency key is answered as the
    /// first request under that key was.
    pub request: Result<CreateOrder, Error>,
    /// The order.
    pub opener: Opener,
}

impl Create {
    /// A new order of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<CreateOrder, Error>) -> Self {
        Self { request, opener: Opener::new(app, organization_id) }
    }
}

impl Unit for Create {
    type Output = Order;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Order> {
        let prepared = self.opener.prepare(tx, self.request.clone()?).await?;
        Ok(self.opener.open(tx, prepared, None).await?.to_wire(None))
    }
}

/// One of several orders: its place among them, and what it asks for.
type Wanted<'a> = (usize, &'a Opener, Terms);

/// Several who ask, each with its place among all.
type Asked<'a> = Vec<(usize, &'a Create)>;

/// What several orders ask for, by who takes the addresses and of which family. `None` if any of them is out of the ordinary.
async fn wanted<'a>(
    units: &'a [&'a Create],
    tx: &mut Tx<'_>,
) -> Result<Option<BTreeMap<(OrganizationId, Protocol), Vec<Wanted<'a>>>>, Fault> {
    let mut by_chain: BTreeMap<(&OrganizationId, &ChainId), (&Chain, Asked<'_>)> = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        let Ok(chain) = unit.request.as_ref().map_err(Clone::clone).and_then(|request| unit.opener.chain(request)) else { return Ok(None) };
        by_chain.entry((&unit.opener.organization_id, &chain.id)).or_insert_with(|| (chain, Vec::new())).1.push((at, unit));
    }
    let mut alike: BTreeMap<_, Vec<Wanted<'_>>> = BTreeMap::new();
    for ((organization, _), (chain, orders)) in by_chain {
        let now = orders.iter().map(|(_, unit)| unit.opener.now).min().unwrap_or_default();
        let opening = orders::opening(tx, organization, chain.id.as_str(), now).await?;
        if opening.told || opening.stopped > 0 || order::check_chain(chain, opening.head_time, now).is_err() {
            return Ok(None);
        }
        let Some((_, first)) = orders.first() else { continue };
        let holds = settings::effective(&first.opener.deployment, &opening.settings)?;
        for (at, unit) in orders {
            let Ok(terms) = unit.request.clone().and_then(|request| unit.opener.terms(request, &holds)) else { return Ok(None) };
            alike.entry((organization.clone(), terms.protocol.clone())).or_default().push((at, &unit.opener, terms));
        }
    }
    Ok(Some(alike))
}

impl Together for Create {
    /// Opens orders that are all in order, in a few statements however many they are. Anything out of the ordinary (a bad request, too
    /// few fresh addresses, a taken reference, somebody who wants to be told) is left to [`Create::run`], one by one.
    async fn run_together<'a>(units: &'a [&'a Self], tx: &'a mut Tx<'_>) -> Result<Option<Vec<Order>>, Fault> {
        let Some(alike) = wanted(units, tx).await? else { return Ok(None) };
        let (mut places, mut placed, mut frees) = (Vec::with_capacity(units.len()), Vec::with_capacity(units.len()), Vec::new());
        for ((organization, protocol), orders) in alike {
            let now = orders.iter().map(|(_, opener, _)| opener.now).min().unwrap_or_default();
            let free = pool::claim(tx, &organization, &protocol, (0, now), orders.len(), Contended::PassOver).await?;
            if free.len() < orders.len() {
                return Ok(None);
            }
            let Some((_, first, _)) = orders.first() else { continue };
            let free = given(tx, &first.chains, &protocol, now, free).await?;
            for ((at, opener, terms), free) in orders.into_iter().zip(free) {
                places.push(at);
                placed.push(opener.place(terms, &free)?);
                frees.push(free);
            }
        }
        let rows: Vec<_> = placed.iter().zip(&frees).map(|(facts, free)| (facts, free.id)).collect();
        if !orders::insert(tx, &rows).await? {
            return Ok(None);
        }
        let held: Vec<_> = frees.iter().zip(placed.iter().map(|facts| Holder::Order(&facts.id))).collect();
        pool::hold(tx, &held).await?;
        let mut opened: Vec<_> = places.into_iter().zip(placed.iter().map(|facts| facts.to_wire(None))).collect();
        opened.sort_by_key(|(at, _)| *at);
        Ok(Some(opened.into_iter().map(|(_, order)| order).collect()))
    }
}
