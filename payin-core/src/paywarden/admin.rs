//! What the PayWarden API's documents say of its administration: the words for merchants, statistics and webhooks. Sources: its guides
//! "Admin", "Merchants" and "Webhooks", version 1; where they say nothing, it is said here what holds.

use payin_types::paywarden::admin::{
    AdminStats, DailyStats, Day as Shown, HotWallet, Merchant as Told, MerchantCounts, OrderCounts, Revenue, WebhookStatus,
};
use payin_types::{Currency, EventId};
use serde_json::Map;

use super::CURRENCY;
use crate::calendar::Day;
use crate::delivery::State;
use crate::error::shown;
use crate::merchant::{Counts, Merchant, Takings};
use crate::{Error, Units};

/// The cookie that bears the session (source: guide "Admin").
pub const COOKIE: &str = "paywarden_admin";
/// How many days are shown where nothing is said (source: guide "Admin").
const DAYS: u64 = 30;
/// A year, and what a leap year has more.
const DAYS_MAX: u64 = 366;
const EVENT_PREFIX: &str = "evt_";
const WEBHOOK_PREFIX: &str = "wh_";

/// What all of it is counted in.
#[must_use]
pub fn currency() -> Currency {
    Currency::from(CURRENCY)
}

/// A merchant, without its secrets.
#[must_use]
pub fn merchant(merchant: Merchant) -> Told {
    Told {
        id: merchant.id,
        name: merchant.name,
        active: merchant.key_prefix.is_some(),
        api_key_prefix: merchant.key_prefix,
        webhook_url: merchant.webhook_url,
        orders_count: merchant.takings.orders,
        orders_total: merchant.takings.orders,
        revenue_total: merchant.takings.received.to_amount(),
        created_at: merchant.created_at,
        webhook_secret: None,
        webhook_secret_signs_from: None,
        api_key: None,
        extra: Map::new(),
    }
}

/// What the merchants come to. There is no hot wallet: no key is kept here, and nothing is swept.
#[must_use]
pub fn stats(counts: Counts, [today, this_month, total]: [Units; 3], merchants: MerchantCounts) -> AdminStats {
    AdminStats {
        orders: OrderCounts { total: counts.orders, pending: counts.open, confirmed_today: counts.paid, expired_today: counts.expired },
        revenue: Revenue { today: today.to_amount(), this_month: this_month.to_amount(), total: total.to_amount(), currency: currency() },
        merchants,
        wallet: HotWallet::default(),
        extra: Map::new(),
    }
}

/// The days that are asked for, the last of which is today.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn days(asked: Option<u64>, today: Day) -> Result<impl DoubleEndedIterator<Item = Day>, Error> {
    let days = asked.unwrap_or(DAYS);
    if (1..=DAYS_MAX).contains(&days) {
        return Ok(today.last(days));
    }
    Err(Error::field("days", format!("must be 1 to {DAYS_MAX}, is {days}")))
}

/// What came in on each of some days, those without orders too.
#[must_use]
pub fn daily(days: impl Iterator<Item = Day>, takings: impl Fn(Day) -> Takings) -> DailyStats {
    let shown = |day: Day| {
        let takings = takings(day);
        Shown { date: day.date(), revenue: takings.received.to_amount(), orders: takings.orders }
    };
    DailyStats { data: days.map(shown).collect() }
}

/// What a webhook is called. An event of this API goes to one URL, so its id tells which.
#[must_use]
pub fn webhook_id(event: &EventId) -> String {
    format!("{WEBHOOK_PREFIX}{}", event.as_str().strip_prefix(EVENT_PREFIX).unwrap_or(event.as_str()))
}

/// The event that a webhook tells of; `None` if it is called like none.
#[must_use]
pub fn event_of(webhook: &str) -> Option<EventId> {
    webhook.strip_prefix(WEBHOOK_PREFIX).map(|rest| EventId::from(format!("{EVENT_PREFIX}{rest}")))
}

/// The word for where a webhook stands.
#[must_use]
pub fn webhook_status(state: State) -> WebhookStatus {
    match state {
        State::Waiting => WebhookStatus::Pending,
        State::UnderWay => WebhookStatus::Delivering,
        State::Received => WebhookStatus::Delivered,
        State::Again => WebhookStatus::Retrying,
        State::GivenUp => WebhookStatus::Failed,
    }
}

/// Where the webhooks stand for which this is the word.
///
/// # Errors
/// `VALIDATION_ERROR` for a word that is none.
pub fn webhook_state(word: &WebhookStatus) -> Result<State, Error> {
    let found = State::ALL.iter().find(|(state, _)| &webhook_status(*state) == word).map(|(state, _)| *state);
    found.ok_or_else(|| {
        let words: Vec<&str> = WebhookStatus::KNOWN.iter().map(WebhookStatus::as_str).collect();
        Error::field("status", format!("'{}' is none; there are {}", shown(word.as_str()), words.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_and_every_word_a_state() {
        for (state, _) in State::ALL {
            assert_eq!(webhook_state(&webhook_status(state)), Ok(state));
        }
        assert_eq!(WebhookStatus::KNOWN.len(), State::ALL.len());
        assert!(webhook_state(&WebhookStatus::from("lost")).is_err());
    }

    #[test]
    fn a_webhook_is_called_after_its_event() {
        let event = EventId::from("evt_payment_confirmed_paywarden_ord_1");
        assert_eq!(webhook_id(&event), "wh_payment_confirmed_paywarden_ord_1");
        assert_eq!(event_of(&webhook_id(&event)), Some(event));
        assert_eq!(event_of("evt_payment_confirmed_paywarden_ord_1"), None);
    }

    #[test]
    fn days_without_orders_are_shown_too() {
        let today = Day::of("2025-03-01T10:00:00Z".parse().unwrap());
        let received = Units::from_amount("1.50".parse().unwrap()).unwrap();
        let takings = |day: Day| if day == today { Takings { orders: 2, received } } else { Takings::default() };
        let shown = daily(days(Some(2), today).unwrap(), takings).data;
        let shown: Vec<String> = shown.iter().map(|day| format!("{} {} {}", day.date, day.revenue, day.orders)).collect();
        assert_eq!(shown, ["2025-02-28 0.00 0", "2025-03-01 1.50 2"]);
        assert_eq!(days(None, today).unwrap().count(), 30);
        for wrong in [0, 367] {
            assert!(days(Some(wrong), today).is_err());
        }
    }
}
