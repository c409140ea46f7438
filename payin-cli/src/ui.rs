//! Where words go: answers to stdout, everything else to stderr. The only file that writes to either.
//! A reader that has gone away ends the program quietly; a terminal is never sent what a server made up.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::text::clean;

/// The rows of one table, where they come one after the other.
const ROWS_MAX: usize = 100;

/// The columns of a page that nobody looks at through a terminal.
const WIDTH: usize = 100;

pub struct Ui {
    pub format: Format,
    quiet: bool,
    /// Whether stderr holds a line that is being rewritten.
    live: Cell<bool>,
}

impl Ui {
    pub fn new(format: Option<Format>, quiet: bool) -> Self {
        Self { format: format.unwrap_or_else(default_format), quiet, live: Cell::new(false) }
    }

    /// Whether progress may be drawn over itself.
    pub fn is_live(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// One thing as the answer.
    pub fn record(&self, thing: &impl Serialize, columns: &[&str]) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => pretty(thing)?,
            Format::Ndjson => line(thing)?,
            Format::Csv => output::csv::header(columns) + &output::csv::row(&value(thing)?, columns),
            Format::Table => output::table::record(&value(thing)?, columns),
        };
        self.answer(&text)
    }

    /// Many things as the answer; in JSON they stand within `whole`, as the server sent it.
    pub fn list<T: Serialize>(&self, whole: &impl Serialize, things: &[T], columns: &[&str]) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => pretty(whole)?,
            Format::Ndjson => things.iter().map(line).collect::<Result<String, _>>()?,
            Format::Csv => {
                let rows = things.iter().map(|thing| Ok(output::csv::row(&value(thing)?, columns)));
                output::csv::header(columns) + &rows.collect::<Result<String, Failure>>()?
            }
            Format::Table => {
                let rows = things.iter().map(value).collect::<Result<Vec<_>, _>>()?;
                output::table::list(&rows, columns, room())
            }
        };
        self.answer(&text)
    }

    /// Things as they come, each written at once, so that any number fits into memory. Tables are drawn a hundred rows at a time,
    /// because of their widths.
    pub async fn stream<T: Serialize>(
        &self,
        mut next: impl AsyncFnMut() -> Result<Option<T>, Failure>,
        columns: &[&str],
    ) -> Result<(), Failure> {
        let mut rows = Vec::new();
        if self.format == Format::Csv {
            self.answer(&output::csv::header(columns))?;
        }
        while let Some(thing) = next().await? {
            match self.format {
                Format::Json | Format::Ndjson => self.answer(&line(&thing)?)?,
                Format::Csv => self.answer(&output::csv::row(&value(&thing)?, columns))?,
                Format::Table => rows.push(value(&thing)?),
            }
            if rows.len() >= ROWS_MAX {
                self.answer(&output::table::list(&rows, columns, room()))?;
                rows.clear();
            }
        }
        self.answer(&output::table::list(&rows, columns, room()))
    }

    /// One thing as one line of JSON, now.
    pub fn line(&self, thing: &impl Serialize) -> Result<(), Failure> {
        self.answer(&line(thing)?)
    }

    /// Text as the answer, ready as it is.
    pub fn answer(&self, text: &str) -> Result<(), Failure> {
        self.end_live();
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::BrokenPipe),
            Err(error) => Err(Failure::internal(format!("cannot write the answer: {error}"))),
        }
    }

    /// A remark for people.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{}\n", clean(text)));
        }
    }

    /// A drawing of our own making for people, asked for by name, hence not silenced.
    pub fn draw(&self, drawing: &str) {
        self.say(&format!("{drawing}\n"));
    }

    /// Progress: rewritten on a terminal, a line of its own elsewhere.
    pub fn progress(&self, text: &str) {
        if !self.is_live() {
            return self.note(text);
        }
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        let line: String = clean(text).chars().take(width.saturating_sub(1)).collect();
        self.live.set(false);
        self.say(&format!("\r\u{1b}[2K{line}"));
        self.live.set(true);
    }

    /// Tells a failure, and says which exit code goes with it.
    pub fn fail(&self, failure: &Failure) -> Exit {
        let Failure::Told(report) = failure else { return Exit::Ok };
        let text = match self.format {
            Format::Json | Format::Ndjson => serde_json::to_string(report).unwrap_or_default(),
            Format::Table | Format::Csv => report.to_text(),
        };
        self.say(&format!("{text}\n"));
        report.exit
    }

    fn end_live(&self) {
        if self.live.take() {
            let _ = io::stderr().write_all(b"\n");
        }
    }

    /// A closed stderr is no reason to stop.
    fn say(&self, text: &str) {
        self.end_live();
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// The format where none is asked for.
pub fn default_format() -> Format {
    if io::stdout().is_terminal() { Format::Table } else { Format::Json }
}

/// How wide a table may be.
fn room() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0))
}

fn value(thing: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(thing).map_err(unwritable)
}

fn pretty(thing: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(thing).map(|text| text + "\n").map_err(unwritable)
}

fn line(thing: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(thing).map(|text| text + "\n").map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::internal(format!("cannot write the answer: {error}"))
}
