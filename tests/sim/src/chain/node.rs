//! A node of a chain, as a server reaches it: it may be down, behind, choosy, overloaded, of its own mind, or not say all that it knows. It
//! lies about its chain, and never changes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_server::env::{Rpc, RpcFault};
use payin_server::sandbox::solana::Omits;

use super::SimChain;
use super::ledger::Ledger;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::gate::Gate;

/// What is wrong with a node.
#[derive(Debug, Clone, Default)]
pub struct Wrong {
    /// Answers nobody.
    pub down: bool,
    /// So many calls of a thousand fail, in one way or another.
    pub flaky: u64,
    /// It is so many blocks behind.
    pub lag: u64,
    /// It leaves out what it is asked to list: logs, or an address's signatures.
    pub hides: bool,
    /// It has parted with the others.
    pub parted: bool,
    /// What it says is old by the time it comes.
    pub stale: bool,
}

/// A node's faults, which servers share as they share the node.
pub struct Faults {
    wrong: Mutex<Wrong>,
    dice: Mutex<Dice>,
}

impl Faults {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { wrong: Mutex::default(), dice: Mutex::new(Dice::new(seed)) }
    }

    pub fn wrong(&self) -> MutexGuard<'_, Wrong> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a call fails, if it does.
    fn failure(&self, coverage: &Coverage) -> Option<Result<Bytes, RpcFault>> {
        let wrong = self.wrong().clone();
        if wrong.down {
            coverage.hit("node down");
            return Some(Err(RpcFault::Transport("the node is down".to_owned())));
        }
        if wrong.flaky == 0 {
            return None;
        }
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        if !dice.permille(wrong.flaky) {
            return None;
        }
        let text = |text: &str| Ok(Bytes::from(text.to_owned()));
        let (name, failure) = match dice.below(7) {
            0 => ("node times out", Err(RpcFault::Timeout)),
            1 => ("node limits", Err(RpcFault::Status { status: 429, retry_after: Some("2".to_owned()) })),
            2 => ("node is broken", Err(RpcFault::Status { status: 502, retry_after: None })),
            3 => ("node says HTML", text("<html>try later</html>")),
            4 => ("node says null", text(r#"{"jsonrpc":"2.0","id":0,"result":null}"#)),
            5 => ("node says half", text(r#"{"jsonrpc":"2.0","id":1,"res"#)),
            _ => ("node is too large", Err(RpcFault::TooLarge)),
        };
        coverage.hit(name);
        Some(failure)
    }
}

/// A server's way to a node.
pub struct Road {
    pub chain: Arc<SimChain>,
    pub node: usize,
    pub gate: Arc<Gate>,
    pub coverage: Coverage,
}

impl Road {
    fn answer(&self, path: &str, body: &[u8]) -> Result<Bytes, RpcFault> {
        let faults = &self.chain.nodes[self.node];
        if let Some(failure) = faults.failure(&self.coverage) {
            return failure;
        }
        let wrong = faults.wrong().clone();
        let mut state = self.chain.state();
        let parted = wrong.parted && state.minority.is_some();
        let ledger = match &mut state.minority {
            Some((minority, _)) if parted => minority,
            _ => &mut state.real,
        };
        for (is_on, name) in [(parted, "node has parted"), (wrong.lag > 0, "node lags"), (wrong.hides, "node hides")] {
            if is_on {
                self.coverage.hit(name);
            }
        }
        lie(ledger, wrong.lag, wrong.hides);
        let answer = ledger.answer(path, body).map(Bytes::from);
        lie(ledger, 0, false);
        answer
    }
}

fn lie(ledger: &mut Ledger, lag: u64, hides: bool) {
    match ledger {
        Ledger::Evm(chain) | Ledger::Tron(chain, _) => (chain.lies.lag, chain.lies.drop_logs) = (lag, hides),
        Ledger::Solana(chain) => {
            chain.lies.lag = lag;
            chain.lies.omits = if hides { Omits::Everything } else { Omits::Nothing };
        }
    }
}

impl Rpc for Road {
    fn call<'a>(&'a self, path: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        async move {
            if self.chain.nodes[self.node].wrong().stale {
                let answer = self.answer(path, &body);
                self.gate.pass().await;
                return answer;
            }
            self.gate.pass().await;
            self.answer(path, &body)
        }
        .boxed()
    }
}
