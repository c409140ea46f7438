//! The library of scenarios: a shop that does it rightly passes each, and one that makes the mistake which a scenario is there for is caught
//! at the step that shows it. And that a scenario on the same seed leaves the same journal.

use payin_sdk::Client;
use payin_sdk::testing::scenario::{Merchant, NotPlayed, Outcome, Scenario, Stage};
use payin_tests::sandbox::{CHAIN, Sandbox, new_order};
use payin_tests::shop::{Mistake, Shop};
use serde_json::json;
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

fn library() -> Vec<Scenario> {
    Scenario::library().expect("scenarios that can be read")
}

async fn played(stage: &Stage, scenario: &Scenario) -> Outcome {
    stage.play(scenario).await.unwrap_or_else(|not| panic!("{}: {not}", scenario.name()))
}

async fn passes_and_catches(name: &str, mistake: Mistake, step: &str, says: &str) {
    let library = library();
    let scenario = library.iter().find(|scenario| scenario.name() == name).expect("a scenario of the library");
    let (one, sandbox) = plays_rightly(scenario).await;
    sandbox.stop().await;
    let (another, sandbox) = plays_rightly(scenario).await;
    assert_eq!(one, another, "the same seed, and another journal");

    // In the same sandbox: a scenario leaves nothing behind that keeps the next from being played.
    let wrong = Shop::open(sandbox.url(), sandbox.key(), Some(mistake)).await;
    let outcome = played(&stage(&sandbox, &wrong), scenario).await;
    let failure = outcome.failure.as_ref().unwrap_or_else(|| panic!("{name} does not catch {mistake:?}"));
    assert!(failure.what.contains(step) && failure.to_string().contains(says), "{mistake:?}: {outcome}");
    sandbox.stop().await;
}

/// Plays a scenario with a shop that makes no mistake, in a sandbox of a seed. Answers its journal, but for the ports, which this machine
/// gives out as it likes.
async fn plays_rightly(scenario: &Scenario) -> (String, Sandbox) {
    let sandbox = Sandbox::seeded(7).await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let outcome = played(&stage(&sandbox, &shop).set("run", "same"), scenario).await;
    assert!(outcome.passed, "{outcome}");
    (sandbox.whole_journal().await, sandbox)
}

/// Plays scenarios on another chain, one after another in one sandbox. What cannot happen there is skipped, and nothing else.
async fn passes_on(chain: &str, currency: &str, scenarios: Vec<Scenario>, skipped: &[&str]) {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let stage = stage(&sandbox, &shop).set("chain", chain).set("currency", currency);
    let mut found = Vec::new();
    for scenario in scenarios {
        let outcome = played(&stage, &scenario).await;
        assert!(outcome.passed || outcome.skipped.is_some(), "{chain}: {outcome}");
        found.extend(outcome.skipped.map(|why| {
            assert!(why.contains(chain), "{why}");
            scenario.name().to_owned()
        }));
    }
    assert_eq!(found, skipped, "{chain}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_right_shop_passes_on_tron() {
    let taken_back = ["reorg_after_completion", "reorg_and_back", "chain_stall", "deposit_taken_back"];
    passes_on("tron-nile", "USDT", library(), &[&["wrong_token", "wrong_chain"], &taken_back[..]].concat()).await;
}

#[tokio::test]
async fn a_right_shop_passes_on_solana() {
    let taken_back = ["reorg_after_completion", "reorg_and_back", "chain_stall", "deposit_taken_back"];
    passes_on("solana-devnet", "USDC", library(), &[&["wrong_chain", "fee_on_transfer"], &taken_back[..]].concat()).await;
}

/// Where ten blocks confirm, as many more lie upon a payment that is taken back.
#[tokio::test]
async fn a_right_shop_passes_where_more_blocks_confirm() {
    let counting = [
        "exact_payment",
        "reorg_after_completion",
        "reorg_and_back",
        "chain_stop",
        "deposit_repeated",
        "chain_stall",
        "deposit_taken_back",
    ];
    let those = library().into_iter().filter(|scenario| counting.contains(&scenario.name())).collect();
    passes_on("polygon-amoy", "USDC", those, &[]).await;
}

/// Nothing that a shop does not do may pass for right: one that ignores webhooks fails every scenario but that in which it has to ask.
#[tokio::test]
async fn a_shop_that_ignores_webhooks_passes_nothing_but_what_asking_finds() {
    let sandbox = Sandbox::frozen().await;
    let deaf = Shop::open(sandbox.url(), sandbox.key(), Some(Mistake::Deaf)).await;
    let stage = stage(&sandbox, &deaf);
    let mut passed = Vec::new();
    for scenario in library() {
        if played(&stage, &scenario).await.passed {
            passed.push(scenario.name().to_owned());
        }
    }
    assert_eq!(passed, ["lost_webhook"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_scenario_finds_addresses_whatever_the_one_before_has_left() {
    let library = library();
    let named = |name: &str| library.iter().find(|scenario| scenario.name() == name).expect("a scenario of the library");
    let sandbox = Sandbox::frozen().await;
    let wrong = Shop::open(sandbox.url(), sandbox.key(), Some(Mistake::PromisesAnyway)).await;
    assert!(played(&stage(&sandbox, &wrong), named("exhausted_pool")).await.failure.is_some());
    let free = async || sandbox.read("/api/v1/address-pool/status").await["evm"]["available"].as_u64().expect("a number");
    assert!(free().await > 0);

    // Also one that was broken off in the middle: its orders hold every address, its fault rules and its endpoint are there, a chain stands.
    while sandbox.post_owned("/api/v1/orders", new_order(&format!("LEFT-{}", free().await), "1")).await.status == 201 {}
    assert_eq!(free().await, 0);
    let rule = json!({ "at": "webhook", "kind": "lose" });
    sandbox.post("/api/v1/sandbox/faults", &rule).await.ok(200);
    let gone = json!({ "url": "http://127.0.0.1:9/webhooks", "events": ["order.completed"], "description": "a scenario's" });
    sandbox.post("/api/v1/webhooks/endpoints", &gone).await.ok(201);
    sandbox.post("/api/v1/sandbox/chain", &json!({ "chainId": CHAIN, "stopped": true })).await.ok(200);
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let outcome = played(&stage(&sandbox, &shop), named("exact_payment")).await;
    assert!(outcome.passed, "{outcome}");
    assert_eq!(sandbox.counts().await["endpoints"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_fault_that_nobody_meets_shows_nothing() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let stage = stage(&sandbox, &shop);
    let unmet = "  - fault: { at: api, kind: drop, match: \"GET /api/v1/nowhere\", count: 1 }\n";
    let met = "  - fault: { at: api, kind: latency, delayMs: 1, match: \"GET /api/v1/me\" }\n  - api: { get: /me }\n";
    for (steps, at) in [(unmet.to_owned(), 2), (format!("{unmet}  - clear_faults\n"), 2), (format!("{met}  - clear_faults\n{unmet}"), 5)] {
        let scenario = Scenario::parse("unmet.yaml", &format!("about: A fault.\nsteps:\n{steps}")).expect("a scenario");
        let outcome = played(&stage, &scenario).await;
        let failure = outcome.failure.as_ref().unwrap_or_else(|| panic!("{steps} passes"));
        assert!(failure.step == at && failure.expected.contains("the fault api drop of 'GET /api/v1/nowhere' to be met"), "{outcome}");
    }
    let scenario = Scenario::parse("met.yaml", &format!("about: A fault.\nsteps:\n{met}")).expect("a scenario");
    assert!(played(&stage, &scenario).await.passed);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_the_merchants_fault_is_not_charged_to_it() {
    let sandbox = Sandbox::frozen().await;
    let shop = Shop::open(sandbox.url(), sandbox.key(), None).await;
    let scenario =
        Scenario::parse("one.yaml", "about: One.\nwith: { chain: tron-nile }\nsteps:\n  - api: { get: /me }\n").expect("a scenario");
    let client = Client::builder().api_key(sandbox.key()).base_url(sandbox.url()).build().expect("a client");
    // A port that nobody listens at.
    let nobody = Merchant::new("http://127.0.0.1:9", Shop::secret());
    let not = Stage::new(client.clone(), nobody).play(&scenario).await.expect_err("a merchant that is not there");
    assert!(matches!(&not, NotPlayed::Merchant { url, .. } if url == "http://127.0.0.1:9/"), "{not}");
    let deaf = Merchant::new(shop.url(), Shop::secret()).webhooks("http://127.0.0.1:9/hook");
    let not = Stage::new(client, deaf).play(&scenario).await.expect_err("an endpoint that is not there");
    assert!(matches!(&not, NotPlayed::Merchant { url, .. } if url == "http://127.0.0.1:9/hook"), "{not}");
    let nowhere = Client::builder().api_key(sandbox.key()).base_url("http://127.0.0.1:9").build().expect("a client");
    let not = Stage::new(nowhere, Merchant::new(shop.url(), Shop::secret())).play(&scenario).await.expect_err("no sandbox");
    assert!(matches!(not, NotPlayed::Sandbox(_)), "{not}");
    for (chain, says) in [("tron-nil", "one.yaml:1:1: chain is \"tron-nil\", and the sandbox has "), ("", "chain is \"\"")] {
        let not = stage(&sandbox, &shop).set("chain", chain).play(&scenario).await.expect_err("a chain that is not there");
        assert!(not.to_string().contains(says), "{not}");
    }
    sandbox.stop().await;
}
