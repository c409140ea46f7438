//! What a webhook endpoint may be: its events, its secret, its description, and for how long an old secret stays good. Where its URL may
//! lead is decided where it is dialled.

use std::time::Duration;

use payin_types::EventType;

use crate::error::shown;
use crate::{Error, event};

/// A shorter secret could be guessed.
pub const SECRET_CHARS_MIN: usize = 16;
const SECRET_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 255;
/// How long a receiver has to take up a new secret if nothing else is said.
pub const OVERLAP_HOURS: u32 = 24;
/// A week: who has not taken it up by then has forgotten it, and a secret that leaked should not be good for longer.
const OVERLAP_HOURS_MAX: u32 = 168;

/// Refuses a subscription to nothing, to an event that does not exist or to one that nobody can ask for.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check_events(events: &[EventType]) -> Result<(), Error> {
    if events.is_empty() {
        return Err(Error::field("events", "must name at least one event, or be [\"*\"]"));
    }
    let Some(refused) = events.iter().find(|event_type| !event::may_be_subscribed(event_type)) else { return Ok(()) };
    let subscribable = EventType::KNOWN.iter().filter(|event_type| event::may_be_subscribed(event_type));
    let words: Vec<&str> = subscribable.map(EventType::as_str).collect();
    Err(Error::field("events", format!("'{}' cannot be subscribed to; there are {}", shown(refused.as_str()), words.join(", "))))
}

/// Refuses a secret that could be guessed, or that is unlikely to come out of a configuration file as it went in.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field, never the secret.
pub fn check_secret(secret: &str) -> Result<(), Error> {
    let chars = secret.chars().count();
    if (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&chars) && !secret.chars().any(char::is_control) && secret.trim() == secret {
        return Ok(());
    }
    let must = format!(
        "must be {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} printable characters, without white space around them; leave it out to have one made"
    );
    Err(Error::field("secret", must))
}

/// Refuses a description that is too long or not printable.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn check_description(description: &str) -> Result<(), Error> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX || description.chars().any(char::is_control) {
        return Err(Error::field("description", format!("must be at most {DESCRIPTION_CHARS_MAX} printable characters")));
    }
    Ok(())
}

/// For how long deliveries are also signed with the secret that was replaced.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn overlap(hours: Option<u32>) -> Result<Duration, Error> {
    let hours = hours.unwrap_or(OVERLAP_HOURS);
    if hours > OVERLAP_HOURS_MAX {
        return Err(Error::field("oldSecretValidHours", format!("must be 0 to {OVERLAP_HOURS_MAX}, is {hours}")));
    }
    Ok(Duration::from_secs(u64::from(hours).saturating_mul(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_that_can_be_asked_for_are_subscribed_to() {
        assert!(check_events(&[EventType::All, EventType::OrderCreated]).is_ok());
        for (events, named) in [
            (vec![], "at least one"),
            (vec![EventType::OrderCompleted, EventType::from("order.paid")], "'order.paid'"),
            (vec![EventType::WebhookTest], "'webhook.test'"),
        ] {
            let refused = check_events(&events).unwrap_err();
            assert!(refused.message.starts_with("events: ") && refused.message.contains(named), "{}", refused.message);
            assert_eq!(refused.message.matches("webhook.test").count(), usize::from(named.contains("test")));
        }
    }

    #[test]
    fn secrets_and_descriptions_have_bounds() {
        for good in ["x".repeat(16), "x".repeat(255), "sixteen chars äöü".to_owned()] {
            check_secret(&good).unwrap();
        }
        for bad in ["x".repeat(15), "x".repeat(256), format!("{}\n", "x".repeat(20)), format!(" {}", "x".repeat(20)), "a\tb".repeat(10)] {
            let refused = check_secret(&bad).unwrap_err();
            assert!(!refused.message.contains(bad.trim()), "{}", refused.message);
        }
        check_description(&"ä".repeat(255)).unwrap();
        assert!(check_description(&"ä".repeat(256)).is_err() && check_description("two\nlines").is_err());
    }

    #[test]
    fn an_old_secret_is_good_for_a_day_or_up_to_a_week() {
        let hours = |hours| overlap(hours).map(|time| time.as_secs() / 3600).ok();
        assert_eq!([None, Some(0), Some(168), Some(169), Some(u32::MAX)].map(hours), [Some(24), Some(0), Some(168), None, None]);
    }
}
