//! A chain with two tokens, and a merchant whose server follows it.

use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions, Token};
use payin_tests::nodes::canary::NODE_KEY;
use serde_json::Value;

const SEPOLIA: u64 = 11_155_111;
/// Confirmations that the server asks for.
pub const CONFIRMATIONS: u64 = 3;
/// One USDT, and one DAI, in base units.
pub const USDT: u128 = 1_000_000;
pub const DAI: u128 = 1_000_000_000_000_000_000;

pub struct World {
    pub merchant: Merchant,
    pub anvil: Anvil,
    /// 6 decimals.
    pub usdt: Token,
    /// 18 decimals.
    pub dai: Token,
}

impl World {
    /// What the chain calls final lies two times `epoch_slots` blocks below its head.
    pub async fn start(engine: Engine, epoch_slots: u64) -> Self {
        let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, epoch_slots, ..AnvilOptions::default() }).await;
        let usdt = anvil.deploy_token("Tether USD", "USDT", 6).await;
        let dai = anvil.deploy_token("Dai Stablecoin", "DAI", 18).await;
        let settings = format!(
            "[chains.ethereum-sepolia]\nrpc = \"{}\"\nconfirmations = {CONFIRMATIONS}\nblock_ms = 200\n\
             tokens = {{ USDT = {{ contract = \"{}\", decimals = 6 }}, DAI = {{ contract = \"{}\", decimals = 18 }} }}\n",
            format_args!("{}/?key={NODE_KEY}", anvil.url()),
            usdt.address,
            dai.address
        );
        Self { merchant: Merchant::start(engine, &settings).await, anvil, usdt, dai }
    }

    /// An order of 100 USDT.
    pub async fn order(&self, reference: &str) -> Value {
        self.merchant.create(reference, "100.00", "USDT", &[]).await
    }

    /// A payment of USDT from one of the node's accounts, each of which begins without any.
    pub async fn pay_from(&self, account: usize, order: &Value, base_units: u128) -> String {
        self.anvil.transfer_from(self.anvil.account(account), &self.usdt, address(order), base_units).await
    }

    /// Gives an account USDT, so that its transactions are no successors of the first account's.
    pub async fn fund(&self, account: usize) {
        self.anvil.mint(&self.usdt, self.anvil.account(account), 1_000_000 * USDT).await;
    }

    /// Blocks until a payment in the newest block is confirmed.
    pub async fn confirm(&self) {
        self.anvil.mine(CONFIRMATIONS - 1).await;
    }

    pub async fn seen(&self, order: &Value) -> Value {
        self.merchant.order_when(id(order), "seen on its chain", |order| order["detectedAt"].is_string()).await
    }

    pub async fn completed(&self, order: &Value) -> Value {
        self.merchant.order_when(id(order), "completed", |order| order["status"] == "completed").await
    }

    pub async fn received(&self, order: &Value, amount: &str) -> Value {
        self.merchant.order_when(id(order), &format!("paid {amount}"), |order| order["receivedAmount"] == amount).await
    }

    /// Waits until the server has taken in the chain's newest block, as the confirmations of a paid order tell.
    pub async fn caught_up(&self, paid: &Value) {
        let head = self.anvil.head().await.number;
        let above = |order: &Value| order["confirmations"].as_u64().zip(order["blockNumber"].as_u64());
        let is = |order: &Value| above(order).is_some_and(|(confirmations, block)| confirmations + block == head + 1);
        self.merchant.order_when(id(paid), &format!("followed to block {head}"), is).await;
    }

    /// Which block a transaction is in.
    pub async fn block_of(&self, transaction: &str) -> u64 {
        let receipt = self.anvil.receipt(transaction).await.expect("it is in a block");
        let number = receipt["blockNumber"].as_str().and_then(|number| u64::from_str_radix(number.trim_start_matches("0x"), 16).ok());
        number.expect("a block number")
    }

    /// The order is completed by this transaction, as the chain has it, with this sum; and its webhook said just that, once.
    pub async fn completed_once(&self, order: &Value, transaction: &str, received: &str) {
        let order = self.completed(order).await;
        assert_eq!(order["txHash"], transaction, "{order:#}");
        assert_eq!(order["blockNumber"], self.block_of(transaction).await, "{order:#}");
        assert!(order["confirmations"].as_u64() >= Some(CONFIRMATIONS), "{order:#}");
        assert_eq!((&order["receivedAmount"], &order["requiredConfirmations"]), (&received.into(), &CONFIRMATIONS.into()), "{order:#}");
        assert!(order["detectedAt"].is_string() && order["completedAt"].is_string(), "{order:#}");

        let event = self.merchant.webhook(&order, "order.completed").await;
        assert_eq!(event["id"], format!("evt_order_completed_{}", id(&order)));
        says_what_it_is(&event, &order);
        assert_eq!(self.merchant.about(&order, "order.completed").len(), 1, "told twice");
    }
}

/// The event's data are the order's own fields; but for its confirmations, which grow.
pub fn says_what_it_is(event: &Value, order: &Value) {
    let data = event["data"].as_object().expect("an object");
    for (field, value) in data.iter().filter(|(field, _)| *field != "confirmations") {
        assert_eq!(value, &order[field], "{field}: in the event, and in the order");
    }
    for field in ["orderId", "orderReference", "status", "amount", "currency", "chainId", "address", "receivedAmount"] {
        assert!(data.contains_key(field), "{field} is not in the event");
    }
}

pub fn id(order: &Value) -> &str {
    order["orderId"].as_str().expect("an order id")
}

pub fn address(order: &Value) -> &str {
    order["address"].as_str().expect("an address")
}

/// Which part of a journey a failure's output belongs to.
pub fn part(what: &str) {
    eprintln!("-- {what}");
}
