//! Whether an answer is the right one. It must not know what was sent.

use std::collections::BTreeMap;
use std::fmt;

/// What a delivery has to be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// 2xx: it is genuine.
    Taken,
    /// 4xx: it is not.
    Refused,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Right,
    Wrong,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    Status(u16),
    NoConnection,
    /// Not in time.
    Nothing,
    Broken,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::NoConnection => f.write_str("no connection"),
            Self::Nothing => f.write_str("nothing in time"),
            Self::Broken => f.write_str("a broken connection"),
        }
    }
}

impl Expects {
    pub fn words(self) -> &'static str {
        match self {
            Self::Taken => "2xx",
            Self::Refused => "4xx",
        }
    }

    fn by(self, answer: Answered) -> bool {
        match (self, answer) {
            (Self::Taken, Answered::Status(200..=299)) => true,
            // Asking for more, and ending the endpoint, is no refusal.
            (Self::Refused, Answered::Status(408 | 410 | 425 | 429)) => false,
            (Self::Refused, Answered::Status(400..=499)) => true,
            _ => false,
        }
    }
}

/// Judges the answers to all deliveries of a case. Of those that were sent at once one has to be taken, and the others may be put off; the
/// last came after all of them.
pub fn case(at_once: bool, answers: &[(Expects, Answered)]) -> Verdict {
    let put_off = |(expects, answer): &(Expects, Answered)| {
        at_once && *expects == Expects::Taken && matches!(answer, Answered::Status(409 | 425 | 429 | 503))
    };
    let right = |(expects, answer): &(Expects, Answered)| expects.by(*answer);
    let each = answers.iter().all(|answer| right(answer) || put_off(answer));
    if each && answers.last().is_some_and(right) { Verdict::Right } else { Verdict::Wrong }
}

/// `200 ×4, 409 ×2`
pub fn counted(answers: &[String]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for answer in answers {
        let count = counts.entry(answer).or_default();
        *count = count.saturating_add(1);
    }
    let each = counts.into_iter().map(|(answer, count)| if count == 1 { answer.to_owned() } else { format!("{answer} ×{count}") });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(expects: Expects, at_once: bool, statuses: &[u16]) -> Verdict {
        case(at_once, &statuses.iter().map(|status| (expects, Answered::Status(*status))).collect::<Vec<_>>())
    }

    #[test]
    fn genuine_ones_are_to_be_taken_and_others_refused() {
        use Expects::{Refused, Taken};
        for (expects, statuses, right) in [
            (Taken, &[200_u16, 204, 299][..], true),
            (Taken, &[302], false),
            (Taken, &[409], false),
            (Taken, &[200, 500], false),
            (Refused, &[400, 401, 403, 422, 413], true),
            (Refused, &[200], false),
            (Refused, &[301], false),
            (Refused, &[500], false),
            (Refused, &[410], false),
            (Refused, &[429], false),
        ] {
            assert_eq!(judged(expects, false, statuses) == Verdict::Right, right, "{statuses:?}");
        }
        assert_eq!(case(false, &[(Refused, Answered::Nothing)]), Verdict::Wrong);
        assert_eq!(case(false, &[(Refused, Answered::Status(401)), (Taken, Answered::Status(200))]), Verdict::Right);
        assert_eq!(case(false, &[(Refused, Answered::Status(200)), (Taken, Answered::Status(200))]), Verdict::Wrong);
        assert_eq!(case(false, &[]), Verdict::Wrong);
    }

    #[test]
    fn of_those_at_once_some_may_be_put_off_but_not_the_one_after_them() {
        assert_eq!(judged(Expects::Taken, true, &[200, 409, 503, 200]), Verdict::Right);
        assert_eq!(judged(Expects::Taken, true, &[200, 500, 200]), Verdict::Wrong);
        assert_eq!(judged(Expects::Taken, true, &[200, 200, 409]), Verdict::Wrong);
        assert_eq!(counted(&["200".to_owned(), "409".to_owned(), "200".to_owned()]), "200 ×2, 409");
    }
}
