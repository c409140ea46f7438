//! For tests of merchants' programs: a sandbox of their own with its payments, clock and webhooks ([`Sandbox`]), stubs of single answers
//! ([`stubs`]), and scenario files that are played against a whole program ([`scenario`]).
//! It must not be a part of a program in production, and knows no rules of the gateway: what happens is the real server's doing.
//!
//! # A sandbox for each test
//!
//! `payin-server dev` is ready in a fraction of a second. Its clock stands still until the test moves it, and each call answers when all
//! that was due has happened, so that there is nothing to wait for.
//!
//! ```no_run
//! # #[cfg(feature = "testing")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use payin_sdk::testing::Sandbox;
//! use payin_sdk::types::sandbox::PaymentKind;
//! use payin_sdk::{CreateOrder, EventType, OrderStatus};
//!
//! // The program is the one that PAYIN_SERVER_PROGRAM names, else `payin-server` of the PATH. It ends with the value.
//! let sandbox = Sandbox::start().await?;
//!
//! let order = CreateOrder::new("ORDER-1", "25.00".parse()?, "USDT", "ethereum-sepolia");
//! let order = sandbox.client().orders().create(&order).await?;
//! sandbox.pay(&order).confirmed().await?;
//!
//! let event = sandbox.webhooks().next().await?;
//! assert_eq!(event.event_type, EventType::OrderCompleted);
//! assert_eq!(event.order()?.expect("an order's event").order_id, order.order_id);
//!
//! // Another customer sends half of it, and time runs out.
//! let order = CreateOrder::new("ORDER-2", "25.00".parse()?, "USDT", "ethereum-sepolia");
//! let order = sandbox.client().orders().create(&order).await?;
//! sandbox.pay(&order).kind(PaymentKind::Under).await?;
//! sandbox.clock().advance(Duration::from_secs(16 * 60)).await?;
//! assert_eq!(sandbox.client().orders().get(&order.order_id).await?.status, OrderStatus::Expired);
//! # Ok(()) }
//! ```
//!
//! What else the outside world can do, from reorganisations to lost webhooks, is [`Client::sandbox`](crate::Client::sandbox) of
//! [`Sandbox::client`].

mod genuine;
mod listen;
#[cfg(feature = "testing")]
mod sandbox;
pub mod scenario;
#[cfg(feature = "testing")]
mod start;
#[cfg(feature = "testing")]
pub mod stubs;
#[cfg(feature = "testing")]
mod webhooks;

#[cfg(feature = "testing")]
pub use sandbox::{Clock, Paying, Sandbox, SandboxError};
#[cfg(feature = "testing")]
pub use start::SandboxBuilder;
#[cfg(feature = "testing")]
pub use webhooks::Webhooks;
