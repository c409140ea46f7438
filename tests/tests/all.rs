//! The one test binary: one link instead of many.

mod contract;
mod journey;
mod nodes;
mod tidy;
