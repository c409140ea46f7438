//! `payin webhooks sign`: the headers that a server would send.

use std::path::PathBuf;

use payin_sdk::types::ExposeSecret;
use payin_sdk::{Timestamp, webhook};
use serde_json::{Map, Value};

use super::super::Context;
use super::scheme::{self, Scheme};
use crate::clock;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  payin webhooks sign --secret-file secret.txt --body body.json --output table > headers
  curl -H @headers --data-binary @body.json http://localhost:8080/webhooks")]
pub struct Args {
    /// A file with the endpoint's secret; give it again for a signature with each secret of a rotation
    #[arg(long, value_name = "FILE", required = true)]
    secret_file: Vec<PathBuf>,

    /// How to sign
    #[arg(long, value_enum, default_value = "payin")]
    scheme: Scheme,

    /// When it is signed, in Unix seconds [default: now]
    #[arg(long, value_name = "UNIX SECONDS")]
    timestamp: Option<i64>,

    /// The event's id, for the standard scheme
    #[arg(long, value_name = "ID", required_if_eq("scheme", "standard"))]
    id: Option<String>,

    /// The body: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
}

pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (secrets, body) = scheme::secrets_and_body(&args.secret_file, &args.body)?;
    if let Some((_, path)) = secrets.iter().zip(&args.secret_file).find(|(secret, _)| is_wrapped(secret.expose_secret())) {
        context.ui.note(&format!("the secret in {} begins or ends with white space, which is taken for a part of it", path.display()));
    }
    let at = args.timestamp.map_or_else(clock::now, Timestamp::from_secs);
    let single = || match secrets.as_slice() {
        [secret] => Ok(secret),
        _ => Err(Failure::usage("this scheme signs with one secret")),
    };
    let id = args.id.unwrap_or_default();
    // A full stop ends it in what is signed, and a header holds what can be seen.
    if args.scheme == Scheme::Standard && (id.is_empty() || id.bytes().any(|byte| byte == b'.' || !byte.is_ascii_graphic())) {
        return Err(Failure::usage("--id is not empty, and has visible ASCII characters only, and no full stop"));
    }
    let signature = match args.scheme {
        Scheme::Payin => webhook::sign_payin(&secrets, at, &body),
        Scheme::Standard => webhook::sign_standard(&secrets, &id, at, &body),
        Scheme::Paywarden => webhook::sign_paywarden(single()?, &body),
        Scheme::Cryptopay => webhook::sign_cryptopay(single()?, &body),
    };
    let mut headers = vec![(args.scheme.header(), signature)];
    if args.scheme == Scheme::Standard {
        headers.extend([(webhook::STANDARD_ID, id), (webhook::STANDARD_TIMESTAMP, at.secs().to_string())]);
    }
    if context.ui.format == Format::Table {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        return context.ui.answer(&lines);
    }
    let columns: Vec<&'static str> = headers.iter().map(|(name, _)| *name).collect();
    let told: Map<String, Value> = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    context.ui.record(&told, &columns)
}

fn is_wrapped(secret: &str) -> bool {
    secret.trim().len() < secret.len()
}
