//! An order and a deposit on each family of chains, in the sandbox: seen, confirmed, completed, and taken back before that. Time stands
//! still; what differs between the families is said in one table.

use payin_tests::sandbox::{Sandbox, new_order, text};
use serde_json::{Value, json};

/// A chain of each family, as the sandbox simulates it.
struct Family {
    chain: &'static str,
    currency: &'static str,
    /// With how many blocks, its own included, a payment counts.
    confirmed: u64,
    /// And with how many nothing takes it back.
    is_final: u64,
    /// Whether the chain has another token.
    other_token: bool,
}

const FAMILIES: [Family; 3] = [
    Family { chain: "ethereum-sepolia", currency: "USDT", confirmed: 3, is_final: 9, other_token: true },
    // Of these what is final counts, and nothing before.
    Family { chain: "tron-nile", currency: "USDT", confirmed: 9, is_final: 9, other_token: false },
    Family { chain: "solana-devnet", currency: "USDC", confirmed: 32, is_final: 32, other_token: true },
];

/// A family in a sandbox.
struct On<'a>(&'a Sandbox, Family);

impl On<'_> {
    async fn order(&self, reference: &str, amount: &str) -> Value {
        let mut body = new_order(&format!("{reference}-{}", self.1.chain), amount);
        (body["chainId"], body["currency"]) = (json!(self.1.chain), json!(self.1.currency));
        let order = self.0.post("/api/v1/orders", &body).await.ok(201);
        let address = text(&order["address"]);
        let is_own = match self.1.chain {
            "tron-nile" => address.starts_with('T'),
            "solana-devnet" => (32..=44).contains(&address.len()) && !address.starts_with("0x"),
            _ => address.starts_with("0x"),
        };
        assert!(is_own, "{order}");
        order["orderId"].clone()
    }

    async fn mine(&self, blocks: u64) {
        self.0.post("/api/v1/sandbox/mine", &json!({ "chainId": self.1.chain, "blocks": blocks })).await.ok(200);
    }

    async fn reorg(&self, depth: u64, drop: bool) {
        self.0.post("/api/v1/sandbox/reorg", &json!({ "chainId": self.1.chain, "depth": depth, "drop": drop })).await.ok(200);
    }

    async fn completed(&self, id: &Value, paid: &Value, amount: &str) {
        let done = self.0.order_with_status(id, "completed").await;
        assert_eq!((&done["receivedAmount"], &done["txHash"]), (&json!(amount), &paid["txHash"]), "{done}");
    }

    /// Seen in its block, counted a block before it counts as nothing, and completed with that one.
    async fn an_order_is_paid(&self) {
        let id = self.order("PAID", "12.50").await;
        let paid = self.0.pay(&id, json!({})).await;
        let seen = self.0.order_seen(&id).await;
        assert_eq!((&seen["status"], &seen["txHash"], &paid["chainId"]), (&json!("pending"), &paid["txHash"], &json!(self.1.chain)));
        self.mine(self.1.confirmed - 2).await;
        let almost = self.0.order_when(&id, "a block short of it", |order| order["confirmations"] == self.1.confirmed - 1).await;
        assert_eq!((&almost["status"], &almost["receivedAmount"]), (&json!("pending"), &json!("0.00")), "{almost}");
        self.mine(1).await;
        self.completed(&id, &paid, "12.50").await;
    }

    async fn a_reorganisation_keeps_or_takes_back_an_order(&self) {
        let id = self.order("BACK", "1").await;
        let lost = self.0.pay(&id, json!({})).await;
        self.mine(1).await;
        self.0.order_when(&id, "at 2 confirmations", |order| order["confirmations"] == 2).await;
        self.reorg(2, true).await;
        let taken = self.0.order_when(&id, "unseen again", |order| order.get("detectedAt").is_none()).await;
        assert_eq!((&taken["status"], &taken["receivedAmount"]), (&json!("pending"), &json!("0.00")), "{taken}");
        self.mine(self.1.is_final + 1).await;
        let paid = self.0.pay(&id, json!({})).await;
        assert_ne!(paid["txHash"], lost["txHash"]);
        let first = self.0.order_seen(&id).await["blockNumber"].clone();
        // The same transaction in another block is the same payment.
        self.mine(1).await;
        self.reorg(2, false).await;
        self.mine(self.1.confirmed).await;
        self.completed(&id, &paid, "1.00").await;
        let moved = self.0.order_now(&id).await["blockNumber"].clone();
        assert_eq!(moved == first, self.1.chain != "solana-devnet", "a fork on Solana is in other slots: {first} {moved}");
    }

    async fn too_little_too_much_too_late_and_other_money(&self) {
        let (under, over, late) = (self.order("UNDER", "10").await, self.order("OVER", "10").await, self.order("LATE", "10").await);
        let (fake, wrong) = (self.order("FAKE", "10").await, self.order("WRONG", "10").await);
        self.0.pay(&under, json!({ "kind": "under", "mine": false })).await;
        self.0.pay(&fake, json!({ "kind": "fake_token", "mine": false })).await;
        if self.1.other_token {
            self.0.pay(&wrong, json!({ "kind": "wrong_token", "mine": false })).await;
        }
        // In one block: when this one is completed, all have been looked at.
        let paid = self.0.pay(&over, json!({ "kind": "over" })).await;
        self.mine(self.1.confirmed).await;
        self.completed(&over, &paid, "15.00").await;
        let half = self.0.order_when(&under, "half paid", |order| order["receivedAmount"] == "5.00").await;
        assert_eq!(half["status"], "pending");
        for id in [&fake, &wrong] {
            let now = self.0.order_now(id).await;
            assert_eq!((&now["status"], &now["receivedAmount"], now.get("txHash")), (&json!("pending"), &json!("0.00"), None), "{now}");
        }
        let rest = self.0.pay(&under, json!({})).await;
        self.mine(self.1.confirmed).await;
        self.completed(&under, &rest, "10.00").await;
        // Time passes on this chain, too: what was over is over.
        self.0.pay(&late, json!({ "kind": "late" })).await;
        self.0.order_with_status(&late, "expired").await;
        self.mine(self.1.confirmed).await;
        let told = self.0.order_when(&late, "told late", |order| order["paidLate"] == true).await;
        assert_eq!((&told["status"], &told["receivedAmount"]), (&json!("expired"), &json!("0.00")), "{told}");
        for id in [&fake, &wrong] {
            self.0.order_with_status(id, "expired").await;
        }
    }

    async fn a_deposit_is_credited_and_one_is_taken_back(&self) {
        let reference = format!("payer-{}", self.1.chain);
        let binding = json!({ "depositReference": reference, "currency": self.1.currency, "chainId": self.1.chain });
        self.0.post("/api/v1/deposits/references", &binding).await.ok(201);
        let pay = async || {
            let pay = json!({ "depositReference": reference, "amount": "100.50" });
            self.0.post("/api/v1/sandbox/pay-deposit", &pay).await.ok(200)["txHash"].clone()
        };
        let transfer_when = async |tx_hash: &Value, status: &str| {
            let path = format!("/api/v1/transfers?txHash={}", text(tx_hash));
            self.0.read_when(&path, status, |page| page["data"][0]["status"] == status).await["data"][0].clone()
        };
        let lost = pay().await;
        transfer_when(&lost, "pending").await;
        self.reorg(1, true).await;
        transfer_when(&lost, "failed").await;
        let paid = pay().await;
        let seen = transfer_when(&paid, "pending").await;
        self.mine(self.1.is_final - 1).await;
        let path = format!("/api/v1/deposits/{}", text(&seen["depositId"]));
        let done = self.0.read_when(&path, "completed", |deposit| deposit["status"] == "completed").await;
        assert_eq!((&done["txHash"], &done["amount"], &done["chainId"]), (&paid, &json!("100.50"), &json!(self.1.chain)), "{done}");
        transfer_when(&paid, "confirmed").await;
        let known = self.0.read(&format!("/api/v1/deposits/references/{reference}")).await;
        assert_eq!((&known["totalDeposits"], &known["totalAmount"][self.1.currency]), (&json!(1), &json!("100.50")), "{known}");
    }
}

async fn every_family_pays(sandbox: Sandbox) {
    for family in FAMILIES {
        let on = On(&sandbox, family);
        on.an_order_is_paid().await;
        on.a_reorganisation_keeps_or_takes_back_an_order().await;
        on.a_deposit_is_credited_and_one_is_taken_back().await;
        on.too_little_too_much_too_late_and_other_money().await;
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn every_family_pays_on_sqlite() {
    every_family_pays(Sandbox::frozen().await).await;
}

#[tokio::test]
async fn every_family_pays_on_postgresql() {
    every_family_pays(Sandbox::frozen_on_postgres().await).await;
}

/// Without anybody asking for blocks.
#[tokio::test]
async fn time_alone_brings_the_slots_that_make_a_payment_final() {
    let sandbox = Sandbox::frozen().await;
    let [_, _, solana] = FAMILIES;
    let on = On(&sandbox, solana);
    let id = on.order("TIME", "1").await;
    let paid = sandbox.pay(&id, json!({})).await;
    sandbox.order_seen(&id).await;
    // A second brings two slots, a minute all that are needed, and a year no more than those.
    sandbox.advance(1).await;
    sandbox.order_when(&id, "at 3 confirmations", |order| order["confirmations"] == 3).await;
    sandbox.advance(60).await;
    on.completed(&id, &paid, "1.00").await;
    // Past the order's closing, so that nothing is due any more for which time would pass slowly.
    sandbox.advance(20 * 60).await;
    let head = async || {
        let mined = sandbox.post("/api/v1/sandbox/mine", &json!({ "chainId": "solana-devnet" })).await.ok(200);
        mined["chains"][0]["head"].as_u64().expect("a slot")
    };
    let before = head().await;
    sandbox.advance(31_536_000).await;
    assert_eq!(head().await, before + 33);
    sandbox.stop().await;
}
