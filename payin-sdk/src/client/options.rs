//! What a caller may say of one call. It must not decide what follows from it: that is `attempts.rs`.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::attempts::{API_KEY, IDEMPOTENCY_KEY};
use crate::error::Error;

/// The headers that the client sets itself, or that frame the message: a second one would be taken by some and not by others.
const OWN: [HeaderName; 10] =
    [API_KEY, IDEMPOTENCY_KEY, AUTHORIZATION, ACCEPT, CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, HOST, USER_AGENT];

/// The options of one call.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) idempotency_key: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries_max: Option<u32>,
    pub(crate) headers: HeaderMap,
}

impl Options {
    /// Adds a header; its value is hidden from `Debug`.
    pub(crate) fn add_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let refused = |why: &str| Error::Request(format!("the header {name:?} cannot be sent: {why}"));
        let key = HeaderName::try_from(name).map_err(|_| refused("it is no header name"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| refused("its value has characters that no header may have"))?;
        if OWN.contains(&key) {
            return Err(refused("the client sets it itself"));
        }
        value.set_sensitive(true);
        self.headers.append(key, value);
        Ok(())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("retries_max", &self.retries_max)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
