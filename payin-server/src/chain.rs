//! Following chains: what a node says becomes blocks and transfers. Nothing here remembers or decides what is paid; a node is never
//! believed where its own words contradict each other.

pub mod evm;
pub mod follow;
mod guarded;
pub mod logs;
pub mod nodes;
#[cfg(feature = "solana")]
pub mod solana;
pub mod source;
pub mod tron;
pub mod watch;

pub use follow::{Next, Parting, next};
pub use nodes::Nodes;
pub use source::{Frozen, Heads, Issued, Read, Source, SourceFault, Stopped};
pub use watch::{Watch, Watched};
