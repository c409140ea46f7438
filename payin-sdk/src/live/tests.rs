use super::*;
use std::collections::VecDeque;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::ErrorCode;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn event(number: u32) -> String {
    format!("id: e-{number}\nevent: order.completed\ndata: {}\n\n", body(number))
}

fn body(number: u32) -> String {
    format!(
        "{{\"id\":\"evt_{number}\",\"type\":\"order.completed\",\"created_at\":\"2025-01-20T10:30:00.000Z\",\"data\":{{\"n\":{number}}}}}"
    )
}

/// A server that says one thing to each connection, and then closes it or leaves it open.
struct Server {
    listener: TcpListener,
    says: VecDeque<(String, bool)>,
    left_open: Vec<TcpStream>,
    asked: Vec<String>,
}

impl Server {
    async fn new<'a>(says: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let says = says.into_iter().map(|(text, open)| (text.to_owned(), open)).collect();
        Self { listener, says, left_open: Vec::new(), asked: Vec::new() }
    }

    fn live(&self, query: StreamEvents) -> Live {
        let url = format!("http://{}", self.listener.local_addr().unwrap());
        Client::builder().api_key("pk_test_key").base_url(url).build().unwrap().webhook_events().live(query)
    }

    async fn run(&mut self) {
        while let Some((text, open)) = self.says.pop_front() {
            let (mut socket, _) = self.listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert_eq!(socket.read_buf(&mut request).await.unwrap().min(1), 1);
            }
            self.asked.push(String::from_utf8(request).unwrap());
            socket.write_all(text.as_bytes()).await.unwrap();
            if open {
                self.left_open.push(socket);
            }
        }
        std::future::pending().await
    }

    /// What was heard while it served, up to the last event wanted.
    async fn hears(&mut self, live: &mut Live, events: usize) -> Vec<Heard> {
        let hearing = async {
            let mut heard = Vec::new();
            while heard.iter().filter(|heard| matches!(heard, Heard::Event(_))).count() < events {
                heard.push(live.next().await.unwrap());
            }
            heard
        };
        let bounded = async { tokio::time::timeout(Duration::from_secs(30), hearing).await.expect("all is heard in time") };
        tokio::select! { heard = bounded => heard, () = self.run() => panic!("it serves for ever") }
    }

    /// The error that a stream of it ends with.
    async fn fails(&mut self, live: &mut Live) -> Error {
        let failing = async {
            loop {
                if let Err(error) = live.next().await {
                    return error;
                }
            }
        };
        tokio::select! { error = failing => error, () = self.run() => panic!("it serves for ever") }
    }

    fn resumed_from(&self) -> Vec<Option<&str>> {
        self.asked.iter().map(|asked| asked.lines().find_map(|line| line.strip_prefix("last-event-id: "))).collect()
    }
}

fn numbers(heard: &[Heard]) -> Vec<String> {
    let number = |heard: &Heard| match heard {
        Heard::Event(event) => Some(event.event.id.as_str().to_owned()),
        _ => None,
    };
    heard.iter().filter_map(number).collect()
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_behind_the_last_whole_event() {
    let half = event(3);
    let begins = format!("{OK}retry: 100\nid: e-0\n\n{}{}{}", event(1), event(2), half.split_at(half.len() - 5).0);
    // It repeats the last one, as a proxy may; then it is another server, which was not there for a moment.
    let goes_on = format!("{OK}retry: 100\n\n{}{}: alive\n\nid: e-9\n\n", event(2), event(3));
    let is_new = format!("{OK}retry: 100\n\n{}", event(10));
    let mut server = Server::new([
        (begins.as_str(), false),
        ("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n", false),
        ("", false),
        (&goes_on, false),
        (&is_new, true),
    ])
    .await;
    let mut live = server.live(StreamEvents { types: Some("order.completed".to_owned()), ..StreamEvents::default() });
    let heard = server.hears(&mut live, 4).await;
    assert_eq!(numbers(&heard), ["evt_1", "evt_2", "evt_3", "evt_10"]);
    assert_eq!(server.resumed_from(), [None, Some("e-2"), Some("e-2"), Some("e-2"), Some("e-9")]);
    let Some(Heard::Event(first)) = heard.iter().find(|heard| matches!(heard, Heard::Event(_))) else { panic!("{heard:?}") };
    assert_eq!((first.cursor.as_str(), first.body.as_ref()), ("e-1", body(1).as_bytes()), "byte for byte");
    assert_eq!(heard.iter().filter(|heard| matches!(heard, Heard::Cut { .. })).count(), 4);
    assert_eq!(live.cursor(), Some("e-10"));
    assert!(server.asked.iter().all(|asked| asked.starts_with("GET /api/v1/webhooks/events/stream?types=order.completed ")));
}

#[tokio::test]
async fn what_cannot_pass_is_an_error() {
    let problem = |status: u16, code: &str| {
        let body = format!("{{\"error\":\"No\",\"message\":\"no\",\"code\":\"{code}\",\"statusCode\":{status}}}");
        format!("HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let mut server = Server::new([(problem(410, "CURSOR_UNKNOWN").as_str(), false)]).await;
    let mut live = server.live(StreamEvents { after: Some("old-1".to_owned()), ..StreamEvents::default() });
    assert!(server.fails(&mut live).await.is_cursor_unknown());
    let mut server = Server::new([(problem(401, "INVALID_API_KEY").as_str(), false)]).await;
    let mut live = server.live(StreamEvents::default());
    assert_eq!(server.fails(&mut live).await.code(), Some(&ErrorCode::InvalidApiKey));
    // A page of somebody else.
    let mut server = Server::new([("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", false)]).await;
    let mut live = server.live(StreamEvents::default());
    assert_eq!(server.fails(&mut live).await.code(), Some(&ErrorCode::Unknown("HTTP_200".to_owned())));
    // An event that is none.
    let garbage = format!("{OK}id: e-1\ndata: \u{1}not JSON\n\n");
    let mut server = Server::new([(garbage.as_str(), true)]).await;
    let mut live = server.live(StreamEvents::default());
    assert!(matches!(server.fails(&mut live).await, Error::Decode { .. }));
    assert_eq!(live.cursor(), None, "it was not passed over");
}

#[tokio::test]
async fn patience_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder().api_key("pk_test_key").base_url(url).build().unwrap();
    let mut live = client.webhook_events().live(StreamEvents::default()).patience(Duration::from_millis(500));
    assert!(matches!(live.next().await, Ok(Heard::Cut { .. })), "once it is sat out");
    assert!(matches!(live.next().await, Err(Error::Transport { .. })));
}

#[test]
fn pauses_grow_and_are_bounded() {
    let most = |failures| (0..40_000).step_by(97).map(|random| pause(PAUSE_FIRST, failures, random)).max().unwrap();
    assert!(most(0) > Duration::from_millis(1_400) && most(0) <= Duration::from_millis(1_500));
    assert_eq!(pause(PAUSE_FIRST, 3, 0), Duration::from_secs(8));
    assert_eq!(pause(PAUSE_FIRST, u32::MAX, 0), PAUSE_MAX);
}
