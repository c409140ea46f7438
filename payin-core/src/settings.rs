//! What an organization may set for itself: one table of keys, which values they take, and what then holds. Where the values are kept is
//! the store's business. It must not decide what a setting does: `order`, `link` and the like take the result.

use std::time::Duration;

use payin_types::setting::{SettingSource, SettingType};
use payin_types::{ErrorCode, Setting, Timestamp};
use serde_json::{Map, Value, json};

use crate::{Error, link, order, web_url};

/// What values a setting takes, and what holds when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number {
        /// When nobody sets it.
        default: i64,
        /// The smallest.
        minimum: i64,
        /// The largest.
        maximum: i64,
    },
    /// `true` or `false`; true when nobody sets it.
    Switch,
    /// An address for a payer's browser, or none; none when nobody sets it.
    Redirect,
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name, with its category.
    pub name: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// Whether only the server's operator can set it.
    pub read_only: bool,
    /// What it is, in a sentence.
    pub description: &'static str,
}

const fn key(name: &'static str, kind: Kind, description: &'static str) -> Key {
    Key { name, kind, read_only: false, description }
}

const fn number(default: i64, minimum: i64, maximum: i64) -> Kind {
    Kind::Number { default, minimum, maximum }
}

const WINDOW: Key = key("orders.payment_window_minutes", number(10, 1, 60), "Minutes a payer has to send, where an order does not say");
const GRACE: Key = key(
    "orders.grace_period_minutes",
    number(5, 0, 30),
    "Minutes after the window in which a payment still counts, where an order does not say",
);
const TOTAL: Key = key("orders.max_total_timeout_minutes", number(60, 5, 1440), "The most that window and grace may come to, in minutes");
const COOLDOWN: Key = key("address_pool.cooldown_minutes", number(30, 0, 1440), "Minutes an address rests before another order gets it");
const LOW: Key =
    key("address_pool.low_threshold", number(100, 0, 100_000), "With fewer free addresses than this, address_pool.low is told");
const ORDERS: Key = key("services.orders_enabled", Kind::Switch, "Whether orders may be created");
const DEPOSITS: Key = key("services.deposits_enabled", Kind::Switch, "Whether deposit references may be bound");
const CHECK: Key = Key {
    read_only: true,
    ..key("delayed_confirmation.check_interval", number(30, 1, 300), "Seconds between two looks at what waits; the server's operator's")
};
const SUCCESS: Key =
    key("redirect.default_order_success_url", Kind::Redirect, "Where payers go after payment, where an order does not say");
const CANCEL: Key =
    key("redirect.default_order_cancel_url", Kind::Redirect, "Where payers go when an order has expired, where the order does not say");
const DEPOSIT: Key = key("redirect.deposit_success_url", Kind::Redirect, "Where payers go after a deposit; for checkout pages of deposits");
const PER_CLIENT: Key =
    key("payment_links.max_open_per_client", number(3, 1, 1000), "Unpaid orders that one payer may have through a link");
const PER_LINK: Key = key("payment_links.max_open_per_link", number(100, 1, 100_000), "Unpaid orders that a link may have at a time");
const RESERVE: Key = key(
    "payment_links.pool_reserve_percent",
    number(50, 0, 100),
    "Percent of the address pool that payment links leave to orders and deposits made with a key",
);

/// Every setting (source: the vendor's open server; `address_pool.low_threshold` and `payment_links` are ours).
pub const KEYS: [Key; 14] =
    [WINDOW, GRACE, TOTAL, COOLDOWN, LOW, ORDERS, DEPOSITS, CHECK, SUCCESS, CANCEL, DEPOSIT, PER_CLIENT, PER_LINK, RESERVE];

impl Key {
    /// The setting with this name or alias.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        KEYS.iter().find(|key| key.name == name || key.alias() == name).ok_or_else(|| Error::not_found("Setting", name))
    }

    /// Its name without its category.
    #[must_use]
    pub fn alias(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, alias)| alias)
    }

    /// What holds when nobody sets it.
    fn default(&self) -> Value {
        match self.kind {
            Kind::Number { default, .. } => json!(default),
            Kind::Switch => json!(true),
            Kind::Redirect => Value::Null,
        }
    }

    /// Checks a value. Nothing is coerced.
    fn check(&self, value: &Value) -> Result<(), Error> {
        match (self.kind, value) {
            (Kind::Number { minimum, maximum, .. }, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                match number.as_i64().filter(|number| (minimum..=maximum).contains(number)) {
                    Some(_) => Ok(()),
                    None => Err(Error::field("value", format!("{} must be {minimum} to {maximum}, is {number}", self.name))),
                }
            }
            (Kind::Switch, Value::Bool(_)) => Ok(()),
            (Kind::Redirect, Value::String(url)) => web_url::redirect("value", url),
            (kind, _) => {
                let wanted = match kind {
                    Kind::Number { .. } => "a whole number",
                    Kind::Switch => "true or false",
                    Kind::Redirect => "a URL",
                };
                Err(Error::field("value", format!("{} takes {wanted}, or null to go back to what holds without it", self.name)))
            }
        }
    }
}

/// What the server's own configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// What orders may be.
    pub orders: order::Settings,
    /// How long an address rests after its release.
    pub cooldown: Duration,
}

impl Deployment {
    fn value(&self, key: &Key) -> Value {
        let minutes = |span: Duration| json!(span.as_secs() / 60);
        match *key {
            WINDOW => minutes(self.orders.window),
            GRACE => minutes(self.orders.grace),
            TOTAL => minutes(self.orders.total_max),
            COOLDOWN => minutes(self.cooldown),
            _ => key.default(),
        }
    }
}

/// What holds for an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// What orders may be.
    pub orders: order::Settings,
    /// How long an address rests after its release.
    pub cooldown: Duration,
    /// With fewer free addresses than this, it is told.
    pub low_threshold: u64,
    /// Whether orders may be created.
    pub orders_enabled: bool,
    /// Whether deposit references may be bound.
    pub deposits_enabled: bool,
    /// Where payers go after payment, where an order does not say.
    pub success_url: Option<String>,
    /// Where payers go when an order has expired, where it does not say.
    pub cancel_url: Option<String>,
    /// Where payers go after a deposit.
    pub deposit_success_url: Option<String>,
    /// How much of the address pool payment links may take.
    pub links: link::Caps,
}

impl Effective {
    /// Refuses to create orders where that is switched off.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`, which is kept under no idempotency key: it can be switched on again.
    pub fn check_orders_enabled(&self) -> Result<(), Error> {
        Self::check_enabled(self.orders_enabled, &ORDERS, "Orders are not created")
    }

    /// Refuses to bind deposit references where that is switched off.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`.
    pub fn check_deposits_enabled(&self) -> Result<(), Error> {
        Self::check_enabled(self.deposits_enabled, &DEPOSITS, "Deposit references are not bound")
    }

    fn check_enabled(enabled: bool, key: &Key, what: &str) -> Result<(), Error> {
        if enabled {
            return Ok(());
        }
        Err(Error::new(ErrorCode::ServiceUnavailable, format!("{what} at the moment: the setting {} is false", key.name)))
    }
}

/// What is kept of an organization's settings cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an organization's setting {0} cannot be read")]
pub struct Corrupt(String);

/// What an organization has set: `{"orders.payment_window_minutes": {"value": 20, "updatedAt": 1767225600000}}`. Keys of another version
/// are left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen(Map<String, Value>);

impl Chosen {
    /// Reads what is kept.
    ///
    /// # Errors
    /// If it is not what [`Chosen::to_text`] writes, or a value is none that its setting takes.
    pub fn read(text: &str) -> Result<Self, Corrupt> {
        if text == "{}" {
            return Ok(Self::default());
        }
        let chosen = Self(serde_json::from_str(text).map_err(|_| Corrupt("text".to_owned()))?);
        for key in &KEYS {
            let Some(entry) = chosen.0.get(key.name) else { continue };
            let good = entry.get("value").is_some_and(|value| key.check(value).is_ok()) && chosen.updated_at(key).is_some();
            if !good || key.read_only {
                return Err(Corrupt(key.name.to_owned()));
            }
        }
        Ok(chosen)
    }

    /// What to keep.
    #[must_use]
    pub fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Sets a value; `null` goes back to what holds without it.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a value that the setting does not take, or that does not go with the others.
    pub fn put(&mut self, key: &Key, value: Value, deployment: &Deployment, now: Timestamp) -> Result<(), Error> {
        if key.read_only {
            return Err(Error::field("key", format!("{} is set by the server's operator", key.name)));
        }
        if value.is_null() {
            self.0.remove(key.name);
        } else {
            key.check(&value)?;
            self.0.insert(key.name.to_owned(), json!({ "value": value, "updatedAt": now.millis() }));
        }
        let order::Settings { window, grace, total_max, .. } = self.effective(deployment).orders;
        if window.saturating_add(grace) > total_max {
            let minutes = |span: Duration| span.as_secs() / 60;
            let problem = format!(
                "with it {} ({}) and {} ({}) come to more than {} ({})",
                WINDOW.name,
                minutes(window),
                GRACE.name,
                minutes(grace),
                TOTAL.name,
                minutes(total_max)
            );
            return Err(Error::field("value", problem));
        }
        Ok(())
    }

    fn own(&self, key: &Key) -> Option<&Value> {
        self.0.get(key.name)?.get("value")
    }

    fn updated_at(&self, key: &Key) -> Option<Timestamp> {
        self.0.get(key.name)?.get("updatedAt")?.as_i64().map(Timestamp::from_millis)
    }

    /// What holds: what the organization has set, else what the deployment says.
    #[must_use]
    pub fn effective(&self, deployment: &Deployment) -> Effective {
        let number = |key: &Key| self.own(key).and_then(Value::as_u64).or_else(|| key.default().as_u64()).unwrap_or_default();
        let minutes = |key: &Key, otherwise: Duration| {
            self.own(key).and_then(Value::as_u64).map_or(otherwise, |minutes| Duration::from_secs(minutes.saturating_mul(60)))
        };
        let switch = |key: &Key| self.own(key).and_then(Value::as_bool).unwrap_or(true);
        let redirect = |key: &Key| self.own(key).and_then(Value::as_str).map(str::to_owned);
        Effective {
            orders: order::Settings {
                window: minutes(&WINDOW, deployment.orders.window),
                grace: minutes(&GRACE, deployment.orders.grace),
                total_max: minutes(&TOTAL, deployment.orders.total_max),
                tolerance: deployment.orders.tolerance,
            },
            cooldown: minutes(&COOLDOWN, deployment.cooldown),
            low_threshold: number(&LOW),
            orders_enabled: switch(&ORDERS),
            deposits_enabled: switch(&DEPOSITS),
            success_url: redirect(&SUCCESS),
            cancel_url: redirect(&CANCEL),
            deposit_success_url: redirect(&DEPOSIT),
            links: link::Caps { per_client: number(&PER_CLIENT), per_link: number(&PER_LINK), reserve_percent: number(&RESERVE) },
        }
    }

    /// A setting as the API shows it.
    #[must_use]
    pub fn to_wire(&self, key: &Key, deployment: &Deployment) -> Setting {
        let (default, deployed) = (key.default(), deployment.value(key));
        let (value, source) = match self.own(key) {
            Some(own) => (own.clone(), SettingSource::Organization),
            None if deployed != default => (deployed, SettingSource::Deployment),
            None => (default.clone(), SettingSource::Default),
        };
        let (value_type, minimum, maximum) = match key.kind {
            Kind::Number { minimum, maximum, .. } => (SettingType::Number, Some(minimum), Some(maximum)),
            Kind::Switch => (SettingType::Boolean, None, None),
            Kind::Redirect => (SettingType::String, None, None),
        };
        Setting {
            key: key.name.to_owned(),
            alias: key.alias().to_owned(),
            value,
            source,
            value_type,
            default,
            minimum,
            maximum,
            read_only: key.read_only,
            description: key.description.to_owned(),
            updated_at: self.updated_at(key),
            extra: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests;
