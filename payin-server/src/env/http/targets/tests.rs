//! The forms a target may be disguised in, as a table. No network beyond this machine's resolver.

use std::net::IpAddr;
use std::sync::Arc;

use tower::Service as _;
use url::{Host, Url};

use super::{Guarded, Refusal, Targets, is_public, system_lookup};

const CLOSED: Targets = Targets { allow_private: false, allow_http: false };
const OPEN: Targets = Targets { allow_private: true, allow_http: true };

/// IPv4: loopback in its many spellings, then the special ranges from edge to edge.
const REFUSED_V4: &str = "
    127.0.0.1 127.1 127.0.1 127.255.255.255 2130706433 0x7f.1 0x7f000001 0177.0.0.1 127.0.0.1. %31%32%37.0.0.1
    １２７.0.0.1 127。0。0。1 ①②⑦.⓪.⓪.① 0X7F.0.0.1 0x7f.0.0x1 017700000001 127.0x1 0300.0250.0.1 0xA9.254.0251.254 0xa9fea9fe 2852039166
    0251.0376.0251.0376 169.254.43518 0 00 0x 0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
    168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192
    192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 4294967295
";

/// IPv6: special ranges, and what bears an IPv4 address inside.
const REFUSED_V6: &str = "
    [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254]
    [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::1] [100::1] [2001::1] [2001:0:7f00:1::] [2001:1ff:ffff::]
    [2001:db8::1] [2002:7f00:1::] [3fff::1] [3fff:fff::1] [4000::1] [5f00::1] [fc00::1] [fd00:ec2::254] [fe80::1]
    [fec0::1] [ff02::1] [::ffff:0:127.0.0.1] [::7f00:1] [::ffff:0a00:0001] [0:0:0:0:0:ffff:c0a8:0101] [::ffff:100.100.100.200] [::a9fe:a9fe]
    [64:ff9b::169.254.169.254] [64:ff9b::a00:1] [64:ff9b:1:fffe::a9fe:a9fe] [2002:a9fe:a9fe::1] [2002:c0a8:0101::] [2001:0:0:0:0:0:f5ff:fffe]
    [2001:10::1] [2001:20::1] [fd12:3456:789a::1] [fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] [febf::1] [ff0e::1] [::2] [1::1]
";

/// Neighbours of the special ranges, and names: those are judged when they are resolved.
const PASSED: &str = "
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 223.255.255.255 134744072 [::ffff:8.8.8.8] [2001:200::1] [2001:4860:4860::8888] [2606:4700:4700::1111]
    [2a00:1450::1] [3ffe:ffff::1] example.com xn--bcher-kva.example
";

/// What is no address of this form, nor a name: nothing that could be dialled comes of it.
const UNREADABLE: &str = "
    https://[fe80::1%25eth0]/ https://[fe80::1%eth0]/ https://[::1%lo]/ https://256.1.1.1/ https://127.0.0.1.256/ https://1.2.3.4.5/
    https://0x100000000/ https://4294967296/ https://127.0.0.09/ https://[127.0.0.1]/ https://[::1/ https://::1/ https://127.0.0.1:99999/
    https://127.0.0.1:443x/ https:/// https://exa%00mple.com/ https://exa<mple.com/ https://%E2%80%8B/ https://xn--zzzzzzzzzzzz99999999999/
";

/// What readers of URLs disagree about: the host is the one that is dialled.
const MISLEADING: &[(&str, &str)] = &[
    ("https:127.0.0.1", "127.0.0.1"),
    ("https:/127.0.0.1/", "127.0.0.1"),
    ("https:\\\\127.0.0.1\\@example.com/", "127.0.0.1"),
    ("https://127.0.0.1\\@example.com/", "127.0.0.1"),
    ("https://127.0.0.1#@example.com/", "127.0.0.1"),
    ("https://127.0.0.1?@example.com/", "127.0.0.1"),
    ("https://127.0.0.1/@example.com/", "127.0.0.1"),
    ("https://127.0.0.1:443/", "127.0.0.1"),
    ("ht\ntps://12\t7.0.0.1/", "127.0.0.1"),
    ("  https://127.0.0.1/", "127.0.0.1"),
    ("https://\u{ff11}27.0.0.1/", "127.0.0.1"),
    ("https://127\u{ff0e}0\u{ff61}0\u{3002}1/", "127.0.0.1"),
    ("https://1\u{ad}27.0.0.1/", "127.0.0.1"),
];

/// How a URL's host is judged, as written by somebody who wants in.
#[test]
fn address_forms() {
    for host in REFUSED_V4.split_whitespace().chain(REFUSED_V6.split_whitespace()) {
        let url = format!("https://{host}/hook").parse().unwrap_or_else(|e| panic!("{host}: {e}"));
        assert!(matches!(CLOSED.check(&url), Err(Refusal::Address(_))), "{host} must be refused");
        assert_eq!(OPEN.check(&url), Ok(()), "{host} must pass where private targets are allowed");
    }
    for host in PASSED.split_whitespace() {
        let url = format!("https://{host}/hook").parse().unwrap_or_else(|e| panic!("{host}: {e}"));
        assert_eq!(CLOSED.check(&url), Ok(()), "{host} must pass");
    }
}

/// The same addresses, told by a name: as it resolves, at the moment of connecting.
#[tokio::test]
async fn address_forms_behind_a_name() {
    let address = |host: &str| -> IpAddr {
        match format!("https://{host}/").parse::<Url>().unwrap().host() {
            Some(Host::Ipv4(ip)) => ip.into(),
            Some(Host::Ipv6(ip)) => ip.into(),
            other => panic!("{host}: {other:?}"),
        }
    };
    let refused: Vec<IpAddr> = REFUSED_V4.split_whitespace().chain(REFUSED_V6.split_whitespace()).map(address).collect();
    assert!(refused.len() >= 90, "{}", refused.len());
    let passed: Vec<IpAddr> = PASSED.split_whitespace().filter(|host| !host.contains("example")).map(address).collect();
    let resolved = async |targets, found: Vec<IpAddr>| {
        let mut guarded = Guarded { targets, lookup: Arc::new(move |_| Box::pin(std::future::ready(Ok(found.clone())))) };
        guarded.call("shop.example".parse().unwrap()).await.map(|addresses| addresses.map(|found| found.ip()).collect::<Vec<_>>())
    };
    assert_eq!(resolved(CLOSED, passed.clone()).await.unwrap(), passed);
    for bad in refused {
        // Alone, and at every place among good ones.
        for place in 0..=2 {
            let mut found = passed[..2].to_vec();
            found.insert(place, bad);
            let Err(error) = resolved(CLOSED, found).await else { panic!("{bad} was let through at place {place}") };
            assert_eq!(error.downcast_ref(), Some(&Refusal::Address(bad)));
        }
        assert!(resolved(CLOSED, vec![bad]).await.is_err(), "{bad}");
        assert_eq!(resolved(OPEN, vec![bad]).await.unwrap(), [bad]);
    }
}

#[test]
fn what_readers_of_urls_disagree_about() {
    for url in UNREADABLE.split_whitespace() {
        assert!(url.parse::<Url>().is_err(), "{url} is read as {:?}", url.parse::<Url>());
    }
    for (text, host) in MISLEADING {
        let url: Url = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(url.host_str(), Some(*host), "{text:?}");
        assert!(matches!(CLOSED.check(&url), Err(Refusal::Address(_))), "{text:?}");
    }
    // A name is asked for once it is dialled, whatever it looks like.
    for name in ["localhost", "localhost.", "a.localhost", "127.0.0.1.nip.io", "metadata.google.internal", "0x7f.1.example"] {
        assert_eq!(CLOSED.check(&format!("https://{name}/").parse().unwrap()), Ok(()), "{name}");
    }
}

#[test]
fn schemes_ports_and_userinfo() {
    let http = Targets { allow_http: true, ..CLOSED };
    let table = [
        (CLOSED, "https://a.example", Ok(())),
        (CLOSED, "https://a.example:8443", Ok(())),
        (CLOSED, "https://a.example:80", Err(Refusal::Port(80))),
        (CLOSED, "https://a.example:22", Err(Refusal::Port(22))),
        (CLOSED, "https://a.example:6379", Err(Refusal::Port(6379))),
        (CLOSED, "http://a.example", Err(Refusal::Scheme)),
        (CLOSED, "HTTP://a.example:443", Err(Refusal::Scheme)),
        (CLOSED, "ftp://a.example", Err(Refusal::Scheme)),
        (CLOSED, "file:///etc/passwd", Err(Refusal::Scheme)),
        (CLOSED, "gopher://a.example", Err(Refusal::Scheme)),
        (CLOSED, "data:text/plain,x", Err(Refusal::Scheme)),
        (CLOSED, "https://user@a.example", Err(Refusal::Userinfo)),
        (CLOSED, "https://user:word@a.example", Err(Refusal::Userinfo)),
        (CLOSED, "https://:word@a.example", Err(Refusal::Userinfo)),
        (CLOSED, "https://a.example@127.0.0.1", Err(Refusal::Userinfo)),
        (http, "http://a.example", Ok(())),
        (http, "http://a.example:8080", Err(Refusal::Port(8080))),
        (http, "http://127.0.0.1", Err(Refusal::Address([127, 0, 0, 1].into()))),
        (OPEN, "http://127.0.0.1:3000", Ok(())),
        (OPEN, "https://user@127.0.0.1", Err(Refusal::Userinfo)),
        (OPEN, "file:///etc/passwd", Err(Refusal::Scheme)),
    ];
    for (targets, url, expected) in table {
        assert_eq!(targets.check(&url.parse().unwrap()), expected, "{targets:?} {url}");
    }
}

#[test]
fn words_for_the_owner_hold_no_address() {
    let refusal = Refusal::Address([10, 1, 2, 3].into());
    assert!(!refusal.to_string().contains("10.1"), "{refusal}");
    assert!(is_public([8, 8, 4, 4].into()));
}

#[tokio::test]
async fn names_are_judged_by_what_they_resolve_to() {
    let local = |targets| Guarded { targets, lookup: system_lookup() }.call("localhost".parse().unwrap());
    let Err(error) = local(CLOSED).await else { panic!("localhost was let through") };
    assert!(matches!(error.downcast_ref(), Some(Refusal::Address(_))), "{error}");
    assert!(local(OPEN).await.unwrap().count() > 0);
}
