//! The merchants of `examples/`, each as its README starts it, against `payin-server dev`: what is paid is shipped, once, and nothing else
//! is. And what stands beside them for CI.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use payin_sdk::webhook;
use payin_sdk::{SecretString, Timestamp};
use payin_tests::nodes::dev::DevServer;
use payin_tests::nodes::program::{Command, Program, built};
use payin_tests::nodes::{from_scripts_test, http_client};
use payin_tests::sandbox::{CHAIN, text};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// An example's files, in the folder that the program starts in.
fn copied(command: &Command, name: &str, files: &[&str]) {
    for file in files {
        fs::copy(example(name).join(file), command.home().join(file)).unwrap_or_else(|error| panic!("examples/{name}/{file}: {error}"));
    }
}

fn axum() -> Command {
    Command::at(built("payin-example-axum"))
}

fn express() -> Command {
    let mut command = Command::at("node");
    copied(&command, "express", &["package.json", "server.js"]);
    symlink(from_scripts_test("PAYIN_TEST_EXPRESS"), command.home().join("node_modules")).expect("a link to the packages");
    command.arg("server.js");
    command
}

fn flask() -> Command {
    let mut command = Command::at(format!("{}/bin/python", from_scripts_test("PAYIN_TEST_FLASK")));
    copied(&command, "flask", &["server.py"]);
    command.arg("server.py");
    command
}

/// A running merchant with a gateway that knows its endpoint.
struct Shop {
    gateway: DevServer,
    program: Program,
    client: reqwest::Client,
    url: String,
}

impl Shop {
    async fn open(command: Command) -> Self {
        let gateway = DevServer::start().await;
        let mut command = gateway.client(command);
        command.env("PAYIN_WEBHOOK_SECRET", SECRET).env("PORT", "0");
        let mut program = command.start();
        let line = program.line_with("listening on ").await;
        let url = line.trim_start_matches("listening on ").to_owned();
        let endpoint = json!({ "url": format!("{url}/webhooks/payin"), "events": ["*"], "secret": SECRET });
        gateway.post("/api/v1/webhooks/endpoints", &endpoint).await;
        Self { gateway, program, client: http_client(), url }
    }

    /// A customer wants something. Answers what the shop answers.
    async fn buy(&self, item: &str) -> Value {
        let response = self.client.post(format!("{}/buy", self.url)).json(&json!({ "item": item })).send().await.expect("an answer");
        let status = response.status();
        let bought: Value = response.json().await.expect("JSON");
        assert_eq!(status, 201, "{bought}");
        bought
    }

    /// Posts a webhook as somebody would who knows this secret. Answers the status.
    async fn told(&self, event: &Value, secret: &str, at: Timestamp) -> u16 {
        let body = event.to_string();
        let mut request = self.client.post(format!("{}/webhooks/payin", self.url)).header("Content-Type", "application/json");
        for (name, value) in webhook::sign(&SecretString::from(secret), text(&event["id"]), at, body.as_bytes()) {
            request = request.header(name, value);
        }
        request.body(body).send().await.expect("an answer").status().as_u16()
    }

    /// Until the shop says that it has shipped this.
    async fn shipped(&mut self, bought: &Value) {
        let line = self.program.line_with("shipped ").await;
        assert_eq!(line, format!("shipped {}", text(&bought["reference"])));
    }

    async fn is_shipped(&self, bought: &Value) -> bool {
        let url = format!("{}/orders/{}", self.url, text(&bought["reference"]));
        let order: Value = self.client.get(url).send().await.expect("an answer").json().await.expect("JSON");
        order["shipped"].as_bool().unwrap_or_else(|| panic!("{order}"))
    }

    /// How often anything was shipped.
    fn shipments(&self) -> usize {
        self.program.stdout().matches("shipped ").count()
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// What the gateway would say of an order of 25 USDT that was paid; with another amount, currency or reference if one is given.
fn completed(id: &str, bought: &Value, other: Value) -> Value {
    let mut data = json!({
        "orderId": bought["orderId"], "orderReference": bought["reference"], "status": "completed", "amount": "25.00", "currency": "USDT",
        "chainId": CHAIN, "address": bought["pay"]["address"], "createdAt": "2025-01-20T10:30:00.000Z",
    });
    data.as_object_mut().expect("an object").extend(other.as_object().cloned().expect("an object"));
    json!({ "id": id, "type": "order.completed", "created_at": "2025-01-20T10:35:00.000Z", "data": data })
}

/// Everything that an example promises.
async fn ships_what_is_paid_once_and_nothing_else(command: Command) {
    let mut shop = Shop::open(command).await;
    let refused = shop.client.post(format!("{}/buy", shop.url)).json(&json!({ "item": "moon" })).send().await.expect("an answer");
    assert_eq!(refused.status(), 400);

    let (cap, unpaid) = (shop.buy("cap").await, shop.buy("cap").await);
    assert_eq!((&cap["pay"]["amount"], &cap["pay"]["currency"], &cap["pay"]["chainId"]), (&json!("25.00"), &json!("USDT"), &json!(CHAIN)));
    assert!(!shop.is_shipped(&cap).await);
    shop.gateway.pay(&cap["orderId"]).await;
    shop.shipped(&cap).await;
    assert!(shop.is_shipped(&cap).await);

    // The gateway sends the event again, as after an answer that got lost; and again under another id, as after a reorganisation.
    let first = format!("evt_order_completed_{}", text(&cap["orderId"]));
    let event = format!("/api/v1/webhooks/events/{first}");
    shop.gateway.post(&format!("{event}/resend"), &json!({})).await;
    let is_taken_twice = |deliveries: &Value| {
        let log = deliveries["data"][0]["log"].as_array();
        log.is_some_and(|log| log.len() == 2 && log.iter().all(|attempt| attempt["statusCode"] == 204))
    };
    shop.gateway.read_when(&format!("{event}/deliveries"), "taken twice", is_taken_twice).await;
    assert_eq!(shop.told(&completed(&first, &cap, json!({})), SECRET, now()).await, 204);
    assert_eq!(shop.told(&completed(&format!("{first}_2"), &cap, json!({})), SECRET, now()).await, 204);

    // Forged, and a genuine one that was caught ten minutes ago.
    let paid = completed("evt_caught", &unpaid, json!({}));
    assert_eq!(shop.told(&paid, "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBlbnRpcmVseQ==", now()).await, 401);
    assert_eq!(shop.told(&paid, SECRET, Timestamp::from_secs(now().secs() - 600)).await, 401);
    // Genuine, and not what was sold. Told again it would be no truer, so it is taken.
    for (number, other) in
        [json!({ "amount": "0.01" }), json!({ "currency": "USDC" }), json!({ "orderReference": "SHOP-of-another" })].into_iter().enumerate()
    {
        assert_eq!(shop.told(&completed(&format!("evt_other_{number}"), &unpaid, other), SECRET, now()).await, 204);
    }
    assert!(!shop.is_shipped(&unpaid).await);

    // And whatever else a handler may get wrong.
    let mut chaos = Command::payin();
    fs::write(chaos.home().join("secret"), SECRET).expect("a file");
    chaos.args(["webhooks", "test", "--chaos", &format!("{}/webhooks/payin", shop.url), "--secret-file", "secret", "--seed", "7"]);
    let exit = chaos.start().wait_within(Duration::from_secs(60)).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");

    // It still takes what is true.
    shop.gateway.pay(&unpaid["orderId"]).await;
    shop.shipped(&unpaid).await;
    assert_eq!(shop.shipments(), 2, "{}", shop.program.stdout());
}

#[tokio::test]
async fn axum_ships_what_is_paid_once_and_nothing_else() {
    ships_what_is_paid_once_and_nothing_else(axum()).await;
}

#[tokio::test]
async fn express_ships_what_is_paid_once_and_nothing_else() {
    ships_what_is_paid_once_and_nothing_else(express()).await;
}

#[tokio::test]
async fn flask_ships_what_is_paid_once_and_nothing_else() {
    ships_what_is_paid_once_and_nothing_else(flask()).await;
}

#[tokio::test]
async fn without_their_secret_they_say_so_and_do_not_start() {
    for mut command in [axum(), express(), flask()] {
        command.env("PAYIN_API_KEY", "pk_test_1").env("PORT", "0");
        let exit = command.run().await;
        assert!(exit.code.is_some_and(|code| code != 0) && exit.stderr.contains("PAYIN_WEBHOOK_SECRET"), "{exit:?}");
    }
}

/// Nobody who installs by the example's own list gets other packages than those that were tried here.
#[test]
fn what_the_examples_pin_is_what_was_tried() {
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let json = |path: &Path| serde_json::from_str::<Value>(&read(path)).expect("JSON");
    let pinned = json(&example("express").join("package.json"));
    let installed = PathBuf::from(from_scripts_test("PAYIN_TEST_EXPRESS"));
    let dependencies = pinned["dependencies"].as_object().expect("dependencies");
    assert!(dependencies.contains_key("express"));
    for (name, version) in dependencies {
        assert_eq!(&json(&installed.join(name).join("package.json"))["version"], version, "{name}");
    }
}

#[tokio::test]
async fn hadolint_finds_nothing_wrong_with_the_dockerfile() {
    let mut hadolint = Command::at(from_scripts_test("PAYIN_TEST_HADOLINT"));
    hadolint.arg(example("../Dockerfile"));
    let exit = hadolint.run().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
}

/// Whoever reads one of the recipes finds in it what is in the repository.
#[test]
fn compose_starts_what_is_there() {
    let text = fs::read_to_string(example("compose.yaml")).expect("examples/compose.yaml");
    let compose: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    for (name, files) in [("express", &["server.js", "package.json"][..]), ("flask", &["server.py", "requirements.txt"])] {
        let command = compose["services"][name]["command"].to_string();
        for file in files {
            assert!(command.contains(&format!("/example/{file} ")) && example(name).join(file).is_file(), "{name}: {command}");
        }
    }
}
