//! The chains that a deployment offers, and how following them goes. What to do about it is said in `payin doctor`.

use payin_types::FollowedChains;

use crate::client::{Call, Client};

/// The deployment's chains: [`Client::chains`].
#[derive(Debug, Clone, Copy)]
pub struct Chains<'c> {
    client: &'c Client,
}

impl Client {
    /// Chains: what is accepted on each, and how far it has been followed.
    #[must_use]
    pub fn chains(&self) -> Chains<'_> {
        Chains { client: self }
    }
}

impl Chains<'_> {
    /// Every chain with its tokens, status, nodes, the blocks that have been looked at, and the last reconciliation.
    pub fn list(&self) -> Call<FollowedChains> {
        self.client.read("/chains", &[], &())
    }
}
