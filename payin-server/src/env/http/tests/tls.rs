//! TLS that is not in order: certificates that `openssl` makes here, of an authority that only these tests trust.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// What `openssl ca` needs to be told in a file.
const CONFIG: &str = "
[ca]
default_ca = d
[d]
database = index
new_certs_dir = .
default_md = sha256
policy = p
unique_subject = no
rand_serial = yes
copy_extensions = copy
[p]
commonName = supplied
";

/// An authority in a folder of its own.
struct Authority(tempfile::TempDir);

impl Authority {
    fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        std::fs::write(authority.path("config"), CONFIG).unwrap();
        std::fs::write(authority.path("index"), "").unwrap();
        // Each has a name of its own: one that is known by name only would be told otherwise.
        let subject = format!("/CN=authority {}", authority.0.path().file_name().unwrap().to_string_lossy());
        authority.openssl(&["req", "-x509", "-subj", &subject, "-keyout", "authority.key", "-out", "authority", "-days", "2"]);
        authority
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, args: &[&str]) {
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut command = Command::new("openssl");
        command.args(args).current_dir(self.0.path());
        if args[0] == "req" {
            command.args(new_key);
        }
        let output = command.output().expect("openssl, as scripts/setup installs it");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A certificate for a name, valid from and until.
    fn certificate(&self, names: &str, from: &str, until: &str) -> rustls::ServerConfig {
        self.openssl(&["req", "-subj", "/CN=receiver", "-addext", &format!("subjectAltName={names}"), "-keyout", "key", "-out", "request"]);
        let mut args = vec!["ca", "-batch", "-notext", "-config", "config", "-cert", "authority", "-keyfile", "authority.key"];
        args.extend(["-in", "request", "-out", "certificate", "-startdate", from, "-enddate", until]);
        self.openssl(&args);
        served(&self.path("certificate"), &self.path("key"))
    }

    /// A client that trusts this authority and nobody else.
    fn client(&self) -> HyperHttp {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("authority")).unwrap()).unwrap();
        let everybody = crate::env::tls();
        let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = everybody.alpn_protocols;
        HyperHttp::over(OPEN, targets::system_lookup(), tls)
    }
}

fn served(certificate: &Path, key: &Path) -> rustls::ServerConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// What comes of a delivery to a receiver with this certificate.
async fn delivered(http: &HyperHttp, config: rustls::ServerConfig) -> Result<Answer, SendFault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let Ok(mut socket) = acceptor.accept(socket).await else { return };
        let mut request = Vec::new();
        while !request.ends_with(b"{}") && socket.read_buf(&mut request).await.unwrap_or(0) > 0 {}
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let _ = socket.shutdown().await;
    });
    http.post(to(&url, LONG)).await
}

#[tokio::test]
async fn only_a_certificate_that_is_in_order_is_talked_to() {
    let authority = Authority::new();
    let http = authority.client();
    let (from, until) = ("20200101000000Z", "21200101000000Z");
    let right = delivered(&http, authority.certificate("IP:127.0.0.1", from, until)).await;
    assert_eq!(right.unwrap().status, 200);
    let told = |why: &str| Err(SendFault::Tls(why.to_owned()));
    let expired = delivered(&http, authority.certificate("IP:127.0.0.1", from, "20200201000000Z")).await;
    assert_eq!(expired, told("the certificate has expired"));
    let early = delivered(&http, authority.certificate("IP:127.0.0.1", "21190101000000Z", until)).await;
    assert_eq!(early, told("the certificate is not valid yet"));
    let named = delivered(&http, authority.certificate("DNS:another.example,IP:127.0.0.2", from, until)).await;
    assert_eq!(named, told("the certificate is for another name"));
    // Signed by itself, and by an authority that nobody knows.
    let unknown = "the certificate's issuer is not trusted (self-signed, or intermediates missing)";
    let own = ["req", "-x509", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key", "-out", "self"];
    authority.openssl(&own);
    let signed_by_itself = delivered(&http, served(&authority.path("self"), &authority.path("key"))).await;
    assert_eq!(signed_by_itself, told("the certificate is an authority's own (self-signed)"));
    assert_eq!(delivered(&http, Authority::new().certificate("IP:127.0.0.1", from, until)).await, told(unknown));
}

#[tokio::test]
async fn http_2_is_not_offered() {
    let authority = Authority::new();
    let certificate = || authority.certificate("IP:127.0.0.1", "20200101000000Z", "21200101000000Z");
    let mut both = certificate();
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    assert_eq!(delivered(&authority.client(), both).await.unwrap().status, 200);
}

/// A handshake that never goes on is part of the deadline.
#[tokio::test]
async fn a_silent_handshake_ends_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    assert_eq!(post(OPEN, &url, SHORT).await, Err(SendFault::Timeout(SHORT)));
}
