//! `payin webhooks endpoints rotate-secret`.

use std::path::PathBuf;

use payin_sdk::RotateSecret;
use payin_sdk::types::ExposeSecret;

use super::super::super::Context;
use super::super::super::once::Once;
use super::super::scheme;
use super::Id;
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
While the old secret is valid, deliveries are signed with both; a handler may know either.

Examples:
  payin webhooks endpoints rotate-secret we_2Xk… --old-secret-valid-hours 24
  payin webhooks endpoints rotate-secret we_2Xk… --old-secret-valid-hours 0     # it has leaked")]
pub struct Args {
    #[command(flatten)]
    id: Id,

    /// A file with the new secret, 16 characters or more [default: the server makes one]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// For how many hours deliveries are signed with the old secret too [default: as the server says]
    #[arg(long, value_name = "HOURS")]
    old_secret_valid_hours: Option<u32>,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let secret = args.secret_file.as_deref().map(scheme::secret).transpose()?.map(|secret| secret.expose_secret().to_owned());
    let body = RotateSecret { secret, old_secret_valid_hours: args.old_secret_valid_hours };
    let call = client.webhook_endpoints().rotate_secret(&args.id.id.into(), &body);
    let endpoint = args.once.send(context, &client, call).await?;
    context.ui.record(&endpoint, columns::ENDPOINT)
}
