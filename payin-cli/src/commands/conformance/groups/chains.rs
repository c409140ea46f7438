//! Which chains the server offers, and on which of them this run creates what it creates.

use serde_json::Value;

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::Ask;

checks! {
    LIST: "chains.list" [] "GET /chains says of each chain its tokens, with their decimals, and how it is followed", "openapi.yaml: listChains";
}

/// How many free addresses a run takes at most.
const ADDRESSES: u64 = 6;

/// A token on a chain.
#[derive(Debug, Clone)]
pub struct Place {
    pub chain: String,
    pub currency: String,
    pub decimals: usize,
    /// In how many blocks a payment is confirmed; all that a sandbox's chains need to be final.
    pub confirmations: u64,
}

/// A chain that is followed, with a token, of a family that has free addresses. Where the server does not say, what the documents use.
pub async fn run(suite: &mut Suite<'_>) -> Place {
    let free = match suite.ask(Ask::of("getAddressPoolStatus")).await {
        Ok(answer) if answer.status == 200 => Some(answer.body),
        _ => None,
    };
    let places = suite
        .check(LIST, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("listChains")).await?.ok(200)?;
            Ok(answer.rows()?.iter().filter_map(|chain| place(chain, free.as_ref())).collect::<Vec<_>>())
        })
        .await;
    // Six decimals, as nearly all have: then what has seven is too much.
    let best = places.unwrap_or_default().into_iter().min_by_key(|place| (place.decimals != 6, place.chain != "ethereum-sepolia"));
    let chain = if suite.standing.environment == "mainnet" { "ethereum-mainnet" } else { "ethereum-sepolia" };
    best.unwrap_or_else(|| Place { chain: chain.to_owned(), currency: "USDT".to_owned(), decimals: 6, confirmations: 3 })
}

fn place(chain: &Value, free: Option<&Value>) -> Option<Place> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let protocol = text(chain, "protocol")?;
    let is_filled = free.is_none_or(|free| free.get(&protocol).and_then(|counts| counts.get("available")?.as_u64()) >= Some(ADDRESSES));
    if !is_filled || text(chain, "status")? != "following" {
        return None;
    }
    let token = chain.get("tokens")?.as_array()?.iter().find(|token| token.get("stopped").is_none())?;
    let decimals = usize::try_from(token.get("decimals")?.as_u64()?).ok()?;
    let confirmations = chain.get("requiredConfirmations")?.as_u64()?;
    Some(Place { chain: text(chain, "chainId")?, currency: text(token, "currency")?, decimals, confirmations })
}
