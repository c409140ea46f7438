//! A node as it was some blocks ago, made of the node as it is: the newest blocks do not exist, by number, by hash, by tag, in receipts
//! and in logs. Of logs it answers what real nodes do: none for a block it does not have, and no error (source: faults.md row 24).

use serde_json::{Value, json};

use crate::nodes::abi;

/// A node, and the newest block that may be seen of it; all of them where that is nothing.
pub struct View<'a> {
    client: &'a reqwest::Client,
    node: &'a str,
    newest: Option<Newest>,
}

struct Newest {
    number: u64,
    hidden: u64,
}

impl<'a> View<'a> {
    /// A view that lacks so many of the newest blocks.
    pub async fn of(client: &'a reqwest::Client, node: &'a str, hidden: u64) -> Option<Self> {
        let mut view = Self { client, node, newest: None };
        if hidden > 0 {
            let head = view.number(&view.ask("eth_blockNumber", json!([])).await?)?;
            view.newest = Some(Newest { number: head.saturating_sub(hidden), hidden });
        }
        Some(view)
    }

    /// The answer to a call; nothing if the node does not answer.
    pub async fn answer(&self, call: Value) -> Option<Value> {
        let (id, version) = (call["id"].clone(), call["jsonrpc"].clone());
        if self.newest.is_none() {
            return self.forward(&call).await;
        }
        let answered = |result: Value| Some(json!({"jsonrpc": version, "id": id, "result": result}));
        match call["method"].as_str()? {
            "eth_blockNumber" => answered(json!(hex(self.newest.as_ref()?.number))),
            "eth_getLogs" => match self.filter(&call["params"][0]).await? {
                Some(filter) => answered(self.ask("eth_getLogs", json!([filter])).await?),
                None => answered(json!([])),
            },
            "eth_getBlockByNumber" | "eth_getBlockReceipts" if call["params"][0].as_str().is_some_and(|place| place.len() < 66) => {
                let Some(place) = self.place(call["params"][0].as_str()?).await? else { return answered(Value::Null) };
                let mut call = call;
                call["params"][0] = json!(place);
                self.forward(&call).await
            }
            "eth_getBlockReceipts" if !self.has_block(&call["params"][0]).await? => answered(Value::Null),
            "eth_getBlockByHash" if !self.has_block(&call["params"][0]).await? => answered(Value::Null),
            "eth_getTransactionReceipt" => {
                let answer = self.forward(&call).await?;
                let number = &answer["result"]["blockNumber"];
                if number.is_string() && self.number(number)? > self.newest.as_ref()?.number { answered(Value::Null) } else { Some(answer) }
            }
            _ => self.forward(&call).await,
        }
    }

    /// A number or tag as this node would understand it; nothing if it is of a block it does not have.
    async fn place(&self, place: &str) -> Option<Option<String>> {
        let Newest { number: newest, hidden } = self.newest.as_ref()?;
        if let Some(number) = place.strip_prefix("0x") {
            let number = u64::from_str_radix(number, 16).ok()?;
            return Some((number <= *newest).then(|| place.to_owned()));
        }
        // What was safe or final for a node so many blocks ago lies so many blocks below what is so now.
        let now = self.ask("eth_getBlockByNumber", json!([place, false])).await?;
        Some(Some(hex(self.number(&now["number"])?.saturating_sub(*hidden).min(*newest))))
    }

    async fn has_block(&self, hash: &Value) -> Option<bool> {
        let block = self.ask("eth_getBlockByHash", json!([hash, false])).await?;
        Some(!block["number"].is_string() || self.number(&block["number"])? <= self.newest.as_ref()?.number)
    }

    /// A filter that sees nothing newer; nothing if it is for such a block alone.
    async fn filter(&self, filter: &Value) -> Option<Option<Value>> {
        if filter["blockHash"].is_string() {
            return Some(self.has_block(&filter["blockHash"]).await?.then(|| filter.clone()));
        }
        let mut seen = filter.clone();
        let newest = self.newest.as_ref()?.number;
        let to = self.place(filter["toBlock"].as_str().unwrap_or("latest")).await?.unwrap_or_else(|| hex(newest));
        let Some(from) = self.place(filter["fromBlock"].as_str().unwrap_or("latest")).await? else { return Some(None) };
        (seen["fromBlock"], seen["toBlock"]) = (json!(from), json!(to));
        Some(Some(seen))
    }

    fn number(&self, quantity: &Value) -> Option<u64> {
        u64::try_from(abi::quantity(quantity)).ok()
    }

    async fn ask(&self, method: &str, params: Value) -> Option<Value> {
        let call = json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params});
        Some(self.forward(&call).await?["result"].take())
    }

    async fn forward(&self, call: &Value) -> Option<Value> {
        let answer = self.client.post(self.node).json(call).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}
