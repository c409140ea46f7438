//! Whose key this is, and whether the server is well.

use payin_types::Me;
use payin_types::health::Health;

use crate::client::{Call, Client};

impl Client {
    /// The organization, role and environment of the key.
    pub fn me(&self) -> Call<Me> {
        self.read("/me", &[], &())
    }

    /// Whether the server runs. Sends no key, is not tried again; an answer that says `unhealthy` is no error.
    pub fn health(&self) -> Call<Health> {
        self.read("/health", &[], &())
    }

    /// Whether the server and what it depends on can serve. Otherwise like [`Client::health`].
    pub fn ready(&self) -> Call<Health> {
        self.read("/health/ready", &[], &())
    }
}
