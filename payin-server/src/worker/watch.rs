//! What is watched, learned from the pool as it grows. It must not know what is done with it.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_types::Protocol;

use crate::app::{App, Fault, progress};
use crate::chain::{SourceFault, Watch, Watched};

/// Addresses learned at a time.
const ADDRESSES_MAX: i64 = 10_000;

/// The addresses of a family, learned from the pool as it grows.
pub struct PoolWatch {
    app: App,
    protocol: Protocol,
    watched: Arc<Watched>,
    /// The number of the last row learned.
    last: tokio::sync::Mutex<i64>,
}

/// One for each family: those who follow its chains share it.
pub struct Watches([(Protocol, Arc<PoolWatch>); 3]);

impl Watches {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let watch = |protocol: Protocol| (protocol.clone(), Arc::new(PoolWatch::new(app.clone(), protocol)));
        Self([Protocol::Evm, Protocol::Tron, Protocol::Solana].map(watch))
    }

    /// That of a family.
    #[must_use]
    pub fn of(&self, protocol: &Protocol) -> Arc<dyn Watch> {
        let [(_, evm), others @ ..] = &self.0;
        let found = others.iter().find(|(family, _)| family == protocol).map(|(_, watch)| watch);
        Arc::clone(found.unwrap_or(evm)) as Arc<dyn Watch>
    }
}

impl PoolWatch {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(app: App, protocol: Protocol) -> Self {
        Self { app, protocol, watched: Arc::default(), last: tokio::sync::Mutex::default() }
    }

    async fn learn(&self) -> Result<Arc<Watched>, Fault> {
        let mut last = self.last.lock().await;
        loop {
            let more = progress::addresses_after(&self.app, &self.protocol, *last, ADDRESSES_MAX).await?;
            let Some((number, _)) = more.last() else { return Ok(Arc::clone(&self.watched)) };
            more.iter().for_each(|(_, address)| self.watched.insert(&self.protocol, address));
            *last = *number;
        }
    }
}

impl Watch for PoolWatch {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        async move { self.learn().await.map_err(|fault| SourceFault::Watch(fault.to_string())) }.boxed()
    }
}
