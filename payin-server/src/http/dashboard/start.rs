//! The first page: how the organization does, in figures and over the last two weeks.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use payin_core::Units;
use payin_core::access::Permission;
use payin_core::calendar::Day as Date;
use payin_types::order::{OrderStats, OrderStatsQuery};
use payin_types::{Currency, ListTransfers};

use super::chart::{Chart, Day};
use super::member::Member;
use super::view::{Block, Stat};
use crate::app::{Outcome, orders, transfers};
use crate::http::answer::Reject;

/// How many days the charts show.
const DAYS: u64 = 14;

/// `GET /dashboard`
pub async fn show(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let (t, app, organization) = (member.t, member.app(), member.organization());
    let stats = orders::stats(app, organization, OrderStatsQuery::default()).await?;
    let unmatched = ListTransfers { unmatched: Some(true), limit: Some(1), ..ListTransfers::default() };
    let unmatched = transfers::list(app, organization, unmatched).await?.pagination.total;
    let volume: Vec<String> = stats.volume.iter().map(|(currency, amount)| format!("{amount} {currency}")).collect();
    let figures = vec![
        Stat { label: t.orders_pending, value: stats.pending_orders.to_string(), href: Some("/dashboard/orders?status=pending") },
        Stat { label: t.orders_completed, value: stats.completed_orders.to_string(), href: Some("/dashboard/orders?status=completed") },
        Stat { label: t.orders_expired, value: stats.expired_orders.to_string(), href: Some("/dashboard/orders?status=expired") },
        Stat { label: t.conversion, value: format!("{} %", stats.conversion_rate), href: None },
        Stat { label: t.received, value: if volume.is_empty() { "–".to_owned() } else { volume.join(", ") }, href: None },
        Stat { label: t.unmatched, value: unmatched.to_string(), href: Some("/dashboard/unmatched") },
    ];
    let days = days(&member).await?;
    let page = member.page(t.start).with(Block::Stats(figures)).with(Block::Chart(conversion(&member, &days)));
    Ok(volumes(&member, &days).into_iter().fold(page, |page, chart| page.with(Block::Chart(chart))).answer(None))
}

/// What the orders of each of the last days come to, by the day they were made.
async fn days(member: &Member) -> Outcome<Vec<(Date, OrderStats)>> {
    let app = member.app();
    let mut days = Vec::new();
    for day in Date::of(app.clock.now()).last(DAYS) {
        let next = day.begins().plus(Duration::from_secs(24 * 60 * 60));
        let query = OrderStatsQuery { created_after: Some(day.begins()), created_before: Some(next), ..OrderStatsQuery::default() };
        days.push((day, orders::stats(app, member.organization(), query).await?));
    }
    Ok(days)
}

fn conversion(member: &Member, days: &[(Date, OrderStats)]) -> Chart {
    let t = member.t;
    let bar = |(day, stats): &(Date, OrderStats)| Day {
        label: day.date(),
        all: u128::from(stats.total_orders),
        part: u128::from(stats.completed_orders),
        value: stats.total_orders.to_string(),
        says: (t.paid_of)(&day.date(), stats.completed_orders, stats.total_orders),
    };
    Chart::new(t.orders_chart.to_owned(), &days.iter().map(bar).collect::<Vec<_>>())
}

/// A chart for each currency in which something was received.
fn volumes(member: &Member, days: &[(Date, OrderStats)]) -> Vec<Chart> {
    let mut currencies: BTreeMap<&Currency, ()> = BTreeMap::new();
    currencies.extend(days.iter().flat_map(|(_, stats)| stats.volume.keys().map(|currency| (currency, ()))));
    let chart = |currency: &Currency| {
        let bar = |(day, stats): &(Date, OrderStats)| {
            let sum = stats.volume.get(currency);
            let units = sum.and_then(|sum| Units::from_amount(*sum)).and_then(|units| units.to_base_units(18));
            let value = units.unwrap_or_default();
            let amount = format!("{} {currency}", sum.map_or_else(|| "0".to_owned(), ToString::to_string));
            Day { label: day.date(), all: value, part: value, says: format!("{}: {amount}", day.date()), value: amount }
        };
        Chart::new(format!("{} ({currency})", member.t.volume_chart), &days.iter().map(bar).collect::<Vec<_>>())
    };
    currencies.into_keys().map(chart).collect()
}
