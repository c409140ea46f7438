//! What good clients notice of thousands that never finish what they begin, and what becomes of requests made to cost more than they say.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use payin_tests::nodes::http_client;
use payin_tests::nodes::program::{Command, Program, built};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::server::{configured, url, with_config};

/// As many as may be open at once, where the machine allows so many files; and not fewer than these.
const CROWD: (usize, usize) = (5_000, 1_000);
/// Files left to the other tests of this process.
const OTHERS: usize = 600;
/// Requests by which a p99 is told.
const ASKED: usize = 400;
/// Beside a crowd the p99 may be so many times what it is without, or this long: tests share two cores, on which four requests of four
/// hundred are late by themselves.
const SLOWER: u32 = 5;
const PATIENCE: Duration = Duration::from_millis(250);

/// A server, its URL and its owner's key.
struct Server {
    program: Program,
    url: String,
    key: String,
    _folder: TempDir,
}

impl Server {
    /// Started with as few files as services are.
    async fn start() -> Self {
        let folder = configured("[rate_limits]\nenabled = false\n");
        let mut keys = with_config(folder.path(), &["keys", "create", "--role", "owner"]);
        keys.arg("--name").arg("crowd");
        let made = keys.run().await;
        assert_eq!(made.code, Some(0), "{made:?}");
        let mut command = Command::at("/bin/sh");
        command.args(["-c", "ulimit -S -n 1024; exec \"$0\" serve --config \"$1\""]).arg(built("payin-server"));
        command.arg(folder.path().join("payin-server.toml")).env("PAYIN_SERVER_MASTER_KEY", "ab".repeat(32));
        let program = command.start();
        let url = url(&program).await;
        Self { program, url, key: made.stdout.trim().to_owned(), _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("an address")
    }

    /// How many files it has open: each connection that it took is one.
    fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.program.pid())).expect("its files").count()
    }

    /// The p99 of good requests, each on a connection of its own. Every one is answered.
    async fn p99(&self) -> Duration {
        let client = http_client();
        let mut took = Vec::new();
        for _ in 0..ASKED {
            let begun = Instant::now();
            let request = client.get(format!("{}/api/v1/orders", self.url)).header("x-api-key", &self.key).header("connection", "close");
            let answer = request.send().await.expect("a good request is answered");
            assert_eq!(answer.status().as_u16(), 200);
            answer.bytes().await.expect("the answer's body");
            took.push(begun.elapsed());
        }
        took.sort();
        took[ASKED * 99 / 100]
    }

    /// One that is slow, in one of three ways.
    async fn slow(&self, number: usize) -> TcpStream {
        let mut socket = TcpStream::connect(self.address()).await.expect("a connection");
        let begun = match number % 3 {
            0 => "GET /api/v1/orders HTTP/1.1\r\nhost: a\r\nx-slow: ".to_owned(),
            1 => "GET /health HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            _ => {
                let key = &self.key;
                format!(
                    "POST /api/v1/orders HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{{"
                )
            }
        };
        socket.write_all(begun.as_bytes()).await.expect("it is sent");
        if number % 3 == 1 {
            // Answered, and then idle.
            assert!(socket.read(&mut [0; 1024]).await.expect("an answer") > 0);
        }
        socket
    }
}

/// So many files may this process have open, from now on.
fn take_all_files() -> usize {
    let said = std::process::Command::new("sh").args(["-c", "ulimit -H -n"]).output().expect("a shell");
    let most = String::from_utf8_lossy(&said.stdout).trim().parse().unwrap_or(usize::MAX);
    let args = [format!("--pid={}", std::process::id()), format!("--nofile={most}:")];
    let raised = std::process::Command::new("prlimit").args(args).status().expect("prlimit, of util-linux");
    assert!(raised.success(), "the limit of open files is not raised to {most}");
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_clients_are_answered_beside_thousands_of_slow_ones() {
    let files = take_all_files();
    let crowd = CROWD.0.min(files.saturating_sub(OTHERS));
    assert!(crowd >= CROWD.1, "with {files} files there is no crowd: raise ulimit -Hn");
    let server = Server::start().await;
    let (before, quiet) = (server.files(), server.p99().await);
    let mut sockets = Vec::new();
    for number in 0..crowd {
        sockets.push(server.slow(number).await);
    }
    let dripping = async {
        loop {
            for socket in sockets.iter_mut().skip(2).step_by(3) {
                // One whose time is up has been closed, as it should be.
                let _ = socket.write_all(b" ").await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let beside = tokio::select! { beside = server.p99() => beside, never = dripping => never };
    let held = server.files().saturating_sub(before);
    println!("p99 of {ASKED} good requests: {quiet:?}, and {beside:?} beside {crowd} slow ones, of which {held} were still held");
    // On a slow machine the ten seconds of headers are over by then, and the thirty of bodies; who is idle has a minute.
    assert!(held >= crowd / 3, "a crowd that was let go of proves nothing: {held} of {crowd}");
    assert!(beside <= quiet * SLOWER || beside <= PATIENCE, "{quiet:?} without the crowd, {beside:?} beside it");
}

#[tokio::test]
async fn requests_that_cost_more_than_they_say_are_refused() {
    let server = Server::start().await;
    let post = async |encoding: &str, body: Vec<u8>| {
        let request = http_client().post(format!("{}/api/v1/orders", server.url)).header("x-api-key", &server.key);
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        let answer = request.body(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    // The beginning of a packed body; nobody reads how much it would become.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].to_vec();
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, identity"] {
        let (status, said) = post(encoding, packed.clone()).await;
        assert!(
            status == 415 && said.contains("UNSUPPORTED_MEDIA_TYPE") && said.contains("Content-Encoding"),
            "{encoding}: {status} {said}"
        );
    }
    let (status, said) = post("identity", packed).await;
    assert!(status == 400 && said.contains("VALIDATION_ERROR"), "{status} {said}");
    let deep = format!("{{\"metadata\":{}{}}}", "{\"a\":".repeat(10_000), "}".repeat(9_999));
    let (status, said) = post("identity", deep.into_bytes()).await;
    assert!(status == 400 && said.contains("recursion"), "{status} {said}");
    // HTTP/2, with the settings and the flood of resets that would follow: closed before any of it is read.
    let mut socket = TcpStream::connect(server.address()).await.expect("a connection");
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8].repeat(1_000));
    // It may be gone before all of it is sent.
    let _ = socket.write_all(&flood).await;
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "the connection is still open");
    assert!(!answer.starts_with(b"HTTP/1.1 2") && answer.len() < 500, "{}", String::from_utf8_lossy(&answer));
    assert_eq!(http_client().get(format!("{}/health", server.url)).send().await.expect("an answer").status().as_u16(), 200);
}
