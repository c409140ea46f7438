//! What delivering webhooks costs: signed deliveries a second beside a bare loop of reqwest that signs the same bodies for the same sink;
//! how soon an event is sent; and whether dead endpoints make the others wait. Composition only.

mod api;
mod floor;
mod outbox;
mod sink;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use url::Url;

use crate::database::{Databases, Engine};
use crate::report::median;
use crate::server::Server;
use api::Api;
pub use floor::{Options as FloorOptions, run as floor};
use sink::Sink;

/// Attempts under way at once, here and there.
const CONCURRENCY: usize = 64;
/// Endpoints of the throughput run: no one of them may take all places.
const ENDPOINTS: usize = 64;
/// Endpoints of the runs at a fixed rate, of which these are dead in one of them.
const MERCHANTS: usize = 100;
const DEAD: usize = 30;
const PER_SECOND: u64 = 200;

#[derive(Args)]
pub struct Options {
    /// Deliveries in each round
    #[arg(long, default_value_t = 20_000)]
    deliveries: usize,
    /// Rounds; the servers take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each run at 200 events a second
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Where the SQLite database lies [default: the temporary folder]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Measure PostgreSQL too: a URL whose user may make databases
    #[arg(long, value_name = "URL")]
    postgres: Option<Url>,
    /// Leave SQLite out
    #[arg(long)]
    skip_sqlite: bool,
    /// The payin-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        bail!("build with --release: a debug build measures the debug build");
    }
    let folder = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new().prefix("payin-bench-").tempdir_in(&folder).context("--dir")?;
    let mut engines = Vec::new();
    if !options.skip_sqlite {
        engines.push(Engine::Sqlite(folder.path().to_owned()));
    }
    engines.extend(options.postgres.clone().map(Engine::Postgres));
    for engine in engines {
        let mut databases = Databases::new(engine);
        let outcome = tokio::select! {
            outcome = measure(&options, &mut databases, folder.path()) => outcome,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        };
        let dropped = databases.drop_all().await;
        outcome.with_context(|| databases.name())?;
        dropped.context("dropping the databases")?;
    }
    Ok(())
}

async fn measure(options: &Options, databases: &mut Databases, folder: &Path) -> anyhow::Result<()> {
    println!("\n{}", databases.describe().await?);
    let sink = Sink::start()?;
    throughput(options, databases, folder, &sink).await?;
    let healthy = at_a_rate(options, databases, folder, &sink, 0).await?;
    let beside_dead = at_a_rate(options, databases, folder, &sink, DEAD).await?;
    println!(
        "{PER_SECOND} events/s, {MERCHANTS} endpoints: commit to first attempt p50 {:.1} ms, p99 {:.1} ms   aim p99 ≤ 1000 ms: {}",
        healthy.0,
        healthy.1,
        reached(healthy.1 <= 1000.0)
    );
    let ratio = beside_dead.1 / healthy.1;
    println!(
        "{DEAD} of them dead: p50 {:.1} ms, p99 {:.1} ms for the healthy; p99 ratio {ratio:.2}   aim ≤ 2: {}",
        beside_dead.0,
        beside_dead.1,
        reached(ratio <= 2.0)
    );
    Ok(())
}

fn reached(is: bool) -> &'static str {
    if is { "reached" } else { "MISSED" }
}

async fn start(options: &Options, databases: &mut Databases, folder: &Path, name: &str) -> anyhow::Result<(Server, Api, String)> {
    let database = databases.make(name).await?;
    let program = options.server.clone().map_or_else(|| std::env::current_exe().map(|bench| bench.with_file_name("payin-server")), Ok)?;
    let arguments = ["dev", "--listen", "127.0.0.1:0", "--database", &database].map(str::to_owned);
    let server = Server::start(&program, &arguments, folder.join(format!("{}-{name}.log", databases.name()))).await?;
    let api = Api::new(&server.target)?;
    Ok((server, api, database))
}

async fn throughput(options: &Options, databases: &mut Databases, folder: &Path, sink: &Sink) -> anyhow::Result<()> {
    let (server, api, database) = start(options, databases, folder, "deliver").await?;
    let mut endpoints = Vec::new();
    for number in 0..ENDPOINTS {
        endpoints.push(api.endpoint(&format!("{}/e/{number}", sink.url)).await?);
    }
    let mut ratios = Vec::new();
    for round in 1..=options.rounds {
        let floor = floor::measure(&sink.url, options.deliveries, CONCURRENCY).await?;
        sink.forget();
        outbox::fill(&database, &endpoints, options.deliveries, round).await.with_context(|| server.log_tail())?;
        // Twice: the events' places are found by what PostgreSQL knows of the table, and change it.
        databases.settle(&database).await?;
        outbox::all_placed(&database).await.with_context(|| server.log_tail())?;
        databases.settle(&database).await?;
        let cpu = crate::server::cpu_time(server.pid).unwrap_or_default();
        outbox::release(&database).await?;
        let ours = sink.rate_of(options.deliveries).await.with_context(|| server.log_tail())?;
        outbox::all_recorded(&database).await?;
        let cpu = crate::server::cpu_time(server.pid).unwrap_or_default().saturating_sub(cpu);
        let cpu_us = cpu.as_micros() as f64 / options.deliveries as f64;
        eprintln!("{} round {round}: floor {floor:.0}/s, ours {ours:.0}/s, {cpu_us:.0} µs of our processor time each", databases.name());
        ratios.push(ours / floor);
    }
    let ratio = median(&ratios);
    let rounds: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    println!("signed deliveries/s, ours/floor {ratio:.2}   rounds {}   aim ≥ 0.5: {}", rounds.join(" "), reached(ratio >= 0.5));
    Ok(())
}

/// p50 and p99 in milliseconds, from the event's time to its arrival, of the endpoints that live.
async fn at_a_rate(options: &Options, databases: &mut Databases, folder: &Path, sink: &Sink, dead: usize) -> anyhow::Result<(f64, f64)> {
    let (server, api, _) = start(options, databases, folder, &format!("rate{dead}")).await?;
    let mut endpoints = Vec::new();
    for number in 0..MERCHANTS {
        let url = match number {
            _ if number >= dead => format!("{}/e/{number}", sink.url),
            _ if number % 3 == 0 => format!("{}/hang", sink.url),
            _ if number % 3 == 1 => sink.resets.clone(),
            _ => sink.refuses.clone(),
        };
        endpoints.push(api.endpoint(&url).await?);
    }
    sink.forget();
    let begin = Instant::now();
    let count = PER_SECOND.saturating_mul(options.seconds);
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..count {
        let due = begin + Duration::from_micros(number.saturating_mul(1_000_000 / PER_SECOND));
        tokio::time::sleep_until(due.into()).await;
        let at = usize::try_from(number).unwrap_or_default() % endpoints.len();
        let (api, endpoint) = (api.clone(), endpoints.get(at).cloned().unwrap_or_default());
        sending.spawn(async move { api.test(&endpoint).await });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    // The dead ones' retries go on beside it; the living have had theirs long since.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut waits = sink.waits();
    let living = usize::try_from(count).unwrap_or_default() * (MERCHANTS - dead) / MERCHANTS;
    if waits.len() < living {
        bail!("only {} of {living} events arrived{}", waits.len(), server.log_tail());
    }
    waits.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or(f64::NAN);
    eprintln!("{}: {dead} dead of {MERCHANTS}: {} arrived, p50 {:.1} ms, p99 {:.1} ms", databases.name(), waits.len(), at(50), at(99));
    Ok((at(50), at(99)))
}
