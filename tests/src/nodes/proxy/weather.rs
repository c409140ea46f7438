//! What goes wrong on the way to a node, and how often. Bad luck comes in storms: who is told to come later is told so many times.

use std::collections::VecDeque;

use crate::dice::Dice;

/// One thing that goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer comes so many milliseconds late.
    Slow(u64),
    /// The connection is reset; the node was never asked.
    ResetBefore,
    /// It is reset in the middle of the answer.
    ResetAmid,
    /// 429, with so many seconds of `Retry-After`.
    TooMany(u64),
    /// 503 and a page for people.
    Unavailable,
    /// 200 and a page for people: a captive portal, or a provider's maintenance.
    Page,
    /// JSON that ends in the middle, its length agreeing.
    Truncated,
    /// The answer to the call before: complete, true, and somebody else's by its id.
    WrongId,
    /// Answered by a node that does not have the newest blocks yet, as one behind a load balancer may.
    Behind(u64),
    /// Answered by the other node, if there is one.
    Other,
}

impl Fault {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slow(_) => "slow",
            Self::ResetBefore => "reset before",
            Self::ResetAmid => "reset amid",
            Self::TooMany(_) => "429",
            Self::Unavailable => "503",
            Self::Page => "page",
            Self::Truncated => "truncated",
            Self::WrongId => "wrong id",
            Self::Behind(_) => "behind",
            Self::Other => "other node",
        }
    }

    /// What is answered without asking any node: the head of the answer and its body.
    pub fn page(&self) -> Option<(&'static str, &'static str)> {
        const HTML: &str = "<!doctype html><html><body><h1>Back soon</h1></body></html>";
        match self {
            Self::TooMany(0) => Some(("HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-type: text/plain\r\n", "slow down")),
            Self::TooMany(_) => Some(("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-type: text/plain\r\n", "slow down")),
            Self::Unavailable => Some(("HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\n", HTML)),
            Self::Page => Some(("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n", HTML)),
            _ => None,
        }
    }
}

/// How often things go wrong, each in so many of 10,000 calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weather {
    /// A single call is slow, broken off, garbled, or answered by a node that is behind.
    pub faults: u64,
    /// A storm of refusals begins.
    pub storms: u64,
    /// How many calls a storm lasts at most.
    pub storm_calls: u64,
    /// The most blocks that a node behind a load balancer is behind.
    pub behind: u64,
    /// The other node answers.
    pub others: u64,
}

impl Weather {
    pub const CLEAR: Self = Self { faults: 0, storms: 0, storm_calls: 0, behind: 0, others: 0 };
}

/// What has been told to happen, and what may.
pub struct Sky {
    dice: Dice,
    weather: Weather,
    script: VecDeque<Fault>,
}

impl Sky {
    pub fn clear(dice: Dice) -> Self {
        Self { dice, weather: Weather::CLEAR, script: VecDeque::new() }
    }

    /// Other weather; what was told to happen is off.
    pub fn becomes(&mut self, weather: Weather) {
        self.weather = weather;
        self.script.clear();
    }

    pub fn script(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.script.extend(faults);
    }

    /// What happens to the next call.
    pub fn next(&mut self) -> Option<Fault> {
        if let Some(fault) = self.script.pop_front() {
            return Some(fault);
        }
        let (dice, weather) = (&self.dice, &self.weather);
        if dice.chance(weather.storms, 10_000) {
            let calls = dice.between(1, weather.storm_calls.max(1));
            let storm = (0..calls).map(|_| if dice.chance(1, 4) { Fault::Unavailable } else { Fault::TooMany(dice.below(2)) });
            self.script.extend(storm.collect::<Vec<Fault>>());
            return self.script.pop_front();
        }
        if dice.chance(weather.others, 10_000) {
            return Some(Fault::Other);
        }
        if !dice.chance(weather.faults, 10_000) {
            return None;
        }
        Some(match dice.below(8) {
            0 => Fault::Slow(dice.between(50, 400)),
            1 => Fault::ResetBefore,
            2 => Fault::ResetAmid,
            3 => Fault::Page,
            4 => Fault::Truncated,
            5 => Fault::WrongId,
            _ => Fault::Behind(dice.between(1, weather.behind.max(1))),
        })
    }
}
