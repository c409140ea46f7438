//! How soon after its block a payment is in the API's answers: anvil with a block each second, `payin-server serve` as it is shipped, and
//! a client that asks both all the time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::node::Node;
use super::verdict;
use crate::http::{Connection, Target};
use crate::pool;
use crate::report::median;

const SEPOLIA: u64 = 11_155_111;
/// Any 64 hexadecimal digits.
const MASTER_KEY: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
/// Between two looks: a small part of what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What following asks a node for; this program asks for none of it.
const FOLLOWING: [&str; 4] = ["eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionReceipt", "eth_getBlockReceipts"];
/// A payment that takes longer is lost.
const GIVE_UP: Duration = Duration::from_secs(20);

pub async fn measure(anvil: &Path, server: Option<PathBuf>, blocks: usize) -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("payin-bench-").tempdir()?;
    let mut node = Node::start(anvil, SEPOLIA).await?;
    let config = folder.path().join("payin-server.toml");
    std::fs::write(
        &config,
        format!(
            "environment = \"testnet\"\nlisten = \"127.0.0.1:0\"\ndatabase = \"sqlite://{}\"\n[rate_limits]\nenabled = false\n\
             [chains.ethereum-sepolia]\nrpc = \"{}\"\nblock_ms = 1000\nconfirmations = 3\n\
             tokens = {{ USDT = {{ contract = \"{}\", decimals = 6 }} }}\n",
            folder.path().join("payin.db").display(),
            node.url,
            node.token
        ),
    )?;
    let program = match server {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("payin-server"),
    };
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).arg("--config").arg(&config).env("PAYIN_SERVER_MASTER_KEY", MASTER_KEY).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    };
    let key = command(&["keys", "create", "--role", "owner"]).output().await?;
    let key = String::from_utf8(key.stdout)?.trim().to_owned();
    let (_child, address) = serve(command(&["serve"])).await?;
    let target = Target { address: address.parse()?, api_key: HeaderValue::from_str(&key)? };
    pool::import(&target, 1_000).await?;
    let mut api = Connection::open(&target).await?;
    let to = bind(&mut api).await?;
    let mut waits = Vec::new();
    let (begun, before) = (node.height().await?, node.asked(&FOLLOWING));
    for block in 0..blocks {
        waits.push(one(&mut node, &mut api, &to).await?);
        eprint!("\rpayment {} of {blocks}", block + 1);
    }
    eprintln!();
    let (mined, after) = (height(&node.height().await?)? - height(&begun)?, node.asked(&FOLLOWING));
    let asked = FOLLOWING.iter().zip(before).zip(after);
    let asked: Vec<String> =
        asked.map(|((method, before), after)| format!("{method} {:.1}", (after - before) as f64 / mined.max(1) as f64)).collect();
    waits.sort_by(f64::total_cmp);
    let nth = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::NAN);
    Ok(format!(
        "from block to visible transfer, {blocks} blocks of 1 s: p50 {:.0} ms, p99 {:.0} ms, most {:.0} ms   aim p99 ≤ 1000 ms: {}\n\
         asked of the node, for each of {mined} blocks: {}",
        median(&waits),
        nth(99),
        nth(100),
        verdict(nth(99) <= 1_000.0),
        asked.join(", ")
    ))
}

fn height(hex: &str) -> anyhow::Result<u64> {
    Ok(u64::from_str_radix(hex.trim_start_matches("0x"), 16)?)
}

/// Starts the server. Answers where it listens.
async fn serve(mut command: Command) -> anyhow::Result<(Child, String)> {
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut log = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let address = loop {
        let Some(line) = log.next_line().await? else { bail!("the server ended at once") };
        if let Some((_, address)) = line.split_once("payin-server is ready address=") {
            break address.trim().to_owned();
        }
    };
    // Read to its end: a full pipe would stop the server.
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            eprintln!("{line}")
        }
    });
    Ok((child, address))
}

/// A deposit address, as soon as the chain is followed.
async fn bind(api: &mut Connection) -> anyhow::Result<String> {
    let body = json!({"depositReference": "BENCH", "currency": "USDT", "chainId": "ethereum-sepolia"}).to_string();
    let until = Instant::now() + GIVE_UP;
    for attempt in 0.. {
        let (status, answer) = api.post("/api/v1/deposits/references", &format!("bind-{attempt}"), body.clone()).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if status.is_success() {
            return Ok(answer["address"].as_str().context("no address")?.to_owned());
        }
        if Instant::now() > until {
            bail!("{status}: {answer}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("no address")
}

/// A payment, and how many milliseconds after its block it was seen.
async fn one(node: &mut Node, api: &mut Connection, to: &str) -> anyhow::Result<f64> {
    let (hash, before) = (node.pay(to).await?, node.height().await?);
    let begun = Instant::now();
    while node.height().await? == before {
        tokio::time::sleep(LOOK_EVERY).await;
        anyhow::ensure!(begun.elapsed() < GIVE_UP, "no block comes");
    }
    let mined = Instant::now();
    loop {
        let (status, page) = api.get(&format!("/api/v1/transfers?txHash={hash}")).await?;
        anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&page));
        let page: Value = serde_json::from_slice(&page)?;
        if page["pagination"]["total"] == 1 {
            return Ok(mined.elapsed().as_secs_f64() * 1e3);
        }
        anyhow::ensure!(mined.elapsed() < GIVE_UP, "{hash} is not seen");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
