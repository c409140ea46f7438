//! What `links create` and `links update` share: the fields of a link as flags, or the body as a JSON file.

use std::path::{Path, PathBuf};

use payin_sdk::types::link::{AmountType, LinkCurrency, Theme};
use payin_sdk::{Amount, ChainId, Currency, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::{fields, input};
use crate::failure::Failure;
use crate::text;

/// The fields of a link.
#[derive(Debug, clap::Args)]
pub struct Fields {
    /// What is sold
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// More about it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// What is to be paid, in whole tokens
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
    amount: Option<String>,

    /// fixed, or user_input: the payer chooses [default: fixed]
    #[arg(long, value_name = "TYPE")]
    pub amount_type: Option<AmountType>,

    /// A currency that it can be paid in, with its chains: USDT=ethereum-sepolia,tron-nile; give it again for more
    #[arg(long = "currency", alias = "currencies", value_name = "CURRENCY=CHAIN[,CHAIN]", value_parser = text::pair)]
    currencies: Vec<(String, String)>,

    /// How often it can be sold [default: any number of times]
    #[arg(long, value_name = "N")]
    pub inventory_total: Option<u64>,

    /// Until when it can be paid: 2025-01-20 or 2025-01-20T10:30:00Z
    #[arg(long, value_name = "TIME", value_parser = text::time)]
    pub expires_at: Option<Timestamp>,

    /// Your own data, at most 10 pairs
    #[arg(long, value_name = "KEY=VALUE", value_parser = text::pair)]
    metadata: Vec<(String, String)>,

    /// What stands on the button
    #[arg(long, value_name = "TEXT")]
    pub cta_text: Option<String>,

    /// dark or light
    #[arg(long, value_name = "THEME")]
    pub theme: Option<Theme>,

    /// Where the payer goes after payment
    #[arg(long, value_name = "URL")]
    pub success_url: Option<String>,

    /// Where the payer goes when the order has expired
    #[arg(long, value_name = "URL")]
    pub cancel_url: Option<String>,

    /// The body as the API has it, instead of all these: a JSON file, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "title", "description", "amount", "amount_type", "currencies", "inventory_total", "expires_at", "metadata", "cta_text", "theme",
        "success_url", "cancel_url",
    ])]
    pub json: Option<PathBuf>,
}

impl Fields {
    pub fn amount(&self) -> Result<Option<Amount>, Failure> {
        self.amount.as_deref().map(fields::amount).transpose()
    }

    pub fn currencies(&self) -> Vec<LinkCurrency> {
        let currency = |(currency, chains): &(String, String)| LinkCurrency {
            currency: Currency::from(currency.as_str()),
            chain_options: chains.split(',').map(str::trim).filter(|chain| !chain.is_empty()).map(ChainId::from).collect(),
            amount: None,
            is_primary: None,
            metadata: None,
        };
        self.currencies.iter().map(currency).collect()
    }

    pub fn metadata(&self) -> Result<Option<Map<String, Value>>, Failure> {
        fields::metadata(self.metadata.clone())
    }
}

/// The body that a file holds.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = input::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{} is no such body: {error}", path.display())))
}
