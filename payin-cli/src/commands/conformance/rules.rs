//! What holds for every answer, whatever was asked. Each answer of a run is looked at here before anything else; it must not ask anybody.

use std::collections::HashSet;

use payin_sdk::Timestamp;
use serde_json::{Value, json};

use super::check::{Check, Wrong, checks};
use super::contract::Contract;
use super::wire::Answer;

checks! {
    JSON: "envelope.json" [] "A body is JSON", "API Reference: conventions";
    BARE: "envelope.bare" [] "What is asked for is the body itself, in no {success, data} envelope", "API Reference: response format";
    NUMBERS: "envelope.numbers" [] "No number has a point or an exponent: amounts are strings, all else is whole", "API Reference: amounts";
    TIMES: "envelope.times" [] "Times are RFC 3339 and say their zone", "API Reference: timestamps";
    CONTENT_TYPE: "headers.content-type" [] "A JSON body says that it is application/json", "API Reference: conventions";
    REQUEST_ID: "headers.request-id" [] "Every answer has an X-Request-Id of its own", "openapi.yaml: headers/RequestId";
    PROBLEM: "errors.body" [] "Every refusal says error, message, code and statusCode", "API Reference: error format";
    STATUS: "errors.status" [] "A refusal's statusCode is its HTTP status", "API Reference: error format";
    PROBLEM_ID: "errors.request-id" [] "A refusal's requestId is its X-Request-Id", "openapi.yaml: schemas/Problem";
    TOTALS: "paging.totals" [] "A page's totalPages and hasMore agree with its total, and it has no more rows than asked for", "API Reference: pagination";
}

/// A rule that an answer breaks.
pub struct Finding {
    pub check: Check,
    pub wrong: Wrong,
    /// Whether the body is not what it says any more, so that whatever else is wrong with it comes from this.
    pub spoils: bool,
}

/// Looks at one answer. `response` is how `openapi.yaml` describes it, `ids` are the request ids of the answers before it.
pub fn look(answer: &Answer, response: Option<&Value>, contract: &Contract, ids: &mut HashSet<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |check: Check, spoils: bool, expected: String, got: String| {
        let wrong = Wrong { expected, got: format!("{}: {} {got}", answer.at, answer.status), request_id: answer.request_id() };
        found.push(Finding { check, wrong, spoils });
    };
    match answer.request_id() {
        None => say(REQUEST_ID, false, "the header X-Request-Id".to_owned(), "without it".to_owned()),
        Some(id) if !ids.insert(id.clone()) => {
            say(REQUEST_ID, false, "an id of its own".to_owned(), format!("the id {id} of another answer"))
        }
        Some(_) => {}
    }
    if response.is_some_and(|response| !Contract::is_json(response)) {
        return found;
    }
    let media = answer.header("content-type").unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        say(CONTENT_TYPE, false, "Content-Type: application/json".to_owned(), format!("Content-Type: {media:?}"));
    }
    if let Err(error) = serde_json::from_slice::<Value>(&answer.bytes) {
        say(JSON, true, "JSON".to_owned(), format!("{error}: {}", super::contract::brief(&String::from_utf8_lossy(&answer.bytes))));
        return found;
    }
    if let Some((place, number)) = float(&answer.body, "") {
        say(NUMBERS, true, format!("a string or a whole number at {place}"), number);
    } else if let Some((place, time)) = bad_time(&answer.body, "") {
        say(TIMES, true, format!("a time such as 2025-01-20T10:30:00.000Z at {place}"), time);
    } else if answer.status >= 400 {
        refusal(answer, contract, &mut say);
    } else if answer.body.get("success").is_some() && answer.body.get("data").is_some() {
        say(BARE, true, "the thing itself".to_owned(), "an envelope with success and data around it".to_owned());
    } else if let Some(why) = bad_page(&answer.body) {
        say(TOTALS, true, "a page that agrees with itself".to_owned(), why);
    }
    found
}

fn refusal(answer: &Answer, contract: &Contract, say: &mut impl FnMut(Check, bool, String, String)) {
    if let Err(why) = contract.problem(&answer.body) {
        return say(PROBLEM, true, "the body of a refusal".to_owned(), why);
    }
    let said = answer.body.get("statusCode").unwrap_or(&Value::Null);
    if *said != json!(answer.status) {
        return say(STATUS, true, format!("statusCode {}", answer.status), format!("statusCode {said}"));
    }
    // A replay says again what the first answer said.
    let is_replay = answer.header("Idempotent-Replayed").is_some();
    let (id, header) = (answer.body.get("requestId").and_then(Value::as_str), answer.header("X-Request-Id"));
    if let (Some(id), Some(header), false) = (id, header, is_replay)
        && id != header
    {
        say(PROBLEM_ID, false, format!("requestId {header:?}, as in the header"), format!("requestId {id:?}"));
    }
}

/// The first number that is not whole. Metadata is whatever the merchant sent.
fn float(node: &Value, place: &str) -> Option<(String, String)> {
    match node {
        Value::Number(number) if number.is_f64() => Some((place.to_owned(), number.to_string())),
        _ => within(node, place, |name| name != "metadata", float),
    }
}

/// The first time that cannot be read, or does not say its zone. Fields are known by their names.
fn bad_time(node: &Value, place: &str) -> Option<(String, String)> {
    let name = place.rsplit('/').next().unwrap_or_default();
    let is_time = name.ends_with("At") || matches!(name, "created_at" | "timestamp");
    match node {
        Value::String(text) if is_time && text.parse::<Timestamp>().is_err() => Some((place.to_owned(), format!("{text:?}"))),
        _ => within(node, place, |name| name != "metadata", bad_time),
    }
}

fn within(
    node: &Value,
    place: &str,
    enters: impl Fn(&str) -> bool,
    look: impl Fn(&Value, &str) -> Option<(String, String)>,
) -> Option<(String, String)> {
    match node {
        Value::Object(fields) => {
            fields.iter().filter(|(name, _)| enters(name)).find_map(|(name, value)| look(value, &format!("{place}/{name}")))
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| look(item, &format!("{place}/{at}"))),
        _ => None,
    }
}

fn bad_page(body: &Value) -> Option<String> {
    let number = |name: &str| body.get("pagination")?.get(name)?.as_u64();
    let (page, limit, total, pages) = (number("page")?, number("limit")?, number("total")?, number("totalPages")?);
    let rows = body.get("data")?.as_array()?.len();
    let more = body.get("pagination")?.get("hasMore")?.as_bool()?;
    let wants = (total.div_ceil(limit.max(1)), page < pages);
    if (pages, more) != wants {
        return Some(format!("page {page} of {pages}, hasMore {more}, with {total} in all and {limit} a page"));
    }
    // What is there changes while others work: only more rows than asked for are wrong for sure.
    (u64::try_from(rows).unwrap_or(u64::MAX) > limit).then(|| format!("{rows} rows, with {limit} a page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_found_but_in_metadata() {
        assert_eq!(float(&json!({ "a": [1, "1.5", { "b": 1.5 }] }), ""), Some(("/a/2/b".to_owned(), "1.5".to_owned())));
        assert_eq!(float(&json!({ "a": 3.0 }), "").map(|(place, _)| place), Some("/a".to_owned()));
        assert_eq!(float(&json!({ "metadata": { "a": 1.5 }, "b": 10_000_000_000_u64 }), ""), None);
    }

    #[test]
    fn times_say_their_zone() {
        for wrong in ["2025-01-20T10:30:00", "2025-01-20", "1737369000"] {
            assert!(bad_time(&json!({ "order": { "createdAt": wrong } }), "").is_some(), "{wrong}");
        }
        for right in ["2025-01-20T10:30:00.000Z", "2025-01-20T10:30:00Z"] {
            assert_eq!(bad_time(&json!({ "data": [{ "created_at": right }] }), ""), None, "{right}");
        }
    }

    #[test]
    fn pages_agree_with_themselves() {
        let page = |page: u64, total: u64, pages: u64, more: bool| {
            bad_page(
                &json!({ "data": [1, 2], "pagination": { "page": page, "limit": 2, "total": total, "totalPages": pages, "hasMore": more } }),
            )
        };
        assert_eq!((page(1, 3, 2, true), page(2, 3, 2, false), page(1, 0, 0, false)), (None, None, None));
        for wrong in [page(1, 3, 1, false), page(2, 3, 2, true), page(1, 3, 2, false)] {
            assert!(wrong.is_some());
        }
        assert!(
            bad_page(&json!({ "data": [1, 2, 3], "pagination": { "page": 1, "limit": 2, "total": 3, "totalPages": 2, "hasMore": true } }))
                .is_some()
        );
        assert_eq!(bad_page(&json!({ "data": [1] })), None);
    }
}
