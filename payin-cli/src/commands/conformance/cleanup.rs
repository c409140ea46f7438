//! Takes back what a run has made, found by the run's name, so that nothing is forgotten whose creation was never answered. It must not
//! touch what has another name.

use serde_json::Value;

use super::check::{Broken, checks};
use super::suite::Suite;
use super::wire::{Answer, Ask};

checks! {
    DONE: "cleanup.done" [Write] "What this run has made is gone again, but for orders, which expire by themselves", "payin conformance";
}

/// No list has more pages than this of one run's things.
const ROUNDS: usize = 10;

/// Answers the orders that stay, by their references.
pub async fn run(suite: &mut Suite<'_>) -> Vec<String> {
    suite.check(DONE, async |suite: &mut Suite| sweep(suite).await).await.unwrap_or_default()
}

async fn sweep(suite: &mut Suite<'_>) -> Result<Vec<String>, Broken> {
    let name = suite.name.clone();
    for _ in 0..ROUNDS {
        let list = Ask::of("listPaymentLinks").query("search", &name).query("includeArchived", true).query("limit", 100);
        let ids = suite.ask(list).await?.ok(200)?.column("id")?;
        for id in &ids {
            gone(&suite.ask(Ask::of("deletePaymentLink").at(id)).await?)?;
        }
        if ids.is_empty() {
            break;
        }
    }
    let references = Ask::of("listDepositReferences").query("search", &name).query("limit", 100);
    for reference in suite.ask(references).await?.ok(200)?.column("depositReference")? {
        gone(&suite.ask(Ask::of("unbindDeposit").at(&reference)).await?)?;
    }
    if suite.lacks(&[super::check::Need::Admin]).is_none() {
        for id in named(suite, Ask::of("listWebhookEndpoints"), "description").await? {
            gone(&suite.ask(Ask::of("deleteWebhookEndpoint").at(&id)).await?)?;
        }
        let organizations = suite.ask(Ask::of("listOrganizations")).await?.ok(200)?.column("id")?;
        for organization in organizations {
            for id in named(suite, Ask::of("listApiKeys").at(&organization), "name").await? {
                gone(&suite.ask(Ask::of("deleteApiKey").at(&id)).await?)?;
            }
        }
    }
    let orders = Ask::of("listOrders").query("orderReference", &name).query("status", "pending").query("limit", 100);
    suite.ask(orders).await?.ok(200)?.column("orderReference")
}

/// The ids of the things of a list whose `field` begins with the run's name.
async fn named(suite: &mut Suite<'_>, list: Ask, field: &str) -> Result<Vec<String>, Broken> {
    let mut found = Vec::new();
    for page in 1..=ROUNDS {
        let page = suite.ask(list.clone().query("limit", 100).query("page", page)).await?.ok(200)?;
        let is_ours = |row: &&Value| row.get(field).and_then(Value::as_str).is_some_and(|text| text.starts_with(&suite.name));
        let ids = page.rows()?.iter().filter(is_ours).filter_map(|row| row.get("id")?.as_str().map(str::to_owned));
        found.extend(ids);
        if page.body.pointer("/pagination/hasMore") != Some(&Value::Bool(true)) {
            break;
        }
    }
    Ok(found)
}

/// What is gone already is as well.
fn gone(answer: &Answer) -> Result<(), Broken> {
    if matches!(answer.status, 200 | 204 | 404) { Ok(()) } else { Err(answer.wrong("200, or 404 for what is gone already")) }
}
