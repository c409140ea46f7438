//! The library of scenarios: a shop that does it rightly passes each, and one that makes the mistake which a scenario is there for is caught
//! at the step that shows it. And that a scenario on the same seed leaves the same journal.

use payin_sdk::Client;
use payin_sdk::testing::scenario::{Merchant, Scenario, Stage};
use payin_tests::sandbox::Sandbox;
use payin_tests::shop::{Mistake, Shop};
use std::time::Duration;

/// Every scenario, the mistake that it is there for, the step that shows it, and what is said of it.
macro_rules! scenarios {
    ($($name:ident: $mistake:ident, $step:literal, $says:literal;)+) => {
        $(#[tokio::test]
        async fn $name() {
            passes_and_catches(stringify!($name), Mistake::$mistake, $step, $says).await;
        })+

        #[test]
        fn none_of_the_library_is_left_out() {
            let tried = [$(stringify!($name)),+];
            let library = Scenario::library().expect("scenarios that can be read");
            assert_eq!(tried.to_vec(), library.iter().map(Scenario::name).collect::<Vec<_>>());
        }
    };
}

scenarios! {
    exact_payment: Deaf, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 0";
    unconfirmed_payment: CreditsOnDetected, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    under_payment: AnyMoneyWillDo, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    partial_then_expiry: ForgetsPart, "merchant GET /orders/", "expected received \"10\", got received \"0\"";
    over_payment: TakesPriceForReceived, "merchant GET /orders/", "expected received \"37.50\", got received \"25.00\"";
    in_parts: CreditsOnDetected, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    within_grace: PollCloses, "merchant GET /orders/", "expected status \"waiting\", got status \"closed\"";
    late_payment: FulfilsLate, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    expiry: NeverCloses, "merchant GET /orders/", "expected status \"closed\", got status \"waiting\"";
    paid_twice: CreditsAnyTransfer, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 3";
    paid_after_cancel: FulfilsCancelled, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    wrong_token: CreditsAnyTransfer, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    fake_token: FulfilsAtOnce, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    wrong_chain: CreditsAnyTransfer, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    fee_on_transfer: Tolerant, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    reorg_before_confirmation: CreditsOnDetected, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    reorg_after_completion: IgnoresReverted, "merchant GET /orders/", "expected status \"review\", got status \"fulfilled\"";
    reorg_and_back: FulfilsPerEvent, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 2";
    duplicate_webhooks: DoesNotDedupe, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 2";
    answer_lost: DoesNotDedupe, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 3";
    reordered_webhooks: IgnoresSequence, "merchant GET /orders/", "expected status \"fulfilled\", got status \"waiting\"";
    lost_webhook: NeverPolls, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 0";
    handler_fails_twice: SwallowsErrors, "merchant GET /orders/", "expected fulfilled 1, got fulfilled 0";
    forged_webhook: TrustsAnybody, "webhook order.completed signed not", "expected status 4xx, got 204";
    stale_replay: AcceptsOld, "replay order.completed signed long_ago", "expected status 4xx, got 204";
    other_price: DoesNotCheckPrice, "merchant GET /orders/", "expected fulfilled 0, got fulfilled 1";
    unknown_event: RefusesUnknown, "webhook order.of_a_later_version signed rightly", "expected status 2xx, got 400";
    secret_rotation: FirstSignatureOnly, "journal order.completed * 2*", "expected 1 of it, got Asserted were 1 of";
    dropped_after_commit: FreshKeyPerRetry, "merchant POST /orders", "expected status 201, got 502";
    rate_limited: GivesUpAtOnce, "merchant POST /orders", "expected status 201, got 502";
    exhausted_pool: PromisesAnyway, "merchant POST /orders", "expected status 5xx, got 201";
    chain_stop: PollCloses, "merchant GET /orders/", "expected status \"waiting\", got status \"closed\"";
    deposit_repeated: OneAmountOnce, "merchant GET /deposits/", "expected balance \"4.50\", got balance \"3.50\"";
    two_in_one_transaction: OneTransactionOnce, "merchant GET /deposits/", "expected balance \"10\", got balance \"5";
    chain_stall: CreditsFinalToo, "merchant GET /deposits/", "expected balance \"10\", got balance \"20";
    deposit_taken_back: IgnoresReverted, "merchant GET /deposits/", "expected balance \"0\", got balance \"10";
}

fn stage(sandbox: &Sandbox, shop: &Shop) -> Stage {
    let client = Client::builder().api_key(sandbox.key()).base_url(sandbox.url()).build().expect("a client");
    // The shop has done what it does when it answers, so nothing is waited for.
    Stage::new(client, Merchant::new(shop.url(), Shop::secret())).patience(Duration::ZERO)
}

async fn passes_and_catches(name: &str, mistake: Mistake, step: &str, says: &str) {
    let library = Scenario::library().expect("scenarios that can be read");
    let scenario = library.iter().find(|scenario| scenario.name() == name).expect("a scenario of the library");
    let (one, sandbox) = plays_rightly(scenario).await;
    sandbox.stop().await;
    let (another, sandbox) = plays_rightly(scenario).await;
    assert_eq!(one, another, "the same seed, and another journal");

    // In the same sandbox: a scenario leaves nothing behind that keeps the next from being played.
    let wrong = Shop::open(sandbox.url(), sandbox.key(), Some(mistake)).await;
    let outcome = stage(&sandbox, &wrong).play(scenario).await;
    let failure = outcome.failure.as_ref().unwrap_or_else(|| panic!("{name} does not catch {mistake:?}"));
    assert!(failure.what.contains(step) && failure.to_string().contains(says), "{mistake:?}: {outcome}");
    sandbox.stop().await;
}

/// Plays a scenario with a shop that makes no mistake, in a sandbox of a seed. Answers its journal, but for the ports, which this machine
/// gives out as it likes.
async fn plays_rightly(scenario: &Scenario) -> (String, Sandbox) {
    let sandbox = Sandbox::seeded(7).await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let outcome = stage(&sandbox, &shop).set("run", "same").play(scenario).await;
    assert!(outcome.passed, "{outcome}");
    (sandbox.whole_journal().await, sandbox)
}
