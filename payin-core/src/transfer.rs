//! Which transfer counts for which order, or is whose deposit. It must not know how a transfer was found: by the time it comes here, its contract is
//! pinned, its transaction successful, and its block part of the chain.

use payin_types::known_bad::{Mistake, makes};
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

/// Who holds, or last held, the address a transfer went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// An order.
    Order(OrderHold),
    /// A deposit reference, until this time; `None` while it holds it.
    Deposit(Option<Timestamp>),
}

/// What an order asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHold {
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

/// Why a transfer counts for nothing. It is recorded all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// Nobody held the address.
    NoHolder,
    /// It came after the grace period, or after the address was let go.
    Late,
    /// The order asked for another currency.
    WrongCurrency,
    /// The order asked for another chain.
    WrongChain,
}

impl Unmatched {
    /// By its word.
    #[must_use]
    pub fn known(word: &str) -> Option<Self> {
        [Self::NoHolder, Self::Late, Self::WrongCurrency, Self::WrongChain].into_iter().find(|reason| reason.as_str() == word)
    }

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

/// Whether a transfer is smaller than any payment. Such a one costs its sender next to nothing, so whatever happens for each transfer could
/// be made to happen a million times: it is recorded and counts like any other, and nobody is told of it.
/// The vendor's smallest payment is 0.01 (source: supported-tokens guide).
#[must_use]
pub fn is_dust(amount: Units) -> bool {
    amount < Units::HUNDREDTH
}

/// How large a transfer is: 0 for dust, 1 below one whole token, 2 below ten, 3 below a hundred. Where there are too many transfers to record
/// each, they are counted by size: then whoever would hide one among others has to pay what it is worth, many times.
#[must_use]
pub fn size(amount: Units) -> u8 {
    if is_dust(amount) {
        return 0;
    }
    let [whole, ..] = amount.limbs();
    u8::try_from(whole.checked_ilog10().map_or(1, |digits| digits.saturating_add(2))).unwrap_or(u8::MAX)
}

/// Whether what came for an order is to be told: more than dust together, in however many parts, or all that is asked for.
#[must_use]
pub fn is_noticed(came: Units, asked: Units) -> bool {
    !is_dust(came) || (!came.is_zero() && came >= asked)
}

/// Whether a transfer counts for whoever holds its address. By the block's time, never by ours. To a deposit reference every listed token
/// counts, on every chain of its family.
///
/// # Errors
/// The reason why it does not.
pub fn attribute(transfer: &Transfer, holder: Option<&Holder>) -> Result<(), Unmatched> {
    let let_go = |at: Option<Timestamp>| at.is_some_and(|at| transfer.block_time >= at);
    match holder.ok_or(Unmatched::NoHolder)? {
        Holder::Order(order) if transfer.chain_id != order.chain_id => Err(Unmatched::WrongChain),
        Holder::Order(order) if transfer.currency != order.currency => Err(Unmatched::WrongCurrency),
        Holder::Order(_) if makes(Mistake::LateCounts) => Ok(()),
        Holder::Order(order) if transfer.block_time > order.closes_at || order.expired || let_go(order.released_at) => Err(Unmatched::Late),
        Holder::Deposit(released_at) if let_go(*released_at) => Err(Unmatched::Late),
        Holder::Order(_) | Holder::Deposit(_) => Ok(()),
    }
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

    fn holder() -> OrderHold {
        OrderHold {
            chain_id: "ethereum-sepolia".into(),
            currency: "USDT".into(),
            closes_at: Timestamp::from_secs(100),
            expired: false,
            released_at: None,
        }
    }

    #[test]
    fn the_last_second_of_grace_counts_and_the_next_does_not() {
        let held = Holder::Order(holder());
        assert_eq!(attribute(&transfer(), Some(&held)), Ok(()));
        let late = Transfer { block_time: Timestamp::from_secs(101), ..transfer() };
        assert_eq!(attribute(&late, Some(&held)), Err(Unmatched::Late));
    }

    #[test]
    fn what_does_not_count_says_why() {
        let wrong = |change: fn(&mut OrderHold)| {
            let mut holder = holder();
            change(&mut holder);
            attribute(&transfer(), Some(&Holder::Order(holder)))
        };
        assert_eq!(wrong(|h| h.chain_id = "polygon-amoy".into()), Err(Unmatched::WrongChain));
        assert_eq!(wrong(|h| h.currency = "USDC".into()), Err(Unmatched::WrongCurrency));
        assert_eq!(wrong(|h| h.expired = true), Err(Unmatched::Late));
        assert_eq!(wrong(|h| h.released_at = Some(Timestamp::from_secs(100))), Err(Unmatched::Late));
        assert_eq!(wrong(|h| h.released_at = Some(Timestamp::from_secs(101))), Ok(()));
        assert_eq!(attribute(&transfer(), None), Err(Unmatched::NoHolder));
    }

    #[test]
    fn dust_is_noticed_once_it_comes_to_something() {
        let units = |text: &str| Units::from_amount(text.parse().unwrap()).unwrap();
        assert_eq!(["0.009999", "0.01", "1"].map(|amount| is_dust(units(amount))), [true, false, false]);
        let sizes =
            [("0", 0), ("0.009999", 0), ("0.01", 1), ("0.999999", 1), ("1", 2), ("9.99", 2), ("10", 3), ("10000", 6), ("999999999999", 13)];
        assert_eq!(sizes.map(|(amount, _)| size(units(amount))), sizes.map(|(_, size)| size));
        assert_eq!(size(Units::MAX), 20);
        let noticed = |came: &str, asked: &str| is_noticed(units(came), units(asked));
        assert_eq!((noticed("0.009999", "10"), noticed("0.01", "10"), noticed("0", "10")), (false, true, false));
        // An order may ask for so little.
        assert_eq!((noticed("0.000001", "0.000002"), noticed("0.000002", "0.000002")), (false, true));
    }

    #[test]
    fn to_a_deposit_reference_everything_counts_until_it_lets_go() {
        let until = |at: Option<i64>| attribute(&transfer(), Some(&Holder::Deposit(at.map(Timestamp::from_secs))));
        assert_eq!([None, Some(101), Some(100)].map(until), [Ok(()), Ok(()), Err(Unmatched::Late)]);
        let other = Transfer { chain_id: "polygon-amoy".into(), currency: "DAI".into(), ..transfer() };
        assert_eq!(attribute(&other, Some(&Holder::Deposit(None))), Ok(()));
    }
}
