//! Logs of an `eth_getLogs` answer, read where they lie: of each as little is decoded as says that it is not for us, which is true of
//! nearly all. Pure and total, as the decoder it leaves the rest to; what a log proves is not decided here.

use std::fmt;

use alloy::primitives::{Address as EvmAddress, B256, Bytes, FixedBytes, Log as Event, LogData, hex};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::TRANSFER;

/// No event has more topics: the EVM has no instruction for a fifth.
const TOPICS_MAX: usize = 4;

/// A log as it stands in an answer.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    address: &'a str,
    #[serde(borrow)]
    topics: Topics<'a>,
    data: &'a str,
    #[serde(default)]
    block_hash: Option<&'a str>,
    #[serde(default)]
    block_number: Option<&'a str>,
    #[serde(default)]
    transaction_hash: Option<&'a str>,
    #[serde(default)]
    removed: bool,
}

/// Topics, undecoded. None at all where there are more than there can be.
#[derive(Debug, Clone, Copy, Default)]
struct Topics<'a> {
    texts: [&'a str; TOPICS_MAX],
    count: usize,
}

/// A log that no node may write: its answer is not of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a log that is malformed")]
pub struct Malformed;

/// Reads an answer's logs.
///
/// # Errors
/// Where the answer is no list of logs.
pub fn read(answer: &RawValue) -> Result<Vec<Told<'_>>, serde_json::Error> {
    serde_json::from_str(answer.get())
}

/// Fixed bytes of a text: `0x` and twice as many digits.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], Malformed> {
    // The decoder itself passes over the prefix, once.
    Some(text).filter(|text| text.starts_with("0x")).and_then(|text| hex::decode_to_array(text).ok()).ok_or(Malformed)
}

fn hash(text: Option<&str>) -> Option<B256> {
    text.and_then(|text| bytes(text).ok()).map(FixedBytes)
}

impl Told<'_> {
    /// The block that it is in.
    #[must_use]
    pub fn block_hash(&self) -> Option<B256> {
        hash(self.block_hash)
    }

    /// The height of that block.
    #[must_use]
    pub fn block_number(&self) -> Option<u64> {
        u64::from_str_radix(self.block_number?.strip_prefix("0x")?, 16).ok()
    }

    /// The transaction that it is of.
    #[must_use]
    pub fn transaction(&self) -> Option<B256> {
        hash(self.transaction_hash)
    }

    /// Whom it says one of these contracts' `Transfer` to have paid; `None` if it is anything else, or taken back. Whether the rest of it
    /// makes a transfer the decoder says.
    ///
    /// # Errors
    /// If what was looked at is no hexadecimal text of its length.
    pub fn recipient(&self, contracts: &[EvmAddress]) -> Result<Option<[u8; 20]>, Malformed> {
        if !contracts.contains(&EvmAddress::from(bytes(self.address)?)) || self.removed {
            return Ok(None);
        }
        let [signature, _, to] = self.topics.texts.get(..self.topics.count).unwrap_or_default() else { return Ok(None) };
        if bytes(signature)? != TRANSFER.0 {
            return Ok(None);
        }
        let to: [u8; 32] = bytes(to)?;
        Ok(to.split_first_chunk::<12>().filter(|(padding, _)| *padding == &[0; 12]).and_then(|(_, to)| to.try_into().ok()))
    }

    /// Whether one of these contracts wrote it as its `Transfer`, by the signature alone.
    ///
    /// # Errors
    /// If what was looked at is no hexadecimal text of its length.
    pub fn is_transfer_of(&self, contracts: &[EvmAddress]) -> Result<bool, Malformed> {
        let signature = self.topics.texts.first().filter(|_| self.topics.count > 0);
        let signed = signature.map(|text| bytes(text)).transpose()? == Some(TRANSFER.0);
        Ok(signed && contracts.contains(&EvmAddress::from(bytes(self.address)?)))
    }

    /// All of it, for the decoder.
    ///
    /// # Errors
    /// If any of it is malformed.
    pub fn event(&self) -> Result<Event, Malformed> {
        let topics = self.topics.texts.get(..self.topics.count).unwrap_or_default();
        let topics = topics.iter().map(|topic| bytes(topic).map(FixedBytes)).collect::<Result<_, _>>()?;
        let data = Some(self.data).filter(|text| text.starts_with("0x")).and_then(|text| hex::decode(text).ok()).ok_or(Malformed)?;
        Ok(Event { address: EvmAddress::from(bytes(self.address)?), data: LogData::new_unchecked(topics, Bytes::from(data)) })
    }

    /// Whether it was taken back by the node that tells it.
    #[must_use]
    pub fn removed(&self) -> bool {
        self.removed
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Topics<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Topics<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of topics")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
                let mut topics = Topics::default();
                for text in &mut topics.texts {
                    let Some(next) = all.next_element()? else { return Ok(topics) };
                    *text = next;
                    topics.count += 1;
                }
                if all.next_element::<IgnoredAny>()?.is_some() {
                    return Err(serde::de::Error::custom("a log of more than four topics"));
                }
                Ok(topics)
            }
        }
        deserializer.deserialize_seq(Texts)
    }
}

#[cfg(test)]
mod tests;
