//! Which targets a merchant's webhook may reach: the guard against being used to call our own network (SSRF). It looks
//! at URLs and addresses only, and must be asked at the moment of connecting: a name checked earlier resolves anew.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower::{BoxError, Service};
use url::{Host, Url};

/// What is allowed beyond public `https` addresses. Both off in production; `dev` and tests turn them on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets {
    /// Any address and any port: receivers on the same machine or network.
    pub allow_private: bool,
    /// `http` as well as `https`.
    pub allow_http: bool,
}

/// Why a target is not called. None of these is worth a retry with the same URL, except [`Refusal::Address`], since
/// names change. Displayed to the webhook's owner, therefore without addresses: they might be of our network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not `https`, or not `http` where that is allowed.
    #[error("the URL must begin with https://")]
    Scheme,
    /// A user name or password in the URL.
    #[error("the URL must not contain a user name or password")]
    Userinfo,
    /// A URL without a host.
    #[error("the URL has no host")]
    Host,
    /// Not one of the ports that web servers listen on.
    #[error("port {0} is not allowed: use 443 or 8443")]
    Port(u16),
    /// At least one address of the host is not a public one.
    #[error("the host is, or resolves to, an address that is not public")]
    Address(IpAddr),
    /// A header that HTTP cannot carry.
    #[error("a header's name or value is not allowed in HTTP")]
    Header,
}

impl Targets {
    /// Checks what a URL tells before any name is resolved. Also for the moment when an endpoint is registered.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Refusal::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo);
        }
        match url.port_or_known_default() {
            _ if self.allow_private => {}
            Some(443 | 8443) => {}
            Some(80) if self.allow_http => {}
            port => return Err(Refusal::Port(port.unwrap_or_default())),
        }
        // `Url` has turned every spelling of an address (`0x7f.1`, `127.1`, `2130706433`) into one by now.
        match url.host() {
            None => Err(Refusal::Host),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(ip)) => self.admit(ip.into()),
            Some(Host::Ipv6(ip)) => self.admit(ip.into()),
        }
    }

    /// Checks one address.
    ///
    /// # Errors
    /// [`Refusal::Address`] if it is not public and private ones are not allowed.
    pub fn admit(&self, ip: IpAddr) -> Result<(), Refusal> {
        if self.allow_private || is_public(ip) { Ok(()) } else { Err(Refusal::Address(ip)) }
    }
}

/// Who is asked for the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The system's resolver.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// The resolver has no address for a name.
#[derive(Debug, thiserror::Error)]
#[error("the host name does not resolve")]
pub(super) struct Unresolved;

/// Resolves names for the client and hands on only what may be dialled. It is asked once for each connection, and the client connects to
/// exactly these addresses, so a name cannot mean something else a moment later (DNS rebinding).
#[derive(Clone)]
pub(super) struct Guarded {
    pub targets: Targets,
    pub lookup: Lookup,
}

impl Service<Name> for Guarded {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (targets, found) = (self.targets, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await.map_err(|_| Unresolved)?;
            // One bad address spoils all: whoever mixes public and private ones is up to something.
            found.iter().try_for_each(|address| targets.admit(*address))?;
            // Port 0 is replaced by the URL's.
            Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}

/// Whether an address is one of the public internet: by the IANA special-purpose registries, and stricter.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => !V4_SPECIAL.iter().any(|&(net, bits)| in_v4(v4, net, bits)),
        // The public internet is 2000::/3 so far. What lies outside (NAT64, fc00::/7, fe80::/10, ff00::/8, ::, …) is
        // special or not yet given out.
        IpAddr::V6(v6) => {
            in_v6(v6, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3) && !V6_SPECIAL.iter().any(|&(net, bits)| in_v6(v6, net, bits))
        }
    }
}

const V4_SPECIAL: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // "this network"; 0.0.0.0 reaches the machine itself
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // carrier NAT; metadata of Alibaba Cloud
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32),   // Azure's host agent, in a public range
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local; metadata of most clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),       // protocol assignments; metadata of Oracle Cloud
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),    // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),     // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),        // reserved
    (Ipv4Addr::new(255, 255, 255, 255), 32), // broadcast
];

const V6_SPECIAL: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments; Teredo bears an IPv4 address
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4 bears an IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn in_v4(ip: Ipv4Addr, net: Ipv4Addr, bits: u32) -> bool {
    let differing = ip.to_bits() ^ net.to_bits();
    differing.leading_zeros() >= bits
}

fn in_v6(ip: Ipv6Addr, net: Ipv6Addr, bits: u32) -> bool {
    let differing = ip.to_bits() ^ net.to_bits();
    differing.leading_zeros() >= bits
}

#[cfg(test)]
mod tests;
