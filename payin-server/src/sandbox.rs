//! A world to play in: simulated chains that speak JSON-RPC, so that the real watcher code runs, and a clock that can be moved.
//! It knows nothing of orders; who pays what is said by its caller.

pub mod evm;
pub mod faults;
pub mod journal;
mod json_rpc;
mod pattern;
pub mod solana;
pub mod tron;
pub mod world;

pub use faults::Faults;
pub use journal::{Filter, Journal};
pub use world::{SimulatedNode, World, WorldFault};
