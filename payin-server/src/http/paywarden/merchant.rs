//! Who calls as a merchant: the organization's key in `X-API-Key`, and nowhere else.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use payin_core::Error;
use payin_types::ErrorCode;

use crate::app::App;
use crate::http::answer::Reject;
use crate::http::call::Caller;

/// An authenticated merchant.
pub struct Merchant(pub Caller);

impl FromRequestParts<Arc<App>> for Merchant {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        let invalid = |message: &str| Error::new(ErrorCode::InvalidApiKey, message);
        let mut keys = parts.headers.get_all("x-api-key").iter();
        let key = keys.next().ok_or_else(|| invalid("The request bears no API key: send it in the header X-API-Key"))?;
        if keys.any(|other| other != key) {
            return Err(invalid("The request bears two different API keys; send one").into());
        }
        let key = key.to_str().map_err(|_| invalid("The API key has characters that no key has"))?;
        Ok(Self(Caller::bearing(key.trim(), parts, app).await?.counted(parts).await?))
    }
}
