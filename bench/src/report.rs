//! Medians and ratios as text. Ratios are made inside a round, between neighbours in time, and only then reduced to a
//! median: on a shared machine they are the figures to trust.

use std::fmt;

use crate::load::Sample;
use crate::run::Contestant;

/// Everything about one server.
pub struct Measured {
    pub contestant: Contestant,
    pub many: Vec<Sample>,
    pub one: Vec<Sample>,
    pub resident_mib: f64,
}

impl Measured {
    pub fn new(contestant: Contestant) -> Self {
        Self { contestant, many: Vec::new(), one: Vec::new(), resident_mib: 0.0 }
    }
}

/// Everything about one database.
pub struct Report {
    pub engine: &'static str,
    pub about: String,
    pub connections: usize,
    pub seconds: u64,
    pub measured: Vec<Measured>,
}

/// A pair that is compared, and what issue 2 asks of it.
struct Pair {
    upper: Contestant,
    lower: Contestant,
    aim: Option<f64>,
}

impl Report {
    fn pairs(&self) -> [Pair; 4] {
        let sqlite = self.engine == "SQLite";
        let naive = if sqlite { 5.0 } else { 2.5 };
        [
            Pair { upper: Contestant::Ours, lower: Contestant::Naive, aim: Some(naive) },
            Pair { upper: Contestant::Ours, lower: Contestant::Group, aim: sqlite.then_some(0.8) },
            Pair { upper: Contestant::Group, lower: Contestant::Naive, aim: None },
            Pair { upper: Contestant::Savepoint, lower: Contestant::Naive, aim: None },
        ]
    }

    fn find(&self, contestant: Contestant) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.contestant == contestant)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.measured.first().map_or(0, |measured| measured.many.len());
        writeln!(f, "\n{}", self.about)?;
        writeln!(f, "POST /orders, {} connections, medians of {rounds} rounds of {} s", self.connections, self.seconds)?;
        writeln!(f, "{:10}{:>10}{:>10}{:>10}{:>12}{:>10}", "", "orders/s", "p50 ms", "p99 ms", "CPU µs/req", "RSS MiB")?;
        for measured in &self.measured {
            writeln!(
                f,
                "{:10}{:>10.0}{:>10.2}{:>10.2}{:>12.0}{:>10.0}",
                measured.contestant.name(),
                median_of(&measured.many, |sample| sample.per_second),
                median_of(&measured.many, |sample| sample.p50_ms),
                median_of(&measured.many, |sample| sample.p99_ms),
                median_of(&measured.many, |sample| sample.cpu_us),
                measured.resident_mib,
            )?;
        }
        for Pair { upper, lower, aim } in self.pairs() {
            if let (Some(above), Some(below)) = (self.find(upper), self.find(lower)) {
                let ratios = ratios(&above.many, &below.many, |sample| sample.per_second);
                let verdict = aim.map(|aim| (format!("≥ {aim}"), median(&ratios) >= aim));
                write_ratios(f, &format!("{}/{} orders/s", upper.name(), lower.name()), &ratios, verdict)?;
            }
        }
        if self.measured.iter().all(|measured| measured.one.is_empty()) {
            return Ok(());
        }
        write!(f, "one connection, p50 ms:")?;
        for measured in &self.measured {
            write!(f, " {} {:.3}", measured.contestant.name(), median_of(&measured.one, |sample| sample.p50_ms))?;
        }
        writeln!(f)?;
        if let (Some(ours), Some(naive)) = (self.find(Contestant::Ours), self.find(Contestant::Naive)) {
            let ratios = ratios(&ours.one, &naive.one, |sample| sample.p50_ms);
            write_ratios(f, "ours/naive p50", &ratios, Some(("≤ 1".to_owned(), median(&ratios) <= 1.0)))?;
        }
        Ok(())
    }
}

fn write_ratios(f: &mut fmt::Formatter<'_>, name: &str, ratios: &[f64], verdict: Option<(String, bool)>) -> fmt::Result {
    let rounds: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    write!(f, "{name:26} {:>6.2}   rounds {}", median(ratios), rounds.join(" "))?;
    if let Some((aim, reached)) = verdict {
        write!(f, "   aim {aim}: {}", if reached { "reached" } else { "MISSED" })?;
    }
    writeln!(f)
}

pub fn ratios(above: &[Sample], below: &[Sample], what: impl Fn(&Sample) -> f64) -> Vec<f64> {
    above.iter().zip(below).map(|(above, below)| what(above) / what(below)).collect()
}

pub fn median_of(samples: &[Sample], what: impl Fn(&Sample) -> f64) -> f64 {
    median(&samples.iter().map(what).collect::<Vec<f64>>())
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    if sorted.len().is_multiple_of(2) {
        let lower = sorted.len().checked_sub(1).and_then(|last| sorted.get(last / 2)).copied();
        return f64::midpoint(lower.unwrap_or(f64::NAN), upper);
    }
    upper
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_report_compares_what_was_measured() {
        let sample = |per_second| Sample { per_second, p50_ms: 2.0, p99_ms: 4.0, cpu_us: 60.0 };
        let measured = |contestant, per_second| Measured {
            many: vec![sample(per_second); 3],
            one: vec![sample(per_second); 3],
            ..Measured::new(contestant)
        };
        let report = |measured| Report { engine: "SQLite", about: String::new(), connections: 64, seconds: 5, measured };
        let (naive, ours) = (measured(Contestant::Naive, 100.0), measured(Contestant::Ours, 490.0));
        let text = report(vec![naive, ours]).to_string();
        assert!(text.contains("4.90   rounds 4.90 4.90 4.90   aim ≥ 5: MISSED"), "{text}");
        assert!(text.contains("aim ≤ 1: reached") && !text.contains("group"), "{text}");
    }
}
