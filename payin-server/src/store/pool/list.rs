//! Where the addresses of the pool stand: counted, listed, and how many are left. It changes nothing.

use payin_core::address::Address;
use payin_types::pool::PoolCounts;
use payin_types::{AddressState, OrderId, OrganizationId, PoolAddress, Protocol, Timestamp};
use serde_json::Map;

use crate::store::db::Row;
use crate::store::statement::Sql;
use crate::store::{Conn, Fault, sql_of};

/// By when an address must have rested to be free: one never used by our clock, others by what has been followed of their family's chains.
#[derive(Debug, Clone, Copy, Default)]
pub struct FreeBy {
    /// Our clock.
    pub now: Timestamp,
    /// Until when every EVM chain has been followed.
    pub evm: Timestamp,
    /// And Tron.
    pub tron: Timestamp,
    /// And Solana.
    pub solana: Timestamp,
}

impl FreeBy {
    fn bind(&self, statement: Sql) -> Sql {
        [self.now, self.evm, self.tron, self.solana].into_iter().fold(statement, |statement, by| statement.int(by.millis()))
    }
}

const RESTED: &str = "p.claimable_from <= CASE WHEN p.reuse_class = 0 THEN $1 WHEN p.protocol = 'evm' THEN $2 \
    WHEN p.protocol = 'tron' THEN $3 ELSE $4 END";

/// How many addresses of each family stand where.
///
/// # Errors
/// What the database says.
pub async fn counts(conn: &mut Conn, organization: &OrganizationId, free_by: &FreeBy) -> Result<Vec<(Protocol, PoolCounts)>, Fault> {
    let query = sql_of(&[
        "SELECT p.protocol, COUNT(*) AS total, \
         COUNT(*) FILTER (WHERE p.quarantined_at IS NOT NULL AND p.held = 0 AND p.archived_at IS NULL) AS quarantined, \
         COUNT(*) FILTER (WHERE p.archived_at IS NOT NULL AND p.held = 0) AS archived, \
         COUNT(*) FILTER (WHERE p.held = 1 AND a.holder_kind = 'order') AS allocated, \
         COUNT(*) FILTER (WHERE p.held = 1 AND a.holder_kind = 'deposit') AS bound, \
         COUNT(*) FILTER (WHERE p.held = 0 AND p.quarantined_at IS NULL AND p.archived_at IS NULL AND NOT (",
        RESTED,
        ")) AS cooling \
         FROM pool_addresses p LEFT JOIN assignments a ON a.address_id = p.id AND a.released_at IS NULL \
         WHERE p.organization_id = $5 GROUP BY p.protocol",
    ]);
    let rows = conn.all(free_by.bind(query).text(organization.as_str())).await?;
    rows.iter()
        .map(|row| {
            let mut counts = PoolCounts {
                total: row.count("total")?,
                available: 0,
                allocated: row.count("allocated")?,
                bound: row.count("bound")?,
                cooling_down: row.count("cooling")?,
                quarantined: row.count("quarantined")?,
                archived: row.count("archived")?,
            };
            let taken = [counts.allocated, counts.bound, counts.cooling_down, counts.quarantined, counts.archived].into_iter().sum();
            counts.available = counts.total.saturating_sub(taken);
            Ok((Protocol::from(row.text("protocol")?.as_str()), counts))
        })
        .collect()
}

/// How many addresses of a family could be given away now, and how many are in use at all, held ones included.
///
/// # Errors
/// What the database says.
pub async fn availability(
    conn: &mut Conn,
    organization: &OrganizationId,
    protocol: &Protocol,
    free_by: &FreeBy,
) -> Result<(u64, u64), Fault> {
    let query = sql_of(&[
        "SELECT COUNT(*) FILTER (WHERE p.held = 0 AND ",
        RESTED,
        ") AS available, COUNT(*) AS total FROM pool_addresses p \
         WHERE p.organization_id = $5 AND p.protocol = $6 AND p.quarantined_at IS NULL AND p.archived_at IS NULL",
    ]);
    let row = conn.one(free_by.bind(query).text(organization.as_str()).text(protocol.as_str())).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.count("available")?, row.count("total")?)))
}

/// How many addresses an organization has left of a family.
#[derive(Debug, Clone)]
pub struct Level {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Of which family.
    pub protocol: Protocol,
    /// How many are free, or so many as were asked about at most: twice that, where both fresh and used ones are.
    pub available: u64,
    /// Whether its owner has been told that few are left.
    pub told: bool,
    /// Whether more can be derived.
    pub derives: bool,
    /// What its owner has set, as it is kept.
    pub settings: String,
}

// Counting stops at $5: what is asked is whether few are left, and a pool may have a million.
const LEVELS: &str = "SELECT o.id AS organization_id, o.settings AS settings, f.protocol AS protocol, \
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM pool_addresses p WHERE p.organization_id = o.id AND p.protocol = f.protocol \
        AND p.reuse_class = 0 AND p.claimable_from <= $1 AND p.held = 0 AND p.quarantined_at IS NULL AND p.archived_at IS NULL \
        LIMIT 0 + $5) AS fresh) + \
    (SELECT COUNT(*) FROM (SELECT 1 AS one FROM pool_addresses p WHERE p.organization_id = o.id AND p.protocol = f.protocol \
        AND p.reuse_class IN (1, 2) AND p.claimable_from <= CASE f.protocol WHEN 'evm' THEN $2 WHEN 'tron' THEN $3 ELSE $4 END \
        AND p.held = 0 AND p.quarantined_at IS NULL AND p.archived_at IS NULL LIMIT 0 + $5) AS used) AS available, \
    (SELECT COUNT(*) FROM pool_alerts t WHERE t.organization_id = o.id AND t.protocol = f.protocol) AS told, \
    (SELECT COUNT(*) FROM pool_xpubs x WHERE x.organization_id = o.id AND x.protocol = f.protocol \
        AND x.archived_at IS NULL) AS keys \
    FROM organizations o CROSS JOIN (SELECT 'evm' AS protocol UNION ALL SELECT 'tron' UNION ALL SELECT 'solana') AS f \
    WHERE EXISTS (SELECT 1 FROM pool_addresses p WHERE p.organization_id = o.id AND p.protocol = f.protocol)";

/// How many addresses are left: of every family of every organization that has or had some, or of one.
///
/// # Errors
/// What the database says.
pub async fn levels(conn: &mut Conn, free_by: &FreeBy, most: u64, only: Option<(&OrganizationId, &Protocol)>) -> Result<Vec<Level>, Fault> {
    let condition = if only.is_some() { " AND o.id = $6 AND f.protocol = $7" } else { " ORDER BY o.id, f.protocol" };
    let mut query = free_by.bind(sql_of(&[LEVELS, condition])).int(i64::try_from(most).unwrap_or(i64::MAX));
    if let Some((organization, protocol)) = only {
        query = query.text(organization.as_str()).text(protocol.as_str());
    }
    let level = |row: &Row| {
        Ok(Level {
            organization_id: OrganizationId::from(row.text("organization_id")?),
            protocol: Protocol::from(row.text("protocol")?.as_str()),
            available: row.count("available")?,
            told: row.count("told")? > 0,
            derives: row.count("keys")? > 0,
            settings: row.text("settings")?,
        })
    };
    conn.all(query).await?.iter().map(level).collect()
}

/// Which addresses a list shows.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Only this family.
    pub protocol: Option<Protocol>,
    /// Only those that stand here.
    pub state: Option<AddressState>,
    /// What counts as cooled down.
    pub free_by: FreeBy,
}

impl Filter {
    fn bind(&self, statement: Sql) -> Sql {
        let protocol = self.protocol.as_ref().map(Protocol::as_str);
        self.free_by.bind(statement).text(self.organization_id.as_str()).opt_text(protocol)
    }

    fn state_condition(&self) -> [&'static str; 3] {
        const KEPT: &str = " AND p.held = 0 AND p.quarantined_at IS NULL AND p.archived_at IS NULL AND ";
        match &self.state {
            None => [""; 3],
            Some(AddressState::Available) => [KEPT, RESTED, ""],
            Some(AddressState::Cooldown) => [KEPT, "NOT ", RESTED],
            Some(AddressState::Quarantined) => [" AND p.held = 0 AND p.quarantined_at IS NOT NULL AND p.archived_at IS NULL", "", ""],
            Some(AddressState::Archived) => [" AND p.held = 0 AND p.archived_at IS NOT NULL", "", ""],
            Some(AddressState::Allocated) => [" AND p.held = 1 AND a.holder_kind = 'order'", "", ""],
            Some(AddressState::Bound) => [" AND p.held = 1 AND a.holder_kind = 'deposit'", "", ""],
            Some(_) => [" AND 1 = 0", "", ""],
        }
    }
}

const COLUMNS: [&str; 3] = [
    "SELECT p.address, p.mac, p.protocol, p.held, p.quarantined_at, p.archived_at, p.claimable_from, p.created_at, p.derivation_index, \
     a.holder_kind, a.holder_id, b.reference, CAST(CASE WHEN ",
    RESTED,
    " THEN 1 ELSE 0 END AS BIGINT) AS rested",
];
const FROM: &str = " FROM pool_addresses p LEFT JOIN assignments a ON a.address_id = p.id AND a.released_at IS NULL";
const BINDING: &str = " LEFT JOIN deposit_bindings b ON b.id = a.holder_id AND a.holder_kind = 'deposit'";
const LISTED: &str = " WHERE $1 >= 0 AND $2 >= 0 AND $3 >= 0 AND $4 >= 0 AND p.organization_id = $5 AND ($6 IS NULL OR p.protocol = $6)";

/// One page of addresses with their MACs, in the order of import, and how many there are.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<(PoolAddress, String)>, u64), Fault> {
    let [first, second, third] = filter.state_condition();
    let total = filter.bind(sql_of(&["SELECT COUNT(*) AS total", FROM, LISTED, first, second, third]));
    let total = conn.one(total).await?.map_or(Ok(0), |row| row.count("total"))?;
    let [columns, rested, end] = COLUMNS;
    let page = [columns, rested, end, FROM, BINDING, LISTED, first, second, third, " ORDER BY p.id LIMIT 0 + $7 OFFSET $8"];
    let rows = conn.all(filter.bind(sql_of(&page)).int(limit).int(offset)).await?;
    Ok((rows.iter().map(listed).collect::<Result<_, Fault>>()?, total))
}

/// One address with its MAC.
///
/// # Errors
/// What the database says.
pub async fn one(conn: &mut Conn, filter: &Filter, address: &Address) -> Result<Option<(PoolAddress, String)>, Fault> {
    let [columns, rested, end] = COLUMNS;
    let query = sql_of(&[columns, rested, end, FROM, BINDING, LISTED, " AND p.address = $7"]);
    conn.one(filter.bind(query).text(address.as_str())).await?.as_ref().map(listed).transpose()
}

fn listed(row: &Row) -> Result<(PoolAddress, String), Fault> {
    let for_order = row.opt_text("holder_kind")?.as_deref() == Some("order");
    let state = match (row.int("held")? == 1, row.opt_int("archived_at")?, row.opt_int("quarantined_at")?) {
        (true, _, _) if for_order => AddressState::Allocated,
        (true, _, _) => AddressState::Bound,
        (false, Some(_), _) => AddressState::Archived,
        (false, None, Some(_)) => AddressState::Quarantined,
        (false, None, None) if row.int("rested")? == 1 => AddressState::Available,
        (false, None, None) => AddressState::Cooldown,
    };
    let index = row.opt_int("derivation_index")?.map(row_index);
    let address = PoolAddress {
        address: row.text("address")?,
        protocol: Protocol::from(row.text("protocol")?.as_str()),
        order_id: if for_order { row.opt_text("holder_id")?.map(OrderId::from) } else { None },
        deposit_reference: row.opt_text("reference")?,
        derivation_index: index.transpose()?,
        created_at: row.time("created_at")?,
        cooldown_until: if state == AddressState::Cooldown { Some(row.time("claimable_from")?) } else { None },
        state,
        extra: Map::new(),
    };
    Ok((address, row.text("mac")?))
}

fn row_index(index: i64) -> Result<u64, Fault> {
    u64::try_from(index).map_err(|_| Fault::Corrupt(format!("an address has the index {index}")))
}
