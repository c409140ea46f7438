//! Reading a list of addresses as people have them: one a line, or CSV in any of the vendor's forms. All or nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use payin_types::pool::{DerivationRange, ImportError};
use payin_types::{ErrorCode, Protocol};
use serde_json::json;

use crate::Error;
use crate::address::Address;
use crate::error::{shown, shown_up_to};
use crate::xpub::{self, LEAKED, looks_secret};

/// The longest extended public key has 112 characters.
const KEY_CHARS_MAX: usize = 128;
/// The longest line looked at: the vendor's four columns take less than 200 characters.
const LINE_BYTES_MAX: usize = 4096;
/// How many bad lines are listed; the rest is counted.
const LISTED_MAX: usize = 100;

/// What a text held.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The addresses, in order, each once.
    pub lines: Vec<Line>,
    /// Lines that repeat an earlier one.
    pub repeated: u64,
    /// The smallest and the largest index, where any was stated.
    pub indices: Option<DerivationRange>,
    /// The extended public key, where all lines state the same.
    pub master_public_key: Option<String>,
}

/// An address, and what its line says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which line, from 1, counting the header.
    pub number: u64,
    /// The address.
    pub address: Address,
    /// Its index in the wallet it comes from.
    pub derivation_index: Option<u32>,
}

/// Reads `text` for a family. `token_contracts` are addresses that must not be in a pool: money sent there is gone.
///
/// Accepted: a header naming a column `address` (any order, any further columns), or one address a line without header. Empty lines
/// are passed over; fields may be quoted.
///
/// # Errors
/// `VALIDATION_ERROR` with the bad lines, counted from 1 with the header.
pub fn read(protocol: &Protocol, text: &str, token_contracts: &BTreeSet<Address>) -> Result<Import, Error> {
    // Spreadsheets begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().zip(1u64..).map(|(line, number)| (number, line)).filter(|(_, line)| !line.trim().is_empty()).peekable();
    let mut columns = Columns::default();
    if let Some((number, _)) = text.lines().zip(1u64..).map(|(line, number)| (number, line)).find(|(_, line)| line.len() > LINE_BYTES_MAX) {
        return Err(Error::field("addresses", format!("line {number} has more than {LINE_BYTES_MAX} bytes")));
    }
    if let Some(header) = lines.peek().map(|(_, line)| Columns::of_header(line)).transpose()?.flatten() {
        columns = header;
        lines.next();
    }
    let (mut reading, mut bad, mut bad_count) = (Reading::default(), Vec::new(), 0usize);
    for (number, line) in lines {
        let fields = fields(line);
        let read = columns.read(&fields, protocol, token_contracts);
        if let Err(error) = read.and_then(|read| reading.add(number, read)) {
            bad_count = bad_count.saturating_add(1);
            if bad.len() < LISTED_MAX {
                bad.push(bad_line(number, &fields, columns.address, error));
            }
        }
    }
    if bad_count > 0 {
        let message = format!(
            "{bad_count} of the lines hold no usable {protocol} address, so nothing was imported; details lists the first {LISTED_MAX}"
        );
        return Err(Error::new(ErrorCode::ValidationError, message).details(json!(bad)));
    }
    if reading.lines.is_empty() {
        return Err(Error::field("addresses", "holds no address: give one a line, or CSV with a column named address"));
    }
    Ok(reading.done())
}

/// A bad line, told without repeating what nobody may see: people paste private keys where addresses belong, and answers are kept and logged.
fn bad_line(line: u64, fields: &[Cow<'_, str>], address: usize, error: String) -> ImportError {
    if fields.iter().any(|field| looks_secret(field)) {
        return ImportError { line, address: "[hidden]".to_owned(), error: LEAKED.to_owned() };
    }
    ImportError { line, address: shown_up_to(at(fields, address), 44), error }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    seen: BTreeSet<Address>,
    lines: Vec<Line>,
    repeated: u64,
    indices: Option<DerivationRange>,
    /// The keys stated, until there are two.
    keys: BTreeSet<Option<String>>,
}

/// What a line says.
struct Stated {
    address: Address,
    index: Option<u32>,
    key: Option<String>,
}

impl Reading {
    fn add(&mut self, number: u64, Stated { address, index, key }: Stated) -> Result<(), String> {
        if !self.seen.insert(address.clone()) {
            self.repeated = self.repeated.saturating_add(1);
            return Ok(());
        }
        if !self.keys.contains(&key) {
            // Only here, because it costs a curve point: files repeat one key on each of 100,000 lines.
            key.as_deref().map_or(Ok(()), check_key)?;
            if self.keys.len() < 2 {
                self.keys.insert(key);
            }
        }
        if let Some(index) = index.map(u64::from) {
            let range = self.indices.get_or_insert(DerivationRange { start: index, end: index });
            *range = DerivationRange { start: range.start.min(index), end: range.end.max(index) };
        }
        self.lines.push(Line { number, address, derivation_index: index });
        Ok(())
    }

    fn done(self) -> Import {
        let mut keys = self.keys.into_iter();
        let master_public_key = match (keys.next(), keys.next()) {
            (Some(key), None) => key,
            _ => None,
        };
        Import { lines: self.lines, repeated: self.repeated, indices: self.indices, master_public_key }
    }
}

/// Whether a text is a wallet's public key: an extended one or, of Solana, whose wallets have none, a plain one.
fn check_key(text: &str) -> Result<(), String> {
    // Decoding takes the square of a text's length.
    if text.len() > KEY_CHARS_MAX {
        return Err(format!("master_public_key: must be at most {KEY_CHARS_MAX} characters"));
    }
    let plain = bs58::decode(text).into_vec().is_ok_and(|bytes| bytes.len() == 32);
    if plain { Ok(()) } else { xpub::check(text).map_err(|error| format!("master_public_key: {error}")) }
}

/// Where what stands.
#[derive(Default)]
struct Columns {
    address: usize,
    protocol: Option<usize>,
    index: Option<usize>,
    key: Option<usize>,
}

impl Columns {
    /// The columns of a header; nothing if the line is none.
    fn of_header(line: &str) -> Result<Option<Self>, Error> {
        let names: Vec<String> = fields(line).iter().map(|name| name.to_ascii_lowercase()).collect();
        let at = |wanted: &str| names.iter().position(|name| name == wanted);
        let Some(address) = at("address") else { return Ok(None) };
        if let Some(name) = names.iter().find(|name| ["private", "secret", "mnemonic", "seed"].iter().any(|word| name.contains(word))) {
            let message = format!(
                "has a column '{}': treat those keys as leaked, move their funds, and send addresses and public keys only",
                shown(name)
            );
            return Err(Error::field("addresses", message));
        }
        Ok(Some(Self { address, protocol: at("protocol"), index: at("derivation_index"), key: at("master_public_key") }))
    }

    fn read(&self, fields: &[Cow<'_, str>], protocol: &Protocol, token_contracts: &BTreeSet<Address>) -> Result<Stated, String> {
        let stated = |column: Option<usize>| column.map(|column| at(fields, column)).filter(|stated| !stated.is_empty());
        if let Some(stated) = stated(self.protocol).filter(|stated| !stated.eq_ignore_ascii_case(protocol.as_str())) {
            return Err(format!("the line says protocol {}, the import is for {protocol}", shown(stated)));
        }
        let text = at(fields, self.address);
        let address = Address::parse(protocol, text).map_err(|error| match xpub::check(text) {
            Ok(()) => "this is an extended public key: to derive addresses from it, send it as xpub".to_owned(),
            Err(_) => error.to_string(),
        })?;
        if token_contracts.contains(&address) {
            return Err("this is a token's contract: money sent to it is lost".to_owned());
        }
        let index = stated(self.index).map(index).transpose()?;
        Ok(Stated { address, index, key: stated(self.key).map(str::to_owned) })
    }
}

/// A field; nothing where the line ends before it.
fn at<'a>(fields: &'a [Cow<'_, str>], column: usize) -> &'a str {
    fields.get(column).map_or("", AsRef::as_ref)
}

fn index(text: &str) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| "derivation_index must be a whole number from 0 to 4294967295".to_owned())
}

/// The fields of a line, without the spaces and quotes around them. Within quotes a comma is text, and two quotes are one.
fn fields(line: &str) -> Vec<Cow<'_, str>> {
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let mut quoted = false;
        let end = rest.find(|c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        let (field, behind) =
            end.and_then(|end| rest.split_at_checked(end)).map_or((rest, None), |(field, behind)| (field, behind.get(1..)));
        fields.push(unquoted(field));
        match behind {
            Some(behind) => rest = behind,
            None => return fields,
        }
    }
}

fn unquoted(field: &str) -> Cow<'_, str> {
    let field = field.trim();
    match field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) if inner.contains('"') => Cow::Owned(inner.replace("\"\"", "\"").trim().to_owned()),
        Some(inner) => Cow::Borrowed(inner.trim()),
        None => Cow::Borrowed(field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
    const B: &str = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";

    fn evm(text: &str) -> Result<Import, Error> {
        read(&Protocol::Evm, text, &BTreeSet::new())
    }

    const KEY: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";

    #[test]
    fn every_documented_form() {
        for (text, has_indices, has_key) in [
            (format!("{A}\n{B}\n"), false, false),
            (format!("address\r\n{A}\r\n\r\n{B}"), false, false),
            (format!("\u{feff}address,derivation_index\n{A},4\n{B},2"), true, false),
            (format!("address,derivation_index,protocol,master_public_key\n{A},2,evm,{KEY}\n{B},4,evm,{KEY}"), true, true),
            (format!("address,protocol,derivation_index,master_public_key\n{A},evm,,\n{B},EVM,,"), false, false),
            (format!("\"protocol\",\"address\"\n\"evm\",\"{A}\"\n\"evm\",\"{B}\""), false, false),
            (format!(" label , Address ,DERIVATION_INDEX\r\n\"Smith, \"\"J\"\"\", \"{A}\" , \" 2\"\r\n,{B},\"4\"\r\n"), true, false),
        ] {
            let import = evm(&text).unwrap();
            assert_eq!(import.lines.iter().map(|line| line.address.as_str()).collect::<Vec<_>>(), [A, B], "{text}");
            assert_eq!(import.indices, has_indices.then_some(DerivationRange { start: 2, end: 4 }), "{text}");
            assert_eq!(import.lines.iter().filter(|line| line.derivation_index.is_some()).count(), if has_indices { 2 } else { 0 });
            assert_eq!(import.master_public_key.as_deref(), has_key.then_some(KEY), "{text}");
        }
    }

    #[test]
    fn what_a_line_says_of_its_address_is_checked() {
        let coin = "xpub6AmukNpN4yyPLhoxodeZnq8jGbGmwqLveeym8dLD4p8RVCpNjLfkcLvgWH9kQjSgLwFQBQDHn7297uNnCC8QHHZiCZV3DnDAxPi4GrczKnr";
        let head = "address,derivation_index,master_public_key";
        let import = evm(&format!("{head}\n{A},4294967295,{KEY}\n{B},,{coin}\n{B},x,x")).unwrap_err();
        assert!(import.details.unwrap().to_string().contains("whole number"));
        for rest in [coin, ""] {
            let import = evm(&format!("{head}\n{A},4294967295,{KEY}\n{B},,{rest}")).unwrap();
            assert_eq!(import.master_public_key, None, "they differ");
            assert_eq!(import.indices, Some(DerivationRange { start: 4_294_967_295, end: 4_294_967_295 }));
        }
        for (index, key, says) in [
            ("-1", "", "whole number"),
            ("+1", "", "whole number"),
            ("4294967296", "", "whole number"),
            ("1.5", "", "whole number"),
            ("0", "xpub", "master_public_key: must be an extended public key"),
            ("0", KEY.get(..110).unwrap(), "master_public_key"),
        ] {
            let error = evm(&format!("{head}\n{B},1,{KEY}\n{A},{index},{key}")).unwrap_err();
            let details = error.details.unwrap().to_string();
            assert!(details.contains(says) && details.contains("\"line\":3"), "{details}");
        }
        let solana = "DYw8jCTfwHNRJhhmFcbXvVDTqWMEVFBX6ZKUmG5CNSKK";
        let import = read(&Protocol::Solana, &format!("{head}\n{solana},0,{solana}"), &BTreeSet::new()).unwrap();
        assert_eq!(import.master_public_key.as_deref(), Some(solana));
        let error = evm(KEY).unwrap_err();
        assert!(error.details.unwrap().to_string().contains("send it as xpub"));
    }

    #[test]
    fn repeated_lines_are_counted_once() {
        let import = evm(&format!("{A}\n{}\n{B}", A.to_lowercase())).unwrap();
        assert_eq!((import.lines.len(), import.repeated), (2, 1));
    }

    #[test]
    fn bad_lines_are_listed_with_their_numbers_and_nothing_is_imported() {
        let error = evm(&format!("address\n{A}\n0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0\n\nnonsense")).unwrap_err();
        assert_eq!(error.code, ErrorCode::ValidationError);
        let lines: Vec<ImportError> = serde_json::from_value(error.details.unwrap()).unwrap();
        assert_eq!(lines.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3, 5]);
        assert!(lines[0].error.contains("checksum"));
        assert!(evm("").is_err());
        assert!(evm("address\n").is_err());
        assert!(evm(&format!("address,protocol\n{A},tron")).is_err());
    }

    #[test]
    fn a_pasted_private_key_is_not_repeated() {
        let seed = "abandon ability able about above absent absorb abstract absurd abuse access accident";
        for secret in ["0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318", &"ab".repeat(32), &"5K".repeat(44), seed] {
            let error = evm(&format!("{A}\n{secret}")).unwrap_err();
            assert!(!format!("{error:?}").contains(secret.get(..10).unwrap()), "{error:?}");
            assert!(error.details.unwrap().to_string().contains("leaked"));
        }
        let xprv = "xprv9zDSoJv1aBcjX6sNgEpE2J9K6MV2MUnXuqXsFgzVn3zY2aHyupaFQdYCtdCbNMkvcTdx9FeN49sgXw6mjrhrFLRSzJVnRYPfSCCgjeg4GxY";
        for text in [xprv.to_owned(), format!("address,master_public_key\n{A},{xprv}"), format!("address,protocol\n{A},{xprv}")] {
            let error = evm(&text).unwrap_err();
            assert!(!format!("{error:?}").contains("xprv") && error.details.unwrap().to_string().contains("leaked"));
        }
        // A wallet's export with the keys in it.
        for column in ["private_key", "Private Key", "mnemonic", "seed phrase"] {
            let error = evm(&format!("address,{column}\n{A},")).unwrap_err();
            assert!(error.message.contains("leaked"), "{}", error.message);
        }
    }

    #[test]
    fn a_token_contract_is_no_pool_address() {
        let contracts = BTreeSet::from([Address::parse(&Protocol::Evm, A).unwrap()]);
        assert!(read(&Protocol::Evm, A, &contracts).is_err());
    }

    proptest! {
        #[test]
        fn reading_is_total(text in "(\\PC|\n|,|\"){0,200}") {
            let _ = evm(&text);
        }
    }

    #[test]
    fn what_no_file_has_is_refused_before_it_costs_anything() {
        let none = BTreeSet::new();
        let read = |text: String| read(&Protocol::Evm, &text, &none).unwrap_err();
        let address = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
        // Decoding base58 takes the square of its length: these would take minutes.
        let key = read(format!("address,master_public_key\n{address},xpub{}", "2".repeat(4000)));
        assert!(key.details.unwrap().to_string().contains("at most 128"), "{}", key.message);
        let line = read(format!("address\n{address},{}", ",".repeat(1_000_000)));
        assert!(line.message.contains("line 2 has more than"), "{}", line.message);
        // A key within other text is a key.
        let leaked = read(format!("key={}", "ab".repeat(32)));
        assert!(leaked.details.unwrap().to_string().contains("[hidden]"));
    }
}
