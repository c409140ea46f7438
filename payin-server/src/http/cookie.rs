//! Cookies: what a browser sends along, and what it is to keep. They are for paths of ours alone, out of scripts' and other sites' reach, and
//! go over TLS but where the server is known to be reached without. It must not know what they are for.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::app::{App, Fault};

/// The values that a browser sends under a name. It may send cookies of others along, whatever is in them.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter().map(|line| line.to_str().unwrap_or_default());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(found, _)| *found == name).map(|(_, value)| value)
}

/// A cookie.
#[derive(Debug, Clone, Copy)]
pub struct Cookie {
    /// What it is called.
    pub name: &'static str,
    /// Below which path it is sent along.
    pub path: &'static str,
    /// Whether it goes along where somebody follows a link of another site's page.
    pub same_site: &'static str,
}

impl Cookie {
    /// Has the browser keep this for so many seconds; none: forget it.
    ///
    /// # Errors
    /// A value that no header can bear.
    pub fn set(self, response: &mut Response, app: &App, value: &str, seconds: u64) -> Result<(), Fault> {
        let secure = if app.front.public_url.as_deref().is_some_and(|url| url.starts_with("http://")) { "" } else { "; Secure" };
        let Self { name, path, same_site } = self;
        let cookie = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
        let cookie = HeaderValue::from_str(&cookie).map_err(|error| Fault::Corrupt(error.to_string()))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(())
    }
}
