//! The load generator: N kept-alive connections in a closed loop, a warm-up that does not count, then a measured time.
//! An answer other than success ends the run: a server that refuses quickly must never look fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hyper::StatusCode;
use tokio::task::JoinSet;

use crate::http::{Connection, Target};
use crate::reads;
use crate::server::cpu_time;

/// An answer that takes longer than this means that the server hangs.
const ANSWER_MAX: Duration = Duration::from_secs(30);

#[derive(Clone, Copy)]
pub struct Plan {
    pub connections: usize,
    pub warm_up: Duration,
    pub length: Duration,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// `POST /orders`
    Create,
    /// `GET /orders/:id`, one of so many
    Get(u64),
    /// A GET of this path, always the same
    Path(&'static str),
}

/// What one run found.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Processor time of the server process for each counted answer; not the database server's.
    pub cpu_us: f64,
}

/// Runs the load; `tag` makes references and idempotency keys unique among all runs against the same database.
pub async fn run(target: &Target, pid: u32, plan: Plan, work: Work, tag: &str) -> anyhow::Result<Sample> {
    let mut open = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        open.push(Connection::open(target).await?);
    }
    // Only now: a server that accepts slowly must not eat into the measured time.
    let begin = Instant::now() + plan.warm_up;
    let window = Window { begin, end: begin + plan.length, stop: Arc::new(AtomicBool::new(false)) };
    let mut connections = JoinSet::new();
    for (number, connection) in open.into_iter().enumerate() {
        connections.spawn(closed_loop(connection, window.clone(), work, format!("{tag}-{number}")));
    }
    tokio::time::sleep_until(window.begin.into()).await;
    let (cpu_before, started) = (cpu_time(pid), Instant::now());
    tokio::time::sleep_until(window.end.into()).await;
    let (cpu_after, ended) = (cpu_time(pid), Instant::now());

    let all = tokio::time::timeout(ANSWER_MAX, connections.join_all()).await.context("a request was never answered")?;
    let failures: Vec<&Failure> = all.iter().filter_map(|done| done.failure.as_ref()).collect();
    if let Some(first) = failures.iter().min_by_key(|failure| failure.at) {
        let answers: usize = all.iter().map(|done| done.latencies.len()).sum();
        bail!("{} errors after {answers} counted answers; the first: {}", failures.len(), first.what);
    }
    let mut latencies: Vec<Duration> = all.into_iter().flat_map(|done| done.latencies).collect();
    latencies.sort_unstable();
    if latencies.is_empty() {
        bail!("no answer within the measured time");
    }
    let count = latencies.len() as f64;
    let cpu = cpu_after.context("the server is gone")?.saturating_sub(cpu_before.context("the server is gone")?);
    Ok(Sample {
        per_second: count / (ended - started).as_secs_f64(),
        p50_ms: percentile_ms(&latencies, 0.50),
        p99_ms: percentile_ms(&latencies, 0.99),
        cpu_us: cpu.as_secs_f64() * 1e6 / count,
    })
}

#[derive(Clone)]
struct Window {
    begin: Instant,
    end: Instant,
    stop: Arc<AtomicBool>,
}

struct Failure {
    at: Instant,
    what: String,
}

#[derive(Default)]
struct Done {
    latencies: Vec<Duration>,
    failure: Option<Failure>,
}

async fn closed_loop(mut connection: Connection, window: Window, work: Work, name: String) -> Done {
    let mut done = Done::default();
    for number in 0_u64.. {
        let sent = Instant::now();
        if sent >= window.end || window.stop.load(Ordering::Relaxed) {
            break;
        }
        let outcome = match work {
            Work::Create => order(&mut connection, &format!("{name}-{number}")).await,
            Work::Get(orders) => found(&mut connection, &reads::path(orders, &name, number)).await,
            Work::Path(path) => found(&mut connection, path).await,
        };
        let answered = Instant::now();
        if let Err(error) = outcome {
            window.stop.store(true, Ordering::Relaxed);
            done.failure = Some(Failure { at: answered, what: format!("{error:#}") });
            break;
        }
        if answered >= window.begin && answered < window.end {
            done.latencies.push(answered - sent);
        }
    }
    done
}

async fn order(connection: &mut Connection, name: &str) -> anyhow::Result<()> {
    let body = format!(r#"{{"orderReference":"{name}","amount":"100.00","currency":"USDT","chainId":"ethereum-sepolia"}}"#);
    let (status, answer) = connection.post("/api/v1/orders", name, body).await?;
    if status != StatusCode::CREATED {
        bail!("{status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

async fn found(connection: &mut Connection, path: &str) -> anyhow::Result<()> {
    let (status, answer) = connection.get(path).await?;
    if status != StatusCode::OK {
        bail!("{path}: {status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

/// The nearest-rank percentile of sorted durations, in milliseconds.
fn percentile_ms(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let found = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    found.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(&sorted, 0.50), 100.0);
        assert_eq!(percentile_ms(&sorted, 0.99), 198.0);
        assert_eq!(percentile_ms(&sorted[..1], 0.99), 1.0);
        assert_eq!(percentile_ms(&[], 0.5), 0.0);
    }
}
