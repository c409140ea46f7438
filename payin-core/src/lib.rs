//! The rules of a stablecoin gateway: what an order is, which transfer counts for it, when it is paid, when it expires.
//!
//! Pure by construction: no async, no SQL, no HTTP, no clock, no randomness. Time and random bits are arguments, and the
//! same arguments give the same answer, so that the server, the simulator and the tests all run these very functions.
//!
//! Reading order: [`money`], [`chains`], [`order`], [`transfer`], [`finality`].

pub mod access;
pub mod account;
pub mod block;
pub mod calendar;
pub mod chains;
pub mod checkout;
pub mod client;
pub mod cryptopay;
pub mod cursor;
pub mod delivery;
pub mod deposit;
pub mod dialect;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod explain;
pub mod finality;
pub mod followed;
pub mod import;
pub mod json;
pub mod link;
pub mod merchant;
pub mod metadata;
pub mod money;
pub mod order;
pub mod paywarden;
pub mod pool;
pub mod quota;
pub mod reconcile;
pub mod record;
pub mod redirect;
pub mod reference;
pub mod replay;
pub mod settings;
pub mod solana;
pub mod stats;
pub mod totp;
pub mod transfer;
pub mod web_url;

/// What addresses and extended public keys are is known to clients too, so it stands beside the words.
pub use payin_types::{address, xpub};

pub use block::Block;
pub use chains::{Chain, Chains, Token};
pub use cursor::Cursor;
pub use error::Error;
pub use money::Units;
