//! A real Solana RPC node (Surfpool: agave's runtime behind its JSON-RPC) of one test's own, and somebody who pays on it with
//! the libraries of wallets. It makes a slot every 50 ms and has no forks, no skipped slots and no second node: what those
//! do is shown on the simulated one.
//!
//! `processed` is the newest slot, `confirmed` the one before it and `finalized` 31 below, always. Its blocks do not hang together: whoever
//! follows it needs [`linked::Linked`] in between.

pub mod linked;

use super::program::{Command, Program};
use super::{DEADLINE, from_scripts_test, http_client};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// USDC on Solana's mainnet. A mint of ours can be put there: the server's own settings then work on this node.
pub const USDC: &str = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
const SLOT_TIME_MS: &str = "50";
const PAYER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/nodes/solana/payer.js");

/// A running node and its payer; both end when it is dropped, and when the test dies.
#[derive(Debug)]
pub struct Solnet {
    node: Program,
    payer: Mutex<Program>,
    client: reqwest::Client,
    url: String,
}

/// A token to be made. Its supply belongs to the payer.
#[derive(Debug, Clone, Serialize)]
pub struct Mint {
    /// At this address; a new one if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    pub decimals: u8,
    pub program: TokenProgram,
    /// Of each transfer, in hundredths of a percent. Only a Token-2022 mint at a new address can have it.
    pub fee_basis_points: u16,
}

impl Default for Mint {
    fn default() -> Self {
        Self { address: None, decimals: 6, program: TokenProgram::Token, fee_basis_points: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenProgram {
    Token,
    Token2022,
}

/// One transaction of a payer: `Payment { checked: false, ..Payment::of(5) }`.
#[derive(Debug, Clone, Serialize)]
pub struct Payment {
    /// A transfer each, in base units.
    pub amounts: Vec<String>,
    /// `transferChecked`, which names the mint and its decimals; else the older `transfer`.
    pub checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
    /// A key that Solana Pay appends to each transfer, so that it can be found by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The accounts come from a lookup table: not one of the transfer's stands in the message.
    pub lookup: bool,
    /// It ends with a transfer of more than there is, and so fails as a whole.
    pub fail: bool,
}

impl Payment {
    /// One `transferChecked`.
    pub fn of(base_units: u64) -> Self {
        Self { amounts: vec![base_units.to_string()], checked: true, memo: None, reference: None, lookup: false, fail: false }
    }
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Paid {
    pub signature: String,
    pub slot: u64,
    /// The token account it was about.
    pub account: String,
    /// Why it failed, as the node says it.
    pub err: Option<Value>,
}

impl Solnet {
    /// A fresh chain without any token.
    pub async fn start() -> Self {
        let mut command = Command::at(from_scripts_test("PAYIN_TEST_SOLANA_NODE"));
        command.arg(SLOT_TIME_MS).talks();
        let mut node = command.start();
        let line = node.line_with("Listening on ").await;
        let url = format!("http://{}", line.trim().trim_start_matches("Listening on "));

        let mut command = Command::at(Path::new("node"));
        command.args([PAYER, &url]).env("NODE_PATH", from_scripts_test("PAYIN_TEST_SOLANA_WEB3")).talks();
        let mut payer = command.start();
        payer.line_with("payer").await;
        Self { node, payer: Mutex::new(payer), client: http_client(), url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The node as it would be after a power cut: gone, with no goodbye to its clients.
    pub async fn kill(&mut self) {
        self.node.kill().await;
    }

    // ---- JSON-RPC -----------------------------------------------------------------------------------------------

    /// Any method of the node. Panics on an error answer.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.client.post(&self.url).json(&call).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} at {}: {error}", self.url));
        let mut answer: Value = answer.json().await.unwrap_or_else(|error| panic!("{method}: {error}"));
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    /// The newest slot at a commitment: `processed`, `confirmed` or `finalized`.
    pub async fn slot(&self, commitment: &str) -> u64 {
        self.rpc("getSlot", json!([{"commitment": commitment}])).await.as_u64().expect("getSlot: a number")
    }

    /// Waits until a transaction is finalized, which is 31 slots or 1.6 s after it was paid.
    pub async fn finalized(&self, signature: &str) {
        let begun = Instant::now();
        loop {
            let statuses = self.rpc("getSignatureStatuses", json!([[signature]])).await;
            if statuses["value"][0]["confirmationStatus"] == "finalized" {
                return;
            }
            let waited = begun.elapsed();
            assert!(waited < DEADLINE, "{signature} is not final after {waited:?}: {statuses}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What a token account holds, in base units.
    pub async fn balance(&self, account: &str) -> u64 {
        let balance = self.rpc("getTokenAccountBalance", json!([account, {"commitment": "processed"}])).await;
        balance["value"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount of 64 bits")
    }

    // ---- Paying -------------------------------------------------------------------------------------------------

    /// Makes a token. Answers its address.
    pub async fn mint(&self, mint: &Mint) -> String {
        text(&self.command("mint", json!(mint)).await["mint"])
    }

    /// A new wallet whose key the payer has.
    pub async fn wallet(&self) -> String {
        text(&self.command("wallet", json!({})).await["wallet"])
    }

    /// The associated token account of a wallet.
    pub async fn account(&self, wallet: &str, mint: &str) -> String {
        text(&self.command("account", json!({"wallet": wallet, "mint": mint})).await["account"])
    }

    /// Pays a wallet, and makes its token account if there is none.
    pub async fn pay(&self, wallet: &str, mint: &str, base_units: u64) -> Paid {
        let paid = self.pay_with(wallet, mint, &Payment::of(base_units)).await;
        assert_eq!(paid.err, None, "{} failed", paid.signature);
        paid
    }

    /// Pays in an odd way, which may fail.
    pub async fn pay_with(&self, wallet: &str, mint: &str, payment: &Payment) -> Paid {
        self.transaction("pay", wallet, mint, json!(payment)).await
    }

    /// Somebody pays a token account of his own and makes it the wallet's (`setAuthority`): the token balances of that
    /// transaction then name the wallet as an owner that has more than before.
    pub async fn give(&self, wallet: &str, mint: &str, base_units: u64) -> Paid {
        self.transaction("give", wallet, mint, json!({"amount": base_units.to_string()})).await
    }

    /// The wallet sends back all it has and closes its token account.
    pub async fn close(&self, wallet: &str, mint: &str) -> Paid {
        self.transaction("close", wallet, mint, json!({})).await
    }

    /// The same, and the account is opened again and paid in the same transaction.
    pub async fn close_and_pay(&self, wallet: &str, mint: &str, base_units: u64) -> Paid {
        self.transaction("close", wallet, mint, json!({"amount": base_units.to_string()})).await
    }

    async fn transaction(&self, name: &str, wallet: &str, mint: &str, mut with: Value) -> Paid {
        with["wallet"] = json!(wallet);
        with["mint"] = json!(mint);
        let done = self.command(name, with).await;
        serde_json::from_value(done.clone()).unwrap_or_else(|error| panic!("{name}: {error}: {done}"))
    }

    async fn command(&self, name: &str, mut given: Value) -> Value {
        given["do"] = json!(name);
        let mut payer = self.payer.lock().await;
        payer.say(&given.to_string());
        let mut answer = payer.next_json().await;
        assert!(answer.get("ok").is_some(), "{given}: {answer}");
        answer["ok"].take()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
