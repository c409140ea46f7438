//! The accept loop against real sockets and slow, greedy or vanishing peers. Limits are short, outer deadlines generous:
//! a test waits for what must happen and fails only if it does not.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::routing::{get, post};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::*;

const SHORT: Duration = Duration::from_millis(200);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Long enough that only what a test shortens can run out.
fn patient() -> Limits {
    let long = Duration::from_secs(600);
    Limits { header: long, idle: long, body: long, write: long, drain: long, connections: 100, connections_per_ip: 100 }
}

struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinSet<io::Result<()>>,
}

impl Running {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, router, limits, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), server }
    }

    async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    async fn connect_and_send(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = self.connect().await;
        socket.write_all(bytes).await.unwrap();
        socket
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn ended(mut self) {
        within(self.server.join_next()).await.unwrap().unwrap().unwrap();
    }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it did not happen")
}

/// All that comes until the server closes, by FIN or RST.
async fn until_closed(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within(socket.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Reads until `end` has come; the connection stays open.
async fn until(socket: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with(end) {
        assert_eq!(within(socket.read(&mut byte)).await.unwrap(), 1, "closed after {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}

/// Sends `bytes` again and again until the server has closed the connection; answers what it said before.
async fn drip(socket: TcpStream, bytes: &[u8]) -> String {
    let (mut from, mut to) = socket.into_split();
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let mut heard = Vec::new();
    within(async {
        let sending = async {
            while to.write_all(bytes).await.is_ok() {
                tick.tick().await;
            }
        };
        let _ = tokio::join!(sending, from.read_to_end(&mut heard));
    })
    .await;
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn silence_half_headers_and_dripping_headers_are_closed() {
    let server = Running::start(hello(), Limits { header: SHORT, ..patient() }).await;
    assert_eq!(until_closed(&mut server.connect().await).await, "");
    assert_eq!(until_closed(&mut server.connect_and_send(b"GET / HTTP/1.1\r\nhos").await).await, "");
    assert_eq!(drip(server.connect_and_send(b"GET / HTTP/1.1\r\n").await, b"x: y\r\n").await, "");
    // And again after a first request, however long idling may take.
    let mut second = server.connect_and_send(GET).await;
    until(&mut second, "hello").await;
    assert_eq!(drip(second, b"GET / HTTP").await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_not_before_its_time() {
    let server = Running::start(hello(), Limits { idle: SHORT, ..patient() }).await;
    let mut socket = server.connect_and_send(GET).await;
    until(&mut socket, "hello").await;
    assert_eq!(until_closed(&mut socket).await, "");

    // Idle is not bounded by the (shorter) header deadline, nor is a handler that works longer than it.
    let (release, released) = oneshot::channel::<()>();
    let released = Arc::new(tokio::sync::Mutex::new(Some(released)));
    let slow = get(move || async move {
        let _ = released.lock().await.take().unwrap().await;
        "slow"
    });
    let server = Running::start(hello().route("/slow", slow), Limits { header: SHORT, ..patient() }).await;
    let mut idle = server.connect_and_send(GET).await;
    until(&mut idle, "hello").await;
    let mut busy = server.connect_and_send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut byte = [0];
    for socket in [&mut idle, &mut busy] {
        assert!(tokio::time::timeout(SHORT * 3, socket.read(&mut byte)).await.is_err(), "closed or answered too soon");
    }
    release.send(()).unwrap();
    until(&mut busy, "slow").await;
    idle.write_all(GET).await.unwrap();
    until(&mut idle, "hello").await;
}

/// A handler that reads the body and tells the test how that ended.
fn reader(told: mpsc::UnboundedSender<&'static str>) -> Router {
    let read = post(move |request: Request| async move {
        let (status, outcome) = match to_bytes(request.into_body(), 1_000_000).await {
            Ok(_) => (StatusCode::OK, "whole"),
            Err(error) if body_too_slow(&error) => (StatusCode::REQUEST_TIMEOUT, "too slow"),
            Err(_) => (StatusCode::BAD_REQUEST, "broken"),
        };
        told.send(outcome).unwrap();
        (status, outcome)
    });
    let ignore = post(|| async { "not read" });
    Router::new().route("/", read).route("/ignore", ignore)
}

#[tokio::test]
async fn a_dripping_body_ends_in_408_and_the_handler_is_told() {
    let (told, mut outcomes) = mpsc::unbounded_channel();
    let server = Running::start(reader(told), Limits { body: SHORT, idle: SHORT, ..patient() }).await;

    for head in ["content-length: 100000", "transfer-encoding: chunked"] {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n");
        let said = drip(server.connect_and_send(head.as_bytes()).await, b"1\r\nx\r\n").await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        assert_eq!(within(outcomes.recv()).await, Some("too slow"));
    }
    // Silence in the middle of a body is no different.
    let mut silent = server.connect_and_send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
    assert!(until_closed(&mut silent).await.starts_with("HTTP/1.1 408 "));
    assert_eq!(within(outcomes.recv()).await, Some("too slow"));
    // A peer that hangs up in the middle.
    drop(server.connect_and_send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await);
    // A handler that never looks at the body.
    let head = b"POST /ignore HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
    let said = drip(server.connect_and_send(head).await, b"x").await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    // Whole bodies pass, in one piece or two.
    let mut good = server.connect_and_send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nab").await;
    good.write_all(b"c").await.unwrap();
    assert!(until(&mut good, "whole").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answer_is_closed() {
    let endless = || async {
        let chunk = futures_util::stream::repeat_with(|| Ok::<_, Infallible>(vec![0_u8; 65_536]));
        Body::from_stream(chunk)
    };
    let router = hello().route("/endless", get(endless));
    let server = Running::start(router, Limits { write: SHORT, connections: 1, ..patient() }).await;
    let greedy = server.connect_and_send(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // The only seat becomes free although the greedy peer keeps its end open.
    within(async {
        loop {
            let mut other = server.connect_and_send(GET).await;
            let mut start = [0; 12];
            if other.read_exact(&mut start).await.is_ok() && &start == b"HTTP/1.1 200" {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(greedy);
}

#[tokio::test]
async fn connections_are_kept_alive_pipelined_and_know_their_peer() {
    let router = Router::new().route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { format!("<{}>", peer.port()) }));
    let server = Running::start(router, patient()).await;
    let mut socket = server.connect_and_send(GET).await;
    let port = format!("<{}>", socket.local_addr().unwrap().port());
    until(&mut socket, &port).await;
    socket.write_all(GET).await.unwrap();
    until(&mut socket, &port).await;
    socket.write_all(&GET.repeat(3)).await.unwrap();
    for _ in 0..3 {
        until(&mut socket, &port).await;
    }
    socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(until_closed(&mut socket).await.ends_with(&port));
}

#[tokio::test]
async fn caps_hold_for_all_and_for_one_and_seats_are_given_back() {
    for limits in [Limits { connections: 2, ..patient() }, Limits { connections_per_ip: 2, ..patient() }] {
        let server = Running::start(hello(), limits).await;
        let mut one = server.connect_and_send(GET).await;
        let mut two = server.connect_and_send(GET).await;
        until(&mut one, "hello").await;
        until(&mut two, "hello").await;
        let mut three = server.connect().await;
        let said = until_closed(&mut three).await;
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: 1\r\n"), "{said}");
        // Those inside do not notice.
        one.write_all(GET).await.unwrap();
        until(&mut one, "hello").await;
        // Closed by the server, so the seat is free as soon as the end of the stream is seen, or a moment later.
        one.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        until_closed(&mut one).await;
        within(async {
            loop {
                let mut four = server.connect().await;
                let _ = four.write_all(GET).await;
                if until_first_line(&mut four).await.starts_with("HTTP/1.1 200 ") {
                    break;
                }
            }
        })
        .await;
    }
}

/// The status line, or less if the server closed.
async fn until_first_line(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with('\n') && matches!(within(socket.read(&mut byte)).await, Ok(1)) {
        text.push(char::from(byte[0]));
    }
    text
}

#[tokio::test]
async fn shutdown_finishes_what_is_in_flight_and_closes_the_idle() {
    let (began, mut begun) = mpsc::unbounded_channel();
    let (release, released) = watch::channel(false);
    let slow = get(move || async move {
        began.send(()).unwrap();
        released.clone().wait_for(|released| *released).await.unwrap();
        "finished"
    });
    let mut server = Running::start(hello().route("/slow", slow), patient()).await;
    let mut fresh = server.connect().await;
    let mut idle = server.connect_and_send(GET).await;
    until(&mut idle, "hello").await;
    let mut busy = server.connect_and_send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    within(begun.recv()).await.unwrap();

    server.stop();
    assert_eq!(until_closed(&mut idle).await, "");
    assert_eq!(until_closed(&mut fresh).await, "");
    within(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    release.send(true).unwrap();
    let said = until_closed(&mut busy).await;
    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("finished"), "{said}");
    server.ended().await;
}

/// An answer without an end: pieces of a size, one after the other, each after a pause.
fn endless(piece: usize, pause: Duration, dropped: mpsc::UnboundedSender<()>) -> Router {
    struct Ended(mpsc::UnboundedSender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    Router::new().route(
        "/",
        get(move || async move {
            let pieces = futures_util::stream::unfold(Ended(dropped), move |ended| async move {
                let mut tick = tokio::time::interval(pause.max(Duration::from_nanos(1)));
                tick.tick().await;
                if !pause.is_zero() {
                    tick.tick().await;
                }
                Some((Ok::<_, Infallible>(bytes::Bytes::from(vec![b'x'; piece])), ended))
            });
            Body::from_stream(pieces)
        }),
    )
}

#[tokio::test]
async fn an_answer_without_end_lives_as_long_as_it_is_read() {
    let (ended, mut dropped) = mpsc::unbounded_channel();
    let short = Limits { header: SHORT, idle: SHORT, body: SHORT, write: SHORT, ..patient() };
    let server = Running::start(endless(1, SHORT / 4, ended), short).await;
    let mut socket = server.connect_and_send(GET).await;
    until(&mut socket, "\r\n\r\n").await;
    // Each piece is a line with its length, and one with it: far longer than any limit.
    for _ in 0..20 {
        until(&mut socket, "1\r\nx\r\n").await;
    }
    drop(socket);
    within(dropped.recv()).await.expect("a reader that hangs up ends it");
}

#[tokio::test]
async fn an_answer_without_end_is_over_once_nobody_takes_it() {
    let (ended, mut dropped) = mpsc::unbounded_channel();
    let server = Running::start(endless(64 * 1024, Duration::ZERO, ended), Limits { write: SHORT, ..patient() }).await;
    let socket = server.connect_and_send(GET).await;
    within(dropped.recv()).await.expect("a peer that does not read is closed");
    drop(socket);
}

#[tokio::test]
async fn shutdown_gives_up_after_the_drain() {
    let (began, mut begun) = mpsc::unbounded_channel();
    let stuck = get(move || async move {
        began.send(()).unwrap();
        std::future::pending::<&str>().await
    });
    let mut server = Running::start(Router::new().route("/", stuck), Limits { drain: SHORT, ..patient() }).await;
    let mut socket = server.connect_and_send(GET).await;
    within(begun.recv()).await.unwrap();
    server.stop();
    assert_eq!(until_closed(&mut socket).await, "");
    server.ended().await;
}

#[tokio::test]
async fn a_panic_and_a_protocol_error_end_their_connection_only() {
    let panics = get(|| async {
        if true {
            panic!("on purpose");
        }
        "never"
    });
    let server = Running::start(hello().route("/panic", panics), patient()).await;
    let mut bystander = server.connect_and_send(GET).await;
    until(&mut bystander, "hello").await;
    let mut socket = server.connect_and_send(b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(until_closed(&mut socket).await, "");
    let mut socket = server.connect_and_send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!until_closed(&mut socket).await.starts_with("HTTP/1.1 2"));
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let mut socket = server.connect().await;
    let _ = socket.write_all(long.as_bytes()).await;
    assert!(!until_closed(&mut socket).await.starts_with("HTTP/1.1 2"));
    bystander.write_all(GET).await.unwrap();
    until(&mut bystander, "hello").await;
}

#[test]
fn a_seat_lost_is_a_seat_free_and_the_map_forgets() {
    let seats = Seats::new(Limits { connections: 3, connections_per_ip: 2, ..patient() });
    let (a, b) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
    let first = seats.take(a).unwrap();
    let _second = seats.take(a).unwrap();
    assert!(seats.take(a).is_none(), "two per peer");
    let third = seats.take(b).unwrap();
    assert!(seats.take(b).is_none(), "three in all");
    drop(first);
    assert!(seats.take(a).is_some());
    drop(third);
    assert!(!seats.taken.lock().unwrap().by_peer.contains_key(&b));
}
