//! One kept-alive HTTP/1.1 connection over hyper's lowest client layer: the cheapest honest client we have.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A server under measurement.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub api_key: HeaderValue,
}

pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    host: HeaderValue,
    api_key: HeaderValue,
}

impl Connection {
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target.address).await.context("connecting")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // A broken connection is reported by the request that was on it.
        tokio::spawn(connection);
        let host = HeaderValue::from_str(&target.address.to_string())?;
        Ok(Self { sender, host, api_key: target.api_key.clone() })
    }

    pub async fn post(&mut self, path: &'static str, idempotency_key: &str, body: String) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::post(path)
            .header(HOST, &self.host)
            .header("x-api-key", &self.api_key)
            .header("idempotency-key", idempotency_key)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        self.send(request).await
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(path).header(HOST, &self.host).header("x-api-key", &self.api_key).body(Full::default())?;
        self.send(request).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok((status, body))
    }
}
