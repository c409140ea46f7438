//! The checks, a file for each group of them, and the order in which they are made. Each rests on as little of the others as it can.

mod access;
mod chains;
mod deposits;
mod endpoints;
mod errors;
mod events;
mod idempotency;
mod keys;
mod links;
mod orders;
mod paging;
mod paid;
mod pool;
mod sandbox;
mod webhooks;

use super::check::Check;
use super::suite::Suite;
use super::{cleanup, limits};

/// Every check of every group.
pub fn all() -> impl Iterator<Item = Check> {
    let groups = [
        access::ALL,
        limits::ALL,
        errors::ALL,
        paging::ALL,
        idempotency::ALL,
        chains::ALL,
        orders::ALL,
        deposits::ALL,
        paid::ALL,
        links::ALL,
        pool::ALL,
        keys::ALL,
        endpoints::ALL,
        webhooks::ALL,
        events::ALL,
        sandbox::ALL,
        cleanup::ALL,
    ];
    groups.into_iter().flatten().copied()
}

/// Makes every check that can be made.
pub async fn run(suite: &mut Suite<'_>) {
    access::run(suite).await;
    errors::run(suite).await;
    let place = chains::run(suite).await;
    paging::run(suite, &place).await;
    idempotency::run(suite, &place).await;
    links::run(suite, &place).await;
    pool::run(suite).await;
    keys::run(suite).await;
    endpoints::run(suite).await;
    let mut endpoint = webhooks::open(suite).await;
    if let Some(endpoint) = &mut endpoint {
        webhooks::run(suite, endpoint).await;
    }
    let order = orders::run(suite, &place).await;
    paid::orders(suite, &place, order.as_ref()).await;
    if let (Some(endpoint), Some(order)) = (&endpoint, &order) {
        webhooks::completed(suite, endpoint, order).await;
    }
    let bound = deposits::bind(suite, &place).await;
    paid::deposits(suite, &place, bound.as_ref()).await;
    if let Some(bound) = &bound {
        deposits::unbind(suite, bound).await;
    }
    events::run(suite, endpoint.as_ref()).await;
    sandbox::run(suite).await;
    limits::run(suite).await;
}
