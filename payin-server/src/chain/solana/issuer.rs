//! What the issuers of mints did: paused one, froze a wallet's token account; and whether such an account still is the wallet's. By the
//! accounts' own bytes.

use base64::Engine as _;
use payin_core::address::{Address, solana_bytes};
use payin_core::solana::token_account;

use super::node::Level;
use super::{SolanaSource, mints};
use crate::chain::source::{Frozen, Issued, SourceFault, Stopped};

/// A token account's first bytes: mint, authority, amount, delegate, state.
const ACCOUNT_BYTES: usize = 109;
/// Where its authority is.
const AUTHORITY: std::ops::Range<usize> = 32..64;
/// Where its state is, and the state that is frozen (`AccountState` of the crate `spl-token-interface`).
const STATE_AT: usize = 108;
const STATE_FROZEN: u8 = 2;

impl SolanaSource {
    /// What was done to the chain's mints, and to the token accounts of these wallets.
    pub(super) async fn issued(&self, addresses: &[Address]) -> Result<Issued, SourceFault> {
        let mut issued = Issued::default();
        let names: Vec<String> = self.chain.tokens.iter().map(|token| token.contract.to_string()).collect();
        let accounts = self.node.accounts(&names, mints::MINT_BYTES, 0, Level::Finalized).await?;
        let paused = self.chain.tokens.iter().zip(&accounts).filter(|(_, (_, account))| account.as_ref().is_some_and(mints::is_paused));
        issued.stopped.extend(
            paused.map(|(token, _)| Stopped { currency: token.currency.clone(), reason: "its mint says that it is paused".to_owned() }),
        );
        let mints = self.mints().await?;
        let wallets = addresses.iter().filter_map(|address| Some((address, solana_bytes(address.as_str())?)));
        let ours: Vec<_> = wallets
            .flat_map(|(address, wallet)| mints.iter().zip(&self.chain.tokens).map(move |(mint, token)| (address, wallet, mint, token)))
            .filter_map(|(address, wallet, mint, token)| Some((address, wallet, token, token_account(&wallet, mint.program, &mint.bytes)?)))
            .collect();
        let names: Vec<String> = ours.iter().map(|(.., account)| bs58::encode(account).into_string()).collect();
        let accounts = self.node.accounts(&names, ACCOUNT_BYTES, 0, Level::Finalized).await?;
        for ((address, wallet, token, _), (_, account)) in ours.iter().zip(accounts) {
            let Some(account) = account else { continue };
            let data = base64::engine::general_purpose::STANDARD.decode(&account.data.0).unwrap_or_default();
            let reason = if data.get(STATE_AT) == Some(&STATE_FROZEN) {
                "its token account is frozen"
            } else if data.get(AUTHORITY).is_some_and(|authority| authority != wallet) {
                "its token account obeys somebody else"
            } else {
                continue;
            };
            issued.frozen.push(Frozen { address: (*address).clone(), currency: token.currency.clone(), reason: reason.to_owned() });
        }
        Ok(issued)
    }
}
