//! `payin man`.

use clap::CommandFactory;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin man | man -l -\n  payin man payin-orders-create | man -l -")]
pub struct Args {
    /// Of which command, such as payin-orders-create [default: of the program]
    #[arg(value_name = "PAGE")]
    page: Option<String>,
}

pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut program = crate::args::Args::command();
    program.build();
    let page = args.page.unwrap_or_else(|| "payin".to_owned());
    let mut names = page.split('-').map(str::to_owned);
    let mut command = match names.next().as_deref() {
        Some("payin") => &program,
        _ => return Err(unknown(&page)),
    };
    // Names of commands have hyphens of their own (rotate-secret): as long a one as there is.
    let mut name = String::new();
    for part in names {
        name = if name.is_empty() { part } else { format!("{name}-{part}") };
        if let Some(found) = command.find_subcommand(&name) {
            (command, name) = (found, String::new());
        }
    }
    if !name.is_empty() {
        return Err(unknown(&page));
    }
    let mut text = Vec::new();
    let written = clap_mangen::Man::new(command.clone()).render(&mut text);
    written.map_err(|error| Failure::internal(format!("cannot write the page: {error}")))?;
    context.ui.answer(&String::from_utf8_lossy(&text))
}

fn unknown(page: &str) -> Failure {
    Failure::usage(format!("there is no page {page:?}; pages are named like commands: payin, payin-orders, payin-orders-create, …"))
}
