//! Surfpool with blocks that hang together: a proxy in front of a node that numbers its blocks by their slots and changes nothing else. It
//! must never make up a block, nor touch what is in one: transactions, balances and errors are the real runtime's.
//!
//! Why: surfpool-core 1.6.1 keeps only the blocks that have transactions, with the number of blocks since it was started as their height
//! and in their hash and in their parent's (`SurfnetSvm::confirm_current_block`), and makes up the empty ones as they are asked for, with
//! their slot in all three places (`SurfnetSvm::reconstruct_empty_block`). So a block with a transaction never is its neighbours' parent or
//! child, and a server that looks refuses such a chain. Both kinds name the slot below as their parent's, and `getBlocks` lists every slot:
//! these need no change. `getLatestBlockhash` keeps the node's own hashes: a payer signs them, and the node looks for them.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use crate::nodes::http_client;

/// A running proxy; ends with the value.
#[derive(Debug)]
pub struct Linked {
    url: String,
    serving: JoinHandle<()>,
}

impl Linked {
    /// In front of the node at a URL.
    pub async fn start(node: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state((http_client(), node.to_owned()));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("the proxy serves") });
        Self { url, serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State((client, node)): State<(reqwest::Client, String)>, asked: Bytes) -> Response {
    let call: Value = serde_json::from_slice(&asked).unwrap_or_default();
    let said = client.post(&node).header("content-type", "application/json").body(asked).send().await;
    // The node may have been killed by its test: then it answers nobody.
    let (status, body) = match said {
        Ok(said) => (said.status().as_u16(), said.bytes().await.unwrap_or_default()),
        Err(_) => (502, Bytes::new()),
    };
    let body = if call["method"] == "getBlock" { linked(&call, &body).unwrap_or(body) } else { body };
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body)).expect("a response")
}

/// A block as it would be if the node numbered all of them in one way; `None` if this is no block.
fn linked(call: &Value, body: &[u8]) -> Option<Bytes> {
    let slot = call["params"][0].as_u64()?;
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let block = answer.get_mut("result")?.as_object_mut()?;
    let parent = block.get("parentSlot")?.as_u64()?;
    // What an empty block has already; one block in each slot makes it true of the others.
    block.insert("blockHeight".to_owned(), json!(slot));
    block.insert("blockhash".to_owned(), json!(hash(slot)));
    block.insert("previousBlockhash".to_owned(), json!(hash(parent)));
    Some(answer.to_string().into())
}

fn hash(slot: u64) -> String {
    bs58::encode(Sha256::digest(format!("the block in slot {slot}"))).into_string()
}
