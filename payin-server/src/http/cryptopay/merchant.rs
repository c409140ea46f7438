//! Who calls as a merchant: with the organization's key, or with somebody's access token, in `Authorization: Bearer` and nowhere else.
//! Requests are counted by merchant, within the merchant's plan.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use payin_core::Error;
use payin_core::cryptopay::{NAME, plan};
use payin_types::{ApiKeyId, ErrorCode};

use crate::app::App;
use crate::app::accounts;
use crate::http::answer::Reject;
use crate::http::call::Caller;

/// An authenticated merchant.
pub struct Merchant(pub Caller);

fn bearer(parts: &Parts) -> Result<&str, Error> {
    let invalid = |message: &str| Error::new(ErrorCode::InvalidApiKey, message);
    let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
    let none = "The request bears no token: send Authorization: Bearer, and an API key or the access token of a login";
    let value = given.next().ok_or_else(|| invalid(none))?;
    if given.any(|other| other != value) {
        return Err(invalid("The request bears two different tokens; send one"));
    }
    let text = value.to_str().map_err(|_| invalid("The token has characters that no token has"))?;
    let token = text.trim().split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.map(|(_, token)| token.trim()).ok_or_else(|| invalid("Authorization must be: Bearer, and an API key or access token"))
}

/// Whether a token is an API key, or says that it is one. What else there is comes from a login.
fn is_key(token: &str) -> bool {
    token.starts_with("pk_") || !token.contains('.')
}

impl FromRequestParts<Arc<App>> for Merchant {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        let token = bearer(parts)?;
        let caller = if is_key(token) {
            Caller::bearing(token, parts, app).await?
        } else {
            Caller::signed_in(accounts::authenticate(app, token).await?, token, parts, app)
        };
        let organization = &caller.key.organization_id;
        let counted = ApiKeyId::from(format!("{NAME}:{organization}"));
        let limits = plan::limits(app.quotas.agreed_with(organization));
        Ok(Self(caller.counted_within(parts, &counted, &limits).await?))
    }
}
