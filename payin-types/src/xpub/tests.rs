//! Vectors: the mnemonic "abandon … about" of BIP-39, its keys computed by an implementation that shares no code with ours; the first
//! addresses of both accounts, and the EVM account's xpub, are published in many places. Nobody must ever pay to them.

use proptest::prelude::*;

use super::*;

const EVM: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";
const EVM_TPUB: &str = "tpubDDaRj4Gb7q8V1P8hETLKbMRQyWRAkL1Sph3mQdTFgJHQefHqXajb6sXWyvKfEQo46xJYKA29vMhEUsBgf7QpEYL17aJwAQ7NDb8koR13eMV";
const EVM_XPRV: &str = "xprv9zDSoJv1aBcjX6sNgEpE2J9K6MV2MUnXuqXsFgzVn3zY2aHyupaFQdYCtdCbNMkvcTdx9FeN49sgXw6mjrhrFLRSzJVnRYPfSCCgjeg4GxY";
const EVM_ZPUB: &str = "zpub6rsKp9njhvFzSBL5SyvUocH3zKcQeBVP7HVucsBt6QHH1aFaxgDdCZAxnJA3hj9f8L1FCXhQJaaHZFvChePbwaEunexUeh67B5fdpWEscjP";
const EVM_COIN: &str = "xpub6AmukNpN4yyPLhoxodeZnq8jGbGmwqLveeym8dLD4p8RVCpNjLfkcLvgWH9kQjSgLwFQBQDHn7297uNnCC8QHHZiCZV3DnDAxPi4GrczKnr";
const EVM_CHAIN: &str = "xpub6EF8jXqFeFEW5bwMU7RpQtHkzE4KJxcqJtvkCjJumzW8CPpacXkb92ek4WzLQXjL93HycJwTPUAcuNxCqFPKKU5m5Z2Vq4nCyh5CyPeBFFr";
const TRON: &str = "xpub6D1AabNHCupeiLM65ZR9UStMhJ1vCpyV4XbZdyhMZBiJXALQtmn9p42VTQckoHVn8WNqS7dqnJokZHAHcHGoaQgmv8D45oNUKx6DZMNZBCd";

#[test]
fn addresses_are_those_of_the_wallet() {
    let vectors = [
        (
            Protocol::Evm,
            EVM,
            [
                (0, "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"),
                (1, "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0"),
                (2, "0xb6716976A3ebe8D39aCEB04372f22Ff8e6802D7A"),
                (99, "0x00c0D379323ff700B476C8A8B4a0C72356D2D399"),
                (10_000, "0x305ceF9990Cfd7b80A10f6ED2e17a62E6fC76b51"),
                (0x7fff_ffff, "0x8848bfC75a28756B521b09afDC120BdDddC7d7c9"),
            ],
        ),
        (
            Protocol::Tron,
            TRON,
            [
                (0, "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"),
                (1, "TSeJkUh4Qv67VNFwY8LaAxERygNdy6NQZK"),
                (2, "TYJPRrdB5APNeRs4R7fYZSwW3TcrTKw2gx"),
                (99, "TTTFe9haCY6CACG9iTM8uyL89pFEPy4ctW"),
                (10_000, "TSFKWhWNy3ToukzzMk3W7b1Cf24kA3q3B9"),
                (0x7fff_ffff, "TVapZk5c7S7ARtSBi9jD13rhkbZke4F4sa"),
            ],
        ),
    ];
    for (protocol, text, addresses) in vectors {
        let xpub = Xpub::parse(&protocol, text).unwrap();
        assert_eq!(xpub.protocol(), &protocol);
        for (index, address) in addresses {
            let derived = xpub.address(index).unwrap();
            assert_eq!(derived.as_str(), address, "{protocol} {index}");
            assert_eq!(Address::parse(&protocol, address), Ok(derived));
        }
        assert_eq!(xpub.address(0x8000_0000), None, "hardened");
    }
}

#[test]
fn a_key_that_can_spend_is_refused_before_all_else() {
    let seed = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    let hex = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    let solana = "5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KF1dGcaZb7N8hX3pG2vXvHg7qk2u3R9wY4tCeA";
    for text in [EVM_XPRV, "xprv", "tprvNonsense", "zprv…", seed, hex, &format!("0x{hex}"), solana] {
        for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana, Protocol::from("btc")] {
            assert_eq!(Xpub::parse(&protocol, text).unwrap_err(), XpubError::Private, "{text}");
        }
        assert_eq!(check(text), Err(XpubError::Private));
    }
    assert!(XpubError::Private.to_string().contains("leaked"));
}

#[test]
fn only_an_account_is_derived_from() {
    let evm = |text: &str| Xpub::parse(&Protocol::Evm, text).unwrap_err();
    assert_eq!(evm(EVM_COIN), XpubError::Depth(2));
    assert_eq!(evm(EVM_CHAIN), XpubError::Depth(4));
    assert_eq!(evm(EVM_ZPUB), XpubError::Form);
    assert_eq!(evm(&EVM.replace("ATt", "ATu")), XpubError::Form);
    assert_eq!(evm(EVM.get(..110).unwrap()), XpubError::Form);
    assert_eq!(evm(""), XpubError::Form);
    assert_eq!(evm("0x9858EfFD232B4033E47d90003D41EC34EcaEda94"), XpubError::Form);
    assert_eq!(Xpub::parse(&Protocol::Solana, EVM).unwrap_err(), XpubError::Solana);
    assert_eq!(Xpub::parse(&Protocol::from("btc"), EVM).unwrap_err(), XpubError::Protocol);
    for text in [EVM, EVM_TPUB, EVM_COIN, EVM_CHAIN, TRON] {
        assert_eq!(check(text), Ok(()));
    }
    assert_eq!(check(EVM_ZPUB), Err(XpubError::Form));
}

#[test]
fn one_key_has_one_canonical_text() {
    let canonical = |text: &str| Xpub::parse(&Protocol::Evm, text).unwrap().canonical();
    assert_eq!(canonical(EVM), canonical(EVM_TPUB));
    assert_ne!(canonical(EVM), canonical(TRON));
    let again = Xpub::parse(&Protocol::Evm, &canonical(EVM)).unwrap();
    assert_eq!(again.canonical(), canonical(EVM));
    assert_eq!(again.address(7), Xpub::parse(&Protocol::Evm, EVM_TPUB).unwrap().address(7));
    assert!(!format!("{again:?}").contains("xpub6"));
}

proptest! {
    #[test]
    fn reading_is_total(text in "\\PC{0,130}", cut in 0usize..111, other in "\\PC") {
        for protocol in [Protocol::Evm, Protocol::Solana, Protocol::from("btc")] {
            let _ = Xpub::parse(&protocol, &text);
            // Nearly right.
            let (before, behind) = EVM.split_at(cut);
            let _ = Xpub::parse(&protocol, &format!("{before}{other}{}", behind.get(1..).unwrap()));
            let _ = Xpub::parse(&protocol, &format!("{before}{text}"));
        }
    }
}
