//! What scenario files may say, and what is said of those that cannot be meant.

use super::library::SCENARIOS;
use super::*;

fn why(text: &str) -> String {
    Scenario::parse("a.yaml", text).unwrap_err().to_string()
}

fn steps(steps: &str) -> String {
    format!("about: A test.\nsteps:\n{steps}")
}

#[test]
fn every_scenario_of_the_library_can_be_read_and_no_file_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut names: Vec<String> = SCENARIOS.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    names.sort();
    assert_eq!(files, names);
    let library = Scenario::library().unwrap();
    assert!(library.len() >= 20 && library.iter().all(|scenario| !scenario.about().is_empty()));
}

#[test]
fn words_that_nobody_knows_are_refused_where_they_stand() {
    let cases = [
        ("about: A test.\nstep: []\n", "a.yaml:2:1: ", &["step", "steps", "with", "events"][..]),
        (&steps("  - pay: { orderId: a, knid: late }"), "a.yaml:3:", &["knid", "kind", "orderId"]),
        (&steps("  - mine: { blocks: 1 }\n  - payy: { orderId: a }"), "a.yaml:4:", &["payy", "pay_deposit", "clear_faults"]),
        (&steps("  - merchant: { get: /a, answers: {} }"), "a.yaml:3:", &["answers", "answer", "status"]),
        (&steps("  - webhook: { type: a, data: {}, signed: badly }"), "a.yaml:3:", &["badly", "rightly", "long_ago"]),
        (&steps("  - mine: { blocks: many }"), "a.yaml:3:", &["invalid u32"]),
        (&steps("  - api: { get: /a, status: 1 }"), "a.yaml:3:", &["a status such as 201"]),
        (&steps("  - api: { get: /a, status: ok }"), "a.yaml:3:", &["2xx, 4xx, 5xx"]),
        ("about: [", "a.yaml:1:", &[]),
        ("about: A test.\nsteps: []\n", "a.yaml:1:1: ", &["a scenario has steps"]),
        ("steps: [clear_faults]\n", "a.yaml:1:", &["about"]),
        ("about: A test.\nwith: { chain: a }\nneeds: [luck]\nsteps: [clear_faults]\n", "a.yaml:3:", &["luck", "another_chain"]),
        ("about: A test.\nneeds: [another_chain]\nsteps: [clear_faults]\n", "a.yaml:1:1: ", &["with: { chain: ethereum-sepolia }"]),
    ];
    for (text, place, words) in cases {
        let said = why(text);
        assert!(said.starts_with(place) && words.iter().all(|word| said.contains(word)), "{text}\n{said}");
    }
}

#[test]
fn what_can_be_read_and_cannot_be_meant_is_refused_too() {
    let cases = [
        ("  - pay: { orderId: a, kind: exakt }", "kind is \"exakt\", and may be exact, under, over, late"),
        ("  - journal: { kind: payment, match: a }", "kind is \"payment\", and may be request, delivery, chain"),
        ("  - fault: { at: web, kind: drop }", "at is \"web\", and may be api, rpc, webhook"),
        ("  - fault: { at: api, kind: dorp }", "kind is \"dorp\", and may be error, rate_limit"),
        ("  - fault: { at: api, kind: drop, when: afterwards }", "when is \"afterwards\", and may be before, after"),
        ("  - fault: { at: api, kind: error, code: OOPS }", "code is \"OOPS\", and may be INVALID_API_KEY"),
        ("  - merchant: { answer: {} }", "say one of get, post, put, delete, with a path"),
        ("  - merchant: { get: /a, post: /b }", "say one of get, post, put, delete, with a path"),
        ("  - merchant: { get: orders }", "the path \"orders\" has to begin with /"),
        ("  - api: { post: /orders, body: { amount: 25.5 } }", "25.5 is a number with a fraction: put amounts into quotes"),
        ("  - webhook: { type: a, data: { b: [{ amount: 0.1 }] } }", "0.1 is a number with a fraction"),
    ];
    for (step, words) in cases {
        let said = why(&steps(&format!("  - clear_faults\n{step}")));
        assert!(said.starts_with("a.yaml:4:") && said.contains(words), "{step}\n{said}");
    }
}

#[test]
fn names_that_nothing_has_by_then_are_refused_where_they_stand() {
    let cases = [
        ("  - confirm: ${order.orderId}", "nothing is named \"order\" here; there is: run"),
        ("  - merchant: { get: \"/orders/${rum}\" }", "nothing is named \"rum\" here"),
        ("  - merchant: { get: /a, answer: { total: \"${a.b}\" }, as: a }", "nothing is named \"a\" here"),
        ("  - take_back: { chainId: a, txHash: \"${paid.txHash}\" }", "nothing is named \"paid\" here"),
        ("  - merchant: { get: \"/orders/${run\" }", "has a ${ without its }"),
        ("  - merchant: { get: \"/orders/${run.id}\" }", "\"run.id\" has no \"id\""),
        ("  - pay_deposit: { depositReference: a, amount: \"${run}\" }", "mount"),
    ];
    for (step, words) in cases {
        let said = why(&steps(&format!("  - clear_faults\n{step}")));
        assert!(said.starts_with("a.yaml:4:") && said.contains(words), "{step}\n{said}");
    }
    // What an answer will have is known when it is there, and a name may be given again.
    let later = [
        "  - merchant: { get: /a, as: a }",
        "  - merchant: { get: \"/${a.b.0}\", as: a }",
        "  - pay: { orderId: \"${a.id}\" }",
        "  - take_back: { chainId: a, txHash: \"${paid.txHash}\" }",
    ];
    let later = steps(&later.join("\n"));
    assert!(Scenario::parse("a.yaml", &later).is_ok());
}

#[test]
fn a_failure_says_where_what_and_what_instead() {
    let failure = Failure {
        step: 3,
        line: 12,
        what: "merchant GET /orders/a".to_owned(),
        expected: "fulfilled 1".to_owned(),
        got: "fulfilled 2".to_owned(),
    };
    let outcome =
        Outcome { scenario: "a.yaml".to_owned(), about: String::new(), passed: false, steps: 2, skipped: None, failure: Some(failure) };
    assert_eq!(outcome.to_string(), "a.yaml:12: step 3, merchant GET /orders/a: expected fulfilled 1, got fulfilled 2");
}
