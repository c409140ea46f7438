//! Bodies of the Configuration API (keys, bounds and defaults: the vendor's open server; the table itself is a rule of the server).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Timestamp, open_enum};

open_enum! {
    /// Where a setting's value comes from.
    SettingSource {
        /// The organization set it.
        Organization = "organization",
        /// The server's own configuration.
        Deployment = "deployment",
        /// Nobody set it.
        Default = "default",
    }
}

open_enum! {
    /// What kind of value a setting takes.
    SettingType {
        /// A whole number.
        Number = "number",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A text, or `null`.
        String = "string",
    }
}

/// A setting of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(feature = "answers"), non_exhaustive)]
pub struct Setting {
    /// Its name, with its category: `orders.payment_window_minutes`.
    pub key: String,
    /// Its short name: `payment_window_minutes`. Both are accepted.
    pub alias: String,
    /// What holds for new orders.
    pub value: Value,
    /// Where that comes from.
    pub source: SettingSource,
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub value_type: SettingType,
    /// What holds when nobody sets it.
    pub default: Value,
    /// The smallest number it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The largest number it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
    /// Whether only the server's operator can set it.
    pub read_only: bool,
    /// What it does.
    pub description: String,
    /// When the organization set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Answer of `GET /config`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Every setting, by name.
    pub data: Vec<Setting>,
}

/// Body of `PUT /config/:key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutSetting {
    /// The value; `null` goes back to what holds without it.
    pub value: Value,
}
