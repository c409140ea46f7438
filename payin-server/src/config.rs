//! The configuration of a production server: a TOML file, overridden by environment variables, checked as a whole. The only file of the
//! server that reads the environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use payin_core::address::Address;
use payin_core::{Chain, Token, Units, chains, order};
use payin_types::{Amount, Currency, Environment, Protocol};
use secrecy::SecretBox;
use serde::Deserialize;
use url::Url;

use crate::env::Targets;
use crate::store::Location;

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    environment: Option<Environment>,
    listen: Option<String>,
    database: Option<String>,
    /// A file with 64 hexadecimal digits.
    master_key_file: Option<String>,
    /// During a rotation, the key before.
    previous_master_key_file: Option<String>,
    #[serde(default)]
    orders: Orders,
    #[serde(default)]
    webhooks: Webhooks,
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
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainFile {
    rpc: String,
    confirmations: Option<u64>,
    finality: Option<payin_core::finality::Finality>,
    block_ms: Option<u64>,
    /// Replaces the table's tokens.
    tokens: Option<BTreeMap<String, TokenFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    contract: String,
    decimals: u32,
}

/// A chain and where its node is.
pub struct ChainSource {
    /// The chain as offered.
    pub chain: Chain,
    /// Its node. May bear a key: never logged.
    pub rpc: Url,
}

/// The configuration, checked.
pub struct Config {
    /// Whether real money moves here.
    pub environment: Environment,
    /// Where to listen.
    pub listen: String,
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
    /// Reads and checks a file and the environment.
    ///
    /// # Errors
    /// What is missing or wrong, and where.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("the configuration {} cannot be read", path.display()))?;
                toml::from_str(&text).with_context(|| format!("in {}", path.display()))?
            }
            None => File::default(),
        };
        Self::check(file, environment_variable)
    }

    fn check(file: File, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let environment = match variable("PAYIN_SERVER_ENVIRONMENT") {
            Some(word) => Environment::from(word.as_str()),
            None => file.environment.context("environment must be \"testnet\" or \"mainnet\" (or PAYIN_SERVER_ENVIRONMENT)")?,
        };
        ensure!(Environment::known(environment.as_str()).is_some(), "environment must be \"testnet\" or \"mainnet\", is \"{environment}\"");
        let database = variable("PAYIN_SERVER_DATABASE").or(file.database);
        let database = database.context("database must be sqlite://FILE or postgres://… (or PAYIN_SERVER_DATABASE)")?;
        let master_keys = master_keys(&variable, file.master_key_file.as_deref(), file.previous_master_key_file.as_deref())?;
        let orders = order_settings(&file.orders)?;
        let chains = file.chains.into_iter().map(|(id, chain)| chain_source(&environment, &id, chain)).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            environment,
            listen: variable("PAYIN_SERVER_LISTEN").or(file.listen).unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            database: database.parse().map_err(anyhow::Error::msg)?,
            master_keys,
            orders,
            cooldown: minutes(file.orders.cooldown_minutes.unwrap_or(30)),
            targets: Targets { allow_private: file.webhooks.allow_private, allow_http: file.webhooks.allow_http },
            chains,
        })
    }
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
    ensure!(settings.window + settings.grace <= settings.total_max, "window and grace exceed orders.max_total_timeout_minutes");
    ensure!(file.cooldown_minutes.unwrap_or(30) <= 1440, "orders.cooldown_minutes must be 0 to 1440");
    Ok(settings)
}

fn chain_source(environment: &Environment, id: &str, file: ChainFile) -> anyhow::Result<ChainSource> {
    let known = chains::known();
    let Some(mut chain) = known.iter().find(|chain| chain.id.as_str() == id).cloned() else {
        let ids: Vec<&str> = known.iter().map(|chain| chain.id.as_str()).collect();
        bail!("chains.{id} is not a chain we know; there are {}", ids.join(", "));
    };
    ensure!(&chain.environment == environment, "chains.{id} is of {}, this deployment is {environment}: they never mix", chain.environment);
    ensure!(chain.protocol == Protocol::Evm, "chains.{id}: this version follows EVM chains only");
    chain.confirmations = file.confirmations.unwrap_or(chain.confirmations);
    ensure!(chain.confirmations >= 1, "chains.{id}.confirmations must be 1 or more");
    chain.finality = file.finality.unwrap_or(chain.finality);
    chain.block_ms = file.block_ms.unwrap_or(chain.block_ms).max(1);
    if let Some(tokens) = file.tokens {
        let token = |(currency, token): (String, TokenFile)| {
            let contract = Address::parse(&chain.protocol, &token.contract)
                .map_err(|error| anyhow::anyhow!("chains.{id}.tokens.{currency}: {error}"))?;
            ensure!(token.decimals <= 18, "chains.{id}.tokens.{currency}.decimals must be at most 18");
            Ok(Token { currency: Currency::from(currency), contract, decimals: token.decimals })
        };
        chain.tokens = tokens.into_iter().map(token).collect::<anyhow::Result<_>>()?;
    }
    ensure!(!chain.tokens.is_empty(), "chains.{id} has no tokens; give chains.{id}.tokens");
    let rpc = Url::parse(&file.rpc).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    Ok(ChainSource { rpc: rpc.with_context(|| format!("chains.{id}.rpc must be an http:// or https:// URL"))?, chain })
}

fn master_keys(
    variable: &impl Fn(&str) -> Option<String>,
    file: Option<&str>,
    previous: Option<&str>,
) -> anyhow::Result<Vec<SecretBox<[u8; 32]>>> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("the master key file {path} cannot be read"));
    let first = match (variable("PAYIN_SERVER_MASTER_KEY"), file) {
        (Some(text), _) => text,
        (None, Some(path)) => read(path)?,
        (None, None) => bail!(
            "there is no master key: make one with `openssl rand -hex 32 > master.key`, keep it safe and apart from the database, \
             and name it in master_key_file (or give PAYIN_SERVER_MASTER_KEY)"
        ),
    };
    let mut texts = vec![first];
    texts.extend(variable("PAYIN_SERVER_PREVIOUS_MASTER_KEY"));
    texts.extend(previous.map(read).transpose()?);
    texts.iter().map(|text| master_key(text)).collect()
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
mod tests {
    use super::*;

    fn config(text: &str) -> anyhow::Result<Config> {
        Config::check(toml::from_str(text)?, |name| (name == "PAYIN_SERVER_MASTER_KEY").then(|| "ab".repeat(32)))
    }

    const SMALL: &str = "environment = \"testnet\"\ndatabase = \"sqlite://payin.db\"\n";

    #[test]
    fn a_small_file_is_enough() {
        let config = config(&format!("{SMALL}[chains.ethereum-sepolia]\nrpc = \"https://rpc.example/key\"\n")).unwrap();
        assert_eq!(config.chains[0].chain.tokens.len(), 3);
        assert_eq!(config.listen, "127.0.0.1:3000");
        assert!(!config.targets.allow_private);
    }

    #[test]
    fn tokens_and_policy_can_be_replaced() {
        let text = format!(
            "{SMALL}[orders]\ntolerance = \"0.01\"\n[chains.ethereum-sepolia]\nrpc = \"http://127.0.0.1:1\"\nconfirmations = 2\n\
             finality = {{ depth = 9 }}\n[chains.ethereum-sepolia.tokens]\n\
             DAI = {{ contract = \"0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE\", decimals = 18 }}\n"
        );
        let config = config(&text).unwrap();
        assert_eq!(config.chains[0].chain.tokens.len(), 1);
        assert_eq!(config.chains[0].chain.finality, payin_core::finality::Finality::Depth(9));
        assert_eq!(config.orders.tolerance.to_amount().to_string(), "0.01");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("database = \"sqlite://x\"", "environment"),
            ("environment = \"staging\"\ndatabase = \"sqlite://x\"", "staging"),
            ("environment = \"testnet\"", "database"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://:memory:\"", "file"),
            ("environment = \"testnet\"\ndatabase = \"mysql://x\"", "sqlite"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.ethereum-mainnet]\nrpc = \"http://x\"", "never mix"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.dogecoin]\nrpc = \"http://x\"", "there are"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.tron-nile]\nrpc = \"http://x\"", "EVM"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[chains.bsc-testnet]\nrpc = \"http://x\"", "tokens"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\nunknown = 1", "unknown"),
            ("environment = \"testnet\"\ndatabase = \"sqlite://x\"\n[orders]\npayment_window_minutes = 0", "1 to 60"),
        ] {
            let error = format!("{:#}", config(text).err().unwrap());
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
