//! A test that is run two times, each time in a world of its own on the same seed: what the two journals say has to be the same, to the last
//! number. It must not forgive a difference that somebody would see who runs a test again.

use std::collections::BTreeSet;

use payin_tests::sandbox::Sandbox;
use serde_json::Value;

const SEED: u64 = 21;

/// The whole journal is the same. For tests that ask one thing after another, as often each time.
pub async fn twice(test: impl AsyncFn(&Sandbox)) {
    assert_same(&journal_of(&test).await, &journal_of(&test).await);
}

/// Which requests there were and what they were answered is the same, and all else to the last; but not how often somebody asked, and when
/// between others: a client that looks again every few milliseconds of real time asks as often as this machine is fast, and of many that ask
/// at once any may be first. With that go the numbers that count requests, and the times at which they came.
pub async fn twice_but_for_how_often(test: impl AsyncFn(&Sandbox)) {
    let happened = |journal: String| {
        let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("an entry"));
        let (requests, mut others): (Vec<Value>, Vec<Value>) = entries.partition(|entry| entry["kind"] == "request");
        others.iter_mut().for_each(|entry| drop(entry["seq"].take()));
        let requests = requests.iter().map(|entry| format!("{} {}\n", entry["what"], entry["outcome"])).collect::<BTreeSet<_>>();
        requests.into_iter().chain(others.iter().map(|entry| format!("{entry}\n"))).collect::<String>()
    };
    assert_same(&happened(journal_of(&test).await), &happened(journal_of(&test).await));
}

async fn journal_of(test: &impl AsyncFn(&Sandbox)) -> String {
    let sandbox = Sandbox::seeded(SEED).await;
    test(&sandbox).await;
    let journal = sandbox.whole_journal().await;
    sandbox.stop().await;
    journal
}

#[track_caller]
fn assert_same(one: &str, another: &str) {
    assert!(!one.is_empty(), "nothing has happened");
    let differs = one.lines().zip(another.lines()).find(|(one, another)| one != another);
    assert!(differs.is_none(), "the same seed, and another journal: {differs:#?}");
    assert_eq!(one.lines().count(), another.lines().count(), "the same seed, and a journal that goes on");
}

/// A harness that cannot fail shows nothing.
#[tokio::test]
#[should_panic(expected = "the same seed, and another journal")]
async fn a_test_that_does_something_else_each_time_is_caught() {
    let times = std::sync::atomic::AtomicU64::new(0);
    twice(async |sandbox: &Sandbox| {
        let nth = times.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        sandbox.advance(1 + nth).await;
        sandbox.order("ONE", "1").await;
    })
    .await;
}
