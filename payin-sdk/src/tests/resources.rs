//! What each call of each resource sends: method, path, query, body, keys. What comes back is `seeds.rs`.

use std::pin::Pin;

use bytes::Bytes;
use serde_json::{Value, json};

use super::script::{KEY, Scene, text};
use crate::types::ExposeSecret;
use crate::types::deposit::DepositSort;
use crate::types::endpoint::ListEndpoints;
use crate::types::link::{ListLinkOrders, PublishPaymentLink};
use crate::types::order::{OrderStatsQuery, SortOrder};
use crate::types::organization::ListPaging;
use crate::types::pool::{ImportCsv, ImportMode};
use crate::types::transfer::BusinessType;
use crate::{
    Answer, BindDeposit, Call, Client, CreateApiKey, CreateEndpoint, CreateLinkOrder, CreatePaymentLink, DeliveryStatus, DepositStatus,
    Error, EventType, ImportAddresses, ListDepositReferences, ListDeposits, ListEvents, ListPaymentLinks, ListTransfers, Protocol,
    ResendEvent, ResendEvents, Role, RotateSecret, UpdateEndpoint, UpdatePaymentLink,
};

type Sent = Pin<Box<dyn Future<Output = Result<Answer<Bytes>, Error>>>>;

fn sent<T: 'static>(call: Call<T>) -> Sent {
    Box::pin(call.raw())
}

/// One call: what it is, and the method, path and body that it must send. An empty text is no body.
struct Case(fn(&Client) -> Sent, &'static str, &'static str, Value);

/// What a call must bear beside its body.
async fn check(cases: Vec<Case>) {
    let scene = Scene::new(cases.iter().map(|_| text(200, "{}")));
    let client = scene.client();
    for Case(call, method, path, body) in cases {
        call(&client).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let request = scene.requests().pop().unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), (method, format!("https://api.test/api/v1{path}").as_str()));
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
        match &body {
            Value::String(text) => assert_eq!(request.body, text.as_bytes(), "{path}"),
            json => assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), *json, "{path}"),
        }
        let content = match &body {
            Value::String(text) if text.is_empty() => None,
            Value::String(_) => Some("text/csv"),
            _ => Some("application/json"),
        };
        assert_eq!(header("content-type"), content, "{path}");
        let public = path.starts_with("/checkout");
        assert_eq!(header("x-api-key"), (!public).then_some(KEY), "{path}");
        assert_eq!(header("idempotency-key").is_some(), method == "POST" && !public, "{path}");
    }
}

fn no_body() -> Value {
    json!("")
}

#[tokio::test]
async fn orders_and_deposits() {
    let binding = json!({"depositReference": "user 1", "currency": "USDT", "chainId": "ethereum-sepolia", "metadata": {"k": 1}});
    check(vec![
        Case(|c| sent(c.chains().list()), "GET", "/chains", no_body()),
        Case(|c| sent(c.orders().explain(&"ord_1".into())), "GET", "/orders/ord_1/explain", no_body()),
        Case(
            |c| {
                let created_after = Some("2025-01-20T10:30:00Z".parse().unwrap());
                let (currency, chain_id) = (Some("USDT".into()), Some("base".into()));
                sent(c.orders().stats(&OrderStatsQuery { currency, chain_id, created_after, created_before: None }))
            },
            "GET",
            "/orders/stats?chainId=base&createdAfter=2025-01-20T10%3A30%3A00.000Z&currency=USDT",
            no_body(),
        ),
        Case(
            |c| sent(c.deposits().bind(&BindDeposit::new("user 1", "USDT", "ethereum-sepolia").metadata("k", 1))),
            "POST",
            "/deposits/references",
            binding,
        ),
        Case(|c| sent(c.deposits().reference("user/../1 %é")), "GET", "/deposits/references/user%2F..%2F1%20%25%C3%A9", no_body()),
        Case(
            |c| {
                let query = ListDepositReferences { search: Some("a&b=%_".to_owned()), limit: Some(50), ..Default::default() };
                sent(c.deposits().references(&query))
            },
            "GET",
            "/deposits/references?limit=50&search=a%26b%3D%25_",
            no_body(),
        ),
        Case(|c| sent(c.deposits().unbind("u 1")), "DELETE", "/deposits/references/u%201", no_body()),
        Case(
            |c| sent(c.deposits().unbind_chain("u", &"ethereum-sepolia".into())),
            "DELETE",
            "/deposits/references/u?chainId=ethereum-sepolia",
            no_body(),
        ),
        Case(|c| sent(c.deposits().get(&"dep_1".into())), "GET", "/deposits/dep_1", no_body()),
        Case(
            |c| {
                let query = ListDeposits {
                    deposit_reference: Some("u 1".to_owned()),
                    status: Some(DepositStatus::Pending),
                    sort_by: Some(DepositSort::DetectedAt),
                    sort_order: Some(SortOrder::Desc),
                    ..Default::default()
                };
                sent(c.deposits().list(&query))
            },
            "GET",
            "/deposits?depositReference=u%201&sortBy=detectedAt&sortOrder=desc&status=pending",
            no_body(),
        ),
        Case(|c| sent(c.transfers().get(&"tr_1".into())), "GET", "/transfers/tr_1", no_body()),
        Case(
            |c| {
                let query = ListTransfers {
                    tx_hash: Some("0xab".to_owned()),
                    business_type: Some(BusinessType::Order),
                    unmatched: Some(false),
                    ..Default::default()
                };
                sent(c.transfers().list(&query))
            },
            "GET",
            "/transfers?businessType=order&txHash=0xab&unmatched=false",
            no_body(),
        ),
    ])
    .await;
}

#[tokio::test]
async fn webhook_endpoints() {
    check(vec![
        Case(
            |c| sent(c.webhook_endpoints().create(&CreateEndpoint::new("https://x.test", [EventType::All]).description("d"))),
            "POST",
            "/webhooks/endpoints",
            json!({"url": "https://x.test", "events": ["*"], "description": "d"}),
        ),
        Case(|c| sent(c.webhook_endpoints().get(&"we_1".into())), "GET", "/webhooks/endpoints/we_1", no_body()),
        Case(
            |c| sent(c.webhook_endpoints().list(&ListEndpoints { page: Some(2), limit: None })),
            "GET",
            "/webhooks/endpoints?page=2",
            no_body(),
        ),
        Case(
            |c| sent(c.webhook_endpoints().update(&"we_1".into(), &UpdateEndpoint::default().enabled(false).remove_description())),
            "PUT",
            "/webhooks/endpoints/we_1",
            json!({"enabled": false, "description": null}),
        ),
        Case(|c| sent(c.webhook_endpoints().delete(&"we_1".into())), "DELETE", "/webhooks/endpoints/we_1", no_body()),
        Case(
            |c| sent(c.webhook_endpoints().rotate_secret(&"we_1".into(), &RotateSecret::default().old_secret_valid_hours(1_u32))),
            "POST",
            "/webhooks/endpoints/we_1/rotate-secret",
            json!({"oldSecretValidHours": 1}),
        ),
        Case(|c| sent(c.webhook_endpoints().test(&"we_1".into())), "POST", "/webhooks/endpoints/we_1/test", no_body()),
    ])
    .await;
}

#[tokio::test]
async fn webhook_events() {
    check(vec![
        Case(
            |c| {
                let query = ListEvents {
                    event_type: Some(EventType::OrderCompleted),
                    status: Some(DeliveryStatus::Failed),
                    endpoint_id: Some("we_1".into()),
                    object_id: Some("ord_1".to_owned()),
                    ..Default::default()
                };
                sent(c.webhook_events().list(&query))
            },
            "GET",
            "/webhooks/events?endpointId=we_1&objectId=ord_1&status=failed&type=order.completed",
            no_body(),
        ),
        Case(
            |c| sent(c.webhook_events().get(&"evt_order.completed_ord_1".into())),
            "GET",
            "/webhooks/events/evt_order.completed_ord_1",
            no_body(),
        ),
        Case(|c| sent(c.webhook_events().deliveries(&"evt_1".into())), "GET", "/webhooks/events/evt_1/deliveries", no_body()),
        Case(
            |c| sent(c.webhook_events().resend(&"evt_1".into(), &ResendEvent { endpoint_id: Some("we_1".into()) })),
            "POST",
            "/webhooks/events/evt_1/resend",
            json!({"endpointId": "we_1"}),
        ),
        Case(
            |c| {
                sent(c.webhook_events().resend_range(&ResendEvents {
                    created_after: "2025-01-20T10:30:00Z".parse().unwrap(),
                    endpoint_id: Some("we_1".into()),
                    status: Some(DeliveryStatus::Failed),
                    ..Default::default()
                }))
            },
            "POST",
            "/webhooks/events/resend",
            json!({"createdAfter": "2025-01-20T10:30:00.000Z", "endpointId": "we_1", "status": "failed"}),
        ),
    ])
    .await;
}

#[tokio::test]
async fn payment_links_and_checkout() {
    let link = json!({
        "title": "Ebook", "amount": "10.00", "currencies": [{"currency": "USDT", "chainOptions": ["polygon-amoy"]}],
        "inventoryTotal": 5, "theme": "light"
    });
    check(vec![
        Case(
            |c| {
                let link = CreatePaymentLink::new("Ebook", "10.00".parse().unwrap(), "USDT", vec!["polygon-amoy".into()]);
                sent(c.payment_links().create(&link.inventory_total(5_u64).theme("light")))
            },
            "POST",
            "/payment-links",
            link,
        ),
        Case(|c| sent(c.payment_links().get(&"pl_1".into())), "GET", "/payment-links/pl_1", no_body()),
        Case(
            |c| {
                sent(c.payment_links().list(&ListPaymentLinks {
                    search: Some("e book".to_owned()),
                    archived: Some(true),
                    ..Default::default()
                }))
            },
            "GET",
            "/payment-links?archived=true&search=e%20book",
            no_body(),
        ),
        Case(|c| sent(c.payment_links().stats()), "GET", "/payment-links/stats", no_body()),
        Case(
            |c| sent(c.payment_links().update(&"pl_1".into(), &UpdatePaymentLink::default().title("T").remove_expires_at())),
            "PUT",
            "/payment-links/pl_1",
            json!({"title": "T", "expiresAt": null}),
        ),
        Case(|c| sent(c.payment_links().delete(&"pl_1".into())), "DELETE", "/payment-links/pl_1", no_body()),
        Case(
            |c| sent(c.payment_links().orders(&"pl_1".into(), &ListLinkOrders { page: Some(3), ..Default::default() })),
            "GET",
            "/payment-links/pl_1/orders?page=3",
            no_body(),
        ),
        Case(
            |c| sent(c.payment_links().publish(&"pl_1".into(), &PublishPaymentLink::default().slug("ebook"))),
            "POST",
            "/payment-links/pl_1/publish",
            json!({"slug": "ebook"}),
        ),
        Case(|c| sent(c.payment_links().unpublish(&"pl_1".into())), "POST", "/payment-links/pl_1/unpublish", no_body()),
        Case(|c| sent(c.payment_links().archive(&"pl_1".into())), "POST", "/payment-links/pl_1/archive", no_body()),
        Case(|c| sent(c.payment_links().restore(&"pl_1".into())), "POST", "/payment-links/pl_1/restore", no_body()),
        Case(|c| sent(c.checkout().link("e/b")), "GET", "/checkout/e%2Fb", no_body()),
        Case(
            |c| sent(c.checkout().open("ebook", &CreateLinkOrder::new("USDT", "polygon-amoy").email("a@x.test"))),
            "POST",
            "/checkout/ebook/orders",
            json!({"email": "a@x.test", "currency": "USDT", "chainId": "polygon-amoy"}),
        ),
        Case(|c| sent(c.checkout().order(&"ord_1".into())), "GET", "/checkout/orders/ord_1", no_body()),
    ])
    .await;
}

#[tokio::test]
async fn pool_configuration_and_keys() {
    check(vec![
        Case(
            |c| sent(c.addresses().import(&ImportAddresses::from_xpub(Protocol::Evm, "xpub6", 10))),
            "POST",
            "/address-pool/import",
            json!({"protocol": "evm", "mode": "hd_wallet", "xpub": "xpub6", "count": 10}),
        ),
        Case(
            |c| {
                sent(
                    c.addresses().import_csv(&ImportCsv { protocol: Protocol::Tron, mode: Some(ImportMode::SelfManaged) }, "address\nT1\n"),
                )
            },
            "POST",
            "/address-pool/import?mode=self_managed&protocol=tron",
            json!("address\nT1\n"),
        ),
        Case(|c| sent(c.addresses().archive("0xAb")), "POST", "/address-pool/addresses/0xAb/archive", no_body()),
        Case(|c| sent(c.addresses().restore("0xAb")), "POST", "/address-pool/addresses/0xAb/restore", no_body()),
        Case(|c| sent(c.config().list()), "GET", "/config", no_body()),
        Case(|c| sent(c.config().get("orders.tolerance")), "GET", "/config/orders.tolerance", no_body()),
        Case(|c| sent(c.config().set("payment_window_minutes", 15)), "PUT", "/config/payment_window_minutes", json!({"value": 15})),
        Case(|c| sent(c.config().set("a/b", Value::Null)), "PUT", "/config/a%2Fb", json!({"value": null})),
        Case(|c| sent(c.organizations().list(&ListPaging::default())), "GET", "/organizations", no_body()),
        Case(
            |c| sent(c.api_keys().create(&"org_1".into(), &CreateApiKey::new("ci").role(Role::Viewer))),
            "POST",
            "/organizations/org_1/api-keys",
            json!({"name": "ci", "role": "viewer"}),
        ),
        Case(
            |c| sent(c.api_keys().list(&"org_1".into(), &ListPaging { page: None, limit: Some(5) })),
            "GET",
            "/organizations/org_1/api-keys?limit=5",
            no_body(),
        ),
        Case(|c| sent(c.api_keys().revoke(&"key_1".into())), "DELETE", "/api-keys/key_1", no_body()),
    ])
    .await;
}

#[tokio::test]
async fn no_argument_becomes_another_path() {
    let scene = Scene::new([]);
    let client = scene.client();
    for bad in ["", ".", ".."] {
        let calls = [
            sent(client.deposits().reference(bad)),
            sent(client.deposits().unbind(bad)),
            sent(client.transfers().get(&bad.into())),
            sent(client.payment_links().archive(&bad.into())),
            sent(client.checkout().link(bad)),
            sent(client.addresses().archive(bad)),
            sent(client.config().set(bad, 1)),
            sent(client.api_keys().revoke(&bad.into())),
            sent(client.webhook_events().resend(&bad.into(), &ResendEvent::default())),
        ];
        for call in calls {
            assert!(matches!(call.await, Err(Error::Request(_))));
        }
    }
    assert_eq!(scene.sent(), 0);
}

#[test]
fn a_secret_is_not_in_the_debug_of_what_bears_it() {
    let secret = crate::SecretString::from("whsec_SECRET0123456789");
    let rotate = RotateSecret::default().secret(secret.expose_secret());
    assert!(!format!("{rotate:?}").contains("SECRET0"));
    let endpoint = CreateEndpoint::new("https://x.test", []).secret(secret.expose_secret());
    assert!(!format!("{endpoint:?}").contains("SECRET0"));
}
