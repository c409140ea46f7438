//! What reaches an axum handler, and what is answered in its stead.

use axum_core::extract::FromRequest;
use futures_util::stream;
use serde_json::Value;

use super::*;
use crate::webhook::{PAYIN_SIGNATURE, sign};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"id":"evt_1","type":"coupon.burnt","created_at":"2025-01-20T10:30:00Z","data":{"amount":"1"},"news":[1]}"#;

fn now() -> Timestamp {
    "2025-01-20T10:30:05Z".parse().unwrap()
}

fn receiver(secret: &str) -> Receiver {
    Receiver::new(Verifier::new(secret.into())).clock(now)
}

fn request(headers: &[(&str, String)], body: impl Into<Body>) -> Request {
    let mut request = Request::new(body.into());
    for (name, value) in headers {
        request.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    request
}

async fn received(headers: &[(&str, String)], body: impl Into<Body>) -> Result<Verified, (u16, Value)> {
    received_by(&receiver(SECRET), headers, body).await
}

async fn received_by(receiver: &Receiver, headers: &[(&str, String)], body: impl Into<Body>) -> Result<Verified, (u16, Value)> {
    match Verified::from_request(request(headers, body), receiver).await {
        Ok(verified) => Ok(verified),
        Err(refused) => {
            let response = refused.into_response();
            let (status, body) = (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes());
            Err((status, serde_json::from_slice(&body).unwrap()))
        }
    }
}

#[tokio::test]
async fn a_genuine_event_reaches_the_handler() {
    let [payin, rest @ ..] = sign(&SECRET.into(), "evt_1", now(), BODY);
    for headers in [&[payin][..], &rest] {
        let verified = received(headers, BODY).await.unwrap();
        assert_eq!((verified.event.event_type.as_str(), verified.genuine.secret, verified.received_at), ("coupon.burnt", 0, now()));
        assert_eq!((&verified.body[..], verified.event.extra["news"].clone()), (BODY, serde_json::json!([1])));
    }
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let signed = sign(&SECRET.into(), "evt_1", now(), BODY);
    let payin = |at: Timestamp, body: &[u8]| vec![sign(&SECRET.into(), "evt_1", at, body)[0].clone()];
    let long = vec![b' '; BODY_BYTES_MAX + 1];
    let no_event = br#"{"id":7}"#;
    for (headers, body, status, error, says) in [
        (vec![], BODY, 401, "NOT_GENUINE", "no X-PayIn-Signature header"),
        ([signed[0].clone(), signed[0].clone()].to_vec(), BODY, 401, "NOT_GENUINE", "more than once"),
        (payin(Timestamp::from_secs(now().secs() - 301), BODY), BODY, 401, "NOT_GENUINE", "signed 301 s ago"),
        (payin(Timestamp::from_secs(now().secs() + 301), BODY), BODY, 401, "NOT_GENUINE", "signed 301 s in the future"),
        (payin(now(), b"{}"), BODY, 401, "NOT_GENUINE", "no signature matches"),
        (payin(now(), &[BODY, b"\n"].concat()), BODY, 401, "NOT_GENUINE", "raw bytes as received"),
        (payin(now(), &long), &long, 413, "TOO_LONG", "1048576"),
        (payin(now(), no_event), no_event, 422, "NOT_AN_EVENT", "genuine, but"),
        (vec![(PAYIN_SIGNATURE, "nonsense".to_owned())], BODY, 401, "NOT_GENUINE", "malformed"),
    ] {
        let (got, answer) = received(&headers, body.to_vec()).await.unwrap_err();
        assert_eq!((got, &answer["error"]), (status, &error.into()), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(says), "{says}: {answer}");
        assert!(!answer.to_string().contains(SECRET));
    }
    let (status, answer) = received_by(&receiver(""), &signed, BODY).await.unwrap_err();
    assert_eq!((status, &answer["error"]), (500, &"NO_SECRET".into()));
}

#[tokio::test]
async fn a_body_without_an_announced_length_is_cut_and_a_broken_one_told() {
    let signed = sign(&SECRET.into(), "evt_1", now(), BODY);
    let endless = Body::new(http_body_util::StreamBody::new(stream::repeat_with(|| {
        Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(&[b'x'; 1024])))
    })));
    assert_eq!(received(&signed, endless).await.unwrap_err().0, 413);
    let broken = Body::new(http_body_util::StreamBody::new(stream::iter([
        Ok(http_body::Frame::data(Bytes::from_static(b"{"))),
        Err(std::io::Error::other("gone")),
    ])));
    assert_eq!(received(&signed, broken).await.unwrap_err().0, 400);
}

#[test]
fn nothing_shows_the_secret() {
    assert!(!format!("{:?}", receiver(SECRET)).contains("whsec_"));
}
