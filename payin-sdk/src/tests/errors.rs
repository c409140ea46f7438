//! What errors tell.

use std::error::Error as _;

use serde_json::json;

use super::script::{Scene, answer, order, text};
use crate::{Error, ErrorCode, OrderId};

fn id() -> OrderId {
    OrderId::from("ord_1")
}

#[tokio::test]
async fn all_that_the_server_said_is_kept() {
    let body = json!({
        "error": "Duplicate order reference", "message": "R-1 is taken", "code": "DUPLICATE_ORDER_REFERENCE", "statusCode": 409,
        "details": {"field": "orderReference"}, "existingOrderId": "ord_9", "requestId": "req_1"
    });
    let scene = Scene::new([answer(409, &body).header("x-request-id", "req_header")]);
    let error = scene.client().orders().get(&id()).await.unwrap_err();
    assert_eq!(error.to_string(), "R-1 is taken (DUPLICATE_ORDER_REFERENCE, HTTP 409, request req_1)");
    let api = error.api().unwrap();
    assert_eq!(api.code, ErrorCode::DuplicateOrderReference);
    assert_eq!(api.existing_order_id, Some("ord_9".into()));
    assert_eq!(api.details, Some(json!({"field": "orderReference"})));
    assert_eq!(api.raw.as_str(), body.to_string());
}

#[tokio::test]
async fn an_error_that_is_not_json_keeps_its_text() {
    let scene = Scene::new([text(418, "<h1>teapot</h1>").header("x-request-id", "req_2")]);
    let error = scene.client().orders().get(&id()).await.unwrap_err();
    let api = error.api().unwrap();
    assert_eq!((api.status, api.code.as_str(), api.raw.as_str()), (418, "HTTP_418", "<h1>teapot</h1>"));
    assert_eq!(error.request_id(), Some("req_2"));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let scene = Scene::new([text(307, "")]);
    let error = scene.client().orders().get(&id()).await.unwrap_err();
    assert_eq!((error.api().unwrap().status, scene.sent()), (307, 1));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where() {
    let mut body = order("pending");
    body["amount"] = json!(100.5);
    let scene = Scene::new([answer(200, &body).header("x-request-id", "req_3")]);
    let error = scene.client().orders().get(&id()).await.unwrap_err();
    assert!(error.source().is_some());
    assert_eq!(error.request_id(), Some("req_3"));
    let Error::Decode { path, body, call, .. } = error else { panic!("{error:?}") };
    assert_eq!((path.as_str(), call.as_str()), ("amount", "GET /orders/{id}"));
    assert!(body.as_str().contains("100.5"));

    let page = json!({"data": [{"address": "a", "protocol": "evm", "state": "x", "createdAt": "2025-01-20T10:30:00Z"}, {"address": "b"}]});
    let scene = Scene::new([answer(200, &page)]);
    let error = scene.client().addresses().list(&Default::default()).await.unwrap_err();
    let Error::Decode { path, .. } = error else { panic!("{error:?}") };
    assert!(path.starts_with("data[1]"), "{path}");

    let scene = Scene::new([text(200, &format!("{} trailing", order("pending")))]);
    assert!(matches!(scene.client().orders().get(&id()).await, Err(Error::Decode { .. })));
}

#[tokio::test]
async fn an_argument_that_would_be_another_path_is_refused() {
    let scene = Scene::new([]);
    for reference in ["", ".", ".."] {
        assert!(matches!(scene.client().orders().get_by_reference(reference).await, Err(Error::Request(_))));
    }
}
