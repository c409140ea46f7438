//! The words of the PayIn API and the bodies that cross the wire, shared by client and server.
//!
//! No I/O, no clock, no randomness, no HTTP client; nothing here knows how a server stores or a client sends.
//! Sources: the vendors' API documents ("seeds") and, where they are silent, `openapi.yaml` at the workspace root.
//!
//! Reading order: [`amount`], [`chain`], [`order`], [`event`], [`signature`].

pub mod amount;
pub mod chain;
pub mod code;
pub mod endpoint;
pub mod event;
pub mod health;
pub mod id;
pub mod me;
pub mod open_enum;
pub mod order;
pub mod page;
pub mod pool;
pub mod problem;
pub mod role;
pub mod sandbox;
pub mod signature;
pub mod time;

pub use amount::{Amount, AmountError};
pub use chain::{ChainId, Currency, Environment, Protocol};
pub use code::ErrorCode;
pub use endpoint::{CreateEndpoint, Deleted, Endpoint};
pub use event::{Event, EventType};
pub use id::{ApiKeyId, EndpointId, EventId, OrderId, OrganizationId, TransferId};
pub use me::Me;
pub use order::{CreateOrder, ListOrders, Order, OrderStatus, OrderSummary, SortOrder};
pub use page::{Page, Pagination};
pub use pool::{AddressState, ImportAddresses, ImportedAddresses, PoolAddress, PoolStatus};
pub use problem::Problem;
pub use role::Role;
pub use secrecy::{ExposeSecret, SecretString};
pub use time::Timestamp;
