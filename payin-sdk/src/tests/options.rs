//! What can be said of one call, and what comes back beside the body.

use std::time::Duration;

use super::script::{KEY, NOW_S, Scene, answer, broken, order, problem, text};
use crate::transport::TransportErrorKind;
use crate::{Client, CreateLinkOrder, Error, OrderId, Timestamp};

fn id() -> OrderId {
    OrderId::from("ord_1")
}

#[tokio::test]
async fn headers_are_added_and_hidden() {
    let scene = Scene::new([problem(500, "INTERNAL_ERROR"), answer(200, &order("pending"))]);
    let client = scene.client();
    let call = client.orders().get(&id()).header("X-Trace", "SECRET").header("x-trace", "2");
    assert!(!format!("{call:?}").contains("SECRET"));
    call.await.unwrap();
    for request in scene.requests() {
        let values: Vec<_> = request.headers.get_all("x-trace").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(values, ["SECRET", "2"]);
        assert!(!format!("{request:?}").contains("SECRET"));
    }
}

#[tokio::test]
async fn headers_that_are_the_clients_own_are_refused() {
    let scene = Scene::new([]);
    let names = ["x-api-key", "X-API-Key", "authorization", "idempotency-key", "content-type", "content-length", "host", "a b", "", "é"];
    for (name, value) in names.map(|name| (name, "1")).into_iter().chain([("x-ok", "a\r\nb")]) {
        let error = scene.client().orders().get(&id()).header(name, value).await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn attempts_of_one_call() {
    let scene = Scene::new([problem(500, "INTERNAL_ERROR")]);
    scene.client().me().retries_max(0).await.unwrap_err();
    let scene = Scene::new((0..3).map(|_| problem(500, "INTERNAL_ERROR")));
    let client = scene.builder().retries_max(0).build().unwrap();
    client.me().retries_max(2).await.unwrap_err();
    assert_eq!(scene.sent(), 3);
}

#[tokio::test]
async fn the_answer_as_it_came() {
    let reset: &'static str = Box::leak((NOW_S + 30).to_string().into_boxed_str());
    let limited = |step: super::script::Step| {
        step.header("x-ratelimit-limit", "100").header("x-ratelimit-remaining", "97").header("x-ratelimit-reset", reset)
    };
    let scene = Scene::new([
        limited(text(200, "not JSON").header("x-request-id", "req_1")),
        limited(answer(200, &order("pending"))),
        limited(problem(404, "RESOURCE_NOT_FOUND")),
        answer(200, &order("pending")).header("x-ratelimit-limit", "many"),
    ]);
    let client = scene.client();
    let raw = client.orders().get(&id()).raw().await.unwrap();
    assert_eq!((raw.body.as_ref(), raw.response.status, raw.request_id.as_deref()), (&b"not JSON"[..], 200, Some("req_1")));
    let limit = raw.rate_limit.unwrap();
    assert_eq!((limit.limit, limit.remaining, limit.reset), (100, 97, Timestamp::from_secs(NOW_S + 30)));

    let answer = client.orders().get(&id()).answer().await.unwrap();
    assert_eq!((answer.rate_limit, answer.response.header("x-ratelimit-limit")), (Some(limit), Some("100")));
    assert!(answer.response.body.starts_with(b"{"));

    let error = client.orders().get(&id()).await.unwrap_err();
    let api = error.api().unwrap();
    assert_eq!((api.rate_limit, api.headers.get("x-ratelimit-remaining").unwrap().to_str().unwrap()), (Some(limit), "97"));
    assert!(error.is_not_found());
    assert_eq!(client.orders().get(&id()).answer().await.unwrap().rate_limit, None);
}

#[tokio::test]
async fn an_order_of_a_link_is_not_opened_twice_blindly() {
    let order = CreateLinkOrder::new("USDT", "polygon-amoy");
    let scene = Scene::new([broken(TransportErrorKind::Broken)]);
    let error = scene.client().checkout().open("ebook", &order).await.unwrap_err();
    assert!(matches!(error, Error::Transport { attempts: 1, .. }), "{error:?}");

    for (status, code) in [(409, "SOLD_OUT"), (410, "PAYMENT_LINK_UNAVAILABLE"), (409, "INVALID_STATE")] {
        let scene = Scene::new([broken(TransportErrorKind::Connect), problem(status, code)]);
        let error = scene.client().checkout().open("ebook", &order).await.unwrap_err();
        assert_eq!(
            (error.is_sold_out(), error.is_link_unavailable(), error.is_invalid_state()),
            match code {
                "SOLD_OUT" => (true, false, false),
                "INVALID_STATE" => (false, false, true),
                _ => (false, true, false),
            }
        );
        assert_eq!(scene.sent(), 2, "{code} is not tried again");
    }
}

#[tokio::test]
async fn what_is_set_may_be_set_again() {
    let scene = Scene::new([broken(TransportErrorKind::Broken), problem(404, "DEPOSIT_REFERENCE_NOT_FOUND")]);
    let error = scene.client().deposits().unbind("u").await.unwrap_err();
    assert!(error.is_not_found() && scene.sent() == 2);

    let scene = Scene::new([broken(TransportErrorKind::Broken)]);
    let error = scene.client().config().set("k", 1).retries_max(0).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }));

    let scene = Scene::new([broken(TransportErrorKind::Timeout)]);
    let error = scene.client().payment_links().archive(&"pl_1".into()).retries_max(0).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }));
}

#[test]
fn a_key_is_not_sent_in_clear() {
    let build = |url: &str, allow: bool| Client::builder().api_key(KEY).base_url(url).allow_http(allow).transport(Scene::default()).build();
    for url in ["http://api.test", "http://10.0.0.1:3000/api/v1", "http://localhost.api.test"] {
        let error = build(url, false).unwrap_err();
        assert!(matches!(&error, Error::Config(why) if why.contains("https://")), "{error}");
        build(url, true).unwrap();
    }
    for url in ["https://api.test", "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"] {
        build(url, false).unwrap();
    }
}

#[tokio::test]
async fn a_call_may_be_given_less_time() {
    let scene = Scene::new([broken(TransportErrorKind::Timeout).takes(Duration::from_secs(9))]);
    scene.client().transfers().get(&"tr_1".into()).timeout(Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(scene.requests()[0].timeout, Duration::from_secs(3));
}
