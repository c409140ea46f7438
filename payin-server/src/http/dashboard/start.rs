//! The first page: how the organization does, in figures and over the last two weeks; and what comes first where there is nothing yet. It must not decide what
//! counts as paid.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use payin_core::access::Permission;
use payin_core::calendar::Day as Date;
use payin_core::{Units, stats};
use payin_types::order::{OrderStats, OrderStatsQuery};
use payin_types::organization::ListPaging;
use payin_types::{Currency, ListTransfers};

use super::addresses::run_out;
use super::chart::{Chart, Day};
use super::lists::TAKEN_BACK;
use super::member::Member;
use super::view::{Block, Cell, Page, Stat};
use crate::app::{Outcome, endpoints, keys, orders, pool, transfers};
use crate::http::answer::Reject;

/// How many days the charts show.
const DAYS: u64 = 14;

/// What orders come to, with those apart that were paid and that their chain took back.
struct Come {
    stats: OrderStats,
    taken_back: u64,
}

impl Come {
    async fn to(member: &Member, query: OrderStatsQuery) -> Outcome<Self> {
        let (stats, taken_back) = orders::counted(member.app(), member.organization(), query).await?;
        Ok(Self { stats, taken_back })
    }

    fn paid(&self) -> u64 {
        self.stats.completed_orders.saturating_sub(self.taken_back)
    }

    /// Paid of all that are over, if any is.
    fn conversion(&self) -> Option<String> {
        let over = self.stats.completed_orders.saturating_add(self.stats.expired_orders);
        (over > 0).then(|| format!("{} %", stats::percent(self.paid(), over)))
    }
}

/// `GET /dashboard`
pub async fn show(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let come = Come::to(&member, OrderStatsQuery::default()).await?;
    let unmatched = ListTransfers { unmatched: Some(true), limit: Some(1), ..ListTransfers::default() };
    let unmatched = transfers::list(app, organization, unmatched).await?.pagination.total;
    let volume: Vec<String> = come.stats.volume.iter().map(|(currency, amount)| format!("{amount} {currency}")).collect();
    let orders = |label: &'static str, number: u64, status: &str| Stat {
        label,
        value: number.to_string(),
        href: Some(format!("/dashboard/orders?status={status}")),
    };
    let nothing = || "–".to_owned();
    let mut figures = vec![
        orders(t.orders_pending, come.stats.pending_orders, "pending"),
        orders(t.orders_completed, come.paid(), "completed"),
        orders(t.orders_expired, come.stats.expired_orders, "expired"),
    ];
    figures.extend((come.taken_back > 0).then(|| orders(t.orders_taken_back, come.taken_back, TAKEN_BACK)));
    figures.extend([
        Stat { label: t.conversion, value: come.conversion().unwrap_or_else(nothing), href: None },
        Stat { label: t.received_by_paid, value: if volume.is_empty() { nothing() } else { volume.join(", ") }, href: None },
        Stat { label: t.unmatched, value: unmatched.to_string(), href: Some("/dashboard/unmatched".to_owned()) },
    ]);
    let days = days(&member).await?;
    let page = what_is_missing(&member, member.page(t.start)).await?;
    let page = page.with(Block::Stats(figures)).with(Block::Chart(conversion(&member, &days)));
    Ok(volumes(&member, &days).into_iter().fold(page, |page, chart| page.with(Block::Chart(chart))).answer(None))
}

/// What somebody has to see to first, for those who may: without addresses nobody can pay.
async fn what_is_missing(member: &Member, page: Page) -> Outcome<Page> {
    if !member.can(Permission::ManageSettings) {
        return Ok(page);
    }
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let status = pool::status(app, organization).await?;
    let out: Vec<String> = run_out(&status).into_iter().map(|protocol| t.word(protocol.as_str())).collect();
    let one = ListPaging { page: None, limit: Some(1) };
    let steps = [
        ("/dashboard/addresses", t.import, status.values().any(|counts| counts.total > 0)),
        ("/dashboard/keys", t.make_key, keys::list(app, organization, organization.as_str(), &one).await?.pagination.total > 0),
        ("/dashboard/webhooks", t.add_webhook, endpoints::list(app, organization, None, Some(1)).await?.pagination.total > 0),
    ];
    let left = steps.into_iter().filter(|(.., is_done)| !is_done).map(|(path, label, _)| Cell::text(label).to(path.to_owned()));
    let left: Vec<Cell> = left.collect();
    let page = page.with_if((!out.is_empty()).then(|| Block::Note("bad", (t.none_left_of)(&out.join(", ")))));
    if left.is_empty() {
        return Ok(page);
    }
    Ok(page.with(Block::Heading(t.first_steps.to_owned())).with(Block::Links(left)))
}

/// What the orders of each of the last days come to, by the day they were made.
async fn days(member: &Member) -> Outcome<Vec<(Date, Come)>> {
    let mut days = Vec::new();
    for day in Date::of(member.app().clock.now()).last(DAYS) {
        let next = day.begins().plus(Duration::from_secs(24 * 60 * 60));
        let query = OrderStatsQuery { created_after: Some(day.begins()), created_before: Some(next), ..OrderStatsQuery::default() };
        days.push((day, Come::to(member, query).await?));
    }
    Ok(days)
}

fn conversion(member: &Member, days: &[(Date, Come)]) -> Chart {
    let t = member.t;
    let bar = |(day, come): &(Date, Come)| Day {
        label: day.date(),
        all: u128::from(come.stats.total_orders),
        part: u128::from(come.paid()),
        value: come.stats.total_orders.to_string(),
        says: (t.paid_of)(&day.date(), come.paid(), come.stats.total_orders),
    };
    Chart::new(t.orders_chart.to_owned(), &days.iter().map(bar).collect::<Vec<_>>())
}

/// A chart for each currency in which something was received.
fn volumes(member: &Member, days: &[(Date, Come)]) -> Vec<Chart> {
    let mut currencies: BTreeMap<&Currency, ()> = BTreeMap::new();
    currencies.extend(days.iter().flat_map(|(_, come)| come.stats.volume.keys().map(|currency| (currency, ()))));
    let chart = |currency: &Currency| {
        let bar = |(day, come): &(Date, Come)| {
            let sum = come.stats.volume.get(currency);
            let units = sum.and_then(|sum| Units::from_amount(*sum)).and_then(|units| units.to_base_units(18));
            let value = units.unwrap_or_default();
            let amount = format!("{} {currency}", sum.map_or_else(|| "0".to_owned(), ToString::to_string));
            Day { label: day.date(), all: value, part: value, says: format!("{}: {amount}", day.date()), value: amount }
        };
        Chart::new(format!("{} ({currency})", member.t.volume_chart), &days.iter().map(bar).collect::<Vec<_>>())
    };
    currencies.into_keys().map(chart).collect()
}
