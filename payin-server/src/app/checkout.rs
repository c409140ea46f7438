//! What people without a key may do: look at a payment link, open an order through it, follow that order. Whatever they do is counted by
//! their network address, of which only a MAC is kept.

mod deposit;
mod watch;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use payin_core::checkout::public_order;
use payin_core::client::Network;
use payin_core::finality::confirmations;
use payin_core::link::{Closed, Link};
use payin_core::order::Facts;
use payin_core::transfer::{Unmatched, is_dust};
use payin_core::{Error, Units};
use payin_types::checkout::{CreateLinkOrder, OpenedLinkOrder};
use payin_types::link::Theme;
use payin_types::{ChainId, Currency, ErrorCode, PaymentLinkId, PublicPaymentLink, Timestamp};
use serde_json::Map;

use super::orders::{Opener, check_shown};
use super::pool::free_by;
use super::query::is_findable;
use super::{App, Outcome};
use crate::store::transfers::records::{self, OfOrder, Shown};
use crate::store::{Tx, Unit, access, links, orders, pool};
pub use deposit::{Depositing, depositing};
pub use watch::{Seen, Watch, Watchers};

/// How this server meets the public.
#[derive(Debug, Default)]
pub struct Front {
    /// Where payers reach it, without a slash at the end; `None`: it does not know.
    pub public_url: Option<String>,
    /// Proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Whether anybody may register, and so make an organization of their own.
    pub open_registration: bool,
    /// Whether merchants may do by hand, in a browser, what they do through an API.
    pub has_dashboard: bool,
    /// How often a client may ask.
    pub visits: Visits,
    /// Who looks on while orders are paid.
    pub watchers: Arc<Watchers>,
}

const VISITS_EVERY: Duration = Duration::from_secs(60);
/// Beyond so many clients in a minute all are forgotten: this bounds memory, not what a crowd may do.
const VISITORS_MAX: usize = 10_000;

/// How often each client has asked within the last minute, in this process.
#[derive(Debug, Default)]
pub struct Visits {
    /// How often it may; `None`: as often as it likes.
    most: Option<u64>,
    seen: Mutex<HashMap<IpAddr, (Timestamp, u64)>>,
}

impl Visits {
    /// So many a minute.
    #[must_use]
    pub fn at_most(most: u64) -> Self {
        Self { most: Some(most), seen: Mutex::default() }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED`.
    pub fn admit(&self, client: IpAddr, now: Timestamp) -> Result<(), Error> {
        let Some(most) = self.most else { return Ok(()) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= VISITORS_MAX && !seen.contains_key(&client) {
            seen.clear();
        }
        let (since, count) = seen.entry(client).or_insert((now, 0));
        if now < *since || now.since(*since) >= VISITS_EVERY {
            (*since, *count) = (now, 0);
        }
        if *count >= most {
            let left = VISITS_EVERY.saturating_sub(now.since(*since)).as_secs().max(1);
            let message = format!("More than {most} requests a minute come from your address; try again in {left} s");
            return Err(Error { retry_after_s: Some(left), ..Error::new(ErrorCode::RateLimitExceeded, message) });
        }
        *count = count.saturating_add(1);
        Ok(())
    }
}

async fn found(app: &App, slug: &str) -> Outcome<Link> {
    let unknown = || Error::not_found("Payment link", slug);
    if !is_findable(slug) {
        return Err(unknown().into());
    }
    Ok(links::by_slug(&mut app.store.read().await?, slug).await?.ok_or_else(unknown)?)
}

async fn payable(app: &App, slug: &str) -> Outcome<Link> {
    let link = found(app, slug).await?;
    link.check_payable(app.clock.now())?;
    Ok(link)
}

/// A link as anybody may see it, or why nobody may: then nothing of it is shown.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn look(app: &App, slug: &str) -> Outcome<Result<PublicPaymentLink, Closed>> {
    let link = found(app, slug).await?;
    Ok(link.closed(app.clock.now()).map_or_else(|| Ok(link.to_public()), Err))
}

/// A link as anybody may see it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `PAYMENT_LINK_UNAVAILABLE`.
pub async fn link(app: &App, slug: &str) -> Outcome<PublicPaymentLink> {
    Ok(payable(app, slug).await?.to_public())
}

/// Opens an order through a link.
///
/// # Errors
/// As [`link`]; what the link does not offer; `SOLD_OUT`, `RATE_LIMIT_EXCEEDED`, `NO_AVAILABLE_ADDRESSES`, `CHAIN_UNAVAILABLE`.
pub async fn open(app: &App, slug: &str, asked: Result<CreateLinkOrder, Error>, client: IpAddr) -> Outcome<OpenedLinkOrder> {
    let link = payable(app, slug).await?;
    let opener = Opener::new(app, link.organization_id.clone());
    let asked = asked?;
    // What is refused whoever comes first takes no lock.
    link.order(&asked, &opener.id)?;
    let client_mac = app.seal.client_mac(link.organization_id.as_str(), &client.to_string());
    app.store.write(Open { link: link.id, asked, client_mac, opener }).await
}

/// Opens an order through a link: one of its inventory, an address and the order, in one transaction.
struct Open {
    link: PaymentLinkId,
    asked: CreateLinkOrder,
    client_mac: String,
    opener: Opener,
}

impl Unit for Open {
    type Output = OpenedLinkOrder;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<OpenedLinkOrder> {
        let opener = &self.opener;
        // The reserve is the organization's, not the link's.
        access::lock_organization(tx, &opener.organization_id).await?;
        let link = links::lock(tx, &opener.organization_id, self.link.as_str()).await?;
        let link = link.ok_or_else(|| Error::not_found("Payment link", self.link.as_str()))?;
        link.check_payable(opener.now)?;
        let prepared = opener.prepare(tx, link.order(&self.asked, &opener.id)?).await?;
        let (terms, caps) = (&prepared.terms, &prepared.holds.links);
        let (of_client, of_link) = links::open_orders(tx, &link.id, &self.client_mac).await?;
        caps.check_open(of_client, of_link)?;
        let free_by = free_by(tx, opener.chains(), opener.now).await?;
        let (available, total) = pool::availability(tx, &opener.organization_id, &terms.protocol, &free_by).await?;
        caps.check_reserve(available, total, &terms.protocol)?;
        let facts = opener.open(tx, prepared, Some(link.id.clone())).await?;
        let opened =
            links::Opened { order_id: &facts.id, buyer_email: self.asked.email.as_deref(), client_mac: &self.client_mac, now: opener.now };
        links::reserve(tx, &link, &opened).await?;
        let shown = Link { reserved: link.reserved.saturating_add(1), ..link.clone() };
        Ok(OpenedLinkOrder { order: public_order(&facts, None), payment_link: shown.to_public(), extra: Map::new() })
    }
}

/// An order in its payer's eyes: also what came for it and does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Paying {
    /// What happened.
    pub order: Facts,
    /// The newest block of its chain.
    pub head: Option<u64>,
    /// The sum of what counts once it is confirmed.
    pub pending: Units,
    /// What counts, or will.
    pub payments: Vec<Payment>,
    /// What came and does not count; dust is not told.
    pub strays: Vec<Stray>,
}

/// A transfer that counts, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its transaction.
    pub tx_hash: String,
    /// How many blocks confirm it.
    pub confirmations: u64,
    /// Whether that is enough.
    pub is_confirmed: bool,
}

/// A transfer that counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// How much.
    pub amount: Units,
    /// Of which token.
    pub currency: Currency,
    /// On which chain.
    pub chain_id: ChainId,
    /// Why it does not count.
    pub reason: Unmatched,
    /// Its transaction.
    pub tx_hash: String,
}

/// Transfers looked at: the largest. An order has few, unless somebody floods it with dust.
const TRANSFERS_MAX: i64 = 20;
/// How often an order that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 3;

/// What came, apart: what counts, and what does not.
fn apart(came: &OfOrder) -> (Vec<Payment>, Vec<Stray>) {
    let (mut payments, mut strays) = (Vec::new(), Vec::new());
    for Shown { record, head } in came.largest.iter().filter(|shown| shown.record.orphaned_at.is_none()) {
        let transfer = &record.transfer;
        match record.unmatched {
            None => payments.push(Payment {
                tx_hash: transfer.tx_hash.clone(),
                confirmations: head.map_or(0, |head| confirmations(head, transfer.block_number)),
                is_confirmed: record.confirmed_at.is_some(),
            }),
            Some(reason) if !is_dust(transfer.amount) => {
                let (currency, chain_id) = (transfer.currency.clone(), transfer.chain_id.clone());
                strays.push(Stray { amount: transfer.amount, currency, chain_id, reason, tx_hash: transfer.tx_hash.clone() });
            }
            Some(_) => {}
        }
    }
    (payments, strays)
}

/// An order for whoever knows its id: it cannot be guessed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn paying(app: &App, id: &str) -> Outcome<Paying> {
    let unknown = || Error::not_found("Order", id);
    if !is_findable(id) {
        return Err(unknown().into());
    }
    let mut conn = app.store.read().await?;
    let mut found = orders::find(&mut conn, id).await?.ok_or_else(unknown)?;
    check_shown(&app.seal, &found)?;
    let mut came = records::of_order(&mut conn, &found.facts.organization_id, &found.facts.id, TRANSFERS_MAX).await?;
    // What was pending may have been confirmed in between, and would be in neither: a payer would be asked for it again.
    for _ in 0..LOOKS_MAX {
        let again = orders::find(&mut conn, id).await?.ok_or_else(unknown)?;
        if again.facts.received == found.facts.received {
            break;
        }
        found = again;
        came = records::of_order(&mut conn, &found.facts.organization_id, &found.facts.id, TRANSFERS_MAX).await?;
    }
    let (payments, strays) = apart(&came);
    Ok(Paying { order: found.facts, head: found.head, pending: came.pending, payments, strays })
}

/// What the link that an order was opened through says of itself, if it is still there: its title, and how its page looks.
///
/// # Errors
/// What the database says.
pub async fn sold(app: &App, order: &Facts) -> Outcome<Option<(String, Theme)>> {
    let Some(id) = &order.payment_link_id else { return Ok(None) };
    let link = links::get(&mut app.store.read().await?, &order.organization_id, id.as_str()).await?;
    Ok(link.map(|link| (link.offer.title, link.offer.theme)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_counted_by_client_and_minute() {
        let visits = Visits::at_most(2);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let at = |seconds: i64| Timestamp::from_secs(1_767_225_600 + seconds);
        assert_eq!([one, one, other].map(|client| visits.admit(client, at(0))), [const { Ok(()) }; 3]);
        let refused = visits.admit(one, at(50)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_s), (ErrorCode::RateLimitExceeded, Some(10)));
        assert_eq!(visits.admit(other, at(50)), Ok(()));
        assert_eq!(visits.admit(one, at(60)), Ok(()));
        // A clock that is set back does not lock anybody out.
        assert_eq!([one, one].map(|client| visits.admit(client, at(-3600))), [const { Ok(()) }; 2]);
        assert!(Visits::default().admit(one, at(0)).is_ok());
    }

    #[test]
    fn visitors_are_forgotten_before_they_fill_memory() {
        let visits = Visits::at_most(1);
        for number in 0..3 * VISITORS_MAX as u32 {
            visits.admit(IpAddr::V4(number.into()), Timestamp::from_secs(0)).unwrap();
        }
        assert!(visits.seen.lock().unwrap().len() <= VISITORS_MAX);
    }
}
