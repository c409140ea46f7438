//! `/admin/webhooks`: what merchants were told of their orders, and once more if somebody asks.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::delivery::State;
use payin_core::dialect::order_of;
use payin_core::paywarden::{NAME, admin as rules};
use payin_types::paywarden::admin::{ListWebhooks, RetriedWebhook, Webhook};
use payin_types::paywarden::{FlatPage, PaymentEventType};
use payin_types::{OrderId, Timestamp};
use serde_json::Map;

use super::admin::Admin;
use crate::app::dialect::told::{self, Retry, Told};
use crate::http::answer::{Reject, json};
use crate::http::body::query;

fn webhook(told: Told, now: Timestamp) -> Webhook {
    let state = told.progress.state(now);
    Webhook {
        id: rules::webhook_id(&told.event_id),
        order_id: order_of(&told.object_id).unwrap_or_else(|| OrderId::from(told.object_id.as_str())),
        event: PaymentEventType::from(told.event_type.as_str()),
        url: told.url,
        status: rules::webhook_status(state),
        attempts: told.progress.attempts,
        last_attempt_at: told.newest.map(|(at, _)| at),
        delivered_at: told.progress.delivered_at,
        response_status: told.newest.and_then(|(_, status)| status),
        // While an attempt is under way, what is kept is when that is given up.
        next_attempt_at: told.progress.next_attempt_at.filter(|_| state != State::UnderWay),
        extra: Map::new(),
    }
}

/// `GET /admin/webhooks`
pub async fn list(Admin { caller, user, .. }: Admin, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let ListWebhooks { status, order_id, page, limit } = query(&uri)?;
    let state = status.as_ref().map(rules::webhook_state).transpose()?;
    let listed = told::list(&caller.app, &user, NAME, (state, order_id), (page, limit)).await?;
    let now = listed.now;
    let data: Vec<Webhook> = listed.deliveries.into_iter().map(|told| webhook(told, now)).collect();
    Ok(json(200, &FlatPage { data, total: listed.total, page: listed.page, limit: listed.limit }))
}

/// `POST /admin/webhooks/{id}/retry`
pub async fn retry(Admin { caller, user, .. }: Admin, Path(id): Path<String>) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let app = &caller.app;
    let unit = Retry { user, api: NAME, event: rules::event_of(&id), id: id.clone(), now: app.clock.now() };
    let next_attempt_at = app.store.write(unit).await?;
    Ok(json(200, &RetriedWebhook { id, status: rules::webhook_status(State::Waiting), attempts: 0, next_attempt_at }))
}
