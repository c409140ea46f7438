//! Memory of watched addresses, by the process's own resident set, and how fast they are looked up.

use std::fs;
use std::time::Instant;

use anyhow::Context;
use payin_core::address::Address;
use payin_server::chain::Watched;
use payin_types::Protocol;

use super::verdict;
use crate::pool::spread;

/// Looked up for the rate.
const LOOKUPS: u32 = 5_000_000;

/// The account of a number: spread over all addresses, as hashes are.
pub fn account(number: u32) -> [u8; 20] {
    let mut account = [0; 20];
    for (part, stream) in account.chunks_mut(8).zip(1..) {
        let word = spread(number, stream).to_be_bytes();
        part.copy_from_slice(&word[..part.len()]);
    }
    account
}

/// The accounts of the numbers below `count`.
pub fn crowd(count: u32) -> Watched {
    let watched = Watched::default();
    for number in 0..count {
        watched.insert(&Protocol::Evm, &Address::from_evm_bytes(&account(number)));
    }
    watched
}

/// Resident memory in bytes.
fn resident() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

pub fn measure(count: u32) -> anyhow::Result<String> {
    let before = resident()?;
    let begun = Instant::now();
    let watched = crowd(count);
    let filled = begun.elapsed().as_secs_f64();
    let each = (resident()? - before) / f64::from(count);
    let rate = |from: u32| {
        let begun = Instant::now();
        // Far apart, so that no lookup finds what the last one left in the cache.
        let found = (0..LOOKUPS).filter(|number| watched.has(&account(from.wrapping_add(number.wrapping_mul(7_919) % count)))).count();
        (found, f64::from(LOOKUPS) / begun.elapsed().as_secs_f64() / 1e6)
    };
    let ((hits, hit), (misses, miss)) = (rate(0), rate(count));
    anyhow::ensure!((hits, misses) == (LOOKUPS as usize, 0), "{hits} of {LOOKUPS} were found, and {misses} that were never added");
    let verdict = verdict(each <= 32.0);
    Ok(format!(
        "watched addresses: {count} of them take {each:.1} bytes each   aim ≤ 32: {verdict}\n\
         filled in {filled:.1} s; looked up {hit:.1} M/s where watched, {miss:.1} M/s where not"
    ))
}
