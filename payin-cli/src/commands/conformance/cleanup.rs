//! Takes back what a run has made, found by the run's name, so that nothing is forgotten whose creation was never answered, and names what
//! cannot be taken back. It must not touch what has another name.

use serde_json::Value;

use super::check::{Broken, checks};
use super::report::{ORDER, Stays};
use super::suite::Suite;
use super::wire::{Answer, Ask};

checks! {
    DONE: "cleanup.done" [Write] "What this run has made is gone again, but for orders and deposits, which cannot be taken back", "payin conformance";
    STAYS: "cleanup.stays" [Write] "What cannot be taken back can be named", "payin conformance";
}

/// No list has more pages than this of one run's things.
const ROUNDS: usize = 10;

/// Answers what stays.
pub async fn run(suite: &mut Suite<'_>) -> Vec<Stays> {
    suite.check(DONE, async |suite: &mut Suite| sweep(suite).await).await;
    suite.check(STAYS, async |suite: &mut Suite| orders(suite).await).await;
    std::mem::take(&mut suite.stays)
}

async fn sweep(suite: &mut Suite<'_>) -> Result<(), Broken> {
    let name = suite.name.clone();
    for _ in 0..ROUNDS {
        let list = Ask::of("listPaymentLinks").query("search", &name).query("includeArchived", true).query("limit", 100);
        let ids = suite.ask(list).await?.ok(200)?.column("id")?;
        for id in &ids {
            note_orders(suite, id).await?;
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
    Ok(())
}

/// Notes the orders of a link, as long as there is the link to find them by.
pub async fn note_orders(suite: &mut Suite<'_>, link: &str) -> Result<(), Broken> {
    let opened = suite.ask(Ask::of("listPaymentLinkOrders").at(link)).await?.ok(200)?.column("orderId")?;
    let new: Vec<_> = opened.iter().filter(|order| suite.stays.iter().all(|stays| stays.id != **order)).collect();
    let new: Vec<_> = new.into_iter().map(|order| Stays::order(order, order)).collect();
    suite.stays.extend(new);
    Ok(())
}

/// Orders stay, whatever became of them: those that have the run's name, and those of its links.
async fn orders(suite: &mut Suite<'_>) -> Result<(), Broken> {
    let list = Ask::of("listOrders").query("orderReference", suite.name.clone()).query("limit", 100);
    let page = suite.ask(list).await?.ok(200)?;
    for (id, reference) in page.column("orderId")?.iter().zip(page.column("orderReference")?) {
        suite.stays.push(Stays::order(id, &reference));
    }
    for at in 0..suite.stays.len() {
        let Some(stays) = suite.stays.get(at).filter(|stays| stays.what == ORDER).cloned() else { continue };
        let order = suite.ask(Ask::of("getOrder").at(&stays.id)).await?.ok(200)?;
        if let Some(stays) = suite.stays.get_mut(at) {
            stays.status = order.field("/status").ok();
            stays.expires_at = order.field("/expiresAt").ok().filter(|_| stays.status.as_deref() == Some("pending"));
        }
    }
    Ok(())
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
