//! How following a chain goes, in one word and a sentence. Judges what it is given; it must not know any node.

use payin_types::{ChainStatus, Timestamp};

use crate::chains::Chain;
use crate::order::stale_after;

/// How far a chain has been followed.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The newest block taken in.
    pub head: u64,
    /// Its time.
    pub head_time: Timestamp,
    /// Why it is not followed any more.
    pub halted: Option<&'a str>,
}

/// How following a chain goes. `progress`: `None` if it was never followed; `trouble`: what was last wrong with following it; `holes`: how
/// many blocks have not been looked at. What is worst is said first.
#[must_use]
pub fn status(chain: &Chain, progress: Option<Progress<'_>>, trouble: Option<&str>, holes: u64, now: Timestamp) -> (ChainStatus, String) {
    let Some(Progress { head, head_time, halted }) = progress else {
        let why = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
        return (ChainStatus::NotFollowed, format!("It was never followed{why}. No order is taken on it."));
    };
    if let Some(reason) = halted {
        return (ChainStatus::Halted, format!("It is not followed any more until a person has looked: {reason}."));
    }
    let behind = now.since(head_time);
    if behind > stale_after(chain) {
        let why = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
        let message = format!("Its newest block known is {head} of {head_time}, {} s ago{why}. No order is taken on it.", behind.as_secs());
        return (ChainStatus::Behind, message);
    }
    if let Some(trouble) = trouble {
        return (ChainStatus::Degraded, format!("Following it fails at the moment: {trouble}. It is tried again and again."));
    }
    let holes = if holes == 0 { String::new() } else { format!(" {holes} older blocks are still to be looked at.") };
    (ChainStatus::Following, format!("It is followed up to block {head}.{holes}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chains::known;

    #[test]
    fn the_worst_is_said() {
        let chain = &known()[0];
        let now = Timestamp::from_secs(1_000_000);
        let followed =
            |ago: u64, halted: Option<&'static str>| Some(Progress { head: 7, head_time: now.minus(Duration::from_secs(ago)), halted });
        let words = |progress, trouble, holes| {
            let (status, message) = status(chain, progress, trouble, holes, now);
            (status.as_str().to_owned(), message)
        };
        for (progress, trouble, word, says) in [
            (None, None, "not_followed", "never followed."),
            (None, Some("no answer"), "not_followed", "no answer"),
            (followed(9_999, Some("block 3 differs")), Some("no answer"), "halted", "block 3 differs"),
            (followed(301, None), Some("no answer"), "behind", "301 s ago: no answer"),
            (followed(300, None), Some("no answer"), "degraded", "no answer"),
            (followed(300, None), None, "following", "up to block 7."),
        ] {
            let (status, message) = words(progress, trouble, 0);
            assert!(status == word && message.contains(says), "{status}: {message}");
        }
        assert!(words(followed(0, None), None, 12).1.ends_with("12 older blocks are still to be looked at."));
    }
}
