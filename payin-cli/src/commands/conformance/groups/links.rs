//! Payment links through their life: a draft, published, bought, unpublished, put away, deleted.

use serde_json::{Value, json};

use super::super::check::checks;
use super::super::cleanup;
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask, Key};
use super::chains::Place;

checks! {
    CREATE: "links.create" [Write] "A new link is 201, a draft, and says what was asked for", "Payment Links guide: create";
    GET: "links.get" [Write] "A link read by its id is the link that was created", "Payment Links guide";
    UPDATE: "links.update" [Write] "What is changed is changed, and what is not said stays", "Payment Links guide: update";
    PUBLISH: "links.publish" [Write] "A published link has a slug, and anybody can look at it there", "Payment Links guide: publish";
    FROZEN: "links.frozen" [Write] "The amount of a published link cannot be changed", "openapi.yaml: updatePaymentLink";
    NOT_OFFERED: "links.not-offered" [Write] "A payer cannot pay in a currency or on a chain that the link does not offer", "Payment Links guide: checkout";
    BUY: "links.buy" [Write, Sandbox] "A payer opens an order of the link, which the merchant sees among its orders", "Payment Links guide: checkout";
    UNPUBLISH: "links.unpublish" [Write] "An unpublished link is 410 PAYMENT_LINK_UNAVAILABLE to payers", "openapi.yaml: responses/LinkUnavailable";
    ARCHIVE: "links.archive" [Write] "A link that is put away is in no list, unless it is asked for, until it is restored", "Payment Links guide: archive";
    DELETE: "links.delete" [Write] "A deleted link is 404", "API Reference: payment links";
    STATS: "links.stats" [] "Links are counted", "openapi.yaml: getPaymentLinkStats";
}

/// The body of a new link.
pub fn new(suite: &Suite<'_>, currency: &str, chain: &str) -> Value {
    json!({ "title": suite.fresh(), "amount": "12.50", "currencies": [{ "currency": currency, "chainOptions": [chain] }] })
}

pub async fn run(suite: &mut Suite<'_>, place: &Place) {
    suite.check(STATS, async |suite: &mut Suite| suite.ask(Ask::of("getPaymentLinkStats")).await?.ok(200).map(drop)).await;
    let body = new(suite, &place.currency, &place.chain);
    let link = suite
        .check(CREATE, async |suite: &mut Suite| {
            let link = suite.ask(Ask::of("createPaymentLink").json(&body)).await?.ok(201)?;
            for name in ["title", "amount"] {
                link.has(&format!("/{name}"), body.get(name).unwrap_or(&Value::Null))?;
            }
            link.has("/status", &json!("draft"))?;
            link.has("/currencies/0/currency", &json!(place.currency))?;
            Ok((link.field("/id")?, link))
        })
        .await;
    let Some((id, link)) = link else { return };
    suite.check(GET, async |suite: &mut Suite| suite.ask(Ask::of("getPaymentLink").at(&id)).await?.ok(200)?.has("", &link.body)).await;
    suite
        .check(UPDATE, async |suite: &mut Suite| {
            let change = json!({ "description": "of a conformance run", "inventoryTotal": 3 });
            let changed = suite.ask(Ask::of("updatePaymentLink").at(&id).json(&change)).await?.ok(200)?;
            changed.has("/description", &json!("of a conformance run"))?;
            changed.has("/inventoryTotal", &json!(3))?;
            changed.has("/title", body.get("title").unwrap_or(&Value::Null))
        })
        .await;
    let slug = suite
        .check(PUBLISH, async |suite: &mut Suite| {
            let published = suite.ask(Ask::of("publishPaymentLink").at(&id)).await?.ok(200)?;
            published.has("/status", &json!("published"))?;
            let slug = published.field("/slug")?;
            let public = suite.ask(Ask::of("getCheckout").at(&slug).key(Key::None)).await?.ok(200)?;
            public.has("/amount", &json!("12.50"))?;
            Ok(slug)
        })
        .await;
    if let Some(slug) = slug {
        pay(suite, place, &id, &slug).await;
    }
    put_away(suite, &id, &link).await;
}

async fn pay(suite: &mut Suite<'_>, place: &Place, id: &str, slug: &str) {
    let open = |currency: &str, chain: &str| {
        Ask::of("createCheckoutOrder").at(slug).key(Key::None).json(&json!({ "currency": currency, "chainId": chain }))
    };
    suite
        .check(FROZEN, async |suite: &mut Suite| {
            suite.ask(Ask::of("updatePaymentLink").at(id).json(&json!({ "amount": "1" }))).await?.refused(409, "INVALID_STATE")
        })
        .await;
    suite
        .check(NOT_OFFERED, async |suite: &mut Suite| {
            suite.ask(open("CONFORMANCE", &place.chain)).await?.refused(400, "INVALID_CURRENCY")?;
            suite.ask(open(&place.currency, "conformance-chain")).await?.refused(400, "INVALID_CHAIN")
        })
        .await;
    suite
        .check(BUY, async |suite: &mut Suite| {
            let opened = suite.ask(open(&place.currency, &place.chain)).await?.ok(201)?;
            opened.has("/order/amount", &json!("12.50"))?;
            let order = opened.field("/order/orderId")?;
            let orders = suite.ask(Ask::of("listPaymentLinkOrders").at(id)).await?.ok(200)?;
            orders.has("/data/0/orderId", &json!(order))?;
            let link = suite.ask(Ask::of("getPaymentLink").at(id)).await?.ok(200)?;
            link.has("/inventoryReserved", &json!(1))
        })
        .await;
    suite
        .check(UNPUBLISH, async |suite: &mut Suite| {
            suite.ask(Ask::of("unpublishPaymentLink").at(id)).await?.ok(200)?.has("/status", &json!("draft"))?;
            let gone = suite.ask(Ask::of("getCheckout").at(slug).key(Key::None)).await?;
            gone.refused(410, "PAYMENT_LINK_UNAVAILABLE")
        })
        .await;
}

async fn put_away(suite: &mut Suite<'_>, id: &str, link: &Answer) {
    let title = link.field("/title").unwrap_or_default();
    // Once the link is deleted nobody finds its orders any more, whose references are their own ids.
    let _ = cleanup::note_orders(suite, id).await;
    suite
        .check(ARCHIVE, async |suite: &mut Suite| {
            let listed = || Ask::of("listPaymentLinks").query("search", &title);
            suite.ask(Ask::of("archivePaymentLink").at(id)).await?.ok(200)?.has("/isArchived", &json!(true))?;
            suite.ask(listed()).await?.ok(200)?.has("/pagination/total", &json!(0))?;
            suite.ask(listed().query("archived", true)).await?.ok(200)?.has("/data/0/id", &json!(id))?;
            suite.ask(Ask::of("restorePaymentLink").at(id)).await?.ok(200)?.has("/isArchived", &json!(false))?;
            suite.ask(listed()).await?.ok(200)?.has("/data/0/id", &json!(id))
        })
        .await;
    suite
        .check(DELETE, async |suite: &mut Suite| {
            suite.ask(Ask::of("deletePaymentLink").at(id)).await?.ok(200)?.has("/success", &json!(true))?;
            suite.ask(Ask::of("getPaymentLink").at(id)).await?.refused(404, "RESOURCE_NOT_FOUND")
        })
        .await;
}
