//! The sandbox's own paths, as far as asking them disturbs nobody who works in it.

use serde_json::json;

use super::super::check::{Broken, checks};
use super::super::suite::Suite;
use super::super::wire::Ask;

checks! {
    LOOK: "sandbox.looks" [Sandbox] "The sandbox says its time, its chains, its faults and what happened", "openapi.yaml: Sandbox";
}

pub async fn run(suite: &mut Suite<'_>) {
    suite
        .check(LOOK, async |suite: &mut Suite| {
            for operation in ["sandboxClock", "sandboxListChains", "sandboxListFaults", "sandboxJournal"] {
                suite.ask(Ask::of(operation)).await?.ok(200)?;
            }
            // Changes nothing, but is no GET: whoever only looks sends nothing else.
            if suite.standing.read_only.is_some() {
                return Ok(());
            }
            let body = json!({ "kind": "request", "match": "*" });
            suite.ask(Ask::of("sandboxAssertJournal").json(&body)).await?.ok(200).map(drop)
        })
        .await;
}

/// Where a sandbox's time stands still, nothing is sent and no chain is followed: lets a second pass there, and only there.
pub async fn pass(suite: &mut Suite<'_>) -> Result<(), Broken> {
    if !suite.standing.sandbox {
        return Ok(());
    }
    let clock = suite.ask(Ask::of("sandboxClock")).await?.ok(200)?;
    if clock.body.get("frozen") == Some(&json!(true)) {
        suite.ask(Ask::of("sandboxAdvanceClock").json(&json!({ "seconds": 1 }))).await?.ok(200)?;
    }
    Ok(())
}
