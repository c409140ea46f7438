//! Server-Sent Events from the bytes of a stream (source: WHATWG HTML, "Interpreting an event stream"). It must not know what events mean,
//! nor where the bytes come from; however they are cut into pieces, the same frames come out.

use std::collections::VecDeque;
use std::time::Duration;

/// The longest event that is held in memory. The longest real one, with 8 KiB of metadata, is below 32 KiB.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// An event, ended by its empty line.
    Event {
        /// The last id that was given, with this event or before it.
        id: String,
        /// Its data, without the end of its last line.
        data: Vec<u8>,
    },
    /// Nothing has happened, but reading would go on from here.
    At(String),
    /// How long to wait before connecting again.
    Retry(Duration),
}

/// The stream holds an event that is too long to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLong;

/// Reads a stream from its first byte.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    line: Vec<u8>,
    /// The last byte ended a line with CR: an LF that follows belongs to it.
    after_cr: bool,
    begun: bool,
    data: Vec<u8>,
    has_data: bool,
    id: String,
    /// The id as it was when it was last told.
    told: String,
    ready: VecDeque<Frame>,
}

impl Frames {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// If they make an event too long; the stream is of no use then.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + self.data.len() + part.len() > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if let Some((ending, rest)) = rest.split_first() {
                self.after_cr = *ending == b'\r';
                let line = std::mem::take(&mut self.line);
                self.take(&line);
                bytes = rest;
            } else {
                bytes = rest;
            }
        }
        Ok(())
    }

    /// The next frame that is complete.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    fn take(&mut self, line: &[u8]) {
        let line = if std::mem::replace(&mut self.begun, true) { line } else { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) };
        if line.is_empty() {
            return self.dispatch();
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => self.id = String::from_utf8_lossy(value).into_owned(),
            b"retry" => {
                let millis = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                self.ready.extend(millis.and_then(|text| text.parse().ok()).map(|millis| Frame::Retry(Duration::from_millis(millis))));
            }
            // A comment, a type (which the data says too), or what later versions of the form may add.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let is_told = self.told == self.id;
        self.told.clone_from(&self.id);
        if std::mem::take(&mut self.has_data) {
            self.ready.push_back(Frame::Event { id: self.id.clone(), data: std::mem::take(&mut self.data) });
        } else if !is_told {
            self.ready.push_back(Frame::At(self.id.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, data: &str) -> Frame {
        Frame::Event { id: id.to_owned(), data: data.as_bytes().to_vec() }
    }

    fn frames(text: &[u8], piece: usize) -> Vec<Frame> {
        let mut frames = Frames::default();
        for piece in text.chunks(piece) {
            frames.push(piece).unwrap();
        }
        std::iter::from_fn(|| frames.next()).collect()
    }

    #[test]
    fn however_it_is_cut_it_says_the_same() {
        let text = "\u{feff}retry: 1000\nid: a-0\n\n: alive\n\nid: a-1\nevent: order.completed\ndata: {\"x\": 1}\n\n\
                    data:{}\r\n\r\nid: a-3\rdata: one\rdata:\rdata:  two\r\rid: a-4\n\n: alive\nid\n\nid: a\0b\nretry: 1s\nother: x\ndata\n\n\
                    id: a-9\ndata: not ended\n";
        let expected = [
            Frame::Retry(Duration::from_secs(1)),
            Frame::At("a-0".to_owned()),
            event("a-1", "{\"x\": 1}"),
            event("a-1", "{}"),
            event("a-3", "one\n\n two"),
            Frame::At("a-4".to_owned()),
            Frame::At(String::new()),
            event("", ""),
        ];
        for piece in 1..=text.len() {
            assert_eq!(frames(text.as_bytes(), piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_has_no_end_is_not_held() {
        let mut frames = Frames::default();
        let piece = [b'x'; 1024];
        let taken = (0..).map_while(|_| frames.push(&piece).ok()).count();
        assert_eq!(taken, EVENT_BYTES_MAX / piece.len());
        let mut frames = Frames::default();
        let taken = (0..)
            .map_while(|_| frames.push(b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n").ok())
            .count();
        assert!(taken < EVENT_BYTES_MAX / 70);
    }
}
