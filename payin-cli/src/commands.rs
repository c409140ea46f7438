//! What commands share, and which function runs which. A command's file holds its arguments (whose comments are its help)
//! and one `run`.

pub mod addresses;
pub mod chains;
pub mod completions;
pub mod config;
pub mod conformance;
pub mod cryptopay;
pub mod deposits;
pub mod doctor;
pub mod fields;
pub mod input;
pub mod keys;
pub mod links;
pub mod listen;
pub mod login;
pub mod logout;
pub mod man;
pub mod once;
pub mod orders;
pub mod orgs;
pub mod pages;
pub mod paywarden;
pub mod sandbox;
pub mod transfers;
pub mod trigger;
pub mod webhooks;
pub mod whoami;

use std::cell::{Cell, RefCell};

use clap::ValueEnum;
use clap::error::ErrorKind;
use payin_sdk::Client;

use crate::args::{Access, Command};
use crate::config::{Credentials, Variables};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Format;
use crate::ui::{Ui, default_format};

/// What every command is given.
pub struct Context {
    pub ui: Ui,
    pub access: Access,
    pub variables: Variables,
    /// What to tell if we are interrupted now.
    unfinished: RefCell<Option<String>>,
    /// Whether the command ends by itself when it is interrupted, after it has taken back what it made.
    tidies_up: Cell<bool>,
}

impl Context {
    pub fn new(ui: Ui, access: Access, variables: Variables) -> Self {
        Self { ui, access, variables, unfinished: RefCell::new(None), tidies_up: Cell::new(false) }
    }

    /// The client. Only commands that need one ask, so the others run without a key.
    pub fn client(&self) -> Result<Client, Failure> {
        crate::config::client(&self.credentials()?)
    }

    /// The client of the CryptoPay API, which takes a session as well as a key.
    pub fn cryptopay(&self) -> Result<Client, Failure> {
        self.note_precedence();
        crate::config::client_of(crate::config::login(&self.access, &self.variables)?)
    }

    /// The key in force, and where it goes.
    pub fn credentials(&self) -> Result<Credentials, Failure> {
        self.note_precedence();
        crate::config::credentials(&self.access, &self.variables)
    }

    fn note_precedence(&self) {
        if self.access.profile.is_some() && self.variables.has_key() {
            self.ui.note("PAYIN_API_KEY is set and goes before the profile: unset it to use the profile");
        }
    }

    /// From here on an interrupt leaves something behind, that the reader should know of.
    pub fn leaves_behind(&self, what: impl Into<String>) {
        *self.unfinished.borrow_mut() = Some(what.into());
    }

    /// From here on the command hears of an interrupt itself, and only a second one ends it at once.
    pub fn tidies_up(&self) {
        self.tidies_up.set(true);
    }

    /// Ends when the program is to end at once.
    pub async fn interrupt(&self) {
        interrupt::heard().await;
        if self.tidies_up.get() {
            interrupt::heard().await;
        }
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
        Command::Deposits(command) => deposits::run(context, command).await,
        Command::Cryptopay(command) => cryptopay::run(context, command).await,
        Command::Paywarden(command) => paywarden::run(context, command).await,
        Command::Transfers(command) => transfers::run(context, command).await,
        Command::Links(command) => links::run(context, command).await,
        Command::Webhooks(command) => webhooks::run(context, command).await,
        Command::Listen(args) => listen::run(context, args).await,
        Command::Trigger(args) => trigger::run(context, args).await,
        Command::Sandbox(command) => sandbox::run(context, command).await,
        Command::Config(command) => config::run(context, command).await,
        Command::Orgs(command) => orgs::run(context, command).await,
        Command::Keys(command) => keys::run(context, command).await,
        Command::Chains(command) => chains::run(context, command).await,
        Command::Doctor(args) => doctor::run(context, args).await,
        Command::Conformance(args) => conformance::run(context, args).await,
        Command::Login(args) => login::run(context, args).await,
        Command::Logout(args) => logout::run(context, args),
        Command::Whoami(args) => whoami::run(context, args).await,
        Command::Completions(args) => completions::run(context, args),
        Command::Man(args) => man::run(context, args),
    }
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
