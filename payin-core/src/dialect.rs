//! Orders that came through another API than the native one: what is kept of that, and where such an order stands, which may depend on
//! whether its merchant's server has answered. How each API words this is said in its own file; here is only the list of them.

use std::time::Duration;

use payin_types::{ErrorCode, OrderId, SecretString, Timestamp};
use serde_json::{Map, Value};

use crate::delivery::{Attempted, Next};
use crate::error::shown;
use crate::order::{Facts, Settings};
use crate::transfer::is_noticed;
use crate::{Error, cryptopay, paywarden};

/// The rules of the other APIs, a line each.
const DIALECTS: &[&dyn Dialect] = &[
    &paywarden::PayWarden, //
    &cryptopay::CryptoPay,
];

/// What the use cases must know of another API. Each answer comes from that API's documents.
pub trait Dialect: Send + Sync {
    /// What the configuration calls it, and the orders that came through it.
    fn name(&self) -> &'static str;

    /// What it calls an order.
    fn called(&self, order: &OrderId) -> String {
        order.to_string()
    }

    /// What its orders may be; the deployment's own word where its documents say nothing.
    fn settings(&self, deployment: &Settings) -> Settings;

    /// The bounds on the merchant's own data.
    ///
    /// # Errors
    /// `VALIDATION_ERROR`.
    fn check_metadata(&self, data: &Map<String, Value>) -> Result<(), Error>;

    /// What its merchant is told of a change: what the event is called, and the body that is sent. `None`: nothing.
    fn tells(&self, change: Change, order: &Changed<'_>) -> Option<(&'static str, String)>;

    /// Whether it judges a paid order by what becomes of the webhook that tells so.
    fn awaits(&self) -> bool;

    /// The headers of a delivery, signed: with the present secret or, where there is room for one signature only, with the one before while
    /// that is good, which stands behind it. Every receiver has that, and has been given the other to take over.
    fn headers(&self, secrets: &[SecretString], event_id: &str, body: &[u8]) -> Vec<(&'static str, String)>;

    /// How a delivery goes on after an attempt; `None`: by the deployment's own schedule.
    fn next(&self, attempt: &Attempted<'_>) -> Option<Next>;
}

impl std::fmt::Debug for dyn Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The rules of an API by its name. An order that came through an API keeps to them, also while that API is not spoken.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name() == name).copied()
}

/// Through which API an order came, and what was asked for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The API, as the configuration calls it.
    pub api: String,
    /// SHA-256 of what was asked for, as that API reads it: the same request again is the same order.
    pub fingerprint: String,
}

/// What became of the webhook by whose answer an API judges an order: that it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// When it was acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
}

/// Where an order stands, for whoever asks more than the native API says. Money is decided by the order's facts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nothing was seen.
    Open,
    /// A payment was seen, or too little was confirmed, or what was confirmed was taken back.
    Seen,
    /// Paid and confirmed; its merchant's server has not answered, or is not asked.
    Paid,
    /// Paid, and acknowledged.
    Acknowledged,
    /// Paid, and its merchant's server was asked as often as it is asked.
    GivenUp,
    /// Its time passed.
    Expired,
}

impl Stage {
    /// Every stage, and the word by which the database is asked for it.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Open, "open"),
        (Self::Seen, "seen"),
        (Self::Paid, "paid"),
        (Self::Acknowledged, "acknowledged"),
        (Self::GivenUp, "given_up"),
        (Self::Expired, "expired"),
    ];

    /// What the facts come to. A delivery that was acknowledged stays so, also when it is sent again by hand; but money decides first, and
    /// while its chain has taken the payment back there is none.
    #[must_use]
    pub fn of(facts: &Facts, heard: Heard) -> Self {
        match (facts.completed_at, facts.expired_at) {
            (Some(_), _) if facts.reverted_at.is_some() => Self::Seen,
            (Some(_), _) if heard.acknowledged_at.is_some() => Self::Acknowledged,
            (Some(_), _) if heard.given_up_at.is_some() => Self::GivenUp,
            (Some(_), _) => Self::Paid,
            (None, Some(_)) => Self::Expired,
            (None, None) if facts.seen_at.is_some() => Self::Seen,
            (None, None) => Self::Open,
        }
    }

    /// The word by which the database is asked for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }
}

/// What a change to an order amounts to, for an API that tells its merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A payment was seen.
    Seen,
    /// Confirmed money is more than dust and less than the amount, for the first time.
    Underpaid,
    /// It is paid.
    Paid,
    /// Its chain has taken a payment back: one that was seen, or that had paid it.
    TakenBack,
    /// It is paid again, after its chain had taken the payment back.
    PaidAgain,
    /// Its time passed.
    Expired,
}

/// An order on both sides of a change, and when it was: what an event that tells of it is written from.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// As it was.
    pub before: &'a Facts,
    /// As it is.
    pub after: &'a Facts,
    /// Its chain's newest block.
    pub head: u64,
    /// When it changed. Facts that a reorganisation undoes leave no time behind.
    pub at: Timestamp,
    /// The event's place among those that this API's merchant is told of the order: no two have the same.
    pub sequence: u64,
}

/// What changed between two sights of an order, in the order in which it is told.
#[must_use]
pub fn changes(before: &Facts, after: &Facts) -> Vec<Change> {
    let begins = |before: Option<Timestamp>, after: Option<Timestamp>| before.is_none() && after.is_some();
    // Dust costs its sender nothing, and must not use up what is told of a real part.
    let comes_to_something = |facts: &Facts| is_noticed(facts.received, facts.terms.units);
    let short = !comes_to_something(before) && comes_to_something(after) && after.completed_at.is_none();
    [
        (begins(before.seen_at, after.seen_at), Change::Seen),
        (short, Change::Underpaid),
        (begins(before.completed_at, after.completed_at), Change::Paid),
        (begins(before.reverted_at, after.reverted_at) || begins(after.seen_at, before.seen_at), Change::TakenBack),
        (begins(after.reverted_at, before.reverted_at), Change::PaidAgain),
        (begins(before.expired_at, after.expired_at), Change::Expired),
    ]
    .into_iter()
    .filter_map(|(happened, change)| happened.then_some(change))
    .collect()
}

/// The least time that may be asked for: less would be over before anybody has paid.
const WINDOW_MIN: Duration = Duration::from_secs(60);

/// The time to pay that somebody asks for who says when it is to end.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn window(field: &str, ends_at: Timestamp, now: Timestamp, settings: &Settings) -> Result<Duration, Error> {
    let (window, most) = (ends_at.since(now), settings.total_max.saturating_sub(settings.grace));
    if window < WINDOW_MIN {
        return Err(Error::field(field, format!("must be at least a minute from now, which is {now}; is {ends_at}")));
    }
    if window > most {
        return Err(Error::field(field, format!("must be at most {} minutes from now, which is {now}; is {ends_at}", most.as_secs() / 60)));
    }
    Ok(window)
}

/// The object whose events tell an API's merchant of an order: those are counted apart from the order's own.
#[must_use]
pub fn object_id(api: &str, order: &OrderId) -> String {
    format!("{api}:{order}")
}

/// The order that such an object is.
#[must_use]
pub fn order_of(object_id: &str) -> Option<OrderId> {
    object_id.split_once(':').map(|(_, order)| OrderId::from(order))
}

/// An order, as the API calls it that it came through.
pub(crate) fn named(order: &Facts) -> String {
    let Some(origin) = &order.origin else { return format!("order {} of the payin API", order.id) };
    let called = by_name(&origin.api).map_or_else(|| order.id.to_string(), |dialect| dialect.called(&order.id));
    format!("order {called} of the {} API", origin.api)
}

/// What a request for a reference that is taken gets: the order, if it came through the same API and asked for the same.
///
/// # Errors
/// `DUPLICATE_ORDER_REFERENCE`, which says who has it: an organization's references are one name for all APIs.
pub fn same(asked: &Origin, existing: &Facts) -> Result<(), Error> {
    let why = match &existing.origin {
        Some(origin) if origin == asked => return Ok(()),
        Some(origin) if origin.api == asked.api => "which asks for something else",
        _ => "and your references are one name for all APIs",
    };
    let message = format!("'{}' is taken by {}, {why}", shown(&existing.terms.reference), named(existing));
    Err(Error { existing_order_id: Some(existing.id.clone()), ..Error::new(ErrorCode::DuplicateOrderReference, message) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use payin_types::CreateOrder;

    use super::*;
    use crate::address::Address;
    use crate::{Chains, Units, chains, order};

    fn facts() -> Facts {
        let request = CreateOrder::new("order_123", "99.00".parse().unwrap(), "USDC", "base-sepolia");
        let terms = order::open(request, &Chains::new(chains::known()), &Settings::default()).unwrap();
        Facts {
            id: "ord_1".into(),
            organization_id: "org_1".into(),
            terms: order::Terms { window: Duration::from_secs(3600), ..terms },
            address: Address::from_evm_bytes(&[1; 20]),
            created_at: Timestamp::from_secs(0),
            seen_at: None,
            completed_at: None,
            expired_at: None,
            paid_late_at: None,
            reverted_at: None,
            received: Units::ZERO,
            payment: None,
            required_confirmations: 19,
            payment_link_id: None,
            origin: None,
        }
    }

    #[test]
    fn money_decides_before_an_answer_does() {
        let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
        let (none, heard, given_up) =
            (Heard::default(), Heard { acknowledged_at: at(9), ..Heard::default() }, Heard { given_up_at: at(9), ..Heard::default() });
        let open = facts();
        let seen = Facts { seen_at: at(1), ..open.clone() };
        let paid = Facts { completed_at: at(2), ..seen.clone() };
        let reverted = Facts { reverted_at: at(3), ..paid.clone() };
        let expired = Facts { expired_at: at(2), ..seen.clone() };
        for (facts, expected) in [
            (&reverted, [Stage::Seen; 3]),
            (&open, [Stage::Open; 3]),
            (&seen, [Stage::Seen; 3]),
            (&paid, [Stage::Paid, Stage::Acknowledged, Stage::GivenUp]),
            (&expired, [Stage::Expired; 3]),
        ] {
            assert_eq!([none, heard, given_up].map(|heard| Stage::of(facts, heard)), expected);
        }
        let words: std::collections::BTreeSet<&str> = Stage::ALL.iter().map(|(stage, _)| stage.word()).collect();
        assert_eq!(words.len(), Stage::ALL.len());
    }

    #[test]
    fn each_change_is_told_once() {
        let at = |seconds: i64| Some(Timestamp::from_secs(seconds));
        let open = facts();
        let seen = Facts { seen_at: at(1), ..open.clone() };
        let dust = Facts { received: Units::from_base_units(1, 6).unwrap(), ..open.clone() };
        let half = Facts { received: Units::from_base_units(1, 0).unwrap(), ..seen.clone() };
        let more = Facts { received: Units::from_base_units(2, 0).unwrap(), ..seen.clone() };
        let paid = Facts { received: open.terms.units, completed_at: at(3), ..seen.clone() };
        assert_eq!(changes(&open, &seen), [Change::Seen]);
        assert_eq!(changes(&open, &dust), []);
        assert_eq!(changes(&dust, &half), [Change::Seen, Change::Underpaid], "a grain of dust does not use it up");
        assert_eq!(changes(&seen, &half), [Change::Underpaid]);
        assert_eq!(changes(&half, &more), []);
        assert_eq!(changes(&half, &paid), [Change::Paid]);
        assert_eq!(changes(&open, &paid), [Change::Seen, Change::Paid]);
        assert_eq!(changes(&half, &Facts { expired_at: at(4), ..half.clone() }), [Change::Expired]);
        assert_eq!(changes(&paid, &paid), []);
        let taken_back = Facts { reverted_at: at(5), ..paid.clone() };
        assert_eq!(changes(&paid, &taken_back), [Change::TakenBack]);
        assert_eq!(changes(&taken_back, &paid), [Change::PaidAgain]);
        assert_eq!(changes(&seen, &open), [Change::TakenBack]);
    }

    #[test]
    fn dialects_are_known_by_name() {
        for known in DIALECTS {
            assert_eq!(by_name(known.name()).map(Dialect::name), Some(known.name()));
        }
        assert!(by_name("payin").is_none());
    }

    #[test]
    fn a_time_to_pay_ends_neither_too_soon_nor_too_late() {
        let now = Timestamp::from_secs(1000);
        let settings = Settings { grace: Duration::from_secs(300), total_max: Duration::from_secs(3900), ..Settings::default() };
        let asked = |seconds: i64| window("expires_at", Timestamp::from_secs(seconds), now, &settings);
        assert_eq!(asked(1060).unwrap().as_secs(), 60);
        assert_eq!(asked(4600).unwrap().as_secs(), 3600);
        for (seconds, says) in [(0, "at least a minute"), (1000, "at least"), (1059, "at least"), (4601, "at most 60 minutes")] {
            let error = asked(seconds).unwrap_err();
            assert!(error.message.starts_with("expires_at: must be ") && error.message.contains(says), "{error:?}");
        }
    }

    #[test]
    fn another_api_or_another_wish_is_a_conflict() {
        let origin = |api: &str, fingerprint: &str| Origin { api: api.to_owned(), fingerprint: fingerprint.to_owned() };
        let (asked, existing) = (origin("cryptopay", "1"), |origin| Facts { origin, ..facts() });
        assert_eq!(same(&asked, &existing(Some(asked.clone()))), Ok(()));
        for (other, says) in [
            (None, "'order_123' is taken by order ord_1 of the payin API, and your references are one name for all APIs"),
            (Some(origin("cryptopay", "2")), "'order_123' is taken by order ORD-1 of the cryptopay API, which asks for something else"),
            (Some(origin("paywarden", "1")), "'order_123' is taken by order ord_1 of the paywarden API, and your references are"),
        ] {
            let refused = same(&asked, &existing(other)).unwrap_err();
            assert_eq!(refused.existing_order_id, Some(facts().id));
            assert!(refused.message.starts_with(says), "{}", refused.message);
        }
        assert_eq!(order::duplicate(&existing(None)).message, "Order with reference 'order_123' already exists");
        let elsewhere = order::duplicate(&existing(Some(asked))).message;
        assert_eq!(elsewhere, "Order with reference 'order_123' already exists: order ORD-1 of the cryptopay API has it");
    }
}
