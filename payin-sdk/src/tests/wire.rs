//! What this version does not know survives a round trip.

use serde_json::{Value, json};

use super::script::{Scene, answer, order};
use crate::types::order::OrderSummary;
use crate::{Endpoint, Event, EventType, ImportedAddresses, Order, OrderStatus, PoolAddress, Protocol};

fn round_trip<T: serde::de::DeserializeOwned + serde::Serialize>(body: &Value) {
    let typed: T = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), *body);
}

#[test]
fn unknown_words_and_fields_survive() {
    let time = "2025-01-20T10:30:00.000Z";
    let extra = json!({"deep": [1, null, {"a": "b"}]});
    let mut body = order("teleported");
    body["protocol"] = json!("bitcoin");
    body["news"] = extra.clone();
    round_trip::<Order>(&body);
    for gone in ["protocol", "metadata", "expiresAt"] {
        body.as_object_mut().unwrap().remove(gone);
    }
    round_trip::<OrderSummary>(&body);
    round_trip::<Event>(&json!({"id": "evt_1", "type": "coupon.burnt", "created_at": time, "data": extra, "news": extra}));
    round_trip::<PoolAddress>(&json!({"address": "a", "protocol": "p", "state": "s", "createdAt": time, "news": extra}));
    round_trip::<Endpoint>(&json!({
        "id": "we_1", "url": "https://x.test", "events": ["*", "coupon.burnt"], "enabled": true, "createdAt": time, "updatedAt": time,
        "secret": "whsec_x", "news": extra
    }));
    round_trip::<ImportedAddresses>(&json!({
        "success": true, "imported": 1, "skipped": 0, "errors": [], "summary": {"protocol": "p", "mode": "m"}, "news": extra
    }));
}

#[tokio::test]
async fn an_unknown_status_is_no_error() {
    let scene = Scene::new([answer(200, &order("teleported"))]);
    let order = scene.client().orders().get(&"ord_1".into()).await.unwrap();
    assert_eq!(order.status, OrderStatus::Unknown("teleported".to_owned()));
    assert_eq!(order.protocol, Protocol::Evm);
    assert_eq!(EventType::from("x.y").as_str(), "x.y");
}
