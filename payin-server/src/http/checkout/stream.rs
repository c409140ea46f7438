//! `/checkout/:orderId/stream`: an order as it changes, for its payer's page, as Server-Sent Events. When it is told is decided in
//! `app/checkout/watch.rs`; here it gets its form.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use futures_util::stream;

use super::Visitor;
use crate::app::App;
use crate::app::checkout::{Seen, Watch};
use crate::http::answer::Reject;
use crate::http::event_stream::{RETRY_MS, event_stream};

/// Its route, beside the page whatever APIs are spoken.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/checkout/{id}/stream", get(stream))
}

async fn stream(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    let watch = Watch::open(&visitor.app, id, visitor.address).await?;
    let begin = format!("retry: {RETRY_MS}\n\n");
    Ok(event_stream(Body::from_stream(stream::unfold((Some(watch), Some(begin)), |(watch, begin)| async move {
        let mut watch = watch?;
        if let Some(begin) = begin {
            return Some((Ok::<_, Infallible>(Bytes::from(begin)), (Some(watch), None)));
        }
        let (text, goes_on) = match watch.next().await {
            Seen::Order(order) => match serde_json::to_string(&order) {
                // Rendered JSON has no line breaks, which would end the event.
                Ok(json) => (format!("event: order\ndata: {json}\n\n"), true),
                Err(error) => (format!(": {error}\n\n"), false),
            },
            Seen::Nothing => (": alive\n\n".to_owned(), true),
            Seen::Ended(why) => (format!(": {why}\n\n"), false),
        };
        Some((Ok(Bytes::from(text)), (goes_on.then_some(watch), None)))
    }))))
}
