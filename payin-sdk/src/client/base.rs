//! Where the API is, and how paths and queries are written. It must not send anything.

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;

/// The root of a deployment: scheme, host, port and possibly a path, without `/api/v1` and without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(String);

const API: &str = "/api/v1";

impl Base {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::Config(format!("the base URL cannot be used: {why}"));
        let url = url::Url::parse(text.trim()).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refused("it must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it must not hold a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it must end with its path"));
        }
        let root = url.as_str().trim_end_matches('/');
        Ok(Self(root.strip_suffix(API).unwrap_or(root).trim_end_matches('/').to_owned()))
    }

    /// Whether what is sent there could be read on the way: no TLS, and another machine.
    pub(crate) fn is_in_clear(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
    }

    pub(crate) fn root(&self) -> &str {
        &self.0
    }

    pub(crate) fn api(&self) -> String {
        format!("{}{API}", self.0)
    }

    /// The URL of a path in which each `{}` is replaced by the next argument, escaped.
    pub(crate) fn url(&self, route: &str, args: &[&str]) -> Result<String, Error> {
        let mut args = args.iter();
        let is_whole = route.starts_with("/health") || route.starts_with("/api/");
        let mut url = if is_whole { self.0.clone() } else { self.api() };
        for segment in route.split('/').skip(1) {
            url.push('/');
            if segment.starts_with('{') {
                let arg = args.next().copied().unwrap_or_default();
                // Every URL reader takes "." and ".." as steps, escaped or not; an empty segment would be another path.
                if matches!(arg, "" | "." | "..") {
                    return Err(Error::Request(format!("{arg:?} cannot stand in a path; search with a list instead")));
                }
                escape(arg, &mut url);
            } else {
                url.push_str(segment);
            }
        }
        Ok(url)
    }
}

/// Whether a URL leads to this very machine.
pub(crate) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Adds the fields that `query` has as `?a=1&b=2`.
pub(crate) fn add_query(url: &mut String, query: &impl Serialize) -> Result<(), Error> {
    let fields = match serde_json::to_value(query) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Ok(()),
        Err(error) => return Err(Error::Request(format!("the filters cannot be written: {error}"))),
    };
    let mut separator = '?';
    for (name, value) in &fields {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        url.push(separator);
        escape(name, url);
        url.push('=');
        escape(&text, url);
        separator = '&';
    }
    Ok(())
}

/// Percent-escapes everything but RFC 3986's unreserved characters. Our own, because URL libraries drop tabs and line ends,
/// so that one reference would be looked up as another.
fn escape(text: &str, url: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().map_or('0', char::from);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            _ => url.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_may_have_the_api_path_or_not() {
        for text in ["https://x.test", "https://x.test/", "https://x.test/api/v1", " https://x.test/api/v1/ "] {
            assert_eq!(Base::parse(text).unwrap().api(), "https://x.test/api/v1", "{text}");
        }
        assert_eq!(Base::parse("http://h:3000/pay/api/v1").unwrap().api(), "http://h:3000/pay/api/v1");
        for text in ["", "x.test", "ftp://x.test", "https://u:p@x.test", "https://x.test?a=1", "https://x.test/#a"] {
            assert!(Base::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_in_clear() {
        for url in
            ["https://x.test", "http://localhost:3000", "http://a.localhost", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]/"]
        {
            assert!(!Base::parse(url).unwrap().is_in_clear(), "{url}");
        }
        for url in ["http://x.test", "http://localhost.x.test", "http://10.0.0.1", "http://[::2]", "HTTP://x.test", "http://0.0.0.0"] {
            assert!(Base::parse(url).unwrap().is_in_clear(), "{url}");
        }
    }

    #[test]
    fn arguments_are_escaped_and_never_become_paths() {
        let base = Base::parse("http://h").unwrap();
        let of = |reference: &str| base.url("/orders/by-reference/{reference}", &[reference]);
        assert_eq!(of("A/../b?c#d").unwrap(), "http://h/api/v1/orders/by-reference/A%2F..%2Fb%3Fc%23d");
        assert_eq!(of("a\tb %é").unwrap(), "http://h/api/v1/orders/by-reference/a%09b%20%25%C3%A9");
        for refused in ["", ".", ".."] {
            assert!(of(refused).is_err());
        }
        assert_eq!(base.url("/health/ready", &[]).unwrap(), "http://h/health/ready");
    }

    #[test]
    fn queries_hold_what_is_set() {
        let mut url = String::new();
        let query = payin_types::ListOrders { page: Some(2), order_reference: Some("a&b".to_owned()), ..Default::default() };
        add_query(&mut url, &query).unwrap();
        assert_eq!(url, "?orderReference=a%26b&page=2");
    }
}
