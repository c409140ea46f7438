//! Where payers are sent: templates that merchants may give, filled in with references that anybody may choose, lead to the merchant's host
//! and say what became of the order, once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_core::address::Address;
use payin_core::dialect::Origin;
use payin_core::order::{Facts, Payment, Settings, open};
use payin_core::{Chains, Units, chains, redirect, web_url};
use payin_types::{CreateOrder, Timestamp};
use url::Url;

/// An order with this reference and these URLs, that is over.
fn over(reference: &str, template: &str, completed: bool, origin: Option<Origin>) -> Option<Facts> {
    let mut request = CreateOrder::new(reference, "100.00".parse().expect("an amount"), "USDT", "ethereum-sepolia");
    (request.success_url, request.cancel_url) = (Some(template.to_owned()), Some(template.to_owned()));
    let now = Timestamp::from_secs(1_767_225_600);
    Some(Facts {
        id: "ord_abc123".into(),
        organization_id: "org_1".into(),
        terms: open(request, &Chains::new(chains::known()), &Settings::default()).ok()?,
        address: Address::from_evm_bytes(&[1; 20]),
        created_at: now,
        seen_at: None,
        completed_at: completed.then_some(now),
        expired_at: (!completed).then_some(now),
        paid_late_at: None,
        reverted_at: None,
        received: Units::ZERO,
        payment: Some(Payment { tx_hash: "0xfeed".to_owned(), block_number: 1 }),
        required_confirmations: 3,
        payment_link_id: None,
        origin,
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (template, reference) = text.split_once('\n').unwrap_or((text, "ORDER-1"));
    let _ = web_url::webhook("url", template, false);
    for completed in [true, false] {
        let Some(order) = over(reference, template, completed, None) else { return };
        let given = Url::parse(template).expect("a URL that was taken");
        let target = redirect::target(&order).expect("an order that is over");
        assert!(!target.chars().any(|c| c.is_control() || c.is_whitespace()), "{target:?}");
        let url = Url::parse(&target).expect("a URL");
        let of_host = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port(), url.username().to_owned());
        assert_eq!(of_host(&url), of_host(&given), "{target}");
        let said = |name: &str| url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect::<Vec<_>>();
        assert_eq!(said("orderReference"), [reference], "{target}");
        assert_eq!(said("status"), [order.status().as_str()], "{target}");
        let origin = Some(Origin { api: "cryptopay".to_owned(), fingerprint: String::new() });
        let of_another_api = redirect::target(&over(reference, template, completed, origin).expect("the same order")).expect("the same");
        assert_eq!(of_host(&Url::parse(&of_another_api).expect("a URL")), of_host(&given), "{of_another_api}");
    }
});
