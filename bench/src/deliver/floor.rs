//! The floor of delivering: a bare loop of reqwest that signs bodies as we do, for the same sink, in a process of its own. No database.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::{Context, ensure};
use clap::Args;
use payin_types::{SecretString, Timestamp, signature};
use tokio::process::Command;

use super::outbox;

#[derive(Args)]
pub struct Options {
    #[arg(long)]
    url: String,
    #[arg(long)]
    count: usize,
    #[arg(long)]
    concurrency: usize,
}

/// Prints how many it sent a second.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let secrets: Arc<[SecretString]> = Arc::new([SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())]);
    let bodies: Arc<Vec<(String, String)>> =
        Arc::new((0..options.count).map(|number| format!("evt_0_{number:08}")).map(|id| (id.clone(), outbox::body(&id))).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..options.concurrency {
        let (client, secrets, bodies, next) = (client.clone(), Arc::clone(&secrets), Arc::clone(&bodies), Arc::clone(&next));
        let url = format!("{}/e/0", options.url);
        senders.spawn(async move {
            while let Some((id, body)) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let now = Timestamp::from(SystemTime::now());
                let request = client
                    .post(&url)
                    .header("Content-Type", "application/json")
                    .header("User-Agent", "PayIn-Webhook/1.0")
                    .header("X-PayIn-Signature", signature::sign_payin(&secrets, now, body.as_bytes()))
                    .header("X-PayIn-Event-Type", "order.completed")
                    .header("X-PayIn-Event-Id", id)
                    .header("X-PayIn-Delivery-Id", id)
                    .header("webhook-id", id)
                    .header("webhook-timestamp", now.secs().to_string())
                    .header("webhook-signature", signature::sign_standard(&secrets, id, now, body.as_bytes()));
                let answer = request.body(body.clone()).send().await?;
                ensure!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    println!("{}", options.count as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

/// Runs it beside us.
pub async fn measure(url: &str, count: usize, concurrency: usize) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["floor-deliver", "--url", url, "--count", &count.to_string(), "--concurrency", &concurrency.to_string()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    String::from_utf8(output.stdout)?.trim().parse().context("the floor said no number")
}
