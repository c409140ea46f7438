//! Stubs of single answers, for tests of a merchant's code without a gateway. They are made of the types of the API, so that they say what it
//! says; they know no rules: what a stub answers does not follow from what was asked.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use payin_sdk::testing::stubs::{self, wiremock::MockServer};
//! use payin_sdk::{CreateOrder, Error, ErrorCode};
//!
//! let gateway = MockServer::start().await;
//! let client = stubs::client(&gateway)?;
//!
//! // One order is created; after it the pool is empty. A mock that was mounted first is asked first.
//! let order = stubs::order("ORDER-1", "25.00".parse()?);
//! stubs::creates(&order).up_to_n_times(1).expect(1).mount(&gateway).await;
//! stubs::refuses("POST", "/orders", &ErrorCode::NoAvailableAddresses, None).mount(&gateway).await;
//!
//! let wish = CreateOrder::new("ORDER-1", "25.00".parse()?, "USDT", "ethereum-sepolia");
//! assert_eq!(client.orders().create(&wish).await?, order);
//! let Err(Error::Api(refused)) = client.orders().create(&wish).await else { panic!("nothing was refused") };
//! assert_eq!((refused.status, refused.code), (503, ErrorCode::NoAvailableAddresses));
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! A webhook for a handler's test, signed as the gateway signs:
//!
//! ```
//! use payin_sdk::testing::stubs;
//! use payin_sdk::webhook::{Verifier, construct_event};
//! use payin_sdk::{EventType, OrderStatus};
//!
//! let now = "2025-01-20T10:30:00Z".parse()?;
//! let mut order = stubs::order("ORDER-1", "25.00".parse()?);
//! order.status = OrderStatus::Completed;
//! let (headers, body) = stubs::webhook(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(), EventType::OrderCompleted, &order, now)?;
//!
//! let verifier = Verifier::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
//! assert_eq!(construct_event(headers, &body, &verifier, now)?.event_type, EventType::OrderCompleted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::Duration;

use payin_types::page::Pagination;
use payin_types::problem::Problem;
use payin_types::{Amount, ErrorCode, Event, EventId, EventType, Order, Page, Protocol, Timestamp};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Map;
pub use wiremock;
use wiremock::matchers::{body_partial_json, header_exists, method, path};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use crate::client::Client;
use crate::error::Error;
use crate::webhook::sign;

/// Where the API's paths begin.
const ROOT: &str = "/api/v1";
/// When an order of [`order`] was created, and how long it waits.
const CREATED_AT: Timestamp = Timestamp::from_secs(1_737_369_000);
const WINDOW: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(300);

/// A client of a mock server, with any key.
///
/// # Errors
/// [`Error::Config`].
pub fn client(gateway: &MockServer) -> Result<Client, Error> {
    Client::builder().api_key("pk_test_stub").base_url(gateway.uri()).build()
}

/// An order as just created, for USDT on ethereum-sepolia; its fields are for you to change.
#[must_use]
pub fn order(order_reference: &str, amount: Amount) -> Order {
    let mut order = Order::new(
        format!("ord_{order_reference}").into(),
        order_reference.to_owned(),
        amount,
        "USDT".into(),
        "ethereum-sepolia".into(),
        Protocol::Evm,
        "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1".to_owned(),
        CREATED_AT,
        CREATED_AT.plus(WINDOW),
    );
    order.grace_period_ends_at = Some(CREATED_AT.plus(WINDOW).plus(GRACE));
    order
}

fn given(verb: &str, api_path: &str) -> MockBuilder {
    Mock::given(method(verb)).and(path(format!("{ROOT}{api_path}"))).and(header_exists("x-api-key"))
}

/// Answers a call: `answers("GET", "/me", 200, &me)`.
pub fn answers(method: &str, path: &str, status: u16, body: &impl Serialize) -> Mock {
    given(method, path).respond_with(ResponseTemplate::new(status).set_body_json(body))
}

/// Creates this order for whoever asks for one with its reference.
pub fn creates(order: &Order) -> Mock {
    given("POST", "/orders")
        .and(header_exists("idempotency-key"))
        .and(body_partial_json(serde_json::json!({ "orderReference": order.order_reference })))
        .respond_with(ResponseTemplate::new(201).set_body_json(order))
}

/// Shows this order to whoever asks for it by its id.
pub fn shows(order: &Order) -> Mock {
    answers("GET", &format!("/orders/{}", order.order_id), 200, order)
}

/// Lists these on one page, whatever is asked for: `lists("/orders", &orders)`.
pub fn lists<T: Serialize>(path: &str, items: &[T]) -> Mock {
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let page = Page { data: items.iter().collect(), pagination: Pagination::new(1, count.max(1), count) };
    answers("GET", path, 200, &page)
}

/// Refuses a call with an error of the contract: its status and its body; and, where waiting helps, after how many seconds.
pub fn refuses(method: &str, path: &str, code: &ErrorCode, retry_after: Option<u64>) -> Mock {
    let problem = Problem {
        error: code.title().to_owned(),
        message: format!("A stub refuses {method} {path}"),
        code: code.clone(),
        status_code: code.status(),
        details: None,
        request_id: Some("req_stub".to_owned()),
        existing_order_id: None,
        retry_after,
        extra: Map::new(),
    };
    let mut response = ResponseTemplate::new(code.status()).set_body_json(&problem).insert_header("x-request-id", "req_stub");
    if let Some(seconds) = retry_after {
        response = response.insert_header("retry-after", seconds.to_string());
    }
    given(method, path).respond_with(response)
}

/// Refuses a call because there were too many: 429, with `Retry-After`.
pub fn limits(method: &str, path: &str, retry_after: u64) -> Mock {
    refuses(method, path, &ErrorCode::RateLimitExceeded, Some(retry_after))
}

/// What a webhook is posted with: its headers, and its body.
pub type Posted = ([(&'static str, String); 4], Vec<u8>);

/// A signed webhook about an order (or whatever is its data): the headers and the body of the request that a handler gets.
///
/// # Errors
/// When the data cannot be written as JSON.
pub fn webhook(secret: &SecretString, event_type: EventType, data: &impl Serialize, now: Timestamp) -> Result<Posted, serde_json::Error> {
    let id = EventId::from(format!("evt_{}_stub", event_type.as_str().replace('.', "_")));
    let data = serde_json::to_value(data)?;
    let event = Event { id: id.clone(), event_type, created_at: now, sequence: Some(1), data, extra: Map::new() };
    let body = serde_json::to_vec(&event)?;
    Ok((sign(secret, id.as_str(), now, &body), body))
}
