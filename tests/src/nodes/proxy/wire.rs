//! Just enough HTTP/1.1 to misbehave in it: requests with a length, answers with a length, and connections torn down in between.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a node says above an answer.
pub const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// The body of the next request; nothing when the client is gone, or speaks something else. `read` holds what was read too far.
pub async fn request(client: &mut TcpStream, read: &mut Vec<u8>) -> Option<Vec<u8>> {
    let head = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(client, read).await?;
    };
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    while read.len() < head + length {
        more(client, read).await?;
    }
    let body = read[head..head + length].to_vec();
    read.drain(..head + length);
    Some(body)
}

async fn more(client: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    let count = client.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
    read.extend_from_slice(&buffer[..count]);
    Some(())
}

/// An answer: its head without the length, and its body.
pub async fn respond(client: &mut TcpStream, head: &str, body: &[u8]) -> std::io::Result<()> {
    // At once: a head that is sent alone makes the other side wait 40 ms for its body.
    client.write_all(&[format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()).await
}

/// The first half of an answer whose head promises all of it.
pub async fn half(client: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    client.write_all(format!("{OK}content-length: {}\r\n\r\n", body.len()).as_bytes()).await?;
    client.write_all(&body[..body.len() / 2]).await?;
    client.flush().await
}

/// Ends a connection as a crashed peer's system does, with RST.
pub fn reset(client: TcpStream) {
    client.set_zero_linger().expect("a connected socket");
}
