//! One log becomes a transfer, or nothing; a receipt becomes what it proves. Pure and total: whatever a node or a contract writes, it never
//! panics.

use alloy::primitives::{B256, Log as Event, b256, hex};
use alloy::rpc::types::Log;
use payin_core::address::Address;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, Units};
use payin_types::known_bad::{Mistake, makes};
use payin_types::{Currency, Protocol};

use super::wire::Receipt;
use crate::chain::Watched;

/// keccak256 of `Transfer(address,address,uint256)`.
pub const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// A transfer of a pinned token, as its event tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which token.
    pub currency: Currency,
    /// Its contract.
    pub contract: Address,
    /// Who paid.
    pub from: [u8; 20],
    /// Who was paid.
    pub to: [u8; 20],
    /// How much; `None` if the amount is absurd.
    pub amount: Option<Units>,
}

/// Reads a log. `None`: another contract or event, an NFT (four topics), malformed, or nothing moved: sent by somebody to themselves, or
/// nothing at all.
#[must_use]
pub fn transfer(log: &Log, chain: &Chain) -> Option<Seen> {
    if log.removed { None } else { event(&log.inner, chain) }
}

fn event(event: &Event, chain: &Chain) -> Option<Seen> {
    let [signature, from, to] = event.topics() else { return None };
    if *signature != TRANSFER {
        return None;
    }
    let token = chain.token_at(&Address::from_account_bytes(&chain.protocol, &event.address.0.0)?)?;
    let data: &[u8; 32] = event.data.data.as_ref().try_into().ok()?;
    let base_units = u128::from_be_bytes(data.last_chunk::<16>().copied()?);
    let too_large = data.first_chunk::<16>().is_none_or(|high| high.iter().any(|byte| *byte != 0));
    let amount = if too_large { None } else { Units::from_base_units(base_units, token.decimals) };
    if amount.is_some_and(Units::is_zero) || from == to {
        return None;
    }
    Some(Seen { currency: token.currency.clone(), contract: token.contract.clone(), from: account(from)?, to: account(to)?, amount })
}

/// Whom an event says to have paid, if it looks like a transfer at all: what can be told at once, before it is read.
#[must_use]
pub fn recipient(event: &Event) -> Option<[u8; 20]> {
    let [_, _, to] = event.topics() else { return None };
    account(to)
}

/// The transfers to watched addresses that a receipt proves. A transaction that failed moved nothing, whatever its events say.
pub fn credited(chain: &Chain, block: &Block, receipt: &Receipt, watched: &Watched) -> Vec<Transfer> {
    let succeeded = receipt.succeeded || makes(Mistake::FailedCounts);
    let events = receipt.events.iter().filter(|_| succeeded).zip(0_u64..);
    let ours = events.filter(|(event, _)| recipient(event).is_some_and(|to| watched.has(&to)));
    ours.filter_map(|(found, ordinal)| build(chain, block, receipt.transaction, ordinal, event(found, chain)?)).collect()
}

fn build(chain: &Chain, block: &Block, transaction: B256, ordinal: u64, seen: Seen) -> Option<Transfer> {
    let to = Address::from_account_bytes(&chain.protocol, &seen.to)?;
    let Some(amount) = seen.amount else {
        tracing::warn!(chain.id = %chain.id, transfer.tx = %transaction, %to, "a transfer of a trillion tokens or more is ignored: is the token's contract the right one?");
        return None;
    };
    Some(Transfer {
        chain_id: chain.id.clone(),
        tx_hash: match chain.protocol {
            // As every explorer and wallet of Tron writes it.
            Protocol::Tron => hex::encode(transaction),
            _ => transaction.to_string(),
        },
        ordinal,
        block_number: block.number,
        block_hash: block.hash.clone(),
        block_time: block.time,
        currency: seen.currency,
        contract: seen.contract,
        from: Address::from_account_bytes(&chain.protocol, &seen.from)?,
        to,
        amount,
    })
}

/// An address in a topic: 12 zero bytes, then 20.
fn account(topic: &B256) -> Option<[u8; 20]> {
    let (padding, account) = topic.split_first_chunk::<12>()?;
    (padding == &[0; 12]).then(|| account.try_into().ok())?
}

/// A number in an answer of exactly one word, if it is small.
#[must_use]
pub fn small_number(answer: &[u8]) -> Option<u64> {
    let word: &[u8; 32] = answer.try_into().ok()?;
    let (high, low) = word.split_last_chunk::<8>()?;
    high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Address as EvmAddress, Bytes, LogData, address};

    const USDT: EvmAddress = address!("aA8E23Fb1079EA71e0a56F48a2aA51851D8433D0");
    const PAYER: EvmAddress = address!("5AEDA56215b167893e80B4fE645BA6d5Bab767DE");
    const SHOP: EvmAddress = address!("8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC");

    fn sepolia() -> Chain {
        payin_core::chains::known().into_iter().find(|chain| chain.id.as_str() == "ethereum-sepolia").unwrap()
    }

    fn log(contract: EvmAddress, topics: Vec<B256>, data: Vec<u8>) -> Log {
        Log {
            inner: alloy::primitives::Log { address: contract, data: LogData::new_unchecked(topics, Bytes::from(data)) },
            ..Log::default()
        }
    }

    fn honest(base_units: u128) -> Log {
        let mut data = vec![0; 16];
        data.extend(base_units.to_be_bytes());
        log(USDT, vec![TRANSFER, PAYER.into_word(), SHOP.into_word()], data)
    }

    #[test]
    fn an_honest_transfer_is_read() {
        let seen = transfer(&honest(100_000_000), &sepolia()).unwrap();
        assert_eq!((seen.currency.as_str(), seen.to, seen.from), ("USDT", SHOP.0.0, PAYER.0.0));
        assert_eq!(seen.amount.unwrap().to_amount().to_string(), "100.00");
    }

    #[test]
    fn its_evil_twins_are_not() {
        let chain = sepolia();
        let words = || vec![TRANSFER, PAYER.into_word(), SHOP.into_word()];
        let amount = || honest(5).inner.data.data.to_vec();
        let dirty = B256::from([0xff; 32]);
        for (what, log) in [
            ("another contract of the same symbol", log(PAYER, words(), amount())),
            ("an NFT", log(USDT, [words(), vec![dirty]].concat(), vec![])),
            ("an amount in a topic", log(USDT, [words(), vec![B256::ZERO]].concat(), amount())),
            ("no recipient", log(USDT, vec![TRANSFER, PAYER.into_word()], amount())),
            ("no topics", log(USDT, vec![], amount())),
            ("an approval", log(USDT, vec![dirty, PAYER.into_word(), SHOP.into_word()], amount())),
            ("dirty upper bytes", log(USDT, vec![TRANSFER, PAYER.into_word(), dirty], amount())),
            ("short data", log(USDT, words(), vec![1; 31])),
            ("long data", log(USDT, words(), vec![0; 64])),
            ("nothing sent", honest(0)),
            ("sent to oneself", log(USDT, vec![TRANSFER, SHOP.into_word(), SHOP.into_word()], amount())),
            ("taken back by the node", Log { removed: true, ..honest(5) }),
        ] {
            assert_eq!(transfer(&log, &chain), None, "{what}");
        }
    }

    #[test]
    fn absurd_amounts_are_no_amounts() {
        let words = || vec![TRANSFER, PAYER.into_word(), SHOP.into_word()];
        for log in [
            log(USDT, words(), vec![0xff; 32]),
            log(USDT, words(), [vec![0; 15], vec![1], vec![0; 16]].concat()),
            honest(1_000_000_000_000_000_000),
        ] {
            assert_eq!(transfer(&log, &sepolia()).unwrap().amount, None);
        }
    }

    #[test]
    fn decimals_are_read_from_one_word() {
        let mut word = [0; 32];
        word[31] = 18;
        assert_eq!(small_number(&word), Some(18));
        assert_eq!(small_number(&[]), None);
        assert_eq!(small_number(&[0xff; 32]), None);
        assert_eq!(small_number(&[0; 64]), None);
    }
}
