//! Deliberate mistakes, made one at a time to see whether the simulator finds them (`tests/sim`). Without the feature `known-bad`, which no
//! release can be built with, none is ever made, and the compiler leaves nothing of it.

#[cfg(all(feature = "known-bad", not(debug_assertions)))]
compile_error!("`known-bad` makes a server that loses money on purpose: it is for tests only");

/// A mistake that servers of this kind have made, or could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A transfer is known by its place among all events of its block, which changes when the block is replaced.
    BlockWideOrdinal,
    /// A block is taken whatever its parent is.
    NoParentCheck,
    /// Orders expire by our clock.
    WallClockExpiry,
    /// What an account holds is a deposit if its owner is ours.
    OwnerMatch,
    /// An answer is not kept in the transaction of its effect, and so, after a crash, not at all.
    AnswerNotKept,
    /// The cursor moves in a transaction before the one that credits.
    CursorBeforeCredits,
    /// Of a signature's parts only the first is looked at.
    FirstSignatureOnly,
    /// Who has lost a lease goes on.
    NoFence,
    /// Events of failed transactions count.
    FailedCounts,
    /// No logs in a block are believed.
    EmptyLogsBelieved,
    /// What is paid too late counts.
    LateCounts,
    /// What a chain takes back stays.
    NothingTakenBack,
    /// A webhook is called delivered whatever was answered.
    AnyAnswerDelivers,
    /// A payment counts as soon as it is seen.
    CountsAtOnce,
    /// Who claims a webhook keeps nobody else from it.
    NaiveClaim,
}

/// All of them, with their names.
pub const MISTAKES: &[(&str, Mistake)] = &[
    ("block-wide-ordinal", Mistake::BlockWideOrdinal),
    ("no-parent-check", Mistake::NoParentCheck),
    ("wall-clock-expiry", Mistake::WallClockExpiry),
    ("owner-match", Mistake::OwnerMatch),
    ("answer-not-kept", Mistake::AnswerNotKept),
    ("cursor-before-credits", Mistake::CursorBeforeCredits),
    ("first-signature-only", Mistake::FirstSignatureOnly),
    ("no-fence", Mistake::NoFence),
    ("failed-counts", Mistake::FailedCounts),
    ("empty-logs-believed", Mistake::EmptyLogsBelieved),
    ("late-counts", Mistake::LateCounts),
    ("nothing-taken-back", Mistake::NothingTakenBack),
    ("any-answer-delivers", Mistake::AnyAnswerDelivers),
    ("counts-at-once", Mistake::CountsAtOnce),
    ("naive-claim", Mistake::NaiveClaim),
];

#[cfg(feature = "known-bad")]
thread_local! {
    static MADE: std::cell::Cell<Option<Mistake>> = const { std::cell::Cell::new(None) };
}

/// From now on this thread makes this mistake, or none.
#[cfg(feature = "known-bad")]
pub fn make(mistake: Option<Mistake>) {
    MADE.set(mistake);
}

/// Whether this thread makes a mistake.
#[cfg(feature = "known-bad")]
#[must_use]
pub fn makes(mistake: Mistake) -> bool {
    MADE.get() == Some(mistake)
}

/// Never.
#[cfg(not(feature = "known-bad"))]
#[must_use]
pub const fn makes(_: Mistake) -> bool {
    false
}
