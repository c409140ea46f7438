//! Following a chain behind nodes that lag, hide, change their minds or answer something else: a step finds every transfer, tells of a
//! fork, or fails and is taken again. One chain is made up by hand, the others are the sandbox's behind the real clients.

mod downtime;
mod evil;
mod evm;
mod issuers;
mod leases;
mod poison;
mod reconcile;
mod recorded;
mod script;
mod tron;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use payin_core::address::{Address, evm_bytes};
use payin_core::finality::Finality;
use payin_core::{Block, Chain, Token, Units, chains};
use payin_server::chain::{Next, SourceFault, Watch, Watched};
use payin_types::Protocol;

const CONFIRMATIONS: u64 = 3;
/// How far below the head a made-up chain is final.
const FINAL_BELOW: u64 = 8;
const CONTRACT: &str = "0x0707070707070707070707070707070707070707";
const OURS: &str = "0x1111111111111111111111111111111111111111";
const THEIRS: &str = "0x2222222222222222222222222222222222222222";

fn chain() -> Chain {
    let mut chain = chains::known().iter().find(|chain| chain.id.as_str() == "ethereum-sepolia").expect("a known chain").clone();
    let contract = Address::from_evm_bytes(&evm_bytes(CONTRACT).expect("an address"));
    chain.tokens = vec![Token { currency: "USDT".into(), contract, decimals: 6 }];
    (chain.confirmations, chain.finality) = (CONFIRMATIONS, Finality::Tag);
    chain
}

/// One address of ours.
struct One;

impl Watch for One {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        let watched = Watched::default();
        watched.insert(&Protocol::Evm, &Address::from_canonical(OURS.to_owned()));
        ready(Ok(Arc::new(watched))).boxed()
    }
}

#[track_caller]
fn inconsistent<T: std::fmt::Debug>(result: Result<T, SourceFault>) {
    assert!(matches!(result, Err(SourceFault::Inconsistent(_))), "{result:?}");
}

/// What a step found: its newest block, and each transfer's block and amount.
fn found(next: Next) -> (Block, Vec<(u64, Units)>) {
    match next {
        Next::Blocks { blocks, transfers, .. } => {
            let transfers = transfers.iter().map(|transfer| (transfer.block_number, transfer.amount)).collect();
            (blocks.last().expect("a block").clone(), transfers)
        }
        other => panic!("not blocks: {other:?}"),
    }
}
