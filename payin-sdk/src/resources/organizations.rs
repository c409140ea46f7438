//! Organizations and their API keys (source: API Reference, "Organizations"). They must not keep a secret: only the answer that made
//! a key holds it.

use futures_util::Stream;

use payin_types::organization::ListPaging;
use payin_types::{ApiKey, ApiKeyId, CreateApiKey, Deleted, OrganizationId, OrganizationSummary, Page};

use crate::client::{Call, Client, Kind};
use crate::error::Error;
use crate::pages::{self, Unfiltered};

const ORGANIZATIONS: &str = "/organizations";
const KEYS: &str = "/organizations/{id}/api-keys";

/// The organizations that the key may see: [`Client::organizations`].
#[derive(Debug, Clone, Copy)]
pub struct Organizations<'c> {
    client: &'c Client,
}

impl Client {
    /// Organizations: list.
    #[must_use]
    pub fn organizations(&self) -> Organizations<'_> {
        Organizations { client: self }
    }
}

/// API keys: [`Client::api_keys`].
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys<'c> {
    client: &'c Client,
}

impl Client {
    /// API keys: create, list, revoke.
    #[must_use]
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys { client: self }
    }
}

impl Organizations<'_> {
    /// One page of the organizations that the key may see.
    pub fn list(&self, query: &ListPaging) -> Call<Page<OrganizationSummary>> {
        self.client.read(ORGANIZATIONS, &[], query)
    }

    /// All of them, page by page as they are asked for. None comes twice; one may be missed where others are removed meanwhile.
    pub fn stream(&self, query: ListPaging) -> impl Stream<Item = Result<OrganizationSummary, Error>> + Send + use<> {
        pages::stream(self.client, ORGANIZATIONS, &[], Unfiltered::<OrganizationSummary>::from(query))
    }
}

impl ApiKeys<'_> {
    /// Creates a key, at most once: all attempts bear one idempotency key. Only this answer holds its secret, in `api_key`.
    ///
    /// Errors: `InsufficientPermissions` (403) where its role would be more than the calling key's, `ResourceNotFound` (404) for another
    /// organization.
    pub fn create(&self, organization: &OrganizationId, key: &CreateApiKey) -> Call<ApiKey> {
        self.client.post(Kind::Once, KEYS, &[organization.as_str()], key)
    }

    /// One page of an organization's keys, without their secrets.
    ///
    /// Errors: `ResourceNotFound` (404) for another organization.
    pub fn list(&self, organization: &OrganizationId, query: &ListPaging) -> Call<Page<ApiKey>> {
        self.client.read(KEYS, &[organization.as_str()], query)
    }

    /// All keys of an organization, page by page as they are asked for. None comes twice; one may be missed where others are revoked
    /// meanwhile.
    pub fn stream(&self, organization: &OrganizationId, query: ListPaging) -> impl Stream<Item = Result<ApiKey, Error>> + Send + use<> {
        pages::stream(self.client, KEYS, &[organization.as_str()], Unfiltered::<ApiKey>::from(query))
    }

    /// Revokes a key: from now on it is not taken.
    ///
    /// Errors: `ResourceNotFound` (404).
    pub fn revoke(&self, id: &ApiKeyId) -> Call<Deleted> {
        self.client.delete(Kind::Delete, "/api-keys/{keyId}", &[id.as_str()], &())
    }
}
