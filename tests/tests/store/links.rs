//! Payment links as their owners see them: made, changed, published, put away, listed, deleted.

use futures_util::future::join_all;
use payin_server::app::checkout;
use payin_server::app::links::{self, Change, Create, Deed};
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::link::{CreatePaymentLink, LinkStatus, ListPaymentLinks, PublishPaymentLink};
use payin_types::{ErrorCode, OrganizationId, PaymentLink, PaymentLinkId};
use serde_json::{Value, json};

use super::World;

/// The body of a link for 100 USDT on two chains, with what the test wants otherwise.
pub fn body(change: Value) -> CreatePaymentLink {
    let mut body = json!({"title": "Coffee", "amount": "100.00", "metadata": {"sku": "7"},
        "currencies": [{"currency": "USDT", "chainOptions": ["ethereum-sepolia", "base-sepolia"]}]});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

pub async fn draft(gateway: &Gateway, organization: &OrganizationId, change: Value) -> PaymentLink {
    gateway.write(Create::new(&gateway.app, organization.clone(), Ok(body(change)))).await.unwrap()
}

pub async fn deed(gateway: &Gateway, organization: &OrganizationId, id: &PaymentLinkId, deed: Deed) -> Result<PaymentLink, Failure> {
    gateway.write(Change::new(&gateway.app, organization.clone(), id.as_str().to_owned(), deed)).await
}

pub fn publish(slug: Option<&str>) -> Deed {
    Deed::Publish(Ok(PublishPaymentLink { slug: slug.map(str::to_owned) }))
}

/// A link that can be paid.
pub async fn published(gateway: &Gateway, organization: &OrganizationId, change: Value) -> PaymentLink {
    let link = draft(gateway, organization, change).await;
    deed(gateway, organization, &link.id, publish(None)).await.unwrap()
}

fn update(request: Value) -> Deed {
    Deed::Update(Ok(serde_json::from_value(request).unwrap()))
}

pub async fn a_link_is_published_changed_and_deleted(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (owner, stranger) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let link = draft(gateway, &owner, json!({"inventoryTotal": 3, "description": "# Fresh\n<b>beans</b>"})).await;
    assert_eq!((&link.status, &link.slug, &link.checkout_url, link.is_archived), (&LinkStatus::Draft, &None, &None, false));
    assert_eq!(links::get(&gateway.app, &owner, link.id.as_str()).await.unwrap(), link);
    let act = |what: Deed| deed(gateway, &owner, &link.id, what);
    // Before it is published its price may change.
    let changed = act(update(json!({"amount": "99", "ctaText": "Buy", "inventoryTotal": 5}))).await.unwrap();
    assert_eq!((changed.amount.to_string(), changed.inventory_total), ("99".to_owned(), Some(5)));
    for slug in ["orders", "a", "a b", "-ab"] {
        assert_eq!(refusal(act(publish(Some(slug))).await).code, ErrorCode::ValidationError, "{slug}");
    }
    let open = act(publish(Some("Fresh-Beans"))).await.unwrap();
    assert_eq!((&open.status, open.checkout_url.as_deref()), (&LinkStatus::Published, None::<&str>));
    assert_eq!(open.published_at, Some(gateway.now()));
    assert_eq!(checkout::link(&gateway.app, "Fresh-Beans").await.unwrap().available_inventory, Some(5));
    assert_eq!(refusal(act(update(json!({"amount": "98"}))).await).code, ErrorCode::InvalidState);
    let again = act(update(json!({"title": "Beans", "description": null, "amount": "99"}))).await.unwrap();
    assert_eq!((again.title.as_str(), again.description, again.cta_text.as_deref()), ("Beans", None, Some("Buy")));
    // Not offered, put away: not paid either. What it is called stays.
    let gone = async || refusal(checkout::link(&gateway.app, "Fresh-Beans").await).code;
    let closed = act(Deed::Unpublish).await.unwrap();
    assert_eq!((&closed.status, closed.slug.as_deref(), closed.checkout_url), (&LinkStatus::Draft, Some("Fresh-Beans"), None));
    assert_eq!(gone().await, ErrorCode::PaymentLinkUnavailable);
    assert_eq!(act(publish(Some("another"))).await.unwrap().slug.as_deref(), Some("Fresh-Beans"));
    assert!(act(Deed::Archive).await.unwrap().is_archived);
    assert_eq!(gone().await, ErrorCode::PaymentLinkUnavailable);
    assert_eq!(refusal(act(publish(None)).await).code, ErrorCode::InvalidState);
    assert!(!act(Deed::Restore).await.unwrap().is_archived);
    assert!(checkout::link(&gateway.app, "Fresh-Beans").await.is_ok());
    // Another organization's is as unknown as one that never was.
    for id in [link.id.as_str(), "pl_unknown", "\u{1}"] {
        let others = gateway.write(Change::new(&gateway.app, stranger.clone(), id.to_owned(), Deed::Archive)).await;
        assert_eq!(refusal(others).code, ErrorCode::ResourceNotFound, "{id:?}");
        assert_eq!(refusal(links::get(&gateway.app, &stranger, id).await).code, ErrorCode::ResourceNotFound, "{id:?}");
    }
    act(Deed::Delete).await.unwrap();
    assert_eq!(gone().await, ErrorCode::ResourceNotFound);
    assert_eq!(refusal(links::get(&gateway.app, &owner, link.id.as_str()).await).code, ErrorCode::ResourceNotFound);
    for what in [Deed::Delete, Deed::Restore, publish(None), update(json!({}))] {
        assert_eq!(refusal(act(what).await).code, ErrorCode::ResourceNotFound);
    }
}

pub async fn a_slug_is_one_links(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let mut drafts = Vec::new();
    for _ in 0..8 {
        drafts.push(draft(gateway, &organization, json!({})).await);
    }
    let all = join_all(drafts.iter().map(|link| deed(gateway, &organization, &link.id, publish(Some("sale"))))).await;
    let slugs: Vec<String> = all.into_iter().map(|link| link.unwrap().slug.unwrap()).collect();
    assert_eq!(slugs.iter().filter(|slug| *slug == "sale").count(), 1, "{slugs:?}");
    assert!(slugs.iter().filter(|slug| *slug != "sale").all(|slug| slug.len() == 10), "{slugs:?}");
    assert_eq!(slugs.iter().collect::<std::collections::BTreeSet<_>>().len(), 8);
}

pub async fn links_are_listed_as_asked(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    draft(gateway, &other, json!({"title": "of somebody else"})).await;
    let mut made = Vec::new();
    for (title, description) in [("Alpha", Some("100% wool")), ("beta_1", None), ("Straße", Some("50 per cent")), ("delta", None)] {
        made.push(draft(gateway, &organization, json!({"title": title, "description": description})).await.id);
        gateway.clock.advance(std::time::Duration::from_secs(1));
    }
    deed(gateway, &organization, &made[1], publish(None)).await.unwrap();
    gateway.clock.advance(std::time::Duration::from_secs(1));
    deed(gateway, &organization, &made[3], Deed::Archive).await.unwrap();
    let titles = async |query: Value| {
        let query: ListPaymentLinks = serde_json::from_value(query).unwrap();
        let page = links::list(&gateway.app, &organization, query).await.unwrap();
        (page.data.into_iter().map(|link| link.title).collect::<Vec<_>>().join(" "), page.pagination.total)
    };
    for (query, expected) in [
        (json!({}), "beta_1 Straße Alpha"),
        (json!({"archived": true}), "delta"),
        (json!({"includeArchived": true}), "delta beta_1 Straße Alpha"),
        (json!({"archived": false, "includeArchived": true}), "beta_1 Straße Alpha"),
        (json!({"status": "published"}), "beta_1"),
        (json!({"status": "draft"}), "Straße Alpha"),
        (json!({"search": "%"}), "Alpha"),
        (json!({"search": "_"}), "beta_1"),
        (json!({"search": "WOOL"}), "Alpha"),
        (json!({"search": "STRASSE"}), ""),
        (json!({"search": "straße"}), "Straße"),
    ] {
        let (found, total) = titles(query.clone()).await;
        assert_eq!((found.as_str(), total), (expected, expected.split_whitespace().count() as u64), "{query}");
    }
    assert_eq!(titles(json!({"limit": 1, "page": 2})).await, ("Straße".to_owned(), 3));
    for bad in [json!({"status": "sold"}), json!({"limit": 0}), json!({"page": 0}), json!({"search": "a\u{0}"})] {
        let query = serde_json::from_value(bad.clone()).unwrap();
        assert_eq!(refusal(links::list(&gateway.app, &organization, query).await).code, ErrorCode::ValidationError, "{bad}");
    }
}
