//! The SDK's CryptoPay client over real HTTP: with a key, and with a session that prolongs itself once for however many calls, or programs.

use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use payin_sdk::cryptopay::{
    AddWallet, CreatePaymentOrder, CreateWebhookEndpoint, KeepError, Keeper, PageQuery, Register, Tokens, Turn, Turning, UpdateWallet,
};
use payin_sdk::{Client, Waited};
use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::Sandbox;
use payin_tests::seeds::{self, Kind};
use payin_types::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::twice::{twice, twice_but_for_how_often};

const CHAIN: &str = "base-sepolia";
const PASSWORD: &str = "correct horse battery";

fn wish(nonce: u64) -> CreatePaymentOrder {
    CreatePaymentOrder::new(nonce, "100.00".parse().expect("an amount"), "USDC", "base", &json!({ "product": "Premium Plan" }))
}

#[tokio::test]
async fn an_order_from_its_creation_to_its_payment_with_a_key() {
    twice(async |sandbox: &Sandbox| {
        let client = Client::builder().api_key(sandbox.key()).base_url(sandbox.url()).build().expect("a client");
        let shop = client.cryptopay();
        let order = shop.orders().create(&wish(1)).await.expect("an order");
        assert_eq!((order.id, order.order_info.as_str()), (1, r#"{"product":"Premium Plan"}"#));
        assert_eq!(shop.orders().create(&wish(1)).await.expect("the same order").order_id, order.order_id);
        for nonce in 2..5 {
            sandbox.advance(1).await;
            shop.orders().create(&wish(nonce)).await.expect("an order");
        }
        let page = shop.orders().list(PageQuery { page: Some(2), page_size: Some(2) }).await.expect("a page");
        assert_eq!((page.count, page.results.len(), page.next), (4, 2, None));
        let all: Vec<u64> = shop.orders().stream().map_ok(|order| order.nonce).try_collect().await.expect("all orders");
        assert_eq!(all, [4, 3, 2, 1]);

        let native = json!(order.order_id.replace("ORD-", "ord_"));
        sandbox.pay(&native, json!({})).await;
        sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": CHAIN, "blocks": 3 })).await.ok(200);
        let Waited::Completed(paid) = shop.orders().wait(&order.order_id).await.expect("an end") else { panic!("not paid") };
        let hash = paid.transaction.expect("a transaction").transaction_hash;
        assert_eq!(shop.transactions().get(&hash).await.expect("a transaction").order_id.as_ref(), Some(&order.order_id));
        assert_eq!(shop.transactions().stream().try_collect::<Vec<_>>().await.expect("transactions").len(), 1);

        // What is refused says why, by field, and is an error of the same kinds as the native API's.
        let mut bad = wish(9);
        bad.currency = "ETH".into();
        let error = shop.orders().create(&bad).await.expect_err("a native coin");
        let api = error.api().expect("an answer");
        assert_eq!((api.status, api.code.as_str()), (400, "VALIDATION_ERROR"));
        assert!(api.details.as_ref().is_some_and(|details| details["currency"][0].as_str().is_some_and(|why| why.contains("native coin"))));
        assert!(shop.orders().get("ORD-none").await.expect_err("nothing").is_not_found());
        let endpoint = shop.webhook_endpoints().create(&CreateWebhookEndpoint::new("https://a.example/")).await.expect("an endpoint");
        assert!(endpoint.secret.is_some());
    })
    .await;
}

#[tokio::test]
async fn the_documents_answers_are_read() {
    let server = Receiver::start().await;
    let client = Client::builder().api_key("pk_test_x").base_url(server.url()).retries_max(0).build().expect("a client");
    let answers: Vec<_> = seeds::all().into_iter().filter(|fixture| fixture.kind == Kind::Response && fixture.seed == "003").collect();
    assert!(answers.len() >= 3, "only {} examples", answers.len());
    for fixture in answers {
        let status = fixture.status.expect("a status");
        server.script([Answer::status(status).header("content-type", "application/json").body(fixture.text.clone())]);
        let orders = client.cryptopay().orders();
        match (fixture.method.as_str(), fixture.path.contains('?')) {
            ("GET", true) => {
                let page = orders.list(PageQuery { page: Some(2), page_size: Some(50) }).await.expect("a page");
                assert_eq!((page.count, page.next.as_deref()), (150, fixture.body["next"].as_str()));
            }
            ("GET", false) => {
                let order = orders.get("ORD-abc123def456").await.expect("an order");
                assert_eq!((order.order_id.as_str(), order.qr_code_url.as_str()), ("ORD-abc123def456", "/qr/ORD-abc123def456"));
            }
            _ => {
                let error = orders.create(&wish(1)).await.expect_err("refused");
                let api = error.api().expect("an answer");
                assert_eq!((api.status, api.code.as_str(), api.message.as_str()), (400, "VALIDATION_ERROR", "Invalid request data"));
                assert_eq!(api.details.as_ref(), Some(&fixture.body["error"]["details"]));
            }
        }
    }
}

fn who() -> Register {
    Register {
        username: "alice".to_owned(),
        email: "alice@shop.example".to_owned(),
        password: PASSWORD.to_owned(),
        shop_name: "A shop".to_owned(),
    }
}

#[tokio::test]
async fn many_calls_with_a_token_that_is_over_prolong_the_session_once() {
    twice_but_for_how_often(async |sandbox: &Sandbox| {
        let key = Client::builder().api_key(sandbox.key()).base_url(sandbox.url()).build().expect("a client");
        let password = SecretString::from(PASSWORD);
        assert_eq!(key.cryptopay().register(&who()).await.expect("an account").username, "alice");
        let builder = || Client::builder().base_url(sandbox.url());
        let wrong = builder().log_in("alice", &SecretString::from("wrong horse battery")).await.expect_err("refused");
        assert_eq!(wrong.api().expect("an answer").status, 401);
        let (client, user) = builder().log_in("alice", &password).await.expect("a session");
        assert_eq!(user.email, "alice@shop.example");
        let shop = client.cryptopay();
        let wallet = shop.wallets().add(&AddWallet::address("base", "0x52908400098527886E0F7030069857D2E4169EE7")).await.expect("a wallet");
        let begun = shop.tokens().expect("tokens");

        // A day later the token is over, for all of them at once.
        sandbox.advance(86_400).await;
        let all = join_all((0..32).map(|_| async { shop.wallets().list(PageQuery::default()).await })).await;
        assert!(all.iter().all(|page| page.as_ref().is_ok_and(|page| page.count == 1)), "{all:?}");
        let used = sandbox.database().value("SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NOT NULL").await;
        let ended = sandbox.database().value("SELECT COUNT(*) FROM refresh_tokens WHERE revoked_at IS NOT NULL").await;
        assert_eq!((used.as_str(), ended.as_str()), ("1", "0"), "prolonged once, and nothing was ended");
        let now = shop.tokens().expect("tokens");
        assert_ne!(now.access.expose_secret(), begun.access.expose_secret());

        // It can be kept and gone on with; what was used up before is refused, and says so.
        let later = builder().session(now).build().expect("a client");
        let change = UpdateWallet { is_active: Some(false), ..UpdateWallet::default() };
        assert!(!later.cryptopay().wallets().update(&wallet.id, &change).await.expect("put away").is_active);
        let stale = builder().session(begun).build().expect("a client");
        let error = stale.cryptopay().wallets().list(PageQuery::default()).await.expect_err("the session is over");
        assert_eq!(error.api().expect("an answer").status, 401);
    })
    .await;
}

/// Where programs that share a session keep it, in one process.
#[derive(Clone)]
struct Shared(Arc<tokio::sync::Mutex<Tokens>>);

struct Mine(tokio::sync::OwnedMutexGuard<Tokens>);

impl Keeper for Shared {
    fn turn(&self) -> Turning {
        let kept = Arc::clone(&self.0);
        Box::pin(async move { Ok(Box::new(Mine(kept.lock_owned().await)) as Box<dyn Turn>) })
    }
}

impl Turn for Mine {
    fn tokens(&self) -> Tokens {
        self.0.clone()
    }

    fn keep(&mut self, tokens: &Tokens) -> Result<(), KeepError> {
        *self.0 = tokens.clone();
        Ok(())
    }
}

#[tokio::test]
async fn programs_that_share_a_session_prolong_it_once_and_catch_up_with_each_other() {
    twice_but_for_how_often(async |sandbox: &Sandbox| {
        let key = Client::builder().api_key(sandbox.key()).base_url(sandbox.url()).build().expect("a client");
        key.cryptopay().register(&who()).await.expect("an account");
        let builder = || Client::builder().base_url(sandbox.url());
        let (first, _) = builder().log_in("alice", &PASSWORD.into()).await.expect("a session");
        let begun = first.cryptopay().tokens().expect("tokens");
        let shared = Shared(Arc::new(tokio::sync::Mutex::new(begun.clone())));
        let clients: Vec<Client> =
            (0..8).map(|_| builder().shared_session(begun.clone(), shared.clone()).build().expect("a client")).collect();
        let list = |client: &Client| client.cryptopay().wallets().list(PageQuery::default());
        let used = async || sandbox.database().value("SELECT COUNT(*) FROM refresh_tokens WHERE used_at IS NOT NULL").await;

        sandbox.advance(86_400).await;
        let all = join_all(clients.iter().map(|client| list(client).into_future())).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(used().await, "1");
        // One that has slept for two days finds that what another got meanwhile is over as well, and prolongs it itself.
        let asleep = builder().shared_session(begun, shared.clone()).build().expect("a client");
        sandbox.advance(86_400).await;
        list(&asleep).await.expect("a page");
        assert_eq!(used().await, "2");
        for client in &clients {
            list(client).await.expect("a page");
        }
        assert_eq!(used().await, "2");
        assert_eq!(sandbox.database().value("SELECT COUNT(*) FROM refresh_tokens WHERE revoked_at IS NOT NULL").await, "0");
    })
    .await;
}
