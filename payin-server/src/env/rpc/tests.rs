//! The transport against nodes of every temper, on sockets of this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;

/// A node that gives one answer to one call, and what it was asked.
async fn node(tasks: &mut JoinSet<String>, answer: Vec<u8>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/SECRETKEY", listener.local_addr().unwrap());
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"{}") && socket.read_buf(&mut request).await.unwrap_or(0) > 0 {}
        // A client that has seen enough may close before all is sent.
        let _ = socket.write_all(&answer).await;
        let _ = socket.read_to_end(&mut Vec::new()).await;
        String::from_utf8_lossy(&request).into_owned()
    });
    url.parse().unwrap()
}

fn rpc(url: Url) -> HttpRpc {
    let headers = [("Authorization".to_owned(), "Bearer SECRETKEY".to_owned())];
    let rpc = HttpRpc::new(HttpRpc::client().unwrap(), url, &headers).unwrap();
    HttpRpc { answer_bytes_max: 1_000, ..rpc }
}

async fn answering(answer: impl Into<Vec<u8>>) -> Result<Bytes, RpcFault> {
    let mut tasks = JoinSet::new();
    let url = node(&mut tasks, answer.into()).await;
    rpc(url).call("", Bytes::from_static(b"{}")).await
}

fn says(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn bytes_there_and_back_with_the_configured_headers() {
    let mut tasks = JoinSet::new();
    let url = node(&mut tasks, says("200 OK", r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#).into_bytes()).await;
    let client = rpc(url);
    let answer = client.call("", Bytes::from_static(b"{}")).await.unwrap();
    assert_eq!(answer, r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#);
    drop(client);
    let request = tasks.join_next().await.unwrap().unwrap();
    assert!(request.starts_with("POST /v2/SECRETKEY HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nauthorization: Bearer SECRETKEY\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/json\r\n"), "{request}");
}

#[tokio::test]
async fn a_status_is_a_fault_unless_the_node_has_answered_with_it() {
    let limited = answering(says("429 Too Many", r#"{"jsonrpc":"2.0","id":1,"error":{}}"#)).await;
    assert_eq!(limited, Err(RpcFault::Status { status: 429, retry_after: Some("7".to_owned()) }));
    let page = answering(says("400 Bad", "<html>nginx</html>")).await;
    assert_eq!(page, Err(RpcFault::Status { status: 400, retry_after: Some("7".to_owned()) }));
    let moved = answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(moved, Err(RpcFault::Status { status: 302, retry_after: None }));
    for body in [r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005}}"#, r#"[{"jsonrpc":"2.0","id":1,"result":1}]"#] {
        assert_eq!(answering(says("400 Bad", body)).await.unwrap(), body);
    }
}

#[tokio::test]
async fn too_much_is_refused_announced_or_not() {
    let exact = "x".repeat(1_000);
    assert_eq!(answering(says("200 OK", &exact)).await.unwrap().len(), 1_000);
    assert_eq!(answering("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await, Err(RpcFault::TooLarge));
    let unannounced = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3E9\r\n{exact}x\r\n");
    assert_eq!(answering(unannounced).await, Err(RpcFault::TooLarge));
}

#[tokio::test]
async fn a_silent_node_is_left_in_time() {
    let mut tasks = JoinSet::new();
    let url = node(&mut tasks, Vec::new()).await;
    let rpc = HttpRpc { timeout: Duration::from_millis(200), ..rpc(url) };
    assert_eq!(rpc.call("", Bytes::from_static(b"{}")).await, Err(RpcFault::Timeout));
}

#[tokio::test]
async fn no_word_of_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let long_name = "secrethost".repeat(7);
    for url in [
        format!("http://127.0.0.1:{port}/v2/SECRETKEY"),
        format!("http://{long_name}.invalid/v2/SECRETKEY"),
        format!("https://user:SECRETKEY@localhost:{port}/"),
    ] {
        let rpc = rpc(url.parse().unwrap());
        let fault = rpc.call("", Bytes::from_static(b"{}")).await.unwrap_err();
        assert!(matches!(fault, RpcFault::Transport(_)), "{fault:?}");
        let words = format!("{fault} {fault:?} {rpc:?}").to_lowercase();
        for secret in ["secret", "localhost", "127.0.0.1", "invalid"] {
            assert!(!words.contains(secret), "{words}");
        }
    }
    let refused = HttpRpc::new(HttpRpc::client().unwrap(), "ws://secret/".parse().unwrap(), &[]).unwrap_err();
    assert!(!refused.to_string().contains("secret"), "{refused}");
}
