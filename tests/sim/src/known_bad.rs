//! The server's deliberate mistakes, which exist only in builds with the feature `known-bad`: whether the judge finds each, and how soon.

use payin_types::known_bad::{MISTAKES, Mistake};

use crate::act::Kind;
use crate::run::{Outcome, play, story, story_about};

/// Within so many seeds each mistake must be found.
pub const SEEDS: u64 = 40;
/// What every third of these worlds is about: mistakes that only show when something else goes wrong at the right moment.
const TROUBLE: &[Kind] = &[
    Kind::CrashInStep,
    Kind::CrashInCall,
    Kind::Again,
    Kind::Reorganise,
    Kind::Forge,
    Kind::NodeHides,
    Kind::NodesHeal,
    Kind::ReceiverFails,
    Kind::PayLate,
];
/// And what every third is about: several at the same work.
const CROWD: &[Kind] = &[Kind::Second, Kind::Hold, Kind::LetGo, Kind::Order, Kind::Pay, Kind::WorkAll, Kind::ReceiverFails];
/// Steps of each of these worlds.
pub const STEPS: u64 = 600;

/// The mistake of a name.
#[must_use]
pub fn named(name: &str) -> Option<Mistake> {
    MISTAKES.iter().find(|(known, _)| *known == name).map(|(_, mistake)| *mistake)
}

/// From now on the worlds of this thread have a server that makes a mistake, or none. Answers whether this build can.
pub fn make(mistake: Option<Mistake>) -> bool {
    #[cfg(feature = "known-bad")]
    payin_types::known_bad::make(mistake);
    cfg!(feature = "known-bad") || mistake.is_none()
}

/// Plays worlds whose server makes a mistake until it is found. Answers after how many seeds, and how it showed; and all steps taken.
#[must_use]
pub fn hunt(mistake: Mistake, first: u64) -> (Option<(u64, Outcome)>, u64) {
    make(Some(mistake));
    let mut steps = 0;
    let mut found = None;
    for tried in 1..=SEEDS {
        let seed = first + tried;
        let acts = usize::try_from(STEPS).expect("few") * 2;
        let story = match tried % 3 {
            0 => story_about(CROWD, seed, acts),
            1 => story(seed, acts),
            _ => story_about(TROUBLE, seed, acts),
        };
        let outcome = play(seed, &story, STEPS);
        steps += outcome.steps;
        if outcome.violation.is_some() {
            found = Some((tried, outcome));
            break;
        }
    }
    make(None);
    (found, steps)
}
