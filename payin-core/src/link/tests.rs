use super::*;
use crate::{Chains, chains};
use payin_types::link::{AmountType, CreatePaymentLink, UpdatePaymentLink};
use payin_types::{Amount, Environment};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn testnet() -> Chains {
    Chains::new(chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect())
}

fn body() -> Value {
    json!({"title": " Coffee ", "amount": "12.50", "currencies": [
        {"currency": "USDT", "chainOptions": ["ethereum-sepolia"]},
        {"currency": "USDC", "chain_options": ["ethereum-sepolia", "base-sepolia"], "amount": "13", "is_primary": true},
    ]})
}

fn with(change: Value) -> Result<Offer, Error> {
    let mut body = body();
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    offer(serde_json::from_value::<CreatePaymentLink>(body).unwrap(), &testnet(), NOW)
}

fn made(change: Value) -> Link {
    Link {
        id: "pl_1".into(),
        organization_id: "org_1".into(),
        offer: with(change).unwrap(),
        reserved: 0,
        sold: 0,
        slug: Some("coffee".to_owned()),
        published_at: Some(NOW),
        first_published_at: Some(NOW),
        archived_at: None,
        deleted_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn changed(link: &Link, request: Value) -> Result<Offer, ErrorCode> {
    let request: UpdatePaymentLink = serde_json::from_value(request).unwrap();
    change(link, request, &testnet(), NOW).map_err(|error| error.code)
}

#[test]
fn the_documents_link_is_one() {
    let offer = with(json!({"description": "a\r\nb"})).unwrap();
    assert_eq!((offer.title.as_str(), offer.description.as_deref()), ("Coffee", Some("a\nb")));
    assert_eq!((offer.amount.to_string(), &offer.amount_type), ("12.50".to_owned(), &AmountType::Fixed));
    for open in
        [json!({"amount": "0"}), json!({"amount": "0.00"}), json!({"amount": null}), json!({"amountType": "user_input", "amount": null})]
    {
        let mut open = open;
        open["currencies"] = json!([{"currency": "USDT", "chainOptions": ["ethereum-sepolia"]}]);
        assert_eq!(with(open).unwrap().amount_type, AmountType::UserInput);
    }
}

#[test]
fn bad_links_are_refused_by_name() {
    use ErrorCode::{InvalidAmount, InvalidChain, InvalidCurrency, ValidationError};
    let usdt = |change: Value| {
        let mut currency = json!({"currency": "USDT", "chainOptions": ["ethereum-sepolia"]});
        currency.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        currency
    };
    let many: Vec<Value> = (0..21).map(|_| usdt(json!({}))).collect();
    for (change, code, says) in [
        (json!({"title": "  "}), ValidationError, "title"),
        (json!({"title": "x".repeat(256)}), ValidationError, "title"),
        (json!({"title": "a\nb"}), ValidationError, "title"),
        (json!({"description": "x".repeat(5001)}), ValidationError, "description"),
        (json!({"description": "a\u{0}b"}), ValidationError, "description"),
        (json!({"description": "a\tb"}), ValidationError, "description"),
        (json!({"ctaText": ""}), ValidationError, "ctaText"),
        (json!({"ctaText": "x".repeat(61)}), ValidationError, "ctaText"),
        (json!({"theme": "pink"}), ValidationError, "theme"),
        (json!({"amountType": "tip"}), ValidationError, "amountType"),
        (json!({"inventoryTotal": 0}), ValidationError, "inventoryTotal"),
        (json!({"inventoryTotal": 1_000_000_001}), ValidationError, "inventoryTotal"),
        (json!({"expiresAt": NOW}), ValidationError, "expiresAt"),
        (json!({"metadata": {"k": "x".repeat(9000)}}), ValidationError, "metadata"),
        (json!({"successUrl": "javascript:alert(1)"}), ValidationError, "successUrl"),
        (json!({"cancelUrl": "https://{{orderId}}.example"}), ValidationError, "cancelUrl"),
        (json!({"amountType": "fixed", "amount": "0"}), InvalidAmount, "positive"),
        (json!({"amountType": "user_input"}), InvalidAmount, "payer"),
        (json!({"amount": "0.0000001"}), InvalidAmount, "decimals"),
        (json!({"currencies": []}), ValidationError, "currencies"),
        (json!({"currencies": many}), ValidationError, "currencies"),
        (json!({"currencies": [usdt(json!({})), usdt(json!({}))]}), ValidationError, "twice"),
        (json!({"currencies": [usdt(json!({"chainOptions": []}))]}), ValidationError, "chain"),
        (json!({"currencies": [usdt(json!({"chainOptions": ["ethereum-sepolia", "ethereum-sepolia"]}))]}), ValidationError, "twice"),
        (json!({"currencies": [usdt(json!({"chainOptions": ["ethereum"]}))]}), InvalidChain, "ethereum-sepolia"),
        (json!({"currencies": [usdt(json!({"currency": "usdt"}))]}), InvalidCurrency, "USDT"),
        (json!({"currencies": [usdt(json!({"amount": "0.0000001"}))]}), InvalidAmount, "decimals"),
        (json!({"currencies": [usdt(json!({"metadata": {"k": "x".repeat(9000)}}))]}), ValidationError, "metadata"),
        (
            json!({"currencies": [usdt(json!({"isPrimary": true})), {"currency": "USDC", "chainOptions": ["base-sepolia"], "isPrimary": true}]}),
            ValidationError,
            "primary",
        ),
    ] {
        let error = with(change.clone()).unwrap_err();
        assert_eq!(error.code, code, "{change}: {error:?}");
        assert!(error.message.contains(says), "{change}: {error:?}");
    }
}

#[test]
fn a_published_price_stands_and_the_rest_may_change() {
    let mut link = made(json!({"inventoryTotal": 10, "ctaText": "Buy", "expiresAt": NOW.plus(std::time::Duration::from_secs(9))}));
    (link.sold, link.reserved) = (3, 2);
    for frozen in [
        json!({"amount": "12.51"}),
        json!({"amount": "0"}),
        json!({"amountType": "user_input"}),
        json!({"currencies": [
        {"currency": "USDT", "chainOptions": ["ethereum-sepolia"]}]}),
    ] {
        assert_eq!(changed(&link, frozen), Err(ErrorCode::InvalidState));
    }
    let same = changed(&link, json!({"amount": "12.50", "amountType": "fixed"})).unwrap();
    assert_eq!(same, link.offer);
    assert_eq!(changed(&link, json!({"inventoryTotal": 4})), Err(ErrorCode::ValidationError));
    assert_eq!(changed(&link, json!({"inventoryTotal": 5})).unwrap().inventory_total, Some(5));
    let bare = changed(&link, json!({"inventoryTotal": null, "ctaText": null, "expiresAt": null, "title": "Tea"})).unwrap();
    assert_eq!((bare.inventory_total, bare.cta_text, bare.expires_at, bare.title.as_str()), (None, None, None, "Tea"));
    assert_eq!(changed(&link, json!({"expiresAt": NOW})), Err(ErrorCode::ValidationError));
    (link.published_at, link.first_published_at) = (None, None);
    let open = json!({"amountType": "user_input", "currencies": [{"currency": "USDT", "chainOptions": ["ethereum-sepolia"]}]});
    let open = changed(&link, open).unwrap();
    assert_eq!((open.amount, open.amount_type), (Amount::ZERO, AmountType::UserInput));
    assert_eq!(changed(&link, json!({"amount": "1.0000001"})), Err(ErrorCode::InvalidAmount));
}

fn asks(change: Value) -> CreateLinkOrder {
    let mut body = json!({"currency": "USDC", "chainId": "base-sepolia"});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

#[test]
fn payers_get_what_is_offered() {
    let link = made(json!({"metadata": {"sku": "7"}, "successUrl": "https://a.example"}));
    let order = |change: Value| link.order(&asks(change), &"ord_1".into());
    let own = order(json!({"email": "ada@example.org"})).unwrap();
    assert_eq!((own.amount.to_string(), own.order_reference.as_str()), ("13".to_owned(), "ord_1"));
    assert_eq!((&own.metadata.unwrap()["sku"], own.success_url.as_deref()), (&json!("7"), Some("https://a.example")));
    let links = order(json!({"currency": "USDT", "chainId": "ethereum-sepolia"})).unwrap();
    assert_eq!(links.amount.to_string(), "12.50");
    for (change, code) in [
        (json!({"currency": "DAI"}), ErrorCode::InvalidCurrency),
        (json!({"currency": "USDT"}), ErrorCode::InvalidChain),
        (json!({"amount": "13"}), ErrorCode::InvalidAmount),
        (json!({"email": "ada"}), ErrorCode::ValidationError),
        (json!({"email": "ada@b@c"}), ErrorCode::ValidationError),
        (json!({"email": "@example.org"}), ErrorCode::ValidationError),
        (json!({"email": "ada\n@example.org"}), ErrorCode::ValidationError),
        (json!({"email": format!("{}@example.org", "a".repeat(243))}), ErrorCode::ValidationError),
    ] {
        assert_eq!(order(change.clone()).unwrap_err().code, code, "{change}");
    }
    let mut open =
        made(json!({"amount": "0", "currencies": [{"currency": "USDC", "chainOptions": ["base-sepolia"]}], "inventoryTotal": 2}));
    assert_eq!(open.order(&asks(json!({})), &"ord_1".into()).unwrap_err().code, ErrorCode::InvalidAmount);
    assert_eq!(open.order(&asks(json!({"amount": "7"})), &"ord_1".into()).unwrap().amount.to_string(), "7");
    (open.reserved, open.sold) = (1, 1);
    assert_eq!(open.order(&asks(json!({"amount": "7"})), &"ord_1".into()).unwrap_err().code, ErrorCode::SoldOut);
}

#[test]
fn a_link_is_paid_while_it_is_offered() {
    let link = made(json!({"expiresAt": NOW.plus(std::time::Duration::from_secs(9))}));
    assert_eq!(link.check_payable(NOW), Ok(()));
    for gone in [Link { published_at: None, ..link.clone() }, Link { archived_at: Some(NOW), ..link.clone() }] {
        assert_eq!(gone.check_payable(NOW).unwrap_err().code, ErrorCode::PaymentLinkUnavailable);
    }
    let over = NOW.plus(std::time::Duration::from_secs(9));
    assert_eq!(link.check_payable(over).unwrap_err().code, ErrorCode::PaymentLinkUnavailable);
    assert_eq!(link.check_publishable(over).unwrap_err().code, ErrorCode::InvalidState);
    assert_eq!(link.to_wire(Some("https://pay.example")).checkout_url.as_deref(), Some("https://pay.example/checkout/coffee"));
    assert_eq!(link.to_wire(None).checkout_url, None, "nobody knows where the server is reached");
    assert_eq!(Link { published_at: None, ..link.clone() }.to_wire(None).checkout_url, None);
    let shown = link.to_public();
    let currencies: Vec<_> = shown.currencies.iter().map(|c| (c.currency.as_str(), c.amount.to_string(), c.is_primary)).collect();
    assert_eq!(currencies, [("USDT", "12.50".to_owned(), false), ("USDC", "13".to_owned(), true)]);
}

#[test]
fn slugs_are_plain() {
    for slug in ["abc", "Summer-Sale-26", &"x".repeat(64)] {
        assert_eq!(check_slug(slug), Ok(()), "{slug}");
    }
    for slug in ["", "ab", "-ab", "ab-", "a b", "a/b", "ä-b", "orders", "Orders", &"x".repeat(65)] {
        assert!(check_slug(slug).is_err(), "{slug}");
    }
}

#[test]
fn caps_and_reserve() {
    let caps = Caps::default();
    assert_eq!((caps.check_open(2, 99), caps.check_open(0, 0)), (Ok(()), Ok(())));
    for (client, link) in [(3, 3), (0, 100)] {
        let error = caps.check_open(client, link).unwrap_err();
        assert_eq!((error.code, error.retry_after_s), (ErrorCode::RateLimitExceeded, Some(60)));
    }
    let reserve = |available, total| caps.check_reserve(available, total, &Protocol::Evm).is_ok();
    assert_eq!(
        [reserve(10, 10), reserve(6, 10), reserve(5, 10), reserve(0, 0), reserve(1, 1), reserve(2, 2), reserve(2, 3)],
        [true, true, false, false, false, true, false]
    );
    let whole = Caps { reserve_percent: 0, ..caps };
    assert!(whole.check_reserve(1, 1, &Protocol::Evm).is_ok() && whole.check_reserve(0, 1, &Protocol::Evm).is_err());
}

proptest! {
    #[test]
    fn made_slugs_are_slugs(random: u128) {
        let slug = make_slug(random);
        prop_assert_eq!(slug.len(), 10);
        prop_assert_eq!(check_slug(&slug), Ok(()));
    }
}
