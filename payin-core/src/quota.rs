//! How many requests a key may make: three sliding windows, counted in buckets. It must not wait, lock or look at a clock: who counts, and
//! where the counts are kept, is the server's business.
//!
//! A request counts in a window until the whole bucket it fell into has left that window. So within any real minute, hour or day never
//! more than the limit is admitted; what is given back comes up to one bucket late (1 s, 1 min, 30 min).
//!
//! **Clocks that step back.** Counting happens at a time that never goes back by itself: behind the newest time counted at, a clock is
//! taken to be there. That holds for up to [`STEP_MAX`]: servers that share a key may differ by so much, and a limit is refused for so much longer at worst. A
//! clock that is further behind has been set right: everything counted is moved back by the step and keeps its age, so that the step neither opens the limit
//! nor closes it for as long as the clock had been ahead.

use std::collections::VecDeque;

use payin_types::{ErrorCode, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How far back, in seconds, a clock may be and still be waited for.
pub const STEP_MAX: i64 = 60;

/// A window: its span and its buckets', in seconds. Whole buckets fit in it.
struct Span {
    window: i64,
    bucket: i64,
    name: &'static str,
}

const SPANS: [Span; 3] = [
    Span { window: 60, bucket: 1, name: "minute" },
    Span { window: 3_600, bucket: 60, name: "hour" },
    Span { window: 86_400, bucket: 1_800, name: "day" },
];

/// How many requests a key may make (source: API Reference, "Rate Limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In any minute.
    pub per_minute: u64,
    /// In any hour.
    pub per_hour: u64,
    /// In any day.
    pub per_day: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_minute: 100, per_hour: 1_000, per_day: 10_000 }
    }
}

impl Limits {
    fn all(&self) -> [u64; 3] {
        [self.per_minute, self.per_hour, self.per_day]
    }
}

/// Where a key stands in its tightest window: the one with the least remaining, of several the shortest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// How many requests that window allows.
    pub limit: u64,
    /// How many more of them it would admit now.
    pub remaining: u64,
    /// When there will be more, in seconds since 1970; where nothing remains, when a request would be admitted again.
    pub reset_at: i64,
    /// In how many seconds a request would be admitted; 0: now.
    pub retry_after: u64,
    /// What the window is called.
    pub window: &'static str,
}

impl View {
    /// The refusal of a request when nothing remains.
    #[must_use]
    pub fn refusal(&self) -> Error {
        let seconds = self.retry_after.max(1);
        let message = format!("This key may make {} requests a {}; try again in {seconds} s", self.limit, self.window);
        Error { retry_after_s: Some(seconds), ..Error::new(ErrorCode::RateLimitExceeded, message) }
    }
}

/// Number of a bucket and how many requests fell into it, the oldest first.
type Buckets = VecDeque<(i64, u64)>;

/// The buckets of one window that still count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Buckets", into = "Buckets")]
struct Counted {
    buckets: Buckets,
    total: u64,
}

impl From<Buckets> for Counted {
    fn from(buckets: Buckets) -> Self {
        let total = buckets.iter().fold(0, |total: u64, (_, count)| total.saturating_add(*count));
        Self { buckets, total }
    }
}

impl From<Counted> for Buckets {
    fn from(counted: Counted) -> Self {
        counted.buckets
    }
}

impl Counted {
    fn add(&mut self, bucket: i64, count: u64) {
        self.total = self.total.saturating_add(count);
        match self.buckets.back_mut() {
            Some((newest, counted)) if *newest >= bucket => *counted = counted.saturating_add(count),
            _ => self.buckets.push_back((bucket, count)),
        }
    }

    fn take_back(&mut self, bucket: i64, count: u64) {
        if let Ok(at) = self.buckets.binary_search_by_key(&bucket, |(number, _)| *number)
            && let Some((_, counted)) = self.buckets.get_mut(at)
        {
            let count = count.min(*counted);
            *counted = counted.saturating_sub(count);
            self.total = self.total.saturating_sub(count);
            if *counted == 0 {
                self.buckets.remove(at);
            }
        }
    }

    fn forget(&mut self, span: &Span, now: i64) {
        while let Some((bucket, count)) = self.buckets.front().copied()
            && leaves_at(span, bucket) <= now
        {
            self.buckets.pop_front();
            self.total = self.total.saturating_sub(count);
        }
    }

    /// When so many will have left; `None` if there are not so many.
    fn frees_at(&self, span: &Span, count: u64) -> Option<i64> {
        let mut gone = 0_u64;
        let enough = self.buckets.iter().find(|(_, counted)| {
            gone = gone.saturating_add(*counted);
            gone >= count
        });
        enough.map(|(bucket, _)| leaves_at(span, *bucket))
    }
}

/// When a bucket has left its window.
fn leaves_at(span: &Span, bucket: i64) -> i64 {
    bucket.saturating_add(1).saturating_mul(span.bucket).saturating_add(span.window)
}

/// What a key has used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The newest time counted at, in seconds.
    at: i64,
    /// How often everything was moved because a clock had been set back: buckets of before are not those of now.
    moved: u64,
    windows: [Counted; 3],
}

/// Requests that were admitted at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many.
    pub count: u64,
    at: i64,
    moved: u64,
}

impl Usage {
    /// Reads what [`Usage::to_text`] wrote.
    ///
    /// # Errors
    /// If it did not.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What to keep.
    ///
    /// # Errors
    /// None that a list of numbers could meet.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Admits up to `wanted` requests, as far as every window allows.
    pub fn admit(&mut self, limits: &Limits, now: Timestamp, wanted: u64) -> Grant {
        self.advance(now);
        let count = wanted.min(self.remaining(limits));
        if count > 0 {
            for (span, counted) in SPANS.iter().zip(&mut self.windows) {
                counted.add(self.at.div_euclid(span.bucket), count);
            }
        }
        Grant { count, at: self.at, moved: self.moved }
    }

    /// Admits some of `wanted` requests, for one of several servers that count together: what others would be refused because this one
    /// holds it unused is at most a quarter of what remained.
    pub fn lease(&mut self, limits: &Limits, now: Timestamp, wanted: u64) -> Grant {
        self.advance(now);
        let most = self.remaining(limits) / 4;
        self.admit(limits, now, wanted.min(most).max(1))
    }

    /// Takes back requests of a grant that were never made. What has been moved since stays counted.
    pub fn give_back(&mut self, grant: &Grant, unused: u64) {
        if grant.moved == self.moved {
            for (span, counted) in SPANS.iter().zip(&mut self.windows) {
                counted.take_back(grant.at.div_euclid(span.bucket), unused.min(grant.count));
            }
        }
    }

    /// How many requests would be admitted, at the newest time counted at.
    #[must_use]
    pub fn remaining(&self, limits: &Limits) -> u64 {
        limits.all().iter().zip(&self.windows).map(|(limit, counted)| limit.saturating_sub(counted.total)).min().unwrap_or(0)
    }

    /// Where the key stands, if `unused` of what is counted has not been used.
    pub fn view(&mut self, limits: &Limits, now: Timestamp, unused: u64) -> View {
        self.advance(now);
        let mut tightest: Option<View> = None;
        for ((span, limit), counted) in SPANS.iter().zip(limits.all()).zip(&self.windows) {
            let used = counted.total.saturating_sub(unused);
            let remaining = limit.saturating_sub(used);
            let too_many = if remaining == 0 { used.saturating_sub(limit).saturating_add(1) } else { 1 };
            let frees_at = counted.frees_at(span, too_many);
            let view = |reset_at: i64| View { limit, remaining, reset_at, retry_after: 0, window: span.name };
            // With nothing remaining, and nothing that could leave, the limit is nothing: say the window rather than now.
            let otherwise = if remaining == 0 { self.at.saturating_add(span.window) } else { self.at };
            let view = view(frees_at.unwrap_or(otherwise));
            match &mut tightest {
                // Several are used up: the last of them to have something again decides.
                Some(tightest) if tightest.remaining == 0 && remaining == 0 => tightest.reset_at = tightest.reset_at.max(view.reset_at),
                Some(tightest) if tightest.remaining <= remaining => {}
                _ => tightest = Some(view),
            }
        }
        let mut tightest = tightest.unwrap_or(View { limit: 0, remaining: 0, reset_at: self.at, retry_after: 0, window: "" });
        if tightest.remaining == 0 {
            tightest.retry_after = u64::try_from(tightest.reset_at.saturating_sub(self.at)).unwrap_or(0);
        }
        tightest
    }

    /// Goes to a time, and forgets what has left its window by then.
    fn advance(&mut self, now: Timestamp) {
        let now = now.secs();
        let behind = self.at.saturating_sub(now);
        if behind > STEP_MAX {
            self.move_back(behind);
        }
        self.at = self.at.max(now);
        for (span, counted) in SPANS.iter().zip(&mut self.windows) {
            counted.forget(span, self.at);
        }
    }

    /// Makes everything so much earlier. A bucket goes to where its last second goes, and so never leaves its window too soon.
    fn move_back(&mut self, seconds: i64) {
        self.at = self.at.saturating_sub(seconds);
        self.moved = self.moved.saturating_add(1);
        for (span, counted) in SPANS.iter().zip(&mut self.windows) {
            for (bucket, count) in std::mem::take(counted).buckets {
                let last = bucket.saturating_add(1).saturating_mul(span.bucket).saturating_sub(1).saturating_sub(seconds);
                counted.add(last.min(self.at).div_euclid(span.bucket), count);
            }
        }
    }
}

#[cfg(test)]
mod tests;
