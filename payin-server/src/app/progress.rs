//! How far a chain has been worked off, and what is due on it: what its worker asks before it acts. It changes nothing but the lease.

use std::time::Duration;

use payin_core::address::Address;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain};
use payin_types::known_bad::{Mistake, makes};
use payin_types::{OrderId, Protocol, Timestamp, TransferId};

use super::{App, Outcome};
pub use crate::store::chains::Cursor;
pub use crate::store::leases::Lease;
pub use crate::store::scans::{Loss, Scan};
use crate::store::transfers::Heights;
use crate::store::{Fault, Tx, Unit, chains, leases, orders, pool, scans, transfers};

/// Orders expired or released in one step.
const ORDERS_MAX: i64 = 50;

/// Takes or renews a lease. `None`: another server holds it.
#[derive(Debug)]
pub struct TakeLease {
    /// The work.
    pub name: String,
    /// This server.
    pub holder: String,
    /// The time.
    pub now: Timestamp,
    /// How long a server that has gone silent keeps the work from others.
    pub term: Duration,
}

impl Unit for TakeLease {
    type Output = Option<Lease>;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Option<Lease>> {
        Ok(leases::take(tx, &self.name, &self.holder, self.now, self.term).await?)
    }
}

/// Renews a lease during work that takes long. Answers whether it is still held.
#[derive(Debug)]
pub struct RenewLease {
    /// The lease.
    pub lease: Lease,
    /// The time.
    pub now: Timestamp,
    /// How long a server that has gone silent keeps the work from others.
    pub term: Duration,
}

impl Unit for RenewLease {
    type Output = bool;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<bool> {
        Ok(leases::renew(tx, &self.lease, self.now, self.term).await?)
    }
}

/// Gives a lease back.
#[derive(Debug)]
pub struct GiveBackLease {
    /// The lease.
    pub lease: Lease,
}

impl Unit for GiveBackLease {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(leases::give_back(tx, &self.lease).await?)
    }
}

/// Ends every lease. Only for the sole server of a database: whoever held them is gone.
#[derive(Debug)]
pub struct EndLeases;

impl Unit for EndLeases {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        Ok(leases::end_all(tx).await?)
    }
}

/// Where a chain's cursor stands.
///
/// # Errors
/// What the database says.
pub async fn cursor(app: &App, chain: &Chain) -> Result<Option<Cursor>, Fault> {
    chains::get(&mut app.store.read().await?, chain.id.as_str()).await
}

/// The blocks of a chain that are kept, newest first.
///
/// # Errors
/// What the database says.
pub async fn kept_blocks(app: &App, chain: &Chain) -> Result<Vec<Block>, Fault> {
    chains::blocks_from(&mut app.store.read().await?, chain.id.as_str(), 0).await
}

/// The lowest hole in what has been looked at on a chain: what lies below and above it.
///
/// # Errors
/// What the database says.
pub async fn hole(app: &App, chain: &Chain) -> Result<Option<(Scan, Scan)>, Fault> {
    let mut scans = scans(app, chain).await?.into_iter();
    Ok(scans.next().zip(scans.next()))
}

/// What has been looked at on a chain, lowest first.
///
/// # Errors
/// What the database says.
pub async fn scans(app: &App, chain: &Chain) -> Result<Vec<Scan>, Fault> {
    scans::all(&mut app.store.read().await?, chain.id.as_str()).await
}

/// The blocks of a chain that were declared lost, lowest first.
///
/// # Errors
/// What the database says.
pub async fn losses(app: &App, chain: &Chain) -> Result<Vec<Loss>, Fault> {
    scans::losses(&mut app.store.read().await?, chain.id.as_str()).await
}

/// Where a chain's blocks from a height on are taken back to, at most down to where a hole begins; and blocks of ours at or below that, by
/// height and hash, which a chain that parted no lower must have.
///
/// # Errors
/// What the database says.
pub async fn below(app: &App, chain: &Chain, lowest: u64) -> Result<(u64, Vec<(u64, String)>), Fault> {
    let (id, mut number) = (chain.id.as_str(), lowest.saturating_sub(1));
    let mut conn = app.store.read().await?;
    let mut ours = Vec::new();
    let scans = scans::all(&mut conn, id).await?;
    if let Some(scan) = scans.into_iter().rev().find(|scan| scan.from_number <= number).filter(|scan| scan.to_number <= number) {
        number = scan.to_number;
        // Where blocks were declared lost nobody knows it.
        ours.extend(Some((scan.to_number, scan.to_hash)).filter(|(_, hash)| !hash.is_empty()));
    }
    let kept = chains::newest_at_or_below(&mut conn, id, number).await?;
    ours.extend(kept.map(|block| (block.number, block.hash)));
    ours.extend(transfers::evidence::newest_at_or_below(&mut conn, id, number).await?);
    Ok((number, ours))
}

/// The transfers that stand in blocks of a height and above.
///
/// # Errors
/// What the database says.
pub async fn standing_from(app: &App, chain: &Chain, lowest: u64) -> Result<Vec<(TransferId, Transfer)>, Fault> {
    transfers::evidence::in_blocks(&mut app.store.read().await?, chain.id.as_str(), lowest, u64::MAX).await
}

/// Addresses of a family that came after a number, in order, so many at most.
///
/// # Errors
/// What the database says.
pub async fn addresses_after(app: &App, protocol: &Protocol, after: i64, most: i64) -> Result<Vec<(i64, Address)>, Fault> {
    pool::addresses_after(&mut app.store.read().await?, protocol, after, most).await
}

/// Large transfers of a chain that wait for a second node's word, as the chain told them.
///
/// # Errors
/// What the database says.
pub async fn unagreed(app: &App, chain: &Chain, cursor: &Cursor) -> Result<Vec<(TransferId, Transfer)>, Fault> {
    let Some((least, height)) = chain.agreed_above.zip(chain.confirmed_height(cursor.head_number, cursor.finalized_number)) else {
        return Ok(Vec::new());
    };
    transfers::evidence::unagreed(&mut app.store.read().await?, chain.id.as_str(), height, least).await
}

/// Whether payments that counted lie in blocks of a chain above a height.
///
/// # Errors
/// What the database says.
pub async fn counted_above(app: &App, chain: &Chain, height: u64) -> Result<bool, Fault> {
    transfers::evidence::counted_above(&mut app.store.read().await?, chain.id.as_str(), height).await
}

/// What is due on a chain, given how far it has been followed.
#[derive(Debug, Default)]
pub struct Due {
    /// Transfers wait to be confirmed or made final: [`super::ledger::Settle`].
    pub settle: bool,
    /// Orders whose time is over: [`super::ledger::Expire`].
    pub expire: Vec<OrderId>,
    /// Orders that can let go of their address: [`super::ledger::Release`].
    pub release: Vec<(OrderId, i64)>,
}

/// What is due. Nothing expires or is released while something waits to be settled.
///
/// # Errors
/// What the database says.
pub async fn due(app: &App, chain: &Chain, cursor: &Cursor) -> Result<Due, Fault> {
    let id = chain.id.as_str();
    let mut conn = app.store.read().await?;
    if let Some(height) = chain.confirmed_height(cursor.head_number, cursor.finalized_number)
        && transfers::waiting(&mut conn, chain, Heights { confirmed: height, finalized: cursor.finalized_number }).await?
    {
        return Ok(Due { settle: true, ..Due::default() });
    }
    let over = if makes(Mistake::WallClockExpiry) { Some(app.clock.now()) } else { cursor.confirmed_time };
    let expire = match over {
        Some(time) => orders::due_to_expire(&mut conn, id, time, ORDERS_MAX).await?,
        None => Vec::new(),
    };
    let final_time = chains::newest_at_or_below(&mut conn, id, cursor.finalized_number).await?.map(|block| block.time);
    let final_time = final_time.map(|time| time.min(cursor.looked_at_until()));
    let release = match final_time {
        Some(time) => orders::due_to_release(&mut conn, id, time, ORDERS_MAX).await?,
        None => Vec::new(),
    };
    Ok(Due { settle: false, expire, release })
}
