//! Webhook endpoints: where events are sent. Verifying what arrives there is `webhook.rs`.

use futures_util::Stream;

use payin_types::endpoint::ListEndpoints;
use payin_types::{CreateEndpoint, Deleted, Endpoint, EndpointId, Page, QueuedEvent, RotateSecret, UpdateEndpoint};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages;

const ENDPOINTS: &str = "/webhooks/endpoints";
const ENDPOINT: &str = "/webhooks/endpoints/{id}";

/// The webhook endpoints of the key's organization: [`Client::webhook_endpoints`].
#[derive(Debug, Clone, Copy)]
pub struct WebhookEndpoints<'c> {
    client: &'c Client,
}

impl Client {
    /// Webhook endpoints: create, read, change, delete, rotate the secret, test.
    #[must_use]
    pub fn webhook_endpoints(&self) -> WebhookEndpoints<'_> {
        WebhookEndpoints { client: self }
    }
}

impl WebhookEndpoints<'_> {
    /// Creates an endpoint, at most once: all attempts bear one idempotency key. Only this answer holds its secret.
    pub fn create(&self, endpoint: &CreateEndpoint) -> Call<Endpoint> {
        self.client.post(Kind::Once, ENDPOINTS, &[], endpoint)
    }

    /// An endpoint, without its secret.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn get(&self, id: &EndpointId) -> Call<Endpoint> {
        self.client.read(ENDPOINT, &[id.as_str()], &())
    }

    /// One page of endpoints, without their secrets.
    pub fn list(&self, query: &ListEndpoints) -> Call<Page<Endpoint>> {
        self.client.read(ENDPOINTS, &[], query)
    }

    /// All endpoints, page by page as they are asked for. None comes twice; one may be missed where others are removed meanwhile.
    pub fn stream(&self, query: ListEndpoints) -> impl Stream<Item = Result<Endpoint, Error>> + Send + use<> {
        pages::stream(self.client, ENDPOINTS, &[], query)
    }

    /// Changes what the body names. What happens while an endpoint is disabled is not sent later.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn update(&self, id: &EndpointId, changes: &UpdateEndpoint) -> Call<Endpoint> {
        self.client.put(ENDPOINT, &[id.as_str()], changes)
    }

    /// Removes an endpoint.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn delete(&self, id: &EndpointId) -> Call<Deleted> {
        self.client.delete(Kind::Delete, ENDPOINT, &[id.as_str()], &())
    }

    /// Gives an endpoint a new secret, at most once: all attempts bear one idempotency key. Only this answer holds it. For the hours asked
    /// for, deliveries are signed with the old one too.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn rotate_secret(&self, id: &EndpointId, body: &RotateSecret) -> Call<Endpoint> {
        self.client.post(Kind::Once, "/webhooks/endpoints/{id}/rotate-secret", &[id.as_str()], body)
    }

    /// Sends a `webhook.test` event to an endpoint.
    ///
    /// Errors: `ResourceNotFound` (404), `InvalidState` (409) where it is disabled.
    pub fn test(&self, id: &EndpointId) -> Call<QueuedEvent> {
        self.client.post_nothing(Kind::Once, "/webhooks/endpoints/{id}/test", &[id.as_str()])
    }
}
