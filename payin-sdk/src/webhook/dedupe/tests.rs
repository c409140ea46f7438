//! An event is handled once, whatever comes in whatever order, and memory is bounded.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::memory::{Full, MemoryStore};
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_737_369_000);

fn id(text: &str) -> EventId {
    EventId::from(text)
}

fn dedupe(capacity: usize) -> Dedupe<MemoryStore> {
    Dedupe::new(MemoryStore::new(capacity))
}

async fn handled(dedupe: &Dedupe<MemoryStore>, text: &str) -> Once<()> {
    dedupe.once(&id(text), NOW, async { Ok::<_, Infallible>(()) }).await.unwrap()
}

#[tokio::test]
async fn an_event_is_handled_once() {
    let (dedupe, count) = (dedupe(10), AtomicUsize::new(0));
    for expected in [Once::Now(0), Once::Before, Once::Before] {
        let handle = async { Ok::<_, Infallible>(count.fetch_add(1, Ordering::SeqCst)) };
        assert_eq!(dedupe.once(&id("evt_1"), NOW, handle).await.unwrap(), expected);
    }
    assert_eq!(handled(&dedupe, "evt_2").await, Once::Now(()));
    // However much later.
    let later = NOW.plus(Duration::from_secs(1_000_000));
    assert_eq!(dedupe.once(&id("evt_1"), later, async { Ok::<_, Infallible>(9) }).await.unwrap(), Once::Before);
}

#[tokio::test]
async fn what_failed_is_not_done() {
    let dedupe = dedupe(10);
    for _ in 0..3 {
        let failed = dedupe.once(&id("evt_1"), NOW, async { Err::<(), _>("out of stock") }).await;
        assert!(matches!(failed, Err(OnceError::Handler("out of stock"))));
    }
    assert_eq!(handled(&dedupe, "evt_1").await, Once::Now(()));
}

#[tokio::test]
async fn of_many_at_once_one_handles_and_the_others_come_again() {
    let (dedupe, begun, go) = (Arc::new(dedupe(10)), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = {
        let (dedupe, begun, go) = (Arc::clone(&dedupe), Arc::clone(&begun), Arc::clone(&go));
        async move {
            let handle = async {
                begun.notify_one();
                go.notified().await;
                Ok::<_, Infallible>(())
            };
            dedupe.once(&id("evt_1"), NOW, handle).await.unwrap()
        }
    };
    let others = async {
        begun.notified().await;
        for _ in 0..5 {
            let refused = dedupe.once(&id("evt_1"), NOW, async { Ok::<(), Infallible>(()) }).await;
            assert!(matches!(refused, Err(OnceError::InProgress)));
        }
        go.notify_one();
    };
    assert_eq!(tokio::join!(first, others).0, Once::Now(()));
    assert_eq!(handled(&dedupe, "evt_1").await, Once::Before);
}

#[tokio::test]
async fn a_handler_that_died_holds_its_claim_for_the_lease_and_no_longer() {
    let dedupe = dedupe(10).lease(Duration::from_secs(30));
    let (event, begun) = (id("evt_1"), Notify::new());
    {
        let handle = async {
            begun.notify_one();
            std::future::pending::<Result<(), Infallible>>().await
        };
        let dying = dedupe.once(&event, NOW, handle);
        tokio::select! {
            _ = dying => panic!("it never ends"),
            () = begun.notified() => {}
        }
    }
    let at = async |s| dedupe.once(&id("evt_1"), NOW.plus(Duration::from_secs(s)), async { Ok::<(), Infallible>(()) }).await;
    assert!(matches!(at(29).await, Err(OnceError::InProgress)));
    assert_eq!(at(30).await.unwrap(), Once::Now(()));
    assert_eq!(at(31).await.unwrap(), Once::Before);
}

#[tokio::test]
async fn a_claim_that_lapsed_gives_back_nobody_elses() {
    let store = MemoryStore::new(10);
    let (event, at) = (id("evt_1"), |s| NOW.plus(Duration::from_secs(s)));
    assert_eq!(store.claim(&event, at(0), at(10)).await, Ok(Claimed::Now));
    assert_eq!(store.claim(&event, at(10), at(20)).await, Ok(Claimed::Now));
    store.release(&event, at(10)).await.unwrap();
    assert_eq!(store.claim(&event, at(11), at(21)).await, Ok(Claimed::InProgress));
    // The slow one has handled it after all.
    store.commit(&event).await.unwrap();
    store.release(&event, at(20)).await.unwrap();
    assert_eq!(store.claim(&event, at(30), at(40)).await, Ok(Claimed::Handled));
}

#[tokio::test]
async fn memory_is_bounded_and_forgets_the_oldest_handled() {
    let (few, store) = (dedupe(2), MemoryStore::new(2));
    for text in ["evt_1", "evt_2", "evt_3"] {
        assert_eq!(handled(&few, text).await, Once::Now(()));
    }
    assert_eq!(handled(&few, "evt_3").await, Once::Before);
    assert_eq!(handled(&few, "evt_2").await, Once::Before);
    assert_eq!(handled(&few, "evt_1").await, Once::Now(()));

    // What is being handled is not forgotten, unless its claim has lapsed.
    let until = NOW.plus(Duration::from_secs(60));
    for text in ["evt_1", "evt_2"] {
        assert_eq!(store.claim(&id(text), NOW, until).await, Ok(Claimed::Now));
    }
    assert_eq!(store.claim(&id("evt_3"), NOW, until).await, Err(Full { capacity: 2 }));
    assert_eq!(store.claim(&id("evt_3"), until, until.plus(Duration::from_secs(60))).await, Ok(Claimed::Now));
    store.commit(&id("evt_1")).await.unwrap();
    store.commit(&id("evt_2")).await.unwrap();
    assert_eq!(store.claim(&id("evt_3"), until, until).await, Ok(Claimed::InProgress));
}
