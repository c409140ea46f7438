//! Choices of a test that a seed decides. Print the seed: whoever has it gets the same choices again.

use std::sync::Arc;

use payin_server::env::{Entropy, SeededEntropy};

/// A generator whose whole future is in its seed.
#[derive(Clone)]
pub struct Dice(Arc<dyn Entropy>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(SeededEntropy::new(seed)))
    }

    /// Any number.
    pub fn any(&self) -> u64 {
        u64::from_be_bytes(self.0.array())
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// A number of at least `least` and at most `most`.
    pub fn between(&self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Whether something that happens `times` in `of` cases happens now.
    pub fn chance(&self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// One of these.
    pub fn one_of<'a, T>(&self, choices: &'a [T]) -> &'a T {
        let last = u64::try_from(choices.len()).expect("64 bits");
        &choices[usize::try_from(self.below(last)).expect("it came from a usize")]
    }
}
