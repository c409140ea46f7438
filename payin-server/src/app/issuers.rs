//! What issuers do to their tokens, and what follows for us: no order in a token that is stopped, and no address handed out again that is
//! frozen. Money that has come is not touched: what is credited is decided by what moved, not by what may be done with it.

use payin_core::address::Address;
use payin_core::{Chain, order};
use payin_types::{Currency, Timestamp};

use super::Outcome;
use crate::store::leases::{self, Lease};
use crate::store::stopped::{self, Stopped};
use crate::store::{Tx, Unit, pool};

/// What a chain's tokens say of themselves and of some addresses.
#[derive(Debug)]
pub struct Heard {
    /// The right to do this.
    pub lease: Lease,
    /// The chain.
    pub chain: Chain,
    /// The tokens that are stopped, with what they say.
    pub stopped: Vec<(Currency, String)>,
    /// Tokens of which that is not sure: what is known of them stays. All others go on.
    pub unsure: Vec<Currency>,
    /// Addresses that cannot dispose of a token.
    pub frozen: Vec<Address>,
    /// The time.
    pub now: Timestamp,
}

/// What is new in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Tokens that were stopped.
    pub stopped: Vec<Stopped>,
    /// Tokens that go on.
    pub going_on: Vec<Currency>,
    /// Addresses that are kept back from now on.
    pub frozen: Vec<Address>,
}

impl Unit for Heard {
    type Output = News;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<News> {
        leases::check(tx, &self.lease).await?;
        let chain = self.chain.id.as_str();
        let known = stopped::all(tx, chain).await?;
        let mut news = News::default();
        for (currency, reason) in &self.stopped {
            if known.iter().any(|known| known.currency == *currency && known.reason == *reason) {
                continue;
            }
            let stopped = Stopped { currency: currency.clone(), reason: reason.clone(), since: self.now };
            stopped::put(tx, chain, &stopped).await?;
            news.stopped.push(stopped);
        }
        let may_be_stopped = |of: &Currency| self.unsure.contains(of) || self.stopped.iter().any(|(currency, _)| currency == of);
        for known in known.into_iter().filter(|known| !may_be_stopped(&known.currency)) {
            stopped::remove(tx, chain, &known.currency).await?;
            news.going_on.push(known.currency);
        }
        for address in &self.frozen {
            if pool::keep_back(tx, &self.chain.protocol, address, self.now).await? {
                news.frozen.push(address.clone());
            }
        }
        Ok(news)
    }
}

/// Refuses what needs a token that its issuer has stopped. `stopped`: how many of the chain's tokens are, so that usually nothing is asked.
///
/// # Errors
/// `CHAIN_UNAVAILABLE`, with what the contract says; a fault.
pub(super) async fn check(tx: &mut Tx<'_>, chain: &Chain, currency: &Currency, stopped: u64) -> Outcome<()> {
    if stopped == 0 {
        return Ok(());
    }
    let found = stopped::all(tx, chain.id.as_str()).await?.into_iter().find(|found| found.currency == *currency);
    match found {
        Some(found) => Err(order::token_stopped(chain, currency, &found.reason).into()),
        None => Ok(()),
    }
}
