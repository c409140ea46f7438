//! `payin logout`.

use serde_json::json;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key stays valid: to revoke it, payin keys delete KEY_ID.

Example:
  payin logout --profile shop")]
pub struct Args {}

pub fn run(context: &Context, _: Args) -> Result<(), Failure> {
    let name = context.variables.profile(&context.access);
    if !context.variables.profiles()?.locked()?.remove(name)? {
        return Err(Failure::new(Exit::NotFound, "NO_PROFILE", format!("there is no profile {name:?}")));
    }
    if context.variables.has_key() {
        context.ui.note("PAYIN_API_KEY is still set");
    }
    context.ui.record(&json!({ "profile": name, "success": true }), &["profile", "success"])
}
