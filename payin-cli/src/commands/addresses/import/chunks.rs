//! Cuts a list of addresses into pieces of so many lines, each with the header that the whole has. Only one piece is in memory.

use std::io::{BufRead, Read};

use crate::failure::Failure;

/// The longest line that is read: what is longer is no list of addresses.
const LINE_MAX: usize = 16 * 1024;

/// The most text in a piece; servers take 5 MiB.
const TEXT_MAX: usize = 2 * 1024 * 1024;

/// Some lines of the file, one after the other.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The header, if there is one, and the lines.
    pub text: String,
    /// The number that its first line has in the file.
    pub first: u64,
    /// The number of its last line.
    pub last: u64,
    /// How many of its lines are not empty.
    pub addresses: u64,
    has_header: bool,
}

impl Chunk {
    /// The file's number of a line of this text, from 1.
    pub fn line_of(&self, line: u64) -> u64 {
        let before = if self.has_header { 2 } else { 1 };
        if line < before { 1 } else { self.first.saturating_add(line.saturating_sub(before)) }
    }
}

/// A list of addresses, piece by piece.
#[derive(Debug)]
pub struct Chunks<R> {
    reader: R,
    lines_max: u64,
    from: u64,
    header: Option<String>,
    /// The number of the last line read.
    line: u64,
    /// Whether a line with something in it was read: only the first such can be the header.
    begun: bool,
}

impl<R: BufRead> Chunks<R> {
    /// Pieces of at most `lines_max` lines, beginning with line `from`.
    pub fn new(reader: R, lines_max: u64, from: u64) -> Self {
        Self { reader, lines_max, from, header: None, line: 0, begun: false }
    }

    pub fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// The next piece that holds an address.
    pub fn next(&mut self) -> Result<Option<Chunk>, Failure> {
        loop {
            let chunk = self.piece()?;
            if chunk.addresses > 0 {
                return Ok(Some(chunk));
            }
            if chunk.last < chunk.first {
                return Ok(None);
            }
        }
    }

    fn piece(&mut self) -> Result<Chunk, Failure> {
        let mut chunk = Chunk { text: String::new(), first: 0, last: 0, addresses: 0, has_header: false };
        let mut lines = 0u64;
        while lines < self.lines_max && chunk.text.len() < TEXT_MAX {
            let Some(line) = self.line()? else { break };
            let is_empty = line.trim().is_empty();
            let is_first = !is_empty && !self.begun;
            self.begun |= !is_empty;
            if is_first && names_addresses(&line) {
                self.header = Some(line);
                continue;
            }
            if self.line < self.from {
                continue;
            }
            if lines == 0 {
                chunk.first = self.line;
                chunk.text = self.header.as_ref().map(|header| format!("{header}\n")).unwrap_or_default();
                chunk.has_header = self.header.is_some();
            }
            chunk.text.push_str(&line);
            chunk.text.push('\n');
            chunk.last = self.line;
            chunk.addresses = chunk.addresses.saturating_add(u64::from(!is_empty));
            lines = lines.saturating_add(1);
        }
        if lines == 0 {
            chunk.first = 1;
        }
        Ok(chunk)
    }

    /// The next line without its end, and without the mark that spreadsheets put before the first.
    fn line(&mut self) -> Result<Option<String>, Failure> {
        let number = self.line.saturating_add(1);
        let mut bytes = Vec::new();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut bytes);
        read.map_err(|error| Failure::usage(format!("cannot read line {number}: {error}")))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() == LINE_MAX && !bytes.ends_with(b"\n") {
            return Err(Failure::usage(format!("line {number} is longer than {LINE_MAX} bytes: this is no list of addresses")));
        }
        let text = String::from_utf8(bytes).map_err(|_| Failure::usage(format!("line {number} is not UTF-8 text")))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        self.line = number;
        Ok(Some(text.to_owned()))
    }
}

/// Whether a line is a header, as the server sees it: one of its fields is `address`.
fn names_addresses(line: &str) -> bool {
    line.split(',').any(|name| name.trim().trim_matches('"').eq_ignore_ascii_case("address"))
}

#[cfg(test)]
mod tests;
