//! `payin whoami`.

use super::Context;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, _: Args) -> Result<(), Failure> {
    let me = context.client()?.me().await?;
    context.ui.record(&me, output::ME)
}
