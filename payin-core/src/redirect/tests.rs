use super::*;
use crate::address::Address;
use crate::order::{Payment, Settings, open};
use crate::{Chains, Units, chains, web_url};
use payin_types::{Environment, Timestamp};
use proptest::prelude::*;
use url::Url;

fn order(reference: &str, url: &str, over: OrderStatus) -> Facts {
    let chains = Chains::new(chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect());
    let mut request = CreateOrder::new("ORDER-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia");
    (request.success_url, request.cancel_url) = (Some(url.to_owned()), Some(url.to_owned()));
    let mut terms = open(request, &chains, &Settings::default()).unwrap();
    terms.reference = reference.to_owned();
    let (now, is) = (Timestamp::from_secs(1_767_225_600), |status| over == status);
    Facts {
        id: "ord_abc123".into(),
        organization_id: "org_1".into(),
        terms,
        address: Address::from_evm_bytes(&[1; 20]),
        created_at: now,
        seen_at: None,
        completed_at: is(OrderStatus::Completed).then_some(now),
        expired_at: is(OrderStatus::Expired).then_some(now),
        paid_late_at: None,
        reverted_at: None,
        received: Units::ZERO,
        payment: Some(Payment { tx_hash: "0xfeed".to_owned(), block_number: 1 }),
        required_confirmations: 3,
        payment_link_id: None,
        origin: None,
    }
}

const PAID: &str = "orderReference=ORDER-1&status=completed&amount=100.00&currency=USDT&chainId=ethereum-sepolia&txHash=0xfeed";

#[test]
fn templates_are_filled_and_parameters_appended() {
    for (template, expected) in [
        ("https://a.example/paid", format!("https://a.example/paid?{PAID}")),
        ("https://a.example", format!("https://a.example?{PAID}")),
        ("https://a.example/?orderId={{orderId}}", format!("https://a.example/?orderId=ord_abc123&{PAID}")),
        ("https://a.example/{{orderId}}/{{OrderId}}", format!("https://a.example/ord_abc123/{{{{OrderId}}}}?{PAID}")),
        ("https://a.example/{{{orderId}}}", format!("https://a.example/{{ord_abc123}}?{PAID}")),
        ("https://a.example/{{name}}?x={{name}}&{{", format!("https://a.example/{{{{name}}}}?x={{{{name}}}}&{{{{&{PAID}")),
        ("https://a.example/?a=1&status=new&%73tatus=x&b=&c#top-{{status}}", format!("https://a.example/?a=1&b=&c&{PAID}#top-completed")),
        ("https://a.example/?txHash=0x0&&amount", format!("https://a.example/?{PAID}")),
    ] {
        web_url::redirect("successUrl", template).unwrap();
        assert_eq!(target(&order("ORDER-1", template, OrderStatus::Completed)), Some(expected), "{template}");
    }
}

#[test]
fn another_apis_one_url_is_filled_and_nothing_appended() {
    let origin = || Some(crate::dialect::Origin { api: "cryptopay".to_owned(), fingerprint: String::new() });
    let to = |over| target(&Facts { origin: origin(), ..order("7", "https://a.example/{{orderId}}?n={{orderReference}}", over) });
    for over in [OrderStatus::Completed, OrderStatus::Expired] {
        assert_eq!(to(over).as_deref(), Some("https://a.example/ord_abc123?n=7"));
    }
    assert_eq!(to(OrderStatus::Pending), None);
}

#[test]
fn an_order_that_expired_has_no_transaction_to_show() {
    let gone = target(&order("ORDER-1", "https://a.example/?txHash=mine", OrderStatus::Expired)).unwrap();
    assert_eq!(
        gone,
        "https://a.example/?txHash=mine&orderReference=ORDER-1&status=expired&amount=100.00&currency=USDT&chainId=ethereum-sepolia"
    );
    assert_eq!(target(&order("ORDER-1", "https://a.example/", OrderStatus::Pending)), None);
    let mut silent = order("ORDER-1", "https://a.example/", OrderStatus::Completed);
    silent.terms.success_url = None;
    assert_eq!(target(&silent), None);
}

#[test]
fn a_reference_cannot_bring_structure_with_it() {
    let hostile = "a&status=completed#?/../@{{orderId}} é";
    let url = target(&order(hostile, "https://a.example/{{orderReference}}?r={{orderReference}}", OrderStatus::Expired)).unwrap();
    let url = Url::parse(&url).unwrap();
    assert_eq!((url.host_str(), url.fragment()), (Some("a.example"), None));
    let values = |name: &str| url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect::<Vec<_>>();
    assert_eq!((values("r"), values("orderReference")), (vec![hostile.to_owned()], vec![hostile.to_owned()]));
    assert_eq!(values("status"), ["expired"]);
}

#[test]
fn the_organizations_urls_stand_in() {
    let request = || CreateOrder::new("ORDER-1", "1".parse().unwrap(), "USDT", "ethereum-sepolia");
    let fallback = (Some("https://s.example".to_owned()), Some("https://c.example".to_owned()));
    let both = resolve(request(), fallback.clone());
    assert_eq!((both.success_url.as_deref(), both.cancel_url.as_deref()), (Some("https://s.example"), Some("https://c.example")));
    let own = resolve(request().success_url("https://own.example"), fallback);
    assert_eq!((own.success_url.as_deref(), own.cancel_url.as_deref()), (Some("https://own.example"), Some("https://c.example")));
    assert_eq!(resolve(request(), (None, None)), request());
}

proptest! {
    #[test]
    fn a_redirect_is_a_url_of_the_merchants_host(
        template in "(https?://[a-z]{1,5}\\.example(:[0-9]{2})?)[/a-z{}?&=#%+;:@-]{0,20}(\\{\\{(orderId|orderReference|txHash|x)\\}\\})?[/a-z{}?&=#@%]{0,20}",
        reference in "\\PC{1,40}",
        completed: bool,
    ) {
        prop_assume!(web_url::redirect("successUrl", &template).is_ok());
        let over = if completed { OrderStatus::Completed } else { OrderStatus::Expired };
        let url = target(&order(&reference, &template, over.clone())).unwrap();
        let (was, is) = (Url::parse(&template).unwrap(), Url::parse(&url).unwrap());
        prop_assert_eq!((was.scheme(), was.host(), was.port(), was.username()), (is.scheme(), is.host(), is.port(), is.username()));
        let said = |name: &str| is.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect::<Vec<_>>();
        prop_assert_eq!(said("orderReference"), vec![reference]);
        prop_assert_eq!(said("status"), vec![over.to_string()]);
        prop_assert_eq!(was.fragment().is_some(), is.fragment().is_some());
    }
}
