//! Tests of the client: over a scripted transport with a world that does not sleep, and over real HTTP.

#[cfg(feature = "blocking")]
mod blocking;
mod calls;
#[cfg(feature = "cryptopay")]
mod cancelled;
mod ensure;
mod errors;
mod http;
mod lists;
mod options;
#[cfg(feature = "paywarden")]
mod paywarden;
mod resources;
mod retries;
mod script;
mod secrets;
mod seeds;
mod waiting;
mod wire;
