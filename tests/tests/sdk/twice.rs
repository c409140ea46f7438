//! A test that is run two times, each time in a world of its own on the same seed: what the two journals say has to be the same, to the last
//! number. It must not forgive a difference that somebody would see who runs a test again.

use payin_tests::sandbox::Sandbox;

const SEED: u64 = 21;

/// The whole journal is the same. For tests that ask one thing after another, as often each time.
pub async fn twice(test: impl AsyncFn(&Sandbox)) {
    assert_same(&journal_of(&test).await, &journal_of(&test).await);
}

/// All that happened is the same, but for who asked for it: a client that looks again every few milliseconds of real time asks as often as
/// this machine is fast, and of many that ask at once any may be first. With their requests go the numbers that count them.
pub async fn twice_but_for_requests(test: impl AsyncFn(&Sandbox)) {
    let happened = |journal: String| {
        let entries = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an entry"));
        let others = entries.filter(|entry| entry["kind"] != "request").map(|mut entry| {
            entry["seq"].take();
            format!("{entry}\n")
        });
        others.collect::<String>()
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
