//! `/admin/merchants`: the merchants that somebody runs, and their keys.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::paywarden::admin as rules;
use payin_types::ExposeSecret as _;
use payin_types::paywarden::admin::{CreateMerchant, ListMerchants, Merchant, MerchantPage, UpdateMerchant};

use super::admin::{Admin, counted};
use crate::app::dialect::Told;
use crate::app::dialect::merchants::{self, Change, Close, Create, Rotate, Update};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, parse, query};

/// A merchant as it is, with what its webhooks are signed with.
async fn shown(admin: &Admin, id: &str) -> Result<Merchant, Reject> {
    let app = &admin.caller.app;
    let found = merchants::get(app, &admin.user, &counted(), id).await?;
    let Told { secret, signs_from } = merchants::webhook_secret(app, &found.id).await?;
    let webhook_secret = Some(secret.expose_secret().to_owned());
    Ok(Merchant { webhook_secret, webhook_secret_signs_from: signs_from, ..rules::merchant(found) })
}

/// `POST /admin/merchants`
pub async fn create(Admin { caller, user, .. }: Admin, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let change = parse(&body).map(|CreateMerchant { name, webhook_url }| Change { name: Some(name), webhook_url: webhook_url.map(Some) });
    let made = caller.app.store.write(Create::new(&caller.app, user, change)).await?;
    let (api_key, secret) = (made.api_key.expose_secret().to_owned(), made.webhook_secret.expose_secret().to_owned());
    Ok(json(201, &Merchant { webhook_secret: Some(secret), api_key: Some(api_key), ..rules::merchant(made.merchant) }))
}

/// `GET /admin/merchants`
pub async fn list(Admin { caller, user, .. }: Admin, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let ListMerchants { page, limit } = query(&uri)?;
    let listed = merchants::list(&caller.app, &user, &counted(), (page, limit)).await?;
    let data = listed.merchants.into_iter().map(rules::merchant).collect();
    Ok(json(200, &MerchantPage { data, total: listed.total, page: listed.page, limit: listed.limit }))
}

/// `GET /admin/merchants/{id}`
pub async fn get(admin: Admin, Path(id): Path<String>) -> Result<Response, Reject> {
    admin.caller.may(Permission::ManageSettings)?;
    Ok(json(200, &shown(&admin, &id).await?))
}

/// `PATCH /admin/merchants/{id}`
pub async fn update(admin: Admin, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    admin.caller.may(Permission::ManageSettings)?;
    let body = admin.caller.body(request, BODY_MAX).await?;
    let change = parse(&body).map(|UpdateMerchant { name, webhook_url }| Change { name, webhook_url });
    let app = &admin.caller.app;
    app.store.write(Update::new(app, admin.user.clone(), id.clone(), change)).await?;
    Ok(json(200, &shown(&admin, &id).await?))
}

/// `POST /admin/merchants/{id}/rotate-key`
pub async fn rotate_key(admin: Admin, Path(id): Path<String>) -> Result<Response, Reject> {
    admin.caller.may(Permission::ManageSettings)?;
    let app = &admin.caller.app;
    let (key, old) = app.store.write(Rotate::new(app, admin.user.clone(), id.clone())).await?;
    old.iter().for_each(|old| app.keys.forget(old.as_str()));
    Ok(json(200, &Merchant { api_key: Some(key.expose_secret().to_owned()), ..shown(&admin, &id).await? }))
}

/// `DELETE /admin/merchants/{id}`
pub async fn close(admin: Admin, Path(id): Path<String>) -> Result<Response, Reject> {
    admin.caller.may(Permission::ManageSettings)?;
    let app = &admin.caller.app;
    let ended = app.store.write(Close::new(app, admin.user.clone(), id.clone())).await?;
    ended.iter().for_each(|key| app.keys.forget(key.as_str()));
    Ok(json(200, &shown(&admin, &id).await?))
}
