//! Webhook endpoints: where events are sent. Verifying what arrives there is `webhook.rs`.

use payin_types::endpoint::ListEndpoints;
use payin_types::{CreateEndpoint, Deleted, Endpoint, EndpointId, Page};

use crate::client::{Call, Client, Kind};

/// The webhook endpoints of the key's organization: [`Client::webhook_endpoints`].
#[derive(Debug, Clone, Copy)]
pub struct WebhookEndpoints<'c> {
    client: &'c Client,
}

impl Client {
    /// Webhook endpoints: create, list, delete.
    #[must_use]
    pub fn webhook_endpoints(&self) -> WebhookEndpoints<'_> {
        WebhookEndpoints { client: self }
    }
}

impl WebhookEndpoints<'_> {
    /// Creates an endpoint. Only this answer holds its secret.
    pub fn create(&self, endpoint: &CreateEndpoint) -> Call<Endpoint> {
        self.client.post(Kind::Create, "/webhooks/endpoints", endpoint)
    }

    /// One page of endpoints, without their secrets.
    pub fn list(&self, query: &ListEndpoints) -> Call<Page<Endpoint>> {
        self.client.read("/webhooks/endpoints", &[], query)
    }

    /// Removes an endpoint.
    pub fn delete(&self, id: &EndpointId) -> Call<Deleted> {
        self.client.delete("/webhooks/endpoints/{id}", &[id.as_str()])
    }
}
