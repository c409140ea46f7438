//! Streams of events, however they are cut into pieces: the SDK hears what a plain reading of the whole text says (WHATWG HTML, "Interpreting
//! an event stream"), each event with the cursor behind it, none twice in a row.
#![no_main]

use futures_util::FutureExt as _;
use libfuzzer_sys::fuzz_target;
use payin_fuzz::server::Server;
use payin_sdk::{Error, Event, Heard, StreamEvents};

/// What is heard, up to where the stream ends or holds what is no event.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Event(String, Vec<u8>),
    At(String),
    NoEvent,
}

/// The whole text at once, line by line.
fn plainly(text: &[u8]) -> Vec<Said> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let (mut lines, mut line, mut bytes) = (Vec::new(), Vec::new(), text.iter().peekable());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                let _ = bytes.next_if(|next| **next == b'\n');
                lines.push(std::mem::take(&mut line));
            }
            b'\n' => lines.push(std::mem::take(&mut line)),
            byte => line.push(*byte),
        }
    }
    let (mut said, mut id, mut told, mut cursor, mut data) = (Vec::new(), String::new(), String::new(), None, None::<Vec<u8>>);
    for line in lines {
        let field = line.splitn(2, |byte| *byte == b':').collect::<Vec<_>>();
        let value = field.get(1).copied().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field[0] {
            b"" if line.is_empty() => match data.take() {
                Some(data) if cursor.as_ref() == Some(&id) => drop(data),
                Some(data) if serde_json::from_slice::<Event>(&data).is_err() => {
                    said.push(Said::NoEvent);
                    return said;
                }
                Some(data) => {
                    (cursor, told) = (Some(id.clone()), id.clone());
                    said.push(Said::Event(id.clone(), data));
                }
                None if told != id => {
                    (cursor, told) = (Some(id.clone()), id.clone());
                    said.push(Said::At(id.clone()));
                }
                None => {}
            },
            b"data" => data = Some(data.map_or(value.to_vec(), |data| [data.as_slice(), b"\n", value].concat())),
            b"id" if !value.contains(&0) => id = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
    }
    said
}

/// What the SDK hears of it in pieces.
fn heard(text: &[u8], piece: usize) -> Vec<Said> {
    let mut live = Server::streams(text, piece).client().webhook_events().live(StreamEvents::default());
    let mut said = Vec::new();
    loop {
        match live.next().now_or_never().expect("nothing is waited for") {
            Ok(Heard::Connected) => {}
            Ok(Heard::Event(event)) => said.push(Said::Event(event.cursor, event.body.to_vec())),
            Ok(Heard::At(cursor)) => said.push(Said::At(cursor)),
            Ok(Heard::Cut { .. }) => return said,
            Err(Error::Decode { .. }) => {
                said.push(Said::NoEvent);
                return said;
            }
            other => panic!("{other:?}"),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (piece, text) = data.split_first().map_or((1, data), |(piece, text)| (usize::from(*piece).max(1), text));
    let plain = plainly(text);
    for piece in [piece, 1, text.len().max(1)] {
        assert_eq!(heard(text, piece), plain, "in pieces of {piece}");
    }
});
