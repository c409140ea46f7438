//! Worlds that every run of the tests plays: each is about one thing. Hundreds with everything in them are played by `scripts/sim`, which
//! `scripts/test` calls.

use payin_sim::act::Kind;
use payin_sim::run::{Outcome, play, story, story_about};

/// Acts of each world, and steps after which it heals.
const ACTS: usize = 220;
const STEPS: u64 = 300;

#[test]
fn the_same_seed_is_the_same_world() {
    let story = story(7, ACTS);
    let (first, second) = (play(7, &story, STEPS), play(7, &story, STEPS));
    assert_eq!((first.trace, first.steps, first.coverage), (second.trace, second.steps, second.coverage));
}

/// Plays worlds about these kinds, in which these things must have happened.
#[track_caller]
fn hold(kinds: &[Kind], happened: &[&str]) {
    let outcomes: Vec<Outcome> = [11, 12].into_iter().map(|seed| play(seed, &story_about(kinds, seed, ACTS), STEPS)).collect();
    for outcome in &outcomes {
        let Outcome { seed, violation, .. } = outcome;
        assert_eq!(violation, &None, "a world about {kinds:?} of seed {seed}");
    }
    for name in happened {
        assert!(outcomes.iter().any(|outcome| outcome.coverage.contains_key(*name)), "{name} never happened");
    }
}

#[test]
fn crashes_leave_all_or_nothing() {
    let crashes = ["crash in a call, Before", "crash in a call, Torn", "crash in a call, After", "crash in a step, After"];
    hold(&[Kind::CrashInCall, Kind::CrashInStep, Kind::CrashBetween, Kind::Again], &crashes);
}

#[test]
fn two_servers_double_nothing_when_one_of_them_sleeps() {
    hold(
        &[Kind::Second, Kind::Pause, Kind::Hold, Kind::LetGo, Kind::ClockOff],
        &["two servers", "a server is paused", "a step goes on", "a lease is lost"],
    );
}

#[test]
fn forgeries_are_believed_by_nobody() {
    hold(
        &[Kind::Forge, Kind::Forge, Kind::Dust],
        &["forgery: fake token", "forgery: zero value", "forgery: reverted", "forgery: out of energy", "forgery: forged owner", "dust"],
    );
}

#[test]
fn nodes_that_lie_change_nothing() {
    let kinds = [Kind::NodeDown, Kind::NodeFlaky, Kind::NodeLags, Kind::NodeHides, Kind::NodeParts, Kind::NodeStale, Kind::NodesHeal];
    hold(&kinds, &["node down", "node lags", "node hides", "node has parted", "node limits", "node times out", "a step fails for a node"]);
}

#[test]
fn chains_that_change_their_minds_double_nothing() {
    let kinds = [Kind::Reorganise, Kind::Reorganise, Kind::ReorganiseDeep, Kind::BringBack, Kind::PayParts];
    hold(&kinds, &["reorganisation", "deep reorganisation", "transfer: orphan"]);
}

#[test]
fn receivers_that_fail_are_told_in_the_end() {
    let kinds = [Kind::ReceiverFails, Kind::ReceiverDown, Kind::ReceiverLoses, Kind::Resend, Kind::ReplayWebhook, Kind::ForgeWebhook];
    hold(&kinds, &["receiver fails", "receiver loses its answer", "webhook sent again"]);
}

#[test]
fn what_is_asked_for_again_is_done_once() {
    let kinds = [Kind::LoseAnswer, Kind::LoseRequest, Kind::Again, Kind::OtherBody, Kind::PayWarden, Kind::CryptoPay, Kind::Bind];
    hold(&kinds, &["answer lost", "request lost", "code IDEMPOTENCY_KEY_CONFLICT"]);
}
