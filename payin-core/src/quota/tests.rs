//! The counting equals a naive model, whatever the clock does; and what a real window holds never exceeds the limit.

use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::*;

const START: i64 = 1_767_225_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(START + seconds)
}

/// A plain list of all that was ever admitted: for each, the second it was counted at, and the last second of its bucket in each
/// window that it has not left.
#[derive(Debug, Default)]
struct Naive {
    at: i64,
    moved: u64,
    admitted: Vec<(i64, [Option<i64>; 3])>,
}

impl Naive {
    fn last_second(second: i64, bucket: i64) -> i64 {
        second.div_euclid(bucket) * bucket + bucket - 1
    }

    fn advance(&mut self, now: i64) {
        let step = self.at - now;
        if step > STEP_MAX {
            self.at -= step;
            self.moved += 1;
            for (when, lasts) in &mut self.admitted {
                *when -= step;
                for (last, span) in lasts.iter_mut().zip(&SPANS) {
                    *last = last.map(|last| Self::last_second((last - step).min(self.at), span.bucket));
                }
            }
        }
        self.at = self.at.max(now);
        for (last, span) in self.admitted.iter_mut().flat_map(|(_, lasts)| lasts.iter_mut().zip(&SPANS)) {
            *last = last.filter(|last| last + 1 + span.window > self.at);
        }
    }

    fn counted(&self) -> [u64; 3] {
        [0, 1, 2].map(|window| self.admitted.iter().filter(|(_, lasts)| lasts[window].is_some()).count() as u64)
    }

    fn admit(&mut self, limits: &Limits, now: i64, wanted: u64) -> u64 {
        self.advance(now);
        let mut count = 0;
        while count < wanted && self.counted().iter().zip(limits.all()).all(|(counted, limit)| *counted < limit) {
            self.admitted.push((self.at, [0, 1, 2].map(|window| Some(Self::last_second(self.at, SPANS[window].bucket)))));
            count += 1;
        }
        count
    }

    fn give_back(&mut self, grant: (i64, u64), count: u64) {
        for _ in 0..count {
            let of_grant = self.admitted.iter().rposition(|(when, _)| self.moved == grant.1 && *when == grant.0);
            of_grant.map(|at| self.admitted.remove(at));
        }
    }
}

#[derive(Debug, Clone)]
enum Do {
    Wait(i64),
    Ask(u64),
    /// Take some, and never use so many of them.
    Waste(u64, u64),
    Store,
}

fn doing() -> impl Strategy<Value = Do> {
    prop_oneof![
        4 => (0i64..4).prop_map(Do::Wait),
        2 => (0i64..90).prop_map(Do::Wait),
        2 => (0i64..4_000).prop_map(Do::Wait),
        1 => (0i64..100_000).prop_map(Do::Wait),
        1 => (-70i64..0).prop_map(Do::Wait),
        1 => (-100_000i64..0).prop_map(Do::Wait),
        10 => (0u64..9).prop_map(Do::Ask),
        3 => (0u64..9, any::<u64>()).prop_map(|(count, unused)| Do::Waste(count, unused % (count + 1))),
        1 => proptest::strategy::Just(Do::Store),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]
    #[test]
    fn counts_as_a_plain_list_would(limits in (0u64..12, 0u64..30, 0u64..60), all in proptest::collection::vec(doing(), 0..40)) {
        let limits = Limits { per_minute: limits.0, per_hour: limits.1, per_day: limits.2 };
        let (mut usage, mut naive, mut now) = (Usage::default(), Naive::default(), START);
        for what in all {
            match what {
                Do::Wait(seconds) => now += seconds,
                Do::Ask(wanted) => {
                    assert_eq!(usage.admit(&limits, Timestamp::from_secs(now), wanted).count, naive.admit(&limits, now, wanted));
                }
                Do::Waste(wanted, unused) => {
                    let grant = usage.admit(&limits, Timestamp::from_secs(now), wanted);
                    assert_eq!(grant.count, naive.admit(&limits, now, wanted));
                    let unused = unused.min(grant.count);
                    usage.give_back(&grant, unused);
                    naive.give_back((naive.at, naive.moved), unused);
                }
                Do::Store => usage = Usage::read(&usage.to_text().unwrap()).unwrap(),
            }
            naive.advance(now);
            let view = usage.view(&limits, Timestamp::from_secs(now), 0);
            let remaining: Vec<u64> = naive.counted().iter().zip(limits.all()).map(|(counted, limit)| limit - counted).collect();
            assert_eq!(view.remaining, *remaining.iter().min().unwrap());
            let tightest = remaining.iter().position(|left| *left == view.remaining).unwrap();
            assert_eq!((view.limit, view.window), (limits.all()[tightest], SPANS[tightest].name));
            // What a clock shows may be waited for, and is not waited for in vain.
            assert_eq!(view.retry_after == 0, view.remaining > 0);
            if view.retry_after > 0 && limits.all().iter().all(|limit| *limit > 0) {
                let when = |seconds: i64| Timestamp::from_secs(usage.at + i64::try_from(view.retry_after).unwrap() + seconds);
                assert_eq!((usage.clone().admit(&limits, when(-1), 1).count, usage.clone().admit(&limits, when(0), 1).count), (0, 1));
                assert_eq!(Timestamp::from_secs(view.reset_at), when(0));
            }
            // And by the clock itself, no window holds more than its limit.
            for (span, limit) in SPANS.iter().zip(limits.all()) {
                let within = naive.admitted.iter().filter(|(when, _)| *when >= naive.at - span.window).count() as u64;
                assert!(within <= limit, "{within} in a {}", span.name);
            }
            assert!(usage.windows.iter().all(|counted| counted.buckets.len() <= 62), "memory is bounded");
        }
    }
}

#[test]
fn the_documents_limits() {
    let (limits, mut usage) = (Limits::default(), Usage::default());
    assert_eq!(usage.admit(&limits, at(0), 150).count, 100);
    let view = usage.view(&limits, at(0), 0);
    assert_eq!((view.limit, view.remaining, view.reset_at, view.retry_after), (100, 0, START + 61, 61));
    let refusal = view.refusal();
    assert_eq!((refusal.code.status(), refusal.retry_after_s), (429, Some(61)));
    assert!(refusal.message.contains("100 requests a minute"), "{}", refusal.message);
    assert_eq!(usage.admit(&limits, at(60), 1).count, 0, "a real minute has not passed since the last of them");
    for minute in 1..10 {
        assert_eq!(usage.admit(&limits, at(minute * 61), 100).count, 100);
    }
    // The hour is used up now, and then the day.
    let view = usage.view(&limits, at(610), 0);
    assert_eq!((view.limit, view.remaining, view.window), (1_000, 0, "hour"));
    assert_eq!(view.reset_at, START + 60 + 3_600, "the bucket of the first minute leaves");
}

#[test]
fn the_tightest_window_is_shown_and_of_equals_the_shortest() {
    let (limits, mut usage) = (Limits { per_minute: 5, per_hour: 5, per_day: 5 }, Usage::default());
    let view = usage.view(&limits, at(0), 0);
    assert_eq!((view.window, view.remaining, view.reset_at), ("minute", 5, START));
    usage.admit(&limits, at(0), 5);
    // All three are used up: the longest decides when there is something again.
    let view = usage.view(&limits, at(1), 0);
    assert_eq!((view.window, view.remaining, view.reset_at), ("minute", 0, START + 1_800 + 86_400));
    assert_eq!(usage.view(&limits, at(1), 2).remaining, 2, "what is leased and unused remains");
}

#[test]
fn a_clock_that_was_ahead_for_a_year_neither_opens_nor_closes() {
    let (limits, mut usage) = (Limits::default(), Usage::default());
    let ahead = 365 * 86_400;
    assert_eq!(usage.admit(&limits, at(ahead), 60).count, 60);
    assert_eq!(usage.admit(&limits, at(0), 60).count, 40, "what was used is used");
    assert_eq!(usage.admit(&limits, at(61), 200).count, 100, "and a minute later it is past");
}

#[test]
fn what_is_corrupt_is_said() {
    for corrupt in ["", "{}", "{\"at\":1,\"moved\":0,\"windows\":[[],[]]}", "{\"at\":1,\"moved\":0,\"windows\":[[],[],[[1,-1]]]}"] {
        assert!(Usage::read(corrupt).is_err(), "{corrupt}");
    }
}
