//! `payin conformance`: holds a server against the contract, operation by operation. The checks stand in `groups/`, what holds for every
//! answer in `rules.rs`. It must not leave anything behind that it could take back.

mod check;
mod cleanup;
mod contract;
mod groups;
mod limits;
mod operations;
mod receiver;
mod report;
mod rules;
mod suite;
mod wire;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use payin_sdk::SecretString;
use payin_sdk::transport::is_this_machine;
use payin_sdk::types::ExposeSecret;
use payin_sdk::world::{SystemWorld, World};
use serde_json::Value;

use self::check::Broken;
use self::contract::Contract;
use self::receiver::{Receiver, Serving};
use self::report::{Report, Stays, junit};
use self::suite::Suite;
use self::wire::{Answer, Ask, Key, Wire};
use super::Context;
use crate::config::{self, Credentials};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It creates only what it can name (`conformance-…`) and takes it back at the end, also when it is
interrupted (Ctrl-C or SIGTERM): payment links, a deposit reference, webhook endpoints, a viewer's
key. Orders cannot be taken back: two stay, each of which holds an address for a minute and expires.
In a sandbox one of them is paid; a third, of a payment link, holds its address as long as orders
usually do there, and a deposit of the reference stays. The report names all that stays. Addresses,
settings and what others have made are looked at and left as they are.

Nothing is created at all unless the server says that it is a testnet (`environment` of GET /me),
and a pk_live_ key is refused unless with --read-only.

A run makes about 250 requests: with 100 a minute it waits, and takes some minutes. With an owner's
or admin's key it sees the most; what a key may not do, or a server does not have, is reported as
skipped, with the reason.

Webhooks arrive at this program. Where the server is on this machine that works by itself; elsewhere
it must be told how it is reached.

Exits with 0 when no check fails, with 9 when one does, with 8 when the server gives no answer, with
4 when it does not take the key, with 2 for a key of real money, with 130 when it was interrupted.

Examples:
  payin conformance
  payin conformance --base-url http://127.0.0.1:3000 --api-key pk_test_of_a_sandbox --output json
  payin conformance --junit conformance.xml --quiet
  payin conformance --listen 0.0.0.0:8090 --public-url https://hooks.example.com
  payin conformance --base-url https://testnet.payin.com --documented --read-only")]
pub struct Args {
    /// The key, for keys of a sandbox: others who use this machine can read it. Without it PAYIN_API_KEY or a profile
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,

    /// Create nothing: only look
    #[arg(long)]
    read_only: bool,

    /// Demand no more than the vendor's documents do, and not what payin-server adds to them
    #[arg(long)]
    documented: bool,

    /// Receive webhooks at this address of this machine
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,

    /// The URL by which the server reaches that address
    #[arg(long, value_name = "URL", requires = "listen")]
    public_url: Option<String>,

    /// Also write the report as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let credentials = credentials(context, &args)?;
    if !args.read_only {
        refuse_real_money(&credentials.api_key)?;
    }
    let url = config::client(&credentials)?.base_url();
    let wire = Wire::new(&url, credentials.api_key)?;
    let mut file = args.junit.as_ref().map(|path| create(path)).transpose()?;
    let (receiver, serving) = receiver(&args, &url).await?;
    let random = SystemWorld::new().random().map_err(|error| Failure::internal(error.to_string()))?;
    let name = format!("conformance-{:012x}", random & 0xffff_ffff_ffff);
    let contract = Contract::load(args.documented)?;
    let mut suite = Suite::new(context, contract, wire, receiver, name, args.documented);
    meet(&mut suite, &url, args.read_only).await?;

    context.tidies_up();
    let ended = tokio::select! {
        () = groups::run(&mut suite) => Ended::Done,
        failure = serve(serving) => Ended::Failed(failure),
        () = interrupt::heard() => Ended::Interrupted,
    };
    if matches!(ended, Ended::Interrupted) {
        suite.unreached = "the run was interrupted";
        context.ui.note("interrupted: taking back what was created; interrupt again to leave it");
    }
    context.leaves_behind(format!("what was created has {} in its name", suite.name));
    let left_behind = cleanup::run(&mut suite).await;
    operations::settle(&mut suite);
    let report = told(suite, url, left_behind);
    report.tell(context)?;
    if let (Some(file), Some(path)) = (&mut file, &args.junit) {
        file.write_all(junit(&report).as_bytes()).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    }
    match ended {
        Ended::Interrupted => return Err(Failure::new(Exit::Interrupted, "INTERRUPTED", "interrupted")),
        Ended::Failed(failure) => return Err(failure),
        Ended::Done => {}
    }
    match report.wrong().as_slice() {
        [] => Ok(()),
        wrong => {
            let told = format!("{} of {} checks failed: {}", wrong.len(), report.checks.len(), wrong.join(", "));
            Err(Failure::new(Exit::NotAsserted, "NOT_CONFORMING", told))
        }
    }
}

/// How the checks came to their end. What they made is taken back in any case.
enum Ended {
    Done,
    Interrupted,
    /// Webhooks could be received no more.
    Failed(Failure),
}

/// Whatever the server says of itself, such a key is one of real money.
fn refuse_real_money(key: &SecretString) -> Result<(), Failure> {
    if !key.expose_secret().starts_with("pk_live_") {
        return Ok(());
    }
    let told = "a pk_live_ key is one of real money: nothing is created with it";
    Err(Failure::usage(told).hint("a testnet or a sandbox has keys of its own (pk_test_…); --read-only only looks"))
}

fn credentials(context: &Context, args: &Args) -> Result<Credentials, Failure> {
    let Some(key) = &args.api_key else { return context.credentials() };
    Ok(Credentials {
        api_key: SecretString::from(key.clone()),
        source: "--api-key".to_owned(),
        base_url: context.variables.base_url(&context.access).map(str::to_owned),
        allow_http: context.access.allow_http,
    })
}

/// Made before anything is asked: a report that cannot be kept is better known at once.
fn create(path: &std::path::Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::usage(format!("--junit {}: {error}", path.display())))
}

type Receiving = (Result<Receiver, String>, Option<Serving>);

async fn receiver(args: &Args, url: &str) -> Result<Receiving, Failure> {
    let listen = match &args.listen {
        Some(listen) => listen,
        None if is_this_machine(url) => "127.0.0.1:0",
        None => return Ok((Err("the server cannot reach this machine: give --listen and --public-url".to_owned()), None)),
    };
    let (receiver, serving) = receiver::open(listen, args.public_url.as_deref()).await?;
    Ok((Ok(receiver), Some(serving)))
}

async fn serve(serving: Option<Serving>) -> Failure {
    match serving {
        Some(serving) => serving.run().await,
        None => std::future::pending().await,
    }
}

/// Finds out what the server is. One that gives no answer, or takes no key, is told of at once.
async fn meet(suite: &mut Suite<'_>, url: &str, read_only: bool) -> Result<(), Failure> {
    let unreachable = |broken: Broken| match broken {
        Broken::Wrong(wrong) => {
            Failure::new(Exit::Network, "NETWORK", format!("{url}: {}", wrong.got)).hint("is the server running, and the base URL right?")
        }
        Broken::Skipped(why) => Failure::internal(why),
    };
    let me = suite.ask(Ask::of("whoAmI")).await.map(Some).or_else(unoffered).map_err(unreachable)?;
    if let Some(me) = me.as_ref().filter(|me| matches!(me.status, 401 | 403)) {
        let told = format!("{url} does not take the key: {} {}", me.status, me.code());
        return Err(Failure::new(Exit::Auth, "INVALID_API_KEY", told).hint("payin doctor looks further"));
    }
    let text = |answer: &Option<Answer>, pointer: &str| {
        answer.as_ref().and_then(|answer| answer.body.pointer(pointer).and_then(Value::as_str)).map(str::to_owned)
    };
    suite.standing.role = text(&me, "/role");
    suite.standing.environment = text(&me, "/environment").unwrap_or_else(|| "unknown".to_owned());
    let health = suite.ask(Ask::of("getHealth").key(Key::None)).await.map_err(unreachable)?;
    suite.standing.version = text(&Some(health), "/version").unwrap_or_else(|| "unknown".to_owned());
    let clock = suite.ask(Ask::of("sandboxClock")).await.map(Some).or_else(unoffered).map_err(unreachable)?;
    // A viewer may not look at its clock, but is told so only where there is one.
    suite.standing.sandbox = clock.is_some_and(|clock| matches!(clock.status, 200 | 403));
    suite.standing.read_only = match (read_only, suite.standing.environment.as_str()) {
        (true, _) => Some("nothing is created: --read-only"),
        (false, "testnet") => None,
        // Also where it says nothing of it.
        (false, _) => Some("nothing is created: the server does not say that it is of test money"),
    };
    Ok(())
}

fn unoffered(broken: Broken) -> Result<Option<Answer>, Broken> {
    match broken {
        Broken::Skipped(_) => Ok(None),
        wrong => Err(wrong),
    }
}

fn told(suite: Suite<'_>, url: String, left_behind: Vec<Stays>) -> Report {
    let report = Report {
        url,
        run: suite.name,
        version: suite.standing.version,
        environment: suite.standing.environment,
        role: suite.standing.role,
        ok: false,
        passed: 0,
        failed: 0,
        skipped: 0,
        answers: suite.answers,
        checks: suite.rows,
        left_behind,
    };
    report.count()
}
