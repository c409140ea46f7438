//! An order and a deposit on Tron: `payin-server serve` with a java-tron node that is anvil behind a shim, and the chain's own USDT address.

use std::time::Duration;

use payin_core::address::{Address, tron_bytes};
use payin_sdk::paywarden::{PaymentEvent, construct_event};
use payin_sdk::webhook::Verifier;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions, Token};
use payin_tests::nodes::receiver::Receiver;
use payin_tests::nodes::tron::Tron;
use payin_types::{SecretString, Timestamp};
use serde_json::Value;

use super::world::{USDT, address, id, part};

const NILE: u64 = 3_448_148_188;
/// TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf, the USDT of Nile, as 20 bytes.
const NILE_USDT: &str = "0xeca9bc828a3005b9a3b909f2cc5c2a54794de05f";
/// So many blocks lie above a final one: anvil's epochs are of so many half.
const FINAL_BELOW: u64 = 8;

struct World {
    merchant: Merchant,
    anvil: Anvil,
    usdt: Token,
    _tron: Tron,
}

pub async fn tron_payments_complete_when_solidified(engine: Engine) {
    let epoch_slots = FINAL_BELOW / 2;
    let anvil = Anvil::start_with(AnvilOptions { chain_id: NILE, epoch_slots, ..AnvilOptions::default() }).await;
    let usdt = anvil.deploy_token_at(NILE_USDT, "Tether USD", "USDT", 6).await;
    anvil.mine(20).await;
    let tron = Tron::start(anvil.url(), NILE).await;
    let settings = format!("[chains.tron-nile]\nrpc = \"{}\"\nblock_ms = 200\n", tron.json_rpc());
    let merchant = Merchant::start(engine, &settings).await;
    let mut world = World { merchant, anvil, usdt, _tron: tron };
    world.fill_pool().await;
    an_order(&world).await;
    a_deposit(&world).await;
    a_payment_that_is_taken_back(&world).await;
    a_payment_of_another_api(&mut world).await;
}

impl World {
    async fn fill_pool(&self) {
        let addresses: Vec<String> = (1..=8).map(|byte| Address::from_tron_bytes(&[0xa0 + byte; 20]).as_str().to_owned()).collect();
        let mut import = self.merchant.payin();
        import.args(["addresses", "import", "-", "--protocol", "tron"]).stdin(addresses.join("\n"));
        let exit = import.run().await;
        assert_eq!(exit.code, Some(0), "{exit:?}");
    }

    async fn order(&self, reference: &str) -> Value {
        let args = ["orders", "create", "--reference", reference, "--amount", "100.00", "--currency", "USDT", "--chain", "tron-nile"];
        let order = self.merchant.answer(&args).await;
        assert!(address(&order).starts_with('T'), "{order:#}");
        order
    }

    /// Answers the transaction as Tron writes it.
    async fn pay(&self, account: usize, to: &str, base_units: u128) -> String {
        let to: String = tron_bytes(to).expect("a Tron address").iter().map(|byte| format!("{byte:02x}")).collect();
        let from = self.anvil.account(account);
        self.anvil.mint(&self.usdt, from, base_units).await;
        let hash = self.anvil.transfer_from(from, &self.usdt, &format!("0x{to}"), base_units).await;
        hash.trim_start_matches("0x").to_owned()
    }

    async fn seen(&self, order: &Value) -> Value {
        self.merchant.order_when(id(order), "seen on its chain", |order| order["detectedAt"].is_string()).await
    }
}

async fn an_order(world: &World) {
    part("an order is seen at once and completed when its block is solidified");
    let order = world.order("TRON-1").await;
    let paid = world.pay(1, address(&order), 100 * USDT).await;
    let seen = world.seen(&order).await;
    assert_eq!((&seen["status"], &seen["txHash"]), (&"pending".into(), &paid.as_str().into()), "{seen:#}");
    // One block short of it, as the next block's payment being seen tells.
    world.anvil.mine(FINAL_BELOW - 3).await;
    let other = world.order("TRON-2").await;
    world.pay(2, address(&other), 5 * USDT).await;
    world.seen(&other).await;
    assert_eq!(world.merchant.order(id(&order)).await["status"], "pending");
    world.anvil.mine(2).await;
    let completed = world.merchant.order_when(id(&order), "completed", |order| order["status"] == "completed").await;
    assert_eq!((&completed["receivedAmount"], &completed["txHash"]), (&"100.00".into(), &paid.as_str().into()), "{completed:#}");
    world.merchant.webhook(&completed, "order.completed").await;
}

async fn a_deposit(world: &World) {
    part("a deposit");
    let bind = ["deposits", "bind", "--deposit-reference", "PAYER-7", "--currency", "USDT", "--chain", "tron-nile"];
    let bound = world.merchant.answer(&bind).await;
    let paid = world.pay(3, address(&bound), 7 * USDT).await;
    world.anvil.mine(FINAL_BELOW + 1).await;
    let done = |deposit: &Value| deposit["txHash"] == paid.as_str() && deposit["status"] == "completed";
    world.merchant.deposits_when("completed", |deposits| deposits.iter().any(done)).await;
}

async fn a_payment_that_is_taken_back(world: &World) {
    part("a reorganisation drops the payment, and brings it again");
    let order = world.order("TRON-3").await;
    let first = world.pay(4, address(&order), 100 * USDT).await;
    world.seen(&order).await;
    world.anvil.reorg(1, &[]).await;
    world.anvil.mine(1).await;
    let taken = world.merchant.order_when(id(&order), "unseen again", |order| order["detectedAt"].is_null()).await;
    assert_eq!(taken["status"], "pending", "{taken:#}");
    let second = world.pay(5, address(&order), 100 * USDT).await;
    assert_ne!(first, second);
    world.anvil.mine(FINAL_BELOW + 1).await;
    let completed = world.merchant.order_when(id(&order), "completed", |order| order["status"] == "completed").await;
    assert_eq!((&completed["receivedAmount"], &completed["txHash"]), (&"100.00".into(), &second.as_str().into()), "{completed:#}");
}

/// By the PayWarden API, whose server is killed while the payment waits to be confirmed: what happened is told, and once completed it stays so.
async fn a_payment_of_another_api(world: &mut World) {
    part("a payment of the PayWarden API, its server killed between its steps");
    let shop = Receiver::start().await;
    let create = [
        "paywarden",
        "payments",
        "create",
        "--external-id",
        "PW-1",
        "--amount",
        "25.00",
        "--webhook-url",
        shop.url(),
        "--metadata",
        "cart=7",
    ];
    let payment = world.merchant.answer(&create).await;
    let id = payment["id"].as_str().expect("an id").to_owned();
    let secret = world.merchant.beside(&["webhook-secret"]).await;
    assert_eq!(secret.code, Some(0), "{secret:?}");
    let verifier = Verifier::new(SecretString::from(secret.stdout.trim()));
    let told = async || -> PaymentEvent {
        // A chain belongs to a server that has died for as long as its lease runs.
        let received = shop.next_within(Duration::from_secs(60)).await;
        let headers = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        construct_event(headers, &received.body, &verifier, Timestamp::from_secs(0)).expect("a genuine event")
    };
    let paid = world.pay(6, payment["address"].as_str().expect("an address"), 25 * USDT).await;
    let seen = told().await;
    assert_eq!((seen.event.as_str(), seen.tx_hash.as_deref()), ("payment.detected", Some(paid.as_str())));
    assert_eq!(world.merchant.server().kill().await.signal, Some(9));
    world.anvil.mine(FINAL_BELOW + 1).await;
    world.merchant.start_again().await;
    // What was sent and not yet recorded when it died is sent again.
    let confirmed = loop {
        let event = told().await;
        if event.event.as_str() != "payment.detected" {
            break event;
        }
    };
    assert_eq!((confirmed.event.as_str(), confirmed.order_id.as_str()), ("payment.confirmed", id.as_str()));
    assert_eq!((confirmed.amount_received.to_string(), confirmed.metadata["cart"].as_str()), ("25.00".to_owned(), Some("7")));
    let done = world.merchant.payment_with_status(&id, "completed").await;
    assert_eq!((&done["amount_received"], &done["tx_hash"]), (&"25.00".into(), &paid.as_str().into()), "{done:#}");
    assert_eq!(world.merchant.answer(&create).await["id"], id.as_str(), "the same command finds it");
    assert_eq!(world.merchant.order(&id).await["status"], "completed");
}
