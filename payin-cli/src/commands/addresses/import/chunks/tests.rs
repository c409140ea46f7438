//! How a list is cut, and which line of the file a line of a piece is.

use super::super::super::lines::LINE_MAX;
use super::*;

fn cut(text: &str, lines: u64, from: u64) -> Vec<(String, u64, u64, u64)> {
    let mut chunks = Chunks::new(text.as_bytes(), lines, from);
    std::iter::from_fn(|| chunks.next().unwrap().map(|chunk| (chunk.text, chunk.first, chunk.last, chunk.addresses))).collect()
}

fn piece(text: &str, first: u64, last: u64, addresses: u64) -> (String, u64, u64, u64) {
    (text.to_owned(), first, last, addresses)
}

#[test]
fn a_list_without_header() {
    assert_eq!(cut("a\nb\r\nc", 2, 1), [piece("a\nb\n", 1, 2, 2), piece("c\n", 3, 3, 1)]);
    assert_eq!(cut("a\nb\n", 2, 1), [piece("a\nb\n", 1, 2, 2)]);
    assert_eq!(cut("\u{feff}a\n", 9, 1), [piece("a\n", 1, 1, 1)]);
    for nothing in ["", "\n", "\n\n \n\r\n", "address\n", "\u{feff}address,index\r\n\r\n"] {
        assert_eq!(cut(nothing, 2, 1), [], "{nothing:?}");
    }
}

#[test]
fn every_piece_has_the_header() {
    let text = "\u{feff}\"Address\",index\r\na,0\nb,1\nc,2\n";
    let header = "\"Address\",index\n";
    assert_eq!(cut(text, 2, 1), [piece(&format!("{header}a,0\nb,1\n"), 2, 3, 2), piece(&format!("{header}c,2\n"), 4, 4, 1)]);
    // Only the first line can be one: later it is a bad address.
    assert_eq!(cut("a\naddress\n", 9, 1), [piece("a\naddress\n", 1, 2, 2)]);
    assert_eq!(cut("\n\naddress\na\n", 1, 1), [piece("address\na\n", 4, 4, 1)]);
}

#[test]
fn empty_lines_keep_the_numbers_right() {
    assert_eq!(cut("a\n\n\nb\n\n\n\nc\n", 2, 1), [piece("a\n\n", 1, 2, 1), piece("\nb\n", 3, 4, 1), piece("\nc\n", 7, 8, 1)]);
    let mut chunks = Chunks::new("address\na\n\nb\nc\nd\n".as_bytes(), 2, 1);
    let first = chunks.next().unwrap().unwrap();
    assert_eq!([1, 2, 3].map(|line| first.line_of(line)), [1, 2, 3]);
    let second = chunks.next().unwrap().unwrap();
    assert_eq!([1, 2, 3].map(|line| second.line_of(line)), [1, 4, 5]);
    let third = chunks.next().unwrap().unwrap();
    assert_eq!(third.line_of(2), 6);
    let mut bare = Chunks::new("a\nb\nc\n".as_bytes(), 2, 1);
    bare.next().unwrap();
    assert_eq!(bare.next().unwrap().unwrap().line_of(1), 3);
}

#[test]
fn it_begins_where_it_is_told_to() {
    assert_eq!(cut("address\na\nb\nc\n", 9, 3), [piece("address\nb\nc\n", 3, 4, 2)]);
    assert_eq!(cut("a\nb\nc\n", 1, 3), [piece("c\n", 3, 3, 1)]);
    assert_eq!(cut("a\nb\n", 1, 9), []);
    assert_eq!(cut("address\na\n", 1, 1), cut("address\na\n", 1, 2));
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let fails = |bytes: &[u8]| {
        let mut chunks = Chunks::new(bytes, 9, 1);
        let Err(Failure::Told(report)) = chunks.next() else { panic!() };
        report.message
    };
    assert_eq!(fails(b"a\n\xff\n"), "line 2 is not UTF-8 text");
    assert!(fails(&vec![b'a'; LINE_MAX + 1]).starts_with("line 1 is longer"));
}

#[test]
fn a_piece_is_never_longer_than_servers_take() {
    let line = "a".repeat(LINE_MAX - 1) + "\n";
    let text = line.repeat(300);
    let pieces = cut(&text, 300, 1);
    assert!(pieces.len() > 1 && pieces.iter().all(|(text, ..)| text.len() <= TEXT_MAX + LINE_MAX));
    assert_eq!(pieces.iter().map(|(.., addresses)| addresses).sum::<u64>(), 300);
}
