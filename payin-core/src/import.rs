//! Reading a list of addresses as people have them: one a line, or CSV in any of the vendor's forms. All or nothing.

use std::collections::BTreeSet;

use payin_types::pool::ImportError;
use payin_types::{ErrorCode, Protocol};
use serde_json::json;

use crate::Error;
use crate::address::Address;
use crate::error::{shown, shown_up_to};

/// How many bad lines are listed; the rest is counted.
const LISTED_MAX: usize = 100;

/// What a text held.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The addresses, in order, each once, with their lines.
    pub addresses: Vec<(u64, Address)>,
    /// Lines that repeat an earlier one.
    pub repeated: u64,
}

/// Reads `text` for a family. `token_contracts` are addresses that must not be in a pool: money sent there is gone.
///
/// Accepted: a header naming a column `address` (any order, any further columns), or one address a line without header. Empty lines
/// are passed over; quotes around a field are removed.
///
/// # Errors
/// `VALIDATION_ERROR` with the bad lines, counted from 1 with the header.
pub fn read(protocol: &Protocol, text: &str, token_contracts: &BTreeSet<Address>) -> Result<Import, Error> {
    let mut lines = text.lines().zip(1u64..).map(|(line, number)| (number, line)).filter(|(_, line)| !line.trim().is_empty()).peekable();
    let mut columns = Columns { address: 0, protocol: None };
    if let Some(header) = lines.peek().and_then(|(_, line)| Columns::of_header(line)) {
        columns = header;
        lines.next();
    }
    let (mut seen, mut import, mut bad, mut bad_count) =
        (BTreeSet::new(), Import { addresses: Vec::new(), repeated: 0 }, Vec::new(), 0usize);
    for (number, line) in lines {
        match columns.read(line, protocol, token_contracts) {
            Ok(address) if seen.insert(address.clone()) => import.addresses.push((number, address)),
            Ok(_) => import.repeated = import.repeated.saturating_add(1),
            Err((address, error)) => {
                bad_count = bad_count.saturating_add(1);
                if bad.len() < LISTED_MAX {
                    bad.push(bad_line(number, &address, error));
                }
            }
        }
    }
    if bad_count > 0 {
        let message = format!(
            "{bad_count} of the lines hold no usable {protocol} address, so nothing was imported; details lists the first {LISTED_MAX}"
        );
        return Err(Error::new(ErrorCode::ValidationError, message).details(json!(bad)));
    }
    if import.addresses.is_empty() {
        return Err(Error::field("addresses", "holds no address: give one a line, or CSV with a column named address"));
    }
    Ok(import)
}

/// A bad line, told without repeating what nobody may see: people paste private keys where addresses belong, and answers are kept and logged.
fn bad_line(line: u64, text: &str, error: String) -> ImportError {
    if looks_secret(text) {
        let error = "this looks like a private key or a seed phrase: treat it as leaked, move its funds, and import addresses only";
        return ImportError { line, address: "[hidden]".to_owned(), error: error.to_owned() };
    }
    ImportError { line, address: shown_up_to(text, 44), error }
}

fn looks_secret(text: &str) -> bool {
    let hex = text.strip_prefix("0x").unwrap_or(text);
    let key_in_hex = hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = text.split_whitespace().count() >= 12;
    let long_word = text.len() > 48 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    key_in_hex || words || long_word
}

struct Columns {
    address: usize,
    protocol: Option<usize>,
}

impl Columns {
    fn of_header(line: &str) -> Option<Self> {
        let names: Vec<String> = line.split(',').map(|name| unquoted(name).to_ascii_lowercase()).collect();
        let at = |wanted: &str| names.iter().position(|name| name.trim_start_matches('\u{feff}') == wanted);
        at("address").map(|address| Self { address, protocol: at("protocol") })
    }

    fn read(&self, line: &str, protocol: &Protocol, token_contracts: &BTreeSet<Address>) -> Result<Address, (String, String)> {
        let fields: Vec<&str> = line.split(',').map(unquoted).collect();
        let text = fields.get(self.address).copied().unwrap_or_default().trim_start_matches('\u{feff}');
        let stated = self.protocol.and_then(|at| fields.get(at)).filter(|stated| !stated.is_empty());
        if let Some(stated) = stated.filter(|stated| !stated.eq_ignore_ascii_case(protocol.as_str())) {
            return Err((text.to_owned(), format!("the line says protocol {}, the import is for {protocol}", shown(stated))));
        }
        let address = Address::parse(protocol, text).map_err(|error| (text.to_owned(), error.to_string()))?;
        if token_contracts.contains(&address) {
            return Err((text.to_owned(), "this is a token's contract: money sent to it is lost".to_owned()));
        }
        Ok(address)
    }
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(field)
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

    #[test]
    fn every_documented_form() {
        for text in [
            format!("{A}\n{B}\n"),
            format!("address\r\n{A}\r\n\r\n{B}"),
            format!("\u{feff}address,derivation_index\n{A},0\n{B},1"),
            format!("address,derivation_index,protocol,master_public_key\n{A},0,evm,xpub\n{B},1,evm,xpub"),
            format!("address,protocol,derivation_index,master_public_key\n{A},evm,,\n{B},EVM,,"),
            format!("\"protocol\",\"address\"\n\"evm\",\"{A}\"\n\"evm\",\"{B}\""),
        ] {
            let import = evm(&text).unwrap();
            assert_eq!(import.addresses.iter().map(|(_, address)| address.as_str()).collect::<Vec<_>>(), [A, B], "{text}");
        }
    }

    #[test]
    fn repeated_lines_are_counted_once() {
        let import = evm(&format!("{A}\n{}\n{B}", A.to_lowercase())).unwrap();
        assert_eq!((import.addresses.len(), import.repeated), (2, 1));
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
}
