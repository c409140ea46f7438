//! Just enough of the EVM's calling convention for the test token: selectors, and arguments of five types. Written by
//! hand on purpose, so that the tests do not share an encoder with what they test.

use sha3::{Digest, Keccak256};

/// One argument of a call.
#[derive(Debug, Clone)]
pub enum Arg {
    Uint(u128),
    Address(String),
    Text(String),
    Uints(Vec<u128>),
    Addresses(Vec<String>),
}

/// The data of a call, `0x…`: `call("transfer(address,uint256)", &[…])`.
pub fn call(signature: &str, args: &[Arg]) -> String {
    let hash = keccak(signature.as_bytes());
    format!("0x{}{}", hex(&hash[..4]), encode(args))
}

/// The topic of an event, `0x…`: `topic("Transfer(address,address,uint256)")`.
pub fn topic(signature: &str) -> String {
    format!("0x{}", hex(&keccak(signature.as_bytes())))
}

/// The arguments alone, without `0x`: what follows the code when a contract is deployed.
pub fn encode(args: &[Arg]) -> String {
    // The head has one word per argument: the value, or where in the tail it begins (in bytes from the head's start).
    let (mut head, mut tail) = (String::new(), String::new());
    for arg in args {
        let dynamic = match arg {
            Arg::Uint(value) => {
                head += &word(*value);
                continue;
            }
            Arg::Address(address) => {
                head += &address_word(address);
                continue;
            }
            Arg::Text(text) => {
                let padding = text.len().next_multiple_of(32) - text.len();
                format!("{}{}{}", length(text.len()), hex(text.as_bytes()), "00".repeat(padding))
            }
            Arg::Uints(values) => length(values.len()) + &values.iter().map(|v| word(*v)).collect::<String>(),
            Arg::Addresses(values) => length(values.len()) + &values.iter().map(|v| address_word(v)).collect::<String>(),
        };
        head += &length(args.len() * 32 + tail.len() / 2);
        tail += &dynamic;
    }
    head + &tail
}

/// A hexadecimal quantity of JSON-RPC (`0x1a`) as a number.
pub fn quantity(value: &serde_json::Value) -> u128 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_else(|| panic!("not a quantity of at most 128 bits: {value}"))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

fn word(value: u128) -> String {
    format!("{value:064x}")
}

fn length(value: usize) -> String {
    format!("{value:064x}")
}

fn address_word(address: &str) -> String {
    let digits = address.strip_prefix("0x").unwrap_or(address);
    assert!(digits.len() == 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "not an EVM address: {address:?}");
    format!("{:0>64}", digits.to_ascii_lowercase())
}
