//! Why an order is paid or is not: gathers what is known. What that means is said in `payin_core::explain`.

use payin_core::Error;
use payin_core::explain::{self, Followed, Known, Lost};
use payin_core::record::Depth;
use payin_types::{Explanation, OrganizationId};

use super::check_shown;
use crate::app::query::is_findable;
use crate::app::{App, Outcome};
use crate::store::chains::{self, Cursor};
use crate::store::orders;
use crate::store::scans::{self, Loss};
use crate::store::transfers::records;

/// Transfers shown as evidence: the largest. An order has few, unless somebody floods it with dust.
const TRANSFERS_MAX: i64 = 100;

fn followed(cursor: Cursor) -> Followed {
    Followed {
        head: cursor.head_number,
        head_time: cursor.head_time,
        at_rest: cursor.finalized_number,
        confirmed_time: cursor.confirmed_time,
        moved_at: cursor.updated_at,
        halted: cursor.halted,
        gap_since: cursor.hole_since,
    }
}

fn lost(loss: Loss) -> Lost {
    Lost { from: loss.from_number, to: loss.to_number, since: loss.since, until: loss.until, reason: loss.reason }
}

/// Why an order is paid or is not.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also for another organization's.
pub async fn explain(app: &App, organization: &OrganizationId, id: &str) -> Outcome<Explanation> {
    if !is_findable(id) {
        return Err(Error::not_found("Order", id).into());
    }
    let mut conn = app.store.read().await?;
    let found = orders::get(&mut conn, organization, id).await?.ok_or_else(|| Error::not_found("Order", id))?;
    check_shown(&app.seal, &found)?;
    let order = &found.facts;
    let chain_id = &order.terms.chain_id;
    let followed = chains::get(&mut conn, chain_id.as_str()).await?.map(followed);
    let lost: Vec<_> = scans::losses(&mut conn, chain_id.as_str()).await?.into_iter().map(lost).collect();
    let came = records::of_order(&mut conn, organization, &order.id, TRANSFERS_MAX).await?;
    drop(conn);
    let required = |record: &records::Shown| app.chains.get(&record.record.transfer.chain_id).map(|chain| chain.confirmations);
    let transfers: Vec<_> =
        came.largest.iter().map(|shown| (shown.record.clone(), Depth { head: shown.head, required: required(shown) })).collect();
    let trouble = app.health.trouble(chain_id);
    Ok(explain::explain(&Known {
        order,
        tolerance: app.orders.tolerance,
        chain: app.chains.get(chain_id),
        followed: followed.as_ref(),
        trouble: trouble.as_deref(),
        lost: &lost,
        transfers: &transfers,
        left_out: came.left_out,
        pending: came.pending,
        now: app.clock.now(),
    }))
}
