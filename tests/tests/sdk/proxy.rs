//! A proxy on the way to a server that loses answers: the server has done what it was asked, and nobody hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct Proxy {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    target: String,
    to_lose: AtomicUsize,
    lost: AtomicUsize,
}

impl Proxy {
    /// In front of `url`; loses the first `to_lose` answers.
    pub async fn losing(to_lose: usize, url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let target = url.trim_start_matches("http://").to_owned();
        let state = Arc::new(State { target, to_lose: AtomicUsize::new(to_lose), lost: AtomicUsize::new(0) });
        let shared = Arc::clone(&state);
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, Arc::clone(&shared)));
            }
        });
        Self { url, state, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many answers have been lost.
    pub fn lost(&self) -> usize {
        self.state.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes bytes on until either side ends, or the server answers what is to be lost: then both connections are dropped.
/// The server answers after its commit, so its first byte says that the work is done.
async fn relay(mut client: TcpStream, state: Arc<State>) {
    let Ok(mut server) = TcpStream::connect(&state.target).await else { return };
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(count @ 1..) if server.write_all(&asked[..count]).await.is_ok() => {}
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(count @ 1..) => {
                    let takes_one = |left: usize| left.checked_sub(1);
                    if state.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes_one).is_ok() {
                        state.lost.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    if client.write_all(&answered[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
