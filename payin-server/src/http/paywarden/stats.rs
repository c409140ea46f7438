//! `/admin/stats`: what the merchants that somebody runs come to.

use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::calendar::Day;
use payin_core::merchant::Takings;
use payin_core::paywarden::admin as rules;
use payin_types::paywarden::admin::{DailyQuery, MerchantCounts};

use super::admin::{Admin, counted};
use crate::app::dialect::merchants;
use crate::http::answer::{Reject, json};
use crate::http::body::query;

/// `GET /admin/stats`
pub async fn stats(Admin { caller, user, .. }: Admin) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let stats = merchants::stats(&caller.app, &user, &counted()).await?;
    let (total, active) = stats.merchants;
    Ok(json(200, &rules::stats(stats.counts, stats.received, MerchantCounts { total, active })))
}

/// `GET /admin/stats/daily`
pub async fn daily(Admin { caller, user, .. }: Admin, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let DailyQuery { days } = query(&uri)?;
    let today = Day::of(caller.app.clock.now());
    let days: Vec<Day> = rules::days(days, today)?.collect();
    let since = days.first().copied().unwrap_or(today);
    let paid = merchants::daily(&caller.app, &user, &counted(), since).await?;
    let takings = |day: Day| paid.iter().find(|(of, _)| *of == day).map_or_else(Takings::default, |(_, takings)| *takings);
    Ok(json(200, &rules::daily(days.into_iter(), takings)))
}
