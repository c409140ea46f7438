//! How much to ask a node for at a time, learned from what it refuses and how it says so. Pure: no node, no clock.

/// How many answers come before more is asked for than was refused: limits are of plans and nodes, and change seldom; what a range holds
/// changes with the range.
const PATIENCE: u32 = 64;

/// How much is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appetite {
    next: u64,
    most: u64,
    /// What was refused lately, and how many answers it is remembered for.
    refused: Option<(u64, u32)>,
}

impl Appetite {
    /// The first time so much, and never more than that.
    #[must_use]
    pub fn new((first, most): (u64, u64)) -> Self {
        Self { next: first.min(most), most, refused: None }
    }

    /// How much to ask for.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.next.max(1)
    }

    /// So much was answered: a little more next time, up to what was refused.
    pub fn answered(&mut self, size: u64) {
        self.refused = self.refused.and_then(|(much, left)| Some((much, left.checked_sub(1)?)));
        let most = self.refused.map_or(self.most, |(much, _)| self.most.min(much.saturating_sub(1)));
        if size >= self.next {
            self.next = size.saturating_add(size / 4).saturating_add(1).min(most).max(1);
        }
    }

    /// So much was refused, in these words. False: it was one only, and nothing less can be asked for.
    pub fn refused(&mut self, size: u64, words: &str) -> bool {
        if size <= 1 {
            return false;
        }
        let proposed = proposed(words, size);
        self.next = proposed.unwrap_or(size / 2).max(1);
        self.refused = Some((proposed.map_or(size, |most| most.saturating_add(1)), PATIENCE));
        true
    }
}

/// Whether an error says that the node is asked too often, whatever for. Infura: `-32005 daily request count exceeded, request rate
/// limited`; Alchemy: `429 … has exceeded its compute units per second capacity`; geth behind proxies: `too many requests`.
#[must_use]
pub fn is_too_often(code: i64, words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    code == 429
        || ["rate limit", "too many requests", "request rate", "per second", "daily request count"].iter().any(|said| words.contains(said))
}

/// How many blocks these words propose, where so many were refused. Always fewer.
fn proposed(words: &str, size: u64) -> Option<u64> {
    let words = words.to_ascii_lowercase();
    range_between(&words).or_else(|| number_of_blocks(&words)).filter(|proposed| (1..size).contains(proposed))
}

/// The blocks in `[0x1a, 0x2b]` or `range 17-42`.
fn range_between(words: &str) -> Option<u64> {
    let span = |(from, to): (u64, u64)| to.checked_sub(from)?.checked_add(1);
    let inside = words.split_once("[0x").and_then(|(_, rest)| rest.split_once(']')).and_then(|(inside, _)| inside.split_once(','));
    let hex = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    if let Some((from, to)) = inside {
        return span((hex(from)?, hex(to)?));
    }
    let (_, rest) = words.split_once("with the range ")?;
    let (from, to) = rest.split_once('-')?;
    let leading = |text: &str| text.split(|sign: char| !sign.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    span((leading(from)?, leading(to)?))
}

/// The number nearest to the words "block" and "range", and not to "results" or "logs".
fn number_of_blocks(words: &str) -> Option<u64> {
    let words: Vec<&str> =
        words.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == ',')).filter(|word| !word.is_empty()).collect();
    let about = |word: &&str| ["block", "blocks", "range", "ranges", "size"].contains(word);
    let not_about = |word: &&str| ["results", "result", "logs", "log", "mb", "bytes", "response", "ms", "s", "seconds"].contains(word);
    words.iter().enumerate().find_map(|(place, word)| {
        let (digits, thousands) = word.strip_suffix('k').map_or((*word, 1), |digits| (digits, 1_000));
        let number: u64 = digits.replace(',', "").parse().ok()?;
        let after = words.get(place.saturating_add(1)..).unwrap_or_default();
        let before = words.get(..place).unwrap_or_default();
        if after.iter().take(1).any(not_about) {
            return None;
        }
        let near = after.iter().take(2).any(about) || before.iter().rev().take(3).any(about);
        near.then(|| number.checked_mul(thousands)).flatten().filter(|number| *number > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nodes and providers say, and how many blocks are asked for after 20,000 were refused. Sources: java-tron (`LogFilterWrapper`,
    /// `LogMatch`), reth (`EthFilterError`), besu (`EXCEEDS_RPC_MAX_BLOCK_RANGE`), and answers of the providers' that clients of theirs
    /// have recorded publicly.
    #[test]
    fn refusals_are_understood() {
        for (words, asked_next) in [
            ("exceed max block range: 5000", 5_000),                                                 // java-tron
            ("query returned more than 10000 results", 10_000),                                      // java-tron, Infura: half
            ("query returned more than 10000 results. Try with this block range [0x10, 0x1f].", 16), // Infura
            (
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, \
              or you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size \
              limit, this block range should work: [0xc5dc00, 0xc5dcff]",
                256,
            ), // Alchemy
            ("You can make eth_getLogs requests with up to a 2K block range", 2_000),                // Alchemy
            ("Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.", 10),
            ("query exceeds max results 20000, retry with the range 24383075-24383096", 22), // reth
            ("query exceeds max block range 1000", 1_000),                                   // reth
            ("Requested range exceeds maximum RPC range limit", 10_000),                     // besu
            ("eth_getLogs is limited to a 10,000 range", 10_000),                            // QuickNode
            ("eth_getLogs and eth_newFilter are limited to 1024 blocks range", 1_024),       // BlockPI
            ("exceed maximum block range: 50000", 10_000),                                   // bsc; more than was asked for
            ("block range is too wide", 10_000),                                             // Ankr
            ("block range too large, max range: 800", 800),                                  // Cloudflare
            ("please limit the query to at most 1000 blocks", 1_000),                        // Coinbase
            ("ranges over 10000 blocks are not supported on freetier", 10_000),              // dRPC
            ("Block range limit exceeded.", 10_000),                                         // Chainstack
            ("backend response too large", 10_000),                                          // Base
            ("query timeout exceeded", 10_000),                                              // geth
            ("Response exceeds the limit of 26214400", 10_000),                              // java-tron
            ("limit exceeded", 10_000),
            ("", 10_000),
            ("[0x, 0x]", 10_000),
            ("range [0x5, 0x4] 99999999999999999999999 blocks", 10_000),
        ] {
            let mut appetite = Appetite::new((20_000, 20_000));
            assert!(appetite.refused(20_000, words));
            assert_eq!(appetite.size(), asked_next, "{words}");
        }
        // What is proposed is no less than what was asked for: half of that.
        assert_eq!(proposed("exceed max block range: 5000", 5_000), None);
    }

    #[test]
    fn being_asked_too_often_is_another_thing() {
        assert!(is_too_often(-32005, "daily request count exceeded, request rate limited"));
        assert!(is_too_often(429, "Your app has exceeded its compute units per second capacity"));
        assert!(!is_too_often(-32005, "limit exceeded"));
        assert!(!is_too_often(-32005, "query returned more than 10000 results"));
    }

    #[test]
    fn what_was_refused_is_not_asked_for_again_for_a_while() {
        let mut appetite = Appetite::new((100, 500));
        while appetite.size() < 500 {
            appetite.answered(appetite.size());
        }
        assert!(appetite.refused(500, "exceed max block range: 200"));
        for _ in 0..PATIENCE {
            assert!(appetite.size() <= 200, "{appetite:?}");
            appetite.answered(appetite.size());
        }
        appetite.answered(appetite.size());
        appetite.answered(appetite.size());
        assert!(appetite.size() > 200, "{appetite:?}");
        // Half each time, down to one and no further.
        let mut halvings = 0;
        while appetite.refused(appetite.size(), "") {
            halvings += 1;
        }
        assert!(appetite.size() == 1 && halvings < 10);
    }

    #[test]
    fn the_end_of_a_range_teaches_nothing() {
        let mut appetite = Appetite::new((100, 500));
        appetite.answered(3);
        assert_eq!(appetite.size(), 100);
    }
}
