//! `GET /health` and `GET /health/ready`: outside `/api/v1`, without a key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Answer of both health paths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `healthy`, or `unhealthy` with status 503.
    pub status: String,
    /// The server's time.
    pub timestamp: Timestamp,
    /// The server's version.
    pub version: String,
    /// Only on `/health/ready`: what was looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `ok` or `failing`.
    pub status: String,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
