//! `eth_getLogs`: what a filter means, and what a node refuses. Rendering is elsewhere.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256, Log};
use serde_json::{Map, Value};

use super::rpc::{RpcError, fixed_bytes};
use super::{Block, EvmChain, render};

/// As many as geth takes.
const ADDRESSES_MAX: usize = 1000;
const TOPICS_MAX: usize = 4;
const TOPICS_PER_PLACE_MAX: usize = 1000;

pub(super) fn get_logs(chain: &EvmChain, filter: &Value) -> Result<Value, RpcError> {
    let filter = filter.as_object().ok_or_else(|| RpcError::params("invalid argument 0: filter is not an object"))?;
    let criteria = Criteria::parse(filter)?;
    let scope = scope(chain, filter)?;
    if chain.lies.drop_logs {
        return Ok(Value::Array(Vec::new()));
    }
    match scope {
        Scope::Block(hash) => {
            let block = chain.visible_by_hash(hash).ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
            let mut found = Vec::new();
            criteria.collect(chain, block, &mut found);
            Ok(Value::Array(found))
        }
        Scope::Range(range) => in_range(chain, &criteria, range),
    }
}

/// Heights above the head are left out without a word, as most nodes do.
fn in_range(chain: &EvmChain, criteria: &Criteria, range: RangeInclusive<u64>) -> Result<Value, RpcError> {
    let (from, to) = (*range.start(), (*range.end()).min(chain.visible_head()));
    if to.saturating_sub(from) > chain.config.logs_range_max {
        return Err(RpcError::params(format!("exceed max block range: {}", chain.config.logs_range_max)));
    }
    let results_max = chain.config.logs_results_max;
    let mut found = Vec::new();
    for block in (from..=to).filter_map(|number| chain.block(number)) {
        criteria.collect(chain, block, &mut found);
        // A single block must stay readable, or nobody could ever get past it.
        if found.len() > results_max && from != to {
            let (first, last) = (render::quantity(from), render::quantity(block.number.saturating_sub(1).max(from)));
            let message = format!("query returned more than {results_max} results. Try with this block range [{first}, {last}].");
            return Err(RpcError::new(-32005, message));
        }
    }
    Ok(Value::Array(found))
}

enum Scope {
    Block(B256),
    Range(RangeInclusive<u64>),
}

fn scope(chain: &EvmChain, filter: &Map<String, Value>) -> Result<Scope, RpcError> {
    let given = |name: &str| filter.get(name).filter(|value| !value.is_null());
    let (from, to) = (given("fromBlock"), given("toBlock"));
    if let Some(hash) = given("blockHash") {
        if from.is_some() || to.is_some() {
            return Err(RpcError::params("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"));
        }
        return Ok(Scope::Block(fixed_bytes(hash)?));
    }
    let height = |tag: Option<&Value>| tag.map_or(Ok(chain.visible_head()), |tag| chain.height_of(tag));
    let (from, to) = (height(from)?, height(to)?);
    if from > to {
        return Err(RpcError::params("invalid block range params"));
    }
    Ok(Scope::Range(from..=to))
}

/// What a log must look like. An empty list takes anything.
struct Criteria {
    addresses: Vec<Address>,
    topics: Vec<Vec<B256>>,
}

impl Criteria {
    fn parse(filter: &Map<String, Value>) -> Result<Self, RpcError> {
        let addresses = match filter.get("address") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) if list.len() > ADDRESSES_MAX => {
                return Err(RpcError::params("exceed max addresses"));
            }
            Some(Value::Array(list)) => list.iter().map(fixed_bytes).collect::<Result<_, _>>()?,
            Some(single) => vec![fixed_bytes(single)?],
        };
        let topics = match filter.get("topics") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(places)) if places.len() > TOPICS_MAX => {
                return Err(RpcError::params("exceed max topics"));
            }
            Some(Value::Array(places)) => places.iter().map(alternatives).collect::<Result<_, _>>()?,
            Some(_) => return Err(RpcError::params("invalid argument 0: topics is not an array")),
        };
        Ok(Self { addresses, topics })
    }

    fn matches(&self, log: &Log) -> bool {
        let topics = log.topics();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.len() <= topics.len()
            && self.topics.iter().zip(topics).all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }

    fn collect(&self, chain: &EvmChain, block: &Block, found: &mut Vec<Value>) {
        for mined in render::walk(chain, block) {
            let matching = mined.logs().filter(|(_, log)| self.matches(log));
            found.extend(matching.map(|(log_index, log)| mined.log_json(log_index, log)));
        }
    }
}

/// What may stand in one place of the topics. A null, alone or in a list, takes anything.
fn alternatives(place: &Value) -> Result<Vec<B256>, RpcError> {
    match place {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) if list.len() > TOPICS_PER_PLACE_MAX => Err(RpcError::params("exceed max topics")),
        Value::Array(list) if list.iter().any(Value::is_null) => Ok(Vec::new()),
        Value::Array(list) => list.iter().map(fixed_bytes).collect(),
        single => Ok(vec![fixed_bytes(single)?]),
    }
}
