//! `payin doctor`: asks one thing after the other and shows what is well and what is not. What is well is judged in `judge.rs`.

mod judge;

use std::time::Duration;

use payin_sdk::types::endpoint::ListEndpoints;
use payin_sdk::{Client, DeliveryStatus, Endpoint, ListEvents, Me, Timestamp};
use serde_json::json;

use self::judge::{Finding, Verdict};
use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::text::clean;
use crate::{clock, config};

/// How far back deliveries that failed are looked for.
const LOOK_BACK: Duration = Duration::from_secs(24 * 60 * 60);

/// What waits for longer than this was tried, and not taken.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exits with 0 when nothing fails, else with 1; warnings do not count. What cannot be looked at because something
before it failed is left out.

Examples:
  payin doctor
  payin doctor --profile shop --output json")]
pub struct Args {}

pub async fn run(context: &Context, _: Args) -> Result<(), Failure> {
    let mut findings = Vec::new();
    examine(context, &mut findings).await;
    tell(context, &findings)?;
    match findings.iter().find(|finding| finding.verdict == Verdict::Fail) {
        None => Ok(()),
        Some(Finding { area, told, .. }) => Err(Failure::new(Exit::Api, "UNHEALTHY", format!("{area}: {told}"))),
    }
}

fn tell(context: &Context, findings: &[Finding]) -> Result<(), Failure> {
    if context.ui.format != Format::Table {
        let ok = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
        return context.ui.list(&json!({ "ok": ok, "checks": findings }), findings, &["area", "verdict", "message", "advice"]);
    }
    let width = findings.iter().map(|finding| finding.area.len()).max().unwrap_or_default();
    for Finding { area, verdict, told, advice } in findings {
        context.ui.answer(&format!("{} {area:width$}  {}\n", verdict.mark(), clean(told)))?;
        if let Some(advice) = advice {
            context.ui.answer(&format!("  {:width$}  → {}\n", "", clean(advice)))?;
        }
    }
    Ok(())
}

/// Looks at one thing after the other, as far as one needs the other.
async fn examine(context: &Context, findings: &mut Vec<Finding>) {
    let credentials = match context.credentials() {
        Ok(credentials) => credentials,
        Err(failure) => return findings.push(Finding::of_failure("key", failure)),
    };
    findings.push(Finding::ok("key", format!("from {}", credentials.source)));
    let client = match config::client(&credentials) {
        Ok(client) => client,
        Err(failure) => return findings.push(Finding::of_failure("server", failure)),
    };
    let before = clock::now();
    match client.health().retries_max(0).timeout(Duration::from_secs(15)).answer().await {
        Ok(answer) => {
            let now = clock::now();
            findings.push(Finding::ok("server", format!("{} answers: version {}", client.base_url(), answer.body.version)));
            findings.push(judge::tls(&client.base_url()));
            let date = answer.response.header("date").and_then(|date| Timestamp::from_http_date(date).ok());
            findings.push(judge::clocks(date, before, now, answer.body.timestamp));
            examine_as(&client, answer.body.timestamp, findings).await;
        }
        Err(error) => findings.push(judge::unreachable(&client.base_url(), error)),
    }
}

/// What needs a key that is taken. `now` is the gateway's own clock, which is a virtual one in a sandbox.
async fn examine_as(client: &Client, now: Timestamp, findings: &mut Vec<Finding>) {
    let me = match client.me().answer().await {
        Ok(me) => me,
        Err(error) => return findings.push(Finding::of_failure("access", error.into())),
    };
    let Me { organization, role, environment, key, .. } = &me.body;
    findings
        .push(Finding::ok("access", format!("{} of {} ({}), {environment}, key {}", role, organization.name, organization.id, key.prefix)));
    if let Some(expires) = key.expires_at {
        findings.push(judge::expiry(expires, now));
    }
    match client.ready().retries_max(0).await {
        Ok(health) => findings.extend(judge::readiness(&health)),
        Err(error) => findings.push(Finding::of_failure("health", error.into())),
    }
    match client.chains().list().await {
        Ok(chains) => findings.extend(judge::chains::all(&chains, now)),
        // The vendor's server does not know the path.
        Err(payin_sdk::Error::Api(error)) if error.status == 404 => {}
        Err(error) => findings.push(Finding::of_failure("chains", error.into())),
    }
    match client.addresses().status().await {
        Ok(status) => findings.extend(judge::pool(&status, few(client).await)),
        Err(error) => findings.push(Finding::of_failure("pool", error.into())),
    }
    if let Err(error) = webhooks(client, now, findings).await {
        findings.push(Finding::of_failure("webhooks", error.into()));
    }
    findings.push(judge::limits(me.rate_limit));
}

/// How many free addresses the organization calls few, where it may be asked.
async fn few(client: &Client) -> Option<u64> {
    client.config().get("address_pool.low_threshold").await.ok()?.value.as_u64()
}

async fn webhooks(client: &Client, now: Timestamp, findings: &mut Vec<Finding>) -> Result<(), payin_sdk::Error> {
    let page = client.webhook_endpoints().list(&ListEndpoints { page: None, limit: Some(100) }).await?;
    if page.data.is_empty() {
        findings.push(judge::no_endpoint());
    }
    for endpoint in &page.data {
        let (failed, waiting) = if endpoint.enabled { untaken(client, endpoint, now).await? } else { (0, 0) };
        findings.push(judge::endpoint(endpoint, failed, waiting));
    }
    Ok(())
}

/// How many events of late an endpoint did not take for good, and how many it has not taken yet though they were sent.
async fn untaken(client: &Client, endpoint: &Endpoint, now: Timestamp) -> Result<(u64, u64), payin_sdk::Error> {
    let of = |status, before| ListEvents {
        endpoint_id: Some(endpoint.id.clone()),
        status: Some(status),
        created_after: Some(now.minus(LOOK_BACK)),
        created_before: before,
        limit: Some(1),
        ..ListEvents::default()
    };
    let failed = client.webhook_events().list(&of(DeliveryStatus::Failed, None)).await?;
    let waiting = client.webhook_events().list(&of(DeliveryStatus::Pending, Some(now.minus(PATIENCE)))).await?;
    Ok((failed.pagination.total, waiting.pagination.total))
}
