//! Orders: create, get, list. What an order is, is a rule of `payin-core`; how it is paid is in `app/ledger.rs`.

use std::sync::Arc;

use payin_core::order::{self, Facts};
use payin_core::{Chains, Error, Units};
use payin_types::order::OrderSort;
use payin_types::{
    CreateOrder, EventType, ListOrders, Order, OrderId, OrderSummary, OrganizationId, Page, Pagination, Protocol, SortOrder, Timestamp,
};

use super::events::{Happened, record};
use super::{App, Outcome};
use crate::seal::Seal;
use crate::store::db::Locked;
use crate::store::{Fault, Tx, Unit, chains, orders, pool};

/// Opens an order on a free address.
pub struct Create {
    /// What is asked for, or why it cannot be read: within the unit, so that a bad request under an idempotency key is answered as the
    /// first request under that key was.
    pub request: Result<CreateOrder, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: OrderId,
    /// The time.
    pub now: Timestamp,
    chains: Arc<Chains>,
    settings: order::Settings,
    seal: Arc<Seal>,
}

impl Create {
    /// A new order of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<CreateOrder, Error>) -> Self {
        Self {
            request,
            organization_id,
            id: OrderId::from_random(app.random_id()),
            now: app.clock.now(),
            chains: Arc::clone(&app.chains),
            settings: app.orders,
            seal: Arc::clone(&app.seal),
        }
    }

    /// A free address: one never used, else one whose cooldown has passed on every chain of its family, former deposit addresses last.
    async fn claim(&self, tx: &mut Tx<'_>, protocol: &Protocol) -> Outcome<Locked<pool::Free>> {
        if let Some(free) = pool::claim(tx, &self.organization_id, protocol, 0, self.now).await? {
            return Ok(free);
        }
        let rested_by = self.rested_by(tx, protocol).await?;
        for class in [1, 2] {
            if let Some(free) = pool::claim(tx, &self.organization_id, protocol, class, rested_by).await? {
                return Ok(free);
            }
        }
        // What is left may be locked by transactions that will yet let go: wait for them before saying that there is none.
        for (class, free_by) in [(0, self.now), (1, rested_by), (2, rested_by)] {
            if let Some(free) = pool::claim_waiting(tx, &self.organization_id, protocol, class, free_by).await? {
                return Ok(free);
            }
        }
        Err(order::no_address(protocol).into())
    }

    /// Until when every chain of a family has been followed. An address is handed out again only if no late payment to its former
    /// holder can still be waiting, unread, in a block that our watcher has not reached.
    async fn rested_by(&self, tx: &mut Tx<'_>, protocol: &Protocol) -> Result<Timestamp, Fault> {
        let cursors = chains::all(tx).await?;
        let family = self.chains.iter().filter(|chain| &chain.protocol == protocol);
        let followed = family.map(|chain| {
            let cursor = cursors.iter().find(|(id, _)| id == chain.id.as_str());
            cursor.map_or(Timestamp::from_millis(0), |(_, cursor)| cursor.head_time)
        });
        Ok(followed.min().unwrap_or_default().min(self.now))
    }
}

impl Unit for Create {
    type Output = Order;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Order> {
        let request = self.request.clone().map_err(super::refused)?;
        let terms = order::open(request, &self.chains, &self.settings)?;
        let chain = self.chains.find(&terms.chain_id)?;
        let (protocol, reference) = (terms.protocol.clone(), terms.reference.clone());
        let free = match self.claim(tx, &protocol).await {
            Ok(free) => free,
            // An empty pool must not hide that the order exists.
            Err(empty) => {
                return Err(match orders::get_by_reference(tx, &self.organization_id, &reference).await? {
                    Some((existing, _)) => order::duplicate(&reference, existing.id).into(),
                    None => empty,
                });
            }
        };
        if !self.seal.address_is_genuine(self.organization_id.as_str(), protocol.as_str(), free.address.as_str(), &free.mac) {
            return Err(Fault::Corrupt(format!(
                "the pool's address {} has been altered in the database; no order is given it",
                free.address
            ))
            .into());
        }
        let facts = Facts {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            required_confirmations: order::required_confirmations(chain),
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
        };
        if !orders::insert(tx, &facts, free.id).await? {
            let existing = orders::get_by_reference(tx, &self.organization_id, &reference).await?;
            let existing = existing.ok_or_else(|| Fault::Corrupt("a reference is taken by nobody".to_owned()))?;
            return Err(order::duplicate(&reference, existing.0.id).into());
        }
        pool::hold(tx, &free, &facts.id).await?;
        let wire = facts.to_wire(None);
        if free.someone_wants_created {
            let stored = orders::lock(tx, facts.id.as_str()).await?;
            let happened = Happened {
                organization_id: &self.organization_id,
                event_type: EventType::OrderCreated,
                object_id: facts.id.as_str(),
                sequence: 1,
                data: payin_core::event::order_data(&wire),
                now: self.now,
            };
            if record(tx, happened).await? {
                orders::update(tx, &stored, &facts, 1, self.now).await?;
            }
        }
        Ok(wire)
    }
}

/// One order by id.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Order> {
    let found = orders::get(&mut app.store.read().await?, organization, id).await?;
    found.map(|(facts, head)| facts.to_wire(head)).ok_or_else(|| Error::not_found("Order", id).into())
}

/// One order by the merchant's reference.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get_by_reference(app: &App, organization: &OrganizationId, reference: &str) -> Outcome<Order> {
    let found = orders::get_by_reference(&mut app.store.read().await?, organization, reference).await?;
    found.map(|(facts, head)| facts.to_wire(head)).ok_or_else(|| Error::not_found("Order with reference", reference).into())
}

/// Which page of which size.
///
/// # Errors
/// `VALIDATION_ERROR` out of bounds: never clamped, so that a caller does not take a part for the whole.
pub fn paging(page: Option<u64>, limit: Option<u64>) -> Result<(u64, u64, i64), Error> {
    let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(20));
    if !(1..=100).contains(&limit) {
        return Err(Error::field("limit", format!("must be 1 to 100, is {limit}")));
    }
    let offset = page.checked_sub(1).and_then(|before| before.checked_mul(limit)).and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or_else(|| Error::field("page", format!("must be 1 or more and point at a possible item, is {page}")))?;
    Ok((page, limit, offset))
}

/// A page of orders.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter or sort that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListOrders) -> Outcome<Page<OrderSummary>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(payin_types::OrderStatus::as_str), payin_types::OrderStatus::known)?;
    known("sortBy", query.sort_by.as_ref().map(OrderSort::as_str), OrderSort::known)?;
    known("sortOrder", query.sort_order.as_ref().map(SortOrder::as_str), SortOrder::known)?;
    if query.order_reference.as_deref().is_some_and(|part| part.chars().any(char::is_control)) {
        return Err(Error::field("orderReference", "must not contain control characters").into());
    }
    let filter = orders::Filter {
        organization_id: organization.clone(),
        status: query.status,
        currency: query.currency.map(|currency| currency.as_str().to_owned()),
        chain_id: query.chain_id.map(|chain| chain.as_str().to_owned()),
        reference_part: query.order_reference,
        created_after: query.created_after,
        created_before: query.created_before,
        sort_by: query.sort_by.unwrap_or(OrderSort::CreatedAt),
        sort_order: query.sort_order.unwrap_or(SortOrder::Desc),
    };
    let (found, total) = orders::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    Ok(Page { data: found.iter().map(Facts::to_summary).collect(), pagination: Pagination::new(page, limit, total) })
}

/// Refuses a word that is not one of an enum's.
///
/// # Errors
/// `VALIDATION_ERROR` naming the parameter.
pub fn known<T>(field: &str, word: Option<&str>, known: impl Fn(&str) -> Option<T>) -> Result<(), Error> {
    match word {
        Some(word) if known(word).is_none() => {
            Err(Error::field(field, format!("'{}' is not one of the words allowed", payin_core::error::shown(word))))
        }
        _ => Ok(()),
    }
}
