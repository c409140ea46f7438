//! One-time passwords by time (RFC 6238 over RFC 4226) as authenticator apps make them: SHA-1, six digits, steps of thirty seconds. And the codes
//! that stand in for a lost phone. It must not know whose they are, what time it is, or what was used before: all that is given.

use data_encoding::{BASE32, BASE32_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use payin_types::Timestamp;
use sha1::Sha1;
use url::form_urlencoded;

use crate::account::is_same;

/// RFC 4226, 4: at least 128 bits, 160 recommended.
pub const SECRET_BYTES: usize = 20;
/// How many codes somebody gets for a lost phone: as many as most give.
pub const RECOVERY_CODES: usize = 10;
/// 80 random bits: nobody guesses them, so they need no slow hash.
pub const RECOVERY_BYTES: usize = 10;
/// RFC 6238, 5.2: the recommended one, and the only one that all apps know.
const STEP_S: i64 = 30;
/// How many steps before and after the present one are taken: a phone's clock may be off by so much, and people type slowly.
const WINDOW: i64 = 1;
const DIGITS: usize = 6;
/// How a recovery code is set, so that it is copied without mistakes.
const GROUP: usize = 4;
const RECOVERY_CHARS: usize = 16;

/// The number that RFC 4226, 5.3, takes out of a counter's MAC: 31 bits.
fn truncated(secret: &[u8], counter: u64) -> u32 {
    // HMAC takes keys of every length.
    let Ok(mac) = Hmac::<Sha1>::new_from_slice(secret) else { return 0 };
    let mac: [u8; 20] = mac.chain_update(counter.to_be_bytes()).finalize().into_bytes().into();
    let [.., last] = mac;
    let at = usize::from(last & 0xf);
    // Of 20 bytes there are four behind each of the first sixteen.
    mac.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |four| u32::from_be_bytes(*four)) & 0x7fff_ffff
}

/// The code of a step.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    format!("{:0DIGITS$}", truncated(secret, u64::try_from(step).unwrap_or_default()) % 1_000_000)
}

/// The step that a moment is in.
#[must_use]
pub fn step(at: Timestamp) -> i64 {
    at.secs().div_euclid(STEP_S)
}

/// The step of which a code is, among those around a moment of which none was used, nor one after it.
#[must_use]
pub fn step_of(secret: &[u8], given: &str, used: i64, now: Timestamp) -> Option<i64> {
    let present = step(now);
    // Each is looked at, and each to its end: time tells nothing of them.
    let steps = (present.saturating_sub(WINDOW)..=present.saturating_add(WINDOW)).filter(|step| *step > used);
    steps.filter(|step| is_same(&code(secret, *step), given)).min()
}

/// What somebody shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A code of their app.
    Code(String),
    /// A recovery code, as it is compared.
    Recovery(String),
}

impl Shown {
    /// Reads it, however it is set; `None` if it can be neither.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_ascii_uppercase();
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Code(text));
        }
        let is_recovery = text.len() == RECOVERY_CHARS && BASE32_NOPAD.decode(text.as_bytes()).is_ok();
        is_recovery.then_some(Self::Recovery(text))
    }
}

/// A recovery code of these bits, as it is shown.
#[must_use]
pub fn recovery_code(bits: [u8; RECOVERY_BYTES]) -> String {
    let text: Vec<char> = BASE32.encode(&bits).chars().collect();
    text.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// A secret as people type it, and as it is sealed.
#[must_use]
pub fn written(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// A secret that was written so.
#[must_use]
pub fn read(written: &str) -> Option<Vec<u8>> {
    BASE32_NOPAD.decode(written.as_bytes()).ok()
}

/// What an app reads out of the QR code (source: Google Authenticator's "Key URI Format", which all apps follow).
#[must_use]
pub fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    // Not every app takes `+` for a space.
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (issuer, account) = (encoded(issuer), encoded(account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}", written(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226, appendix D, and RFC 6238, appendix B, for SHA-1.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn counters_have_the_codes_of_rfc_4226() {
        let expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(code(SECRET, counter), expected);
        }
    }

    #[test]
    fn moments_have_the_codes_of_rfc_6238() {
        // Eight digits there, of which an app shows the last six.
        for (at, expected) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            let at = Timestamp::from_secs(at);
            assert_eq!(truncated(SECRET, u64::try_from(step(at)).unwrap()) % 100_000_000, expected);
            assert_eq!(code(SECRET, step(at)), format!("{:06}", expected % 1_000_000));
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_and_once() {
        let now = Timestamp::from_secs(1_111_111_111);
        let present = step(now);
        for (offset, is_taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let given = code(SECRET, present + offset);
            assert_eq!(step_of(SECRET, &given, 0, now), is_taken.then_some(present + offset), "{offset}");
            // Once a code was taken, it and those before it are not.
            assert_eq!(step_of(SECRET, &given, present + offset, now), None);
            assert_eq!(step_of(SECRET, &given, present + 5, now), None);
        }
        assert_eq!(step_of(SECRET, &code(SECRET, present + 1), present, now), Some(present + 1));
        for other in ["", "00000", "0000000", "１２３４５６"] {
            assert_eq!(step_of(SECRET, other, 0, now), None);
        }
        assert_eq!(step_of(b"another secret of 20", &code(SECRET, present), 0, now), None);
    }

    #[test]
    fn codes_are_read_however_they_are_set() {
        assert_eq!(Shown::read(" 123 456 "), Some(Shown::Code("123456".to_owned())));
        let recovery = recovery_code([0xab; RECOVERY_BYTES]);
        assert_eq!(recovery, "VOV2-XK5L-VOV2-XK5L");
        for set in [recovery.clone(), recovery.to_lowercase(), recovery.replace('-', " ")] {
            assert_eq!(Shown::read(&set), Some(Shown::Recovery("VOV2XK5LVOV2XK5L".to_owned())));
        }
        for neither in ["", "12345", "1234567", "VOV2-XK5L-VOV2-XK5", "VOV2-XK5L-VOV2-XK51", "<b>", "１２３４５６"] {
            assert_eq!(Shown::read(neither), None, "{neither}");
        }
    }

    #[test]
    fn an_app_reads_the_secret() {
        assert_eq!(written(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(read(&written(SECRET)).as_deref(), Some(SECRET));
        assert_eq!(read("not base32"), None);
        assert_eq!(
            uri("PayIn pay.example", "ada+x@shop.example", SECRET),
            "otpauth://totp/PayIn%20pay.example:ada%2Bx%40shop.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=PayIn%20pay.example\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
