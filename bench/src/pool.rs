//! Fills our server's address pool through its own API, as a merchant would.

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::http::{Connection, Target};

/// 100,000 lines of 42 characters and an escaped line end are 4.4 MB; the server takes 5 MiB.
const BATCH: u32 = 100_000;

pub async fn import(target: &Target, addresses: u32) -> anyhow::Result<()> {
    let mut connection = Connection::open(target).await?;
    let mut next = 0;
    while next < addresses {
        let end = addresses.min(next + BATCH);
        let lines: Vec<String> = (next..end).map(address).collect();
        let body = json!({ "protocol": "evm", "mode": "self_managed", "addresses": lines.join("\n") });
        let key = format!("import-{next}");
        let (status, answer) = connection.post("/api/v1/address-pool/import", &key, body.to_string()).await?;
        let text = String::from_utf8_lossy(&answer);
        if !status.is_success() {
            bail!("importing addresses: {status}: {text}");
        }
        let answer: Value = serde_json::from_slice(&answer).with_context(|| format!("import answered {text}"))?;
        if answer["imported"] != json!(end - next) {
            bail!("{} addresses were sent, the server answered {text}", end - next);
        }
        next = end;
    }
    Ok(())
}

/// 20 bytes spread as real addresses are, so that the server's indexes see no convenient order. All lower case: no
/// checksum applies.
fn address(number: u32) -> String {
    let (high, middle, low) = (spread(number, 1), spread(number, 2), spread(number, 3));
    format!("0x{high:016x}{middle:016x}{:08x}", low >> 32)
}

/// The finaliser of splitmix64.
pub fn spread(number: u32, stream: u64) -> u64 {
    let mut mixed = (u64::from(number) << 2 | stream).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn addresses_are_well_formed_and_distinct() {
        let made: HashSet<String> = (0..10_000).map(address).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|address| address.len() == 42 && !address.contains(char::is_uppercase)));
    }
}
