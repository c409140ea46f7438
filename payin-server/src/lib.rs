//! A complete, keyless, self-hostable stablecoin gateway. `main.rs` is the composition root; see `ARCHITECTURE.md` for the map.
//!
//! Who may import whom: `http → app` · `worker → app, chain, env` · `app → store, env` · `store` · `chain → env` · `sandbox → chain, env`.

pub mod app;
pub mod chain;
pub mod config;
pub mod demo;
pub mod dev;
pub mod env;
pub mod http;
pub mod keys;
pub mod lost;
pub mod reconcile;
pub mod restored;
pub mod resume;
pub mod sandbox;
pub mod seal;
pub mod serve;
pub mod store;
pub mod users;
pub mod worker;
