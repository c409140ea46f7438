//! Texts as addresses of the three families: read or refused, and what is read is read again as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_core::address::{Address, evm_bytes, solana_bytes, tron_bytes};
use payin_types::Protocol;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana] {
        let Ok(address) = Address::parse(&protocol, text) else { continue };
        assert_eq!(Address::parse(&protocol, address.as_str()).as_ref(), Ok(&address), "{protocol}: {text:?}");
        let again = match protocol {
            Protocol::Evm => evm_bytes(address.as_str()).map(|bytes| Address::from_evm_bytes(&bytes)),
            Protocol::Tron => tron_bytes(address.as_str()).map(|bytes| Address::from_tron_bytes(&bytes)),
            _ => solana_bytes(address.as_str()).map(|bytes| Address::from_solana_bytes(&bytes)),
        };
        assert_eq!(again, Some(address), "{protocol}: {text:?}");
    }
    // Whatever else these are asked, they answer.
    let _ = (evm_bytes(text), tron_bytes(text), solana_bytes(text));
});
