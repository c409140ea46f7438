//! The words that scenarios are written in. What a step says is the body of the call that it makes, as the API has it; a word that is not
//! known is refused where it stands.

use std::fmt;

use payin_types::sandbox::{
    Advance, Assertion, ControlChain, FaultKind, FaultPlace, FaultWhen, JournalKind, Mine, NewFault, Pay, PayDeposit, PaymentKind, Reorg,
};
use payin_types::{ChainId, Currency, ErrorCode, EventType, OrderId};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::names::PAID;

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A call of the gateway's API, with the key of the scenario.
    Api(Ask),
    /// A call of the merchant.
    Merchant(Ask),
    /// A webhook that nobody but the scenario sends.
    Webhook(Forged),
    /// A webhook that came before, sent once more by somebody who caught it.
    Replay(Replay),
    /// Somebody pays an order. The answer is `paid`.
    Pay(Pay),
    /// Somebody pays into a deposit reference's address. The answer is `paid`.
    PayDeposit(PayDeposit),
    /// So many blocks that what was paid to an order counts on its chain.
    Confirm(OrderId),
    /// So many blocks that whatever was paid counts on this chain.
    ConfirmOn(ChainId),
    /// The block with a transaction, and all upon it, are replaced by others without it.
    TakeBack(TakeBack),
    /// Blocks.
    Mine(Mine),
    /// The newest blocks are replaced.
    Reorg(Reorg),
    /// A chain stops or starts, stalls or goes on.
    Chain(ControlChain),
    /// Time passes.
    Advance(Advance),
    /// Something goes wrong from here on.
    Fault(NewFault),
    /// Nothing goes wrong any more.
    ClearFaults,
    /// Orders take all free addresses.
    Exhaust(Exhaust),
    /// The endpoint's secret is replaced; for a time deliveries bear the signatures of both.
    RotateSecret,
    /// What the journal has since the scenario began.
    Journal(Assertion),
}

/// A call, and what its answer has to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) get: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) post: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) put: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    #[serde(default)]
    pub(super) status: Status,
    /// What the answer has at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Value>,
    /// The name that the answer gets.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub(super) named: Option<String>,
}

impl Ask {
    /// The method and the path, if the step says exactly one.
    pub(super) fn route(&self) -> Option<(http::Method, &str)> {
        let all = [
            (http::Method::GET, &self.get),
            (http::Method::POST, &self.post),
            (http::Method::PUT, &self.put),
            (http::Method::DELETE, &self.delete),
        ];
        let mut said = all.into_iter().filter_map(|(method, path)| Some((method, path.as_deref()?)));
        said.next().filter(|_| said.next().is_none())
    }
}

/// An event, and who signed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forged {
    #[serde(rename = "type")]
    pub(super) event_type: EventType,
    /// The event's id; made from the run and the step where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<u64>,
    pub(super) data: Value,
    /// Fields of the data that are otherwise.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) change: Map<String, Value>,
    #[serde(default)]
    pub(super) signed: Signed,
    #[serde(default)]
    pub(super) status: Status,
}

/// A webhook that came, of this type the latest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    #[serde(rename = "type")]
    pub(super) event_type: EventType,
    #[serde(default)]
    pub(super) signed: Signed,
    #[serde(default)]
    pub(super) status: Status,
}

/// How a webhook is signed that the scenario sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Signed {
    /// With the merchant's secret, now.
    #[default]
    Rightly,
    /// With another secret.
    Wrongly,
    /// With the merchant's secret, ten minutes ago.
    LongAgo,
    /// Not at all.
    Not,
}

/// A transaction that the chain takes back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TakeBack {
    pub(super) chain_id: ChainId,
    pub(super) tx_hash: String,
}

/// Takes every free address of a chain's family.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Exhaust {
    pub(super) chain_id: ChainId,
    pub(super) currency: Currency,
}

/// The status of an answer: one, or a hundred of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Is(u16),
    Begins(u16),
}

impl Default for Status {
    fn default() -> Self {
        Self::Begins(2)
    }
}

impl Status {
    pub(super) fn fits(self, status: u16) -> bool {
        match self {
            Self::Is(expected) => expected == status,
            Self::Begins(class) => class == status / 100,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(status) => write!(f, "{status}"),
            Self::Begins(class) => write!(f, "{class}xx"),
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Is(status) => serializer.serialize_u16(*status),
            Self::Begins(_) => serializer.serialize_str(&self.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 201, or one of 2xx, 4xx, 5xx")
            }

            fn visit_u64<E: de::Error>(self, status: u64) -> Result<Status, E> {
                let is_one = |status: &u16| (100..600).contains(status);
                u16::try_from(status)
                    .ok()
                    .filter(is_one)
                    .map(Status::Is)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(status), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Status, E> {
                match text {
                    "2xx" => Ok(Status::Begins(2)),
                    "4xx" => Ok(Status::Begins(4)),
                    "5xx" => Ok(Status::Begins(5)),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl Step {
    /// What is wrong with a step that can be read.
    pub(super) fn mistake(&self) -> Option<String> {
        match self {
            Self::Api(ask) | Self::Merchant(ask) => ask.mistake(),
            Self::Webhook(forged) => [Some(&forged.data)].into_iter().flatten().chain(forged.change.values()).find_map(fraction),
            Self::Pay(Pay { kind, .. }) | Self::PayDeposit(PayDeposit { kind, .. }) => {
                kind.as_ref().and_then(|kind| unknown("kind", kind.as_str(), PaymentKind::KNOWN.iter().map(PaymentKind::as_str)))
            }
            Self::Journal(Assertion { kind, .. }) => {
                kind.as_ref().and_then(|kind| unknown("kind", kind.as_str(), JournalKind::KNOWN.iter().map(JournalKind::as_str)))
            }
            Self::Fault(fault) => mistake_of_fault(fault),
            _ => None,
        }
    }

    /// What has a name from this step on.
    pub(super) fn names(&self) -> Option<String> {
        match self {
            Self::Api(ask) | Self::Merchant(ask) => ask.named.clone(),
            Self::Pay(_) | Self::PayDeposit(_) => Some(PAID.to_owned()),
            _ => None,
        }
    }

    /// The step in a few words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Api(ask) => ask.words("api"),
            Self::Merchant(ask) => ask.words("merchant"),
            Self::Webhook(forged) => format!("webhook {} signed {}", forged.event_type, forged.signed),
            Self::Replay(replay) => format!("replay {} signed {}", replay.event_type, replay.signed),
            Self::Pay(pay) => format!("pay {} {}", pay.order_id, pay.kind.as_ref().map_or("exact", PaymentKind::as_str)),
            Self::PayDeposit(pay) => format!("pay_deposit {} {}", pay.deposit_reference, pay.amount),
            Self::Confirm(order) => format!("confirm {order}"),
            Self::ConfirmOn(chain) => format!("confirm_on {chain}"),
            Self::TakeBack(back) => format!("take_back {}", back.tx_hash),
            Self::Mine(mine) => format!("mine {}", mine.blocks.unwrap_or(1)),
            Self::Reorg(reorg) => format!("reorg {} {}", reorg.chain_id, reorg.depth),
            Self::Chain(chain) => format!("chain {}", chain.chain_id),
            Self::Advance(advance) => format!("advance {} s", advance.seconds),
            Self::Fault(fault) => format!("fault {} {}", fault.at, fault.kind),
            Self::ClearFaults => "clear_faults".to_owned(),
            Self::Exhaust(exhaust) => format!("exhaust {}", exhaust.chain_id),
            Self::RotateSecret => "rotate_secret".to_owned(),
            Self::Journal(assertion) => format!("journal {}", assertion.pattern.as_deref().unwrap_or("*")),
        }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rightly => "rightly",
            Self::Wrongly => "wrongly",
            Self::LongAgo => "long_ago",
            Self::Not => "not",
        })
    }
}

impl Ask {
    fn mistake(&self) -> Option<String> {
        let Some((_, path)) = self.route() else { return Some("say one of get, post, put, delete, with a path".to_owned()) };
        if !path.starts_with('/') {
            return Some(format!("the path {path:?} has to begin with /"));
        }
        self.body.iter().chain(&self.answer).find_map(fraction)
    }

    fn words(&self, whom: &str) -> String {
        self.route().map_or_else(|| whom.to_owned(), |(method, path)| format!("{whom} {method} {path}"))
    }
}

fn mistake_of_fault(fault: &NewFault) -> Option<String> {
    unknown("at", fault.at.as_str(), FaultPlace::KNOWN.iter().map(FaultPlace::as_str))
        .or_else(|| unknown("kind", fault.kind.as_str(), FaultKind::KNOWN.iter().map(FaultKind::as_str)))
        .or_else(|| fault.when.as_ref().and_then(|when| unknown("when", when.as_str(), FaultWhen::KNOWN.iter().map(FaultWhen::as_str))))
        .or_else(|| fault.code.as_ref().and_then(|code| unknown("code", code.as_str(), ErrorCode::KNOWN.iter().map(ErrorCode::as_str))))
}

/// What is wrong with a word of a list that ends with this version.
fn unknown<'a>(field: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let is_known = known.clone().any(|known| known == word);
    (!is_known).then(|| format!("{field} is {word:?}, and may be {}", known.collect::<Vec<_>>().join(", ")))
}

/// An amount that was written without quotes: as a number it may lose its last digit.
fn fraction(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_f64() => Some(format!("{number} is a number with a fraction: put amounts into quotes")),
        Value::Array(items) => items.iter().find_map(fraction),
        Value::Object(fields) => fields.values().find_map(fraction),
        _ => None,
    }
}
