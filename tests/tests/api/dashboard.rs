//! What merchants see below `/dashboard`, as the server sends it: who comes in, what each page has, who may do what, and that no text is ever
//! more than a text. What a browser makes of it is `browser.rs`.

mod doors;
mod matrix;
mod pages;
mod texts;

use http::HeaderMap;
use payin_tests::nodes::http_client;
use payin_tests::sandbox::{PASSWORD, Sandbox, text};
use payin_types::Role;
use serde_json::{Value, json};

/// An answer to a browser.
struct Page {
    at: String,
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[track_caller]
    fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}: {}", self.at, self.text);
        self
    }

    #[track_caller]
    fn leads_to(&self, path: &str) -> &Self {
        assert_eq!((self.status, self.header("location")), (303, path), "{}: {}", self.at, self.text);
        self
    }

    #[track_caller]
    fn has(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.text.contains(part), "{}: “{part}” is not on the page ({}):\n{}", self.at, self.status, self.text);
        }
        self
    }

    #[track_caller]
    fn lacks(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(!self.text.contains(part), "{}: “{part}” is on the page:\n{}", self.at, self.text);
        }
        self
    }

    /// What stands behind a text, up to another.
    #[track_caller]
    fn between(&self, before: &str, after: &str) -> String {
        let rest = self.text.split_once(before).unwrap_or_else(|| panic!("{}: no “{before}”:\n{}", self.at, self.text)).1;
        rest.split_once(after).unwrap_or_else(|| panic!("{}: no “{after}”", self.at)).0.to_owned()
    }
}

/// Somebody's browser.
struct Browser<'a> {
    sandbox: &'a Sandbox,
    cookie: String,
    /// What its forms bear.
    token: String,
}

fn urlencoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

impl<'a> Browser<'a> {
    /// In which nobody is signed in.
    fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, cookie: String::new(), token: String::new() }
    }

    /// In which somebody is.
    async fn of(sandbox: &'a Sandbox, name: &str, password: &str) -> Self {
        let mut browser = Self::new(sandbox);
        let page = browser.post_with("/dashboard/sign-in", &[("name", name), ("password", password)], &[]).await;
        browser.comes_in(&page).await;
        browser
    }

    /// In which the sandbox's owner is signed in.
    async fn owner(sandbox: &'a Sandbox) -> Self {
        let (email, password) = sandbox.owner();
        Self::of(sandbox, email, password).await
    }

    /// In which somebody new is, who has this role where a key belongs to.
    async fn member(sandbox: &'a Sandbox, key: &str, role: Role) -> Self {
        let (email, _) = sandbox.person(key, role).await;
        Self::of(sandbox, &email, PASSWORD).await
    }

    /// Takes the cookie of an answer.
    async fn comes_in(&mut self, page: &Page) {
        page.is(303);
        self.cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        self.token = self.get("/dashboard").await.is(200).between("name=\"token\" value=\"", "\"");
    }

    async fn ask(&self, request: reqwest::RequestBuilder, at: String) -> Page {
        let request = if self.cookie.is_empty() { request } else { request.header("Cookie", &self.cookie) };
        let response = request.send().await.unwrap_or_else(|error| panic!("{at}: no answer: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Page { at, status, headers, text: response.text().await.expect("a text") }
    }

    async fn get(&self, path: &str) -> Page {
        self.ask(http_client().get(format!("{}{path}", self.sandbox.url())), format!("GET {path}")).await
    }

    /// Sends a form of its own pages.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let form: Vec<_> = form.iter().copied().chain([("token", self.token.as_str())]).collect();
        self.post_with(path, &form, &[]).await
    }

    /// Sends what somebody has made by hand.
    async fn post_with(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let request = http_client().post(format!("{}{path}", self.sandbox.url())).body(urlencoded(form));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.ask(request, format!("POST {path}")).await
    }

    /// Sends a form with a file.
    async fn post_file(&self, path: &str, form: &[(&str, &str)], file: (&str, &[u8])) -> Page {
        let mut body = Vec::new();
        for (name, value) in form.iter().copied().chain([("token", self.token.as_str())]) {
            body.extend(format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        let (name, content) = file;
        let head =
            format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n--limit--\r\n"].concat());
        let request = http_client().post(format!("{}{path}", self.sandbox.url())).body(body);
        self.ask(request.header("Content-Type", "multipart/form-data; boundary=limit"), format!("POST {path}")).await
    }
}

/// One thing of each kind that a page can be about, of the sandbox's organization: their ids by the name that routes give them.
struct Things {
    order: String,
    endpoint: String,
    event: String,
    key: String,
    address: String,
    link: String,
    reference: String,
    person: String,
    invitation: String,
}

impl Things {
    async fn make(sandbox: &Sandbox) -> Self {
        let order = sandbox.order("T-1", "12.50").await;
        let endpoint = json!({ "url": "http://127.0.0.1:9/hook", "events": ["*"] });
        let endpoint = sandbox.post("/api/v1/webhooks/endpoints", &endpoint).await.ok(201);
        let test = format!("/api/v1/webhooks/endpoints/{}/test", text(&endpoint["id"]));
        let event = sandbox.ask("POST", &test).send().await.ok(202);
        let organization = text(&sandbox.read("/api/v1/me").await["organization"]["id"]).to_owned();
        let key = sandbox.post(&format!("/api/v1/organizations/{organization}/api-keys"), &json!({ "name": "till" })).await.ok(201);
        let free = sandbox.read("/api/v1/address-pool/addresses?protocol=evm&state=available&limit=1").await;
        let link =
            json!({ "title": "Coffee", "amount": "5", "currencies": [{ "currency": "USDT", "chain_options": ["ethereum-sepolia"] }] });
        let link = sandbox.post("/api/v1/payment-links", &link).await.ok(201);
        let bind = json!({ "depositReference": "user 7", "currency": "USDT", "chainId": "ethereum-sepolia" });
        sandbox.post("/api/v1/deposits/references", &bind).await.ok(201);
        let (_, person) = sandbox.person(sandbox.key(), Role::Member).await;
        let members = Browser::owner(sandbox).await.post("/dashboard/members", &[("role", "viewer"), ("guest", "Grace")]).await;
        let invitation = members.is(200).between("action=\"/dashboard/members/invitations/", "/take-back\"");
        // What happens by itself has happened before anything is asked.
        sandbox.advance(1).await;
        let id = |value: &Value| text(value).to_owned();
        Self {
            order: id(&order["orderId"]),
            endpoint: id(&endpoint["id"]),
            event: id(&event["eventId"]),
            key: id(&key["id"]),
            address: id(&free["data"][0]["address"]),
            link: id(&link["id"]),
            reference: "user%207".to_owned(),
            person,
            invitation,
        }
    }

    /// A route of the server with the ids that it is about.
    fn fill(&self, route: &str) -> String {
        let id = match route.split('/').nth(2).unwrap_or_default() {
            "orders" => &self.order,
            "webhooks" => &self.endpoint,
            "events" => &self.event,
            "keys" => &self.key,
            "links" => &self.link,
            "members" => &self.person,
            _ => "",
        };
        let path = route.replace("{id}", id).replace("{address}", &self.address).replace("{reference}", &self.reference);
        let path = path.replace("{invitation}", &self.invitation);
        path.replace("{key}", "orders.grace_period_minutes").replace("{deed}", "publish")
    }
}
