//! Orders: their facts, written and read. What the facts mean is said in `payin_core::order`.

pub mod dialect;
mod list;

use std::time::Duration;

use payin_core::Units;
use payin_core::address::Address;
use payin_core::dialect::Origin;
use payin_core::order::{Facts, Payment, Terms};
use payin_types::{OrderId, OrganizationId, PaymentLinkId, Protocol, Timestamp};

use super::db::{Locked, Row};
use super::statement::locked;
use super::text::folded;
use super::{Conn, Fault, Tx, sql, sql_of, sql_rows};
pub use list::{Filter, Listed, list, taken_back, totals};

const COLUMNS: &str = "o.id, o.organization_id, o.reference, o.amount, o.amount_whole, o.amount_nano, o.amount_atto, o.currency, o.chain_id, \
    o.protocol, o.address_id, o.address, o.metadata, o.success_url, o.cancel_url, o.window_ms, o.grace_ms, o.required_confirmations, \
    o.created_at, o.closes_at, o.seen_at, o.completed_at, o.expired_at, o.paid_late_at, o.reverted_at, o.received_whole, o.received_nano, \
    o.received_atto, o.payment_tx, o.payment_block, o.event_sequence, o.payment_link_id, o.api, o.fingerprint";

/// An order as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What happened.
    pub facts: Facts,
    /// The row of its address.
    pub address_id: i64,
    /// How many events it has had.
    pub event_sequence: u64,
}

fn stored(row: &Row) -> Result<Stored, Fault> {
    let corrupt = |what: &str| Fault::Corrupt(format!("an order's {what} cannot be read"));
    let span = |column: &str| Ok::<_, Fault>(Duration::from_millis(row.count(column)?));
    let metadata = serde_json::from_str(&row.text("metadata")?).map_err(|_| corrupt("metadata"))?;
    let payment = match (row.opt_text("payment_tx")?, row.opt_int("payment_block")?) {
        (Some(tx_hash), Some(block)) => {
            Some(Payment { tx_hash, block_number: u64::try_from(block).map_err(|_| corrupt("payment_block"))? })
        }
        _ => None,
    };
    let facts = Facts {
        id: row.text("id")?.into(),
        organization_id: row.text("organization_id")?.into(),
        terms: Terms {
            reference: row.text("reference")?,
            amount: row.text("amount")?.parse().map_err(|_| corrupt("amount"))?,
            units: row.money(["amount_whole", "amount_nano", "amount_atto"])?,
            currency: row.text("currency")?.into(),
            chain_id: row.text("chain_id")?.into(),
            protocol: Protocol::from(row.text("protocol")?.as_str()),
            metadata,
            success_url: row.opt_text("success_url")?,
            cancel_url: row.opt_text("cancel_url")?,
            window: span("window_ms")?,
            grace: span("grace_ms")?,
        },
        address: Address::from_canonical(row.text("address")?),
        created_at: row.time("created_at")?,
        seen_at: row.opt_time("seen_at")?,
        completed_at: row.opt_time("completed_at")?,
        expired_at: row.opt_time("expired_at")?,
        paid_late_at: row.opt_time("paid_late_at")?,
        reverted_at: row.opt_time("reverted_at")?,
        received: row.money(["received_whole", "received_nano", "received_atto"])?,
        payment,
        required_confirmations: row.count("required_confirmations")?,
        payment_link_id: row.opt_text("payment_link_id")?.map(PaymentLinkId::from),
        origin: row.opt_text("api")?.zip(row.opt_text("fingerprint")?).map(|(api, fingerprint)| Origin { api, fingerprint }),
    };
    if facts.completed_at.is_some() && facts.expired_at.is_some() {
        return Err(Fault::Corrupt(format!("order {} is completed and expired", facts.id)));
    }
    if Units::from_amount(facts.terms.amount) != Some(facts.terms.units) {
        return Err(Fault::Corrupt(format!("order {} says its amount twice, differently", facts.id)));
    }
    Ok(Stored { facts, address_id: row.int("address_id")?, event_sequence: row.count("event_sequence")? })
}

/// What must be known of an organization and a chain before an order is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The time of the newest block taken in; `None` if the chain is not followed: a payment would never be seen.
    pub head_time: Option<Timestamp>,
    /// How many of the chain's tokens their issuers have stopped.
    pub stopped: u64,
    /// Whether an endpoint asks to be told of new orders.
    pub told: bool,
    /// What the organization has set.
    pub settings: String,
}

/// Looks that up.
///
/// # Errors
/// What the database says.
pub async fn opening(tx: &mut Tx<'_>, organization: &OrganizationId, chain: &str, now: Timestamp) -> Result<Opening, Fault> {
    let row = tx
        .one(
            sql("SELECT (SELECT head_time FROM chain_cursors WHERE chain_id = $2 AND halted IS NULL) AS head_time, \
                 (SELECT COUNT(*) FROM webhook_endpoints WHERE organization_id = $1 AND deleted_at IS NULL AND api IS NULL \
                 AND enabled = 1 AND events LIKE '%\"order.created\"%') + (SELECT COUNT(*) FROM event_listeners WHERE organization_id = $1 \
                 AND type = 'order.created' AND until > $3) AS told, (SELECT settings FROM organizations WHERE id = $1) AS settings, \
                 (SELECT COUNT(*) FROM stopped_tokens WHERE chain_id = $2) AS stopped")
            .text(organization.as_str())
            .text(chain)
            .int(now.millis()),
        )
        .await?
        .ok_or_else(|| Fault::Corrupt("a query without rows".to_owned()))?;
    let (head_time, stopped) = (row.opt_time("head_time")?, row.count("stopped")?);
    Ok(Opening { head_time, stopped, told: row.int("told")? > 0, settings: row.text("settings")? })
}

/// Adds orders, each with the row of its address. Answers false if not all could be added, because a reference is taken.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut Tx<'_>, orders: &[(&Facts, i64)]) -> Result<bool, Fault> {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let mut insert = sql_rows(
        "INSERT INTO orders (id, organization_id, reference, reference_folded, amount, amount_whole, amount_nano, amount_atto, currency, \
         chain_id, protocol, address_id, address, metadata, success_url, cancel_url, window_ms, grace_ms, required_confirmations, \
         created_at, updated_at, closes_at, payment_link_id, api, fingerprint, received_whole, received_nano, received_atto, event_sequence) VALUES ",
        "($, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, $, 0, 0, 0, 0)",
        orders.len(),
        " ON CONFLICT (organization_id, reference) DO NOTHING",
    );
    for (order, address_id) in orders {
        let terms = &order.terms;
        insert = insert
            .text(order.id.as_str())
            .text(order.organization_id.as_str())
            .text(terms.reference.as_str())
            .text(folded(&terms.reference))
            .text(terms.amount.to_string())
            .money(terms.units)
            .text(terms.currency.as_str())
            .text(terms.chain_id.as_str())
            .text(terms.protocol.as_str())
            .int(*address_id)
            .text(order.address.as_str())
            .text(serde_json::to_string(&terms.metadata).map_err(|error| Fault::Corrupt(error.to_string()))?)
            .opt_text(terms.success_url.as_deref())
            .opt_text(terms.cancel_url.as_deref())
            .int(millis(terms.window))
            .int(millis(terms.grace))
            .int(i64::try_from(order.required_confirmations).unwrap_or(i64::MAX))
            .int(order.created_at.millis())
            .int(order.created_at.millis())
            .int(order.closes_at().millis())
            .opt_text(order.payment_link_id.as_ref().map(PaymentLinkId::as_str))
            .opt_text(order.origin.as_ref().map(|origin| origin.api.as_str()))
            .opt_text(order.origin.as_ref().map(|origin| origin.fingerprint.as_str()));
    }
    let all = usize::try_from(tx.execute(insert).await?) == Ok(orders.len());
    if all {
        orders.iter().for_each(|(order, _)| tx.totals.opened(order));
    }
    Ok(all)
}

/// An order with what it takes to show it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What happened.
    pub facts: Facts,
    /// The newest block of its chain.
    pub head: Option<u64>,
    /// What binds its address to its organization.
    pub address_mac: String,
}

const SHOWN_FROM: &str = " FROM orders o JOIN pool_addresses p ON p.id = o.address_id LEFT JOIN chain_cursors c ON c.chain_id = o.chain_id";

fn shown(row: &Row) -> Result<Shown, Fault> {
    let head = row.opt_int("head_number")?.and_then(|head| u64::try_from(head).ok());
    Ok(Shown { facts: stored(row)?.facts, head, address_mac: row.text("address_mac")? })
}

/// An order of an organization, by id.
///
/// # Errors
/// What the database says.
pub async fn get(conn: &mut Conn, organization: &OrganizationId, id: &str) -> Result<Option<Shown>, Fault> {
    let query =
        sql_of(&["SELECT c.head_number, p.mac AS address_mac, ", COLUMNS, SHOWN_FROM, " WHERE o.organization_id = $1 AND o.id = $2"]);
    conn.one(query.text(organization.as_str()).text(id)).await?.as_ref().map(shown).transpose()
}

/// An order by its id alone, whosever it is: for its payer, who has nothing else.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, id: &str) -> Result<Option<Shown>, Fault> {
    let query = sql_of(&["SELECT c.head_number, p.mac AS address_mac, ", COLUMNS, SHOWN_FROM, " WHERE o.id = $1"]);
    conn.one(query.text(id)).await?.as_ref().map(shown).transpose()
}

/// An order of an organization, by the merchant's reference.
///
/// # Errors
/// What the database says.
pub async fn get_by_reference(conn: &mut Conn, organization: &OrganizationId, reference: &str) -> Result<Option<Shown>, Fault> {
    let query = sql_of(&[
        "SELECT c.head_number, p.mac AS address_mac, ",
        COLUMNS,
        SHOWN_FROM,
        " WHERE o.organization_id = $1 AND o.reference = $2",
    ]);
    conn.one(query.text(organization.as_str()).text(reference)).await?.as_ref().map(shown).transpose()
}

/// Loads an order in order to change it.
///
/// # Errors
/// What the database says; [`Fault::Corrupt`] if there is none.
pub async fn lock(tx: &mut Tx<'_>, id: &str) -> Result<Locked<Stored>, Fault> {
    let row = tx
        .lock(
            locked!(
                "SELECT id, organization_id, reference, amount, amount_whole, amount_nano, amount_atto, currency, chain_id, protocol, \
                 address_id, address, metadata, success_url, cancel_url, window_ms, grace_ms, required_confirmations, created_at, \
                 closes_at, seen_at, completed_at, expired_at, paid_late_at, reverted_at, received_whole, received_nano, received_atto, \
                 payment_tx, payment_block, event_sequence, payment_link_id, api, fingerprint FROM orders WHERE id = $1"
            )
            .text(id),
        )
        .await?
        .ok_or_else(|| Fault::Corrupt(format!("order {id} is referred to and does not exist")))?;
    row.read(|row| stored(&row))
}

/// Writes what has changed of an order: everything but its terms. The row is locked, and must stand as it was read.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if the order has changed since it was read.
pub async fn update(tx: &mut Tx<'_>, before: &Locked<Stored>, after: &Facts, event_sequence: u64, now: Timestamp) -> Result<(), Fault> {
    let time = |time: Option<Timestamp>| time.map(Timestamp::millis);
    let block = after.payment.as_ref().map(|payment| i64::try_from(payment.block_number).unwrap_or(i64::MAX));
    let sequence = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    tx.change_one(
        sql("UPDATE orders SET updated_at = $2, seen_at = $3, completed_at = $4, expired_at = $5, paid_late_at = $6, reverted_at = $7, \
             received_whole = $8, received_nano = $9, received_atto = $10, payment_tx = $11, payment_block = $12, event_sequence = $13 \
             WHERE id = $1 AND event_sequence = $14 AND completed_at IS NOT DISTINCT FROM $15 AND expired_at IS NOT DISTINCT FROM $16")
        .text(after.id.as_str())
        .int(now.millis())
        .int(time(after.seen_at))
        .int(time(after.completed_at))
        .int(time(after.expired_at))
        .int(time(after.paid_late_at))
        .int(time(after.reverted_at))
        .money(after.received)
        .opt_text(after.payment.as_ref().map(|payment| payment.tx_hash.as_str()))
        .int(block)
        .int(sequence(event_sequence))
        .int(sequence(before.event_sequence))
        .int(time(before.facts.completed_at))
        .int(time(before.facts.expired_at)),
    )
    .await?;
    tx.totals.changed(&before.facts, after);
    Ok(())
}

/// Open orders of a chain whose grace period ended before a chain time, with no payment waiting for confirmations.
///
/// # Errors
/// What the database says.
pub async fn due_to_expire(conn: &mut Conn, chain: &str, before: Timestamp, limit: i64) -> Result<Vec<OrderId>, Fault> {
    let rows = conn
        .all(
            sql(
                "SELECT o.id FROM orders o WHERE o.chain_id = $1 AND o.completed_at IS NULL AND o.expired_at IS NULL AND o.closes_at < $2 \
                 AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.order_id = o.id AND t.unmatched IS NULL AND t.confirmed_at IS NULL \
                 AND t.orphaned_at IS NULL) ORDER BY o.closes_at LIMIT 0 + $3",
            )
            .text(chain)
            .int(before.millis())
            .int(limit),
        )
        .await?;
    rows.iter().map(|row| row.text("id").map(OrderId::from)).collect()
}

/// Orders of a chain that still hold their address though nothing can happen to them any more: expired, or completed, past their grace
/// period in chain time, every payment final.
///
/// # Errors
/// What the database says.
pub async fn due_to_release(conn: &mut Conn, chain: &str, final_time: Timestamp, limit: i64) -> Result<Vec<(OrderId, i64)>, Fault> {
    let rows = conn
        .all(
            sql("SELECT o.id, o.address_id FROM orders o WHERE o.chain_id = $1 AND o.released_at IS NULL \
                 AND (o.completed_at IS NOT NULL OR o.expired_at IS NOT NULL) AND o.closes_at < $2 \
                 AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.order_id = o.id AND t.unmatched IS NULL \
                 AND t.final_at IS NULL AND t.orphaned_at IS NULL) ORDER BY o.closes_at LIMIT 0 + $3")
            .text(chain)
            .int(final_time.millis())
            .int(limit),
        )
        .await?;
    rows.iter().map(|row| Ok((row.text("id")?.into(), row.int("address_id")?))).collect()
}

/// Notes that an order has let go of its address.
///
/// # Errors
/// What the database says; [`Fault::Guard`] if it had before, or is still open.
pub async fn released(tx: &mut Tx<'_>, id: &str, at: Timestamp) -> Result<(), Fault> {
    let update = sql("UPDATE orders SET released_at = $2 WHERE id = $1 AND released_at IS NULL \
                      AND (completed_at IS NOT NULL OR expired_at IS NOT NULL)");
    tx.change_one(update.text(id).int(at.millis())).await
}
