//! A world that tries to break the server: the whole of it over its real SQL, under virtual time, with everything around it simulated, and
//! an independent judge. One seed is one world. Nothing of it is part of the product.

pub mod act;
pub mod books;
pub mod chain;
pub mod client;
pub mod clock;
pub mod coverage;
pub mod dice;
pub mod disk;
pub mod gate;
pub mod judge;
pub mod known_bad;
pub mod receiver;
pub mod run;
pub mod server;
pub mod shrink;
pub mod world;
