//! `payin keys create`.

use payin_sdk::{CreateApiKey, Role, Timestamp};

use super::super::Context;
use super::super::once::Once;
use super::organization;
use crate::failure::Failure;
use crate::output::columns;
use crate::text;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin keys create --name reports --role viewer
  payin keys create --name till-3 --role admin --expires-at 2026-01-01")]
pub struct Args {
    /// What the key is for
    #[arg(long, value_name = "NAME")]
    name: String,

    /// What it may do: owner, admin, member or viewer; never more than the key that creates it
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,

    /// Until when it is taken: 2025-01-20 or 2025-01-20T10:30:00Z [default: until it is revoked]
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    expires_at: Option<Timestamp>,

    /// The organization [default: that of the key in use]
    #[arg(long, value_name = "ID")]
    organization: Option<String>,

    #[command(flatten)]
    once: Once,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let organization = organization(&client, args.organization).await?;
    let key = CreateApiKey { role: args.role, expires_at: args.expires_at, ..CreateApiKey::new(args.name) };
    let made = args.once.send(context, &client, client.api_keys().create(&organization, &key)).await?;
    context.ui.record(&made, columns::KEY)?;
    context.ui.note("this is the only time the key is shown: keep it now");
    Ok(())
}
