//! Deliveries to receivers of every temper, on sockets of this machine.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

mod hostile;
mod names;
mod tls;

const OPEN: Targets = Targets { allow_private: true, allow_http: true };
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

/// Receives one POST of `{}`, then does with the socket as told. Answers its port.
async fn receiver<F>(tasks: &mut JoinSet<String>, then: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{}") && socket.read_buf(&mut request).await.unwrap_or(0) > 0 {}
        then(socket).await;
        String::from_utf8_lossy(&request).into_owned()
    });
    port
}

fn to(url: &str, timeout: Duration) -> Outgoing {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned()), ("X-Sig".to_owned(), "t=1".to_owned())];
    Outgoing { url: url.parse().unwrap(), headers, body: Bytes::from_static(b"{}"), timeout }
}

async fn post(targets: Targets, url: &str, timeout: Duration) -> Result<Answer, SendFault> {
    HyperHttp::new(targets).post(to(url, timeout)).await
}

/// What comes of a receiver that answers these bytes and closes.
async fn answering(bytes: &'static [u8]) -> (Result<Answer, SendFault>, String) {
    let mut tasks = JoinSet::new();
    let port = receiver(&mut tasks, move |mut socket| async move {
        socket.write_all(bytes).await.unwrap();
    })
    .await;
    let answer = post(OPEN, &format!("http://127.0.0.1:{port}/hook?a=1"), LONG).await;
    (answer, tasks.join_next().await.unwrap().unwrap())
}

#[tokio::test]
async fn the_request_goes_out_as_written() {
    let (answer, request) =
        answering(b"HTTP/1.1 429 Slow\r\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\ncontent-length: 2\r\n\r\nno").await;
    let expected = Answer { status: 429, body: b"no".to_vec(), retry_after: Some("Wed, 21 Oct 2026 07:28:00 GMT".to_owned()) };
    assert_eq!(answer, Ok(expected));
    assert!(request.starts_with("POST /hook?a=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nx-sig: t=1\r\n") && request.contains("\r\ncontent-length: 2\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: payin-server/") && request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(!request.contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (answer, _) = answering(b"HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(answer.unwrap().status, 307);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let mut tasks = JoinSet::new();
    let port = receiver(&mut tasks, |mut socket| async move {
        socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // Until the other side has had enough.
        while socket.write_all(&[b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), LONG).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, ANSWER_BYTES_MAX));
    tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn one_deadline_covers_silence_and_dripping() {
    let mut tasks = JoinSet::new();
    let silent = receiver(&mut tasks, |socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let dripping = receiver(&mut tasks, |mut socket| async move {
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while socket.write_all(b"x").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    for port in [silent, dripping] {
        let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), SHORT).await;
        assert_eq!(answer, Err(SendFault::Timeout(SHORT)));
    }
}

#[tokio::test]
async fn faults_tell_where_it_failed() {
    let (answer, _) = answering(b"220 smtp.example ESMTP\r\n").await;
    assert!(matches!(answer, Err(SendFault::Protocol(_))), "{answer:?}");
    let (answer, _) = answering(b"").await;
    assert!(matches!(answer, Err(SendFault::Protocol(_))), "{answer:?}");
    let (answer, _) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    assert_eq!(answer, Err(SendFault::Protocol("the answer broke off".to_owned())));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), LONG).await;
    assert_eq!(answer, Err(SendFault::Connect("connection refused".to_owned())));

    let mut tasks = JoinSet::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        socket.read_exact(&mut hello).await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Stay until the client has read it.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    });
    let answer = post(OPEN, &format!("https://127.0.0.1:{port}"), LONG).await;
    assert_eq!(answer, Err(SendFault::Tls("the peer does not speak TLS on this port".to_owned())));

    // A label of 64 letters is no name, so no name server needs to be asked.
    let answer = post(OPEN, &format!("http://{}.invalid/", "a".repeat(64)), LONG).await;
    assert_eq!(answer, Err(SendFault::Dns));
}

#[tokio::test]
async fn private_targets_are_refused_by_literal_and_by_name() {
    let http = Targets { allow_private: false, allow_http: true };
    for url in ["http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://0x7f.1/"] {
        let answer = post(http, url, LONG).await;
        assert!(matches!(answer, Err(SendFault::Refused(Refusal::Address(_)))), "{url}: {answer:?}");
    }
    let answer = post(Targets::default(), "http://example.com/", LONG).await;
    assert_eq!(answer, Err(SendFault::Refused(Refusal::Scheme)));
}

#[tokio::test]
async fn a_header_cannot_smuggle_another() {
    let http = HyperHttp::new(OPEN);
    let mut request = to("http://127.0.0.1:1/", LONG);
    request.headers.push(("X-A".to_owned(), "a\r\nX-B: b".to_owned()));
    assert_eq!(http.post(request).await, Err(SendFault::Refused(Refusal::Header)));
}
