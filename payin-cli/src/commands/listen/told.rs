//! How `payin listen` tells of events: a line each. It must not send anything.

use payin_sdk::LiveEvent;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::failure::Failure;
use crate::output::{Format, csv};
use crate::text::clean;
use crate::ui::Ui;

/// What came of posting an event once.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    /// The status answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Which attempt it was, from 1.
    pub attempt: usize,
    pub duration_ms: u64,
    /// The id that only this attempt bears.
    pub delivery_id: &'a str,
    /// When it is tried again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_in_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    event_id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    cursor: &'a str,
    #[serde(flatten)]
    told: &'a Told<'a>,
}

const ANSWERS: &[&str] = &["eventId", "type", "status", "failure", "attempt", "durationMs", "deliveryId", "againInSeconds", "cursor"];
const EVENTS: &[&str] = &["created_at", "type", "id", "data"];

/// Lines, one after the other.
pub struct Lines<'a> {
    ui: &'a Ui,
    begun: bool,
}

impl<'a> Lines<'a> {
    pub fn new(ui: &'a Ui) -> Self {
        Self { ui, begun: false }
    }

    /// An event as it happened; for programs its body, as it came.
    pub fn event(&mut self, event: &LiveEvent) -> Result<(), Failure> {
        match self.ui.format {
            Format::Json | Format::Ndjson => {
                let body = std::str::from_utf8(&event.body).ok().map(serde_json::from_str::<&RawValue>);
                let body = body.and_then(Result::ok).ok_or_else(|| Failure::internal("an event is not JSON"))?;
                self.ui.answer(&format!("{body}\n"))
            }
            Format::Csv => self.row(&event.event, EVENTS),
            Format::Table => {
                let event = &event.event;
                self.ui.answer(&format!("{}  {:<24}  {}\n", event.created_at, clean(event.event_type.as_str()), clean(event.id.as_str())))
            }
        }
    }

    /// What came of posting it.
    pub fn answer(&mut self, event: &LiveEvent, told: &Told<'_>) -> Result<(), Failure> {
        let (id, event_type) = (event.event.id.as_str(), event.event.event_type.as_str());
        let line = Line { event_id: id, event_type, cursor: &event.cursor, told };
        match self.ui.format {
            Format::Json | Format::Ndjson => self.ui.line(&line),
            Format::Csv => self.row(&line, ANSWERS),
            Format::Table => {
                let answer = match (told.status, &told.failure) {
                    (Some(status), _) => status.to_string(),
                    (None, failure) => clean(failure.as_deref().unwrap_or("no answer")),
                };
                let again = told.again_in_seconds.map_or_else(String::new, |seconds| format!(", again in {seconds} s"));
                let (event_type, id, took) = (clean(event_type), clean(id), told.duration_ms);
                self.ui.answer(&format!("{event_type:<24}  {id}  → {answer} ({took} ms){again}\n"))
            }
        }
    }

    fn row(&mut self, thing: &impl Serialize, columns: &[&str]) -> Result<(), Failure> {
        let thing: Value = serde_json::to_value(thing).map_err(|error| Failure::internal(error.to_string()))?;
        let header = if std::mem::replace(&mut self.begun, true) { String::new() } else { csv::header(columns) };
        self.ui.answer(&(header + &csv::row(&thing, columns)))
    }
}
