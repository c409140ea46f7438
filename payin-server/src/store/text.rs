//! Text that people search: folded in Rust, so that both engines find the same whatever their locale.

/// Lower case, letter by letter: the language's rule for a Greek sigma at a word's end would hide parts of words.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A LIKE pattern that finds a text literally, folded as the column is.
#[must_use]
pub fn contains(part: &str) -> String {
    let literal = folded(part).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{literal}%")
}
