//! The one test binary: one link instead of many.

mod api;
mod browser;
mod chaos;
mod cli;
mod contract;
mod examples;
mod follow;
mod generated;
mod journey;
mod nodes;
mod scenarios;
mod sdk;
mod signatures;
mod solana;
mod store;
mod tidy;
mod tronweb;
