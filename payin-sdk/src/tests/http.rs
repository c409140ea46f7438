//! The default transport over real HTTP on this machine.

use std::cell::Cell;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{body_partial_json, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::script::{KEY, order};
use crate::transport::TransportErrorKind;
use crate::{Client, CreateOrder, Error, OrderId};

fn client(url: &str) -> Client {
    Client::builder().api_key(KEY).base_url(url).retries_max(0).build().unwrap()
}

fn new_order() -> CreateOrder {
    CreateOrder::new("R-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia")
}

fn id() -> OrderId {
    OrderId::from("ord_1")
}

#[tokio::test]
async fn an_order_is_created_over_http() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v1/orders"))
        .and(header("x-api-key", KEY))
        .and(header_exists("idempotency-key"))
        .and(body_partial_json(serde_json::json!({"amount": "100.00"})))
        .respond_with(ResponseTemplate::new(201).set_body_json(order("pending")))
        .expect(1)
        .mount(&server)
        .await;
    let order = client(&server.uri()).orders().create(&new_order()).await.unwrap();
    assert_eq!(order.order_id, id());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/stolen", server.uri());
    let redirect = ResponseTemplate::new(307).insert_header("location", elsewhere);
    Mock::given(path("/api/v1/orders/ord_1")).respond_with(redirect).expect(1).mount(&server).await;
    Mock::given(path("/stolen")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let error = client(&server.uri()).orders().get(&id()).await.unwrap_err();
    assert_eq!(error.api().unwrap().status, 307);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let kind = |error: Error| match error {
        Error::Transport { source, .. } => source.kind,
        other => panic!("{other:?}"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());

    // Connected, never answered.
    let error = client(&url).orders().get(&id()).timeout(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(kind(error), TransportErrorKind::Timeout);

    // Answered half.
    let half = async {
        // The first connection is the one that timed out.
        let _timed_out = listener.accept().await.unwrap();
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        let _ = socket.read(&mut bytes).await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{").await.unwrap();
    };
    let half_client = client(&url);
    let (_, error) = tokio::join!(half, half_client.orders().get(&id()).into_future());
    assert_eq!(kind(error.unwrap_err()), TransportErrorKind::Broken);

    // Nobody there.
    drop(listener);
    let error = client(&url).orders().create(&new_order()).await.unwrap_err();
    assert_eq!(kind(error), TransportErrorKind::Connect);
}

#[tokio::test]
async fn a_hundred_calls_share_one_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(&format!("http://{}", listener.local_addr().unwrap()));
    let connections = Cell::new(0);
    let server = async {
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    connections.set(connections.get() + 1);
                    open.push(serve(accepted.unwrap().0));
                }
                Some(()) = open.next() => {}
            }
        }
    };
    let calls = async {
        for _ in 0..100 {
            client.clone().orders().get(&id()).await.unwrap();
        }
    };
    tokio::select! { () = calls => {}, () = server => {} }
    assert_eq!(connections.get(), 1);
}

/// Answers every request without a body on a connection.
async fn serve(mut socket: TcpStream) {
    let body = order("pending").to_string();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut bytes).await {
        request.extend_from_slice(&bytes[..count]);
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

#[cfg(feature = "rustls")]
#[test]
fn tls_needs_no_process_wide_provider() {
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    let built = Client::builder().api_key(KEY).base_url("https://api.test").build();
    // A machine without trusted certificates is told so; it does not panic.
    assert!(matches!(built, Ok(_) | Err(Error::Config(_))));
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
