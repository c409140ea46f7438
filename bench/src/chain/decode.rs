//! Logs in a second: our reader, with everything it looks at, beside a bare decoder that only makes alloy's logs of the same answers.

use std::fmt::Write as _;
use std::time::Instant;

use alloy::primitives::B256;
use alloy::rpc::types::Log;
use anyhow::Context;
use payin_core::Chain;
use payin_server::chain::Watched;
use payin_server::chain::logs::{decode, lean};
use serde_json::value::RawValue;

use super::{verdict, watched};
use crate::report::median;

/// Logs in an answer, and how many answers.
const LOGS: u32 = 1_000;
const ANSWERS: u32 = 50;
/// One log in so many is to a watched address.
const HIT_EVERY: u32 = 100;

fn block_hash(answer: u32) -> B256 {
    B256::with_last_byte(u8::try_from(answer % 256).unwrap_or_default())
}

/// The result of an answer as geth writes it: what the JSON-RPC client hands over, whoever then reads it.
fn answer(number: u32, contract: &str, watched: u32) -> anyhow::Result<Box<RawValue>> {
    let mut logs = String::new();
    for log in 0..LOGS {
        let serial = number * LOGS + log;
        let to = if log.is_multiple_of(HIT_EVERY) { serial % watched } else { watched + serial };
        let hex = |account: [u8; 20]| alloy::primitives::hex::encode(account);
        let comma = if log == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(
            logs,
            "{comma}{{\"address\":\"{contract}\",\"topics\":[\"{}\",\"0x{:0>64}\",\"0x{:0>64}\"],\"data\":\"0x{:064x}\",\"blockNumber\":\"0x{:x}\",\
             \"transactionHash\":\"0x{serial:064x}\",\"transactionIndex\":\"0x{:x}\",\"blockHash\":\"{}\",\"blockTimestamp\":\"0x6555a3b1\",\
             \"logIndex\":\"0x{log:x}\",\"removed\":false}}",
            decode::TRANSFER,
            hex(watched::account(!serial)),
            hex(watched::account(to)),
            serial + 1,
            number,
            log / 2,
            block_hash(number),
        );
    }
    Ok(RawValue::from_string(format!("[{logs}]"))?)
}

fn bare(answers: &[Box<RawValue>]) -> anyhow::Result<usize> {
    let mut count = 0;
    for answer in answers {
        count += serde_json::from_str::<Vec<Log>>(answer.get())?.len();
    }
    Ok(count)
}

/// All that the follower does with an answer: reads it, makes sure each log is of the block asked for, finds those to watched addresses,
/// and decodes them.
fn ours(answers: &[Box<RawValue>], chain: &Chain, contracts: &[alloy::primitives::Address], watched: &Watched) -> anyhow::Result<usize> {
    let mut found = 0;
    for (number, answer) in (0..).zip(answers) {
        let asked = block_hash(number);
        for told in lean::read(answer)? {
            anyhow::ensure!(told.block_hash() == Some(asked), "a log of another block");
            if told.recipient(contracts)?.is_some_and(|to| watched.has(&to)) {
                let log = Log { inner: told.event()?, transaction_hash: told.transaction(), ..Log::default() };
                found += usize::from(decode::transfer(&log, chain).is_some());
            }
        }
    }
    Ok(found)
}

pub fn measure(count: u32, rounds: usize) -> anyhow::Result<String> {
    let watched = watched::crowd(count);
    let chain = payin_core::chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-mainnet").context("no chain")?;
    let contracts: Vec<_> =
        chain.tokens.iter().filter_map(|token| payin_core::address::evm_bytes(token.contract.as_str())).map(Into::into).collect();
    let contract = chain.tokens.first().context("no token")?.contract.as_str().to_lowercase();
    let answers: Vec<_> = (0..ANSWERS).map(|number| answer(number, &contract, count)).collect::<Result<_, _>>()?;
    let logs = f64::from(LOGS * ANSWERS);
    let (mut rates, mut ratios) = ((Vec::new(), Vec::new()), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        anyhow::ensure!(bare(&answers)? == (LOGS * ANSWERS) as usize, "the bare decoder lost some");
        let by_bare = logs / begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        let found = ours(&answers, &chain, &contracts, &watched)?;
        let by_ours = logs / begun.elapsed().as_secs_f64();
        anyhow::ensure!(found == (ANSWERS * LOGS / HIT_EVERY) as usize, "{found} transfers were found");
        rates.0.push(by_bare / 1e6);
        rates.1.push(by_ours / 1e6);
        ratios.push(by_ours / by_bare);
    }
    let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    Ok(format!(
        "logs, 1 in {HIT_EVERY} to one of {count} watched addresses: serde_json → alloy Log {:.2} M/s, ours {:.2} M/s\n\
         ours/bare {:.2}   rounds {}   aim ≥ 1.5: {}",
        median(&rates.0),
        median(&rates.1),
        median(&ratios),
        all.join(" "),
        verdict(median(&ratios) >= 1.5)
    ))
}
