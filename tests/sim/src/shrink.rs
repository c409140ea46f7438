//! Makes a failing story short: leaves acts out, in ever smaller pieces, as long as the same rule is broken.

use crate::act::Act;
use crate::judge::Violation;

/// Leaves out what is not needed. `fails` plays a story and answers what it breaks; it is asked at most `most` times.
#[must_use]
pub fn shrink(story: &[Act], broken: &Violation, most: usize, mut fails: impl FnMut(&[Act]) -> Option<Violation>) -> Vec<Act> {
    let mut best = story.to_vec();
    let mut asked = 0;
    let mut size = best.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < best.len() && asked < most {
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            asked += 1;
            if fails(&shorter).is_some_and(|found| found.rule == broken.rule) {
                best = shorter;
            } else {
                at += size;
            }
        }
        if size == 1 || asked >= most {
            return best;
        }
        size = size.div_ceil(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Kind;

    #[test]
    fn only_what_is_needed_is_left() {
        let story: Vec<Act> = (0..100).map(|luck| Act { kind: Kind::Block, luck }).collect();
        let rule = Violation { rule: "both", detail: String::new() };
        let has = |story: &[Act], luck: u64| story.iter().any(|act| act.luck == luck);
        let short = shrink(&story, &rule, 1_000, |story| (has(story, 17) && has(story, 71)).then(|| rule.clone()));
        assert_eq!(short.iter().map(|act| act.luck).collect::<Vec<_>>(), [17, 71]);
    }
}
