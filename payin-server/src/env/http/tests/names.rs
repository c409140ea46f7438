//! Names whose addresses are not what they were, or not what they should be: each is resolved once for a connection, and what was
//! checked is what is dialled.

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const CLOSED: Targets = Targets { allow_private: false, allow_http: true };

/// A client for which names mean one list of addresses after the other, the last for ever; and how often it was asked.
fn resolving(targets: Targets, answers: &[&[&str]]) -> (HyperHttp, Arc<AtomicUsize>) {
    let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse::<IpAddr>().unwrap()).collect::<Vec<_>>();
    let answers: Vec<_> = answers.iter().map(parse).collect();
    let (asked, left) = (Arc::new(AtomicUsize::new(0)), Mutex::new(answers));
    let counted = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut left = left.lock().unwrap();
        let found = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
        Box::pin(std::future::ready(Ok(found)))
    });
    (HyperHttp::over(targets, lookup, crate::env::tls()), asked)
}

/// A receiver that counts who connects, and answers 200 to everybody.
async fn counting(tasks: &mut JoinSet<()>, ip: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let (port, connected) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connected);
    tasks.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            while !request.ends_with(b"{}") && socket.read_buf(&mut request).await.unwrap_or(0) > 0 {}
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
    });
    (port, connected)
}

#[tokio::test]
async fn what_was_checked_is_dialled_though_the_name_means_something_else_a_moment_later() {
    let mut tasks = JoinSet::new();
    let (port, connected) = counting(&mut tasks, "127.0.0.1").await;
    let (http, asked) = resolving(OPEN, &[&["127.0.0.1"], &["127.0.0.2"]]);
    let url = format!("http://shop.example:{port}/");
    assert_eq!(http.post(to(&url, LONG)).await.unwrap().status, 200);
    assert_eq!((asked.load(Ordering::SeqCst), connected.load(Ordering::SeqCst)), (1, 1));
    // The next connection asks anew, and goes where the name points now: nobody listens there.
    assert_eq!(http.post(to(&url, LONG)).await, Err(SendFault::Connect("connection refused".to_owned())));
    assert_eq!((asked.load(Ordering::SeqCst), connected.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_and_not_dialled() {
    let mut tasks = JoinSet::new();
    let (port, connected) = counting(&mut tasks, "127.0.0.1").await;
    // The guard allows the web's ports only where private addresses are refused: the refusal comes before any port is looked at.
    for url in ["http://shop.example/", "http://shop.example:443/"] {
        for answers in [&["127.0.0.1"][..], &["8.8.8.8", "127.0.0.1"], &["::ffff:169.254.169.254", "1.1.1.1"], &["fd00:ec2::254"]] {
            let (http, asked) = resolving(CLOSED, &[answers]);
            CLOSED.check(&url.parse().unwrap()).unwrap();
            for _ in 0..2 {
                let refused = http.post(to(url, LONG)).await;
                assert!(matches!(refused, Err(SendFault::Refused(Refusal::Address(_)))), "{answers:?}: {refused:?}");
            }
            assert_eq!(asked.load(Ordering::SeqCst), 2);
        }
    }
    let (http, _) = resolving(CLOSED, &[&["127.0.0.1"]]);
    let refused = http.post(to(&format!("http://shop.example:{port}/"), LONG)).await;
    assert_eq!(refused, Err(SendFault::Refused(Refusal::Port(port))));
    assert_eq!(connected.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_second_address_is_tried_and_none_is_a_fault_of_the_name() {
    let mut tasks = JoinSet::new();
    let (port, _) = counting(&mut tasks, "127.0.0.1").await;
    let (http, _) = resolving(OPEN, &[&["127.0.0.3", "127.0.0.1"]]);
    assert_eq!(http.post(to(&format!("http://shop.example:{port}/"), LONG)).await.unwrap().status, 200);
    let (http, _) = resolving(OPEN, &[&[]]);
    let answer = http.post(to(&format!("http://shop.example:{port}/"), LONG)).await;
    assert!(matches!(answer, Err(SendFault::Dns | SendFault::Connect(_))), "{answer:?}");
}

/// A resolver that never answers is part of the deadline.
#[tokio::test]
async fn a_silent_resolver_ends_with_the_deadline() {
    let lookup: Lookup = Arc::new(|_| Box::pin(std::future::pending()));
    let http = HyperHttp::over(OPEN, lookup, crate::env::tls());
    assert_eq!(http.post(to("http://shop.example/", SHORT)).await, Err(SendFault::Timeout(SHORT)));
}
