//! `payin login`.

use std::io::{BufRead, IsTerminal};

use payin_sdk::SecretString;
use serde_json::json;

use super::Context;
use crate::config::{self, Credentials};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::profiles::{Keeping, Profile};

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
    let name = variables.profile(access);
    let (api_key, base_url) = (read_key()?, variables.base_url(access).map(str::to_owned));
    let profile = Profile::new(base_url.clone(), access.allow_http);
    let credentials = Credentials { api_key, source: "standard input".to_owned(), base_url, allow_http: access.allow_http };
    let client = config::client(&credentials)?;
    let me = client.me().await?;
    let profiles = variables.profiles()?;
    let kept = match args.keep_in {
        Some(keeping) => profiles.put(name, profile, &credentials.api_key, keeping)?,
        None => match profiles.put(name, profile.clone(), &credentials.api_key, Keeping::Keyring) {
            Err(Failure::Told(report)) if report.code == "NO_KEYRING" => {
                context.ui.note(&format!("{}: it is kept in a file that only you may read", report.message));
                profiles.put(name, profile, &credentials.api_key, Keeping::File)?
            }
            other => other?,
        },
    };
    if variables.has_key() {
        context.ui.note("PAYIN_API_KEY is set and goes before this profile: unset it to use what was kept");
    }
    let told = json!({
        "profile": name,
        "keptIn": kept.place().rsplit(' ').next(),
        "baseUrl": client.base_url(),
        "organization": me.organization,
        "role": me.role,
        "environment": me.environment,
    });
    context.ui.record(&told, &["profile", "keptIn", "baseUrl", "organization.id", "organization.name", "role", "environment"])
}

fn read_key() -> Result<SecretString, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read the key: {error}"));
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("API key (not shown): ").map_err(failed)?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    match text.trim() {
        "" => Err(Failure::new(Exit::Usage, "USAGE", "no key was given").hint("payin login < key.txt, or type it at the prompt")),
        key => Ok(SecretString::from(key)),
    }
}
