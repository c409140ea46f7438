//! `payin sandbox run`: plays scenarios against a merchant's program. What a scenario may say and how it is played is the SDK's.

mod junit;

use std::path::{Path, PathBuf};
use std::time::Duration;

use payin_sdk::testing::scenario::{Merchant, NotPlayed, Outcome, Scenario, Stage};
use serde_json::json;

use super::super::{Context, input, webhooks};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs a sandbox whose clock stands still, and that nobody else uses meanwhile:
payin-server dev --clock virtual. The merchant's program uses the same sandbox, verifies webhooks
with the secret in FILE, and offers a few paths to be asked at: docs/scenarios.md says which, and
how scenarios are written. Webhooks come from this command, signed anew at the real time.

A scenario is a file, or the name of one that comes with this version. What cannot happen on its
chain is skipped, and says why.

Exits with 0 when the merchant fails none, with 9 when it fails one; with 2 when something cannot be
played as it is written, before anything is played; with 8 when the sandbox or the merchant gives no
answer. A merchant that stops answering in the middle fails.

Examples:
  payin sandbox run --list
  payin sandbox run --library --merchant http://localhost:8080 --secret-file secret.txt
  payin sandbox run late_payment mine.yaml --merchant http://localhost:8080 --secret-file secret.txt
  payin sandbox run --library --merchant http://localhost:8080 --secret-file secret.txt --junit report.xml
  payin sandbox run --library --set chain=tron-nile --merchant http://localhost:8080 --secret-file secret.txt")]
pub struct Args {
    /// Scenarios to play: files, or names of the library
    #[arg(value_name = "SCENARIO", required_unless_present_any = ["library", "list"])]
    scenarios: Vec<String>,

    /// Play all that come with this version
    #[arg(long, conflicts_with = "scenarios")]
    library: bool,

    /// Show those that come with this version
    #[arg(long, conflicts_with_all = ["scenarios", "library"])]
    list: bool,

    /// Where the merchant's program listens
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    merchant: Option<String>,

    /// Where its webhooks go [default: /webhooks/payin of the merchant]
    #[arg(long, value_name = "URL")]
    webhooks: Option<String>,

    /// A file with the secret that the merchant verifies with
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    secret_file: Option<PathBuf>,

    /// Another value for a name that scenarios begin with; may be given again
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = text::pair)]
    set: Vec<(String, String)>,

    /// How long the merchant may take behind its answer to a webhook
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = text::seconds)]
    patience: u64,

    /// Write a report for CI there, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let library = Scenario::library().map_err(|error| Failure::internal(error.to_string()))?;
    let (Some(merchant), Some(secret_file)) = (&args.merchant, &args.secret_file) else {
        let list: Vec<_> = library.iter().map(|scenario| json!({ "scenario": scenario.name(), "about": scenario.about() })).collect();
        return context.ui.list(&json!({ "data": list }), &list, &["scenario", "about"]);
    };
    let scenarios = if args.library { library } else { chosen(&args.scenarios, &library)? };
    for (name, _) in args.set.iter().filter(|(name, _)| name != "run") {
        if !scenarios.iter().any(|scenario| scenario.names().any(|known| known == name)) {
            return Err(Failure::usage(format!("--set {name}: no scenario that is to be played begins with that name")));
        }
    }
    let merchant = Merchant::new(merchant, webhooks::secret_in(secret_file)?);
    let merchant = args.webhooks.iter().fold(merchant, |merchant, url| merchant.webhooks(url));
    let client = context.client()?;
    check(&client).await?;
    let stage = Stage::new(client, merchant).patience(Duration::from_secs(args.patience));
    let stage = args.set.iter().fold(stage, |stage, (name, value)| stage.set(name, value));
    stage.check(&scenarios).await.map_err(not_played)?;
    let (mut outcomes, mut ended) = (Vec::new(), Ok(()));
    for scenario in &scenarios {
        if context.ui.is_live() {
            context.ui.progress(&format!("{} of {}: {}", outcomes.len().saturating_add(1), scenarios.len(), scenario.name()));
        }
        match stage.play(scenario).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(not) => {
                ended = Err(not_played(not));
                break;
            }
        }
    }
    tell(context, &outcomes, args.junit.as_deref(), ended)
}

/// What keeps scenarios from being played is not the merchant's fault.
fn not_played(not: NotPlayed) -> Failure {
    let told = not.to_string();
    match not {
        NotPlayed::Sandbox(error) => error.into(),
        NotPlayed::Merchant { .. } => {
            Failure::new(Exit::Network, "NETWORK", told).hint("is the merchant's program running, and are --merchant and --webhooks right?")
        }
        NotPlayed::Scenario(_) => Failure::usage(told),
        _ => Failure::internal(told),
    }
}

/// Scenarios by what was asked for: a file if it looks like one.
fn chosen(asked: &[String], library: &[Scenario]) -> Result<Vec<Scenario>, Failure> {
    let one = |asked: &String| {
        if let Some(scenario) = library.iter().find(|scenario| scenario.name() == asked) {
            return Ok(scenario.clone());
        }
        let path = Path::new(asked);
        if path.extension().is_none() && !path.exists() {
            let message = format!("{asked:?} is no file, and no scenario that comes with this version");
            return Err(Failure::usage(message).hint("payin sandbox run --list shows those"));
        }
        Scenario::parse(asked, &input::read_text(path)?).map_err(|error| Failure::usage(error.to_string()))
    };
    asked.iter().map(one).collect()
}

/// A clock that runs by itself would make blocks where a scenario counts them.
async fn check(client: &payin_sdk::Client) -> Result<(), Failure> {
    match client.sandbox().clock().await {
        Ok(clock) if clock.frozen => Ok(()),
        Ok(_) => Err(Failure::usage("the sandbox's clock runs, and scenarios need one that stands still")
            .hint("start it with --clock virtual, or run payin sandbox clock freeze")),
        Err(error) if error.is_not_found() => {
            Err(Failure::usage(format!("{} is no sandbox", client.base_url())).hint("start one with payin-server dev --clock virtual"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells what came of those that were played, also where something kept the others from it.
fn tell(context: &Context, outcomes: &[Outcome], junit: Option<&Path>, ended: Result<(), Failure>) -> Result<(), Failure> {
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.failure.is_some()).collect();
    let whole = json!({ "ok": failed.is_empty() && ended.is_ok(), "scenarios": outcomes });
    context.ui.list(&whole, outcomes, &["scenario", "passed", "steps", "skipped", "failure.what", "failure.expected", "failure.got"])?;
    if let Some(path) = junit {
        let written = std::fs::write(path, junit::report(outcomes));
        written.map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))?;
    }
    ended?;
    if failed.is_empty() {
        return Ok(());
    }
    failed.iter().for_each(|outcome| context.ui.note(&outcome.to_string()));
    let names: Vec<&str> = failed.iter().map(|outcome| outcome.scenario.as_str()).collect();
    let message = format!("the merchant fails {} of {} scenarios: {}", failed.len(), outcomes.len(), names.join(", "));
    Err(Failure::new(Exit::NotAsserted, "SCENARIOS_FAILED", message))
}
