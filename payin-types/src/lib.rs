//! The words of the PayIn API and the bodies that cross the wire, shared by client and server.
//!
//! No I/O, no clock, no randomness, no HTTP client; nothing here knows how a server stores or a client sends.
//! Sources: the vendors' API documents ("seeds") and, where they are silent, `openapi.yaml` at the workspace root.
//!
//! Reading order: [`amount`], [`chain`], [`order`], [`event`], [`signature`].

#[cfg(feature = "addresses")]
pub mod address;
pub mod amount;
mod build;
pub mod chain;
pub mod checkout;
pub mod code;
pub mod cryptopay;
pub mod deposit;
pub mod endpoint;
pub mod event;
pub mod event_log;
pub mod explanation;
pub mod followed;
pub mod health;
pub mod id;
#[doc(hidden)]
pub mod known_bad;
pub mod link;
pub mod me;
pub mod open_enum;
pub mod order;
pub mod organization;
pub mod page;
pub mod patch;
pub mod paywarden;
pub mod pool;
pub mod problem;
pub mod role;
pub mod sandbox;
pub mod setting;
pub mod signature;
pub mod time;
pub mod transfer;
#[cfg(feature = "addresses")]
pub mod xpub;

pub use amount::{Amount, AmountError};
pub use chain::{ChainId, Currency, Environment, Protocol};
pub use checkout::{CreateLinkOrder, PublicOrder, PublicPaymentLink};
pub use code::ErrorCode;
pub use deposit::{
    BindDeposit, BoundDeposit, Deposit, DepositAddress, DepositReference, DepositReferenceSummary, DepositStatus, ListDepositReferences,
    ListDeposits, UnboundDeposit,
};
pub use endpoint::{CreateEndpoint, Deleted, DisabledReason, Endpoint, RotateSecret, UpdateEndpoint};
pub use event::{Event, EventType};
pub use event_log::{
    Delivery, DeliveryStatus, EventRecord, EventsAfter, ListEvents, QueuedEvent, ResendEvent, ResendEvents, ResentEvents, StreamEvents,
};
pub use explanation::{Explanation, Finding, FindingCode};
pub use followed::{ChainStatus, FollowedChain, FollowedChains};
pub use id::{
    ApiKeyId, BindingId, DepositId, EndpointId, EventId, ImportId, OrderId, OrganizationId, PaymentLinkId, TransferId, UserId, XpubId,
};
pub use link::{CreatePaymentLink, ListPaymentLinks, PaymentLink, UpdatePaymentLink};
pub use me::Me;
pub use order::{CreateOrder, ListOrders, Order, OrderStats, OrderStatus, OrderSummary, SortOrder};
pub use organization::{ApiKey, CreateApiKey, OrganizationSummary};
pub use page::{Page, Pagination};
pub use pool::{AddressState, ImportAddresses, ImportedAddresses, PoolAddress, PoolStatus};
pub use problem::Problem;
pub use role::Role;
pub use secrecy::{ExposeSecret, SecretString};
pub use setting::{PutSetting, Setting, Settings};
pub use time::Timestamp;
pub use transfer::{ListTransfers, Transfer, TransferStatus};
