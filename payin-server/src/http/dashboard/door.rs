//! Pages for those who are not signed in, or not yet: a card with what they fill in. It must not decide who comes in.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use payin_core::Error;
use payin_types::ErrorCode;

use super::frame::{Frame, page};
use super::said;
use super::view::Form;
use super::words::Words;

/// Such a page.
#[derive(Template)]
#[template(path = "dashboard/door.html")]
pub struct Door {
    pub frame: Frame,
    pub title: &'static str,
    pub text: Option<String>,
    /// Why nobody came in.
    pub problem: Option<String>,
    /// What is said where it is not them.
    pub wrong: &'static str,
    pub forms: Vec<Form>,
    pub more: Option<&'static str>,
    /// Where somebody else goes, and what that is called.
    pub elsewhere: Option<(String, &'static str)>,
}

impl Door {
    /// A page with these forms.
    pub fn new(t: &'static Words, title: &'static str, forms: Vec<Form>) -> Self {
        Self { frame: Frame::plain(t), title, text: None, problem: None, wrong: t.wrong_password, forms, more: None, elsewhere: None }
    }

    /// The same, which is to be had again by this query.
    #[must_use]
    pub fn asked_by(mut self, name: &str, value: &str) -> Self {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        self.frame.again = format!("?{query}&");
        self
    }

    /// The same, which is to be had again at another path than it was sent to.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.frame.again.insert_str(0, path);
        self
    }

    /// As an answer, with what went wrong if something did.
    pub fn answer(self, t: &Words, error: Option<&Error>) -> Response {
        let Some(error) = error else { return page(StatusCode::OK, &self) };
        let problem = match error.code {
            ErrorCode::InvalidApiKey | ErrorCode::InvalidState => self.wrong.to_owned(),
            ErrorCode::RateLimitExceeded => t.too_many_attempts.to_owned(),
            _ => said::refusal(t, error),
        };
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = page(status, &Self { problem: Some(problem), ..self });
        if let Some(seconds) = error.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
