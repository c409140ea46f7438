//! People who sign in: what an e-mail address, a name and a password may be, how long a session lasts, and what its token says. Who a
//! person is for an organization is a role like a key's (`access`). It must not hash, sign or look anything up.

use std::time::Duration;

use payin_types::{OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How long an access token is good (source: CryptoPay's Authentication guide, 24 hours; PayWarden's documents do not say).
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a session can be prolonged after it was last (source: as before, 30 days).
pub const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a browser stays signed in, however it is used (source: NIST SP 800-63B-4, 2.2.3: at most 24 hours).
pub const BROWSER_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it does without being used (source: as before, at most one hour).
pub const BROWSER_IDLE: Duration = Duration::from_secs(60 * 60);
/// How long whoever has shown their password may take for their second factor: a phone is looked for, and a code is waited for.
pub const HALFWAY_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How long an invitation can be used: long enough to reach somebody over a weekend.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// NIST SP 800-63B, 5.1.1.2.
const PASSWORD_CHARS_MIN: usize = 8;
/// Longer ones only cost hashing; as the same source asks, far above 64.
const PASSWORD_CHARS_MAX: usize = 256;
/// RFC 5321, 4.5.3.1.3, without the angle brackets.
const EMAIL_CHARS_MAX: usize = 254;
const NAME_CHARS_MAX: usize = 150;

/// As accounts are told apart: one for an address or a name, however it is written.
#[must_use]
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Refuses what is no e-mail address. Whether anybody reads it is not known.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check_email(email: &str) -> Result<(), Error> {
    let parts = email.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    let is_one = parts.is_some() && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_one && email.chars().count() <= EMAIL_CHARS_MAX {
        return Ok(());
    }
    Err(Error::field("email", "must be an e-mail address such as alice@shop.example"))
}

/// Refuses a name that nobody could tell from another.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check_name(field: &str, name: &str) -> Result<(), Error> {
    let chars = name.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&chars) && name.trim() == name && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::field(field, format!("must be 1 to {NAME_CHARS_MAX} printable characters, without white space around them")))
}

/// Refuses a password that is too short, or longer than anybody types.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field, never the password.
pub fn check_password(password: &str) -> Result<(), Error> {
    if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&password.chars().count()) && !password.contains('\0') {
        return Ok(());
    }
    Err(Error::field("password", format!("must be {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")))
}

/// What an access token says (RFC 7519). Whether it still holds is asked of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who.
    pub sub: UserId,
    /// For which organization.
    pub org: OrganizationId,
    /// When it was made, in seconds.
    pub iat: i64,
    /// From when on it is taken no more, in seconds.
    pub exp: i64,
    /// Which token it is, so that one can be ended by itself.
    pub jti: String,
    /// Which session it is of, where that can be prolonged: it ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fam: Option<String>,
}

impl Claims {
    /// Of somebody who signs in now.
    #[must_use]
    pub fn new(user: UserId, organization: OrganizationId, id: String, now: Timestamp) -> Self {
        Self { sub: user, org: organization, iat: now.secs(), exp: now.plus(ACCESS_LIFETIME).secs(), jti: id, fam: None }
    }

    /// Of a session that can be prolonged.
    #[must_use]
    pub fn of_family(self, family: Option<&str>) -> Self {
        Self { fam: family.map(str::to_owned), ..self }
    }

    /// Whether its time has come and is not over, and nothing has ended the person's sessions since.
    #[must_use]
    pub fn holds(&self, sessions_from: Timestamp, now: Timestamp) -> bool {
        now.secs() < self.exp && self.iat >= sessions_from.secs()
    }
}

/// Whether a browser that signed in at a time, and was last used at another, is still signed in; nothing has ended the person's sessions
/// since then.
#[must_use]
pub fn browser_holds(begun_at: Timestamp, seen_at: Timestamp, sessions_from: Timestamp, now: Timestamp) -> bool {
    begun_at >= sessions_from && now.since(begun_at) < BROWSER_LIFETIME && now.since(seen_at) < BROWSER_IDLE
}

/// Whether two secrets are the same. Every byte is looked at, so that time does not tell how much of one is right.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// Whether somebody who has shown their password at a time may still show their second factor; nothing has ended the person's sessions since
/// then.
#[must_use]
pub fn halfway_holds(begun_at: Timestamp, sessions_from: Timestamp, now: Timestamp) -> bool {
    // Of several servers the one whose clock is behind may be asked next.
    begun_at >= sessions_from && now.since(begun_at) < HALFWAY_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_passwords_have_bounds() {
        for good in ["alice@shop.example", "a+b@x.co", "ä@ü.example"] {
            check_email(good).unwrap();
        }
        for bad in ["", "alice", "@x.co", "alice@", "alice@host", "a@b@c.d", "a b@c.d", "a@b.c\n", &format!("{}@b.c", "x".repeat(260))] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        check_name("username", "Alice's shop").unwrap();
        for bad in ["", " a", "a\tb", &"x".repeat(151)] {
            assert!(check_name("username", bad).is_err(), "{bad:?}");
        }
        check_password("correct horse").unwrap();
        for bad in ["1234567", "1234567\0", &"x".repeat(257)] {
            let refused = check_password(bad).unwrap_err();
            assert!(!refused.message.contains(bad));
        }
        assert_eq!(folded(" Alice@Shop.Example "), folded("alice@shop.example"));
    }

    #[test]
    fn a_token_holds_for_a_day_unless_sessions_were_ended() {
        let at = Timestamp::from_secs;
        let claims = Claims::new("usr_1".into(), "org_1".into(), "1".to_owned(), at(1000));
        assert!(claims.holds(at(0), at(1000)) && claims.holds(at(1000), at(1000 + 86_399)));
        assert!(!claims.holds(at(0), at(1000 + 86_400)) && !claims.holds(at(1001), at(1001)));
    }

    #[test]
    fn a_browser_stays_signed_in_for_a_day_or_an_hour_unused() {
        let at = Timestamp::from_secs;
        let holds = |seen: i64, sessions_from: i64, now: i64| browser_holds(at(1000), at(seen), at(sessions_from), at(now));
        assert!(holds(1000, 0, 1000 + 3599) && holds(1000 + 86_000, 1000, 1000 + 86_399));
        assert!(!holds(1000, 0, 1000 + 3600) && !holds(1000 + 86_000, 0, 1000 + 86_400) && !holds(1000, 1001, 1001));
    }

    #[test]
    fn whoever_is_halfway_in_has_five_minutes() {
        let at = Timestamp::from_secs;
        assert!(halfway_holds(at(1000), at(1000), at(1000)) && halfway_holds(at(1000), at(0), at(1299)));
        assert!(halfway_holds(at(1000), at(0), at(999)), "another server's clock is behind");
        assert!(!halfway_holds(at(1000), at(0), at(1300)) && !halfway_holds(at(1000), at(1001), at(1001)));
    }
}
