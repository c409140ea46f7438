//! `/wallet/init`: from which account addresses are derived. No key of it ever comes here.

use axum::extract::Request;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::paywarden as rules;
use payin_types::Protocol;
use payin_types::paywarden::{InitWallet, Wallet};
use serde_json::Value;

use super::merchant::Merchant;
use crate::app::pool;
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, parse, parse_optional};

/// `POST /wallet/init`
pub async fn init(Merchant(caller): Merchant, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.optional_body(request, BODY_MAX).await?;
    // Whoever asks for a wallet to be made, with or without words of their own, is told why not, rather than which field is unknown.
    let asked: Value = parse_optional(&body)?;
    if asked.get("xpub").is_none() {
        return Err(rules::keyless().into());
    }
    let InitWallet { xpub } = parse(&body)?;
    let unit = pool::Init::new(&caller.app, caller.key.organization_id.clone(), caller.who(), Protocol::Tron, xpub.clone());
    let first_address = caller.app.store.write(unit).await?;
    Ok(json(201, &Wallet { xpub, first_address: first_address.as_str().to_owned() }))
}
