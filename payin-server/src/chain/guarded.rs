//! A node whose answer makes us panic: the panic ends with the call, and is that node's fault and nobody else's, so that another one is asked. It
//! must not judge what is answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Block;
use payin_core::address::Address;
use payin_core::transfer::Transfer;

use super::source::{Heads, Issued, Read, Source, SourceFault};
use super::watch::Watch;

/// A node that cannot break whoever asks it.
pub(super) struct Guarded(pub(super) Arc<dyn Source>);

/// Asks, and hears the answer to its end. `of`: what is asked for.
fn guarded<'a, T: Send + 'a>(
    ask: impl FnOnce() -> BoxFuture<'a, Result<T, SourceFault>> + Send + 'a,
    of: impl FnOnce() -> String + Send + 'a,
) -> BoxFuture<'a, Result<T, SourceFault>> {
    async move {
        // What panics before there is a future to wait for counts, too.
        let answered = AssertUnwindSafe(async move { ask().await }).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            let of = of();
            Err(SourceFault::Breaks(format!(
                "what the node answered of {of} made this program panic, which is a bug of ours: the log says where"
            )))
        })
    }
    .boxed()
}

fn span(blocks: &[Block]) -> String {
    let number = |block: Option<&Block>| block.map_or(0, |block| block.number);
    format!("blocks {} to {}", number(blocks.first()), number(blocks.last()))
}

impl Source for Guarded {
    fn check(&self) -> BoxFuture<'_, Result<(), SourceFault>> {
        guarded(move || self.0.check(), || "itself".to_owned())
    }

    fn heads(&self) -> BoxFuture<'_, Result<Heads, SourceFault>> {
        guarded(move || self.0.heads(), || "its newest blocks".to_owned())
    }

    fn block(&self, number: u64) -> BoxFuture<'_, Result<Option<Block>, SourceFault>> {
        guarded(move || self.0.block(number), move || format!("block {number}"))
    }

    fn skips(&self) -> bool {
        self.0.skips()
    }

    fn above<'a>(&'a self, tip: &'a Block, latest: &'a Block, max: usize) -> BoxFuture<'a, Result<Vec<Block>, SourceFault>> {
        guarded(move || self.0.above(tip, latest, max), || format!("the blocks above {}", tip.number))
    }

    fn transfers<'a>(&'a self, blocks: &'a [Block], watch: &'a dyn Watch) -> BoxFuture<'a, Result<Vec<Transfer>, SourceFault>> {
        guarded(move || self.0.transfers(blocks, watch), || span(blocks))
    }

    fn range<'a>(&'a self, from: u64, to: u64, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Read, SourceFault>> {
        guarded(move || self.0.range(from, to, watch), move || format!("blocks {from} to {to}"))
    }

    fn issued<'a>(&'a self, addresses: &'a [Address]) -> BoxFuture<'a, Result<Issued, SourceFault>> {
        guarded(move || self.0.issued(addresses), || "its tokens".to_owned())
    }
}
