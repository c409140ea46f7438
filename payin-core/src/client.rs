//! Who asks, where nobody shows a key: the network address of a client, also behind proxies that can be trusted to say it. Addresses are
//! arguments; no socket, no header is read here.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Addresses that begin alike, written `10.0.0.0/8` or `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address, or an address and how many of its bits count, such as 10.0.0.0/8")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| NoNetwork))?;
        if prefix > bits { Err(NoNetwork) } else { Ok(Self { first, prefix }) }
    }
}

impl Network {
    /// Whether an address is one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let differing = match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => (first.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V6(first), IpAddr::V6(address)) => (first.to_bits() ^ address.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= self.prefix
    }
}

/// The client behind a connection: its peer or, where that is a trusted proxy, the last address in `X-Forwarded-For` that no trusted proxy
/// has. Everything to the left of that one the client may have written itself.
#[must_use]
pub fn client<'a>(peer: IpAddr, forwarded_for: impl DoubleEndedIterator<Item = &'a str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.has(address));
    let mut client = peer;
    for hop in forwarded_for.rev().flat_map(|line| line.rsplit(',')).map(str::trim) {
        if !is_trusted(client) {
            break;
        }
        let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
        match bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip())) {
            Ok(address) => client = address,
            Err(_) => break,
        }
    }
    client
}

/// The address something is counted on: IPv4 also when it comes mapped into IPv6, and the /64 of an IPv6 address, since its lower half is
/// the customer's to choose.
#[must_use]
pub fn counted(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_have_what_begins_alike() {
        for (text, address, is_in) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/33", "2001:db8:ffff::1", false),
        ] {
            assert_eq!(network(text).has(address.parse().unwrap()), is_in, "{text} {address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }

    proptest! {
        #[test]
        fn as_many_bits_as_are_said_decide(first: u32, prefix in 0u32..=32, address: u32, alike in 0u32..=32) {
            // Mostly alike, so that both happen.
            let address = if alike == 32 { first } else { first ^ (1 << (31 - alike)) ^ (address >> 1 >> alike) };
            let written = format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(first));
            let bits = |address: u32| format!("{address:032b}").chars().take(prefix as usize).collect::<String>();
            prop_assert_eq!(network(&written).has(IpAddr::V4(std::net::Ipv4Addr::from_bits(address))), bits(first) == bits(address));
        }

        #[test]
        fn whatever_is_forwarded_somebody_asks(lines in proptest::collection::vec("[0-9a-f:., \\[\\]]{0,30}|\\PC{0,20}", 0..4)) {
            let peer: IpAddr = "10.0.0.1".parse().unwrap();
            let found = client(peer, lines.iter().map(String::as_str), &[network("10.0.0.0/8")]);
            // Who is not the peer was written there.
            prop_assert!(found == peer || lines.iter().any(|line| line.contains([',', '.', ':'])));
            prop_assert_eq!(client(peer, lines.iter().map(String::as_str), &[]), peer);
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = [network("10.0.0.0/8"), network("fd00::/8")];
        for (peer, lines, expected) in [
            ("203.0.113.9", vec!["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["6.6.6.6, 198.51.100.1 , 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", vec!["6.6.6.6", "198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", vec!["10.0.0.9,10.0.0.2"], "10.0.0.9"),
            ("10.0.0.1", vec!["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", vec!["[2001:db8::7]:80"], "2001:db8::7"),
            ("fd00::1", vec!["[2001:db8::7]"], "2001:db8::7"),
            // Bytes that are no text come as U+FFFD: the line still counts, and nothing left of them is believed.
            ("10.0.0.1", vec!["6.6.6.6", "\u{fffd}, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["6.6.6.6", "\u{fffd}, 10.0.0.2"], "10.0.0.2"),
        ] {
            let found = client(peer.parse().unwrap(), lines.iter().copied(), &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
        assert_eq!(client("10.0.0.1".parse().unwrap(), ["6.6.6.6"].into_iter(), &[]), "10.0.0.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn one_customer_is_one_client() {
        let counted = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(counted("2001:db8:1:2::3"), counted("2001:db8:1:3::3"));
    }
}
