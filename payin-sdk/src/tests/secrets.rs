//! No key, secret or body in anything that is printed.

use std::fmt;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use super::script::{KEY, Scene, answer, broken, order, problem, text};
use crate::transport::TransportErrorKind;
use crate::webhook::Verifier;
use crate::{Client, CreateEndpoint, CreateOrder};

const SECRET: &str = "whsec_SECRET0123456789";

fn is_clean(text: &str) {
    for word in ["SECRET", "customer"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let scene = Scene::new([
        answer(201, &order("pending")),
        problem(400, "VALIDATION_ERROR"),
        text(500, &format!("{KEY} customer")),
        answer(201, &json!({"secret": SECRET, "id": 5})),
        broken(TransportErrorKind::Broken),
    ]);
    let builder = scene.builder().retries_max(0);
    is_clean(&format!("{builder:?}"));
    let client = builder.build().unwrap();
    is_clean(&format!("{client:?} {:?}", client.orders()));

    let order = CreateOrder::new("R-1", "1".parse().unwrap(), "USDT", "c").metadata("email", "customer@x.test");
    let call = client.orders().create(&order);
    is_clean(&format!("{call:?}"));
    call.await.unwrap();

    let endpoint = CreateEndpoint { url: "https://x.test".to_owned(), events: vec![], secret: Some(SECRET.to_owned()), description: None };
    is_clean(&format!("{endpoint:?}"));
    for _ in 0..4 {
        let error = client.webhook_endpoints().create(&endpoint).await.unwrap_err();
        is_clean(&format!("{error:?} {error:#?} {error}"));
    }
    is_clean(&format!("{:?}", scene.requests()));
    is_clean(&format!("{:?}", Verifier::new(SECRET.into())));
}

#[test]
fn a_key_that_cannot_be_used_is_not_quoted() {
    for key in ["pk_test_SECRET\n", "SECRET", "SECRET é"] {
        is_clean(&Client::builder().api_key(key).build().unwrap_err().to_string());
    }
    is_clean(&Client::builder().api_key(KEY).base_url("https://SECRET:SECRET@x.test").build().unwrap_err().to_string());
}

/// Writes down everything that is traced, at every level.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<String>>);

impl Visit for Tape {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Tape {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("payin_sdk")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn nothing_that_is_traced_holds_a_secret() {
    let tape = Tape::default();
    // Two, because with a single subscriber tracing asks only the thread that comes by first whether a place in the code is of interest,
    // and keeps its answer for all: that may be the thread of another test, which has no subscriber.
    let (dispatch, _second) = (Dispatch::new(tape.clone()), Dispatch::new(Tape::default()));
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let scene = Scene::new([broken(TransportErrorKind::Broken), text(502, "customer"), answer(200, &order("pending"))]);
    scene.client().orders().get_by_reference("customer 17").await.unwrap();
    let traced = tape.0.lock().unwrap().clone();
    is_clean(&traced);
    assert!(
        ["method=GET", "path=\"/orders/by-reference/{reference}\"", "attempt=3", "status=200"].iter().all(|part| traced.contains(part)),
        "{traced}"
    );
}
