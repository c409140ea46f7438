//! Lists of addresses as people have them, a line at a time: from a file or standard input, with or without a header. It must not judge
//! what stands in them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::failure::Failure;

/// The longest line that is read: what is longer is no list of addresses.
pub const LINE_MAX: usize = 16 * 1024;

/// A file, or standard input for `-`.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The lines of a text.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    /// The number of the last line read.
    pub number: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line without its end, and without the mark that spreadsheets put before the first.
    pub fn next(&mut self) -> Result<Option<String>, Failure> {
        let number = self.number.saturating_add(1);
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
        self.number = number;
        Ok(Some(text.to_owned()))
    }
}

/// The fields of a line, without the spaces and quotes around them. A comma within quotes is text.
pub fn fields(line: &str) -> Vec<&str> {
    let mut quoted = false;
    let parts = line.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(|part| part.trim().trim_matches('"').trim()).collect()
}

/// Which field of a header is the address, as the server sees it; none if the line is no header.
pub fn column_of_addresses(line: &str) -> Option<usize> {
    fields(line).iter().position(|name| name.eq_ignore_ascii_case("address"))
}
