//! The contract as the server serves it, and the page that shows it to people: all of it from here, nothing from elsewhere.

use std::path::Path;

use payin_tests::nodes::http_client;
use payin_tests::sandbox::Sandbox;

async fn fetch(sandbox: &Sandbox, path: &str) -> (reqwest::Response, String) {
    let url = format!("{}{path}", sandbox.url());
    let response = http_client().get(url).send().await.unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(response.status(), 200, "{path}");
    let content_type = response.headers()["content-type"].to_str().expect("a text").to_owned();
    (response, content_type)
}

#[tokio::test]
async fn the_description_is_the_file_and_need_not_be_sent_twice() {
    let sandbox = Sandbox::frozen().await;
    let (response, content_type) = fetch(&sandbox, "/openapi.yaml").await;
    assert_eq!(content_type, "application/yaml");
    let tag = response.headers()["etag"].to_str().expect("a text").to_owned();
    let file = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml")).expect("openapi.yaml");
    assert_eq!(response.text().await.expect("a text"), file);
    for (given, status) in [(tag.clone(), 304), (format!("\"other\", W/{tag}"), 304), ("*".to_owned(), 304), ("\"other\"".to_owned(), 200)]
    {
        let again =
            http_client().get(format!("{}/openapi.yaml", sandbox.url())).header("If-None-Match", &given).send().await.expect("an answer");
        assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (status, &tag.parse().expect("a header")), "{given}");
        assert_eq!(again.text().await.expect("a text").is_empty(), status == 304, "{given}");
    }
    let posted = http_client().post(format!("{}/openapi.yaml", sandbox.url())).send().await.expect("an answer");
    assert_eq!((posted.status().as_u16(), posted.headers()["allow"].as_bytes()), (405, &b"GET,HEAD"[..]));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_and_all_it_loads_is_served_from_here() {
    let sandbox = Sandbox::frozen().await;
    let (page, content_type) = fetch(&sandbox, "/docs").await;
    assert_eq!(content_type, "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().expect("a text").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert!(!policy.contains("http"), "{policy}");
    let page = page.text().await.expect("a text");
    let linked = page.split("href=\"").chain(page.split("src=\"")).skip(1).filter_map(|rest| rest.split('"').next());
    let loaded: Vec<&str> = linked.filter(|place| !place.starts_with(['<', 'd'])).collect();
    assert!(loaded.len() >= 5, "{loaded:?}");
    for place in loaded {
        assert!(place.starts_with('/') && !place.starts_with("//"), "{place} is elsewhere");
        let (file, content_type) = fetch(&sandbox, place).await;
        let expected = match place.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            _ => "application/yaml",
        };
        assert_eq!(content_type, expected, "{place}");
        assert!(!file.text().await.expect("a text").is_empty(), "{place}");
    }
    assert!(!page.contains("<script>") && !page.contains("style="), "the policy would stop what stands in the page itself");
    let start = fetch(&sandbox, "/docs/start.js").await.0.text().await.expect("a text");
    assert!(start.contains("url: '/openapi.yaml'") && start.contains("validatorUrl: null"), "{start}");
    sandbox.stop().await;
}
