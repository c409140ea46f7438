//! Deposit references that are bound, looked at and let go. Nobody pays to them here.

use serde_json::{Value, json};

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};
use super::chains::Place;

checks! {
    BIND: "deposits.bind" [Write] "A reference that is bound is 201, with its address", "Deposits API: bind";
    DUPLICATE: "deposits.duplicate" [Write] "A reference that is bound on the chain already is 409 DUPLICATE_DEPOSIT_REFERENCE", "Deposits API: errors";
    GET: "deposits.get" [Write] "A reference has the addresses that it is bound to, and what it received", "Deposits API: get";
    LISTED: "deposits.listed" [Write] "It is in the list of references, found by a part of its name", "Deposits API: list";
    UNBIND: "deposits.unbind" [Write] "A reference that is let go is 404 DEPOSIT_REFERENCE_NOT_FOUND", "Deposits API: unbind";
}

/// Answers the reference and its address, if it could be bound. It must be let go by [`unbind`].
pub async fn bind(suite: &mut Suite<'_>, place: &Place) -> Option<Answer> {
    let reference = suite.fresh();
    let body =
        json!({ "depositReference": reference, "currency": place.currency, "chainId": place.chain, "metadata": { "conformance": true } });
    let bound = suite
        .check(BIND, async |suite: &mut Suite| {
            let bound = suite.ask(Ask::of("bindDeposit").json(&body)).await?.ok(201)?;
            for name in ["depositReference", "currency", "chainId", "metadata"] {
                bound.has(&format!("/{name}"), body.get(name).unwrap_or(&Value::Null))?;
            }
            bound.field("/address")?;
            Ok(bound)
        })
        .await?;
    suite
        .check(DUPLICATE, async |suite: &mut Suite| {
            suite.ask(Ask::of("bindDeposit").json(&body)).await?.refused(409, "DUPLICATE_DEPOSIT_REFERENCE")
        })
        .await;
    suite
        .check(GET, async |suite: &mut Suite| {
            let found = suite.ask(Ask::of("getDepositReference").at(&reference)).await?.ok(200)?;
            found.has("/addresses/0/address", bound.body.get("address").unwrap_or(&Value::Null))?;
            found.has("/totalDeposits", &json!(0))
        })
        .await;
    suite
        .check(LISTED, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listDepositReferences").query("search", &reference)).await?.ok(200)?;
            page.has("/pagination/total", &json!(1))?;
            page.has("/data/0/depositReference", &json!(reference))
        })
        .await;
    Some(bound)
}

pub async fn unbind(suite: &mut Suite<'_>, bound: &Answer) {
    let reference = bound.field("/depositReference").unwrap_or_default();
    suite
        .check(UNBIND, async |suite: &mut Suite| {
            let gone = suite.ask(Ask::of("unbindDeposit").at(&reference)).await?.ok(200)?;
            gone.has("/unboundAddresses", &json!(1))?;
            suite.ask(Ask::of("getDepositReference").at(&reference)).await?.refused(404, "DEPOSIT_REFERENCE_NOT_FOUND")
        })
        .await;
}
