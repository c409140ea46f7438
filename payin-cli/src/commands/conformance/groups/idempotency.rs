//! Requests that are repeated under one key, over payment links: they take no address, and can be deleted.

use serde_json::{Value, json};

use super::super::check::{Broken, checks};
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};
use super::chains::Place;

checks! {
    REPLAY: "idempotency.replay" [Write] "The same key and body are answered the first answer again, byte for byte", "API Reference: idempotency";
    HEADER: "idempotency.header" [Write] "A replay, and nothing else, says Idempotent-Replayed: true", "openapi.yaml: headers/IdempotentReplayed";
    ONCE: "idempotency.once" [Write] "What was asked for twice under one key exists once", "API Reference: idempotency";
    CONFLICT: "idempotency.conflict" [Write] "The same key with another body is 409 IDEMPOTENCY_KEY_CONFLICT", "API Reference: idempotency";
    REFUSALS: "idempotency.refusals" [Write] "A refusal that would come again is replayed too", "openapi.yaml: idempotency";
    CONCURRENT: "idempotency.concurrent" [Write] "Of several at once under one key one takes effect, and all are answered alike", "openapi.yaml: idempotency";
    FORM: "idempotency.form" [Write] "A key of more than 255 characters is refused", "openapi.yaml: parameters/IdempotencyKey";
}

const REPLAYED: &str = "Idempotent-Replayed";

pub async fn run(suite: &mut Suite<'_>, place: &Place) {
    let key = suite.fresh();
    let body = super::links::new(suite, &place.currency, &place.chain);
    let ask = |body: &Value| Ask::of("createPaymentLink").idempotent(&key).json(body);
    let twice = suite
        .check(REPLAY, async |suite: &mut Suite| {
            let first = suite.ask(ask(&body)).await?.ok(201)?;
            let again = suite.ask(ask(&body)).await?;
            alike(&first, &again)?;
            Ok((first, again))
        })
        .await;
    if let Some((first, again)) = twice {
        suite
            .check(HEADER, async |_: &mut Suite| match (first.header(REPLAYED), again.header(REPLAYED)) {
                (Some(_), _) => Err(first.wrong(format!("no {REPLAYED} on the first answer"))),
                (None, Some("true")) => Ok(()),
                (None, other) => Err(again.wrong(format!("{REPLAYED}: true on the second answer, which has {other:?}"))),
            })
            .await;
        suite
            .check(ONCE, async |suite: &mut Suite| {
                let title = first.field("/title")?;
                let found = suite.ask(Ask::of("listPaymentLinks").query("search", title)).await?.ok(200)?;
                found.has("/pagination/total", &json!(1))
            })
            .await;
        suite
            .check(CONFLICT, async |suite: &mut Suite| {
                let other = super::links::new(suite, &place.currency, &place.chain);
                suite.ask(ask(&other)).await?.refused(409, "IDEMPOTENCY_KEY_CONFLICT")
            })
            .await;
    }
    refusals(suite).await;
    concurrent(suite, place).await;
}

fn alike(first: &Answer, again: &Answer) -> Result<(), Broken> {
    if again.status == first.status && again.bytes == first.bytes {
        return Ok(());
    }
    Err(again.wrong(format!("the first answer byte for byte: {} {}", first.status, String::from_utf8_lossy(&first.bytes))))
}

async fn refusals(suite: &mut Suite<'_>) {
    suite
        .check(REFUSALS, async |suite: &mut Suite| {
            let ask = Ask::of("createPaymentLink").idempotent(&suite.fresh()).json(&json!({ "title": suite.fresh(), "currencies": [] }));
            let first = suite.ask(ask.clone()).await?;
            first.refused(400, "VALIDATION_ERROR")?;
            let again = suite.ask(ask).await?;
            alike(&first, &again)
        })
        .await;
    suite
        .check(FORM, async |suite: &mut Suite| {
            let ask = Ask::of("createPaymentLink").idempotent(&"k".repeat(256)).json(&json!({ "title": suite.fresh(), "currencies": [] }));
            let answer = suite.ask(ask).await?;
            answer.refused(400, "VALIDATION_ERROR")?;
            let says = answer.body.to_string();
            if says.contains("Idempotency-Key") { Ok(()) } else { Err(answer.wrong("a refusal that names Idempotency-Key")) }
        })
        .await;
}

async fn concurrent(suite: &mut Suite<'_>, place: &Place) {
    suite
        .check(CONCURRENT, async |suite: &mut Suite| {
            let key = suite.fresh();
            let body = super::links::new(suite, &place.currency, &place.chain);
            let asks = vec![Ask::of("createPaymentLink").idempotent(&key).json(&body); 4];
            let answers = suite.ask_at_once(&asks).await?;
            // One that did not want to wait is told so.
            let done: Vec<_> = answers.iter().filter(|answer| answer.code() != "IDEMPOTENCY_IN_PROGRESS").collect();
            let (Some(first), true) = (done.first(), done.iter().all(|answer| answer.status == 201)) else {
                let other = answers.iter().find(|answer| answer.status != 201).or(answers.first());
                return Err(
                    other.map_or_else(|| Broken::wrong("answers", "none"), |answer| answer.wrong("201, or 409 IDEMPOTENCY_IN_PROGRESS"))
                );
            };
            done.iter().try_for_each(|answer| alike(first, answer))?;
            let found = suite.ask(Ask::of("listPaymentLinks").query("search", first.field("/title")?)).await?.ok(200)?;
            found.has("/pagination/total", &json!(1))
        })
        .await;
}
