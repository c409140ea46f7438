//! What the targets share: a node that answers whatever it was given, something that watches, and the judge of what a source makes of it.

pub mod server;

use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_core::Chain;
use payin_core::address::Address;
use payin_server::chain::{Source, SourceFault, Watch, Watched};
use payin_server::env::{Rpc, RpcFault};
use payin_types::Protocol;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The EVM address that is watched.
pub const SHOP: &str = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";
/// The Solana wallet that is watched: the fixtures'.
pub const SHOP_ON_SOLANA: &str = "DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK";
/// The address on Tron that is watched: the fixtures'.
pub const SHOP_ON_TRON: [u8; 20] = [0x11; 20];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// A chain of the table.
///
/// # Panics
/// If there is none of that name.
#[must_use]
pub fn chain(slug: &str) -> Chain {
    payin_core::chains::known().into_iter().find(|chain| chain.id.as_str() == slug).expect("a chain of the table")
}

/// A node whose answers are the lines of an input, over and over. A line that begins with `=` is an answer as it stands; another is the
/// result of a well-formed answer to whatever was asked, so that mutations get past the envelope. Beside JSON-RPC there is no envelope.
pub struct Answers {
    lines: Vec<Vec<u8>>,
    next: Mutex<usize>,
}

impl Answers {
    /// Of an input.
    #[must_use]
    pub fn of(input: &[u8]) -> Self {
        Self { lines: input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect(), next: Mutex::default() }
    }

    fn result(&self) -> &[u8] {
        let mut next = self.next.lock().expect("no panic while it counted");
        *next += 1;
        &self.lines[(*next - 1) % self.lines.len()]
    }

    fn answer(&self, call: &Value) -> Vec<u8> {
        let line = self.result();
        match line.strip_prefix(b"=") {
            Some(raw) => raw.to_vec(),
            None => [format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":", call["id"]).as_bytes(), line, b"}"].concat(),
        }
    }
}

impl Rpc for Answers {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        if !path.is_empty() {
            let line = self.result();
            return futures_util::future::ready(Ok(line.strip_prefix(b"=").unwrap_or(line).to_vec().into())).boxed();
        }
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = match &asked {
            Value::Array(calls) => {
                let answers: Vec<Vec<u8>> = calls.iter().map(|call| self.answer(call)).collect();
                [b"[".as_slice(), &answers.join(&b','), b"]"].concat()
            }
            call => self.answer(call),
        };
        futures_util::future::ready(Ok(answer.into())).boxed()
    }
}

/// Watches one address of a family.
pub struct OneWatched(Arc<Watched>);

impl OneWatched {
    /// This one.
    #[must_use]
    pub fn of(protocol: &Protocol, address: &Address) -> Self {
        let watched = Watched::default();
        watched.insert(protocol, address);
        Self(Arc::new(watched))
    }
}

impl Watch for OneWatched {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        futures_util::future::ready(Ok(Arc::clone(&self.0))).boxed()
    }
}

/// Whatever a source makes of its node's answers is an error, or a transfer of a pinned token to the shop.
///
/// # Panics
/// If it is anything else.
pub fn judge(chain: &Chain, source: &dyn Source, shop: &Address) {
    let watch = OneWatched::of(&chain.protocol, shop);
    let mut runs = Vec::new();
    RUNTIME.block_on(async {
        let _ = source.check().await;
        let Ok(heads) = source.heads().await else { return };
        let tip = source.block(heads.latest.number.saturating_sub(2)).await.ok().flatten();
        if let Some(tip) = tip {
            let blocks = source.above(&tip, &heads.latest, 4).await.unwrap_or_default();
            runs.push(source.transfers(&blocks, &watch).await.unwrap_or_default());
        }
        if let Ok(read) = source.range(heads.latest.number.saturating_sub(2), heads.latest.number, &watch).await {
            runs.push(read.transfers);
        }
    });
    for transfer in runs.iter().flatten() {
        assert!(&transfer.to == shop && chain.token_at(&transfer.contract).is_some() && !transfer.amount.is_zero(), "{transfer:?}");
    }
}
