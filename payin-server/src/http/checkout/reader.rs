//! Who reads a page: in which language. `?lang=` says so, else the browser (RFC 9110, 12.5.4). Nothing is kept: links carry the choice on.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use url::form_urlencoded;

use super::words::{LANGUAGES, Words};

/// Somebody who reads a page.
#[derive(Clone, Copy)]
pub struct Reader {
    /// What the page says.
    pub words: &'static Words,
    chose: bool,
}

impl Reader {
    /// The reader of a request.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        let chosen = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang").and_then(|(_, tag)| Words::of(&tag));
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        Self { words: chosen.or_else(|| preferred(lines)).unwrap_or(LANGUAGES[0]), chose: chosen.is_some() }
    }

    /// What keeps the choice, behind the path of a link.
    #[must_use]
    pub fn query(&self) -> String {
        if self.chose { format!("?lang={}", self.words.code()) } else { String::new() }
    }
}

/// The language that is spoken here and liked best; of several liked alike, the first.
fn preferred<'a>(lines: impl Iterator<Item = &'a str>) -> Option<&'static Words> {
    let mut best = None;
    for range in lines.flat_map(|line| line.split(',')) {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = weight(parameters);
        let Some(words) = Words::of(tag) else { continue };
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, words));
        }
    }
    best.map(|(_, words)| words)
}

/// Thousandths; what cannot be read says nothing.
fn weight(parameters: &str) -> u32 {
    let Some(value) = parameters.trim().strip_prefix("q=") else { return 1000 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    match (whole, format!("{fraction:0<3}").get(..3).and_then(|digits| digits.parse().ok())) {
        ("0", Some(thousandths)) => thousandths,
        _ => 1000,
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(uri: &str, accepted: Option<&str>) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.extend(accepted.map(|accepted| (header::ACCEPT_LANGUAGE, accepted.parse().unwrap())));
        Reader::of(&uri.parse().unwrap(), &headers).words.tag
    }

    #[test]
    fn the_language_is_the_one_chosen_or_liked_best() {
        for (uri, accepted, expected) in [
            ("/", None, "en"),
            ("/", Some("zh-CN,zh;q=0.9,en;q=0.8"), "zh-Hans"),
            ("/", Some("de, en;q=0.3, zh-TW;q=0.4"), "zh-Hans"),
            ("/", Some("fr"), "en"),
            ("/", Some("zh;q=0, en;q=0.1"), "en"),
            ("/", Some("zh;q=x"), "zh-Hans"),
            ("/?lang=zh", Some("en"), "zh-Hans"),
            ("/?a=b&lang=EN-gb", Some("zh"), "en"),
            ("/?lang=%3Cscript%3E", Some("zh"), "zh-Hans"),
        ] {
            assert_eq!(tag(uri, accepted), expected, "{uri} {accepted:?}");
        }
        assert_eq!(Reader::of(&"/?lang=zh-TW".parse().unwrap(), &HeaderMap::new()).query(), "?lang=zh");
        assert_eq!(Reader::of(&"/?lang=fr".parse().unwrap(), &HeaderMap::new()).query(), "");
    }
}
