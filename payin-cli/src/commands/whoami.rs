//! `payin whoami`.

use super::Context;
use crate::failure::Failure;
use crate::output::{Format, columns};

#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, _: Args) -> Result<(), Failure> {
    let credentials = context.credentials()?;
    let client = crate::config::client(&credentials)?;
    context.ui.record(&client.me().await?, columns::ME)?;
    if context.ui.format == Format::Table {
        context.ui.note(&format!("the key is from {}, the server is {}", credentials.source, client.base_url()));
    }
    Ok(())
}
