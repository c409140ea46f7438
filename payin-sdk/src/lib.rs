//! Typed client of the PayIn stablecoin payment API, and the verifier of its webhooks.
//!
//! # Features
//!
//! | Feature | What it gives |
//! |---|---|
//! | none (`default-features = false`) | [`webhook`] and the wire types: no HTTP library, no async runtime, nothing that does I/O |
//! | `client` | the client, without TLS of its own: for another [`transport`] |
//! | `rustls` (default) | the client over rustls with ring and the system's trusted certificates |
//! | `native-tls` | the client over the system's TLS; on Linux that needs OpenSSL's headers to build |
//! | `axum` | a handler's extractor of verified events: [`webhook`] has an example |
//! | `blocking` | the client for programs without an async runtime: [`blocking`] |
//! | `paywarden` (default) | the PayWarden API: `Client::paywarden`, and the events of its webhooks |
//! | `cryptopay` | the CryptoPay API: `Client::cryptopay`, sessions, and the events of its webhooks |
//! | `testing` | for tests of merchants' programs: a sandbox of their own, its webhooks, stubs of single answers, and scenario files: `testing` |
//! | `scenarios` | of `testing` the scenario files alone, without `wiremock` |
//! | `addresses` | reading addresses, and deriving them from an account's extended public key, without a server: `types::address`, `types::xpub` |
//!
//! # Create an order and wait for the money
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use payin_sdk::{Client, CreateOrder, Waited};
//!
//! // Reads PAYIN_API_KEY and, if set, PAYIN_BASE_URL.
//! let client = Client::from_env()?;
//!
//! let order = CreateOrder::new("ORDER-2025-001", "100.00".parse()?, "USDT", "ethereum-sepolia").metadata("customer", "c_42");
//! let order = client.orders().create(&order).await?;
//! println!("send {} {} to {}", order.amount, order.currency, order.address);
//!
//! match client.orders().wait(&order.order_id).await? {
//!     Waited::Completed(order) => println!("paid in {:?}", order.tx_hash),
//!     other => println!("not paid: {}", other.order().status),
//! }
//! # Ok(()) }
//! ```
//!
//! # What the client does about failures
//!
//! - Every POST bears an `Idempotency-Key` made before its first attempt and sent with every attempt, so a retry can
//!   never create twice. (The checkout and the sandbox know none, so what may have taken effect is not repeated there.) Give your own with [`Call::idempotency_key`] to survive a restart of your program.
//! - Transport errors, 429 and 5xx are tried again with growing, random pauses; `Retry-After` is obeyed; one deadline covers all
//!   attempts. Never tried again: 409, any other 4xx, `NO_AVAILABLE_ADDRESSES`, `CHAIN_UNAVAILABLE`.
//! - When nobody can tell whether a POST took effect the error is [`Error::OutcomeUnknown`]: repeat the call
//!   with the idempotency key it bears, or look the order up by its reference. Do not create it under another key.
//! - Words and fields that this version does not know are kept: an `Unknown(..)` arm of every enum, an `extra` map of every body.
//! - No key, secret or body appears in any `Debug`, error text or span. Each attempt is a span `payin.attempt` at level debug, with method,
//!   path (its parameters unfilled), attempt, status and request id.
//! - A key is never sent in clear to another machine, unless [`Builder::allow_http`] says so.
//! - What a merchant repeats after a crash is safe: [`Client::ensure_order`], [`Client::ensure_deposit_address`] create, or find what is there
//!   and compare it with what was asked for.
//!
//! # Verify a webhook
//!
//! ```
//! use payin_sdk::webhook::{self, Verifier};
//!
//! # let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
//! # let raw_body = br#"{"id":"evt_1","type":"order.completed","created_at":"2025-01-20T10:30:00Z","data":{}}"#;
//! # let now = "2025-01-20T10:30:05Z".parse().unwrap();
//! # let headers = webhook::sign(&secret.into(), "evt_1", now, raw_body);
//! let verifier = Verifier::new(secret.into());
//! // `headers`: any (name, value) pairs, such as those of an `http::HeaderMap`. `raw_body`: the bytes as received.
//! let event = webhook::construct_event(headers, raw_body, &verifier, now)?;
//! assert_eq!(event.event_type.as_str(), "order.completed");
//! # Ok::<(), payin_sdk::webhook::WebhookError>(())
//! ```
//!
//! A genuine event may come twice, late, and about another order than you think: [`webhook::Dedupe`], [`Event::sequence`] and
//! [`webhook::ExpectedOrder`]. `payin webhooks test --chaos URL` tries your handler.
//!
//! Reading order: [`webhook`], then `client.rs`, `client/call.rs`, `client/retry.rs`, `client/attempts.rs`.

#![warn(missing_docs)]

pub mod webhook;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "client")]
mod client;
#[cfg(all(feature = "client", feature = "cryptopay"))]
pub mod cryptopay;
mod difference;
#[cfg(feature = "client")]
mod ensure;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
mod live;
#[cfg(feature = "client")]
mod pages;
#[cfg(all(feature = "client", feature = "paywarden"))]
pub mod paywarden;
#[cfg(feature = "client")]
mod resources;
#[cfg(feature = "scenarios")]
pub mod testing;
#[cfg(test)]
#[cfg(feature = "client")]
mod tests;
#[cfg(feature = "client")]
pub mod transport;
#[cfg(feature = "client")]
mod wait;
#[cfg(feature = "client")]
pub mod world;

/// The wire types by module: everything that has no shorter name in the root of this crate.
pub use payin_types as types;
pub use payin_types::{
    Amount, AmountError, ApiKey, ApiKeyId, BindDeposit, BoundDeposit, ChainId, ChainStatus, CreateApiKey, CreateEndpoint, CreateLinkOrder,
    CreateOrder, CreatePaymentLink, Currency, Deleted, Delivery, DeliveryStatus, Deposit, DepositAddress, DepositId, DepositReference,
    DepositReferenceSummary, DepositStatus, Endpoint, EndpointId, ErrorCode, Event, EventId, EventRecord, EventType, EventsAfter,
    Explanation, Finding, FindingCode, FollowedChain, FollowedChains, ImportAddresses, ImportedAddresses, ListDepositReferences,
    ListDeposits, ListEvents, ListOrders, ListPaymentLinks, ListTransfers, Me, Order, OrderId, OrderStats, OrderStatus, OrderSummary,
    OrganizationId, OrganizationSummary, Page, PaymentLink, PaymentLinkId, PoolAddress, PoolStatus, Protocol, PublicOrder,
    PublicPaymentLink, PutSetting, QueuedEvent, ResendEvent, ResendEvents, ResentEvents, Role, RotateSecret, SecretString, Setting,
    Settings, StreamEvents, Timestamp, Transfer, TransferId, TransferStatus, UnboundDeposit, UpdateEndpoint, UpdatePaymentLink,
};

pub use difference::Difference;

#[cfg(feature = "client")]
pub use client::{Answer, Builder, Call, Client, Environment, RateLimit};
#[cfg(feature = "client")]
pub use ensure::{Differs, EnsuredDepositAddress, EnsuredOrder};
#[cfg(feature = "client")]
pub use error::{ApiError, Body, Error};
#[cfg(feature = "client")]
pub use live::{Heard, Live, LiveEvent};
#[cfg(feature = "client")]
pub use resources::{
    Addresses, ApiKeys, Chains, Checkout, Configuration, Deposits, Orders, Organizations, PaymentLinks, Sandbox, Transfers,
    WebhookEndpoints, WebhookEvents,
};
#[cfg(feature = "client")]
pub use wait::{Awaited, Wait, Waited};
