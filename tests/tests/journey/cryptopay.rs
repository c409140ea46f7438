//! A CryptoPay order on Base: `payin cryptopay`, `payin-server serve`, an ERC-20 transfer on a real EVM node, and the order's webhook. The
//! server is killed while the payment waits to be confirmed.

use std::time::Duration;

use payin_sdk::cryptopay::{WebhookEvent, construct_event};
use payin_sdk::webhook::Verifier;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions};
use payin_tests::nodes::receiver::Receiver;
use payin_types::{SecretString, Timestamp};
use serde_json::Value;

use super::world::{CONFIRMATIONS, part};

const BASE_SEPOLIA: u64 = 84_532;
const USDC: u128 = 1_000_000;

pub async fn a_cryptopay_order_on_base_is_confirmed(engine: Engine) {
    let anvil = Anvil::start_with(AnvilOptions { chain_id: BASE_SEPOLIA, ..AnvilOptions::default() }).await;
    let usdc = anvil.deploy_token("USD Coin", "USDC", 6).await;
    let settings = format!(
        "[chains.base-sepolia]\nrpc = \"{}\"\nconfirmations = {CONFIRMATIONS}\nblock_ms = 200\n\
         tokens = {{ USDC = {{ contract = \"{}\", decimals = 6 }} }}\n",
        anvil.url(),
        usdc.address
    );
    let mut merchant = Merchant::start(engine, &settings).await;
    let shop = Receiver::start().await;

    part("an order, and its payment seen");
    let create = ["cryptopay", "orders", "create", "--nonce", "7", "--amount", "100.00", "--currency", "USDC", "--blockchain", "base"];
    let create: Vec<&str> = create.into_iter().chain(["--webhook-url", shop.url(), "--order-info", r#"{"cart":7}"#]).collect();
    let order = merchant.answer(&create).await;
    let id = order["order_id"].as_str().expect("an id").to_owned();
    let secret = merchant.beside(&["webhook-secret"]).await;
    assert_eq!(secret.code, Some(0), "{secret:?}");
    let verifier = Verifier::new(SecretString::from(secret.stdout.trim()));
    let told = async || -> WebhookEvent {
        // A chain belongs to a server that has died for as long as its lease runs.
        let received = shop.next_within(Duration::from_secs(60)).await;
        let headers = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        construct_event(headers, &received.body, &verifier, Timestamp::from_secs(0)).expect("a genuine event")
    };
    let hash = anvil.transfer(&usdc, order["receiving_address"].as_str().expect("an address"), 100 * USDC).await;
    let seen = told().await;
    assert_eq!((seen.event.as_str(), seen.data.transaction_hash.as_deref()), ("payment.pending", Some(hash.as_str())));

    part("confirmed by a server that was killed meanwhile");
    assert_eq!(merchant.server().kill().await.signal, Some(9));
    anvil.mine(CONFIRMATIONS).await;
    merchant.start_again().await;
    // What was sent and not yet recorded when it died is sent again.
    let confirmed = loop {
        let event = told().await;
        if event.event.as_str() != "payment.pending" {
            break event;
        }
    };
    assert_eq!((confirmed.event.as_str(), confirmed.data.order_id.as_str()), ("payment.confirmed", id.as_str()));
    assert_eq!((confirmed.data.blockchain.as_str(), confirmed.data.order_info.as_str()), ("base", r#"{"cart":7}"#));
    let paid: Value = merchant.answer(&["cryptopay", "orders", "wait", &id]).await;
    assert_eq!((&paid["status"], &paid["amount_received"]), (&"confirmed".into(), &"100.00".into()), "{paid:#}");
    assert_eq!(paid["transaction"]["transaction_hash"], hash.as_str(), "{paid:#}");

    part("the same in the other lists");
    assert_eq!(merchant.answer(&create).await["order_id"], id.as_str(), "the same command finds it");
    let transaction = merchant.answer(&["cryptopay", "transactions", "get", &hash]).await;
    assert_eq!((&transaction["order_id"], &transaction["status"]), (&id.as_str().into(), &"confirmed".into()), "{transaction:#}");
    let native = merchant.order(&id.replace("ORD-", "ord_")).await;
    assert_eq!((&native["status"], &native["txHash"]), (&"completed".into(), &hash.as_str().into()), "{native:#}");
}
