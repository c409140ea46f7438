//! One world from its beginning to its end, and many of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::act::{Act, Kind, Mix};
use crate::dice::Dice;
use crate::judge::Violation;
use crate::world::World;

static TOLD: AtomicBool = AtomicBool::new(false);

/// Whether everything that happens is written to standard error.
pub fn tell(everything: bool) {
    TOLD.store(everything, Ordering::Relaxed);
}

pub(crate) fn is_told() -> bool {
    TOLD.load(Ordering::Relaxed)
}

/// What became of a world.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub seed: u64,
    /// Steps that changed something.
    pub steps: u64,
    pub trace: String,
    pub violation: Option<Violation>,
    /// How many of its acts had happened by then.
    pub acts: usize,
    pub coverage: BTreeMap<String, u64>,
    pub took: Duration,
}

/// What comes together too seldom by chance: money that counted and is taken back, backups, and servers that stand still meanwhile.
const SELDOM: &[Kind] = &[Kind::Bind, Kind::PayDeposit, Kind::ReorganiseDeep, Kind::BringBack, Kind::Backup, Kind::Restore, Kind::Pause];
/// One world of so many is about those.
const SELDOM_EVERY: u64 = 8;

/// What happens in a seed's world: so many acts.
#[must_use]
pub fn story(seed: u64, acts: usize) -> Vec<Act> {
    if seed % SELDOM_EVERY == SELDOM_EVERY / 2 {
        return story_about(SELDOM, seed, acts);
    }
    let mut dice = Dice::new(seed);
    let mix = Mix::new(&mut dice);
    (0..acts).map(|_| mix.draw(&mut dice)).collect()
}

/// A story about some kinds of acts above all.
#[must_use]
pub fn story_about(kinds: &[Kind], seed: u64, acts: usize) -> Vec<Act> {
    let mut dice = Dice::new(seed);
    let mix = Mix::about(kinds);
    (0..acts).map(|_| mix.draw(&mut dice)).collect()
}

/// Plays a story in a seed's world, then heals it. `most`: it ends sooner after so many steps.
#[must_use]
pub fn play(seed: u64, story: &[Act], most: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    runtime.block_on(async {
        let mut world = World::begin(seed).await;
        let (mut violation, mut acts) = (None, 0);
        for act in story {
            acts += 1;
            if let Err(found) = world.act(*act).await {
                violation = Some(found);
                break;
            }
            if world.steps >= most {
                break;
            }
        }
        if violation.is_none() {
            violation = world.heal().await.err();
        }
        let (trace, coverage) = (world.trace(), world.coverage.counts());
        Outcome { seed, steps: world.steps, trace, violation, acts, coverage, took: begun.elapsed() }
    })
}
