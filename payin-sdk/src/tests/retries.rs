//! Which failures are tried again, how often, after how long, and with which idempotency key.

use std::time::Duration;

use serde_json::json;

use super::script::{NOW_S, Scene, Step, answer, broken, order, problem, text};
use crate::transport::TransportErrorKind;
use crate::types::sandbox::Mine;
use crate::{CreateEndpoint, CreateOrder, EndpointId, Error, ErrorCode, OrderId};

fn new_order() -> CreateOrder {
    CreateOrder::new("R-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia")
}

fn id() -> OrderId {
    OrderId::from("ord_1")
}

fn ok() -> Step {
    answer(201, &order("pending"))
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_key() {
    let passing: [fn() -> Step; 9] = [
        || problem(429, "RATE_LIMIT_EXCEEDED"),
        || problem(500, "INTERNAL_ERROR"),
        || text(502, "<html>Bad Gateway</html>"),
        || problem(503, "SERVICE_UNAVAILABLE"),
        || text(504, ""),
        || text(520, "who knows"),
        || broken(TransportErrorKind::Connect),
        || broken(TransportErrorKind::Timeout),
        || broken(TransportErrorKind::Broken),
    ];
    for step in passing {
        let scene = Scene::new([step(), step(), ok()]);
        let answer = scene.client().orders().create(&new_order()).answer().await.unwrap();
        assert_eq!((answer.attempts, scene.sent(), scene.slept().len()), (3, 3, 2));
        let keys = scene.headers("idempotency-key");
        assert!(keys.iter().all(|key| *key == keys[0]) && keys[0].len() == 36, "{keys:?}");
        let bodies: Vec<_> = scene.requests().into_iter().map(|request| request.body).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]) && !bodies[0].is_empty());
    }
}

#[tokio::test]
async fn what_stays_is_not_tried_again() {
    let staying = [
        (400, "VALIDATION_ERROR"),
        (400, "INVALID_AMOUNT"),
        (401, "INVALID_API_KEY"),
        (403, "INSUFFICIENT_PERMISSIONS"),
        (404, "RESOURCE_NOT_FOUND"),
        (408, "REQUEST_TIMEOUT"),
        (409, "DUPLICATE_ORDER_REFERENCE"),
        (409, "IDEMPOTENCY_KEY_CONFLICT"),
        (409, "IDEMPOTENCY_IN_PROGRESS"),
        (413, "PAYLOAD_TOO_LARGE"),
        (422, "SOMETHING_NEW"),
        (503, "NO_AVAILABLE_ADDRESSES"),
        (503, "CHAIN_UNAVAILABLE"),
    ];
    for (status, code) in staying {
        let scene = Scene::new([problem(status, code)]);
        let error = scene.client().orders().create(&new_order()).await.unwrap_err();
        let Error::Api(error) = error else { panic!("{code}: {error:?}") };
        assert_eq!((error.status, error.code.as_str(), error.request_id.as_deref()), (status, code, Some("req_7")));
        assert_eq!((scene.sent(), scene.slept().len()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let with_body =
        || answer(429, &json!({"error": "", "message": "", "code": "RATE_LIMIT_EXCEEDED", "statusCode": 429, "retryAfter": 11}));
    let reset: &'static str = Box::leak((NOW_S + 17).to_string().into_boxed_str());
    let cases = [
        (with_body().header("retry-after", "7").header("x-ratelimit-reset", reset), 7),
        (with_body().header("x-ratelimit-reset", reset), 11),
        (problem(429, "RATE_LIMIT_EXCEEDED").header("x-ratelimit-reset", reset), 17),
        (problem(429, "RATE_LIMIT_EXCEEDED").header("retry-after", "Mon, 20 Jan 2025 10:30:23 GMT"), 23),
        (problem(503, "SERVICE_UNAVAILABLE").header("retry-after", "3"), 3),
    ];
    for (step, seconds) in cases {
        let scene = Scene::new([step, ok()]);
        scene.client().orders().get(&id()).await.unwrap();
        assert_eq!(scene.slept(), [Duration::from_secs(seconds)]);
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_not_begun() {
    let scene = Scene::new([problem(429, "RATE_LIMIT_EXCEEDED").header("retry-after", "3600")]);
    let error = scene.client().orders().get(&id()).await.unwrap_err();
    assert_eq!(error.api().unwrap().retry_after, Some(Duration::from_secs(3600)));
    assert_eq!((error.code(), scene.slept().len()), (Some(&ErrorCode::RateLimitExceeded), 0));
}

#[tokio::test]
async fn attempts_and_deadline_are_bounded() {
    let scene = Scene::new((0..6).map(|_| problem(500, "INTERNAL_ERROR")));
    scene.client().orders().get(&id()).await.unwrap_err();
    assert_eq!(scene.sent(), 6);

    let scene = Scene::new([problem(500, "INTERNAL_ERROR")]);
    scene.builder().retries_max(0).build().unwrap().orders().get(&id()).await.unwrap_err();
    assert_eq!(scene.sent(), 1);

    // Two attempts of 30 s fill the minute: the second may only take what is left, and there is no third.
    let slow = || broken(TransportErrorKind::Timeout).takes(Duration::from_secs(90));
    let scene = Scene::new([slow(), slow()]);
    scene.client().orders().get(&id()).await.unwrap_err();
    let timeouts: Vec<_> = scene.requests().iter().map(|request| request.timeout).collect();
    assert_eq!(timeouts, [Duration::from_secs(30), Duration::from_secs(30) - scene.slept()[0]]);

    let scene = Scene::new([slow()]);
    scene.client().orders().get(&id()).timeout(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(scene.requests()[0].timeout, Duration::from_secs(5));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown() {
    let lost = || broken(TransportErrorKind::Broken);
    let refused = || broken(TransportErrorKind::Connect);
    for last in [lost(), refused(), text(504, ""), problem(500, "INTERNAL_ERROR"), problem(401, "INVALID_API_KEY")] {
        let scene = Scene::new([lost(), last]);
        let client = scene.builder().retries_max(1).build().unwrap();
        let error = client.orders().create(&new_order()).idempotency_key("mine").await.unwrap_err();
        let Error::OutcomeUnknown { idempotency_key, source, .. } = &error else { panic!("{error:?}") };
        assert_eq!((idempotency_key.as_str(), scene.headers("idempotency-key")), ("mine", vec!["mine".to_owned(); 2]));
        assert!(error.is_transient() && std::error::Error::source(&error).is_some(), "{source}");
    }
}

#[tokio::test]
async fn a_known_outcome_is_not_called_unknown() {
    // Never reached: nothing was created.
    let refused = || broken(TransportErrorKind::Connect);
    let scene = Scene::new([refused(), refused()]);
    let error = scene.builder().retries_max(1).build().unwrap().orders().create(&new_order()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { attempts: 2, .. }), "{error:?}");

    // The server looked the key up, found nothing and refused.
    for (status, code) in [(409, "DUPLICATE_ORDER_REFERENCE"), (400, "INVALID_AMOUNT"), (503, "NO_AVAILABLE_ADDRESSES")] {
        let scene = Scene::new([broken(TransportErrorKind::Timeout), problem(status, code)]);
        let error = scene.client().orders().create(&new_order()).await.unwrap_err();
        assert!(matches!(&error, Error::Api(error) if error.code.as_str() == code), "{error:?}");
    }

    // Reading changes nothing.
    let scene = Scene::new([broken(TransportErrorKind::Broken)]);
    let error = scene.builder().retries_max(0).build().unwrap().me().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }));
}

#[tokio::test]
async fn deleting_twice_is_deleting_once() {
    let endpoint = EndpointId::from("we_1");
    let scene = Scene::new([broken(TransportErrorKind::Broken), problem(404, "RESOURCE_NOT_FOUND")]);
    assert!(scene.client().webhook_endpoints().delete(&endpoint).await.unwrap().success);

    let scene = Scene::new([problem(404, "RESOURCE_NOT_FOUND")]);
    assert_eq!(scene.client().webhook_endpoints().delete(&endpoint).await.unwrap_err().code(), Some(&ErrorCode::ResourceNotFound));
}

#[tokio::test]
async fn what_counts_each_time_is_not_repeated_blindly() {
    let scene = Scene::new([broken(TransportErrorKind::Broken)]);
    scene.client().sandbox().mine(&Mine::default()).await.unwrap_err();
    assert_eq!((scene.sent(), scene.headers("idempotency-key")), (1, vec![String::new()]));

    let scene = Scene::new([broken(TransportErrorKind::Connect), answer(200, &json!({"chains": []}))]);
    scene.client().sandbox().mine(&Mine::default()).await.unwrap();
}

#[tokio::test]
async fn keys_are_fresh_for_each_call_and_absent_from_reads() {
    let endpoint = CreateEndpoint { url: "https://x.test".to_owned(), events: vec![], secret: None, description: None };
    let created = json!({"id": "we_1", "url": "https://x.test", "events": [], "enabled": true,
        "createdAt": "2025-01-20T10:30:00Z", "updatedAt": "2025-01-20T10:30:00Z"});
    let scene = Scene::new([ok(), ok(), answer(201, &created), ok()]);
    let client = scene.client();
    client.orders().create(&new_order()).await.unwrap();
    client.orders().create(&new_order()).await.unwrap();
    client.webhook_endpoints().create(&endpoint).await.unwrap();
    client.orders().get(&id()).idempotency_key("ignored").await.unwrap();
    let keys = scene.headers("idempotency-key");
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && !keys[2].is_empty() && keys[3].is_empty(), "{keys:?}");
}

#[tokio::test]
async fn a_bad_key_is_refused_before_anything_is_sent() {
    let scene = Scene::new([]);
    for key in ["", "a\nb", "é", &"k".repeat(256)] {
        let error = scene.client().orders().create(&new_order()).idempotency_key(key).await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{error:?}");
    }
    assert_eq!(scene.sent(), 0);
}
