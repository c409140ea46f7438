//! Reading a webhook of a sandbox that was sent to this process. Its time is not judged here: the sandbox's clock cannot be asked while the
//! webhook waits for its answer.

use payin_types::{Event, Timestamp};

use super::listen::Request;
use crate::webhook::{self, STANDARD_TIMESTAMP, Verifier, VerifyError, WebhookError};

/// The event, if it is signed with one of the verifier's secrets at the time that it says, and that time.
pub(super) fn read(request: &Request, verifier: &Verifier) -> Result<(Event, Timestamp), WebhookError> {
    let text = request.headers.get(STANDARD_TIMESTAMP).and_then(|value| value.to_str().ok());
    let signed_at = text.and_then(|text| text.parse().ok()).map(Timestamp::from_secs);
    let signed_at = signed_at.ok_or(VerifyError::MissingHeader(STANDARD_TIMESTAMP))?;
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Ok((webhook::construct_event(headers, &request.body, verifier, signed_at)?, signed_at))
}
