//! What is well, what is a warning, and what fails, and what to do about it. Judges what it is given; asks nobody.

pub mod chains;

use std::time::Duration;

use payin_sdk::types::health::Health;
use payin_sdk::types::pool::PoolCounts;
use payin_sdk::{Endpoint, Error, ErrorCode, PoolStatus, RateLimit, Timestamp};
use serde::Serialize;

use crate::failure::Failure;

/// Clocks that differ by more are worth a word.
const SKEW_WARN: Duration = Duration::from_secs(30);

/// From here on webhook signatures are refused as too old (or as from the future).
const SKEW_MAX: Duration = Duration::from_secs(300);

/// Fewer free addresses than these are soon gone, where nobody has said what few are.
const FEW: u64 = 20;

/// A key that ends within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    pub fn mark(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Warn => '!',
            Self::Fail => '✗',
        }
    }
}

/// How one thing stands, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: &'static str,
    pub verdict: Verdict,
    #[serde(rename = "message")]
    pub told: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    pub fn ok(area: &'static str, told: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Ok, told: told.into(), advice: None }
    }

    fn warn(area: &'static str, told: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Warn, told: told.into(), advice: Some(advice.into()) }
    }

    fn fail(area: &'static str, told: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, verdict: Verdict::Fail, told: told.into(), advice: Some(advice.into()) }
    }

    /// What a command would have told.
    pub fn of_failure(area: &'static str, failure: Failure) -> Self {
        match failure {
            Failure::Told(report) => {
                // What a key may not look at is no fault of what is there.
                let verdict = if report.code == ErrorCode::InsufficientPermissions.as_str() { Verdict::Warn } else { Verdict::Fail };
                Self { area, verdict, told: format!("{} [{}]", report.message, report.code), advice: report.hint }
            }
            Failure::BrokenPipe => Self::fail(area, "cannot be looked at", "try again"),
        }
    }
}

/// A server that gave no answer: whether it is not there, or cannot prove who it is.
pub fn unreachable(base_url: &str, error: Error) -> Finding {
    let Failure::Told(report) = Failure::from(error) else { return Finding::fail("server", "no answer", "try again") };
    let said = report.message.to_ascii_lowercase();
    if ["certificate", "tls", "handshake"].iter().any(|word| said.contains(word)) {
        let advice = "the certificate must be of this host, not expired, and signed by who this machine trusts; is a proxy in between?";
        return Finding::fail("tls", format!("{base_url}: {}", report.message), advice);
    }
    let advice = report.hint.unwrap_or_else(|| "is the server running, and the base URL right?".to_owned());
    Finding::fail("server", format!("{base_url}: {}", report.message), advice)
}

/// A server that has answered: whether the way to it is closed to others.
pub fn tls(base_url: &str) -> Finding {
    if base_url.starts_with("https://") {
        return Finding::ok("tls", "the certificate is good");
    }
    let host = base_url.trim_start_matches("http://").split(['/', ':']).next().unwrap_or_default();
    let is_loopback = host.starts_with("127.") && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_loopback || host == "localhost" || host.ends_with(".localhost") || base_url.starts_with("http://[::1]") {
        return Finding::ok("tls", "none, and none is needed: the server is on this machine");
    }
    Finding::warn("tls", "none: everybody on the way to the server can read the key", "use https://, unless you trust that network whole")
}

/// The server's clock beside ours, which stood at `before` and `after` around the question.
pub fn clocks(date: Option<Timestamp>, before: Timestamp, after: Timestamp, app: Timestamp) -> Finding {
    let Some(date) = date else {
        return Finding::warn("clock", "the server does not tell its time", "compare the clocks by hand");
    };
    // Headers tell whole seconds.
    let second = Duration::from_secs(1);
    let skew = before.since(date.plus(second)).max(date.since(after));
    let virtually = app.since(date).max(date.since(app)) > SKEW_WARN;
    let told = match (skew, virtually) {
        (Duration::ZERO, true) => format!("agrees with the server's; the gateway itself runs on a virtual clock, at {app}"),
        (Duration::ZERO, false) => "agrees with the server's".to_owned(),
        _ => format!("differs from the server's by {} s", skew.as_secs().max(1)),
    };
    if skew > SKEW_MAX {
        return Finding::fail("clock", told, "set the clock (NTP): webhook signatures are refused beyond 300 s");
    }
    if skew > SKEW_WARN { Finding::warn("clock", told, "set the clock (NTP)") } else { Finding::ok("clock", told) }
}

/// A key that ends some day.
pub fn expiry(expires: Timestamp, now: Timestamp) -> Finding {
    let told = format!("the key is taken until {expires}");
    if expires.since(now) < SOON {
        return Finding::warn("access", told, "make a new one in time: payin keys create --name NAME");
    }
    Finding::ok("access", told)
}

/// The server and what it depends on, each a line.
pub fn readiness(health: &Health) -> Vec<Finding> {
    let is_well = |status: &str| matches!(status, "healthy" | "ok" | "up" | "ready");
    let one = |(name, check): (&String, &payin_sdk::types::health::Check)| {
        let message = check.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let told = format!("{name} is {}{message}", check.status);
        if is_well(&check.status) {
            Finding::ok("health", told)
        } else {
            Finding::fail("health", told, "whoever runs the server sees more in its log; what waits is caught up afterwards")
        }
    };
    let mut findings: Vec<_> = health.checks.iter().map(one).collect();
    if findings.iter().all(|finding| finding.verdict == Verdict::Ok) {
        findings.clear();
        let names: Vec<_> = health.checks.keys().map(String::as_str).collect();
        let told = if names.is_empty() { "nothing to check".to_owned() } else { format!("well: {}", names.join(", ")) };
        findings.push(if is_well(&health.status) {
            Finding::ok("health", told)
        } else {
            Finding::fail("health", format!("the server is {}", health.status), "whoever runs the server sees more in its log")
        });
    }
    findings
}

/// The address pool, a line for each family that it has. `few` is what the organization calls so.
pub fn pool(status: &PoolStatus, few: Option<u64>) -> Vec<Finding> {
    let used: Vec<_> = status.iter().filter(|(_, counts)| counts.total > 0).collect();
    if used.is_empty() {
        let advice = "no order can be created: payin addresses import FILE --protocol PROTOCOL";
        return vec![Finding::fail("pool", "there is no address", advice)];
    }
    let one = |(protocol, counts): (&payin_sdk::Protocol, &PoolCounts)| {
        let PoolCounts { available, total, cooling_down, quarantined, .. } = counts;
        let told = format!("{protocol}: {available} of {total} free, {cooling_down} soon, {quarantined} kept back");
        let advice = format!("payin addresses import FILE --protocol {protocol}");
        match available {
            0 => Finding::fail("pool", told, format!("new orders are refused: {advice}")),
            available if *available < few.unwrap_or(FEW) => Finding::warn("pool", told, advice),
            _ => Finding::ok("pool", told),
        }
    };
    used.into_iter().map(one).collect()
}

/// Nobody is told.
pub fn no_endpoint() -> Finding {
    Finding::warn("webhooks", "there is no endpoint: nobody is told of payments", "payin webhooks endpoints create --url URL")
}

/// An endpoint, and how many events of the last day it did not take, for good or so far.
pub fn endpoint(endpoint: &Endpoint, failed: u64, waiting: u64) -> Finding {
    let Endpoint { id, url, enabled, .. } = endpoint;
    if !enabled {
        return Finding::warn(
            "webhooks",
            format!("{id} ({url}) is disabled"),
            format!("payin webhooks endpoints update {id} --enabled true"),
        );
    }
    if failed > 0 {
        let advice = format!("payin webhooks events list --endpoint-id {id} --status failed, then events deliveries and events resend");
        return Finding::fail("webhooks", format!("{id} ({url}) did not take {failed} events of the last 24 hours"), advice);
    }
    if waiting > 0 {
        let advice = format!("payin webhooks events list --endpoint-id {id} --status pending, then events deliveries: each is tried again");
        return Finding::fail("webhooks", format!("{id} ({url}) has not taken {waiting} events for minutes"), advice);
    }
    Finding::ok("webhooks", format!("{id} ({url}) is enabled, nothing failed in the last 24 hours"))
}

/// How much of its limits the key has left.
pub fn limits(limit: Option<RateLimit>) -> Finding {
    let Some(RateLimit { limit, remaining, reset, .. }) = limit else {
        return Finding::ok("limits", "the server names none");
    };
    let told = format!("{remaining} of {limit} requests are left until {reset}");
    if remaining.saturating_mul(10) < limit {
        return Finding::warn("limits", told, "ask less often: webhooks instead of polling, lists instead of single orders");
    }
    Finding::ok("limits", told)
}

#[cfg(test)]
mod tests;
