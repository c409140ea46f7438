//! The address pool and the settings, which are looked at and left as they are.

use serde_json::json;

use super::super::check::{Broken, checks};
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};

checks! {
    STATUS: "pool.status" [Admin] "The pool is counted by family and state, and the counts add up", "API Reference: address pool";
    LIST: "pool.list" [Admin] "Its addresses are listed", "API Reference: address pool";
    IMPORT: "pool.import-refused" [Admin, Write] "A list with a bad line is refused whole, and says which line it is", "Address management guide: import";
    NOT_FOUND: "pool.not-found" [Admin, Write] "An address that is not in the pool is 404", "openapi.yaml: archiveAddress";
    SETTINGS: "settings.list" [Admin] "Settings are listed, and each read by its name is the same", "API Reference: configuration";
    NO_SETTING: "settings.unknown" [Admin] "An unknown setting is 404", "API Reference: configuration";
    NOT_SET: "settings.not-set" [Admin, Write] "An unknown setting cannot be set", "API Reference: configuration";
    ORGANIZATIONS: "organizations.list" [Admin] "The key's organization is listed", "API Reference: organizations";
}

/// In form an address of an EVM chain, and nobody's: its checksum is another's.
const NOBODYS: &str = "0x00000000000000000000000000000000C0F0aaaa";

pub async fn run(suite: &mut Suite<'_>) {
    suite
        .check(STATUS, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("getAddressPoolStatus")).await?.ok(200)?;
            for (protocol, counts) in answer.body.as_object().into_iter().flatten() {
                let count = |name: &str| counts.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
                let states: u64 = ["available", "allocated", "bound", "coolingDown"].iter().map(|name| count(name)).sum();
                if states > count("total") {
                    return Err(answer.wrong(format!("no more addresses in states than the total of {protocol}")));
                }
            }
            Ok(())
        })
        .await;
    suite.check(LIST, async |suite: &mut Suite| suite.ask(Ask::of("listAddresses").query("limit", 2)).await?.ok(200).map(drop)).await;
    suite
        .check(IMPORT, async |suite: &mut Suite| {
            let body = json!({ "protocol": "evm", "addresses": "conformance\nalso none" });
            let answer = suite.ask(Ask::of("importAddresses").json(&body)).await?;
            answer.refused(400, "VALIDATION_ERROR")?;
            let lines: Option<Vec<_>> = answer
                .body
                .get("details")
                .and_then(|details| details.as_array()?.iter().map(|detail| detail.get("line")?.as_u64()).collect());
            if lines == Some(vec![1, 2]) { Ok(()) } else { Err(answer.wrong("details with the lines 1 and 2")) }
        })
        .await;
    suite
        .check(NOT_FOUND, async |suite: &mut Suite| {
            suite.ask(Ask::of("archiveAddress").at(NOBODYS)).await?.refused(404, "RESOURCE_NOT_FOUND")?;
            suite.ask(Ask::of("restoreAddress").at(NOBODYS)).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    settings(suite).await;
    suite
        .check(ORGANIZATIONS, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listOrganizations")).await?.ok(200)?;
            organization(&page).map(drop)
        })
        .await;
}

/// The id of the first organization of a page.
pub fn organization(page: &Answer) -> Result<String, Broken> {
    page.field("/data/0/id")
}

async fn settings(suite: &mut Suite<'_>) {
    suite
        .check(SETTINGS, async |suite: &mut Suite| {
            let all = suite.ask(Ask::of("listSettings")).await?.ok(200)?;
            let first = all.rows()?.first().cloned().ok_or_else(|| all.wrong("a setting"))?;
            let one = suite.ask(Ask::of("getSetting").at(&all.field("/data/0/key")?)).await?.ok(200)?;
            one.has("", &first)
        })
        .await;
    suite
        .check(NO_SETTING, async |suite: &mut Suite| {
            suite.ask(Ask::of("getSetting").at("conformance.none")).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
    suite
        .check(NOT_SET, async |suite: &mut Suite| {
            let ask = Ask::of("putSetting").at("conformance.none").json(&json!({ "value": 1 }));
            suite.ask(ask).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
}
