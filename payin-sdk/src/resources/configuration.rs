//! The settings of an organization (source: API Reference, "Configuration"). It must not know single settings: the server describes them.

use serde_json::Value;

use payin_types::{PutSetting, Setting, Settings};

use crate::client::{Call, Client};

const SETTING: &str = "/config/{key}";

/// The settings of the key's organization: [`Client::config`].
#[derive(Debug, Clone, Copy)]
pub struct Configuration<'c> {
    client: &'c Client,
}

impl Client {
    /// Settings: list, read, set.
    #[must_use]
    pub fn config(&self) -> Configuration<'_> {
        Configuration { client: self }
    }
}

impl Configuration<'_> {
    /// Every setting: what holds, where that comes from, its type, default and bounds.
    pub fn list(&self) -> Call<Settings> {
        self.client.read("/config", &[], &())
    }

    /// A setting by its name (`orders.payment_window_minutes`) or short name (`payment_window_minutes`).
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, key: &str) -> Call<Setting> {
        self.client.read(SETTING, &[key], &())
    }

    /// Sets a setting, for new orders only. The unit is in its name (`…_minutes`). `null` goes back to what holds without it.
    ///
    /// Errors: `ValidationError` (400) where the value is of another type or beyond the bounds, `ResourceNotFound` (404),
    /// `InsufficientPermissions` (403) also where only the server's operator can set it.
    pub fn set(&self, key: &str, value: impl Into<Value>) -> Call<Setting> {
        self.client.put(SETTING, &[key], &PutSetting { value: value.into() })
    }
}
