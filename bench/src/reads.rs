//! Reading beside a bare floor: both on the same database, once with few orders and once with many, in turn, round after round.

mod data;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use url::Url;

use crate::database::{Databases, Engine};
use crate::load::{self, Plan, Sample, Work};
use crate::pool;
use crate::report::{median, median_of, ratios};
use crate::server::Server;
pub use data::path;

#[derive(clap::Args)]
pub struct Options {
    /// Folder for the SQLite files [default: the system's temporary folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A PostgreSQL on which databases may be made: postgres://USER@HOST:PORT/DATABASE; without it only SQLite runs
    #[arg(long, value_name = "URL")]
    postgres: Option<Url>,
    /// Measure PostgreSQL only
    #[arg(long, requires = "postgres")]
    skip_sqlite: bool,
    /// How many orders the small and the large database hold
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000")]
    orders: Vec<u32>,
    /// How many connections, each in a closed loop
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How often each server is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of a measurement
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// payin-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// One more argument for payin-server dev, such as one that turns its rate limits on; may be repeated
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    server_arg: Vec<String>,
}

/// An equality filter and a sort.
const LIST: &str = "/api/v1/orders?status=completed&sortBy=amount";

struct Pair {
    orders: u32,
    ours: Server,
    floor: Server,
}

#[derive(Default)]
struct Measured {
    ours: Vec<Sample>,
    floor: Vec<Sample>,
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
        databases.drop_all().await.context("dropping the databases")?;
        outcome.with_context(|| databases.name())?;
    }
    Ok(())
}

async fn measure(options: &Options, databases: &mut Databases, folder: &Path) -> anyhow::Result<()> {
    let about = databases.describe().await?;
    let mut pairs = Vec::new();
    for orders in &options.orders {
        eprintln!("{}: filling a database with {orders} orders", databases.name());
        pairs.push(start(options, *orders, databases, folder).await?);
    }
    println!("\n{about}\nreading, {} connections, medians of {} rounds of {} s", options.connections, options.rounds, options.seconds);
    println!("{:14}{:>10}{:>12}{:>10}{:>10}{:>10}  rounds", "", "orders", "floor/s", "ours/s", "ratio", "µs/req");
    for (name, work) in [("GET one", None), ("list of 20", Some(Work::Path(LIST)))] {
        let mut measured: Vec<Measured> = pairs.iter().map(|_| Measured::default()).collect();
        for _ in 0..options.rounds {
            for (pair, measured) in pairs.iter().zip(&mut measured) {
                let work = work.unwrap_or(Work::Get(u64::from(pair.orders)));
                measured.floor.push(sample(&pair.floor, options, work).await?);
                measured.ours.push(sample(&pair.ours, options, work).await?);
            }
        }
        for (pair, measured) in pairs.iter().zip(&measured) {
            print(name, pair.orders, measured);
        }
        if let [few, .., many] = measured.as_slice() {
            let growth = ratios(&many.ours, &few.ours, |sample| sample.per_second);
            println!("{name:14}{:>10} of the small database's: {:.2}", "large", median(&growth));
        }
    }
    Ok(())
}

fn print(name: &str, orders: u32, measured: &Measured) {
    let found = ratios(&measured.ours, &measured.floor, |sample| sample.per_second);
    let rounds: Vec<String> = found.iter().map(|ratio| format!("{ratio:.2}")).collect();
    println!(
        "{name:14}{orders:>10}{:>12.0}{:>10.0}{:>10.2}{:>10.0}  {}   aim ≥ 0.7: {}",
        median_of(&measured.floor, |sample| sample.per_second),
        median_of(&measured.ours, |sample| sample.per_second),
        median(&found),
        median_of(&measured.ours, |sample| sample.cpu_us),
        rounds.join(" "),
        if median(&found) >= 0.7 { "reached" } else { "MISSED" },
    );
}

async fn sample(server: &Server, options: &Options, work: Work) -> anyhow::Result<Sample> {
    let plan = Plan { connections: options.connections, warm_up: Duration::from_millis(500), length: Duration::from_secs(options.seconds) };
    load::run(&server.target, server.pid, plan, work, "read").await.with_context(|| server.log_tail())
}

async fn start(options: &Options, orders: u32, databases: &mut Databases, folder: &Path) -> anyhow::Result<Pair> {
    let bench = std::env::current_exe()?;
    let database = databases.make(&format!("reads{orders}")).await?;
    let mut arguments: Vec<String> = ["dev", "--listen", "127.0.0.1:0", "--database", &database].map(str::to_owned).to_vec();
    arguments.extend(options.server_arg.iter().cloned());
    let program = options.server.clone().unwrap_or_else(|| bench.with_file_name("payin-server"));
    let log = |who: &str| folder.join(format!("{}-{orders}-{who}.log", databases.name()));
    let ours = Server::start(&program, &arguments, log("ours")).await?;
    pool::import(&ours.target, orders).await.with_context(|| ours.log_tail())?;
    data::fill(&database, orders).await.context("filling the database")?;
    databases.settle(&database).await.context("VACUUM ANALYZE")?;
    let arguments = ["floor-reads", "--database", &database].map(str::to_owned);
    let floor = Server::start(&bench, &arguments, log("floor")).await?;
    Ok(Pair { orders, ours, floor })
}
