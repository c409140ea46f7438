//! One run: for each database, start every server, fill its pool, then measure them in turn, round after round, so that
//! whatever else the machine does falls on all of them alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use crate::database::{Databases, Engine};
use crate::load::{self, Plan, Sample};
use crate::report::{Measured, Report};
use crate::{pool, server::Server};

#[derive(clap::Args)]
pub struct Options {
    /// Folder for the SQLite files, on the disk that is to be measured [default: the system's temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A PostgreSQL on which databases may be made: postgres://USER@HOST:PORT/DATABASE; without it only SQLite runs
    #[arg(long, value_name = "URL")]
    postgres: Option<Url>,
    /// Measure PostgreSQL only
    #[arg(long, requires = "postgres")]
    skip_sqlite: bool,
    /// Which servers; savepoint is the group floor that places order by order under savepoints
    #[arg(long, value_delimiter = ',', default_value = "naive,group,ours")]
    only: Vec<Contestant>,
    /// How many connections, each in a closed loop
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How often each server is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds before it that do not count
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
    /// Leave out the rounds at one connection
    #[arg(long)]
    skip_single: bool,
    /// Addresses in each pool; every order of the whole run takes one
    #[arg(long, default_value_t = 1_000_000)]
    addresses: u32,
    /// payin-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// The key that payin-server is told to use [default: it makes one]
    #[arg(long)]
    api_key: Option<String>,
    /// A further argument for payin-server dev, such as --server-arg=--rate-limits; repeatable
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    server_arg: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contestant {
    Naive,
    Group,
    Savepoint,
    Ours,
}

impl Contestant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Group => "group",
            Self::Savepoint => "savepoint",
            Self::Ours => "ours",
        }
    }
}

struct Running {
    contestant: Contestant,
    server: Server,
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
    let mut terminated = signal(SignalKind::terminate())?;
    for engine in engines {
        let mut databases = Databases::new(engine);
        // Interrupted or failed, the servers are killed by the drop of this future and the databases dropped below.
        let outcome = tokio::select! {
            outcome = measure(&options, &mut databases, folder.path()) => outcome,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
            _ = terminated.recv() => Err(anyhow::anyhow!("terminated")),
        };
        let dropped = databases.drop_all().await;
        println!("{}", outcome.with_context(|| databases.name())?);
        dropped.context("dropping the databases")?;
    }
    Ok(())
}

async fn measure(options: &Options, databases: &mut Databases, folder: &Path) -> anyhow::Result<Report> {
    let about = databases.describe().await?;
    let mut running = Vec::new();
    for contestant in Contestant::value_variants() {
        if options.only.contains(contestant) {
            eprintln!("{}: starting {} with {} addresses", databases.name(), contestant.name(), options.addresses);
            running.push(start(options, *contestant, databases, folder).await.context(contestant.name())?);
        }
    }
    let mut measured: Vec<Measured> = running.iter().map(|run| Measured::new(run.contestant)).collect();
    let many = Plan {
        connections: options.connections,
        warm_up: Duration::from_secs(options.warm_up),
        length: Duration::from_secs(options.seconds),
    };
    for round in 1..=options.rounds {
        for (running, measured) in running.iter().zip(&mut measured) {
            measured.many.push(one_round(running, many, round).await?);
        }
    }
    let one = Plan { connections: 1, ..many };
    for round in 1..=if options.skip_single { 0 } else { options.rounds } {
        for (running, measured) in running.iter().zip(&mut measured) {
            measured.one.push(one_round(running, one, round).await?);
        }
    }
    for (running, measured) in running.iter().zip(&mut measured) {
        measured.resident_mib = running.server.resident_mib().unwrap_or_default();
    }
    Ok(Report { engine: databases.name(), about, connections: options.connections, seconds: options.seconds, measured })
}

async fn start(options: &Options, contestant: Contestant, databases: &mut Databases, folder: &Path) -> anyhow::Result<Running> {
    let bench = std::env::current_exe()?;
    let database = databases.make(contestant.name()).await?;
    let words: &[&str] = match contestant {
        Contestant::Naive => &["floor-naive"],
        Contestant::Group => &["floor-group"],
        Contestant::Savepoint => &["floor-group", "--savepoints"],
        Contestant::Ours => &["dev", "--listen", "127.0.0.1:0"],
    };
    let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    arguments.extend(["--database".to_owned(), database.clone()]);
    let program = if contestant == Contestant::Ours {
        if let Some(key) = &options.api_key {
            arguments.extend(["--api-key".to_owned(), key.clone()]);
        }
        arguments.extend(options.server_arg.iter().cloned());
        let beside = bench.with_file_name("payin-server");
        options.server.clone().unwrap_or(beside)
    } else {
        arguments.extend(["--addresses".to_owned(), options.addresses.to_string()]);
        bench
    };
    let log = folder.join(format!("{}-{}.log", databases.name(), contestant.name()));
    let server = Server::start(&program, &arguments, log).await?;
    if contestant == Contestant::Ours {
        pool::import(&server.target, options.addresses).await.with_context(|| server.log_tail())?;
    }
    databases.settle(&database).await.context("VACUUM ANALYZE")?;
    Ok(Running { contestant, server })
}

async fn one_round(running: &Running, plan: Plan, round: usize) -> anyhow::Result<Sample> {
    let name = running.contestant.name();
    let tag = format!("c{}-r{round}", plan.connections);
    let sample = load::run(&running.server.target, running.server.pid, plan, load::Work::Create, &tag).await;
    let sample = sample.map_err(|error| explain(error, &running.server)).with_context(|| name)?;
    eprintln!(
        "{:>3} connections, round {round}: {name:<9} {:>8.0}/s, p50 {:.2} ms, p99 {:.2} ms, {:.0} µs/request",
        plan.connections, sample.per_second, sample.p50_ms, sample.p99_ms, sample.cpu_us
    );
    Ok(sample)
}

fn explain(error: anyhow::Error, server: &Server) -> anyhow::Error {
    let text = format!("{error:#}");
    if text.contains("NO_AVAILABLE_ADDRESSES") {
        return anyhow::anyhow!("{text}\nthe pool is used up: give more --addresses, fewer --rounds or --seconds");
    }
    anyhow::anyhow!("{text}{}", server.log_tail())
}
