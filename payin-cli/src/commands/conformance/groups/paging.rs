//! Pages of lists, over payment links: they take no address, and can be deleted.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::check::checks;
use super::super::suite::Suite;
use super::super::wire::Ask;
use super::chains::Place;

checks! {
    DEFAULTS: "paging.defaults" [] "Without parameters a list is its first page of 20", "API Reference: pagination";
    BOUNDS: "paging.bounds" [] "A page or limit out of bounds is refused, not clamped", "API Reference: pagination";
    COMPLETE: "paging.complete" [Write] "The pages of a list have each of its things once", "API Reference: pagination";
}

pub async fn run(suite: &mut Suite<'_>, place: &Place) {
    suite
        .check(DEFAULTS, async |suite: &mut Suite| {
            for operation in ["listOrders", "listDeposits", "listTransfers", "listDepositReferences", "listPaymentLinks"] {
                let page = suite.ask(Ask::of(operation)).await?.ok(200)?;
                page.has("/pagination/page", &json!(1))?;
                page.has("/pagination/limit", &json!(20))?;
            }
            Ok(())
        })
        .await;
    suite
        .check(BOUNDS, async |suite: &mut Suite| {
            for (name, value) in [("limit", "0"), ("limit", "101"), ("limit", "x"), ("page", "0"), ("page", "-1")] {
                suite.ask(Ask::of("listOrders").query(name, value)).await?.refused(400, "VALIDATION_ERROR")?;
            }
            Ok(())
        })
        .await;
    suite
        .check(COMPLETE, async |suite: &mut Suite| {
            let mut made = BTreeSet::new();
            let title = suite.fresh();
            for count in 0..5 {
                let mut body = super::links::new(suite, &place.currency, &place.chain);
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("title".to_owned(), json!(format!("{title} {count}")));
                }
                made.insert(suite.ask(Ask::of("createPaymentLink").json(&body)).await?.ok(201)?.field("/id")?);
            }
            let list = |page: usize| Ask::of("listPaymentLinks").query("search", format!("{title} ")).query("limit", 2).query("page", page);
            let mut found = Vec::new();
            for page in 1..=3 {
                let page = suite.ask(list(page)).await?.ok(200)?;
                page.has("/pagination/total", &json!(5))?;
                found.extend(page.column("id")?);
            }
            let beyond = suite.ask(list(4)).await?.ok(200)?;
            let distinct: BTreeSet<_> = found.iter().cloned().collect();
            if distinct.len() != found.len() {
                return Err(beyond.wrong(format!("each of 5 links once on 3 pages, got {}", found.join(", "))));
            }
            if distinct != made || !beyond.rows()?.is_empty() {
                return Err(beyond.wrong(format!("the 5 links {made:?} on 3 pages and none on the fourth, got {found:?}")));
            }
            Ok(())
        })
        .await;
}
