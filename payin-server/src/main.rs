//! The program `payin-server`: reads its arguments, installs what a process has one of, and hands over to the library.

mod process;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;
use payin_core::endpoint;
use payin_core::quota::Limits;
use payin_server::config::{Config, log_filter};
use payin_server::http::dialect::Apis;
use payin_server::store::Location;
use payin_server::{demo, dev, keys, lost, reconcile, restored, resume, serve, store, users};
use payin_types::{Role, SecretString};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A self-hosted, keyless stablecoin gateway.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a sandbox: the whole gateway over simulated chains, ready to use; one JSON line on stdout says where
    Dev {
        /// Address to listen on; port 0 picks one
        #[arg(long, default_value = "127.0.0.1:3000")]
        listen: String,
        /// sqlite://FILE or postgres://…; a temporary SQLite file when left out
        #[arg(long)]
        database: Option<Location>,
        /// API key to accept; one is made when left out. Only for sandboxes: everybody on this machine can read it
        #[arg(long)]
        api_key: Option<String>,
        /// Makes ids, keys and chains the same every time
        #[arg(long)]
        seed: Option<u64>,
        /// virtual: time stands still until the sandbox API moves it, and blocks come on demand
        #[arg(long, value_enum, default_value = "running")]
        clock: ClockMode,
        /// Limit each key's requests: as in production when no numbers are given. The sandbox's own API stays unlimited
        #[arg(long, value_name = "MINUTE,HOUR,DAY", num_args = 0..=1, require_equals = true, default_missing_value = "100,1000,10000", value_parser = limits)]
        rate_limits: Option<Limits>,
    },
    /// A tour: a sandbox, an order paid on a simulated chain, its signed webhook received and verified
    Demo {
        /// End after the tour instead of staying up
        #[arg(long)]
        exit: bool,
        /// Address to listen on; port 0 picks one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
    },
    /// Run in production
    Serve(Configured),
    /// Bring the database's schema up to this version
    Migrate(Configured),
    /// Read blocks again and hold them against the database: every transfer that differs is printed. Changes nothing
    Reconcile {
        #[command(flatten)]
        configured: Configured,
        /// The chain, such as base-mainnet
        #[arg(long)]
        chain: String,
        /// Lowest block; the lowest that was looked at when left out
        #[arg(long)]
        from: Option<u64>,
        /// Highest block; the newest final one when left out
        #[arg(long)]
        to: Option<u64>,
        /// Which of the chain's configured nodes to ask, from 1; the last when left out
        #[arg(long)]
        node: Option<usize>,
    },
    /// Say that a backup was restored: addresses that may have been given to somebody since are not handed out again
    Restored {
        #[command(flatten)]
        configured: Configured,
        /// So many addresses may have been derived from each extended public key since the backup was made, at most 100000
        #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
        derived_since: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What a person decides about chains: halted ones that go on, and blocks that are lost
    #[command(subcommand)]
    Chains(ChainsCommand),
    /// API keys
    #[command(subcommand)]
    Keys(Keys),
    /// People who sign in
    #[command(subcommand)]
    Users(Users),
    /// Show, on stdout, what an organization's webhooks of other APIs than the native one are signed with; it is made where there is none
    WebhookSecret {
        #[command(flatten)]
        configured: Configured,
        /// Name or id of the organization; the only one when left out. One that somebody made through an API goes by its id alone
        #[arg(long)]
        organization: Option<String>,
        /// Replace it by a new one, which is shown. A running server need not be stopped
        #[arg(long)]
        rotate: bool,
        /// How long the old one goes on signing, so that your server can be given the new one first, 0 to 168; 0 where the old one has leaked
        #[arg(long, value_name = "HOURS", requires = "rotate")]
        old_secret_valid_hours: Option<u32>,
    },
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

fn limits(text: &str) -> Result<Limits, String> {
    let numbers: Vec<Option<u64>> = text.split(',').map(|number| number.parse().ok()).collect();
    match *numbers {
        [Some(per_minute), Some(per_hour), Some(per_day)] => Ok(Limits { per_minute, per_hour, per_day }),
        _ => Err("three numbers are needed: requests in a minute, in an hour and in a day".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
struct Configured {
    /// The configuration file; environment variables PAYIN_SERVER_… go before it
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClockMode {
    Running,
    Virtual,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make an API key, and the first organization if there is none. The key is printed once, on stdout
    Create {
        #[command(flatten)]
        configured: Configured,
        /// What it may do
        #[arg(long, value_enum)]
        role: RoleArgument,
        /// For people
        #[arg(long, default_value = "made with payin-server keys create")]
        name: String,
        /// Name of the organization, which is made if there is none of that name, or its id; the only one when left out. One that somebody
        /// made through an API goes by its id alone
        #[arg(long)]
        organization: Option<String>,
    },
    /// Every API key that is not revoked, a line each: id, role, organization's id and name, first characters, last use, end, name
    List(Configured),
    /// Revoke an API key, whoever's it is
    Revoke {
        #[command(flatten)]
        configured: Configured,
        /// Its id, key_…
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum Users {
    /// Make an account, and the first organization if there is none: who owns or administrates a server signs in with it. The password is
    /// read from a hidden prompt or, piped, from the first line of standard input; no flag takes it, because other users can read flags
    Create {
        #[command(flatten)]
        configured: Configured,
        /// Their e-mail address, by which they sign in
        #[arg(long)]
        email: String,
        /// What they are called, and may sign in by; their address when left out
        #[arg(long)]
        name: Option<String>,
        /// Name of the organization, which is made if there is none of that name, or its id; the only one when left out. One that somebody
        /// made through an API goes by its id alone
        #[arg(long)]
        organization: Option<String>,
        /// Who they are there: owners and admins run it, members and viewers have the rights of a key of that role
        #[arg(long, value_enum, default_value = "owner")]
        role: RoleArgument,
        /// Make a password instead of reading one; it is printed once, on stdout
        #[arg(long)]
        generate_password: bool,
    },
    /// Shut somebody out: they are signed out everywhere, and may not sign in any more
    Disable(Person),
    /// Let somebody in again who was shut out
    Enable(Person),
    /// Give somebody another password, read as by create: they are signed out everywhere
    Password {
        #[command(flatten)]
        person: Person,
        /// Make a password instead of reading one; it is printed once, on stdout
        #[arg(long)]
        generate_password: bool,
    },
    /// Turn somebody's two-step sign-in off, who has lost their phone and the recovery codes: they are signed out everywhere, and their password
    /// is enough until they set it up again
    ResetTotp(Person),
}

#[derive(Debug, clap::Args)]
struct Person {
    #[command(flatten)]
    configured: Configured,
    /// Their e-mail address, or the name by which they sign in
    login: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArgument {
    Owner,
    Admin,
    Member,
    Viewer,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Owner => Self::Owner,
            RoleArgument::Admin => Self::Admin,
            RoleArgument::Member => Self::Member,
            RoleArgument::Viewer => Self::Viewer,
        }
    }
}

#[derive(Debug, Subcommand)]
enum ChainsCommand {
    /// The halted chains, a line each: chain, newest block known, up to where it was final, why
    Halted(Configured),
    /// Let a halted chain go on, after its reason has been shown; a running server need not be stopped
    Resume {
        #[command(flatten)]
        configured: Configured,
        /// The chain, such as base-mainnet
        #[arg(long)]
        chain: String,
        /// Lowest block that the chain has taken back: all from here on may be taken back once, final or not, and are read again. Without
        /// it nothing final is taken back: for when it was the node that was wrong. Too low is safe, too high is noticed
        #[arg(long, value_name = "N")]
        from_block: Option<u64>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Declare blocks lost that no node gives any more, after what follows from it has been shown; a running server need not be stopped.
    /// Orders that were paid in them expire. It cannot be taken back
    Lost {
        #[command(flatten)]
        configured: Configured,
        /// The chain, such as base-mainnet
        #[arg(long)]
        chain: String,
        /// Lowest block: where the chain's lowest hole begins, as payin doctor shows it
        #[arg(long, value_name = "N")]
        from: u64,
        /// Highest block; the hole's end when left out
        #[arg(long, value_name = "N")]
        to: Option<u64>,
        /// Why, in your words: kept, and shown with the blocks
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration and say what it comes to; nothing is started
    Check(Configured),
}

fn main() -> ExitCode {
    // What this process writes (a database, its log, its lock) is nobody else's business.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // One TLS provider for everything in this process, before anything can ask for one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let filter = log_filter().unwrap_or_else(|| "info,sqlx=warn".to_owned());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    let run = || -> anyhow::Result<()> { tokio::runtime::Runtime::new().context("the runtime")?.block_on(run(Arguments::parse().command)) };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("payin-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Dev { listen, database, api_key, seed, clock, rate_limits } => {
            let frozen = matches!(clock, ClockMode::Virtual);
            let api_key = api_key.map(SecretString::from);
            let mut stop = pin!(stop_signal()?);
            let start = dev::start(dev::Options { listen, database, api_key, seed, frozen, rate_limits, apis: Apis::all() });
            let dev = tokio::select! { dev = start => dev?, stopped = &mut stop => return stopped };
            println!("{}", serde_json::to_string(&dev.ready)?);
            eprintln!("The sandbox is ready. Try:\n{}", demo::next_commands(&dev.ready));
            stop.await?;
            dev.stop().await
        }
        Command::Demo { exit, listen } => {
            let stop = if exit { None } else { Some(stop_signal()?) };
            demo::run(&listen, stop).await
        }
        Command::Serve(configured) => {
            process::live_within_limits()?;
            let mut stop = pin!(stop_signal()?);
            let start = serve::serve(Config::load(configured.config.as_deref())?);
            let running = tokio::select! { running = start => running?, stopped = &mut stop => return stopped };
            tracing::info!(address = %running.address, "payin-server is ready");
            stop.await?;
            tracing::info!("stopping: requests in flight are finished");
            running.stop().await
        }
        Command::Migrate(configured) => {
            store::migrate(&Config::load(configured.config.as_deref())?.database).await?;
            eprintln!("The database's schema is of this version.");
            Ok(())
        }
        Command::Reconcile { configured, chain, from, to, node } => {
            let options = reconcile::Options { chain: chain.into(), from, to, node };
            reconcile::run(Config::load(configured.config.as_deref())?, options).await
        }
        Command::Restored { configured, derived_since, yes } => {
            restored::run(&Config::load(configured.config.as_deref())?, restored::Options { derived_since, yes }).await
        }
        Command::Chains(ChainsCommand::Halted(configured)) => resume::halted(&Config::load(configured.config.as_deref())?).await,
        Command::Chains(ChainsCommand::Resume { configured, chain, from_block, yes }) => {
            let options = resume::Options { chain: chain.into(), from_block, yes };
            resume::run(&Config::load(configured.config.as_deref())?, options).await
        }
        Command::Chains(ChainsCommand::Lost { configured, chain, from, to, reason, yes }) => {
            let options = lost::Options { chain: chain.into(), from, to, reason, yes };
            lost::run(&Config::load(configured.config.as_deref())?, options).await
        }
        Command::Keys(Keys::Create { configured, role, name, organization }) => {
            keys::create(&Config::load(configured.config.as_deref())?, role.into(), &name, organization).await
        }
        Command::Keys(Keys::List(configured)) => keys::list(&Config::load(configured.config.as_deref())?).await,
        Command::Keys(Keys::Revoke { configured, id }) => keys::revoke(&Config::load(configured.config.as_deref())?, id).await,
        Command::Users(command) => about_people(command).await,
        Command::WebhookSecret { configured, organization, rotate, old_secret_valid_hours } => {
            let overlap = rotate.then(|| endpoint::overlap(old_secret_valid_hours)).transpose();
            let overlap = overlap.map_err(|error| anyhow::anyhow!(error.message))?;
            keys::webhook_secret(&Config::load(configured.config.as_deref())?, organization, overlap).await
        }
        Command::Config(ConfigCommand::Check(configured)) => {
            print!("{}", Config::load(configured.config.as_deref())?.summary());
            Ok(())
        }
    }
}

async fn about_people(command: Users) -> anyhow::Result<()> {
    let (Person { configured, login }, deed) = match command {
        Users::Create { configured, email, name, organization, role, generate_password } => {
            let options = users::Options { email, name, organization, role: role.into(), generate_password };
            return users::create(&Config::load(configured.config.as_deref())?, options).await;
        }
        Users::Disable(person) => (person, users::Deed::Disable),
        Users::Enable(person) => (person, users::Deed::Enable),
        Users::Password { person, generate_password } => (person, users::Deed::SetPassword { generated: generate_password }),
        Users::ResetTotp(person) => (person, users::Deed::ResetTotp),
    };
    users::operate(&Config::load(configured.config.as_deref())?, &login, deed).await
}

/// Until the process is asked to stop. It listens from the call on, not only when it is awaited: whoever is told that the server is ready
/// may stop it at once.
fn stop_signal() -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}
