//! Interrupts from outside: Ctrl-C, and SIGTERM, which CI servers send. It must not decide what comes of one.

/// Ends when the next one comes. Where none can be heard of, never.
pub async fn heard() {
    if next().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn next() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        heard = tokio::signal::ctrl_c() => heard,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn next() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
