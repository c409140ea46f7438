//! The chains of a configuration: which, by which nodes, and what differs from the table. It must not print a URL or a header, which bear
//! keys.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use payin_core::address::{Address, solana_bytes};
use payin_core::{Chain, Token, Units, chains};
use payin_types::{Amount, Currency, Environment, Protocol};
use serde::Deserialize;
use url::Url;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainFile {
    rpc: RpcFile,
    confirmations: Option<u64>,
    finality: Option<payin_core::finality::Finality>,
    block_ms: Option<u64>,
    /// From this amount on a payment counts only when its block is final.
    final_above: Option<Amount>,
    /// From this amount on a payment counts only when a second node has said the same.
    agreed_above: Option<Amount>,
    /// Of a Solana cluster that is none of those we know, such as a test node.
    genesis: Option<String>,
    /// Replaces the table's tokens.
    tokens: Option<BTreeMap<String, TokenFile>>,
}

/// One node or several, the most trusted first.
#[derive(Deserialize)]
#[serde(untagged, expecting = "rpc must be a URL, { url = …, headers = { … } } (on Tron also http = …), or a list of these")]
enum RpcFile {
    One(NodeFile),
    Several(Vec<NodeFile>),
}

/// Node URLs and headers bear keys.
impl std::fmt::Debug for RpcFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RpcFile(..)")
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a node is a URL or { url = …, headers = { … } }")]
enum NodeFile {
    Url(String),
    #[serde(rename_all = "snake_case")]
    Full {
        url: String,
        /// java-tron's other interface.
        http: Option<String>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    contract: String,
    decimals: u32,
}

/// A chain and where its nodes are.
pub struct ChainSource {
    /// The chain as offered.
    pub chain: Chain,
    /// Its nodes, the most trusted first.
    pub nodes: Vec<Node>,
}

/// Where a node is. URL and headers may bear a key: never logged.
#[derive(Clone)]
pub struct Node {
    /// The URL of its JSON-RPC.
    pub url: Url,
    /// Of a java-tron node, the URL below which `/wallet` is; of any other, the same.
    pub http: Url,
    /// Sent with every call.
    pub headers: Vec<(String, String)>,
}

pub(super) fn chain_source(environment: &Environment, id: &str, file: ChainFile) -> anyhow::Result<ChainSource> {
    let known = chains::known();
    let Some(mut chain) = known.iter().find(|chain| chain.id.as_str() == id).cloned() else {
        let ids: Vec<&str> = known.iter().map(|chain| chain.id.as_str()).collect();
        bail!("chains.{id} is not a chain we know; there are {}", ids.join(", "));
    };
    ensure!(&chain.environment == environment, "chains.{id} is of {}, this deployment is {environment}: they never mix", chain.environment);
    let built = cfg!(feature = "solana") || chain.protocol != Protocol::Solana;
    ensure!(built, "chains.{id}: this program was built without the feature \"solana\"; build it with that, or leave the chain out");
    if let Some(genesis) = file.genesis {
        ensure!(chain.protocol == Protocol::Solana, "chains.{id}.genesis is for Solana: other chains have a number");
        ensure!(solana_bytes(&genesis).is_some(), "chains.{id}.genesis must be what getGenesisHash answers");
        chain.genesis = Some(genesis);
    }
    chain.confirmations = file.confirmations.unwrap_or(chain.confirmations);
    ensure!(chain.confirmations >= 1, "chains.{id}.confirmations must be 1 or more");
    chain.finality = file.finality.unwrap_or(chain.finality);
    chain.block_ms = file.block_ms.unwrap_or(chain.block_ms).max(1);
    chain.final_above = tier(id, "final_above", file.final_above)?;
    chain.agreed_above = tier(id, "agreed_above", file.agreed_above)?;
    if let Some(tokens) = file.tokens {
        let token = |(currency, token): (String, TokenFile)| {
            let contract = Address::parse_contract(&chain.protocol, &token.contract)
                .map_err(|error| anyhow::anyhow!("chains.{id}.tokens.{currency}: {error}"))?;
            ensure!(token.decimals <= 18, "chains.{id}.tokens.{currency}.decimals must be at most 18");
            let named =
                (1..=16).contains(&currency.len()) && currency.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            ensure!(named, "chains.{id}.tokens.{currency}: a currency is named by 1 to 16 capital letters and digits");
            Ok(Token { currency: Currency::from(currency), contract, decimals: token.decimals })
        };
        chain.tokens = tokens.into_iter().map(token).collect::<anyhow::Result<_>>()?;
    }
    let contracts: BTreeSet<&Address> = chain.tokens.iter().map(|token| &token.contract).collect();
    ensure!(contracts.len() == chain.tokens.len(), "chains.{id}.tokens names one contract twice");
    ensure!(!chain.tokens.is_empty(), "chains.{id} has no tokens; give chains.{id}.tokens");
    let nodes = nodes(id, &chain.protocol, file.rpc)?;
    let agree = chain.agreed_above.is_none() || nodes.len() > 1;
    ensure!(agree, "chains.{id}.agreed_above asks for a second node's word, and rpc names only one node: give rpc = [\"…\", \"…\"]");
    Ok(ChainSource { chain, nodes })
}

/// An amount from which on more must be known of a payment.
fn tier(id: &str, key: &str, amount: Option<Amount>) -> anyhow::Result<Option<Units>> {
    let Some(amount) = amount else { return Ok(None) };
    let units = Units::from_amount(amount).with_context(|| format!("chains.{id}.{key} is too large"))?;
    ensure!(units > Units::ZERO, "chains.{id}.{key} must be more than 0");
    Ok(Some(units))
}

fn nodes(id: &str, protocol: &Protocol, file: RpcFile) -> anyhow::Result<Vec<Node>> {
    let files = match file {
        RpcFile::One(node) => vec![node],
        RpcFile::Several(nodes) => nodes,
    };
    ensure!(!files.is_empty(), "chains.{id}.rpc names no node");
    let node = |file| {
        let (url, http, headers) = match file {
            NodeFile::Url(url) => (url, None, BTreeMap::new()),
            NodeFile::Full { url, http, headers } => (url, http, headers),
        };
        let read = |text: &str| Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = read(&url).with_context(|| format!("chains.{id}.rpc must be an http:// or https:// URL"))?;
        ensure!(http.is_none() || protocol == &Protocol::Tron, "chains.{id}.rpc: only a Tron node has `http` beside its URL");
        let http = http.map(|http| read(&http).with_context(|| format!("chains.{id}.rpc.http must be an http:// or https:// URL")));
        let http = http.transpose()?.unwrap_or_else(|| without_json_rpc(&url));
        Ok(Node { url, http, headers: headers.into_iter().collect() })
    };
    files.into_iter().map(node).collect()
}

/// `https://api.trongrid.io/jsonrpc` has `/wallet` beside its `/jsonrpc`.
fn without_json_rpc(url: &Url) -> Url {
    let (mut http, path) = (url.clone(), url.path().trim_end_matches('/'));
    http.set_path(path.strip_suffix("/jsonrpc").unwrap_or(path));
    http
}
