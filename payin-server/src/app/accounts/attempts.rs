//! How often people try to sign in: so often in vain for one account, and from one client, within a while and in this process; then nobody
//! may for the rest of it. A name that nobody has is counted like any other, so that it is not told from one. It must not look anything up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use payin_core::Error;
use payin_types::{ErrorCode, Timestamp};
use sha2::{Digest as _, Sha256};

/// Within which time failures are counted, from the first.
const WITHIN: Duration = Duration::from_secs(15 * 60);
/// For one account, from wherever (NIST SP 800-63B, 5.2.2, allows up to 100 in a row). Whoever is signed in stays so.
const OF_ACCOUNT: u64 = 20;
/// From one client, for whatever accounts: an office behind one address mistypes less.
const OF_CLIENT: u64 = 100;
/// What is remembered at most; beyond it those who failed once are forgotten first.
const REMEMBERED_MAX: usize = 10_000;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    /// By a digest of the name: names may be long.
    Account([u8; 32]),
    Client(IpAddr),
}

/// Attempts that were in vain, or of which nothing is known yet.
#[derive(Debug)]
pub struct Attempts {
    counts: bool,
    seen: Mutex<HashMap<Who, (Timestamp, u64)>>,
}

/// An attempt under way.
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    who: [Who; 2],
}

impl Attempts {
    /// Whether any are counted.
    pub fn new(counts: bool) -> Self {
        Self { counts, seen: Mutex::default() }
    }

    /// Counts one more, as in vain until it is known to have succeeded: of many at once none is let through uncounted.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED`.
    pub fn begin(&self, account: &str, client: IpAddr, now: Timestamp) -> Result<Attempt<'_>, Error> {
        let who = [Who::Account(Sha256::digest(account.as_bytes()).into()), Who::Client(client)];
        if self.counts {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            for (who, most) in who.iter().zip([OF_ACCOUNT, OF_CLIENT]) {
                check(seen.get(who), most, now)?;
            }
            for who in who {
                make_room(&mut seen, &who, now);
                let (since, count) = seen.entry(who).or_insert((now, 0));
                if is_over(*since, now) {
                    (*since, *count) = (now, 0);
                }
                *count = count.saturating_add(1);
            }
        }
        Ok(Attempt { attempts: self, who })
    }
}

fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now < since || now.since(since) >= WITHIN
}

fn check(seen: Option<&(Timestamp, u64)>, most: u64, now: Timestamp) -> Result<(), Error> {
    let Some((since, count)) = seen else { return Ok(()) };
    if *count < most || is_over(*since, now) {
        return Ok(());
    }
    let left = WITHIN.saturating_sub(now.since(*since)).as_secs().max(1);
    let message = format!("Too many attempts to sign in have failed; try again in {left} s");
    Err(Error { retry_after_s: Some(left), ..Error::new(ErrorCode::RateLimitExceeded, message) })
}

fn make_room(seen: &mut HashMap<Who, (Timestamp, u64)>, who: &Who, now: Timestamp) {
    if seen.len() < REMEMBERED_MAX || seen.contains_key(who) {
        return;
    }
    seen.retain(|_, (since, count)| *count > 1 && !is_over(*since, now));
    if seen.len() >= REMEMBERED_MAX {
        seen.clear();
    }
}

impl Attempt<'_> {
    /// It was them, as far as it went; what decides is counted as another attempt. Nothing that failed before is forgiven for it.
    pub fn went_half(self) {
        let mut seen = self.attempts.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for who in self.who {
            if let Some((_, count)) = seen.get_mut(&who) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// It was them: what failed for the account is forgiven, and the client has one failure less.
    pub fn succeeded(self) {
        let mut seen = self.attempts.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let [account, client] = self.who;
        seen.remove(&account);
        if let Some((_, count)) = seen.get_mut(&client) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn client(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from(n).into()
    }

    #[test]
    fn an_account_is_guessed_at_so_often_from_wherever() {
        let (attempts, at) = (Attempts::new(true), Timestamp::from_secs);
        for n in 0..20 {
            attempts.begin("alice", client(n), at(10)).unwrap();
        }
        let refused = attempts.begin("alice", client(99), at(11)).err().unwrap();
        assert_eq!((refused.code, refused.retry_after_s), (ErrorCode::RateLimitExceeded, Some(15 * 60 - 1)));
        attempts.begin("bob", client(0), at(11)).unwrap();
        attempts.begin("alice", client(99), at(10 + 15 * 60)).unwrap();
    }

    #[test]
    fn a_client_guesses_so_often_at_whatever_accounts() {
        let (attempts, now) = (Attempts::new(true), Timestamp::from_secs(10));
        for n in 0..100 {
            attempts.begin(&format!("account {n}"), A, now).unwrap();
        }
        assert!(attempts.begin("alice", A, now).is_err() && attempts.begin("alice", client(1), now).is_ok());
    }

    #[test]
    fn whoever_succeeds_has_not_guessed() {
        let (attempts, now) = (Attempts::new(true), Timestamp::from_secs(10));
        for _ in 0..1000 {
            attempts.begin("alice", A, now).unwrap().succeeded();
        }
        for _ in 0..19 {
            attempts.begin("alice", A, now).unwrap();
        }
        attempts.begin("alice", A, now).unwrap().succeeded();
        attempts.begin("alice", A, now).unwrap();
    }

    #[test]
    fn whoever_knows_the_password_alone_guesses_no_more_than_others() {
        let (attempts, now) = (Attempts::new(true), Timestamp::from_secs(10));
        for _ in 0..20 {
            attempts.begin("alice", A, now).unwrap().went_half();
            attempts.begin("alice", A, now).unwrap();
        }
        assert!(attempts.begin("alice", A, now).is_err());
    }

    #[test]
    fn a_crowd_does_not_make_the_many_guesses_of_one_forgotten() {
        let (attempts, now) = (Attempts::new(true), Timestamp::from_secs(10));
        for n in 0..20 {
            attempts.begin("alice", client(n), now).unwrap();
        }
        for n in 0..u32::try_from(REMEMBERED_MAX).unwrap() {
            attempts.begin(&format!("account {n}"), client(1000 + n), now).unwrap();
        }
        assert!(attempts.begin("alice", client(99), now).is_err());
        assert!(attempts.seen.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
