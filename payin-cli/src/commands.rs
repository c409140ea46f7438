//! What commands share, and which function runs which. A command's file holds its arguments (whose comments are its help)
//! and one `run`.

pub mod addresses;
pub mod completions;
pub mod input;
pub mod orders;
pub mod sandbox;
pub mod webhooks;
pub mod whoami;

use std::cell::RefCell;

use clap::ValueEnum;
use clap::error::ErrorKind;
use payin_sdk::Client;
use payin_sdk::types::Pagination;

use crate::args::Command;
use crate::config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::ui::{Ui, default_format};

/// What every command is given.
pub struct Context {
    pub ui: Ui,
    base_url: Option<String>,
    /// What to tell if we are interrupted now.
    unfinished: RefCell<Option<String>>,
}

impl Context {
    pub fn new(ui: Ui, base_url: Option<String>) -> Self {
        Self { ui, base_url, unfinished: RefCell::new(None) }
    }

    /// The client. Only commands that need one ask, so the others run without a key.
    pub fn client(&self) -> Result<Client, Failure> {
        config::client(self.base_url.as_deref())
    }

    /// From here on an interrupt leaves something behind, that the reader should know of.
    pub fn leaves_behind(&self, what: impl Into<String>) {
        *self.unfinished.borrow_mut() = Some(what.into());
    }

    pub fn interrupted(&self) -> Failure {
        let failure = Failure::new(Exit::Interrupted, "INTERRUPTED", "interrupted");
        match self.unfinished.borrow().as_ref() {
            Some(what) => failure.hint(what.clone()),
            None => failure,
        }
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Orders(command) => orders::run(context, command).await,
        Command::Addresses(command) => addresses::run(context, command).await,
        Command::Webhooks(command) => webhooks::run(context, command).await,
        Command::Sandbox(command) => sandbox::run(context, command).await,
        Command::Whoami(args) => whoami::run(context, args).await,
        Command::Completions(args) => completions::run(context, args),
    }
}

/// Where a page stands, for people.
fn position(pagination: &Pagination) -> String {
    let Pagination { page, total_pages, total, has_more, .. } = pagination;
    let more = if *has_more { "; --page N shows another" } else { "" };
    format!("page {page} of {total_pages}, {total} in all{more}")
}

/// Says what is wrong with the command line, or gives the help or version that was asked for.
pub fn refuse(error: &clap::Error) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that has gone away does not miss it.
        let _ = error.print();
        return Exit::Ok;
    }
    let format = asked_format(std::env::args()).unwrap_or_else(default_format);
    if matches!(format, Format::Json | Format::Ndjson) {
        let text = error.render().to_string();
        Ui::new(Some(format), false).fail(&Failure::usage(text.trim().trim_start_matches("error: ")))
    } else {
        let _ = error.print();
        Exit::Usage
    }
}

/// The `--output` of a command line that could not be read otherwise.
fn asked_format(args: impl Iterator<Item = String>) -> Option<Format> {
    let args: Vec<_> = args.collect();
    let follows = args.windows(2).find_map(|pair| match pair {
        [flag, value] if flag == "--output" || flag == "-o" => Some(value.as_str()),
        _ => None,
    });
    let within = || args.iter().find_map(|arg| arg.strip_prefix("--output=").or_else(|| arg.strip_prefix("-o").filter(|v| !v.is_empty())));
    Format::from_str(follows.or_else(within)?, true).ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        crate::args::Args::command().debug_assert();
    }

    #[test]
    fn the_format_is_found_in_a_broken_command_line() {
        let of = |line: &str| asked_format(line.split(' ').map(str::to_owned));
        assert_eq!(of("payin --output json bad"), Some(Format::Json));
        assert_eq!(of("payin bad --output=csv"), Some(Format::Csv));
        assert_eq!(of("payin bad -ondjson"), Some(Format::Ndjson));
        assert_eq!(of("payin bad"), None);
        assert_eq!(of("payin --output"), None);
    }
}
