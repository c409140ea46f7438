//! Rust, as far as the rules must understand it: code without comments, literals and tests; words in it, and where.

use super::File;

/// A Rust file taken apart, its lines where they were.
pub(super) struct Rust<'a> {
    pub(super) path: &'a str,
    /// Without comments, without what stands in literals, without test-only items.
    pub(super) code: String,
    /// The texts of string literals outside test-only items, each with the line it begins on.
    pub(super) literals: Vec<(usize, String)>,
}

pub(super) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.starts_with("fuzz/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The Rust files that are not tests.
pub(super) fn product(files: &[File]) -> impl Iterator<Item = Rust<'_>> {
    files.iter().filter(|file| file.path.ends_with(".rs") && !is_test_file(&file.path)).map(|file| {
        let (code, literals) = take_apart(&file.text);
        let kept = without_tests(&code);
        let is_kept = |line: usize| kept.lines().nth(line - 1) == code.lines().nth(line - 1);
        let literals = literals.into_iter().filter(|(line, _)| is_kept(*line)).collect();
        Rust { path: &file.path, code: kept, literals }
    })
}

/// Code with comments and the insides of literals blanked, and the string literals.
pub(super) fn take_apart(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let blank = |from: usize, to: usize| chars[from..to].iter().map(|c| if *c == '\n' { '\n' } else { ' ' });
    let (mut code, mut literals, mut line, mut at) = (String::new(), Vec::new(), 1, 0);
    while at < chars.len() {
        let end = if let Some((from, to, end)) = string_at(&chars, at) {
            literals.push((line, chars[from..to].iter().collect()));
            end
        } else if let Some(end) = comment_at(&chars, at).or_else(|| char_at(&chars, at)) {
            end
        } else {
            code.push(chars[at]);
            line += usize::from(chars[at] == '\n');
            at += 1;
            continue;
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        code.extend(blank(at, end));
        at = end;
    }
    (code, literals)
}

/// Where a string literal's text begins and ends, and where the literal ends.
fn string_at(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    let raw = chars[at] == 'r';
    let hashes = if raw { chars[at + 1..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let from = at + usize::from(raw) + hashes + 1;
    if chars.get(from - 1) != Some(&'"') {
        return None;
    }
    let mut to = from;
    while to < chars.len() {
        match chars[to] {
            '\\' if !raw => to += 1,
            '"' if chars[to + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => break,
            _ => {}
        }
        to += 1;
    }
    let end = (to + 1 + hashes).min(chars.len());
    Some((from, to.min(end), end))
}

fn comment_at(chars: &[char], at: usize) -> Option<usize> {
    let pair = |at: usize| (chars.get(at).copied(), chars.get(at + 1).copied());
    match pair(at) {
        (Some('/'), Some('/')) => Some(chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)),
        (Some('/'), Some('*')) => {
            let (mut depth, mut end) = (1, at + 2);
            while depth > 0 && end < chars.len() {
                match pair(end) {
                    (Some('*'), Some('/')) => (depth, end) = (depth - 1, end + 1),
                    (Some('/'), Some('*')) => (depth, end) = (depth + 1, end + 1),
                    _ => {}
                }
                end += 1;
            }
            Some(end.min(chars.len()))
        }
        _ => None,
    }
}

/// The end of a character literal; a lifetime is none.
fn char_at(chars: &[char], at: usize) -> Option<usize> {
    match (chars[at], chars.get(at + 1), chars.get(at + 2)) {
        ('\'', Some('\\'), Some(_)) => chars[at + 3..].iter().position(|c| *c == '\'').map(|length| at + 4 + length),
        ('\'', Some(_), Some('\'')) => Some(at + 3),
        _ => None,
    }
}

fn without_tests(code: &str) -> String {
    let (mut kept, mut rest) = (String::new(), code);
    while let Some((before, item)) = rest.find("#[cfg(test)]").map(|at| rest.split_at(at)) {
        let (gone, after) = item.split_at(item_end(item));
        kept.push_str(before);
        kept.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    kept + rest
}

/// The end of the item at the beginning of a text: its closing brace, or its semicolon if that comes before any brace.
pub(super) fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

pub(super) fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a word stands, not as a part of a longer one: its line, and what follows it.
pub(super) fn places<'a>(text: &'a str, word: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let found: Vec<usize> = text.match_indices(word).map(|(at, _)| at).collect();
    let (opens, closes, length) = (word.starts_with(is_of_name), word.ends_with(is_of_name), word.len());
    found.into_iter().filter_map(move |at| {
        let (before, after) = (&text[..at], &text[at + length..]);
        let part = opens && before.ends_with(is_of_name) || closes && after.starts_with(is_of_name);
        (!part).then(|| (before.matches('\n').count() + 1, after))
    })
}

pub(super) fn first_name(text: &str) -> &str {
    text.split(|c| !is_of_name(c)).next().unwrap_or_default()
}
