//! The configuration of a production server: a TOML file, overridden by environment variables, checked as a whole. The only file of the
//! server that reads the environment.

mod chains;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use payin_core::client::{Network, NoNetwork};
use payin_core::quota::Limits;
use payin_core::{Units, delivery, order};
use payin_types::{Amount, Environment, OrganizationId};
use secrecy::SecretBox;
use serde::Deserialize;
use url::Url;

use crate::env::Targets;
use crate::http::dialect::{Apis, NATIVE};
use crate::store::Location;
use chains::{ChainFile, chain_source};
pub use chains::{ChainSource, Node};

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    environment: Option<Environment>,
    listen: Option<String>,
    database: Option<String>,
    /// Which APIs are spoken, by name.
    apis: Option<Vec<String>>,
    /// Where payers reach the server.
    public_url: Option<String>,
    /// Whether anybody may register through an API that knows people.
    #[serde(default)]
    open_registration: bool,
    /// Whether there is a dashboard; there is where nothing is said.
    dashboard: Option<bool>,
    /// Whose `X-Forwarded-For` is believed.
    #[serde(default)]
    trusted_proxies: Vec<String>,
    /// A file with 64 hexadecimal digits.
    master_key_file: Option<String>,
    /// During a rotation, the key before.
    previous_master_key_file: Option<String>,
    #[serde(default)]
    orders: Orders,
    #[serde(default)]
    webhooks: Webhooks,
    #[serde(default)]
    rate_limits: RateLimits,
    #[serde(default)]
    chains: BTreeMap<String, ChainFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Orders {
    payment_window_minutes: Option<u64>,
    grace_period_minutes: Option<u64>,
    max_total_timeout_minutes: Option<u64>,
    cooldown_minutes: Option<u64>,
    tolerance: Option<Amount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhooks {
    #[serde(default)]
    allow_http: bool,
    #[serde(default)]
    allow_private: bool,
    retry_seconds: Option<Vec<u64>>,
    disable_after_days: Option<u64>,
    keep_log_days: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimits {
    enabled: Option<bool>,
    per_minute: Option<u64>,
    per_hour: Option<u64>,
    per_day: Option<u64>,
    /// Requests an hour that were agreed with an organization, by its id.
    #[serde(default)]
    organizations: HashMap<OrganizationId, u64>,
}

/// The configuration, checked.
pub struct Config {
    /// Whether real money moves here.
    pub environment: Environment,
    /// Where to listen.
    pub listen: String,
    /// Which APIs are spoken.
    pub apis: Apis,
    /// Where payers reach the server, without a slash at the end.
    pub public_url: Option<String>,
    /// Whether anybody may register, through an API that knows people. Not unless the operator says so: who registers has an organization
    /// here, and addresses that are watched and webhooks that are sent at the operator's cost.
    pub open_registration: bool,
    /// Whether there is a dashboard.
    pub dashboard: bool,
    /// Proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Where the data is.
    pub database: Location,
    /// The master keys; the first makes, all are accepted.
    pub master_keys: Vec<SecretBox<[u8; 32]>>,
    /// What orders may be.
    pub orders: order::Settings,
    /// How long an address rests.
    pub cooldown: Duration,
    /// Where webhooks may go.
    pub targets: Targets,
    /// When deliveries are tried again, and when an endpoint is told no more.
    pub deliveries: delivery::Policy,
    /// How many requests a key may make; `None`: as many as it likes.
    pub rate_limits: Option<Limits>,
    /// Requests an hour that were agreed with organizations, for APIs that count by merchant.
    pub agreed_limits: HashMap<OrganizationId, u64>,
    /// The chains offered.
    pub chains: Vec<ChainSource>,
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The log filter, such as `info,payin_server=debug`.
#[must_use]
pub fn log_filter() -> Option<String> {
    environment_variable("PAYIN_SERVER_LOG")
}

impl Config {
    /// What it comes to, for people; nothing of it is secret.
    #[must_use]
    pub fn summary(&self) -> String {
        let apis = self.apis.names().join(", ");
        let head = format!(
            "environment  {}\nlisten       {}\ndatabase     {}\napis         {apis}\n",
            self.environment, self.listen, self.database
        );
        let chain = |source: &ChainSource| {
            let tokens: Vec<&str> = source.chain.tokens.iter().map(|token| token.currency.as_str()).collect();
            format!("chain        {} ({} confirmations): {}\n", source.chain.id, source.chain.confirmations, tokens.join(", "))
        };
        self.chains.iter().map(chain).fold(head, |text, line| text + &line)
    }

    /// Reads and checks a file and the environment.
    ///
    /// # Errors
    /// What is missing or wrong, and where.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("the configuration {} cannot be read", path.display()))?;
                parse(&text).with_context(|| format!("in {}", path.display()))?
            }
            None => File::default(),
        };
        // Paths in the file are meant from where the file is, wherever the server is started.
        let folder = path.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        Self::check(file, &folder, environment_variable)
    }

    fn check(file: File, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let environment = match variable("PAYIN_SERVER_ENVIRONMENT") {
            Some(word) => Environment::from(word.as_str()),
            None => file.environment.context("environment must be \"testnet\" or \"mainnet\" (or PAYIN_SERVER_ENVIRONMENT)")?,
        };
        ensure!(Environment::known(environment.as_str()).is_some(), "environment must be \"testnet\" or \"mainnet\", is \"{environment}\"");
        let database = database(variable("PAYIN_SERVER_DATABASE"), file.database, folder)?;
        let listen = variable("PAYIN_SERVER_LISTEN").or(file.listen).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
        ensure!(listen.parse::<SocketAddr>().is_ok(), "listen must be an address and a port such as 127.0.0.1:3000, is \"{listen}\"");
        let apis = file.apis.unwrap_or_else(|| vec![NATIVE.to_owned()]);
        let apis = Apis::named(apis.iter().map(String::as_str)).map_err(|problem| anyhow::anyhow!("apis: {problem}"))?;
        let public_url = variable("PAYIN_SERVER_PUBLIC_URL").or(file.public_url).map(|url| public_url(&url)).transpose()?;
        let trusted_proxies = file
            .trusted_proxies
            .iter()
            .map(|text| text.parse().map_err(|error: NoNetwork| anyhow::anyhow!("trusted_proxies: \"{text}\": {error}")))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let key_file = |name: Option<String>| name.map(|name| folder.join(name));
        let master_keys = master_keys(&variable, key_file(file.master_key_file), key_file(file.previous_master_key_file))?;
        let orders = order_settings(&file.orders)?;
        let rate_limits = rate_limits(&file.rate_limits)?;
        let deliveries = deliveries(&file.webhooks)?;
        let chains =
            file.chains.into_iter().map(|(id, chain)| chain_source(&environment, &id, chain)).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!chains.is_empty(), "no chain is configured: add [chains.<slug>] with an rpc URL");
        Ok(Self {
            environment,
            listen,
            apis,
            public_url,
            open_registration: file.open_registration,
            dashboard: file.dashboard.unwrap_or(true),
            trusted_proxies,
            database,
            master_keys,
            orders,
            cooldown: minutes(file.orders.cooldown_minutes.unwrap_or(30)),
            rate_limits,
            deliveries,
            agreed_limits: file.rate_limits.organizations,
            targets: Targets { allow_private: file.webhooks.allow_private, allow_http: file.webhooks.allow_http },
            chains,
        })
    }
}

/// Reads TOML. The error names the line without repeating it: it may bear a password or a node's key.
fn parse(text: &str) -> anyhow::Result<File> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
        anyhow::anyhow!("line {}: {}", line.unwrap_or(1), error.message())
    })
}

fn database(variable: Option<String>, file: Option<String>, folder: &Path) -> anyhow::Result<Location> {
    let from_file = variable.is_none();
    let text = variable.or(file).context("database must be sqlite://FILE or postgres://… (or PAYIN_SERVER_DATABASE)")?;
    let location = text.parse().map_err(anyhow::Error::msg)?;
    let Location::Sqlite(path) = location else { return Ok(location) };
    let path = if from_file { folder.join(path) } else { path };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        ensure!(parent.is_dir(), "the database's folder {} does not exist", parent.display());
    }
    Ok(Location::Sqlite(path))
}

/// Where payers reach the server: the beginning of URLs, so without a query and without a slash at the end.
fn public_url(text: &str) -> anyhow::Result<String> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none());
    let url = url.with_context(|| format!("public_url must be a URL such as https://pay.example.com, is \"{text}\""))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

fn order_settings(file: &Orders) -> anyhow::Result<order::Settings> {
    let default = order::Settings::default();
    let settings = order::Settings {
        window: file.payment_window_minutes.map_or(default.window, minutes),
        grace: file.grace_period_minutes.map_or(default.grace, minutes),
        total_max: file.max_total_timeout_minutes.map_or(default.total_max, minutes),
        tolerance: match file.tolerance {
            Some(amount) => Units::from_amount(amount).context("orders.tolerance is too large")?,
            None => default.tolerance,
        },
    };
    ensure!((minutes(1)..=minutes(60)).contains(&settings.window), "orders.payment_window_minutes must be 1 to 60");
    ensure!(settings.grace <= minutes(30), "orders.grace_period_minutes must be 0 to 30");
    let one_token = Units::from_base_units(1, 0).unwrap_or_default();
    ensure!(settings.tolerance < one_token, "orders.tolerance must be less than one token");
    ensure!(settings.window + settings.grace <= settings.total_max, "window and grace exceed orders.max_total_timeout_minutes");
    ensure!(file.cooldown_minutes.unwrap_or(30) <= 1440, "orders.cooldown_minutes must be 0 to 1440");
    Ok(settings)
}

fn deliveries(file: &Webhooks) -> anyhow::Result<delivery::Policy> {
    let default = delivery::Policy::default();
    let days = |days: u64| Duration::from_secs(days.saturating_mul(86_400));
    if let Some(waits) = &file.retry_seconds {
        // A week is longer than any receiver is down that comes back; more than 30 retries would be a load of their own.
        let in_bounds = waits.iter().all(|wait| (1..=604_800).contains(wait));
        ensure!(waits.len() <= 30 && in_bounds, "webhooks.retry_seconds must be at most 30 waits of 1 to 604800 seconds each");
    }
    for (name, days) in [("disable_after_days", file.disable_after_days), ("keep_log_days", file.keep_log_days)] {
        ensure!(days.is_none_or(|days| (1..=3_650).contains(&days)), "webhooks.{name} must be 1 to 3650");
    }
    Ok(delivery::Policy {
        retries: file.retry_seconds.as_ref().map_or(default.retries, |waits| waits.iter().copied().map(Duration::from_secs).collect()),
        disable_after: file.disable_after_days.map_or(default.disable_after, days),
        keep_log: file.keep_log_days.map_or(default.keep_log, days),
    })
}

fn rate_limits(file: &RateLimits) -> anyhow::Result<Option<Limits>> {
    let default = Limits::default();
    let limits = Limits {
        per_minute: file.per_minute.unwrap_or(default.per_minute),
        per_hour: file.per_hour.unwrap_or(default.per_hour),
        per_day: file.per_day.unwrap_or(default.per_day),
    };
    for (name, limit) in [("per_minute", limits.per_minute), ("per_hour", limits.per_hour), ("per_day", limits.per_day)] {
        ensure!(limit > 0, "rate_limits.{name} must be 1 or more; rate_limits.enabled = false switches the limits off");
    }
    for (organization, limit) in &file.organizations {
        ensure!(*limit > 0, "rate_limits.organizations.{organization} must be 1 or more");
    }
    Ok(file.enabled.unwrap_or(true).then_some(limits))
}

fn master_keys(
    variable: &impl Fn(&str) -> Option<String>,
    file: Option<PathBuf>,
    previous: Option<PathBuf>,
) -> anyhow::Result<Vec<SecretBox<[u8; 32]>>> {
    let first = match (variable("PAYIN_SERVER_MASTER_KEY"), file) {
        (Some(text), _) => text,
        (None, Some(path)) => read_key(&path)?,
        (None, None) => bail!(
            "there is no master key: make one with `openssl rand -hex 32 > master.key`, keep it safe and apart from the database, \
             and name it in master_key_file (or give PAYIN_SERVER_MASTER_KEY)"
        ),
    };
    let mut texts = vec![first];
    texts.extend(variable("PAYIN_SERVER_PREVIOUS_MASTER_KEY"));
    texts.extend(previous.map(|path| read_key(&path)).transpose()?);
    texts.iter().map(|text| master_key(text)).collect()
}

fn read_key(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the master key file {} cannot be read", path.display()))?;
    let mode = std::fs::metadata(path).map(|metadata| metadata.permissions().mode()).unwrap_or(0);
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "others on this machine can read the master key: chmod 600 it");
    }
    Ok(text)
}

fn master_key(text: &str) -> anyhow::Result<SecretBox<[u8; 32]>> {
    let text = text.trim();
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(digits, "a master key is 64 hexadecimal digits (32 bytes), as `openssl rand -hex 32` makes them");
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair)?, 16)?;
    }
    Ok(SecretBox::new(Box::new(key)))
}

#[cfg(test)]
mod tests;
