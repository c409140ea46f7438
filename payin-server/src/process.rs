//! What a serving process settles with the operating system's limits. Of the program, not of the library: it holds for the whole process.

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// As many open files as this process may have: services are started with 1,024, and could raise that. Each connection is one, and whoever
/// opens a thousand would leave none to others long before the cap on connections sheds anybody. A file that may not grow is a disk that
/// is full: what cannot be written fails, where the signal would end all that can be done without.
///
/// # Errors
/// If signals cannot be taken.
pub fn live_within_limits() -> anyhow::Result<()> {
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }) {
        tracing::warn!(%error, "the limit of open files stays as it was");
    }
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop).context("the signal of files that are too large")
}
