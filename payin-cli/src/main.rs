//! `payin`, the command line of the PayIn API: reads arguments, runs one command, says how it went by the exit code.
//! It must not hold rules of its own; what a command does stands in `commands/`, one file each.

mod args;
mod clock;
mod commands;
mod config;
mod exit;
mod failure;
mod interrupt;
mod output;
mod profiles;
mod qr;
mod text;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::commands::Context;
use crate::config::Variables;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::Ui;

fn main() -> ExitCode {
    // One provider for whatever in this process asks for the default; the SDK brings its own and does not ask.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return commands::refuse(&error).into(),
    };
    let ui = Ui::new(args.output, args.quiet);
    let context = Context::new(ui, args.access.clone(), Variables::read());
    let exit = match run(&context, args) {
        Ok(()) => Exit::Ok,
        Err(failure) => context.ui.fail(&failure),
    };
    exit.into()
}

fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            // The command first: an interrupt that comes with its end comes too late.
            biased;
            ended = commands::run(context, args.command) => ended,
            () = context.interrupt() => Err(context.interrupted()),
        }
    });
    // A thread that still reads from a pipe is not waited for.
    runtime.shutdown_background();
    ended
}
