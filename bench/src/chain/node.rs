//! An EVM node of one measurement's own (anvil), with a block each second and one token.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::{hex, keccak256};
use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Compiled for the tests, from the source beside it.
const TOKEN: &str = include_str!("../../../tests/contracts/TestToken.json");

pub struct Node {
    pub url: String,
    pub token: String,
    payer: String,
    host: String,
    sender: http1::SendRequest<Full<Bytes>>,
    /// How often it was asked for what, by whomever.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Killed when dropped.
    _child: Child,
}

fn call_data(signature: &str, words: &[String]) -> String {
    let selector = keccak256(signature.as_bytes());
    format!("0x{}{}", hex::encode(selector.get(..4).unwrap_or_default()), words.concat())
}

fn word(text: &str) -> String {
    format!("{:0>64}", text.trim_start_matches("0x"))
}

impl Node {
    pub async fn start(program: &Path, chain_id: u64) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--chain-id", &chain_id.to_string()])
            .args(["--slots-in-an-epoch", "4", "--prune-history", "128", "--gas-limit", "100000000000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        let host = loop {
            line.clear();
            if stdout.read_line(&mut line).await? == 0 {
                bail!("the node ended at once");
            }
            if let Some((_, host)) = line.split_once("Listening on ") {
                break host.trim().to_owned();
            }
        };
        // It says every call that it answers, a line each, beside much else. Read to its end: a full pipe would stop it.
        let asked = Arc::<Mutex<BTreeMap<String, usize>>>::default();
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut lines = stdout.lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line.starts_with("eth_") {
                    *count.lock().unwrap_or_else(PoisonError::into_inner).entry(line).or_default() += 1;
                }
            }
        });
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut node =
            Self { url: format!("http://{host}"), token: String::new(), payer: String::new(), host, sender, asked, _child: child };
        node.payer = node.rpc("eth_accounts", json!([])).await?[0].as_str().context("no account")?.to_owned();
        node.deploy().await?;
        node.rpc("evm_setIntervalMining", json!([1])).await?;
        Ok(node)
    }

    pub async fn rpc(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let request = Request::post("/").header(HOST, &self.host).header(CONTENT_TYPE, "application/json").body(Full::from(body))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        let mut answer: Value = serde_json::from_slice(&answer)?;
        if !answer["error"].is_null() {
            bail!("{method}: {}", answer["error"]);
        }
        Ok(answer["result"].take())
    }

    /// How often it has been asked for each of these.
    pub fn asked(&self, methods: &[&str]) -> Vec<usize> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        methods.iter().map(|method| asked.get(*method).copied().unwrap_or_default()).collect()
    }

    /// A dollar of six decimals, at an address of its own.
    async fn deploy(&mut self) -> anyhow::Result<()> {
        let artefact: Value = serde_json::from_str(TOKEN)?;
        // The constructor's arguments: ("T", "T", 6).
        let text = [word("1"), format!("{:0<64}", "54")].concat();
        let arguments = [word("60"), word("a0"), word("6"), text.clone(), text].concat();
        let code = format!("{}{arguments}", artefact["bytecode"].as_str().context("no bytecode")?);
        let hash = self.send(None, &code).await?;
        // The node answers a sender a moment before it mines.
        for _ in 0..1_000 {
            let receipt = self.rpc("eth_getTransactionReceipt", json!([hash])).await?;
            if let Some(address) = receipt["contractAddress"].as_str() {
                self.token = address.to_owned();
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("the token was not deployed")
    }

    async fn send(&mut self, to: Option<&str>, data: &str) -> anyhow::Result<String> {
        let mut transaction = json!({"from": self.payer, "data": data, "gas": "0x989680"});
        if let Some(to) = to {
            transaction["to"] = json!(to);
        }
        let hash = self.rpc("eth_sendTransaction", json!([transaction])).await?;
        Ok(hash.as_str().context("no hash")?.to_owned())
    }

    /// A payment of one dollar, in the next block. Answers its transaction.
    pub async fn pay(&mut self, to: &str) -> anyhow::Result<String> {
        let token = self.token.clone();
        self.send(Some(&token), &call_data("mint(address,uint256)", &[word(to), word(&format!("{:x}", 1_000_000))])).await
    }

    pub async fn height(&mut self) -> anyhow::Result<String> {
        Ok(self.rpc("eth_blockNumber", json!([])).await?.as_str().context("no number")?.to_owned())
    }
}
