//! Cuts a list of addresses into pieces of so many lines, each with the header that the whole has. Only one piece is in memory.

use std::io::BufRead;

use super::super::lines::{Lines, column_of_addresses};
use crate::failure::Failure;

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
    lines: Lines<R>,
    lines_max: u64,
    from: u64,
    header: Option<String>,
    /// Whether a line with something in it was read: only the first such can be the header.
    begun: bool,
}

impl<R: BufRead> Chunks<R> {
    /// Pieces of at most `lines_max` lines, beginning with line `from`.
    pub fn new(reader: R, lines_max: u64, from: u64) -> Self {
        Self { lines: Lines::new(reader), lines_max, from, header: None, begun: false }
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
            let Some(line) = self.lines.next()? else { break };
            let is_empty = line.trim().is_empty();
            let is_first = !is_empty && !self.begun;
            self.begun |= !is_empty;
            if is_first && column_of_addresses(&line).is_some() {
                self.header = Some(line);
                continue;
            }
            if self.lines.number < self.from {
                continue;
            }
            if lines == 0 {
                chunk.first = self.lines.number;
                chunk.text = self.header.as_ref().map(|header| format!("{header}\n")).unwrap_or_default();
                chunk.has_header = self.header.is_some();
            }
            chunk.text.push_str(&line);
            chunk.text.push('\n');
            chunk.last = self.lines.number;
            chunk.addresses = chunk.addresses.saturating_add(u64::from(!is_empty));
            lines = lines.saturating_add(1);
        }
        if lines == 0 {
            chunk.first = 1;
        }
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests;
