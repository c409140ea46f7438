//! `payin login`.

use payin_sdk::SecretString;
use serde_json::json;

use super::{Context, input};
use crate::config::{self, Credentials};
use crate::failure::Failure;
use crate::profiles::{Keeping, Profile, Secret};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is read from a hidden prompt or, piped, from standard input; no flag takes it, because other users can
read flags. It is checked with the server, and kept with the base URL, if one is given, and --allow-http.

Examples:
  payin login
  payin login --profile shop --base-url https://pay.shop.example < key.txt")]
pub struct Args {
    /// Where the key is kept [default: in the system's keyring, or in a file where there is none]
    #[arg(long, value_enum, value_name = "PLACE")]
    keep_in: Option<Keeping>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (variables, access) = (&context.variables, &context.access);
    let api_key = SecretString::from(input::secret_line("API key")?.trim());
    let base_url = variables.base_url(access).map(str::to_owned);
    let profile = Profile::new(base_url.clone(), access.allow_http);
    let credentials =
        Credentials { api_key: api_key.clone(), source: "standard input".to_owned(), base_url, allow_http: access.allow_http };
    let client = config::client(&credentials)?;
    let me = client.me().await?;
    let kept = keep(context, &profile, &Secret::Key(api_key), args.keep_in)?;
    let told = json!({
        "profile": variables.profile(access),
        "keptIn": kept.place().rsplit(' ').next(),
        "baseUrl": client.base_url(),
        "organization": me.organization,
        "role": me.role,
        "environment": me.environment,
    });
    context.ui.record(&told, &["profile", "keptIn", "baseUrl", "organization.id", "organization.name", "role", "environment"])
}

/// Keeps what somebody has logged in with as the profile that is meant: where they say, else in the keyring, or in a file without one.
pub fn keep(context: &Context, profile: &Profile, secret: &Secret, keep_in: Option<Keeping>) -> Result<Profile, Failure> {
    let variables = &context.variables;
    let (name, profiles) = (variables.profile(&context.access), variables.profiles()?.locked()?);
    let put = |keeping| profiles.put(name, profile.clone(), secret, keeping);
    let kept = match put(keep_in.unwrap_or(Keeping::Keyring)) {
        Err(Failure::Told(report)) if keep_in.is_none() && report.code == "NO_KEYRING" => {
            context.ui.note(&format!("{}: it is kept in a file that only you may read", report.message));
            put(Keeping::File)?
        }
        other => other?,
    };
    if variables.has_key() {
        context.ui.note("PAYIN_API_KEY is set and goes before this profile: unset it to use what was kept");
    }
    Ok(kept)
}
