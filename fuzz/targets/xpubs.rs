//! Texts as extended public keys: refused without being repeated, or read into an account whose addresses stay the same however it is
//! written; and what can spend is always recognised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_core::address::{evm_bytes, tron_bytes};
use payin_types::Protocol;
use payin_types::xpub::{self, Xpub, XpubError, looks_secret};

fuzz_target!(|data: &[u8]| {
    let (index, text) = data.split_first_chunk::<4>().map_or((0, data), |(index, text)| (u32::from_be_bytes(*index), text));
    let Ok(text) = std::str::from_utf8(text) else { return };
    if looks_secret(text) {
        assert_eq!(xpub::check(text), Err(XpubError::Private));
    }
    let [evm, tron] = [Protocol::Evm, Protocol::Tron].map(|protocol| Xpub::parse(&protocol, text));
    assert!(Xpub::parse(&Protocol::Solana, text).is_err());
    let (evm, tron) = match (evm, tron) {
        (Ok(evm), Ok(tron)) => (evm, tron),
        (Err(evm), Err(tron)) => {
            assert_eq!(evm, tron);
            assert_eq!(evm == XpubError::Private, looks_secret(text));
            return;
        }
        (evm, tron) => panic!("{evm:?}, {tron:?}"),
    };
    assert!(xpub::check(text).is_ok() && !looks_secret(text));
    let again = Xpub::parse(&Protocol::Evm, &evm.canonical()).expect("what it writes");
    assert_eq!((again.canonical(), tron.canonical()), (evm.canonical(), evm.canonical()));
    for index in [0, index] {
        let address = evm.address(index);
        assert_eq!(again.address(index), address);
        assert_eq!(address.is_some(), index < 1 << 31, "{index}");
        // One point, written in two ways.
        let bytes = address.and_then(|address| evm_bytes(address.as_str()));
        assert_eq!(tron.address(index).and_then(|address| tron_bytes(address.as_str())), bytes);
    }
});
