//! `/checkout`: what payers ask without a key. Who they are is their network address; what they may is said in `app/checkout.rs`. Below are
//! the pages that they see.

mod link_page;
mod order_page;
pub mod pages;
pub mod reader;
pub mod stream;
pub mod words;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::response::Response;
use payin_core::client;

use super::answer::{Reject, json};
use super::body::{BODY_MAX, body, parse};
use crate::app::{App, checkout, orders};

/// Somebody without a key, who has not asked too often.
pub struct Visitor {
    /// The gateway.
    pub app: Arc<App>,
    address: IpAddr,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Reject;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Reject> {
        // The accept loop always says who the peer is; without it all would count as one.
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        // What is no text is kept as something that is no address, so that nothing left of it is believed.
        let lines: Vec<_> = parts.headers.get_all("x-forwarded-for").iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        let forwarded_for = lines.iter().map(AsRef::as_ref);
        let address = client::counted(client::client(peer, forwarded_for, &app.front.trusted_proxies));
        app.front.visits.admit(address, app.clock.now())?;
        Ok(Self { app: Arc::clone(app), address })
    }
}

/// `GET /checkout/{slug}`
pub async fn link(visitor: Visitor, Path(slug): Path<String>) -> Result<Response, Reject> {
    Ok(json(200, &checkout::link(&visitor.app, &slug).await?))
}

/// `POST /checkout/{slug}/orders`
pub async fn open(visitor: Visitor, Path(slug): Path<String>, request: Request) -> Result<Response, Reject> {
    let body = body(request, BODY_MAX).await?;
    Ok(json(201, &checkout::open(&visitor.app, &slug, parse(&body), visitor.address).await?))
}

/// `GET /checkout/orders/{id}`
pub async fn order(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Reject> {
    Ok(json(200, &orders::get_public(&visitor.app, &id).await?))
}
