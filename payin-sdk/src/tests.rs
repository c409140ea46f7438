//! Tests of the client: over a scripted transport with a world that does not sleep, and over real HTTP.

mod calls;
mod errors;
mod http;
mod lists;
mod retries;
mod script;
mod secrets;
mod waiting;
mod wire;
