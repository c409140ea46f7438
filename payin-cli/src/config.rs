//! What the environment says: the only place where this program reads it.

use payin_sdk::Client;

use crate::failure::Failure;

/// How often a failed call is tried again: three pauses are 3.5 s at most, which a person at a terminal sits through.
const RETRIES_MAX: u32 = 3;

#[expect(clippy::disallowed_methods, reason = "the one file that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The client for `PAYIN_API_KEY`, at the URL of the flag or of `PAYIN_BASE_URL`.
pub fn client(base_url: Option<&str>) -> Result<Client, Failure> {
    let key = variable("PAYIN_API_KEY").ok_or_else(Failure::no_key)?;
    let mut builder = Client::builder().api_key(key).retries_max(RETRIES_MAX).user_agent(concat!("payin-cli/", env!("CARGO_PKG_VERSION")));
    if let Some(url) = base_url.map(str::to_owned).or_else(|| variable("PAYIN_BASE_URL")) {
        builder = builder.base_url(url);
    }
    Ok(builder.build()?)
}
