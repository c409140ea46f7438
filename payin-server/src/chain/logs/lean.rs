//! Logs of an `eth_getLogs` answer, read where they lie: every text is made sure of and none is decoded until it is looked at, which is true
//! of few. Pure and total, as the decoder it leaves the rest to; what a log proves is not decided here.

use std::fmt;
use std::marker::PhantomData;

use alloy::primitives::{Address as EvmAddress, B256, Bytes, FixedBytes, Log as Event, LogData};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::TRANSFER;

/// No event has more topics: the EVM has no instruction for a fifth.
const TOPICS_MAX: usize = 4;

/// A log as it stands in an answer. What following does not need may be anything: every family has fields of its own.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    #[serde(borrow)]
    address: Hex<'a, 20>,
    topics: Topics<'a>,
    data: Data<'a>,
    #[serde(default)]
    block_hash: Option<Hex<'a, 32>>,
    #[serde(default)]
    block_number: Option<Quantity>,
    #[serde(default)]
    transaction_hash: Option<Hex<'a, 32>>,
    #[serde(default)]
    removed: bool,
}

/// So many bytes, as the pairs of digits that stand for them: known to be digits.
#[derive(Debug, Clone, Copy)]
struct Hex<'a, const N: usize>(&'a [[u8; 2]; N]);

/// As many bytes as there are.
#[derive(Debug, Clone, Copy)]
struct Data<'a>(&'a [[u8; 2]]);

/// A number.
#[derive(Debug, Clone, Copy)]
struct Quantity(u64);

/// Topics in their order.
#[derive(Debug, Clone, Copy)]
struct Topics<'a>([Option<Hex<'a, 32>>; TOPICS_MAX]);

/// Reads an answer's logs.
///
/// # Errors
/// Where the answer is no list of logs, or one of them is malformed.
pub fn read(answer: &RawValue) -> Result<Vec<Told<'_>>, serde_json::Error> {
    let logs: Vec<Object<Told<'_>>> = serde_json::from_str(answer.get())?;
    Ok(logs.into_iter().map(|Object(told)| told).collect())
}

impl Told<'_> {
    /// The block that it is in.
    #[must_use]
    pub fn block_hash(&self) -> Option<B256> {
        self.block_hash.map(Hex::bytes)
    }

    /// The height of that block.
    #[must_use]
    pub fn block_number(&self) -> Option<u64> {
        self.block_number.map(|Quantity(number)| number)
    }

    /// The transaction that it is of.
    #[must_use]
    pub fn transaction(&self) -> Option<B256> {
        self.transaction_hash.map(Hex::bytes)
    }

    /// Whom it says one of these contracts' `Transfer` to have paid; `None` if it is anything else, or taken back. Whether the rest of it
    /// makes a transfer the decoder says.
    #[must_use]
    pub fn recipient(&self, contracts: &[EvmAddress]) -> Option<[u8; 20]> {
        let [Some(signature), Some(_), Some(to), None] = self.topics.0 else { return None };
        if self.removed || signature.bytes() != TRANSFER || !contracts.contains(&EvmAddress(self.address.bytes())) {
            return None;
        }
        let FixedBytes(to) = to.bytes();
        to.split_first_chunk::<12>().filter(|(padding, _)| *padding == &[0; 12]).and_then(|(_, to)| to.try_into().ok())
    }

    /// All of it, for the decoder.
    #[must_use]
    pub fn event(&self) -> Event {
        let topics = self.topics.0.iter().flatten().map(|topic| topic.bytes()).collect();
        let data: Vec<u8> = self.data.0.iter().map(byte).collect();
        Event { address: EvmAddress(self.address.bytes()), data: LogData::new_unchecked(topics, Bytes::from(data)) }
    }

    /// Whether it was taken back by the node that tells it.
    #[must_use]
    pub fn removed(&self) -> bool {
        self.removed
    }
}

impl<const N: usize> Hex<'_, N> {
    fn bytes(self) -> FixedBytes<N> {
        FixedBytes(self.0.map(|pair| byte(&pair)))
    }
}

/// The byte that two digits stand for. Without a branch, and without one for what is no digit: there is none.
fn byte([high, low]: &[u8; 2]) -> u8 {
    // In their low four bits digits are their own worth and letters, of either case, begin at 1.
    let worth = |digit: &u8| (digit & 0xf) + 9 * (digit >> 6);
    (worth(high) << 4) | worth(low)
}

/// The pairs of digits of a text: `0x`, and nothing but digits after it.
fn pairs(text: &str) -> Option<&[[u8; 2]]> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    let pairs = pairs.strip_prefix(&[*b"0x"]).filter(|_| rest.is_empty())?;
    // To the end, also past what is none: so it is done to many at once.
    pairs.as_flattened().iter().fold(true, |all, digit| all & digit.is_ascii_hexdigit()).then_some(pairs)
}

/// Reads a text where it lies; one with escapes in it, which no node writes, is refused.
struct Text<F>(F, &'static str);

impl<'de, T, F: FnOnce(&'de str) -> Option<T>> Visitor<'de> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        (self.0)(text).ok_or_else(|| E::custom(format_args!("a text that is not {}", self.1)))
    }
}

impl<'de: 'a, 'a, const N: usize> Deserialize<'de> for Hex<'a, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text| pairs(text).and_then(|pairs| pairs.try_into().ok()).map(Hex);
        deserializer.deserialize_str(Text(read, "hexadecimal of its length"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(|text| pairs(text).map(Data), "hexadecimal"))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What reads numbers would take a sign.
        let digits = |text: &'de str| text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
        let read = |text| digits(text).and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Quantity);
        deserializer.deserialize_str(Text(read, "a hexadecimal number"))
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
                let mut topics = Topics([None; TOPICS_MAX]);
                for topic in &mut topics.0 {
                    *topic = all.next_element()?;
                    if topic.is_none() {
                        return Ok(topics);
                    }
                }
                match all.next_element::<IgnoredAny>()? {
                    None => Ok(topics),
                    Some(_) => Err(Error::custom("a log of more than four topics")),
                }
            }
        }
        deserializer.deserialize_seq(Texts)
    }
}

/// An object and nothing else: what is derived would take the fields' values as a list too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a log")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

#[cfg(test)]
mod tests;
