//! The four seams to the world: time, randomness, outgoing HTTP, and the JSON-RPC transport under each chain client.
//! Each is an object-safe trait with its real implementation. No rule of the gateway lives here, and no other module
//! may reach the world past these.

pub mod clock;
pub mod entropy;
pub mod http;
pub mod rpc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

pub use self::http::{Answer, Http, HyperHttp, Outgoing, Refusal, SendFault, Targets};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use rpc::{HttpRpc, Rpc, RpcFault};

/// An HTTP client could not be made: a fault of the machine or the configuration, found at start.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up outgoing HTTP: {0}")]
pub struct SetupFault(String);

/// Who calls, where a call does not say so itself.
const USER_AGENT: &str = concat!("payin-server/", env!("CARGO_PKG_VERSION"));

/// TLS for every outgoing client, for webhooks and for RPC: by this machine's CA certificates, with HTTP/1.1 within. On a machine without
/// them, one to which every certificate is unknown: a sandbox in an empty container needs no TLS and shall start; there every `https` call
/// then fails, saying why.
fn tls() -> ClientConfig {
    // A configuration is made by the process' provider, and there is none without one. Whoever comes first installs it; all are `ring`.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = match ClientConfig::builder().with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(error = %cause::text(&error), "no CA certificates found: every https call will fail");
            ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Why a call did not come to an answer, in words that hold neither URL, nor host, nor path.
mod cause;
