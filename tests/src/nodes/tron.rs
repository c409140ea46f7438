//! java-tron's two interfaces in front of anvil: the manners are the simulated node's, the chain, its transactions and its tokens a real
//! EVM's. What it cannot show: java-tron's own consensus, and whatever its documents do not say.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use payin_server::env::RpcFault;
use payin_server::sandbox::tron::TronNode;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::http_client;

#[derive(Clone)]
struct Shim {
    node: Arc<Mutex<TronNode>>,
    client: reqwest::Client,
    anvil: String,
}

/// A running shim; ends with the value.
pub struct Tron {
    url: String,
    /// Its manners, and what became of transactions.
    pub node: Arc<Mutex<TronNode>>,
    serving: JoinHandle<()>,
}

impl Tron {
    /// In front of the anvil at a URL, as a chain of this id.
    pub async fn start(anvil: &str, chain_id: u64) -> Self {
        let node = Arc::new(Mutex::new(TronNode::new(chain_id)));
        let shim = Shim { node: Arc::clone(&node), client: http_client(), anvil: anvil.to_owned() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(shim);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("the shim serves") });
        Self { url, node, serving }
    }

    /// Where its JSON-RPC is; its other interface is beside that.
    pub fn json_rpc(&self) -> String {
        format!("{}/jsonrpc", self.url)
    }
}

impl Drop for Tron {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shim): State<Shim>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = to_bytes(request.into_body(), 4 * 1024 * 1024).await.expect("a small request");
    // The manners ask the chain behind in the middle of their work, as one thing after another.
    let runtime = Handle::current();
    let said = tokio::task::spawn_blocking(move || {
        let path = if path == "/jsonrpc" { "" } else { path.as_str() };
        let behind =
            |call: &Value| runtime.block_on(async { shim.client.post(&shim.anvil).json(call).send().await?.json::<Value>().await });
        let mut node = shim.node.lock().expect("no panic before");
        node.handle(path, &body, &mut |call| behind(call).unwrap_or_default())
    });
    let response = match said.await.expect("no panic") {
        Ok(said) => Response::builder().status(200).body(Body::from(said)),
        Err(RpcFault::Status { status, .. }) => Response::builder().status(status).body(Body::empty()),
        Err(_) => Response::builder().status(500).body(Body::empty()),
    };
    response.expect("a response")
}
