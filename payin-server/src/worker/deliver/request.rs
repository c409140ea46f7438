//! The request that tells an endpoint of an event: which headers it bears and how it is signed. It must not know of queues or retries.

use payin_core::delivery::ATTEMPT_TIMEOUT;
use payin_types::{Timestamp, signature};
use serde::{Serialize, Serializer};

use crate::app::deliveries::Due;
use crate::env::Outgoing;

/// The request, signed now: the body is the same on every attempt, the signature's time is not. `delivery` names the attempt.
///
/// # Errors
/// In words for the log, why there is none.
pub fn outgoing(due: &Due, delivery: String, now: Timestamp) -> Result<Outgoing, String> {
    let secrets = due.target.secrets.as_ref().map_err(ToString::to_string)?;
    let (body, event_id) = (due.body.as_ref(), due.claimed.event_id.as_str());
    if let Some(dialect) = due.target.dialect.as_ref().map_err(ToString::to_string)? {
        return request(due, dialect.headers(secrets, event_id, body));
    }
    let headers = vec![
        ("User-Agent", "PayIn-Webhook/1.0".to_owned()),
        ("X-PayIn-Signature", signature::sign_payin(secrets, now, body)),
        ("X-PayIn-Event-Type", due.event_type.as_str().to_owned()),
        ("X-PayIn-Event-Id", event_id.to_owned()),
        ("X-PayIn-Delivery-Id", delivery),
        ("webhook-id", event_id.to_owned()),
        ("webhook-timestamp", now.secs().to_string()),
        ("webhook-signature", signature::sign_standard(secrets, event_id, now, body)),
    ];
    request(due, headers)
}

fn request(due: &Due, headers: Vec<(&'static str, String)>) -> Result<Outgoing, String> {
    let content = ("Content-Type", "application/json".to_owned());
    Ok(Outgoing {
        url: due.target.url.parse().map_err(|_| "the endpoint's URL cannot be read".to_owned())?,
        headers: [content].into_iter().chain(headers).map(|(name, value)| (name.to_owned(), value)).collect(),
        body: due.body.clone(),
        timeout: ATTEMPT_TIMEOUT,
    })
}

/// What the log keeps of a request: all but the body, which is the event's.
#[must_use]
pub fn logged(request: &Outgoing) -> String {
    let logged = Logged { url: request.url.as_str(), headers: &request.headers };
    // Texts under texts always are JSON.
    serde_json::to_string(&logged).unwrap_or_default()
}

#[derive(Serialize)]
struct Logged<'a> {
    url: &'a str,
    #[serde(serialize_with = "by_name")]
    headers: &'a [(String, String)],
}

fn by_name<S: Serializer>(headers: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, value)))
}
