//! `payin completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  payin completions bash > ~/.local/share/bash-completion/completions/payin")]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "payin", &mut script);
    context.ui.answer(&String::from_utf8_lossy(&script))
}
