//! Does the client of Solana's own authors take the node for one of theirs?

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use solana_client::client_error::Result as ClientResult;
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::{GetConfirmedSignaturesForAddress2Config, RpcClientConfig};
use solana_client::rpc_request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};

use super::{GENESIS, PAYER, SolanaChain, SolanaConfig, TABLE, TAXED, USDC, WALLETS, chain, done, moved, payment};
use super::{Instruction, PROGRAM, Transaction};

/// The simulated node in the place of a URL.
struct Simulated(Arc<Mutex<SolanaChain>>);

impl RpcSender for Simulated {
    fn send<'a, 'b>(&'a self, request: RpcRequest, params: Value) -> Pin<Box<dyn Future<Output = ClientResult<Value>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let answer = self.0.lock().unwrap().handle(&json!({ "jsonrpc": "2.0", "id": 1, "method": request.to_string(), "params": params }));
        let result = match answer.get("error") {
            None => Ok(answer["result"].clone()),
            Some(error) => Err(RpcError::RpcResponseError {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: RpcResponseErrorData::Empty,
            }
            .into()),
        };
        Box::pin(std::future::ready(result))
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        String::new()
    }
}

fn client(chain: SolanaChain) -> RpcClient {
    RpcClient::new_sender(Simulated(Arc::new(Mutex::new(chain))), RpcClientConfig::default())
}

/// The client's own configurations, written as they are sent.
fn config<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A chain with every kind of transaction in its second block, all of it final.
fn eventful() -> SolanaChain {
    let mut chain = chain();
    chain.config = SolanaConfig { confirmed_depth: 0, finalized_depth: 0 };
    done(&mut chain, payment(1));
    let through = Instruction::through(PROGRAM, vec![moved(8).transfer_checked()]);
    for transaction in [
        payment(2).looking_up(TABLE),
        payment(3).failing(),
        Transaction::new(PAYER, vec![through, moved(4).transfer().with_reference(TABLE), Instruction::memo("é")]),
        Transaction::new(PAYER, vec![moved(5).transfer().to_program(PROGRAM)]),
    ] {
        chain.submit(transaction);
    }
    chain.mine(0);
    chain
}

#[tokio::test]
async fn the_node_introduces_itself() {
    let client = client(eventful());
    assert_eq!(client.get_version().await.unwrap().solana_core, "4.2.2");
    client.get_health().await.unwrap();
    assert_eq!(client.get_genesis_hash().await.unwrap().to_string(), GENESIS.to_string());
    assert_eq!((client.get_slot().await.unwrap(), client.get_block_height().await.unwrap()), (2, 2));
    assert_eq!(client.get_blocks(0, None).await.unwrap(), [0, 1, 2]);
    assert_eq!(client.get_blocks(1, Some(1)).await.unwrap(), [1]);
    assert_eq!(client.get_blocks_with_limit(1, 1).await.unwrap(), [1]);
    assert_eq!(client.get_first_available_block().await.unwrap(), 0);
}

#[tokio::test]
async fn blocks_are_understood_in_every_encoding() {
    let client = client(eventful());
    for encoding in ["json", "jsonParsed", "base64", "base58"] {
        let config = config(json!({ "encoding": encoding, "transactionDetails": "full", "maxSupportedTransactionVersion": 0 }));
        let block = client.get_block_with_config(2, config).await.unwrap();
        assert_eq!((block.parent_slot, block.block_height), (1, Some(2)));
        let transactions = block.transactions.unwrap();
        assert_eq!(transactions.len(), 4);
        for transaction in &transactions {
            assert_eq!(serde_json::to_value(transaction).unwrap()["meta"]["preTokenBalances"].as_array().map(Vec::len), Some(2));
            // Only bytes can be decoded; they are what was signed.
            if let Some(decoded) = transaction.transaction.decode() {
                assert!(encoding.starts_with("base") && decoded.sanitize().is_ok());
                assert_eq!(decoded.message.static_account_keys()[0].to_string(), PAYER.to_string());
                assert_eq!(decoded.message.address_table_lookups().is_some(), transaction.version == Some(config_version()));
            } else {
                assert!(encoding.starts_with("json"));
            }
        }
        assert!(transactions[1].meta.as_ref().unwrap().err.is_some());
    }
}

/// Version 0, as the client reads it.
fn config_version<T: DeserializeOwned>() -> T {
    config(json!(0))
}

#[tokio::test]
async fn blocks_are_understood_in_every_detail() {
    let client = client(eventful());
    let with = |details: &str| json!({ "transactionDetails": details, "rewards": false, "maxSupportedTransactionVersion": 0 });
    let accounts = client.get_block_with_config(2, config(with("accounts"))).await.unwrap();
    assert_eq!(accounts.transactions.map(|all| all.len()), Some(4));
    let signatures = client.get_block_with_config(2, config(with("signatures"))).await.unwrap();
    assert_eq!((signatures.signatures.map(|all| all.len()), signatures.transactions), (Some(4), None));
    let none = client.get_block_with_config(2, config(with("none"))).await.unwrap();
    assert_eq!((none.signatures, none.transactions, none.rewards), (None, None, None));
}

#[tokio::test]
async fn signatures_and_transactions_are_understood() {
    let client = client(eventful());
    let address = WALLETS.to_string().parse().unwrap();
    let listed = client.get_signatures_for_address(&address).await.unwrap();
    assert_eq!(listed.len(), 5);
    assert_eq!(listed[1].memo.as_deref(), Some("[2] é"));
    let until = listed[3].signature.parse().unwrap();
    let some = GetConfirmedSignaturesForAddress2Config { until: Some(until), limit: Some(2), ..Default::default() };
    let some = client.get_signatures_for_address_with_config(&address, some).await.unwrap();
    assert_eq!(some, listed[..2]);

    let signature = listed[1].signature.parse().unwrap();
    let transaction = client.get_transaction_with_config(&signature, config(json!({ "encoding": "jsonParsed" }))).await.unwrap();
    assert_eq!((transaction.slot, transaction.block_time), (2, listed[1].block_time));
    let statuses = client.get_signature_statuses_with_history(&[signature]).await.unwrap().value;
    assert!(statuses[0].as_ref().is_some_and(|status| status.slot == 2 && status.confirmations.is_none()));
    assert!(client.get_transaction_with_config(&config(json!(vec![7; 64])), config(json!({}))).await.is_err());
}

#[tokio::test]
async fn accounts_are_understood() {
    let client = client(eventful());
    let keys = [USDC, TAXED, WALLETS, TABLE].map(|key| key.to_string().parse().unwrap());
    // Compressed, as the client asks for them unless told otherwise.
    let accounts = client.get_multiple_accounts(&keys).await.unwrap();
    let decimals = |at: usize| accounts[at].as_ref().and_then(|account| account.data.get(44).copied());
    assert_eq!((decimals(0), decimals(1)), (Some(6), Some(6)));
    assert_eq!(
        accounts.iter().map(|account| account.as_ref().map(|account| account.data.len())).collect::<Vec<_>>(),
        [Some(82), Some(278), Some(165), None]
    );
    let plain = client.get_ui_account_with_config(&keys[2], config(json!({ "encoding": "base64" }))).await.unwrap().value.unwrap();
    assert_eq!(plain.data.decode(), accounts[2].as_ref().map(|account| account.data.clone()));
    assert_eq!(client.get_token_account_balance(&keys[2]).await.unwrap().ui_amount_string, "0.000015");
    assert_eq!(client.get_token_account(&keys[2]).await.unwrap().unwrap().mint, USDC.to_string());
}
