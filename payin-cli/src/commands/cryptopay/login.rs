//! `payin cryptopay login`.

use std::io::{BufRead, IsTerminal};

use payin_sdk::{Client, SecretString};
use serde_json::json;

use super::super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::profiles::{Keeping, Profile};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The password is read from a hidden prompt or, piped, from standard input; no flag takes it, because other users can
read flags. What is kept is the access token, which is good for 24 hours, for the commands of `payin cryptopay`.

Examples:
  payin cryptopay login --username alice --profile shop --base-url https://pay.shop.example
  payin cryptopay orders list --profile shop")]
pub struct Args {
    /// Your name, or your e-mail address
    #[arg(long, value_name = "NAME")]
    username: String,

    /// Where the token is kept
    #[arg(long, value_enum, value_name = "PLACE", default_value = "file")]
    keep_in: Keeping,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (variables, access) = (&context.variables, &context.access);
    let name = variables.profile(access);
    let base_url = variables.base_url(access).map(str::to_owned);
    let url = base_url.as_deref().ok_or_else(|| Failure::usage("no server is named: say --base-url or PAYIN_BASE_URL"))?;
    let password = read_password()?;
    let builder = Client::builder().base_url(url).allow_http(access.allow_http);
    let (client, user) = builder.log_in(&args.username, &password).await?;
    let tokens = client.cryptopay().tokens().ok_or_else(|| Failure::internal("a session without tokens"))?;
    let profile = Profile::new(base_url, access.allow_http);
    let kept = variables.profiles()?.put(name, profile, &tokens.access, args.keep_in)?;
    if variables.has_key() {
        context.ui.note("PAYIN_API_KEY is set and goes before this profile: unset it to use what was kept");
    }
    let told = json!({ "profile": name, "keptIn": kept.place().rsplit(' ').next(), "baseUrl": client.base_url(), "user": user });
    context.ui.record(&told, &["profile", "keptIn", "baseUrl", "user.id", "user.username", "user.email"])
}

fn read_password() -> Result<SecretString, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read the password: {error}"));
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("Password (not shown): ").map_err(failed)?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::new(Exit::Usage, "USAGE", "no password was given").hint("type it at the prompt, or pipe it in")),
        password => Ok(SecretString::from(password)),
    }
}
