//! What the CryptoPay API takes for a payment order: its words for chains, the tokens on them, the merchant's own data and number.

use std::time::Duration;

use payin_types::cryptopay::CreatePaymentOrder;
use payin_types::id::hex;
use payin_types::{ChainId, CreateOrder, Currency, ErrorCode, Protocol};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::shown;
use crate::order::{self, Settings};
use crate::{Chain, Chains, Error, Token, json as numbers, metadata, web_url};

/// Where the merchant's own data is kept in an order.
pub const ORDER_INFO: &str = "order_info";

/// The largest whole number that every reader of JSON keeps exactly (RFC 8259, section 6).
const NONCE_MAX: u64 = (1 << 53) - 1;

/// The most time to pay that may be asked for.
const WINDOW_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Its words for chains, and the coins that fees are paid in there (source: its FAQ, "Supported blockchains").
const BLOCKCHAINS: &[(&str, &[&str])] =
    &[("ethereum", &["ETH"]), ("base", &["ETH"]), ("polygon", &["MATIC", "POL"]), ("bsc", &["BNB"]), ("arbitrum", &["ETH"])];

/// The family of all of them.
pub const PROTOCOL: Protocol = Protocol::Evm;

/// What orders may be: as the deployment has it, but that a request may say when its time ends.
#[must_use]
pub fn settings(deployment: &Settings) -> Settings {
    Settings { total_max: WINDOW_MAX.saturating_add(deployment.grace), ..*deployment }
}

/// The bounds on what is kept of the merchant's own data.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn check_metadata(data: &Map<String, Value>) -> Result<(), Error> {
    metadata::check_size(data).map_err(|error| error.about(ORDER_INFO))
}

fn network(chain: &ChainId) -> &str {
    chain.as_str().split_once('-').map_or(chain.as_str(), |(network, _)| network)
}

/// The word for a chain; one that this API has no word for is named as the deployment names it.
#[must_use]
pub fn slug(chain: &ChainId) -> &str {
    let network = network(chain);
    if BLOCKCHAINS.iter().any(|(word, _)| *word == network) { network } else { chain.as_str() }
}

/// The chain of this deployment that a word is for.
///
/// # Errors
/// `VALIDATION_ERROR` for a word that is none, or none here.
pub fn chain<'a>(word: &str, chains: &'a Chains) -> Result<&'a Chain, Error> {
    let is_spoken = |chain: &&Chain| slug(&chain.id) != chain.id.as_str();
    chains.iter().filter(is_spoken).find(|chain| slug(&chain.id) == word).ok_or_else(|| {
        let offered: Vec<&str> = chains.iter().filter(is_spoken).map(|chain| slug(&chain.id)).collect();
        Error::field("blockchain", format!("'{}' is not supported; this server offers {}", shown(word), offered.join(", ")))
    })
}

/// The token that is asked for.
///
/// # Errors
/// `VALIDATION_ERROR`; it says so of a chain's own coin.
fn token<'a>(chain: &'a Chain, currency: &Currency, chains: &Chains) -> Result<&'a Token, Error> {
    let word = slug(&chain.id);
    let coins = BLOCKCHAINS.iter().find(|(slug, _)| *slug == word).map_or(&[] as &[&str], |(_, coins)| coins);
    if coins.iter().any(|coin| coin.eq_ignore_ascii_case(currency.as_str())) {
        let tokens: Vec<&str> = chain.tokens.iter().map(|token| token.currency.as_str()).collect();
        let problem = format!(
            "{} is the native coin of {word}, and native coins cannot be taken here: only tokens are, which are {}",
            shown(currency.as_str()),
            tokens.join(", ")
        );
        return Err(Error::field("currency", problem));
    }
    chains.find_token(chain, currency).map_err(|_| {
        let tokens: Vec<&str> = chain.tokens.iter().map(|token| token.currency.as_str()).collect();
        Error::field("currency", format!("'{}' is not supported on {word}; it has {}", shown(currency.as_str()), tokens.join(", ")))
    })
}

/// A text that is JSON, which can be read in one way only.
fn check_order_info(text: &str) -> Result<(), Error> {
    let problem = "must be a string that is JSON, such as JSON.stringify({\"product\": \"Premium Plan\"})";
    serde_json::from_str::<Value>(text).map_err(|_| Error::field(ORDER_INFO, problem))?;
    numbers::check(text.as_bytes()).map_err(|error| error.about(ORDER_INFO))?;
    check_metadata(&kept(text))
}

fn kept(order_info: &str) -> Map<String, Value> {
    Map::from_iter([(ORDER_INFO.to_owned(), Value::from(order_info))])
}

/// The order that a request asks for; its reference is the merchant's number.
///
/// # Errors
/// `VALIDATION_ERROR` about every field that is wrong.
pub fn order(request: &CreatePaymentOrder, chains: &Chains) -> Result<CreateOrder, Error> {
    let mut wrong = Vec::new();
    let chain = chain(&request.blockchain, chains).map_err(|error| wrong.push(error)).ok();
    let token = chain.and_then(|chain| token(chain, &request.currency, chains).map_err(|error| wrong.push(error)).ok());
    if let Err(error) = order::amount(request.amount, token.map_or(18, |token| token.decimals)) {
        wrong.push(error.about("amount"));
    }
    wrong.extend(check_order_info(&request.order_info).err());
    if request.nonce > NONCE_MAX {
        wrong.push(Error::field("nonce", format!("must be at most {NONCE_MAX}, is {}", request.nonce)));
    }
    wrong.extend(request.redirect_url.as_deref().and_then(|url| web_url::redirect("redirect_url", url).err()));
    match (Error::together(wrong), chain) {
        (None, Some(chain)) => {
            let mut order = CreateOrder::new(request.nonce.to_string(), request.amount, request.currency.as_str(), chain.id.clone());
            order.metadata = Some(kept(&request.order_info));
            order.success_url.clone_from(&request.redirect_url);
            Ok(order)
        }
        (wrong, _) => Err(wrong.unwrap_or_else(|| Error::new(ErrorCode::ValidationError, "The request cannot be read"))),
    }
}

/// What two requests must have in common to ask for the same order: all that they say, the amount as a number.
#[must_use]
pub fn fingerprint(request: &CreatePaymentOrder) -> String {
    let amount = request.amount.to_decimal().normalize().to_string();
    let what = json!([amount, request.currency, request.blockchain, request.order_info, request.nonce]);
    let how = json!([request.webhook_url, request.redirect_url, request.expires_at]);
    hex(&Sha256::digest(json!([what, how]).to_string().as_bytes()))
}
