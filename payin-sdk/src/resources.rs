//! The API's resources, one file for each area: what can be called and what comes back. They must not decide about attempts, time or
//! pages: that is `client/`, `wait.rs` and `pages.rs`.
//!
//! What every call may fail with is said once, here: [`ErrorCode::InvalidApiKey`](crate::ErrorCode::InvalidApiKey) (401),
//! `InsufficientPermissions` (403) where the key's role does not allow it, `ValidationError` (400) with the fields in `details`,
//! `RateLimitExceeded` (429). An object of another organization is `ResourceNotFound` (404), like one that does not exist. The methods name what
//! else there is.

mod account;
mod addresses;
mod chains;
mod checkout;
mod configuration;
mod deposits;
mod endpoints;
mod events;
mod links;
mod orders;
mod organizations;
mod sandbox;
mod transfers;

pub use addresses::Addresses;
pub use chains::Chains;
pub use checkout::Checkout;
pub use configuration::Configuration;
pub use deposits::Deposits;
pub use endpoints::WebhookEndpoints;
pub use events::WebhookEvents;
pub use links::PaymentLinks;
pub use orders::Orders;
pub use organizations::{ApiKeys, Organizations};
pub use sandbox::Sandbox;
pub use transfers::Transfers;
