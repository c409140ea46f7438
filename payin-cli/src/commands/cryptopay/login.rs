//! `payin cryptopay login`.

use payin_sdk::SecretString;
use serde_json::json;

use super::super::login::keep;
use super::super::{Context, input};
use crate::config;
use crate::failure::Failure;
use crate::profiles::{Keeping, Profile, Secret};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The password is read from a hidden prompt or, piped, from standard input; no flag takes it, because other users can
read flags. It is not kept: what is kept is the session that it begins, for the commands of `payin cryptopay`, which
prolong it as they go. Unused for 30 days it is over.

Examples:
  payin cryptopay login --username alice --profile shop --base-url https://pay.shop.example
  payin cryptopay orders list --profile shop")]
pub struct Args {
    /// Your name, or your e-mail address
    #[arg(long, value_name = "NAME")]
    username: String,

    /// Where the session is kept [default: in the system's keyring, or in a file where there is none]
    #[arg(long, value_enum, value_name = "PLACE")]
    keep_in: Option<Keeping>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (variables, access) = (&context.variables, &context.access);
    let url = variables.base_url(access).ok_or_else(|| Failure::usage("no server is named: say --base-url or PAYIN_BASE_URL"))?;
    let password = SecretString::from(input::secret_line("password")?);
    let builder = config::builder(Some(url), access.allow_http);
    let (client, user) = builder.log_in(&args.username, &password).await.map_err(config::in_clear)?;
    let tokens = client.cryptopay().tokens().ok_or_else(|| Failure::internal("a session without tokens"))?;
    let profile = Profile::new(Some(url.to_owned()), access.allow_http);
    let kept = keep(context, &profile, &Secret::Session(tokens), args.keep_in)?;
    let told = json!({
        "profile": variables.profile(access),
        "keptIn": kept.place().rsplit(' ').next(),
        "baseUrl": client.base_url(),
        "user": user,
    });
    context.ui.record(&told, &["profile", "keptIn", "baseUrl", "user.id", "user.username", "user.email"])
}
