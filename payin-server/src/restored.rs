//! `payin-server restored`: a person has restored a backup, and is told what that means. It only puts away what may be somebody's.

use anyhow::ensure;

use crate::app::pool::restored::{PutAway, Restored};
use crate::config::Config;
use crate::{resume, serve};

/// The most addresses that are derived for each extended public key.
const DERIVED_MAX: u32 = 100_000;

/// What may have happened since the backup was made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// So many addresses may have been derived from each extended public key.
    pub derived_since: u32,
    /// The person need not be asked.
    pub yes: bool,
}

const MEANING: &str = "This database is an older one: what happened after the backup was made is not in it. The chains are read again from \
    where it ends, and payments to what it knows are credited as before, under the same event ids. But every address that it takes for free \
    may have been given to an order or a payer since. All of them are put away: what they receive is recorded and shown as unmatched, and is \
    nobody's by mistake. Then import or derive new ones.";

const LEFT: &str = "Now: 1. Import addresses that were never used before, or nothing where there is an extended public key: more are derived. \
    Do not import again what was imported since the backup. 2. API keys that were revoked since the backup are good again, and people who were \
    removed are back: `payin-server keys list`, `keys revoke`. 3. What comes to addresses that were put away is under `payin transfers list \
    --status unmatched`. An address that you know was given to nobody can be taken back with `payin addresses restore`.";

/// Puts away what may be somebody's.
///
/// # Errors
/// If the person does not want it, a number is out of bounds, or what the database says.
pub async fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    ensure!(options.derived_since <= DERIVED_MAX, "--derived-since must be at most {DERIVED_MAX}");
    eprintln!("{MEANING}");
    if !options.yes {
        resume::confirm("restored")?;
    }
    let app = serve::app(config).await?;
    let done = app.store.write(Restored::new(&app, options.derived_since)).await;
    app.store.close().await;
    let PutAway { addresses, derived } = done?;
    eprintln!("{addresses} addresses were put away, {derived} of them derived for it.\n{LEFT}");
    Ok(())
}
