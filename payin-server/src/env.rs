//! The four seams to the world: time, randomness, outgoing HTTP, and the JSON-RPC transport under each chain client.
//! Each is an object-safe trait with its real implementation. No rule of the gateway lives here, and no other module
//! may reach the world past these.

pub mod clock;
pub mod entropy;
pub mod http;
pub mod rpc;

pub use self::http::{Answer, Http, Outgoing, Refusal, ReqwestHttp, SendFault, Targets};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use rpc::{HttpRpc, Rpc, RpcFault};

/// An HTTP client could not be made: a fault of the machine or the configuration, found at start.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up outgoing HTTP: {0}")]
pub struct SetupFault(String);

/// What every outgoing client has in common, for webhooks and for RPC.
///
/// No redirects (they lead past every check made on the URL), no proxy from the environment (it would resolve names
/// for us), no retry below the caller (one attempt is one attempt). Decompression is not compiled in.
fn client_builder() -> reqwest::ClientBuilder {
    // reqwest takes the process' default and panics without one. Whoever comes first installs it; both are `ring`.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .retry(reqwest::retry::never())
        .user_agent(concat!("payin-server/", env!("CARGO_PKG_VERSION")))
}

/// Builds the client; on a machine without CA certificates, one to whom every certificate is unknown.
///
/// A sandbox in an empty container needs no TLS and shall start; there every `https` call then fails, saying why.
fn build(builder: impl Fn() -> reqwest::ClientBuilder) -> Result<reqwest::Client, SetupFault> {
    builder()
        .build()
        .or_else(|error| {
            tracing::warn!(error = %cause::text(&error), "no CA certificates found: every https call will fail");
            builder().tls_certs_only([]).build()
        })
        .map_err(|error| SetupFault(cause::text(&error)))
}

/// Why a call did not come to an answer, in words that hold neither URL, nor host, nor path.
mod cause;
