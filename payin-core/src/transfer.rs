//! Which transfer counts for which order. It must not know how a transfer was found: by the time it comes here, its contract is
//! pinned, its transaction successful, and its block part of the chain.

use payin_types::{ChainId, Currency, Timestamp};

use crate::Units;
use crate::address::Address;

/// A token transfer as its chain tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The chain.
    pub chain_id: ChainId,
    /// The transaction.
    pub tx_hash: String,
    /// Its place among the events of its transaction's receipt, from 0. With chain and transaction this is the transfer's identity for
    /// ever: a block-wide log index changes when a reorganisation includes the transaction again, and would credit it twice.
    pub ordinal: u64,
    /// The block.
    pub block_number: u64,
    /// The block's hash.
    pub block_hash: String,
    /// The block's time, by the chain's own clock.
    pub block_time: Timestamp,
    /// The token, by its pinned contract.
    pub currency: Currency,
    /// The token's contract.
    pub contract: Address,
    /// Who paid: shown to people, decides nothing.
    pub from: Address,
    /// Who was paid.
    pub to: Address,
    /// How much, from the event itself (net of any fee).
    pub amount: Units,
}

/// The order that holds, or last held, the address a transfer went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The chain asked for.
    pub chain_id: ChainId,
    /// The currency asked for.
    pub currency: Currency,
    /// The end of the grace period.
    pub closes_at: Timestamp,
    /// Whether it had expired before this transfer was seen.
    pub expired: bool,
    /// When it let go of the address; `None` while it holds it.
    pub released_at: Option<Timestamp>,
}

/// Why a transfer counts for no order. It is recorded all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// Nobody held the address.
    NoHolder,
    /// It came after the grace period, or after the order let go of the address.
    Late,
    /// The order asked for another currency.
    WrongCurrency,
    /// The order asked for another chain.
    WrongChain,
}

impl Unmatched {
    /// The word in the database and in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHolder => "no_holder",
            Self::Late => "late",
            Self::WrongCurrency => "wrong_currency",
            Self::WrongChain => "wrong_chain",
        }
    }
}

/// Whether a transfer counts for the order that holds its address. By the block's time, never by ours.
///
/// # Errors
/// The reason why it does not.
pub fn attribute(transfer: &Transfer, holder: Option<&Holder>) -> Result<(), Unmatched> {
    let holder = holder.ok_or(Unmatched::NoHolder)?;
    if transfer.chain_id != holder.chain_id {
        return Err(Unmatched::WrongChain);
    }
    if transfer.currency != holder.currency {
        return Err(Unmatched::WrongCurrency);
    }
    let released = holder.released_at.is_some_and(|released| transfer.block_time >= released);
    if transfer.block_time > holder.closes_at || holder.expired || released {
        return Err(Unmatched::Late);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use payin_types::Protocol;

    fn transfer() -> Transfer {
        let address = |text| Address::parse(&Protocol::Evm, text).unwrap();
        Transfer {
            chain_id: "ethereum-sepolia".into(),
            tx_hash: "0x01".into(),
            ordinal: 0,
            block_number: 7,
            block_hash: "0x02".into(),
            block_time: Timestamp::from_secs(100),
            currency: "USDT".into(),
            contract: address("0xaA8E23Fb1079EA71e0a56F48a2aA51851D8433D0"),
            from: address("0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE"),
            to: address("0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC"),
            amount: Units::from_base_units(100, 6).unwrap(),
        }
    }

    fn holder() -> Holder {
        Holder {
            chain_id: "ethereum-sepolia".into(),
            currency: "USDT".into(),
            closes_at: Timestamp::from_secs(100),
            expired: false,
            released_at: None,
        }
    }

    #[test]
    fn the_last_second_of_grace_counts_and_the_next_does_not() {
        assert_eq!(attribute(&transfer(), Some(&holder())), Ok(()));
        let late = Transfer { block_time: Timestamp::from_secs(101), ..transfer() };
        assert_eq!(attribute(&late, Some(&holder())), Err(Unmatched::Late));
    }

    #[test]
    fn what_does_not_count_says_why() {
        let wrong = |change: fn(&mut Holder)| {
            let mut holder = holder();
            change(&mut holder);
            attribute(&transfer(), Some(&holder))
        };
        assert_eq!(wrong(|h| h.chain_id = "polygon-amoy".into()), Err(Unmatched::WrongChain));
        assert_eq!(wrong(|h| h.currency = "USDC".into()), Err(Unmatched::WrongCurrency));
        assert_eq!(wrong(|h| h.expired = true), Err(Unmatched::Late));
        assert_eq!(wrong(|h| h.released_at = Some(Timestamp::from_secs(100))), Err(Unmatched::Late));
        assert_eq!(wrong(|h| h.released_at = Some(Timestamp::from_secs(101))), Ok(()));
        assert_eq!(attribute(&transfer(), None), Err(Unmatched::NoHolder));
    }
}
