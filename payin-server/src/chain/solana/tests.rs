//! The source over a node made up by hand: what it believes, what it notices, and what it asks instead.

mod node;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::ready;
use payin_core::chains;
use payin_types::Protocol;

use super::decode::tests::WALLET;
use super::*;
use crate::chain::watch::Watched;
use node::{FakeNode, hash};

/// So many wallets, of which the first is the one that is paid.
struct Wallets(Arc<Watched>);

impl Wallets {
    fn new(count: u8) -> Self {
        let watched = Watched::default();
        watched.insert(&Protocol::Solana, &Address::from_canonical(WALLET.to_owned()));
        for other in 1..count {
            watched.insert(&Protocol::Solana, &Address::from_solana_bytes(&[other; 32]));
        }
        Self(Arc::new(watched))
    }
}

impl Watch for Wallets {
    fn now(&self) -> BoxFuture<'_, Result<Arc<Watched>, SourceFault>> {
        Box::pin(ready(Ok(Arc::clone(&self.0))))
    }
}

fn source(node: &Arc<FakeNode>) -> SolanaSource {
    let chain = chains::known().into_iter().find(|chain| chain.id.as_str() == "solana-mainnet").unwrap();
    SolanaSource::new(chain, Arc::clone(node) as Arc<dyn Rpc>)
}

fn node(slots: impl IntoIterator<Item = u64>) -> Arc<FakeNode> {
    Arc::new(FakeNode::new(slots))
}

async fn blocks(source: &SolanaSource, slots: impl IntoIterator<Item = u64>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for slot in slots {
        blocks.extend(source.block(slot).await.unwrap());
    }
    blocks
}

fn signatures(transfers: &[Transfer]) -> Vec<&str> {
    transfers.iter().map(|transfer| transfer.tx_hash.as_str()).collect()
}

#[track_caller]
fn inconsistent<T: std::fmt::Debug>(result: Result<T, SourceFault>, part: &str) {
    assert!(matches!(&result, Err(SourceFault::Inconsistent(text)) if text.contains(part)), "{result:?}");
}

#[tokio::test]
async fn a_cluster_and_its_mints_are_checked() {
    let node = node(1..30);
    source(&node).check().await.unwrap();
    let mut chain = source(&node).chain;
    chain.genesis = Some("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG".to_owned());
    let other = SolanaSource::new(chain, Arc::clone(&node) as Arc<dyn Rpc>);
    assert!(matches!(other.check().await, Err(SourceFault::Mismatch(text)) if text.contains("the node says 5eykt4UsFv8P8N")));
}

/// A worker whose node is slow does not keep the others from theirs (found by the simulator: seed 1 at 1,000 steps stood still).
#[tokio::test]
async fn who_comes_while_the_mints_are_asked_for_does_not_wait() {
    let node = node(1..30);
    let source = source(&node);
    node.change(|state| state.hang = true);
    let mut first = Box::pin(source.mints());
    assert!((&mut first).now_or_never().is_none(), "the node does not answer it");
    let Some(Ok(mints)) = source.mints().now_or_never() else { panic!("it waits for the first one") };
    assert_eq!(mints.len(), source.chain.tokens.len());
}

#[tokio::test]
async fn skipped_slots_have_no_block_and_the_others_hang_together() {
    let node = node([90, 91, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104]);
    let source = source(&node);
    assert_eq!((source.block(92).await.unwrap(), source.skips()), (None, true));
    // The node says the same of blocks that it lost, and the next block's parent belies it.
    node.change(|state| state.missing.extend([91]));
    assert!(matches!(source.block(91).await, Err(SourceFault::Unavailable(text)) if text.contains("cannot tell")));
    node.change(|state| state.missing.clear());
    // Of slots that are not final the node never says that they were skipped, and the next block's parent does.
    node.change(|state| assert_eq!(state.blocks.remove(&102), Some(0)));
    assert_eq!(source.block(102).await.unwrap(), None);
    assert!(matches!(source.block(105).await, Err(SourceFault::Unavailable(_))), "that one is still to come");
    node.change(|state| assert_eq!(state.blocks.insert(102, 0), None));
    let heads = source.heads().await.unwrap();
    assert_eq!((heads.latest.number, heads.finalized.map(|rest| rest.hash)), (104, Some(hash(94, 0))));
    let tip = source.block(90).await.unwrap().unwrap();
    let above = source.above(&tip, &heads.latest, 3).await.unwrap();
    assert_eq!(above.iter().map(|block| block.number).collect::<Vec<_>>(), [91, 94, 95]);
    assert!(above.windows(2).all(|pair| pair[0].hash == pair[1].parent_hash));
}

#[tokio::test]
async fn what_the_node_is_still_writing_down_is_left_for_later() {
    let node = node(1..30);
    let source = source(&node);
    node.change(|state| {
        state.errors.insert("getBlock", (28, -32014));
    });
    let heads = source.heads().await.unwrap();
    assert_eq!(heads.latest.number, 27, "the newest block that can be had");
    let (tip, latest) = (source.block(20).await.unwrap().unwrap(), Block { number: 29, ..heads.latest });
    assert_eq!(source.above(&tip, &latest, 20).await.unwrap().last().unwrap().number, 27);
}

#[tokio::test]
async fn blocks_are_gathered_for_as_long_as_is_configured() {
    let node = node(1..100);
    let mut chain = source(&node).chain;
    chain.block_ms = 4_000;
    let source = SolanaSource::new(chain, Arc::clone(&node) as Arc<dyn Rpc>);
    assert_eq!(source.heads().await.unwrap().latest.number, 99);
    node.change(|state| {
        state.blocks.extend((100..109).map(|slot| (slot, 0)));
        state.calls.clear();
    });
    assert_eq!(source.heads().await.unwrap().latest.number, 99);
    assert_eq!((node.count("getSlot"), node.count("getBlock")), (1, 0));
    node.change(|state| {
        state.blocks.insert(109, 0);
    });
    assert_eq!(source.heads().await.unwrap().latest.number, 109);
    node.change(|state| state.blocks.retain(|slot, _| *slot < 105));
    assert_eq!(source.heads().await.unwrap().latest.number, 104, "a node that lags is seen to lag");
}

#[tokio::test]
async fn errors_of_the_node_are_told_in_our_words() {
    let node = node(1..30);
    let source = source(&node);
    for (code, part) in [
        (-32001, "pruned"),
        (-32005, "behind its cluster"),
        (-32011, "no history"),
        (-32015, "a version newer"),
        (-32016, "not reached"),
        (-31_337, "error -31337"),
    ] {
        node.change(|state| {
            state.errors.insert("getBlock", (0, code));
        });
        let fault = source.block(5).await.unwrap_err();
        assert!(matches!(&fault, SourceFault::Unavailable(text) if text.contains(part) && !text.contains("key")), "{fault:?}");
    }
    node.change(|state| {
        state.errors.insert("getBlock", (0, 429));
    });
    assert!(matches!(source.block(5).await, Err(SourceFault::Limited { retry_after: None })));
    node.change(|state| state.status = Some(429));
    assert!(matches!(source.heads().await, Err(SourceFault::Limited { retry_after: Some(after) }) if after == Duration::from_secs(7)));
    node.change(|state| (state.status, state.timeless) = (None, true));
    node.change(|state| state.errors.clear());
    inconsistent(source.block(5).await, "time of the block");
}

#[tokio::test]
async fn few_accounts_are_asked_and_many_are_found_in_blocks() {
    let node = node(1..40);
    node.change(|state| {
        state.pay(30, "SigA", 0, 5_000_000);
        state.pay(30, "SigB", 5_000_000, 6_000_000);
        state.payments.push((31, "SigFailed".to_owned(), 6_000_000, 9_000_000, true));
        state.pay(32, "SigC", 6_000_000, 10_000_000);
    });
    for (wallets, by_block) in [(1, false), (200, true)] {
        let source = source(&node);
        let blocks = blocks(&source, 30..=31).await;
        node.change(|state| state.calls.clear());
        let transfers = source.transfers(&blocks, &Wallets::new(wallets)).await.unwrap();
        assert_eq!(signatures(&transfers), ["SigA", "SigB"]);
        assert_eq!((node.count("getSignaturesForAddress") == 0, node.count("getTransaction") == 0), (by_block, by_block));
        let first = &transfers[0];
        assert_eq!((first.to.as_str(), first.block_number, &first.block_hash), (WALLET, 30, &hash(30, 0)));
        assert_eq!((first.amount, first.ordinal, first.block_time), (Units::from_base_units(5_000_000, 6).unwrap(), 0, blocks[0].time));
        assert_eq!(first.from.as_str(), "J2xccRtuG43drESLYznHhLhQkLTdfepcKYbiQ9BsJVaf");
    }
}

#[test]
fn whichever_is_cheaper() {
    assert!(by_account(20, 1) && !by_account(21, 1) && by_account(160, 8) && !by_account(161, 8));
    assert!(by_account(ACCOUNTS_MAX, 10_000) && !by_account(ACCOUNTS_MAX + 1, 10_000));
}

#[tokio::test]
async fn an_entry_told_twice_is_one_payment() {
    let node = node(1..40);
    node.change(|state| {
        state.pay(30, "SigA", 0, 5_000_000);
        state.twice = true;
    });
    let source = source(&node);
    let transfers = source.transfers(&blocks(&source, 30..=31).await, &Wallets::new(1)).await.unwrap();
    assert_eq!(signatures(&transfers), ["SigA"]);
}

/// Both at the first look at an account, and later, when what it held is known from the blocks before.
#[tokio::test]
async fn an_omitted_payment_is_missed_in_the_balance_and_found_in_the_block() {
    let node = node(1..40);
    let (source, wallets) = (source(&node), Wallets::new(1));
    node.change(|state| {
        state.pay(30, "SigA", 0, 5_000_000);
        state.hidden.insert("SigA".to_owned());
    });
    let first = source.transfers(&blocks(&source, 30..=31).await, &wallets).await.unwrap();
    assert_eq!(signatures(&first), ["SigA"]);
    node.change(|state| {
        state.hidden.clear();
        state.blocks.extend((40..45).map(|slot| (slot, 0)));
        state.first_available = 20;
    });
    assert_eq!(source.transfers(&blocks(&source, 32..=39).await, &wallets).await.unwrap(), []);
    node.change(|state| {
        state.pay(41, "SigB", 5_000_000, 7_000_000);
        state.hidden.insert("SigB".to_owned());
    });
    let later = source.transfers(&blocks(&source, 40..=42).await, &wallets).await.unwrap();
    assert_eq!(signatures(&later), ["SigB"]);
}

/// The balance that is seen may already hold what comes after the blocks that are read; it must then be found there, not taken for known.
#[tokio::test]
async fn an_omitted_payment_just_above_is_found_when_its_block_comes() {
    let node = node(1..40);
    let (source, wallets) = (source(&node), Wallets::new(1));
    assert_eq!(source.transfers(&blocks(&source, 28..=29).await, &wallets).await.unwrap(), []);
    node.change(|state| {
        state.pay(36, "SigA", 0, 5_000_000);
        state.hidden.insert("SigA".to_owned());
    });
    assert_eq!(source.transfers(&blocks(&source, 30..=34).await, &wallets).await.unwrap(), []);
    let found = source.transfers(&blocks(&source, 35..=39).await, &wallets).await.unwrap();
    assert_eq!(signatures(&found), ["SigA"]);
}

#[tokio::test]
async fn a_block_that_changes_while_it_is_read_is_read_again() {
    let node = node(1..40);
    let source = source(&node);
    let blocks = blocks(&source, 30..=31).await;
    node.change(|state| {
        state.pay(30, "SigA", 0, 5_000_000);
        state.fork_when_read = true;
    });
    inconsistent(source.transfers(&blocks, &Wallets::new(1)).await, "another one now");
    node.change(|state| {
        state.blocks.insert(30, 2);
    });
    inconsistent(source.transfers(&blocks, &Wallets::new(200)).await, "another one now");
}

#[tokio::test]
async fn a_listed_transaction_must_be_there_and_where_it_is_listed() {
    let node = node((1..40).filter(|slot| *slot != 31));
    let source = source(&node);
    let blocks = blocks(&source, 30..=32).await;
    node.change(|state| state.pay(31, "SigA", 0, 5_000_000));
    inconsistent(source.transfers(&blocks, &Wallets::new(1)).await, "where it has no block");
    node.change(|state| {
        state.errors.insert("getTransaction", (0, -32011));
    });
    assert!(matches!(source.transfers(&blocks, &Wallets::new(1)).await, Err(SourceFault::Unavailable(_))));
}

#[tokio::test]
async fn ranges_are_read_by_account_and_end_where_they_say() {
    let node = node((1..2_000).filter(|slot| slot % 7 != 0));
    node.change(|state| {
        for n in 0..60u64 {
            state.pay(100 + n * 10 + u64::from((100 + n * 10) % 7 == 0), &format!("Sig{n}"), n * 1_000, (n + 1) * 1_000);
        }
    });
    let source = source(&node);
    let (from, to) = (50, 1_500);
    let read = source.range(from, to, &Wallets::new(3)).await.unwrap();
    assert_eq!((read.last.number, &read.last.hash), (1_500, &hash(1_500, 0)));
    assert_eq!(read.transfers.len(), 60);
    assert!(read.transfers.is_sorted_by_key(|transfer| transfer.block_number));
    // The spends of the wallet are no payments, and the next range begins where this one ended.
    node.change(|state| state.pay(1_600, "Spent", 60_000, 10_000));
    assert_eq!(source.range(1_501, 1_900, &Wallets::new(3)).await.unwrap().transfers, []);
}

#[tokio::test]
async fn a_range_with_too_much_in_it_ends_earlier() {
    let node = node(1..3_000);
    node.change(|state| (1..1_000u64).for_each(|n| state.pay(n * 2, &format!("Sig{n}"), n * 10 - 10, n * 10)));
    let source = source(&node);
    let first = source.range(2, 2_900, &Wallets::new(1)).await.unwrap();
    assert_eq!((first.transfers.len(), first.last.number), (400, 800));
    let second = source.range(801, 2_900, &Wallets::new(1)).await.unwrap();
    assert_eq!((second.transfers.len(), second.last.number), (400, 1_600));
    let third = source.range(1_601, 2_900, &Wallets::new(1)).await.unwrap();
    assert_eq!((third.transfers.len(), third.last.number), (199, 2_900));
}

#[tokio::test]
async fn a_range_with_holes_is_not_believed() {
    let node = node(1..200);
    node.change(|state| {
        state.pay(52, "SigA", 0, 5_000_000);
        state.hidden.insert("SigA".to_owned());
    });
    let source = source(&node);
    let read = source.range(50, 150, &Wallets::new(1)).await.unwrap();
    assert_eq!((signatures(&read.transfers), read.last.number), (vec!["SigA"], 65), "by whole blocks, as many as are read at a time");
    // The heights say that blocks are missing, and the blocks themselves hang together: they are read.
    node.change(|state| state.lost = 1);
    node.change(|state| state.calls.clear());
    assert_eq!(source.range(66, 150, &Wallets::new(1)).await.unwrap().last.number, 81);
    assert_eq!(node.count("getSignaturesForAddress"), 0);
    // Lost blocks are called skipped. Those that are left do not hang together.
    node.change(|state| {
        state.lost = 0;
        state.missing.extend(84..=86);
    });
    inconsistent(source.range(82, 150, &Wallets::new(1)).await, "lacks blocks below slot 87");
    node.change(|state| state.missing = (80..=83).collect());
    inconsistent(source.range(82, 150, &Wallets::new(1)).await, "lacks blocks below slot 84");
}

/// Somebody names an account in so many transactions that its history cannot be read to the end: the blocks say what is in them.
#[tokio::test]
async fn a_flooded_history_is_left_for_the_blocks() {
    let node = node(1..40);
    node.change(|state| {
        state.pay(30, "SigA", 0, 5_000_000);
        state.flood = 100_000;
    });
    let source = source(&node);
    let found = source.transfers(&blocks(&source, 30..=31).await, &Wallets::new(1)).await.unwrap();
    assert_eq!(signatures(&found), ["SigA"]);
    // Once for the wallet's other account.
    assert_eq!(node.count("getSignaturesForAddress"), 101, "not for ever");
    // A range as well, which must not stand still. And the twin, whose flood has an end.
    let read = source.range(20, 29, &Wallets::new(1)).await.unwrap();
    assert_eq!((read.last.number, read.transfers.len()), (29, 0));
    node.change(|state| {
        state.flood = 1_000;
        state.calls.clear();
    });
    let found = source.transfers(&blocks(&source, 30..=31).await, &Wallets::new(1)).await.unwrap();
    assert_eq!((signatures(&found), node.count("getTransaction") > 0), (vec!["SigA"], true));
}

/// What an account held after a run of blocks is not known where several transactions of one slot lie right above: then nothing explains
/// that no payment is missing, and one that the node leaves out would be missed for good.
#[tokio::test]
async fn an_end_that_is_not_known_explains_nothing() {
    for (hidden, above) in [(true, 2), (false, 2), (false, 1)] {
        let node = node(1..40);
        let (source, wallets) = (source(&node), Wallets::new(1));
        assert_eq!(source.transfers(&blocks(&source, 28..=29).await, &wallets).await.unwrap(), []);
        node.change(|state| {
            state.pay(30, "SigA", 0, 5_000_000);
            (0..above).for_each(|n| state.pay(33, &format!("Above{n}"), 5_000_000 + n, 5_000_001 + n));
            state.hidden.extend(hidden.then(|| "SigA".to_owned()));
            state.calls.clear();
        });
        let found = source.transfers(&blocks(&source, 30..=31).await, &wallets).await.unwrap();
        assert_eq!(signatures(&found), ["SigA"], "hidden: {hidden}, above: {above}");
    }
}

/// What the issuer of a mint did, and whether a wallet's account still is the wallet's; the twins are as they should be.
#[tokio::test]
async fn what_issuers_did_is_read_in_the_accounts() {
    let node = node(1..40);
    node.change(|state| state.pay(5, "SigA", 0, 5_000_000));
    let source = source(&node);
    let wallets = [Address::from_canonical(WALLET.to_owned()), Address::from_solana_bytes(&[1; 32])];
    assert_eq!(source.issued(&wallets).await.unwrap(), Issued::default());
    node.change(|state| (state.frozen, state.paused) = (true, true));
    let issued = source.issued(&wallets).await.unwrap();
    let stopped: Vec<_> = issued.stopped.iter().map(|stopped| (stopped.currency.as_str(), stopped.reason.as_str())).collect();
    assert_eq!(stopped, [("PYUSD", "its mint says that it is paused")]);
    let frozen = |issued: &Issued| {
        let each = issued.frozen.iter().map(|frozen| (frozen.address.to_string(), frozen.currency.to_string(), frozen.reason.clone()));
        each.collect::<Vec<_>>()
    };
    let ours = |reason: &str| vec![(WALLET.to_owned(), "USDC".to_owned(), reason.to_owned())];
    assert_eq!(frozen(&issued), ours("its token account is frozen"));
    node.change(|state| (state.frozen, state.stolen, state.paused) = (false, true, false));
    let issued = source.issued(&wallets).await.unwrap();
    assert_eq!((issued.stopped.len(), frozen(&issued)), (0, ours("its token account obeys somebody else")));
}
