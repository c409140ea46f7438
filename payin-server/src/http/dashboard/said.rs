//! What pages say of what the core says. It says it in English and to programs: English pages have other sentences only for what speaks of the API;
//! another language has its own for all that it knows, its own names for fields, and something for every code. It must not decide what is refused,
//! or why an order is paid or is not.

use payin_core::checkout::network;
use payin_core::{Chains, Error};
use payin_types::explanation::Finding;
use payin_types::{ChainId, ErrorCode, Timestamp};
use serde_json::Value;

use super::words::Words;
use crate::http::page::Moment;

/// What the core's words are on the pages of a language.
pub struct Said {
    /// Sentences of the core, and what they are here; each `{}` stands for a text that is taken over.
    pub sentences: &'static [(&'static str, &'static str)],
    /// Fields, as the core names them, and what they are called here.
    pub fields: &'static [(&'static str, &'static str)],
    /// What is said of a field where nothing better is known: the core's words.
    pub wrong: fn(problem: &str) -> String,
    /// What is said of a refusal of these fields; `None`: what the core says of all together.
    pub together: fn(fields: &[(String, String)]) -> Option<String>,
    /// What is said of a refusal where only its code is known; `None`: the core's words.
    pub by_code: fn(&ErrorCode) -> Option<&'static str>,
    /// Why an order is paid or is not, where this version knows the finding.
    pub finding: fn(&Finding, currency: &str) -> Option<String>,
}

/// A refusal, for whoever reads this language.
pub fn refusal(t: &Words, error: &Error) -> String {
    let of = t.core;
    let details = error.details.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text_of = |detail: &Value, name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let about = |detail: &Value| Some(of.about(&text_of(detail, "field")?, &text_of(detail, "problem")?));
    let fields: Vec<(String, String)> = details.iter().filter_map(about).collect();
    let said = if fields.is_empty() { of.sentence(&error.message) } else { (of.together)(&fields) };
    said.unwrap_or_else(|| (of.by_code)(&error.code).map_or_else(|| error.message.clone(), str::to_owned))
}

/// What is wrong with a line of a file.
pub fn problem(t: &Words, problem: &str) -> String {
    t.core.sentence(problem).unwrap_or_else(|| (t.core.wrong)(problem))
}

/// A description, or how a chain does; what is not known here is said as the core says it.
pub fn text(t: &Words, text: &str) -> String {
    t.core.sentence(text).unwrap_or_else(|| text.to_owned())
}

/// A finding about an order in this currency.
pub fn finding(t: &Words, chains: &Chains, finding: &Finding, currency: &str) -> String {
    (t.core.finding)(finding, currency).unwrap_or_else(|| plain(chains, &finding.message))
}

/// A sentence with chains called as everywhere on pages, and times as people read them.
pub fn plain(chains: &Chains, text: &str) -> String {
    let word = |word: &str| {
        let (bare, after) = word.split_at(word.trim_end_matches(['.', ',', ':', ';', ')']).len());
        let chain = chains.get(&ChainId::from(bare)).map(|chain| network(&chain.id));
        let is_time = bare.len() > "2025-01-20".len();
        let time = || bare.parse::<Timestamp>().ok().filter(|_| is_time).map(|at| Moment::exact(at).text);
        chain.or_else(time).map_or_else(|| word.to_owned(), |said| format!("{said}{after}"))
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Families of chains, and what they are called.
const FAMILIES: [(&str, &str); 3] = [("evm", "EVM"), ("tron", "Tron"), ("solana", "Solana")];

impl Said {
    fn sentence(&self, text: &str) -> Option<String> {
        self.sentences.iter().find_map(|(known, here)| Some(filled(here, &parts(known, text)?)))
    }

    /// What a field is called, and what is wrong with it.
    fn about(&self, field: &str, problem: &str) -> (String, String) {
        let called = self.fields.iter().find(|(name, _)| *name == field).map_or(field, |(_, called)| called);
        (called.to_owned(), self.sentence(problem).unwrap_or_else(|| (self.wrong)(problem)))
    }
}

/// What stands in a text where a pattern has `{}`, if the text is of that pattern.
fn parts<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let (mut found, mut pieces) = (Vec::new(), pieces.peekable());
    while let Some(piece) = pieces.next() {
        // The last piece ends the text, so that what stands before it may be of any kind.
        let (part, after) = if pieces.peek().is_none() { (rest.strip_suffix(piece)?, "") } else { rest.split_once(piece)? };
        found.push(part);
        rest = after;
    }
    rest.is_empty().then_some(found)
}

fn filled(pattern: &str, parts: &[&str]) -> String {
    // Families of chains are words of the API; what they are called is a name, the same in every language.
    let parts: Vec<&str> =
        parts.iter().map(|part| FAMILIES.iter().find(|(word, _)| word == part).map_or(*part, |(_, name)| name)).collect();
    let pieces: Vec<&str> = pattern.split("{}").collect();
    pieces
        .iter()
        .enumerate()
        .map(|(at, piece)| format!("{piece}{}", parts.get(at).filter(|_| at + 1 < pieces.len()).unwrap_or(&"")))
        .collect()
}

#[cfg(test)]
mod tests {
    use payin_types::explanation::{Evidence, FindingCode};
    use serde_json::json;

    use super::super::words::{LANGUAGES, Words};
    use super::*;

    fn zh() -> &'static Words {
        Words::of("zh").unwrap()
    }

    #[test]
    fn texts_are_taken_over_from_one_pattern_to_the_other() {
        for (pattern, text, found) in [
            ("must be {} to {} characters, is {}", "must be 1 to 100 characters, is 200", Some(vec!["1", "100", "200"])),
            ("must be {} to {} characters", "must be 8 to 256 characters", Some(vec!["8", "256"])),
            ("plain", "plain", Some(vec![])),
            ("plain", "plain and more", None),
            ("must be {}", "must", None),
            ("'{}' is taken", "'' is taken", Some(vec![""])),
            ("{}x", "axbx", Some(vec!["axb"])),
        ] {
            assert_eq!(parts(pattern, text), found, "{pattern}: {text}");
        }
        assert_eq!(filled("须为 {} 至 {} 个字符", &["1", "100", "200"]), "须为 1 至 100 个字符");
    }

    #[test]
    fn english_is_as_the_core_says_it() {
        let error = Error::field("title", "must be 1 to 100 characters, is 200");
        assert_eq!(refusal(LANGUAGES[0], &error), error.message);
    }

    #[test]
    fn english_speaks_of_what_its_forms_have() {
        let error = Error::field("inventoryTotal", "must be at least 3: 2 sold, 1 held by open orders");
        assert_eq!(refusal(LANGUAGES[0], &error), "How many there are: must be at least 3: 2 sold, 1 held by open orders");
        let bad = "2 of the lines hold no usable evm address, so nothing was imported; details lists the first 100";
        let error = Error::new(ErrorCode::ValidationError, bad);
        let said = "2 of the lines hold no usable EVM address, so nothing was imported. The first 100 of them are listed below.";
        assert_eq!(refusal(LANGUAGES[0], &error), said);
    }

    #[test]
    fn sentences_name_chains_and_times_as_pages_do() {
        let chains = Chains::new(payin_core::chains::known());
        let said = plain(&chains, "5.00 USDT came on base-sepolia: until 2026-01-01T00:10:05.000Z. The order is for ethereum-sepolia.");
        assert_eq!(said, "5.00 USDT came on Base Sepolia: until 2026-01-01 00:10:05 UTC. The order is for Ethereum Sepolia.");
        assert_eq!(plain(&chains, "block 7 of 2026, base"), "block 7 of 2026, base");
    }

    #[test]
    fn chinese_is_chinese_whatever_is_refused() {
        let error = Error::field("title", "must be 1 to 100 characters, is 200");
        assert_eq!(refusal(zh(), &error), "标题：须为 1 至 100 个字符，目前为 200 个。");
        let both = Error::together(vec![
            payin_core::account::check_email("x").unwrap_err(),
            payin_core::account::check_password("x").unwrap_err(),
        ]);
        assert_eq!(refusal(zh(), &both.unwrap()), "邮箱：请输入邮箱地址，例如 alice@shop.example。密码：须为 8 至 256 个字符。");
        // What nobody has translated yet is said with the core's words beside it.
        assert_eq!(refusal(zh(), &Error::field("title", "must be funny")), "标题：填写有误（must be funny）。");
        let bare = Error::new(ErrorCode::InvalidState, "The moon is full").details(json!({ "moon": true }));
        assert_eq!(refusal(zh(), &bare), "当前状态不允许此操作。");
        for code in ErrorCode::KNOWN {
            let text = refusal(zh(), &Error::new(code.clone(), "something of the core's"));
            assert!(text.ends_with('。') && !text.bytes().any(|byte| byte.is_ascii_lowercase()), "{code:?}: {text}");
        }
    }

    #[test]
    fn every_sentence_takes_over_what_the_core_has_said() {
        for (known, here) in LANGUAGES.iter().flat_map(|t| t.core.sentences) {
            let holes = |text: &str| text.matches("{}").count();
            assert!(holes(here) <= holes(known), "{known}: {here}");
        }
    }

    #[test]
    fn settings_and_findings_are_described_in_chinese() {
        for key in payin_core::settings::KEYS {
            let described = text(zh(), key.description);
            assert!(described != key.description, "{}: {described}", key.name);
        }
        let evidence = Evidence { missing_amount: Some("2.50".parse().unwrap()), ..Evidence::default() };
        let short = Finding { code: FindingCode::Short, message: "Less came".to_owned(), evidence };
        let none = Chains::new(Vec::new());
        let finding = |t: &Words, found: &Finding, currency: &str| finding(t, &none, found, currency);
        assert_eq!(finding(zh(), &short, "USDT"), "到账金额不足，还差 2.50 USDT。");
        assert_eq!(finding(LANGUAGES[0], &short, "USDT"), "Less came");
        for code in FindingCode::KNOWN {
            let found = Finding { code: code.clone(), message: "something of the core's".to_owned(), evidence: Evidence::default() };
            assert!(finding(zh(), &found, "USDT").ends_with('。'), "{code:?}");
        }
        let newer = Finding { code: FindingCode::from("newer"), message: "Something new.".to_owned(), evidence: Evidence::default() };
        assert_eq!(finding(zh(), &newer, "USDT"), "Something new.");
        assert_eq!(text(zh(), "It is followed up to block 7."), "已同步到区块 7。");
        assert_eq!(
            text(zh(), "It is followed up to block 7. 3 older blocks are still to be looked at."),
            "已同步到区块 7，还有 3 个较早的区块待检查。"
        );
    }
}
