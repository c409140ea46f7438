//! Bodies of requests to every API: refused, or read into something that says the same when it is written, and asks for the very money that
//! the body names, in the caller's digits and in the token's own units.
#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use payin_core::order::{Settings, Terms, open, open_with};
use payin_core::{Chains, Units, chains, cryptopay::wish, deposit, link, metadata, paywarden};
use payin_server::http::body::parse;
use payin_types::cryptopay::CreatePaymentOrder;
use payin_types::link::CreatePaymentLink;
use payin_types::paywarden::CreatePayment;
use payin_types::{BindDeposit, CreateOrder, Environment, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

static CHAINS: LazyLock<Chains> =
    LazyLock::new(|| Chains::new(chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect()));

/// Reads a body, which reads as the same when it is written again.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) -> Option<T> {
    let request: T = parse(body).ok()?;
    let again = serde_json::to_vec(&request).expect("what was read is written");
    assert_eq!(parse::<T>(&again).as_ref(), Ok(&request));
    Some(request)
}

/// What an order asks for is what its body says.
fn exact(terms: &Terms, body: &[u8]) {
    let said: Value = serde_json::from_slice(body).expect("it was read");
    let said = said["amount"].as_str().expect("a text");
    assert_eq!(terms.amount.to_string(), said);
    let token = CHAINS.get(&terms.chain_id).and_then(|chain| chain.token(&terms.currency)).expect("what is offered");
    let (whole, fraction) = said.split_once('.').unwrap_or((said, ""));
    let width = token.decimals as usize;
    let digits = format!("{whole}{fraction:0<width$}");
    let base_units: u128 = digits.parse().expect("digits");
    assert!(base_units > 0);
    assert_eq!(
        (terms.units.to_base_units(token.decimals), Units::from_base_units(base_units, token.decimals)),
        (Some(base_units), Some(terms.units))
    );
    assert!(!terms.reference.is_empty() && metadata::check_size(&terms.metadata).is_ok());
    // Whoever asks again for what was answered asks for the same.
    assert_eq!(Units::from_amount(terms.units.to_amount()), Some(terms.units));
}

fuzz_target!(|data: &[u8]| {
    let settings = Settings::default();
    if let Some(terms) = read::<CreateOrder>(data).and_then(|request| open(request, &CHAINS, &settings).ok()) {
        exact(&terms, data);
        assert!(terms.window + terms.grace <= settings.total_max && terms.window.as_secs() >= 60);
    }
    if let Some(order) = read::<CreatePayment>(data).and_then(|request| paywarden::order(&request, &CHAINS).ok())
        && let Ok(terms) = open_with(order, &CHAINS, &settings, &metadata::check_size)
    {
        exact(&terms, data);
    }
    if let Some(order) = read::<CreatePaymentOrder>(data).and_then(|request| wish::order(&request, &CHAINS).ok()) {
        // All that it refuses it has refused.
        let terms = open_with(order, &CHAINS, &wish::settings(&settings), &wish::check_metadata).expect("an order");
        exact(&terms, data);
    }
    if let Some(terms) = read::<BindDeposit>(data).and_then(|request| deposit::bind(request, &CHAINS).ok()) {
        assert!(
            CHAINS.get(&terms.chain_id).is_some_and(|chain| chain.protocol == terms.protocol && chain.token(&terms.currency).is_some())
        );
    }
    if let Some(offer) = read::<CreatePaymentLink>(data).and_then(|request| link::offer(request, &CHAINS, NOW).ok()) {
        assert!(offer.currencies.iter().all(|currency| !currency.chain_options.is_empty()));
        assert!(offer.expires_at.is_none_or(|at| at > NOW));
    }
});
