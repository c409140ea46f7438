//! Logs in a second: our reader, with everything it looks at, beside a bare decoder that only makes alloy's logs of the same answers.

use std::fmt::Write as _;

use alloy::primitives::B256;
use alloy::rpc::types::Log;
use anyhow::Context;
use payin_core::Chain;
use payin_server::chain::Watched;
use payin_server::chain::logs::{decode, lean};
use rustix::time::{ClockId, clock_gettime};
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

/// All that the follower does with an answer: reads it, makes sure each log is of the block asked for, by hash and by height, finds those to
/// watched addresses, and decodes them.
fn ours(answers: &[Box<RawValue>], chain: &Chain, contracts: &[alloy::primitives::Address], watched: &Watched) -> anyhow::Result<usize> {
    let mut found = 0;
    for (number, answer) in (0..).zip(answers) {
        let asked = block_hash(number);
        let logs = lean::read(answer)?;
        let astray = |told: &lean::Told<'_>| told.block_hash() != Some(asked) || told.block_number() != Some(number.into());
        anyhow::ensure!(!logs.iter().any(astray), "a log of another block");
        let accounts = watched.accounts();
        for told in logs {
            if told.recipient(contracts).is_some_and(|to| accounts.has(&to)) {
                let log = Log { inner: told.event(), transaction_hash: told.transaction(), ..Log::default() };
                found += usize::from(decode::transfer(&log, chain).is_some());
            }
        }
    }
    Ok(found)
}

/// How long this thread has been on a processor, in seconds. Neither decoder waits for anything: what a busy machine keeps it waiting for one
/// says nothing about it.
fn on_processor() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
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
        let begun = on_processor();
        anyhow::ensure!(bare(&answers)? == (LOGS * ANSWERS) as usize, "the bare decoder lost some");
        let between = on_processor();
        let found = ours(&answers, &chain, &contracts, &watched)?;
        let (by_bare, by_ours) = (logs / (between - begun), logs / (on_processor() - between));
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
