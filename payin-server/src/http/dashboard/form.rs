//! What a form has sent. It knows no field: what is taken of it is said by the page whose form it is.

use std::collections::BTreeMap;

use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{StatusCode, header};
use payin_core::Error;
use payin_types::ErrorCode;
use url::form_urlencoded;

use crate::http::answer::Reject;
use crate::http::body;

/// The values of a form's fields, in the order in which they were sent.
#[derive(Debug, Default, Clone)]
pub struct Form {
    values: BTreeMap<String, Vec<String>>,
}

impl Form {
    /// Reads what is urlencoded, as a query or a body.
    pub fn parse(text: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            form.add(name.into_owned(), value.into_owned());
        }
        form
    }

    /// Reads the body of a form, with files where there may be some.
    ///
    /// # Errors
    /// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`, `VALIDATION_ERROR` for a file that is no text.
    pub async fn read(request: Request) -> Result<Self, Reject> {
        let content_type = request.headers().get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes).unwrap_or_default();
        if !content_type.starts_with(b"multipart/form-data") {
            return Ok(Self::parse(&body::form(request).await?));
        }
        let unreadable = |error: MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Reject(Error::new(ErrorCode::PayloadTooLarge, "The file is too long: send it in parts")),
            _ => Reject(Error::field("form", "could not be read to its end")),
        };
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Reject(Error::field("form", "has no boundary")))?;
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.map_err(unreadable)? {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(unreadable)?;
            let text = String::from_utf8(bytes.into()).map_err(|_| Reject(Error::field(&name, "must be a text in UTF-8")))?;
            form.add(name, text);
        }
        Ok(form)
    }

    fn add(&mut self, name: String, value: String) {
        self.values.entry(name).or_default().push(value);
    }

    /// The last value of a field, without white space around it; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.whole(name).trim()
    }

    /// As [`Form::text`], as it was sent: for passwords and files.
    pub fn whole(&self, name: &str) -> &str {
        self.values.get(name).and_then(|values| values.last()).map_or("", String::as_str)
    }

    /// As [`Form::text`]; `None` if there is nothing.
    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether a form had this field, filled in or not.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// All values of a field that are not empty.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.values.get(name).into_iter().flatten().map(|value| value.trim());
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// A number; `None` if there is nothing.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for what is none.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let number = |text: String| {
            text.parse().map_err(|_| Error::field(name, format!("must be a whole number, is '{}'", payin_core::error::shown(&text))))
        };
        self.some(name).map(number).transpose()
    }

    /// Whether nothing is filled in but fields of these names.
    pub fn has_only(&self, names: &[&str]) -> bool {
        let others = self.values.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        others.flat_map(|(_, values)| values).all(|value| value.trim().is_empty())
    }

    /// The same without a page's number, as the query of a link.
    pub fn query_without(&self, left_out: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, values) in self.values.iter().filter(|(name, _)| name.as_str() != left_out) {
            for value in values.iter().filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}
