//! Tron over java-tron's two interfaces: TRC-20 `Transfer` events of pinned contracts. Never TRC-10, calldata or return values (USDT's
//! `transfer` returns false when it succeeds).
//!
//! Which interface tells what, and why:
//! - Blocks, `finalized` (java-tron: the newest solidified block) and logs by JSON-RPC: it finds our tokens' events in a block or a range
//!   without all that else is in it.
//! - What became of a transaction by HTTP, `/wallet/gettransactioninfobyblocknum`: only there is a result said by name. JSON-RPC's
//!   `status` is 0x1 for everything up to `SUCCESS`, also where nothing was said, and its logs are those of failed transactions too.
//!   It answers by height, so that its answer counts only if it is of exactly the block's transactions and time, and the block is still
//!   the one of that height afterwards.
//! - JSON-RPC is an option of a node, and its index of logs begins where it was switched on: a node answers `[]` below that. An empty
//!   answer is therefore never believed, and headers cannot help: java-tron's bloom is all zeros.
//! - Where JSON-RPC does not answer at all, blocks are read by HTTP, and every block's transactions are looked at.

mod envelope;
pub mod http;

use std::sync::Arc;

use alloy::primitives::B256;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Chain;
use serde_json::{Value, json};

use super::SourceFault;
use super::logs::LogSource;
use super::logs::family::{Family, Otherwise, Wanted};
use super::logs::node::{Node, Place, fault};
use super::logs::wire::{Header, Receipt};
use crate::env::Rpc;
use envelope::Envelope;

/// Tron behind a node's two interfaces.
pub type TronSource = LogSource<Tron>;

impl TronSource {
    /// A chain's source over a node's JSON-RPC and its HTTP interface.
    #[must_use]
    pub fn new(chain: Chain, rpc: Arc<dyn Rpc>, http: Arc<dyn Rpc>) -> Self {
        let tron = Tron { http: Envelope(http), chain_id: chain.numeric_id };
        Self::over(chain, Arc::new(Envelope(rpc)), tron)
    }
}

/// What is particular about Tron.
pub struct Tron {
    http: Envelope,
    chain_id: Option<u64>,
}

/// The height is the first eight bytes of a block's id (java-tron's `BlockId`).
fn height_in(hash: &B256) -> u64 {
    hash.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

impl Tron {
    async fn ask(&self, path: &str, body: Value) -> Result<bytes::Bytes, SourceFault> {
        Ok(self.http.call(path, body.to_string().into()).await?)
    }

    /// What became of every transaction of a block.
    async fn infos(&self, block: &Header) -> Result<Vec<Receipt>, SourceFault> {
        let infos = self.ask("/wallet/gettransactioninfobyblocknum", json!({"num": block.number})).await?;
        http::receipts(&infos, block)
    }
}

impl Family for Tron {
    fn is_sound(&self, header: &Header) -> bool {
        height_in(&header.hash) == header.number
            && (header.number == 0 || height_in(&header.parent_hash) == header.number.saturating_sub(1))
    }

    fn rules_out(&self, header: &Header, _: &Node) -> bool {
        header.transactions.is_empty()
    }

    /// The two interfaces may be two nodes': both must be of the chain, whose id is the end of its first block's (TIP-474).
    fn check<'a>(&'a self, _: &'a Node) -> BoxFuture<'a, Result<(), SourceFault>> {
        async move {
            let first = self.header(Place::Number(0)).await?;
            let first =
                first.ok_or_else(|| SourceFault::Unavailable("its HTTP interface does not give the chain's first block".to_owned()))?;
            let id = first.hash.last_chunk().copied().map(u32::from_be_bytes).map(u64::from);
            if id != self.chain_id {
                let text = "its HTTP interface (`http`) is of another chain than its JSON-RPC (`url`)";
                return Err(SourceFault::Mismatch(text.to_owned()));
            }
            // A node that has thrown history away answers this with words instead of a list.
            let newest = self.header(Place::Latest).await?.map_or(0, |newest| newest.number);
            self.ask("/wallet/gettransactioninfobyblocknum", json!({"num": newest})).await.map(drop)
        }
        .boxed()
    }

    fn receipts<'a>(&'a self, node: &'a Node, block: &'a Header, _: Wanted<'a>) -> BoxFuture<'a, Result<Vec<Receipt>, SourceFault>> {
        async move {
            let receipts = self.infos(block).await?;
            let place = Place::Number(block.number);
            let now = match node.header(place).await.map_err(|error| fault(&error)) {
                Err(SourceFault::Unavailable(_)) => self.header(place).await?,
                now => now?,
            };
            if now.is_none_or(|now| now.hash != block.hash) {
                return Err(SourceFault::Inconsistent(format!("block {} became another one while it was read", block.number)));
            }
            Ok(receipts)
        }
        .boxed()
    }

    fn otherwise(&self) -> Option<&dyn Otherwise> {
        Some(self)
    }
}

impl Otherwise for Tron {
    fn header(&self, place: Place) -> BoxFuture<'_, Result<Option<Header>, SourceFault>> {
        async move {
            let (path, body) = match place {
                Place::Latest => ("/wallet/getnowblock", json!({})),
                Place::Finalized => ("/walletsolidity/getnowblock", json!({})),
                Place::Number(number) => ("/wallet/getblockbynum", json!({"num": number})),
                Place::Hash(hash) => ("/wallet/getblockbyid", json!({"value": hash.to_string().trim_start_matches("0x")})),
            };
            http::header(&self.ask(path, body).await?)
        }
        .boxed()
    }
}
