//! Why an outgoing call failed, read from the chain of errors below the client. The words must never hold the URL or the
//! host: an RPC URL bears its key, and the words for a webhook are shown to its owner.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::CertificateError;

/// Where on its way a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    Dns,
    Connect(String),
    Tls(String),
    Protocol(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns => f.write_str("the host name does not resolve"),
            Self::Connect(why) => write!(f, "no connection: {why}"),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::Protocol(why) => f.write_str(why),
        }
    }
}

/// Of a call by reqwest.
pub(super) fn of(error: &reqwest::Error) -> Cause {
    if error.is_dns() {
        Cause::Dns
    } else if error.is_body() || error.is_decode() {
        broke_off()
    } else if error.is_builder() {
        not_http()
    } else {
        of_exchange(error, error.is_connect())
    }
}

/// Of a call by hyper's own client, up to the head of its answer.
pub(super) fn of_hyper(error: &legacy::Error) -> Cause {
    of_exchange(error, error.is_connect())
}

/// The rest of an answer did not come.
pub(super) fn broke_off() -> Cause {
    Cause::Protocol("the answer broke off".to_owned())
}

/// There was nothing that could be sent.
pub(super) fn not_http() -> Cause {
    Cause::Protocol("the request cannot be written as HTTP".to_owned())
}

fn of_exchange(error: &(dyn Error + 'static), connecting: bool) -> Cause {
    if let Some(tls) = find::<rustls::Error>(error) {
        Cause::Tls(of_tls(tls).to_owned())
    } else if connecting {
        let why = find::<io::Error>(error).map_or_else(|| "refused".to_owned(), |io| io.kind().to_string());
        Cause::Connect(why)
    } else if ended(error) {
        Cause::Protocol("the connection ended before there was an answer".to_owned())
    } else {
        Cause::Protocol("the peer did not answer in HTTP".to_owned())
    }
}

/// Whether the peer hung up rather than said something wrong.
fn ended(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let by_io = |io: &io::Error| matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
    find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) || find::<io::Error>(error).is_some_and(by_io)
}

/// The error of this type in the chain, if there is one. `io::Error` hides what it wraps from `source`.
pub(super) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// An error that concerns no URL, with all its sources.
pub(super) fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

fn of_tls(error: &rustls::Error) -> &'static str {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => "the certificate has expired",
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => "the certificate is not valid yet",
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "the certificate is for another name",
            Bad::UnknownIssuer => "the certificate's issuer is not trusted (self-signed, or intermediates missing)",
            Bad::Revoked => "the certificate is revoked",
            // What `openssl req -x509` makes unless told otherwise.
            Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => "the certificate is an authority's own (self-signed)",
            _ => "the certificate is not valid",
        },
        rustls::Error::InvalidMessage(_) => "the peer does not speak TLS on this port",
        rustls::Error::AlertReceived(_) => "the peer refused the handshake",
        rustls::Error::PeerIncompatible(_) => "no TLS version or cipher in common",
        _ => "the handshake failed",
    }
}
