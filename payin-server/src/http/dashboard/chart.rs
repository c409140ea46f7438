//! Bars as a picture that the server draws: whole numbers only, and what they say for those who do not see them. It must not know of what.

/// The picture's size, in its own units.
const WIDTH: u64 = 700;
const HEIGHT: u64 = 160;
/// Between two bars.
const GAP: u64 = 8;

/// A chart.
pub struct Chart {
    pub title: String,
    pub says: String,
    pub width: u64,
    pub height: u64,
    pub bars: Vec<Bar>,
    pub first: String,
    pub last: String,
    /// How much the highest bar is; `None` where there is none.
    pub highest: Option<String>,
}

/// A bar, a part of which is filled.
pub struct Bar {
    pub x: u64,
    pub width: u64,
    pub all_y: u64,
    pub all_height: u64,
    pub part_y: u64,
    pub part_height: u64,
    pub says: String,
}

/// What a bar shows.
pub struct Day {
    pub label: String,
    pub all: u128,
    pub part: u128,
    /// How much it is, as people write it.
    pub value: String,
    pub says: String,
}

impl Chart {
    /// Of days, the first one first.
    pub fn new(title: String, days: &[Day]) -> Self {
        let most = days.iter().map(|day| day.all.max(day.part)).max().unwrap_or_default().max(1);
        let slot = WIDTH.checked_div(u64::try_from(days.len()).unwrap_or(1)).unwrap_or(WIDTH);
        // What is not nothing is seen.
        let height = |value: u128| {
            let scaled = value.saturating_mul(u128::from(HEIGHT)).checked_div(most).unwrap_or_default();
            u64::try_from(scaled).unwrap_or(HEIGHT).clamp(u64::from(value > 0).saturating_mul(2), HEIGHT)
        };
        let bar = |(at, day): (u64, &Day)| {
            let (all_height, part_height) = (height(day.all), height(day.part));
            Bar {
                x: at.saturating_mul(slot),
                width: slot.saturating_sub(GAP).max(1),
                all_y: HEIGHT.saturating_sub(all_height),
                all_height,
                part_y: HEIGHT.saturating_sub(part_height),
                part_height,
                says: day.says.clone(),
            }
        };
        let label = |day: Option<&Day>| day.map(|day| day.label.clone()).unwrap_or_default();
        let said: Vec<&str> = days.iter().filter(|day| day.all > 0 || day.part > 0).map(|day| day.says.as_str()).collect();
        let highest = days.iter().max_by_key(|day| day.all).filter(|day| day.all > 0);
        Self {
            highest: highest.map(|day| day.value.clone()),
            says: if said.is_empty() { title.clone() } else { format!("{title}: {}", said.join("; ")) },
            title,
            width: WIDTH,
            height: HEIGHT,
            bars: (0..).zip(days).map(bar).collect(),
            first: label(days.first()),
            last: label(days.last()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fit_into_their_picture() {
        let day =
            |all: u128, part: u128| Day { label: "d".to_owned(), all, part, value: all.to_string(), says: format!("{part} of {all}") };
        let chart = Chart::new("Orders".to_owned(), &[day(0, 0), day(1, 0), day(u128::from(u64::MAX), 7)]);
        let shown: Vec<_> = chart.bars.iter().map(|bar| (bar.all_y, bar.all_height, bar.part_y, bar.part_height)).collect();
        assert_eq!(shown, [(160, 0, 160, 0), (158, 2, 160, 0), (0, 160, 158, 2)]);
        assert!(chart.bars.iter().all(|bar| bar.x + bar.width <= WIDTH));
        assert_eq!(chart.says, "Orders: 0 of 1; 7 of 18446744073709551615");
        assert_eq!(chart.highest.as_deref(), Some("18446744073709551615"));
        let empty = Chart::new("Orders".to_owned(), &[day(0, 0)]);
        assert!(empty.highest.is_none() && Chart::new("Orders".to_owned(), &[]).bars.is_empty());
    }
}
