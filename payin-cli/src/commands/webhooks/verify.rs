//! `payin webhooks verify`: the verifier that merchants use, by hand.

use std::path::PathBuf;
use std::time::Duration;

use payin_sdk::webhook::{self, Claim, Genuine, Verifier, VerifyError};
use payin_sdk::{SecretString, Timestamp};
use serde_json::json;

use super::super::Context;
use super::scheme::{self, Scheme};
use crate::clock;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  payin webhooks verify --secret-file secret.txt --signature 't=1737369000,v1=5257a8…' --body body.json")]
pub struct Args {
    /// A file with the endpoint's secret; give it again for each further secret of a rotation
    #[arg(long, value_name = "FILE", required = true)]
    secret_file: Vec<PathBuf>,

    /// The value of the signature header
    #[arg(long, value_name = "HEADER VALUE", allow_hyphen_values = true)]
    signature: String,

    /// How the webhook is signed
    #[arg(long, value_enum, default_value = "payin")]
    scheme: Scheme,

    /// How far the signature's time may lie from now, both ways, in seconds; 0 checks no time
    #[arg(long, value_name = "SECONDS", default_value_t = webhook::TOLERANCE.as_secs())]
    tolerance: u64,

    /// The value of webhook-id, for the standard scheme
    #[arg(long, value_name = "ID", required_if_eq("scheme", "standard"))]
    id: Option<String>,

    /// The value of webhook-timestamp, for the standard scheme
    #[arg(long, value_name = "UNIX SECONDS", required_if_eq("scheme", "standard"))]
    timestamp: Option<String>,

    /// The body exactly as received: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
}

pub fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let (secrets, body) = scheme::secrets_and_body(&args.secret_file, &args.body)?;
    let genuine = check(&args, secrets, &body, clock::now())
        .map_err(|error| Failure::new(Exit::NotAsserted, "NOT_GENUINE", format!("the webhook is not genuine: {error}")))?;
    let scheme = clap::ValueEnum::to_possible_value(&args.scheme);
    let told = json!({
        "genuine": true,
        "scheme": scheme.map(|scheme| scheme.get_name().to_owned()),
        "signedAt": genuine.signed_at,
        "secretFile": args.secret_file.get(genuine.secret).map(|path| path.display().to_string()),
    });
    context.ui.record(&told, &["genuine", "scheme", "signedAt", "secretFile"])
}

fn check(args: &Args, secrets: Vec<SecretString>, body: &[u8], now: Timestamp) -> Result<Genuine, VerifyError> {
    let mut secrets = secrets.into_iter();
    let verifier = secrets.next().map(Verifier::new).ok_or(VerifyError::NoSecret)?;
    let verifier = secrets.fold(verifier, Verifier::or_secret).tolerance(Some(args.tolerance).filter(|s| *s > 0).map(Duration::from_secs));
    let signature = value_of(args.scheme.header(), &args.signature);
    let claim = match args.scheme {
        Scheme::Payin => Claim::payin(signature),
        Scheme::Paywarden => Claim::of(webhook::Scheme::PayWarden, signature),
        Scheme::Cryptopay => Claim::of(webhook::Scheme::CryptoPay, signature),
        Scheme::Standard => {
            let id = value_of(webhook::STANDARD_ID, args.id.as_deref().unwrap_or_default());
            let timestamp = value_of(webhook::STANDARD_TIMESTAMP, args.timestamp.as_deref().unwrap_or_default());
            Claim::standard(id, timestamp, signature)
        }
    };
    verifier.verify(claim, body, now)
}

/// A header's value; people paste the whole line.
fn value_of<'a>(header: &str, pasted: &'a str) -> &'a str {
    let line = pasted.split_once(':').filter(|(name, _)| name.trim().eq_ignore_ascii_case(header));
    line.map_or(pasted, |(_, value)| value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of some length";
    const NOW: Timestamp = Timestamp::from_secs(1_737_369_000);

    fn args(scheme: Scheme, signature: String, tolerance: u64) -> Args {
        let time = Some(NOW.secs().to_string());
        Args { secret_file: vec![], signature, scheme, tolerance, id: Some("evt_1".to_owned()), timestamp: time, body: "-".into() }
    }

    fn verdict(args: &Args, now: Timestamp) -> Result<usize, VerifyError> {
        check(args, vec!["another secret entirely".into(), SECRET.into()], b"{}", now).map(|genuine| genuine.secret)
    }

    #[test]
    fn every_scheme_is_checked() {
        let secrets = [SecretString::from(SECRET)];
        for (scheme, signature) in [
            (Scheme::Payin, webhook::sign_payin(&secrets, NOW, b"{}")),
            (Scheme::Payin, format!("x-payin-signature: {}", webhook::sign_payin(&secrets, NOW, b"{}"))),
            (Scheme::Standard, webhook::sign_standard(&secrets, "evt_1", NOW, b"{}")),
            (Scheme::Paywarden, webhook::sign_paywarden(&secrets[0], b"{}")),
            (Scheme::Cryptopay, webhook::sign_cryptopay(&secrets[0], b"{}")),
        ] {
            assert_eq!(verdict(&args(scheme, signature.clone(), 300), NOW), Ok(1), "{signature}");
            let forged = signature.replace(['0', '1', 'A', 'a'], "b");
            assert!(verdict(&args(scheme, forged, 300), NOW).is_err(), "{signature}");
        }
    }

    #[test]
    fn zero_tolerance_checks_no_time() {
        let signature = webhook::sign_payin(&[SecretString::from(SECRET)], NOW, b"{}");
        let later = Timestamp::from_secs(NOW.secs() + 301);
        assert!(matches!(verdict(&args(Scheme::Payin, signature.clone(), 300), later), Err(VerifyError::Stale { .. })));
        assert_eq!(verdict(&args(Scheme::Payin, signature, 0), later), Ok(1));
    }
}
