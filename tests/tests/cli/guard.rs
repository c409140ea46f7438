//! Where a server sends webhooks: never by a proxy of its environment, and in production to the public web only.

use std::net::TcpListener;

use payin_tests::nodes::program::Command;
use payin_tests::nodes::receiver::Receiver;
use serde_json::json;

use super::server::{configured, url, with_config};
use super::{answer, failed, payin_at};

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    proxy.set_nonblocking(true).expect("a listener that does not wait");
    let named = format!("http://{}", proxy.local_addr().expect("an address"));
    let mut command = Command::payin_server();
    command.args(["dev", "--listen", "127.0.0.1:0", "--api-key", "pk_test_guard"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &named);
    }
    command.env("NO_PROXY", "").env("no_proxy", "");
    let mut server = command.start();
    let ready = server.next_json().await;
    let url = ready["url"].as_str().expect("a URL");
    let shop = Receiver::start().await;
    let endpoint = answer(payin_at(url, "pk_test_guard", &["webhooks", "endpoints", "create", "--url", shop.url()])).await;
    answer(payin_at(url, "pk_test_guard", &["webhooks", "endpoints", "test", endpoint["id"].as_str().expect("an id")])).await;
    assert_eq!(shop.next().await.json()["type"], json!("webhook.test"));
    assert!(proxy.accept().is_err(), "somebody has connected to the proxy");
}

#[tokio::test]
async fn production_takes_endpoints_on_the_public_web_only() {
    let folder = configured("");
    let exit = with_config(folder.path(), &["keys", "create", "--role", "owner"]).run().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let key = exit.stdout.trim();
    let server = with_config(folder.path(), &["serve"]).start();
    let url = url(&server).await;
    let create = |target: &str| payin_at(&url, key, &["webhooks", "endpoints", "create", "--url", target]).run();
    for target in [
        "http://shop.example/hook",
        "https://127.0.0.1/hook",
        "https://0x7f.1/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://user:word@shop.example/hook",
        "https://shop.example:6379/hook",
        "https://shop.example:80/hook",
        "ftp://shop.example/hook",
        "file:///etc/passwd",
        "shop.example",
    ] {
        failed(&create(target).await, 6, "VALIDATION_ERROR");
    }
    for target in ["https://shop.example/hook", "https://shop.example:8443/hook"] {
        assert_eq!(create(target).await.code, Some(0), "{target}");
    }
}
