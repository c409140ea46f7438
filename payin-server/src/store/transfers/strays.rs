//! How many transfers that count for nobody an address got in an hour, recorded or passed over. Which are recorded is said by the caller.

use payin_core::Chain;
use payin_core::address::Address;
use payin_types::Timestamp;

use crate::store::{Conn, Fault, Tx, sql};

/// Transfers of one size to an address, in an hour of its chain's time.
#[derive(Debug, Clone, Copy)]
pub struct Hour<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// A time in the hour.
    pub at: Timestamp,
    /// How large they are.
    pub size: u8,
}

impl Hour<'_> {
    fn begins(&self) -> i64 {
        self.at.secs().div_euclid(3600).saturating_mul(3_600_000)
    }
}

/// Counts one more. Answers whether it is among the first `most`, which are recorded.
///
/// # Errors
/// What the database says.
pub async fn count(tx: &mut Tx<'_>, address_id: i64, hour: Hour<'_>, most: i64) -> Result<bool, Fault> {
    let record = sql("INSERT INTO strays (address_id, chain_id, hour, size, recorded, passed_over) VALUES ($1, $2, $3, $4, 1, 0) \
                      ON CONFLICT (address_id, chain_id, hour, size) DO UPDATE SET recorded = strays.recorded + 1 \
                      WHERE strays.recorded < $5");
    let record = record.int(address_id).text(hour.chain.id.as_str()).int(hour.begins()).int(i64::from(hour.size)).int(most);
    if tx.execute(record).await? == 1 {
        return Ok(true);
    }
    let pass = sql("UPDATE strays SET passed_over = passed_over + 1 WHERE address_id = $1 AND chain_id = $2 AND hour = $3 AND size = $4");
    tx.change_one(pass.int(address_id).text(hour.chain.id.as_str()).int(hour.begins()).int(i64::from(hour.size))).await?;
    Ok(false)
}

/// Whether any of such transfers to an address were passed over.
///
/// # Errors
/// What the database says.
pub async fn were_passed_over(conn: &mut Conn, address: &Address, hour: Hour<'_>) -> Result<bool, Fault> {
    let query =
        sql("SELECT s.passed_over FROM strays s JOIN pool_addresses p ON p.id = s.address_id WHERE p.protocol = $1 AND p.address = $2 \
                     AND s.chain_id = $3 AND s.hour = $4 AND s.size = $5 AND s.passed_over > 0");
    let query = query.text(hour.chain.protocol.as_str()).text(address.as_str()).text(hour.chain.id.as_str());
    Ok(conn.one(query.int(hour.begins()).int(i64::from(hour.size))).await?.is_some())
}
