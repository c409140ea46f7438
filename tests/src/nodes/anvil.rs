//! A real EVM node (anvil) of one test's own, and what a payer, a miner and a misfortune can do on it.
//!
//! It mines a block for every transaction as soon as that arrives, unless told otherwise; a helper that sends one
//! returns when it is in a block. Under `set_automine(false)` or `set_interval` it returns at once.

use super::abi::{self, Arg};
use super::program::{Command, Program};
use super::{DEADLINE, from_scripts_test, http_client};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the first account is given of every token: enough for any test, far from any overflow.
const SUPPLY: u128 = u128::MAX / 4;
/// A fixed gas limit, so that nothing is estimated first and a failing call is mined as a failed transaction.
/// Bought by 10 000 test ETH at about 2 gwei with room for thousands of such transactions; far below the block's limit.
const GAS: &str = "0x3b9aca00";

/// How a node is started. `AnvilOptions { chain_id: 1, ..AnvilOptions::default() }`
#[derive(Debug, Clone)]
pub struct AnvilOptions {
    pub chain_id: u64,
    /// `safe` is this many blocks below the head, `finalized` twice as many.
    pub epoch_slots: u64,
    /// Mine every so many seconds instead of at each transaction.
    pub block_time_s: Option<u64>,
    /// Another node's URL and a height: the chain is that node's up to there, and its own above.
    pub fork: Option<(String, u64)>,
}

impl Default for AnvilOptions {
    fn default() -> Self {
        Self { chain_id: 31337, epoch_slots: 1, block_time_s: None, fork: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `0x…`, lower case.
    pub address: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub number: u64,
    pub hash: String,
    pub parent_hash: String,
    /// Seconds.
    pub timestamp: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Anvil {
    program: Program,
    client: reqwest::Client,
    url: String,
    accounts: Vec<String>,
    automine: AtomicBool,
}

impl Anvil {
    /// A fresh chain with this id, at block 0.
    pub async fn start(chain_id: u64) -> Self {
        Self::start_with(AnvilOptions { chain_id, ..AnvilOptions::default() }).await
    }

    pub async fn start_with(options: AnvilOptions) -> Self {
        let mut command = Command::at(from_scripts_test("PAYIN_TEST_ANVIL"));
        command.args(["--host", "127.0.0.1", "--port", "0"]);
        command.args(["--chain-id", &options.chain_id.to_string()]);
        command.args(["--slots-in-an-epoch", &options.epoch_slots.to_string()]);
        // 128 states in memory and none on disk: without it, killed nodes leave gigabytes behind. 0 would forbid reorgs.
        command.args(["--prune-history", "128"]);
        // The default of 30 M refuses transactions of many transfers.
        command.args(["--gas-limit", "100000000000"]);
        if let Some(seconds) = options.block_time_s {
            command.args(["--block-time", &seconds.to_string()]);
        }
        if let Some((url, number)) = &options.fork {
            command.args(["--fork-url", url, "--fork-block-number", &number.to_string(), "--no-storage-caching"]);
        }
        let mut program = command.start();
        let line = program.line_with("Listening on ").await;
        let address = line.trim().trim_start_matches("Listening on ");

        let mut node = Self {
            url: format!("http://{address}"),
            program,
            client: http_client(),
            accounts: Vec::new(),
            automine: AtomicBool::new(options.block_time_s.is_none()),
        };
        let accounts = node.rpc("eth_accounts", json!([])).await;
        node.accounts = serde_json::from_value(accounts).expect("eth_accounts: a list of addresses");
        node
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// One of ten funded accounts that the node signs for, `0x…` in lower case. The first owns every token's supply.
    pub fn account(&self, index: usize) -> &str {
        &self.accounts[index]
    }

    /// The node as it would be after a power cut: gone, with no goodbye to its clients.
    pub async fn kill(&mut self) {
        self.program.kill().await;
    }

    // ---- JSON-RPC -----------------------------------------------------------------------------------------------

    /// Any method of the node. Panics on an error answer.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let shown = params.clone();
        match self.try_rpc(method, params).await {
            Ok(result) => result,
            Err(error) => panic!("{method} {shown}: {} {}", error.code, error.message),
        }
    }

    pub async fn try_rpc(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            result: Value,
            error: Option<RpcError>,
        }
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.client.post(&self.url).json(&call).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} at {}: {error}", self.url));
        let answer: Answer = answer.json().await.unwrap_or_else(|error| panic!("{method}: {error}"));
        match answer.error {
            Some(error) => Err(error),
            None => Ok(answer.result),
        }
    }

    // ---- Tokens -------------------------------------------------------------------------------------------------

    /// A new ERC-20 whose whole supply belongs to `account(0)`. Two blocks: the deployment and the minting.
    pub async fn deploy_token(&self, name: &str, symbol: &str, decimals: u8) -> Token {
        let data = format!("{}{}", artefact("bytecode"), abi::encode(&token_args(name, symbol, decimals)));
        let hash = self.send_data(self.account(0), None, &data).await;
        let receipt = self.mined(&hash).await;
        let address = receipt["contractAddress"].as_str().expect("a deployment's receipt names the contract");
        let token = Token { address: address.to_ascii_lowercase() };
        self.mint(&token, self.account(0), SUPPLY).await;
        token
    }

    /// The same at an address of your choice, for a real token's: the server's own settings then work on this chain.
    pub async fn deploy_token_at(&self, address: &str, name: &str, symbol: &str, decimals: u8) -> Token {
        self.rpc("anvil_setCode", json!([address, artefact("deployedBytecode")])).await;
        let init = abi::call("init(string,string,uint8)", &token_args(name, symbol, decimals));
        let hash = self.send_data(self.account(0), Some(address), &init).await;
        self.mined(&hash).await;
        let token = Token { address: address.to_ascii_lowercase() };
        self.mint(&token, self.account(0), SUPPLY).await;
        token
    }

    /// New money: a transfer from the zero address.
    pub async fn mint(&self, token: &Token, to: &str, base_units: u128) -> String {
        self.call_token(token, "mint(address,uint256)", &[Arg::Address(to.to_owned()), Arg::Uint(base_units)]).await
    }

    /// From `account(0)`. Answers the transaction's hash.
    pub async fn transfer(&self, token: &Token, to: &str, base_units: u128) -> String {
        self.transfer_from(self.account(0), token, to, base_units).await
    }

    /// From another of the node's accounts, which has to have been given some first.
    pub async fn transfer_from(&self, from: &str, token: &Token, to: &str, base_units: u128) -> String {
        let args = [Arg::Address(to.to_owned()), Arg::Uint(base_units)];
        self.send(from, &token.address, "transfer(address,uint256)", &args).await
    }

    /// Several transfers of one token in one transaction, in this order.
    pub async fn multi_transfer(&self, token: &Token, transfers: &[(&str, u128)]) -> String {
        let to = transfers.iter().map(|(to, _)| (*to).to_owned()).collect();
        let amounts = transfers.iter().map(|(_, amount)| *amount).collect();
        let args = [Arg::Addresses(to), Arg::Uints(amounts)];
        self.call_token(token, "multiTransfer(address[],uint256[])", &args).await
    }

    /// From one of the node's accounts, which has to have been given enough: each transfer followed by `each` payments to strangers,
    /// who are counted up from `stranger`. Answers the transaction's hash, before it is in a block.
    pub async fn amidst(&self, from: &str, token: &Token, transfers: &[(&str, u128)], stranger: u128, each: u128) -> String {
        let to = transfers.iter().map(|(to, _)| (*to).to_owned()).collect();
        let amounts = transfers.iter().map(|(_, amount)| *amount).collect();
        let args = [Arg::Addresses(to), Arg::Uints(amounts), Arg::Uint(stranger), Arg::Uint(each)];
        let data = abi::call("amidst(address[],uint256[],uint256,uint256)", &args);
        self.send_data(from, Some(&token.address), &data).await
    }

    /// Transfers of several tokens in one transaction, in this order. At least one.
    pub async fn batch_across(&self, transfers: &[(&Token, &str, u128)]) -> String {
        let (first, ..) = transfers.first().expect("at least one transfer");
        let tokens = transfers.iter().map(|(token, ..)| token.address.clone()).collect();
        let to = transfers.iter().map(|(_, to, _)| (*to).to_owned()).collect();
        let amounts = transfers.iter().map(|(.., amount)| *amount).collect();
        let args = [Arg::Addresses(tokens), Arg::Addresses(to), Arg::Uints(amounts)];
        self.call_token(first, "batchAcross(address[],address[],uint256[])", &args).await
    }

    pub async fn balance_of(&self, token: &Token, holder: &str) -> u128 {
        let data = abi::call("balanceOf(address)", &[Arg::Address(holder.to_owned())]);
        let call = json!([{"to": token.address, "data": data}, "latest"]);
        abi::quantity(&self.rpc("eth_call", call).await)
    }

    /// A call of any contract, as a transaction. Panics if it was mined and failed; `send_data` does not.
    pub async fn send(&self, from: &str, to: &str, signature: &str, args: &[Arg]) -> String {
        let hash = self.send_data(from, Some(to), &abi::call(signature, args)).await;
        if self.automine.load(Ordering::Relaxed) {
            let receipt = self.mined(&hash).await;
            assert_eq!(receipt["status"], "0x1", "{signature} failed in {hash}: {args:?}");
        }
        hash
    }

    /// Any transaction with any data, mined or not, successful or not. `to` is nobody for a deployment.
    pub async fn send_data(&self, from: &str, to: Option<&str>, data: &str) -> String {
        let mut transaction = json!({"from": from, "data": data, "gas": GAS});
        if let Some(to) = to {
            transaction["to"] = json!(to);
        }
        let hash = self.rpc("eth_sendTransaction", json!([transaction])).await;
        hash.as_str().expect("eth_sendTransaction: a hash").to_owned()
    }

    async fn call_token(&self, token: &Token, signature: &str, args: &[Arg]) -> String {
        self.send(self.account(0), &token.address, signature, args).await
    }

    // ---- Blocks and time ----------------------------------------------------------------------------------------

    /// `count` blocks, the first with whatever transactions are waiting.
    pub async fn mine(&self, count: u64) {
        self.rpc("anvil_mine", json!([format!("{count:#x}")])).await;
    }

    pub async fn head(&self) -> Block {
        self.block("latest").await.expect("there is always a latest block")
    }

    /// By tag (`finalized`, `safe`, `earliest`) or height (`0x1a`).
    pub async fn block(&self, tag: &str) -> Option<Block> {
        let block = self.rpc("eth_getBlockByNumber", json!([tag, false])).await;
        let text = |name: &str| block[name].as_str().map(str::to_owned);
        let number = |name: &str| u64::try_from(abi::quantity(&block[name])).expect("64 bits");
        Some(Block { hash: text("hash")?, parent_hash: text("parentHash")?, number: number("number"), timestamp: number("timestamp") })
    }

    /// As the node gives it; nothing while the transaction waits, or after a reorganisation has dropped it.
    pub async fn receipt(&self, hash: &str) -> Option<Value> {
        let receipt = self.rpc("eth_getTransactionReceipt", json!([hash])).await;
        (!receipt.is_null()).then_some(receipt)
    }

    /// The receipt, as soon as the transaction is in a block. The node answers a sender a moment before it mines.
    pub async fn mined(&self, hash: &str) -> Value {
        let begun = Instant::now();
        loop {
            if let Some(receipt) = self.receipt(hash).await {
                return receipt;
            }
            let waited = begun.elapsed();
            assert!(waited < DEADLINE, "{hash} is in no block after {waited:?}: is automine off?");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Replaces the newest `depth` blocks (at most 128) by as many new ones. Transactions in them are dropped, but for
    /// those in `keep`: (hash, which of the new blocks, from 0). A kept transaction needs its sender's earlier ones
    /// kept too: to drop one and keep the next, send them from different accounts.
    pub async fn reorg(&self, depth: u64, keep: &[(&str, u64)]) {
        let mut kept = Vec::new();
        for (hash, block) in keep {
            let raw = self.rpc("eth_getRawTransactionByHash", json!([hash])).await;
            assert!(raw.is_string(), "cannot keep {hash}: the node does not know it");
            kept.push(json!([raw, block]));
        }
        self.rpc("anvil_reorg", json!([depth, kept])).await;
    }

    /// The next block's time, in seconds; it has to be later than the head's.
    pub async fn set_next_block_timestamp(&self, timestamp: u64) {
        self.rpc("evm_setNextBlockTimestamp", json!([timestamp])).await;
    }

    /// Moves the node's clock forward for all blocks to come.
    pub async fn increase_time(&self, seconds: u64) {
        self.rpc("evm_increaseTime", json!([seconds])).await;
    }

    /// Off: transactions wait for `mine`.
    pub async fn set_automine(&self, on: bool) {
        self.rpc("evm_setAutomine", json!([on])).await;
        self.automine.store(on, Ordering::Relaxed);
    }

    /// A block every so many seconds, and none in between.
    pub async fn set_interval(&self, seconds: u64) {
        self.set_automine(false).await;
        self.rpc("evm_setIntervalMining", json!([seconds])).await;
    }
}

/// `tests/contracts/TestToken.json`, made from the source beside it by `scripts/compile-contracts`.
pub static TEST_TOKEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../contracts/TestToken.json")).expect("TestToken.json is JSON"));

fn artefact(field: &str) -> &'static str {
    TEST_TOKEN[field].as_str().unwrap_or_else(|| panic!("TestToken.json has no {field}"))
}

fn token_args(name: &str, symbol: &str, decimals: u8) -> [Arg; 3] {
    [Arg::Text(name.to_owned()), Arg::Text(symbol.to_owned()), Arg::Uint(decimals.into())]
}
