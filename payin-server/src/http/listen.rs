//! The accept loop: takes connections, caps them, sets every deadline a peer could otherwise ignore, and stops politely.
//! It must not know a route, a status or a body shape: that is the router's. HTTP/1 only, without upgrades and without TLS.
//!
//! Why not `axum::serve`: it sets no timer, so half-sent headers, idle sockets and half-sent bodies stay open for ever
//! (measured: all three alive after 75 s). Why no HTTP/2: the deadlines below hold because a connection carries one
//! request at a time; multiplexing would need them again per stream, plus defences against resets, CONTINUATION and
//! window floods, and neither browsers nor the usual reverse proxies speak HTTP/2 without TLS to an upstream.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use payin_core::client::counted;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

mod connection;

pub use connection::{BodyTooSlow, HangUp};

/// What a peer may cost us. Every number is a bound on somebody else's patience with our memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request (or from the accept) to the end of its headers. 10 s: a header section fits
    /// into one or two packets, so even a phone on a bad line needs less; slowloris lives above this number.
    pub header: Duration,
    /// Between the end of a response and the first byte of the next request. 60 s: the keep-alive that common
    /// clients and proxies assume; shorter would make them meet closed sockets, longer would let them hoard ours.
    pub idle: Duration,
    /// From the end of the headers to the last byte of the request's body, however it drips. 30 s: the largest body
    /// (an address import of 10 MiB) passes at 2.8 Mbit/s.
    pub body: Duration,
    /// How long a response may wait without the peer taking a single byte of it. 30 s. A stream that moves, however
    /// slowly, is not cut.
    pub write: Duration,
    /// Connections at once, all peers together; one more is answered 503 and closed. 10,000: below the usual limit of
    /// open files of a service, and about 300 MB if every one of them fills its buffers with an unfinished request.
    pub connections: usize,
    /// Connections at once of one peer: an IPv4 address, or an IPv6 /64 (what one customer is given). 1,000: an office
    /// behind one address fits, one machine cannot take all seats. Nobody is exempt, loopback neither: where all come
    /// through one proxy, or from one test machine, set it to `connections`.
    pub connections_per_ip: usize,
    /// How long a shutdown waits for requests in flight. 30 s: what orchestrators grant before they kill.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(30),
            write: Duration::from_secs(30),
            connections: 10_000,
            connections_per_ip: 1_000,
            drain: Duration::from_secs(30),
        }
    }
}

/// True if this error, or one it wraps, says that the request's body missed [`Limits::body`]: answer 408.
#[must_use]
pub fn body_too_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<BodyTooSlow>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Serves until `shutdown` is ready; then closes the listener and idle connections at once, lets requests in flight
/// finish, and gives up on them after [`Limits::drain`]. Dropping the future closes everything on the spot.
///
/// Handlers find the peer in the extension `ConnectInfo<SocketAddr>`. A handler whose client hangs up is dropped at
/// its next await: whatever must not be half done belongs into one transaction or one detached unit.
///
/// # Errors
/// Only if the socket is not one that listens. Every other failure to accept (no file descriptor left, a connection
/// gone before we took it) is logged and waited out.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let (stop, stopping) = watch::channel(());
    let seats = Seats::new(limits);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut pause = Duration::ZERO;
    let mut shedding = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => {
                report(ended);
                // It may have given back the file descriptor that the last accept missed.
                pause = Duration::ZERO;
                continue;
            }
            accepted = accept(&listener, pause) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = Duration::ZERO;
                let seat = seats.take(peer.ip());
                if seat.is_none() != shedding {
                    shedding = !shedding;
                    tracing::warn!(peer = %peer.ip(), shedding, "connection caps: refusing or admitting again");
                }
                match seat {
                    Some(seat) => {
                        let (router, stopping) = (router.clone(), stopping.clone());
                        connections.spawn(async move {
                            connection::run(stream, peer, router, limits, stopping).await;
                            drop(seat);
                        });
                    }
                    None => refuse(stream),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
            Err(error) if gone_before_accept(&error) => {}
            Err(error) => {
                pause = (pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
                tracing::error!(error = %error, pause_ms = pause.as_millis(), "cannot accept connections");
            }
        }
    }
    drop(listener);
    stop.send_replace(());
    drain(connections, limits.drain).await;
    Ok(())
}

/// After a failed accept (EMFILE, ENFILE, ENOBUFS) the connection is still in the backlog and the next accept fails at
/// once: without a pause the loop would burn a core until a descriptor is free.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Short enough that a client of a recovered server hardly notices.
const PAUSE_MAX: Duration = Duration::from_secs(1);

async fn accept(listener: &TcpListener, pause: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    if !pause.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "the accept loop waits until a file descriptor may be free")]
        tokio::time::sleep(pause).await;
    }
    listener.accept().await
}

/// Errors that belong to the one connection, not to the listener.
fn gone_before_accept(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Tells a peer over the cap that it may come back. Best effort: never waits for a peer that does not read.
fn refuse(stream: TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    // A fresh socket is not yet known to be writable to tokio, so the plain one is asked; it stays non-blocking.
    if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, FULL);
    }
}

async fn drain(mut connections: JoinSet<()>, limit: Duration) {
    let finished = tokio::time::timeout(limit, async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    });
    if finished.await.is_err() {
        tracing::warn!(connections = connections.len(), "shutdown: gave up on requests in flight");
        connections.shutdown().await;
    }
}

/// A panic in a handler ends its connection, not the server; it is a fault of ours all the same.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(error = %error, "a request handler panicked; its connection is closed");
    }
}

/// Who sits where. One lock, held for a few instructions per connection, never per request.
#[derive(Clone)]
struct Seats {
    taken: Arc<Mutex<Taken>>,
    limits: Limits,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// Gives its place back when dropped, however the connection ends.
struct Seat {
    taken: Arc<Mutex<Taken>>,
    peer: IpAddr,
}

impl Seats {
    fn new(limits: Limits) -> Self {
        Self { taken: Arc::default(), limits }
    }

    fn take(&self, ip: IpAddr) -> Option<Seat> {
        let peer = counted(ip);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = taken.by_peer.get(&peer).copied().unwrap_or(0);
        if taken.all >= self.limits.connections || of_peer >= self.limits.connections_per_ip {
            return None;
        }
        taken.all += 1;
        taken.by_peer.insert(peer, of_peer + 1);
        Some(Seat { taken: Arc::clone(&self.taken), peer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        if let Some(of_peer) = taken.by_peer.get_mut(&self.peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                // Forgotten at zero, so that the map never outgrows the connections.
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests;
