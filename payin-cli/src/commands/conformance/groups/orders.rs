//! Orders that are created, read again in every way, and refused. Nobody pays them here.

use std::time::Duration;

use payin_sdk::Timestamp;
use serde_json::{Value, json};

use super::super::check::{Broken, checks};
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask, Key};
use super::chains::Place;

checks! {
    CREATE: "orders.create" [Write] "A new order is 201, pending, and says what was asked for", "Orders API: create";
    AMOUNT: "orders.amount-exact" [Write] "An order's amount is said as it was sent, digit by digit", "Orders API: create";
    WINDOW: "orders.window" [Write] "expiresAt is createdAt and the payment window that was asked for", "Orders API: lifecycle";
    GET: "orders.get" [Write] "An order read by its id is the order that was created", "Orders API: get";
    BY_REFERENCE: "orders.by-reference" [Write] "An order read by its reference is the same", "Orders API: get by reference";
    LISTED: "orders.listed" [Write] "It is in the list, found by its reference, and says the same there", "Orders API: list";
    SORTED: "orders.sorted" [Write] "Lists are sorted as asked, newest first unless asked otherwise, and amounts as numbers", "API Reference: sorting";
    DUPLICATE: "orders.duplicate" [Write] "A reference that is taken is 409 DUPLICATE_ORDER_REFERENCE with existingOrderId", "Orders API: errors";
    AMOUNTS: "orders.bad-amounts" [Write] "An amount that is no positive decimal string is 400 INVALID_AMOUNT", "Orders API: errors";
    DECIMALS: "orders.too-precise" [Write] "An amount with more decimals than its token has is refused, not rounded", "openapi.yaml: schemas/PositiveAmount";
    CHAIN: "orders.bad-chain" [Write] "An unknown chain is 400 INVALID_CHAIN", "Orders API: errors";
    CURRENCY: "orders.bad-currency" [Write] "A currency that is not offered on the chain is 400 INVALID_CURRENCY", "API Reference: error codes";
    PUBLIC: "orders.public" [Write] "Its payer sees the order without a key, and nothing of the merchant's", "openapi.yaml: schemas/PublicOrder";
    EXPLAIN: "orders.explain" [Write] "The server explains why the order is not paid", "openapi.yaml: explainOrder";
    STATS: "orders.stats" [] "Orders are counted by where they stand", "openapi.yaml: getOrderStats";
}

/// What is paid for the order, with a zero at its end that a number would lose.
pub const AMOUNT_SENT: &str = "10.50";

/// The body of a new order that holds its address for as short as can be.
pub fn new(reference: &str, amount: &str, place: &Place) -> Value {
    json!({
        "orderReference": reference, "amount": amount, "currency": place.currency, "chainId": place.chain,
        "paymentWindowMinutes": 1, "gracePeriodMinutes": 0,
        "metadata": { "conformance": "ü \"quoted\"", "number": 7 },
    })
}

/// Answers the order that was created, if it was.
pub async fn run(suite: &mut Suite<'_>, place: &Place) -> Option<Answer> {
    let order = create(suite, place).await;
    if let Some(order) = &order {
        read_again(suite, order).await;
        sorted(suite, place, order).await;
    }
    refused(suite, place).await;
    suite
        .check(STATS, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("getOrderStats")).await?.ok(200)?;
            let count = |name: &str| answer.body.get(name).and_then(Value::as_u64).unwrap_or_default();
            let by_status = count("pendingOrders").saturating_add(count("completedOrders")).saturating_add(count("expiredOrders"));
            if by_status == count("totalOrders") { Ok(()) } else { Err(answer.wrong("totalOrders as the sum of the other counts")) }
        })
        .await;
    order
}

async fn create(suite: &mut Suite<'_>, place: &Place) -> Option<Answer> {
    let reference = suite.fresh();
    let body = new(&reference, AMOUNT_SENT, place);
    let order = suite
        .check(CREATE, async |suite: &mut Suite| {
            let order = suite.ask(Ask::of("createOrder").json(&body).idempotent(&reference)).await?.ok(201)?;
            for name in ["orderReference", "currency", "chainId", "metadata"] {
                order.has(&format!("/{name}"), body.get(name).unwrap_or(&Value::Null))?;
            }
            order.has("/status", &json!("pending"))?;
            order.field("/orderId")?;
            Ok(order)
        })
        .await?;
    suite.check(AMOUNT, async |_: &mut Suite| order.has("/amount", &json!(AMOUNT_SENT))).await;
    suite
        .check(WINDOW, async |_: &mut Suite| {
            let time = |pointer: &str| -> Result<Timestamp, Broken> {
                order.field(pointer)?.parse().map_err(|_| order.wrong(format!("a time at {pointer}")))
            };
            let open = time("/expiresAt")?.since(time("/createdAt")?);
            if open == Duration::from_secs(60) { Ok(()) } else { Err(order.wrong("expiresAt one minute after createdAt")) }
        })
        .await;
    Some(order)
}

async fn read_again(suite: &mut Suite<'_>, order: &Answer) {
    let (Ok(id), Ok(reference)) = (order.field("/orderId"), order.field("/orderReference")) else { return };
    suite.check(GET, async |suite: &mut Suite| suite.ask(Ask::of("getOrder").at(&id)).await?.ok(200)?.has("", &order.body)).await;
    suite
        .check(BY_REFERENCE, async |suite: &mut Suite| {
            suite.ask(Ask::of("getOrderByReference").at(&reference)).await?.ok(200)?.has("", &order.body)
        })
        .await;
    suite
        .check(LISTED, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listOrders").query("orderReference", &reference)).await?.ok(200)?;
            page.has("/pagination/total", &json!(1))?;
            for name in ["orderId", "orderReference", "amount", "currency", "chainId", "address", "status", "createdAt"] {
                page.has(&format!("/data/0/{name}"), order.body.get(name).unwrap_or(&Value::Null))?;
            }
            Ok(())
        })
        .await;
    suite
        .check(PUBLIC, async |suite: &mut Suite| {
            let public = suite.ask(Ask::of("getCheckoutOrder").at(&id).key(Key::None)).await?.ok(200)?;
            for name in ["orderId", "amount", "address"] {
                public.has(&format!("/{name}"), order.body.get(name).unwrap_or(&Value::Null))?;
            }
            let private = ["metadata", "orderReference"].into_iter().find(|name| public.body.get(name).is_some());
            private.map_or(Ok(()), |name| Err(public.wrong(format!("no {name}"))))?;
            let (answer, stream) = suite.open(Ask::of("streamCheckoutOrder").at(&id).key(Key::None)).await?;
            super::events::begins(&answer, stream, "event: order").await
        })
        .await;
    suite
        .check(EXPLAIN, async |suite: &mut Suite| {
            let answer = suite.ask(Ask::of("explainOrder").at(&id)).await?.ok(200)?;
            answer.has("/orderId", &json!(id))?;
            answer.field("/summary").map(drop)
        })
        .await;
    suite
        .check(DUPLICATE, async |suite: &mut Suite| {
            let body = json!({
                "orderReference": reference, "amount": "11", "currency": order.body.get("currency"), "chainId": order.body.get("chainId"),
            });
            let answer = suite.ask(Ask::of("createOrder").json(&body)).await?;
            answer.refused(409, "DUPLICATE_ORDER_REFERENCE")?;
            answer.has("/existingOrderId", &json!(id))
        })
        .await;
}

/// A second order, of an amount that is less as a number and more as a text.
async fn sorted(suite: &mut Suite<'_>, place: &Place, first: &Answer) {
    suite
        .check(SORTED, async |suite: &mut Suite| {
            // Where time stands still, both would be as new.
            super::sandbox::pass(suite).await?;
            let body = new(&suite.fresh(), "9.00", place);
            let second = suite.ask(Ask::of("createOrder").json(&body)).await?.ok(201)?;
            let (first, second) = (first.field("/orderReference")?, second.field("/orderReference")?);
            let (up, down) = ([&first, &second], [&second, &first]);
            let list = || Ask::of("listOrders").query("orderReference", suite.name.clone());
            let asked = [
                (list(), down),
                (list().query("sortOrder", "asc"), up),
                (list().query("sortBy", "createdAt").query("sortOrder", "desc"), down),
                (list().query("sortBy", "amount").query("sortOrder", "asc"), down),
                (list().query("sortBy", "amount").query("sortOrder", "desc"), up),
            ];
            for (ask, expected) in asked {
                let page = suite.ask(ask).await?.ok(200)?;
                if page.column("orderReference")?.iter().ne(expected) {
                    return Err(page.wrong(format!("the orders {} and {} in this order", expected[0], expected[1])));
                }
            }
            Ok(())
        })
        .await;
}

async fn refused(suite: &mut Suite<'_>, place: &Place) {
    let with = |suite: &Suite, name: &str, value: Value| {
        let mut body = new(&suite.fresh(), AMOUNT_SENT, place);
        if let Some(fields) = body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        Ask::of("createOrder").json(&body)
    };
    suite
        .check(AMOUNTS, async |suite: &mut Suite| {
            let texts = ["0", "0.00", "-1", "+1", "1e3", "1,5", ".5", "1.", "01", " 1", "", "NaN"].map(|text| json!(text));
            // Numbers are no strings, whatever they are worth.
            for amount in texts.into_iter().chain([json!(100), json!(10.5), json!(null)]) {
                let ask = with(suite, "amount", amount);
                suite.ask(ask).await?.refused(400, "INVALID_AMOUNT")?;
            }
            Ok(())
        })
        .await;
    suite
        .check(DECIMALS, async |suite: &mut Suite| {
            let ask = with(suite, "amount", json!(format!("1.{}1", "0".repeat(place.decimals))));
            suite.ask(ask).await?.refused(400, "INVALID_AMOUNT")
        })
        .await;
    suite
        .check(CHAIN, async |suite: &mut Suite| {
            let ask = with(suite, "chainId", json!("conformance-chain"));
            suite.ask(ask).await?.refused(400, "INVALID_CHAIN")
        })
        .await;
    suite
        .check(CURRENCY, async |suite: &mut Suite| {
            let ask = with(suite, "currency", json!("CONFORMANCE"));
            suite.ask(ask).await?.refused(400, "INVALID_CURRENCY")
        })
        .await;
}
