//! `/address-pool`.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::Error;
use payin_core::access::Permission;
use payin_types::ImportAddresses;
use payin_types::pool::ImportCsv;

use super::answer::{Reject, json};
use super::body::{IMPORT_BODY_MAX, MediaType, parse, query};
use super::call::Caller;
use crate::app::pool;

/// `POST /address-pool/import`
pub async fn import(caller: Caller, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let uri = request.uri().clone();
    let (media_type, mut body) = caller.body_of(request, &[MediaType::Json, MediaType::Csv], IMPORT_BODY_MAX).await?;
    let read = match media_type {
        // Here the body says everything; what else the query says would be passed over.
        MediaType::Json if uri.query().is_some_and(|query| !query.is_empty()) => {
            return Err(Reject(Error::field("query", "is taken only with a text/csv body")));
        }
        MediaType::Json => parse(&body),
        MediaType::Csv => csv(query(&uri)?, &body),
    };
    let unit = pool::Import::new(&caller.app, caller.key.organization_id.clone(), caller.who(), read);
    if media_type == MediaType::Csv {
        // Half of what is asked for stands in the query: the same file for another family is another request.
        body = [uri.query().unwrap_or_default().as_bytes(), b"\n", &body].concat().into();
    }
    caller.once(unit, &body, 200, false).await
}

fn csv(ImportCsv { protocol, mode }: ImportCsv, body: &[u8]) -> Result<ImportAddresses, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::field("body", "must be CSV in UTF-8"))?;
    Ok(ImportAddresses { mode, ..ImportAddresses::new(protocol, text) })
}

/// `GET /address-pool/status`
pub async fn status(caller: Caller) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &pool::status(&caller.app, &caller.key.organization_id).await?))
}

/// `GET /address-pool/addresses`
pub async fn addresses(caller: Caller, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    Ok(json(200, &pool::list(&caller.app, &caller.key.organization_id, query(&uri)?).await?))
}

/// `POST /address-pool/addresses/{address}/archive`
pub async fn archive(caller: Caller, Path(address): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let unit = pool::Archive(pool::Named::new(&caller.app, caller.key.organization_id.clone(), address));
    caller.once(unit, b"", 200, false).await
}

/// `POST /address-pool/addresses/{address}/restore`
pub async fn restore(caller: Caller, Path(address): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let unit = pool::Restore(pool::Named::new(&caller.app, caller.key.organization_id.clone(), address));
    caller.once(unit, b"", 200, false).await
}
