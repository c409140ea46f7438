//! What is told when a command does not do what it was asked: to people as text, to programs as JSON, on stderr.

use payin_sdk::types::ErrorCode;
use payin_sdk::{ApiError, Error};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;
use crate::text::clean;

/// Why a command ended without having done what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read our output has gone. Not worth a word.
    BrokenPipe,
    /// Everything else.
    Told(Box<Report>),
}

/// What is told. Its JSON form is `{code, message, …, exitCode}`; fields that do not apply are absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub code: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    pub exit_code: u8,
    #[serde(skip)]
    pub exit: Exit,
}

impl Failure {
    pub fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self::Told(Box::new(Report::new(exit, code, message.into())))
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "USAGE", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Api, "INTERNAL", message)
    }

    pub fn no_key() -> Self {
        Self::new(Exit::Auth, "NO_API_KEY", "there is no API key")
            .hint("set PAYIN_API_KEY or run payin login; a sandbox with a key is one command away: payin-server dev")
    }

    /// Adds what the reader may do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(report) = &mut self {
            report.hint = Some(hint.into());
        }
        self
    }
}

impl Report {
    fn new(exit: Exit, code: &str, message: String) -> Self {
        Self {
            code: code.to_owned(),
            message,
            status_code: None,
            request_id: None,
            details: None,
            existing_order_id: None,
            retry_after: None,
            idempotency_key: None,
            hint: None,
            exit_code: exit as u8,
            exit,
        }
    }

    /// For people, without a line end. What the server said is stripped of what could move the terminal.
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!("error: {} [{}]", clean(&self.message), clean(&self.code))];
        lines.extend(self.details.iter().flat_map(detail_lines));
        lines.extend(self.existing_order_id.iter().map(|id| format!("  existing order: {}", clean(id))));
        lines.extend(self.request_id.iter().map(|id| format!("  request id: {}", clean(id))));
        lines.extend(self.hint.iter().map(|hint| format!("  hint: {}", clean(hint))));
        lines.join("\n")
    }
}

/// One line for each thing that is wrong: `line 3: 0xab: bad checksum`.
fn detail_lines(details: &Value) -> Vec<String> {
    let entries = match details {
        Value::Array(entries) => entries.as_slice(),
        other => std::slice::from_ref(other),
    };
    let line = |entry: &Value| match entry {
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.contains_key("line") => {
            let part = |name: &str| fields.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let parts = [part("line").map(|line| format!("line {line}")), part("address"), part("error").or_else(|| part("message"))];
            parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
        Value::Object(fields) => {
            let texts = fields.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                // All that is wrong with one field, in another API's errors.
                Value::Array(texts) if texts.iter().all(Value::is_string) => {
                    format!("{name}: {}", texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))
                }
                other => format!("{name}: {other}"),
            });
            texts.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    entries.iter().map(|entry| format!("  - {}", clean(&line(entry)))).collect()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = Exit::of(&error);
        let message = match &error {
            Error::Api(api) => api.message.clone(),
            other => chain(other),
        };
        let code = match &error {
            Error::Api(api) => api.code.as_str(),
            Error::Transport { .. } => "NETWORK",
            Error::OutcomeUnknown { .. } => "OUTCOME_UNKNOWN",
            Error::Decode { .. } => "UNREADABLE_ANSWER",
            Error::Config(_) => "CONFIG",
            Error::Request(_) => "USAGE",
            Error::Session(_) => "SESSION",
            _ => "INTERNAL",
        };
        let mut report = Report::new(exit, code, message);
        report.request_id = error.request_id().map(str::to_owned);
        report.hint = hint(&error);
        if let Some(api) = error.api() {
            report.status_code = Some(api.status);
            report.details = api.details.clone();
            report.existing_order_id = api.existing_order_id.as_ref().map(ToString::to_string);
            report.retry_after = api.retry_after.map(|span| span.as_secs());
        }
        if let Error::OutcomeUnknown { idempotency_key, .. } = error {
            report.idempotency_key = Some(idempotency_key);
        }
        Self::Told(Box::new(report))
    }
}

/// The error with its causes, which reqwest keeps out of its own text. A cause that only repeats is left out.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Transport { .. } => "is the server running, and PAYIN_BASE_URL right? payin doctor looks further".to_owned(),
        Error::OutcomeUnknown { idempotency_key, .. } => {
            format!("run the same command again with --idempotency-key {idempotency_key}: it does nothing twice")
        }
        Error::Decode { .. } => "what was asked for has been done; this version of payin cannot read the answer".to_owned(),
        Error::Session(_) => "log in again: payin cryptopay login".to_owned(),
        Error::Api(api) => return hint_of_api(api).map(str::to_owned),
        _ => return None,
    };
    Some(hint)
}

fn hint_of_api(error: &ApiError) -> Option<&'static str> {
    Some(match &error.code {
        ErrorCode::InvalidApiKey => {
            "check PAYIN_API_KEY or log in again, and that it is a key of this server and environment; payin doctor looks further"
        }
        ErrorCode::InsufficientPermissions => "the key's role does not allow this; payin whoami shows it",
        ErrorCode::NoAvailableAddresses => "import more addresses: payin addresses import FILE --protocol PROTOCOL",
        ErrorCode::DuplicateOrderReference => "look at the order that has the reference: payin orders get --reference REFERENCE",
        ErrorCode::DuplicateDepositReference => "look at where it is bound: payin deposits get REFERENCE",
        ErrorCode::DepositReferenceNotFound => "look for it: payin deposits references --search TEXT",
        ErrorCode::InvalidState => "look at where it stands; the message says what stands in the way",
        ErrorCode::CursorUnknown => "say when to begin: --since beginning, or a time; what was received before comes with the same ids",
        ErrorCode::SoldOut => "raise the inventory: payin links update ID --inventory-total N",
        ErrorCode::PaymentLinkUnavailable => "look at its status, end and inventory: payin links get ID",
        ErrorCode::NotAsAsserted => "look at all of it: payin sandbox journal",
        ErrorCode::ServiceUnavailable => "the server is starting, stopping or busy; try again in a moment",
        ErrorCode::IdempotencyKeyConflict => "the key was used for another request; take a new one for a new order",
        ErrorCode::IdempotencyInProgress => "the first request with this key still runs; try again in a moment",
        ErrorCode::ChainUnavailable => "the server's connection to this chain is cut off or behind; try again later",
        ErrorCode::RateLimitExceeded => "wait, then try again",
        ErrorCode::InternalError => "report the request id to whoever runs the server",
        ErrorCode::Unknown(word) if word == "UNAUTHORIZED" => {
            "check PAYIN_API_KEY or log in again: payin login with a key, payin cryptopay login with a password"
        }
        ErrorCode::Unknown(word) if word == "NO_WALLET_AVAILABLE" => {
            "add wallets: payin cryptopay wallets add --blockchain base --address ADDRESS"
        }
        ErrorCode::Unknown(word) if word == "NO_ADDRESS_AVAILABLE" => "import more addresses: payin addresses import FILE --protocol tron",
        ErrorCode::Unknown(word) if word.starts_with("HTTP_") => "check PAYIN_BASE_URL, and what stands between here and the server",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
