//! Worlds that everybody runs: a few seeds, twice.

use payin_sim::run::{play, story};

#[test]
fn the_same_seed_is_the_same_world() {
    let story = story(7, 300);
    let (first, second) = (play(7, &story, 300), play(7, &story, 300));
    assert_eq!((first.trace, first.steps), (second.trace, second.steps));
}
