//! Runs worlds from the command line: `scripts/sim`. What a world is, and what is wrong with one, is decided in the library.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use payin_sim::act::Act;
use payin_sim::coverage::missing;
use payin_sim::known_bad;
use payin_sim::run::{Outcome, play, story, tell};
use payin_sim::shrink::shrink;
use payin_types::known_bad::MISTAKES;

/// So many plays at most make a failing story short.
const SHRINKS: usize = 300;
/// From so many worlds on, everything must have happened in one of them.
const WHOLE: u64 = 200;

/// Plays seeded worlds that try to break the server.
#[derive(Parser, Clone)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many steps that change something each world takes at most.
    #[arg(long, default_value_t = 1_000)]
    steps: u64,
    /// Worlds at a time.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
    /// Goes on with further seeds for so many minutes.
    #[arg(long, num_args = 0..=1, default_missing_value = "525600", value_name = "MINUTES")]
    long: Option<u64>,
    /// Begins no further seed after so many minutes.
    #[arg(long, value_name = "MINUTES")]
    within: Option<u64>,
    /// Plays this story and no other: acts as a shrunk story has them.
    #[arg(long)]
    story: Option<String>,
    /// Writes down everything that happens.
    #[arg(long)]
    tell: bool,
    /// Leaves failing stories as long as they are.
    #[arg(long)]
    as_is: bool,
    /// The server makes this mistake on purpose.
    #[arg(long)]
    mistake: Option<String>,
    /// Makes every known mistake, or the one that is named, each of which must be found.
    #[arg(long)]
    known_bad: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tell(arguments.tell);
    let mistake = arguments.mistake.as_deref();
    let known = mistake.map(known_bad::named);
    if known == Some(None) || (mistake.is_some() || arguments.known_bad) && !cfg!(feature = "known-bad") {
        eprintln!("there is no such mistake, or this build makes none: scripts/sim --known-bad builds one that does");
        return ExitCode::from(2);
    }
    let good = if arguments.known_bad { hunt_all(&arguments) } else { many(&arguments) };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn acts(arguments: &Arguments, seed: u64) -> Vec<Act> {
    match &arguments.story {
        Some(text) => text.split(',').filter_map(Act::parse).collect(),
        None => story(seed, usize::try_from(arguments.steps).expect("fewer") * 2),
    }
}

/// Every known mistake must be found.
fn hunt_all(arguments: &Arguments) -> bool {
    let (next, good) = (AtomicU64::new(0), AtomicBool::new(true));
    println!("{:<24} {:>6} {:>8}  how it showed", "mistake", "seeds", "steps");
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                while let Some((name, mistake)) = MISTAKES.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("few")) {
                    if arguments.mistake.as_deref().is_some_and(|only| only != *name) {
                        continue;
                    }
                    let (found, steps) = known_bad::hunt(*mistake, arguments.seed);
                    let shown =
                        found.map(|(seeds, outcome)| (seeds, outcome.seed, outcome.violation.map_or("", |violation| violation.rule)));
                    match shown {
                        Some((seeds, seed, how)) => println!("{name:<24} {seeds:>6} {steps:>8}  {how} (seed {seed})"),
                        None => {
                            good.store(false, Ordering::Relaxed);
                            println!("{name:<24} {:>6} {steps:>8}  NOT FOUND", known_bad::SEEDS);
                        }
                    }
                }
            });
        }
    });
    good.into_inner()
}

/// What many worlds came to.
#[derive(Default)]
struct Sum {
    worlds: u64,
    steps: u64,
    acts: u64,
    coverage: BTreeMap<String, u64>,
    failed: Vec<Outcome>,
}

fn many(arguments: &Arguments) -> bool {
    let (begun, next, sum) = (Instant::now(), AtomicU64::new(arguments.seed), Mutex::new(Sum::default()));
    let until = arguments.long.or(arguments.within).map(|minutes| begun + Duration::from_secs(minutes * 60));
    let last = if arguments.long.is_some() { u64::MAX } else { arguments.seed + arguments.seeds };
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                known_bad::make(arguments.mistake.as_deref().and_then(known_bad::named));
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last || until.is_some_and(|until| Instant::now() >= until) {
                        break;
                    }
                    one(arguments, seed, &sum);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(&sum, begun.elapsed());
    if arguments.long.is_none() && sum.worlds < arguments.seeds {
        println!("there was no time for more than {} of {} worlds", sum.worlds, arguments.seeds);
    }
    let missing = if sum.worlds >= WHOLE { missing(&sum.coverage) } else { Vec::new() };
    for name in &missing {
        println!("never happened: {name}");
    }
    sum.failed.is_empty() && missing.is_empty()
}

fn one(arguments: &Arguments, seed: u64, sum: &Mutex<Sum>) {
    let acts = acts(arguments, seed);
    let outcome = play(seed, &acts, arguments.steps);
    if let Some(violation) = &outcome.violation {
        println!("seed {seed} after {} acts, {} steps: {violation}", outcome.acts, outcome.steps);
        println!("  scripts/sim --seed {seed} --steps {} replays it", arguments.steps);
        if !arguments.as_is {
            let short = shrink(&acts[..outcome.acts], violation, SHRINKS, |story| play(seed, story, arguments.steps).violation);
            let text: Vec<String> = short.iter().map(ToString::to_string).collect();
            println!("  in {} acts: scripts/sim --seed {seed} --story {}", short.len(), text.join(","));
        }
    } else if arguments.seeds == 1 && arguments.long.is_none() {
        println!("seed {seed}: {} acts, {} steps, trace {}, {:?}: ok", outcome.acts, outcome.steps, outcome.trace, outcome.took);
    }
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.worlds += 1;
    sum.steps += outcome.steps;
    sum.acts += outcome.acts as u64;
    for (name, count) in &outcome.coverage {
        *sum.coverage.entry(name.clone()).or_default() += count;
    }
    if outcome.violation.is_some() {
        sum.failed.push(outcome);
    }
    if sum.worlds.is_multiple_of(50) {
        println!("… {} worlds, {} steps, {} violations", sum.worlds, sum.steps, sum.failed.len());
    }
}

fn report(sum: &Sum, took: Duration) {
    println!();
    for (name, count) in &sum.coverage {
        println!("{count:>9}  {name}");
    }
    let each_s = u128::from(sum.steps) * 1_000 / took.as_millis().max(1);
    println!(
        "\n{} worlds, {} acts, {} steps that changed something, {} s, {each_s} steps/s, {} violations",
        sum.worlds,
        sum.acts,
        sum.steps,
        took.as_secs(),
        sum.failed.len()
    );
}
