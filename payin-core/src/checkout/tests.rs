use super::*;
use crate::address::Address;
use crate::order::{Settings, open};
use crate::{Chain, Chains, chains};
use payin_types::{CreateOrder, Protocol};

fn chain(id: &str) -> Chain {
    Chains::new(chains::known()).find(&id.into()).unwrap().clone()
}

fn units(text: &str) -> Units {
    Units::from_amount(text.parse().unwrap()).unwrap()
}

fn order() -> Facts {
    let request = CreateOrder::new("ORDER-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia");
    Facts {
        id: "ord_abc123".into(),
        organization_id: "org_1".into(),
        terms: open(request, &Chains::new(vec![chain("ethereum-sepolia")]), &Settings::default()).unwrap(),
        address: Address::from_evm_bytes(&[1; 20]),
        created_at: Timestamp::from_secs(0),
        seen_at: None,
        completed_at: None,
        expired_at: None,
        paid_late_at: None,
        reverted_at: None,
        received: Units::ZERO,
        payment: None,
        required_confirmations: 3,
        payment_link_id: None,
        origin: None,
    }
}

/// Ten minutes to send, then five of grace.
#[test]
fn a_payer_is_told_where_the_payment_stands() {
    let stage = |received: &str, pending: &str, at_s: i64| {
        let facts = Facts { received: units(received), ..order() };
        progress(&facts, units(pending), units("0.5"), Timestamp::from_secs(at_s)).stage
    };
    assert_eq!(
        [0, 599, 600, 899, 900].map(|at| stage("0", "0", at)),
        [Stage::Open, Stage::Open, Stage::Grace, Stage::Grace, Stage::Closing]
    );
    assert_eq!([stage("99.49", "0", 0), stage("0", "1", 0), stage("1", "1", 700)], [Stage::Short, Stage::Short, Stage::Grace]);
    // Dust that somebody sends changes nothing of what a payer is asked for.
    assert_eq!([stage("0.009", "0", 0), stage("0.004", "0.005", 0), stage("0.01", "0", 0)], [Stage::Open, Stage::Open, Stage::Short]);
    let dusty = Facts { received: units("0.009"), ..order() };
    assert_eq!(progress(&dusty, Units::ZERO, Units::ZERO, Timestamp::from_secs(0)).missing, units("100"));
    // What lacks no more than the tolerance is enough, at any time.
    assert_eq!([stage("50", "49.5", 0), stage("0", "100", 5000)], [Stage::Confirming; 2]);
    let now = Timestamp::from_secs(1000);
    let ended = |change: fn(&mut Facts, Timestamp)| {
        let mut facts = order();
        change(&mut facts, now);
        progress(&facts, Units::ZERO, Units::ZERO, now).stage
    };
    assert_eq!(ended(|facts, now| facts.completed_at = Some(now)), Stage::Paid);
    assert_eq!(ended(|facts, now| (facts.completed_at, facts.reverted_at) = (Some(now), Some(now))), Stage::TakenBack);
    assert_eq!(ended(|facts, now| facts.expired_at = Some(now)), Stage::Expired);
    assert_eq!(ended(|facts, now| (facts.expired_at, facts.paid_late_at) = (Some(now), Some(now))), Stage::Late);
}

#[test]
fn what_is_missing_and_what_is_too_much_is_counted_with_what_is_on_its_way() {
    let counted = |received: &str, pending: &str| {
        let facts = Facts { received: units(received), ..order() };
        let progress = progress(&facts, units(pending), Units::ZERO, Timestamp::from_secs(0));
        [progress.arrived, progress.missing, progress.excess].map(|sum| sum.to_amount().to_string())
    };
    assert_eq!(counted("10", "20.5"), ["30.50", "69.50", "0.00"]);
    assert_eq!(counted("100", "0.000001"), ["100.000001", "0.00", "0.000001"]);
}

#[test]
fn networks_are_called_what_wallets_call_them() {
    for (id, name, standard) in [
        ("ethereum-mainnet", "Ethereum", "ERC-20"),
        ("ethereum-sepolia", "Ethereum Sepolia", "ERC-20"),
        ("arbitrum-mainnet", "Arbitrum One", "ERC-20"),
        ("arbitrum-sepolia", "Arbitrum Sepolia", "ERC-20"),
        ("bsc-mainnet", "BNB Smart Chain", "BEP-20"),
        ("tron-nile", "Tron Nile", "TRC-20"),
        ("solana-mainnet", "Solana", "SPL"),
    ] {
        assert_eq!((network(&id.into()).as_str(), token_standard(&id.into(), &chain(id).protocol)), (name, Some(standard)), "{id}");
    }
    assert_eq!((network(&"moon".into()).as_str(), token_standard(&"moon".into(), &Protocol::Evm)), ("moon", Some("ERC-20")));
    assert!(chains::known().iter().all(|chain| network(&chain.id) != chain.id.as_str()), "a chain of the table has no name");
}

#[test]
fn wallets_are_asked_for_the_exact_sum() {
    let evm = Address::parse(&Protocol::Evm, "0x742d35cc6634c0532925a3b844bc9e7595f0beb0").unwrap();
    let (ethereum, bsc) = (chain("ethereum-mainnet"), chain("bsc-mainnet"));
    assert_eq!(
        uri(&ethereum, &"USDT".into(), &evm, units("12.5")).unwrap(),
        format!("ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address={evm}&uint256=12500000")
    );
    let call = call(&bsc, &"USDT".into(), &evm, units("12.5")).unwrap();
    assert_eq!((call.chain_id.as_str(), call.contract.as_str()), ("0x38", "0x55d398326f99059fF775485246999027B3197955"));
    let words = ["0xa9059cbb", "000000000000000000000000742d35cc6634c0532925a3b844bc9e7595f0beb0"];
    // 12.5 × 10^18
    assert_eq!(call.transfer, Transfer::Evm(format!("{}{:0>64}", words.concat(), "ad78ebc5ac620000")));
    let solana = Address::from_solana_bytes(&[7; 32]);
    assert_eq!(
        uri(&chain("solana-mainnet"), &"USDC".into(), &solana, units("12.5")).unwrap(),
        format!("solana:{solana}?amount=12.50&spl-token=EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
    );
    let tron = Address::from_tron_bytes(&[7; 20]);
    assert_eq!(uri(&chain("tron-mainnet"), &"USDT".into(), &tron, units("12.5")).unwrap(), format!("tron:{tron}"));
    let call = super::call(&chain("tron-mainnet"), &"USDT".into(), &tron, units("12.5")).unwrap();
    // The last four bytes of the first block's hash, by which a wallet's node is known.
    assert_eq!((call.chain_id.as_str(), call.contract.as_str()), ("0x2b6653dc", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"));
    assert_eq!(call.transfer, Transfer::Tron { to: tron.as_str().to_owned(), units: "12500000".to_owned() });
    assert_eq!(super::call(&chain("solana-mainnet"), &"USDC".into(), &solana, units("1")), None);
    // What the token cannot express, and what the chain does not have.
    assert_eq!(uri(&ethereum, &"USDT".into(), &evm, units("0.0000001")), None);
    assert_eq!(uri(&chain("base-mainnet"), &"USDT".into(), &evm, units("1")), None);
}
