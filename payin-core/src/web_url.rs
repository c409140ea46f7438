//! Which URLs a merchant may give us: redirect targets for payers and webhook targets. Whether a webhook's host is public is checked
//! again when it is dialled, not here.

use url::{Host, Url};

use crate::Error;

/// The longest URL taken.
pub const LENGTH_MAX: usize = 2048;

/// A redirect target: `https`, or `http`; no credentials, no control characters. It may have placeholders, but not where they would say
/// which host the payer is sent to.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn redirect(field: &str, text: &str) -> Result<(), Error> {
    let url = parse(field, text)?;
    if url.host_str().is_some_and(|host| host.contains(['{', '}'])) {
        return Err(Error::field(field, "must not have a placeholder in its host"));
    }
    Ok(())
}

/// A webhook target: as a redirect, but `http` only where the deployment allows it.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field.
pub fn webhook(field: &str, text: &str, allow_http: bool) -> Result<Url, Error> {
    let url = parse(field, text)?;
    if url.scheme() == "http" && !allow_http {
        return Err(Error::field(field, "must begin with https://: events are not sent in clear"));
    }
    if url.fragment().is_some() {
        return Err(Error::field(field, "must not have a #fragment"));
    }
    Ok(url)
}

fn parse(field: &str, text: &str) -> Result<Url, Error> {
    let refuse = |problem: &str| Err(Error::field(field, problem.to_owned()));
    if text.len() > LENGTH_MAX {
        return refuse("must be at most 2048 characters");
    }
    // The URL parser removes tabs and line ends; a header or a page that gets the original would not.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("must not contain spaces or control characters");
    }
    let Ok(url) = Url::parse(text) else { return refuse("must be an absolute URL such as https://shop.example/paid") };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("must begin with https:// or http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not contain a user name or password");
    }
    if !matches!(url.host(), Some(Host::Domain(name)) if !name.is_empty()) && !matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) {
        return refuse("must name a host");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merchants_urls_are_taken() {
        for url in
            ["https://yoursite.com/order/success?orderId={{orderId}}", "http://localhost:8080/paid", "https://[::1]/x", "HTTPS://A.example"]
        {
            assert_eq!(redirect("successUrl", url), Ok(()), "{url}");
        }
        assert!(webhook("url", "https://a.example/hook?x=1", false).is_ok());
        assert!(webhook("url", "http://a.example/hook", false).is_err());
        assert!(webhook("url", "http://a.example/hook", true).is_ok());
    }

    #[test]
    fn traps_are_refused() {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/relative",
            "",
            "https://",
            "https://user@evil.example",
            "https://a:b@evil.example",
            "https://a.example/\r\nSet-Cookie: x",
            "https://a.example/\u{0}",
            "java\nscript:alert(1)",
            "file:///etc/passwd",
            "https://a.example/ b",
            "ftp://a.example",
            "https://{{orderId}}.example/",
            "https://{{orderReference}}",
            "https:{{orderReference}}/",
            "https://a.example{{orderReference}}/",
            "https://a.example:{{amount}}/",
            "https://{{orderId}}@a.example/",
            "https://%7B%7BorderId}}.example/",
            "{{orderReference}}://a.example/",
        ] {
            assert!(redirect("successUrl", url).is_err(), "{url:?}");
        }
        assert!(redirect("successUrl", &format!("https://a.example/{}", "a".repeat(2048))).is_err());
    }
}
