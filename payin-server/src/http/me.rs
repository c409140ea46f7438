//! `/me`: whose key this is. Every role may ask.

use axum::response::Response;
use payin_core::access::Permission;
use payin_types::me::{Key, Me, Organization};

use super::answer::{Reject, json};
use super::call::Caller;

/// `GET /me`
pub async fn me(caller: Caller) -> Result<Response, Reject> {
    caller.may(Permission::ViewData)?;
    let key = caller.key.as_ref().clone();
    let me = Me {
        organization: Organization { id: key.organization_id, name: key.organization_name },
        role: key.role,
        environment: caller.app.environment.clone(),
        key: Key { id: key.id, prefix: key.prefix, created_at: key.created_at, expires_at: key.expires_at },
    };
    Ok(json(200, &me))
}
