//! The one test binary: one link instead of many.

mod contract;
mod nodes;
mod tidy;
