//! Payment links, as their owner makes, changes, publishes and lists them. What payers do with one is in `app/checkout.rs`; what a link may
//! be is a rule of `payin-core`.

use std::sync::Arc;

use payin_core::link::{self, Link};
use payin_core::{Chains, Error, stats};
use payin_types::link::{
    CreatePaymentLink, LinkOrder, LinkOrderStatus, LinkStats, LinkStatus, ListLinkOrders, ListPaymentLinks, PublishPaymentLink,
    UpdatePaymentLink,
};
use payin_types::{OrganizationId, Page, Pagination, PaymentLink, PaymentLinkId, PublicPaymentLink, Timestamp};
use serde_json::Map;

use super::checkout::Front;
use super::query::{check_text, is_findable, known, paging};
use super::{App, Outcome, refused};
use crate::store::db::Locked;
use crate::store::{Fault, Tx, Unit, links};

fn unknown(id: &str) -> Error {
    Error::not_found("Payment link", id)
}

/// Makes a link, as a draft.
pub struct Create {
    /// What is asked for, or why it cannot be read.
    pub request: Result<CreatePaymentLink, Error>,
    /// Whose.
    pub organization_id: OrganizationId,
    id: PaymentLinkId,
    now: Timestamp,
    chains: Arc<Chains>,
    front: Arc<Front>,
}

impl Create {
    /// A new link of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, request: Result<CreatePaymentLink, Error>) -> Self {
        Self {
            request,
            organization_id,
            id: PaymentLinkId::from_random(app.random_id()),
            now: app.clock.now(),
            chains: Arc::clone(&app.chains),
            front: Arc::clone(&app.front),
        }
    }
}

impl Unit for Create {
    type Output = PaymentLink;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<PaymentLink> {
        let request = self.request.clone().map_err(refused)?;
        let link = Link {
            id: self.id.clone(),
            organization_id: self.organization_id.clone(),
            offer: link::offer(request, &self.chains, self.now)?,
            reserved: 0,
            sold: 0,
            slug: None,
            published_at: None,
            first_published_at: None,
            archived_at: None,
            deleted_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        links::insert(tx, &link).await?;
        Ok(link.to_wire(self.front.public_url.as_deref()))
    }
}

/// What an owner does to a link.
pub enum Deed {
    /// Says something else of it.
    Update(Result<UpdatePaymentLink, Error>),
    /// Offers it to payers, at a URL that is made where none is asked for or it is taken.
    Publish(Result<PublishPaymentLink, Error>),
    /// Offers it no more.
    Unpublish,
    /// Puts it away.
    Archive,
    /// Takes it out again.
    Restore,
    /// Deletes it. Its orders stay.
    Delete,
}

/// Does something to a link. What is so already is done.
pub struct Change {
    /// What.
    pub deed: Deed,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub id: String,
    now: Timestamp,
    slugs: [String; 3],
    chains: Arc<Chains>,
    front: Arc<Front>,
}

impl Change {
    /// A deed to a link of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, id: String, deed: Deed) -> Self {
        Self {
            deed,
            organization_id,
            id,
            now: app.clock.now(),
            slugs: std::array::from_fn(|_| link::make_slug(app.random_id())),
            chains: Arc::clone(&app.chains),
            front: Arc::clone(&app.front),
        }
    }

    async fn lock(&self, tx: &mut Tx<'_>) -> Outcome<Locked<Link>> {
        Ok(links::lock(tx, &self.organization_id, &self.id).await?.ok_or_else(|| unknown(&self.id))?)
    }

    async fn put(&self, tx: &mut Tx<'_>, before: &Locked<Link>, after: Link) -> Result<Link, Fault> {
        if after == **before {
            return Ok(after);
        }
        let after = Link { updated_at: self.now, ..after };
        links::update(tx, before, &after).await?;
        Ok(after)
    }

    async fn publish(&self, tx: &mut Tx<'_>, request: PublishPaymentLink) -> Outcome<Link> {
        if let Some(slug) = &request.slug {
            link::check_slug(slug)?;
        }
        for slug in request.slug.iter().chain(&self.slugs) {
            let before = self.lock(tx).await?;
            before.check_publishable(self.now)?;
            let after = Link {
                slug: before.slug.clone().or_else(|| Some(slug.clone())),
                published_at: before.published_at.or(Some(self.now)),
                first_published_at: before.first_published_at.or(Some(self.now)),
                ..before.clone()
            };
            match self.put(tx, &before, after).await {
                // Another link has this slug.
                Err(fault) if fault.is_unique_violation() => tx.undo().await?,
                put => return Ok(put?),
            }
        }
        Err(Fault::Corrupt("no free slug was found among random ones".to_owned()).into())
    }
}

impl Unit for Change {
    type Output = PaymentLink;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<PaymentLink> {
        if !is_findable(&self.id) {
            return Err(unknown(&self.id).into());
        }
        if let Deed::Publish(request) = &self.deed {
            let link = self.publish(tx, request.clone().map_err(refused)?).await?;
            return Ok(link.to_wire(self.front.public_url.as_deref()));
        }
        let before = self.lock(tx).await?;
        let mut after = before.clone();
        match &self.deed {
            Deed::Update(request) => after.offer = link::change(&before, request.clone().map_err(refused)?, &self.chains, self.now)?,
            Deed::Publish(_) | Deed::Unpublish => after.published_at = None,
            Deed::Archive => after.archived_at = before.archived_at.or(Some(self.now)),
            Deed::Restore => after.archived_at = None,
            Deed::Delete => after.deleted_at = Some(self.now),
        }
        Ok(self.put(tx, &before, after).await?.to_wire(self.front.public_url.as_deref()))
    }
}

async fn found(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Link> {
    if !is_findable(id) {
        return Err(unknown(id).into());
    }
    Ok(links::get(&mut app.store.read().await?, organization, id).await?.ok_or_else(|| unknown(id))?)
}

/// One link.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn get(app: &App, organization: &OrganizationId, id: &str) -> Outcome<PaymentLink> {
    Ok(found(app, organization, id).await?.to_wire(app.front.public_url.as_deref()))
}

/// One link as payers see it, or will once it is published.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn preview(app: &App, organization: &OrganizationId, id: &str) -> Outcome<PublicPaymentLink> {
    Ok(found(app, organization, id).await?.to_public())
}

/// A page of links, last changed first.
///
/// # Errors
/// `VALIDATION_ERROR` for a filter that does not exist.
pub async fn list(app: &App, organization: &OrganizationId, query: ListPaymentLinks) -> Outcome<Page<PaymentLink>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(LinkStatus::as_str), LinkStatus::known)?;
    check_text("search", query.search.as_deref())?;
    let archived = match (query.archived, query.include_archived) {
        (Some(archived), _) => Some(archived),
        (None, Some(true)) => None,
        (None, _) => Some(false),
    };
    let filter = links::Filter { organization_id: organization.clone(), status: query.status, archived, search: query.search };
    let (found, total) = links::list(&mut app.store.read().await?, &filter, i64::try_from(limit).unwrap_or(100), offset).await?;
    let data = found.iter().map(|link| link.to_wire(app.front.public_url.as_deref())).collect();
    Ok(Page { data, pagination: Pagination::new(page, limit, total) })
}

/// A page of a link's orders, newest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `VALIDATION_ERROR` for a filter that does not exist.
pub async fn orders(app: &App, organization: &OrganizationId, id: &str, query: ListLinkOrders) -> Outcome<Page<LinkOrder>> {
    let Page { data, pagination } = listed_orders(app, organization, id, query).await?;
    Ok(Page { data: data.into_iter().map(|(order, _)| order).collect(), pagination })
}

/// A page of a link's orders, newest first, each with whether its chain took back what had paid it.
///
/// # Errors
/// As [`orders`].
pub async fn listed_orders(app: &App, organization: &OrganizationId, id: &str, query: ListLinkOrders) -> Outcome<Page<(LinkOrder, bool)>> {
    let (page, limit, offset) = paging(query.page, query.limit)?;
    known("status", query.status.as_ref().map(LinkOrderStatus::as_str), LinkOrderStatus::known)?;
    let link = found(app, organization, id).await?;
    let most = i64::try_from(limit).unwrap_or(100);
    let (data, total) = links::orders(&mut app.store.read().await?, &link.id, query.status.as_ref(), most, offset).await?;
    Ok(Page { data, pagination: Pagination::new(page, limit, total) })
}

/// What an organization's links come to. Orders of deleted links count: they were paid, or not, all the same.
///
/// # Errors
/// What the database says.
pub async fn stats(app: &App, organization: &OrganizationId) -> Outcome<LinkStats> {
    let totals = links::totals(&mut app.store.read().await?, organization).await?;
    let [pending, completed, expired] = totals.orders;
    let all = [pending, completed, expired].into_iter().fold(0u64, u64::saturating_add);
    Ok(LinkStats {
        total_links: totals.links,
        published_links: totals.published,
        total_orders: all,
        completed_orders: completed,
        pending_orders: pending,
        expired_orders: expired,
        revenue: totals.revenue,
        conversion_rate: stats::percent(completed, all),
        extra: Map::new(),
    })
}
