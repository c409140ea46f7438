//! What the node answers, read with alloy's types.

use alloy::primitives::{Address, B256, Bloom, BloomInput, LogData, U256};
use alloy::rpc::types::{Block as AlloyBlock, Filter, Log, TransactionReceipt};
use serde_json::{Value, from_value, json};

use super::super::{EvmChain, Lies, TRANSFER_TOPIC, Transaction, Transfer};
use super::{FAKE, USDC, account, ask, chain, drop_last, mine_at, payment, refusal};

fn logs(chain: &mut EvmChain, filter: &Filter) -> Vec<Log> {
    from_value(ask(chain, "eth_getLogs", json!([filter]))).unwrap()
}

#[test]
fn block_deserializes_as_alloys_both_ways() {
    let mut chain = chain();
    let hash = chain.submit(payment(USDC, account(1), 5));
    let mined = mine_at(&mut chain, 1);
    for full in [false, true] {
        let by_number: AlloyBlock = from_value(ask(&mut chain, "eth_getBlockByNumber", json!(["0x1", full]))).unwrap();
        let by_hash: AlloyBlock = from_value(ask(&mut chain, "eth_getBlockByHash", json!([mined.hash, full]))).unwrap();
        assert_eq!(by_number, by_hash);
        assert_eq!(by_number.transactions.is_full(), full);
        assert_eq!(by_number.header.hash, mined.hash);
        assert_eq!(by_number.header.parent_hash, mined.parent_hash);
        assert_eq!(by_number.header.timestamp, mined.time_s);
        if !full {
            assert_eq!(by_number.transactions.hashes().collect::<Vec<_>>(), [hash]);
        }
    }
    let genesis: AlloyBlock = from_value(ask(&mut chain, "eth_getBlockByNumber", json!(["earliest", false]))).unwrap();
    assert_eq!(genesis.header.hash, mined.parent_hash);
    assert_eq!(genesis.header.logs_bloom, Bloom::ZERO);
}

#[test]
fn full_transactions_keep_their_hash_and_sender() {
    let mut chain = chain();
    let hash = chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    let block = ask(&mut chain, "eth_getBlockByNumber", json!(["latest", true]));
    assert_eq!(block["transactions"][0]["hash"], json!(hash));
    assert_eq!(block["transactions"][0]["from"], json!(account(200)));
}

#[test]
fn bloom_holds_contracts_and_topics_of_successful_transactions() {
    let mut chain = chain();
    chain.submit(payment(USDC, account(1), 5));
    chain.submit(payment(FAKE, account(2), 5).failed());
    mine_at(&mut chain, 1);
    let block: AlloyBlock = from_value(ask(&mut chain, "eth_getBlockByNumber", json!(["latest", false]))).unwrap();
    let holds = |bytes: &[u8]| block.header.logs_bloom.contains_input(BloomInput::Raw(bytes));
    assert!(holds(USDC.as_slice()) && holds(TRANSFER_TOPIC.as_slice()) && holds(account(1).into_word().as_slice()));
    assert!(!holds(FAKE.as_slice()) && !holds(account(2).into_word().as_slice()));
}

#[test]
fn receipts_deserialize_and_number_their_logs_across_the_block() {
    let mut chain = chain();
    let transfer = |to, value| Transfer { contract: USDC, from: account(200), to, value: U256::from(value) };
    let first = chain.submit(Transaction::transfers([transfer(account(1), 1), transfer(account(2), 2)]));
    let failed = chain.submit(payment(USDC, account(1), 3).failed());
    let last = chain.submit(payment(FAKE, account(1), 4));
    let block = mine_at(&mut chain, 1);

    let receipts: Vec<TransactionReceipt> = from_value(ask(&mut chain, "eth_getBlockReceipts", json!(["0x1"]))).unwrap();
    assert_eq!(receipts.iter().map(|receipt| receipt.transaction_hash).collect::<Vec<_>>(), [first, failed, last]);
    assert_eq!(receipts.iter().map(|receipt| receipt.status()).collect::<Vec<_>>(), [true, false, true]);
    let indexes = |receipt: &TransactionReceipt| -> Vec<Option<u64>> { receipt.logs().iter().map(|log| log.log_index).collect() };
    assert_eq!(indexes(&receipts[0]), [Some(0), Some(1)]);
    assert_eq!(indexes(&receipts[1]), []);
    assert_eq!(indexes(&receipts[2]), [Some(2)]);
    assert_eq!(receipts[2].block_hash, Some(block.hash));
    assert_eq!(receipts[2].transaction_index, Some(2));
    assert!(receipts[2].inner.cumulative_gas_used() > receipts[2].gas_used);

    let alone: TransactionReceipt = from_value(ask(&mut chain, "eth_getTransactionReceipt", json!([last]))).unwrap();
    assert_eq!(alone, receipts[2]);
    for id in [json!(block.hash), json!({ "blockHash": block.hash }), json!({ "blockNumber": "0x1" }), json!("latest")] {
        assert_eq!(ask(&mut chain, "eth_getBlockReceipts", json!([id])).as_array().unwrap().len(), 3);
    }
    assert_eq!(ask(&mut chain, "eth_getBlockReceipts", json!(["0x9"])), Value::Null);
}

#[test]
fn logs_round_trip_and_carry_the_transfer() {
    let mut chain = chain();
    let hash = chain.submit(payment(USDC, account(1), 5));
    let block = mine_at(&mut chain, 1);
    let found = logs(&mut chain, &Filter::new().select(block.hash));
    assert_eq!(found.len(), 1);
    let log = &found[0];
    assert_eq!((log.block_hash, log.block_number, log.block_timestamp), (Some(block.hash), Some(1), Some(block.time_s)));
    assert_eq!((log.transaction_hash, log.transaction_index, log.log_index), (Some(hash), Some(0), Some(0)));
    assert!(!log.removed);
    assert_eq!(log.address(), USDC);
    assert_eq!(log.topics(), [TRANSFER_TOPIC, account(200).into_word(), account(1).into_word()]);
    assert_eq!(U256::from_be_slice(&log.data().data), U256::from(5));
}

#[test]
fn filters_select_by_contract_topics_and_range() {
    let mut chain = chain();
    for (number, contract, to) in [(1, USDC, 1), (2, USDC, 2), (3, FAKE, 1)] {
        chain.submit(payment(contract, account(to), 5));
        mine_at(&mut chain, number);
    }
    let all = Filter::new().from_block(0).to_block(3);
    let mut heights = |filter: &Filter| -> Vec<u64> { logs(&mut chain, filter).iter().filter_map(|log| log.block_number).collect() };
    assert_eq!(heights(&all), [1, 2, 3]);
    assert_eq!(heights(&all.clone().address(USDC)), [1, 2]);
    assert_eq!(heights(&all.clone().address(vec![USDC, FAKE])), [1, 2, 3]);
    assert_eq!(heights(&all.clone().topic2(account(1).into_word())), [1, 3]);
    let ours = vec![account(1).into_word(), account(2).into_word()];
    assert_eq!(heights(&all.clone().address(USDC).event_signature(TRANSFER_TOPIC).topic2(ours)), [1, 2]);
    assert!(heights(&all.clone().event_signature(B256::ZERO)).is_empty());
    assert!(heights(&all.clone().topic3(account(1).into_word())).is_empty(), "a transfer has no fourth topic");
    assert_eq!(heights(&Filter::new().from_block(2).to_block(99)), [2, 3], "nothing is said about the missing blocks");
    assert_eq!(heights(&Filter::new()), [3], "without a range only the head is searched");
}

#[test]
fn filters_take_nulls_and_empty_lists_for_anything() {
    let mut chain = chain();
    chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    let receiver = account(1).into_word();
    for filter in [
        json!({ "topics": null, "address": null, "fromBlock": null, "blockHash": null }),
        json!({ "topics": [], "address": [] }),
        json!({ "topics": [null, [], receiver] }),
        json!({ "topics": [[TRANSFER_TOPIC, B256::ZERO], null, [receiver]] }),
        json!({ "topics": [[null, B256::ZERO]] }),
    ] {
        let found = ask(&mut chain, "eth_getLogs", json!([filter]));
        assert_eq!(found.as_array().unwrap().len(), 1, "{filter}");
    }
    let found = ask(&mut chain, "eth_getLogs", json!([{ "topics": [null, null, null, null] }]));
    assert_eq!(found, json!([]), "four places ask for four topics");
}

#[test]
fn forged_logs_go_through_as_they_are() {
    let mut chain = chain();
    let receiver = account(1).into_word();
    let nft = LogData::new_unchecked(vec![TRANSFER_TOPIC, receiver, receiver, B256::ZERO], Vec::new().into());
    let logs_of = vec![alloy::primitives::Log { address: FAKE, data: nft.clone() }];
    chain.submit(Transaction { logs: logs_of, success: true });
    let block = mine_at(&mut chain, 1);
    assert_eq!(logs(&mut chain, &Filter::new().select(block.hash))[0].data(), &nft);
}

#[test]
fn get_logs_refuses_what_is_too_much() {
    let mut chain = chain();
    chain.config.logs_range_max = 3;
    chain.config.logs_results_max = 2;
    for number in 1..=4 {
        chain.submit(payment(USDC, account(1), 5));
        mine_at(&mut chain, number);
    }
    let refused = |chain: &mut EvmChain, filter: Value| refusal(chain, "eth_getLogs", json!([filter]));
    let range = |from: &str, to: &str| json!({ "fromBlock": from, "toBlock": to });
    assert_eq!(refused(&mut chain, range("0x0", "0x4")), (-32602, "exceed max block range: 3".to_owned()));
    let text = "query returned more than 2 results. Try with this block range [0x1, 0x2].";
    assert_eq!(refused(&mut chain, range("0x1", "0x4")), (-32005, text.to_owned()));
    assert_eq!(ask(&mut chain, "eth_getLogs", json!([range("0x1", "0x2")])).as_array().unwrap().len(), 2);
    assert_eq!(refused(&mut chain, range("0x2", "0x1")), (-32602, "invalid block range params".to_owned()));
    assert_eq!(refused(&mut chain, json!({ "blockHash": B256::ZERO })), (-32000, "unknown block".to_owned()));
    assert_eq!(refused(&mut chain, json!({ "blockHash": B256::ZERO, "fromBlock": "0x0" })).0, -32602);
    assert_eq!(refused(&mut chain, json!({ "address": vec![USDC; 1001] })).1, "exceed max addresses");
    assert_eq!(refused(&mut chain, json!({ "topics": [null, null, vec![B256::ZERO; 1001]] })).1, "exceed max topics");

    for _ in 0..3 {
        chain.submit(payment(USDC, account(1), 5));
    }
    let crowded = mine_at(&mut chain, 5);
    assert_eq!(logs(&mut chain, &Filter::new().from_block(5).to_block(5)).len(), 3, "one block can always be read");
    assert_eq!(logs(&mut chain, &Filter::new().select(crowded.hash)).len(), 3);
}

#[test]
fn orphans_are_known_by_hash_only() {
    let mut chain = chain();
    let lost = chain.submit(payment(USDC, account(1), 5));
    let orphan = mine_at(&mut chain, 1);
    chain.reorg(&drop_last(1)).unwrap();
    assert_eq!(ask(&mut chain, "eth_getBlockByHash", json!([orphan.hash, false]))["number"], json!("0x1"));
    assert_ne!(ask(&mut chain, "eth_getBlockByNumber", json!(["0x1", false]))["hash"], json!(orphan.hash));
    assert_eq!(logs(&mut chain, &Filter::new().select(orphan.hash)).len(), 1);
    assert_eq!(logs(&mut chain, &Filter::new().from_block(0).to_block(1)).len(), 0);
    assert_eq!(ask(&mut chain, "eth_getTransactionReceipt", json!([lost])), Value::Null);
}

#[test]
fn tokens_tell_decimals_and_symbol() {
    let mut chain = chain();
    let mut call = |to: Address, data: &str| ask(&mut chain, "eth_call", json!([{ "to": to, "data": data }, "latest"]));
    let word = |last: &str| format!("{last:0>64}");
    assert_eq!(call(USDC, "0x313ce567"), json!(format!("0x{}", word("6"))));
    let symbol = format!("0x{}{}{:0<64}", word("20"), word("4"), "55534443");
    assert_eq!(call(USDC, "0x95d89b41"), json!(symbol));
    assert_eq!(call(USDC, "0x18160ddd"), json!("0x"));
    assert_eq!(call(FAKE, "0x313ce567"), json!("0x"));
}

#[test]
fn the_envelope_is_json_rpc() {
    let mut chain = chain();
    assert_eq!(ask(&mut chain, "eth_chainId", json!([])), json!("0x7a69"));
    assert_eq!(ask(&mut chain, "net_version", Value::Null), json!("31337"));
    assert_eq!(ask(&mut chain, "eth_blockNumber", json!([])), json!("0x0"));
    assert!(ask(&mut chain, "web3_clientVersion", json!([])).is_string());

    let one = |id: Value, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let notification = json!({ "jsonrpc": "2.0", "method": "eth_chainId" });
    let batch = json!([one(json!("a"), "eth_chainId"), one(json!(2), "eth_mine"), notification, 5]);
    let answer = chain.handle(&batch);
    assert_eq!(answer[0], json!({ "jsonrpc": "2.0", "id": "a", "result": "0x7a69" }));
    let unknown = json!({ "code": -32601, "message": "the method eth_mine does not exist/is not available" });
    assert_eq!(answer[1], json!({ "jsonrpc": "2.0", "id": 2, "error": unknown }));
    assert_eq!(answer[2]["error"]["code"], json!(-32600));
    assert_eq!(answer.as_array().unwrap().len(), 3, "a notification has no answer");
    assert_eq!(chain.handle(&json!([]))["error"]["code"], json!(-32600));
    assert_eq!(chain.handle(&notification), Value::Null);
    assert_eq!(chain.handle(&json!({ "id": 1, "method": "eth_chainId" }))["error"]["code"], json!(-32600));
}

#[test]
fn bad_parameters_are_named() {
    let mut chain = chain();
    for (method, params) in [
        ("eth_getBlockByNumber", json!([])),
        ("eth_getBlockByNumber", json!(["latest"])),
        ("eth_getBlockByNumber", json!(["newest", false])),
        ("eth_getBlockByNumber", json!(["0x01", false])),
        ("eth_getBlockByNumber", json!([1, false])),
        ("eth_getBlockByNumber", json!(["0x1", "yes"])),
        ("eth_getBlockByNumber", json!(["0x1", true, 3])),
        ("eth_getBlockByHash", json!(["0x1234", true])),
        ("eth_getTransactionReceipt", json!(["00".repeat(32)])),
        ("eth_getLogs", json!(["0x1"])),
        ("eth_getLogs", json!([{ "address": "0x12" }])),
        ("eth_getLogs", json!([{ "topics": "0x12" }])),
        ("eth_getLogs", json!([{ "topics": [1] }])),
        ("eth_call", json!([])),
        ("eth_chainId", json!({})),
    ] {
        assert_eq!(refusal(&mut chain, method, params.clone()).0, -32602, "{method} {params}");
    }
}

#[test]
fn lies_hide_logs_and_blocks_and_fail_calls() {
    let mut chain = chain();
    chain.config.finality_depth = 1;
    chain.submit(payment(USDC, account(1), 5));
    mine_at(&mut chain, 1);
    let late = chain.submit(payment(USDC, account(1), 5));
    let head = mine_at(&mut chain, 2);
    let any = Filter::new().from_block(0).to_block(2);

    chain.lies.drop_logs = true;
    assert_eq!(logs(&mut chain, &any).len(), 0);
    assert_eq!(ask(&mut chain, "eth_getLogs", json!([{ "blockHash": B256::ZERO }])), json!([]));
    assert!(ask(&mut chain, "eth_getTransactionReceipt", json!([late])).is_object());
    chain.lies.drop_logs = false;

    chain.lies.lag = 1;
    assert_eq!(ask(&mut chain, "eth_blockNumber", json!([])), json!("0x1"));
    assert_eq!(ask(&mut chain, "eth_getBlockByNumber", json!(["finalized", false]))["number"], json!("0x0"));
    assert_eq!(ask(&mut chain, "eth_getBlockByNumber", json!(["0x2", false])), Value::Null);
    assert_eq!(ask(&mut chain, "eth_getBlockByHash", json!([head.hash, false])), Value::Null);
    assert_eq!(ask(&mut chain, "eth_getTransactionReceipt", json!([late])), Value::Null);
    assert_eq!(refusal(&mut chain, "eth_getLogs", json!([{ "blockHash": head.hash }])).0, -32000);
    assert_eq!(logs(&mut chain, &any).len(), 1);
    chain.lies.lag = 0;

    chain.lies.fail_next = 2;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let answers = chain.handle(&json!([call, call, call]));
    assert_eq!(answers[1]["error"], json!({ "code": -32005, "message": "limit exceeded" }));
    assert_eq!(answers[2]["result"], json!("0x7a69"));
    assert_eq!(chain.lies, Lies::default());
}
