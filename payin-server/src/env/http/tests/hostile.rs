//! Receivers that mean harm, or are broken: what each costs us is bounded in time and memory, and none spoils the next delivery.

use super::*;
use crate::env::{Clock as _, SystemClock};

/// A receiver that may write this much before we hang up: what we read, and what the kernel takes for us on both sides.
const WRITTEN_MAX: usize = 16 * 1024 * 1024;

/// gzip of 10 MiB of zeros begins like this; how it goes on does not matter to whoever does not unpack it.
const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xed, 0xc1, 1, 0x0d, 0, 0, 0, 0xc2, 0xa0, 0xf7, 0x4f, 0x6d, 0x0f, 0x07];

/// Sends `begin`, then `more` until the sender hangs up. Answers what came of it, how long it took, and how much the receiver could write.
async fn endless(begin: &'static [u8], more: &'static [u8], timeout: Duration) -> (Result<Answer, SendFault>, Duration, usize) {
    let mut tasks = JoinSet::new();
    let (told, written) = tokio::sync::oneshot::channel();
    let port = receiver(&mut tasks, move |mut socket| async move {
        let mut count = 0;
        if socket.write_all(begin).await.is_ok() {
            while let Ok(written) = socket.write(more).await
                && count < 2 * WRITTEN_MAX
            {
                count += written;
            }
        }
        let _ = told.send(count);
    })
    .await;
    let begun = SystemClock.now();
    let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), timeout).await;
    let took = SystemClock.now().since(begun);
    (answer, took, written.await.unwrap())
}

#[tokio::test]
async fn ten_gigabytes_are_cut_at_once_and_cost_no_memory() {
    let begin = b"HTTP/1.1 500 Oops\r\ncontent-length: 10737418240\r\n\r\n";
    let (answer, took, written) = endless(begin, &[b'x'; 65_536], LONG).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.len()), (500, ANSWER_BYTES_MAX));
    assert!(took < LONG / 2, "{took:?}");
    assert!(written < WRITTEN_MAX, "{written} bytes were taken");
}

#[tokio::test]
async fn chunks_without_end_are_cut() {
    let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (answer, _, written) = endless(begin, b"4\r\nabcd\r\n", LONG).await;
    assert_eq!(answer.unwrap().body.len(), ANSWER_BYTES_MAX);
    assert!(written < WRITTEN_MAX, "{written} bytes were taken");
    // A chunk's own head, without end.
    let (answer, _, written) = endless(begin, &[b'0'; 1024], SHORT).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(written < WRITTEN_MAX, "{written} bytes were taken");
}

#[tokio::test]
async fn a_gzip_bomb_stays_packed() {
    let mut tasks = JoinSet::new();
    let port = receiver(&mut tasks, |mut socket| async move {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", GZIP.len());
        socket.write_all(&[head.as_bytes(), GZIP].concat()).await.unwrap();
    })
    .await;
    let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), LONG).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, GZIP));
}

#[tokio::test]
async fn headers_without_end_are_no_answer() {
    for more in [&b"x-a: b\r\n"[..], &[b'a'; 4096]] {
        let (answer, took, written) = endless(b"HTTP/1.1 200 OK\r\n", more, LONG).await;
        assert!(matches!(answer, Err(SendFault::Protocol(_))), "{answer:?}");
        assert!(took < LONG / 2, "{took:?}");
        assert!(written < WRITTEN_MAX, "{written} bytes were taken");
    }
    // A status line without end, and no line at all.
    for begin in [&b"HTTP/1.1 200 "[..], b""] {
        let (answer, _, written) = endless(begin, &[b'a'; 4096], LONG).await;
        assert!(matches!(answer, Err(SendFault::Protocol(_))), "{answer:?}");
        assert!(written < WRITTEN_MAX, "{written} bytes were taken");
    }
}

#[tokio::test]
async fn answers_that_only_announce_answers_end_with_the_deadline() {
    let (answer, took, _) = endless(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", SHORT).await;
    assert_eq!(answer, Err(SendFault::Timeout(SHORT)));
    assert!(took < LONG / 2, "{took:?}");
    // Some before the answer are nothing bad.
    let (answer, _) = answering(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n").await;
    assert_eq!(answer.unwrap().status, 204);
}

/// One byte at a time, of the head and of the body.
#[tokio::test]
async fn drips_end_with_the_deadline() {
    let answers = [b"HTTP/1.1 200 OK\r\nx-long-header: aaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n".repeat(4), b"HTTP/1.1 200 OK\r\n\r\n".repeat(9)];
    for answer in answers {
        let mut tasks = JoinSet::new();
        let port = receiver(&mut tasks, move |mut socket| async move {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            for byte in answer {
                tick.tick().await;
                if socket.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        })
        .await;
        let begun = SystemClock.now();
        let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), SHORT).await;
        assert_eq!(answer, Err(SendFault::Timeout(SHORT)));
        assert!(SystemClock.now().since(begun) < LONG / 2);
        assert_eq!(tasks.join_all().await.len(), 1, "the receiver sees that we hung up");
    }
}

#[tokio::test]
async fn resets_are_told() {
    let (none, part) = ("the connection ended before there was an answer", "the answer broke off");
    for (begin, told) in [(&b""[..], none), (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", part)] {
        let mut tasks = JoinSet::new();
        let port = receiver(&mut tasks, move |mut socket| async move {
            socket.write_all(begin).await.unwrap();
            socket.set_zero_linger().unwrap();
        })
        .await;
        let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), LONG).await;
        assert_eq!(answer, Err(SendFault::Protocol(told.to_owned())));
    }
    // Hung up in good order, without a word.
    assert_eq!(answering(b"").await.0, Err(SendFault::Protocol(none.to_owned())));
}

#[tokio::test]
async fn every_status_is_an_answer_and_leads_nowhere() {
    for status in [200_u16, 204, 301, 302, 303, 307, 308, 400, 401, 404, 410, 429, 500, 503, 599] {
        let mut tasks = JoinSet::new();
        let port = receiver(&mut tasks, move |mut socket| async move {
            let head = format!(
                "HTTP/1.1 {status} X\r\nlocation: http://169.254.169.254/latest/meta-data/\r\nretry-after: 1000000000\r\ncontent-length: 0\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).await.unwrap();
        })
        .await;
        let answer = post(OPEN, &format!("http://127.0.0.1:{port}"), LONG).await.unwrap_or_else(|fault| panic!("{status}: {fault}"));
        assert_eq!(answer, Answer { status, body: Vec::new(), retry_after: Some("1000000000".to_owned()) });
    }
    let long: &[u8] =
        b"HTTP/1.1 503 X\r\nretry-after: 1111111111111111111111111111111111111111111111111111111111111111111\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(answering(long).await.0.unwrap().retry_after, None);
}

#[tokio::test]
async fn what_is_no_http_1_is_no_answer() {
    // The first frame of HTTP/2, which was not asked for; an upgrade to it; HTTP/0.9; lengths that contradict each other.
    for bytes in [
        &b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"[..],
        b"HTTP/2 200\r\n\r\n",
        b"<html>hello</html>",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ] {
        let (answer, _) = answering(bytes).await;
        assert!(matches!(answer, Err(SendFault::Protocol(_))), "{bytes:?}: {answer:?}");
    }
}

/// What a receiver says beyond its answer is not taken for the answer to the next request, on whatever connection that goes.
#[tokio::test]
async fn no_answer_is_believed_before_its_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answers = Arc::new(std::sync::Mutex::new(std::collections::VecDeque::from([
        // More than is read: the rest, which comes later, may be anything.
        [b"HTTP/1.1 500 A\r\ncontent-length: 300000\r\n\r\n".to_vec(), vec![b'x'; 30_000]].concat(),
        b"HTTP/1.1 500 B\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 Unasked\r\ncontent-length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 500 C\r\ncontent-length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 500 D\r\ncontent-length: 0\r\n\r\n".to_vec(),
    ])));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let answers = Arc::clone(&answers);
            open.spawn(async move {
                let mut request = Vec::new();
                while socket.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                    if request.ends_with(b"{}") {
                        request.clear();
                        let answer = answers.lock().unwrap().pop_front().unwrap();
                        let _ = socket.write_all(&answer).await;
                    }
                }
            });
        }
    });
    let http = HyperHttp::new(OPEN);
    for length in [ANSWER_BYTES_MAX, 0, 0, 0] {
        let answer = http.post(to(&url, LONG)).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (500, length));
    }
}
