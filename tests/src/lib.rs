//! What the tests share: the judge of the contract, the documents' examples, real nodes, databases and programs. The tests
//! themselves are in `tests/all.rs`.

pub mod dice;
pub mod gateway;
pub mod merchant;
pub mod nodes;
pub mod openapi;
pub mod sandbox;
pub mod seeds;
pub mod shop;
