//! Our sandbox beside Prism, the mock server that many run in CI, both over the same `openapi.yaml`: how soon each answers after it was
//! started, the same GET and POST at the same concurrency in turn, and what memory each takes. Ours keeps what it is told, on disk; Prism
//! answers the examples of the file.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use hyper::header::HeaderValue;
use serde_json::Value;

use crate::http::{Connection, Target};
use crate::load::{self, Plan, Sample, Work};
use crate::pool;
use crate::report::median;
use crate::server::Server;

/// Any key will do for both: one takes what it is given, the other looks whether there is one.
const API_KEY: &str = "pk_test_of_a_measurement";

#[derive(Args)]
pub struct Options {
    /// Prism's program, as `eval "$(scripts/setup prism)"` says it
    #[arg(long, value_name = "FILE", env = "PAYIN_BENCH_PRISM")]
    prism: PathBuf,
    /// What Prism serves
    #[arg(long, value_name = "FILE", default_value = "openapi.yaml")]
    contract: PathBuf,
    /// Folder for our database [default: the system's temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// How often each is started for the start time
    #[arg(long, default_value_t = 5)]
    starts: usize,
    /// How many connections, each in a closed loop
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How often each is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Addresses in our pool, of which every order takes one
    #[arg(long, default_value_t = 400_000)]
    addresses: u32,
    /// payin-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// One figure of both, round by round, neighbours in time.
#[derive(Default)]
struct Figure {
    ours: Vec<f64>,
    prism: Vec<f64>,
}

impl Figure {
    fn line(&self, name: &str, larger_is_better: bool) -> Line {
        let ratios = self.ours.iter().zip(&self.prism).map(|(ours, prism)| ours / prism).collect();
        Line { name: name.to_owned(), ours: median(&self.ours), prism: median(&self.prism), ratios, larger_is_better }
    }
}

struct Line {
    name: String,
    ours: f64,
    prism: f64,
    ratios: Vec<f64>,
    larger_is_better: bool,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = median(&self.ratios);
        let rounds: Vec<String> = self.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        let (aim, is_reached) = if self.larger_is_better { ("> 1", ratio > 1.0) } else { ("< 1", ratio < 1.0) };
        let verdict = if is_reached { "reached" } else { "MISSED" };
        write!(f, "{:22}{:>12.2}{:>12.2}{:>10.3}  {}   aim {aim}: {verdict}", self.name, self.prism, self.ours, ratio, rounds.join(" "))
    }
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        bail!("build with --release: a debug build measures the debug build");
    }
    let folder = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new().prefix("payin-bench-").tempdir_in(&folder).context("--dir")?;
    let pair = Pair { options: &options, folder: folder.path() };
    tokio::select! {
        outcome = measure(&pair) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    }
}

async fn measure(pair: &Pair<'_>) -> anyhow::Result<()> {
    let Options { starts, connections, rounds, seconds, addresses, .. } = *pair.options;
    let (mut start, mut resident) = (Figure::default(), Figure::default());
    for number in 0..starts {
        eprintln!("start {} of {starts}", number + 1);
        let (_prism, took) = pair.prism().await?;
        start.prism.push(took.as_secs_f64() * 1e3);
        let (_ours, took) = pair.ours(&format!("start-{number}")).await?;
        start.ours.push(took.as_secs_f64() * 1e3);
    }
    let ((prism, _), (ours, _)) = (pair.prism().await?, pair.ours("load").await?);
    pool::import(&ours.target, addresses).await.with_context(|| ours.log_tail())?;
    let path = order(&ours.target).await.with_context(|| ours.log_tail())?;
    println!("beside Prism, {connections} connections, medians of {rounds} rounds of {seconds} s and of {starts} starts");
    println!("{:22}{:>12}{:>12}{:>10}  rounds", "", "Prism", "ours", "ratio");
    println!("{}", start.line("first answer, ms", false));
    for (name, work) in [("GET", Work::Path(path)), ("POST", Work::Create)] {
        let (mut per_second, mut p99) = (Figure::default(), Figure::default());
        for round in 0..rounds {
            let theirs = pair.sample(&prism, work, round).await?;
            let own = pair.sample(&ours, work, round).await?;
            per_second.prism.push(theirs.per_second);
            per_second.ours.push(own.per_second);
            p99.prism.push(theirs.p99_ms);
            p99.ours.push(own.p99_ms);
        }
        println!("{}", per_second.line(&format!("{name}, requests/s"), true));
        println!("{}", p99.line(&format!("{name}, p99 ms"), false));
    }
    resident.prism.extend(prism.resident_mib());
    resident.ours.extend(ours.resident_mib());
    println!("{}", resident.line("RSS after that, MiB", false));
    Ok(())
}

/// An order of ours, by its path. Prism has any order.
async fn order(target: &Target) -> anyhow::Result<&'static str> {
    let body = r#"{"orderReference":"the one that is read","amount":"100.00","currency":"USDT","chainId":"ethereum-sepolia"}"#;
    let (status, answer) = Connection::open(target).await?.post("/api/v1/orders", "the one that is read", body.to_owned()).await?;
    let answer: Value = serde_json::from_slice(&answer).with_context(|| format!("{status}: not JSON"))?;
    let Some(id) = answer["orderId"].as_str() else { bail!("{status}: {answer}") };
    // Once in this program's life: every connection asks for it as long as it runs.
    Ok(format!("/api/v1/orders/{id}").leak())
}

/// How both are started.
struct Pair<'a> {
    options: &'a Options,
    folder: &'a Path,
}

impl Pair<'_> {
    async fn prism(&self) -> anyhow::Result<(Server, Duration)> {
        let target = free()?;
        let mut arguments = vec![text(&self.options.prism)?, "mock".to_owned(), text(&self.options.contract)?];
        // Without a line for each request, which it would wait for.
        arguments
            .extend(["--host", "127.0.0.1", "--verboseLevel", "error", "--port", &target.address.port().to_string()].map(str::to_owned));
        Server::start_at(Path::new("node"), &arguments, self.folder.join("prism.log"), target).await.context("Prism")
    }

    async fn ours(&self, database: &str) -> anyhow::Result<(Server, Duration)> {
        let target = free()?;
        let database = format!("sqlite://{}", text(&self.folder.join(format!("{database}.db")))?);
        let listen = target.address.to_string();
        let arguments = ["dev", "--listen", &listen, "--database", &database, "--api-key", API_KEY].map(str::to_owned);
        let program = match &self.options.server {
            Some(program) => program.clone(),
            None => std::env::current_exe()?.with_file_name("payin-server"),
        };
        Server::start_at(&program, &arguments, self.folder.join("ours.log"), target).await.context("payin-server")
    }

    async fn sample(&self, server: &Server, work: Work, round: usize) -> anyhow::Result<Sample> {
        let length = Duration::from_secs(self.options.seconds);
        let plan = Plan { connections: self.options.connections, warm_up: Duration::from_millis(500), length };
        load::run(&server.target, server.pid, plan, work, &format!("round-{round}")).await.with_context(|| server.log_tail())
    }
}

/// A port that nobody listens on: Prism says on none of its own which one it took.
fn free() -> anyhow::Result<Target> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    Ok(Target { address, api_key: HeaderValue::from_static(API_KEY) })
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_is_ahead() {
        let figure = Figure { ours: vec![30.0, 10.0, 20.0], prism: vec![10.0, 10.0, 10.0] };
        let line = figure.line("GET, requests/s", true).to_string();
        assert!(line.ends_with("10.00       20.00     2.000  3.00 1.00 2.00   aim > 1: reached"), "{line}");
        assert!(figure.line("p99", false).to_string().ends_with("aim < 1: MISSED"));
    }
}
