//! What a request says: its body, up to a length, and its query, read as what they should be. Who sends them is not known here.

use axum::extract::Request;
use axum::http::{Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use payin_core::Error;
use payin_core::error::shown_up_to as shown;
use payin_types::ErrorCode;
use serde::de::DeserializeOwned;

use super::answer::Reject;
use super::listen::body_too_slow;

/// The longest body of most calls.
pub const BODY_MAX: usize = 64 * 1024;
/// The longest body of an import: about 200,000 addresses (source: the vendor's limit of a file).
pub const IMPORT_BODY_MAX: usize = 10 * 1024 * 1024;
/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// What nearly every call takes.
    Json,
    /// A file of addresses.
    Csv,
}

impl MediaType {
    fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
        }
    }
}

/// Reads a body of nobody in particular that must be JSON, up to a length.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT`.
pub async fn body(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    Ok(body_of(request, &[MediaType::Json], most).await?.1)
}

/// Reads a body of one of some types, up to a length; answers which.
pub(super) async fn body_of(request: Request, taken: &[MediaType], most: usize) -> Result<(MediaType, bytes::Bytes), Reject> {
    let essences: Vec<&str> = taken.iter().map(|media_type| media_type.essence()).collect();
    let essence = sent_as(&request, &essences)?;
    let media_type = taken.iter().copied().find(|media_type| media_type.essence() == essence).unwrap_or(MediaType::Json);
    Ok((media_type, read(request, most).await?))
}

/// Reads what a page's form sends.
///
/// # Errors
/// As [`body`].
pub async fn form(request: Request) -> Result<bytes::Bytes, Reject> {
    sent_as(&request, &["application/x-www-form-urlencoded"])?;
    read(request, BODY_MAX).await
}

/// Which of the types that are taken a body says it is.
fn sent_as<'a>(request: &Request, taken: &[&'a str]) -> Result<&'a str, Reject> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    taken.iter().copied().find(|taken| essence.eq_ignore_ascii_case(taken)).ok_or_else(|| {
        let message = format!("Content-Type must be {}, is '{}'", taken.join(" or "), payin_core::error::shown(essence));
        Reject(Error::new(ErrorCode::UnsupportedMediaType, message))
    })
}

/// Reads a body that may be left out, with its `Content-Type`; then it is empty.
pub(super) async fn optional_body(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        return body(request, most).await;
    }
    let body = read(request, most).await?;
    if body.is_empty() {
        return Ok(body);
    }
    Err(Reject(Error::new(ErrorCode::UnsupportedMediaType, "Content-Type must be application/json where there is a body")))
}

async fn read(request: Request, most: usize) -> Result<bytes::Bytes, Reject> {
    // Nothing is unpacked: a packed body of any length would be a few bytes on the way here.
    let coding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
    if let Some(coding) = coding.filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let message = format!("A body is taken as it is, without Content-Encoding; this one's is '{}'", payin_core::error::shown(coding));
        return Err(Reject(Error::new(ErrorCode::UnsupportedMediaType, message)));
    }
    match Limited::new(request.into_body(), most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Reject(Error::new(ErrorCode::PayloadTooLarge, format!("The body must be at most {most} bytes"))))
        }
        Err(error) if body_too_slow(error.as_ref()) => {
            Err(Reject(Error::new(ErrorCode::RequestTimeout, "The body did not arrive in time; nothing was done")))
        }
        Err(_) => Err(Reject(Error::new(ErrorCode::ValidationError, "The body could not be read to its end"))),
    }
}

/// Reads a JSON body as a request. The refusal is a value: under an idempotency key it is kept like any other answer.
///
/// # Errors
/// `INVALID_AMOUNT` where the amount cannot be read, else `VALIDATION_ERROR` with the place.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    // serde would also take an array, its items for fields by their places.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'[') {
        return Err(Error::field("body", "must be a JSON object, is an array"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // Both may repeat what the caller sent.
        let (path, cause) = (shown(&error.path().to_string(), 80), shown(&error.inner().to_string(), 240));
        if path == "amount" {
            return Error::new(ErrorCode::InvalidAmount, format!("Amount must be a positive decimal string such as \"100.00\": {cause}"));
        }
        if error.inner().is_data() {
            Error::field(if path == "." { "body" } else { &path }, cause)
        } else {
            Error::field("body", format!("is not JSON: {cause}"))
        }
    })?;
    json.end().map_err(|_| Error::field("body", "has something behind the JSON object"))?;
    payin_core::json::check(body)?;
    Ok(parsed)
}

/// As [`parse`], of a body that may have been left out.
///
/// # Errors
/// As [`parse`].
pub fn parse_optional<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Error> {
    if body.is_empty() { Ok(T::default()) } else { parse(body) }
}

/// Reads the query.
///
/// # Errors
/// `VALIDATION_ERROR` for an unknown, repeated or malformed parameter.
pub fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Reject> {
    // The decoder would put U+FFFD where the bytes are no text, and look for that.
    if uri.query().is_some_and(|query| !is_text(query)) {
        return Err(Reject(Error::field("query", "must be UTF-8, percent-encoded")));
    }
    if uri.query().is_some_and(|query| query.contains("%00")) {
        return Err(Reject(Error::field("query", "must not contain NUL characters")));
    }
    let parsed = axum::extract::Query::<T>::try_from_uri(uri);
    parsed.map(|query| query.0).map_err(|rejection| Reject(Error::field("query", rejection.body_text())))
}

/// Whether what is percent-encoded is UTF-8. A percent sign that encodes nothing is one.
fn is_text(query: &str) -> bool {
    let (mut bytes, mut rest) = (Vec::with_capacity(query.len()), query.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let encoded = behind.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let decoded = encoded.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    std::str::from_utf8(&bytes).is_ok()
}
