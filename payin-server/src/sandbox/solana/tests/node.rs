//! What the node answers, and how it misbehaves when told to.

use serde_json::{Value, json};

use super::super::{Omits, Refusal};
use super::{
    Commitment, Fork, GENESIS_TIME_S, Instruction, PAYERS, Signature, Slots, SolanaChain, SolanaConfig, TABLE, Transaction, WALLETS, ask,
    chain, done, drop_last, moved, payment, refusal,
};

const CONFIRMED: &str = "confirmed";

/// Blocks in slots 1 to 4, 6 and 7, one payment each; 7 is processed, 6 confirmed and 3 finalized.
fn lived() -> (SolanaChain, Vec<Signature>) {
    let mut chain = chain();
    chain.config = SolanaConfig { confirmed_depth: 1, finalized_depth: 4 };
    let mut signatures = Vec::new();
    for n in 1..=6 {
        chain.skip(u64::from(n == 5));
        signatures.push(done(&mut chain, payment(n)).0);
    }
    (chain, signatures)
}

fn listed(chain: &mut SolanaChain, config: Value) -> Vec<String> {
    let answer = ask(chain, "getSignaturesForAddress", json!([WALLETS.to_string(), config]));
    answer.as_array().unwrap().iter().map(|entry| entry["signature"].as_str().unwrap().to_owned()).collect()
}

fn texts(signatures: &[Signature]) -> Vec<String> {
    signatures.iter().rev().map(ToString::to_string).collect()
}

#[test]
fn signatures_come_newest_first_between_what_is_asked_for() {
    let (mut chain, all) = lived();
    assert_eq!(listed(&mut chain, json!({})), texts(&all[..3]));
    assert_eq!(listed(&mut chain, json!({ "commitment": CONFIRMED })), texts(&all[..5]));
    let (second, fourth) = (all[1].to_string(), all[3].to_string());
    let between = json!({ "commitment": CONFIRMED, "until": second, "before": fourth });
    assert_eq!(listed(&mut chain, between), texts(&all[2..3]));
    assert_eq!(listed(&mut chain, json!({ "commitment": CONFIRMED, "limit": 2 })), texts(&all[3..5]));
    // Unknown ones: nothing is before it, and it is never reached.
    let unknown = Signature([9; 64]).to_string();
    assert_eq!(listed(&mut chain, json!({ "before": unknown })), [""; 0]);
    assert_eq!(listed(&mut chain, json!({ "until": unknown })), texts(&all[..3]));
    let statuses = ask(&mut chain, "getSignaturesForAddress", json!([WALLETS.to_string(), { "commitment": CONFIRMED }]));
    assert_eq!((&statuses[1]["confirmationStatus"], &statuses[2]["confirmationStatus"]), (&json!(CONFIRMED), &json!("finalized")));

    let address = WALLETS.to_string();
    let processed = refusal(&mut chain, "getSignaturesForAddress", json!([address, { "commitment": "processed" }]));
    assert_eq!(processed.0, -32602);
    assert_eq!(refusal(&mut chain, "getSignaturesForAddress", json!([address, { "limit": 1001 }])).0, -32602);
    assert_eq!(refusal(&mut chain, "getSignaturesForAddress", json!(["nonsense"])).0, -32602);
    let early = json!([address, { "minContextSlot": 100 }]);
    assert_eq!(refusal(&mut chain, "getSignaturesForAddress", early), (-32016, "Minimum context slot has not been reached".to_owned()));
}

#[test]
fn a_failed_transaction_is_listed_with_what_it_tried() {
    let (mut chain, _) = lived();
    chain.config = SolanaConfig { confirmed_depth: 0, finalized_depth: 0 };
    let through = Instruction::through(TABLE, vec![moved(8).transfer(), moved(1_000_000).transfer()]);
    let (signature, _) = done(&mut chain, Transaction::new(super::PAYER, vec![through]));
    let transaction = ask(&mut chain, "getTransaction", json!([signature.to_string()]));
    let meta = &transaction["meta"];
    assert_eq!(meta["err"], json!({ "InstructionError": [0, { "Custom": 1 }] }));
    assert_eq!(meta["innerInstructions"][0]["instructions"].as_array().map(Vec::len), Some(2));
    assert_eq!(meta["preTokenBalances"], meta["postTokenBalances"]);
    let listed = ask(&mut chain, "getSignaturesForAddress", json!([PAYERS.to_string(), { "limit": 1 }]));
    assert_eq!((&listed[0]["signature"], &listed[0]["err"]), (&json!(signature.to_string()), &meta["err"]));
}

#[test]
fn blocks_that_are_not_there_are_told_apart() {
    let (mut chain, _) = lived();
    let at = |chain: &mut SolanaChain, slot: u64| refusal(chain, "getBlock", json!([slot, { "commitment": CONFIRMED }])).0;
    // Not yet confirmed; to come; skipped, but not yet finally so.
    assert_eq!([7, 100, 5].map(|slot| at(&mut chain, slot)), [-32004; 3]);
    for _ in 0..4 {
        done(&mut chain, payment(1));
    }
    assert_eq!(at(&mut chain, 5), -32007);
    chain.lies.first_available = 6;
    assert_eq!([4, 5].map(|slot| at(&mut chain, slot)), [-32001; 2]);
    assert_eq!(ask(&mut chain, "getBlocks", json!([0, { "commitment": CONFIRMED }])), json!([6, 7, 8, 9, 10]));
    assert_eq!(ask(&mut chain, "getFirstAvailableBlock", json!([])), 6);
    assert_eq!(refusal(&mut chain, "getBlock", json!([6, { "commitment": "processed" }])).0, -32602);
}

#[test]
fn what_names_no_version_gets_legacy_transactions_only() {
    let mut chain = chain();
    chain.config = SolanaConfig { confirmed_depth: 0, finalized_depth: 0 };
    let (legacy, _) = done(&mut chain, payment(1));
    let (looked_up, _) = done(&mut chain, payment(2).looking_up(TABLE));
    assert!(ask(&mut chain, "getTransaction", json!([legacy.to_string()])).get("version").is_none());
    assert_eq!(ask(&mut chain, "getBlock", json!([1, { "maxSupportedTransactionVersion": 0 }]))["transactions"][0]["version"], "legacy");
    assert_eq!(refusal(&mut chain, "getTransaction", json!([looked_up.to_string()])).0, -32015);
    assert_eq!(refusal(&mut chain, "getBlock", json!([2])).0, -32015);
    let told = ask(&mut chain, "getTransaction", json!([looked_up.to_string(), { "maxSupportedTransactionVersion": 0 }]));
    assert_eq!(told["version"], 0);
    assert!(told["meta"]["loadedAddresses"]["writable"].as_array().unwrap().contains(&json!(WALLETS.to_string())));
    assert!(!told["transaction"]["message"]["accountKeys"].as_array().unwrap().contains(&json!(WALLETS.to_string())));
    // Block and transaction without what they hold need no version.
    assert_eq!(
        ask(&mut chain, "getBlock", json!([2, { "transactionDetails": "signatures" }]))["signatures"],
        json!([looked_up.to_string()])
    );
}

#[test]
fn instructions_are_spelled_out_as_agave_does() {
    let mut chain = chain();
    chain.config = SolanaConfig { confirmed_depth: 0, finalized_depth: 0 };
    let instructions = vec![
        super::open(),
        moved(1_500_000 - 1_000_000).transfer_checked(),
        moved(1).transfer().with_reference(TABLE),
        moved(1).transfer().to_program(TABLE),
    ];
    let (signature, failed) = done(&mut chain, Transaction::new(super::PAYER, instructions));
    assert!(!failed);
    let transaction = ask(&mut chain, "getTransaction", json!([signature.to_string(), { "encoding": "jsonParsed" }]));
    let told = &transaction["transaction"]["message"]["instructions"];
    assert_eq!((&told[0]["program"], &told[0]["parsed"]["type"]), (&json!("spl-associated-token-account"), &json!("createIdempotent")));
    let opened = &transaction["meta"]["innerInstructions"][0]["instructions"][0];
    assert_eq!((&opened["parsed"]["type"], &opened["stackHeight"]), (&json!("initializeAccount3"), &json!(2)));
    let checked = &told[1]["parsed"]["info"];
    assert_eq!(checked["destination"], WALLETS.to_string());
    assert_eq!(checked["tokenAmount"], json!({ "amount": "500000", "decimals": 6, "uiAmount": 0.5, "uiAmountString": "0.5" }));
    // With a key appended, the authority is taken for a multisig.
    assert_eq!(told[2]["parsed"]["info"]["signers"], json!([TABLE.to_string()]));
    assert!(told[2]["parsed"]["info"].get("authority").is_none());
    assert!(told[3].get("parsed").is_none() && told[3]["programId"] == TABLE.to_string());
}

#[test]
fn accounts_are_those_of_the_commitment() {
    let (mut chain, _) = lived();
    let amount = |chain: &mut SolanaChain, word: &str| {
        let answer = ask(chain, "getTokenAccountBalance", json!([WALLETS.to_string(), { "commitment": word }]));
        (answer["context"]["slot"].as_u64().unwrap(), answer["value"]["amount"].as_str().unwrap().to_owned())
    };
    assert_eq!(amount(&mut chain, "processed"), (7, "21".to_owned()));
    assert_eq!(amount(&mut chain, CONFIRMED), (6, "15".to_owned()));
    assert_eq!(amount(&mut chain, "finalized"), (3, "6".to_owned()));
    let config = json!({ "encoding": "jsonParsed" });
    // The amount alone, which begins after two keys.
    let sliced = json!({ "encoding": "base64", "dataSlice": { "offset": 64, "length": 8 } });
    let sliced = ask(&mut chain, "getMultipleAccounts", json!([[WALLETS.to_string()], sliced]));
    assert_eq!((&sliced["value"][0]["data"], &sliced["value"][0]["space"]), (&json!(["BgAAAAAAAAA=", "base64"]), &json!(165)));
    let parsed = ask(&mut chain, "getAccountInfo", json!([WALLETS.to_string(), config]));
    assert_eq!(parsed["value"]["data"]["parsed"]["info"]["tokenAmount"]["amount"], "6");
    assert_eq!(ask(&mut chain, "getAccountInfo", json!([TABLE.to_string(), config]))["value"], Value::Null);
    assert_eq!(refusal(&mut chain, "getTokenAccountBalance", json!([TABLE.to_string()])).0, -32602);
}

#[test]
fn a_status_tells_how_far_a_transaction_has_come() {
    let (mut chain, all) = lived();
    let told = |chain: &mut SolanaChain, signature: &Signature| {
        let answer = ask(chain, "getSignatureStatuses", json!([[signature.to_string()]]));
        let status = &answer["value"][0];
        (status["confirmationStatus"].as_str().map(str::to_owned), status["confirmations"].as_u64())
    };
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(told(&mut chain, &all[5]), (word("processed"), Some(0)));
    assert_eq!(told(&mut chain, &all[4]), (word(CONFIRMED), Some(1)));
    assert_eq!(told(&mut chain, &all[2]), (word("finalized"), None));
    // Confirmed, then dropped.
    chain.fork(&Fork { ..drop_last(2, Slots::After) }).unwrap();
    assert_eq!(told(&mut chain, &all[4]), (None, None));
    assert_eq!(ask(&mut chain, "getTransaction", json!([all[4].to_string(), { "commitment": CONFIRMED }])), Value::Null);
    assert_eq!(listed(&mut chain, json!({ "commitment": CONFIRMED })), texts(&all[..4]));
}

#[test]
fn the_node_lies_when_told_to() {
    let (mut chain, all) = lived();
    chain.lies.omits = Omits::These([all[1]].into());
    assert_eq!(listed(&mut chain, json!({})), [all[2].to_string(), all[0].to_string()]);
    chain.lies.omits = Omits::Everything;
    assert_eq!(listed(&mut chain, json!({})), [""; 0]);
    assert!(!ask(&mut chain, "getTransaction", json!([all[1].to_string()])).is_null());

    chain.lies.empty_blocks = true;
    assert_eq!(ask(&mut chain, "getBlock", json!([1]))["transactions"], json!([]));

    chain.lies.lag = 3;
    assert_eq!(chain.slot(Commitment::Processed), 4);
    assert_eq!(refusal(&mut chain, "getHealth", json!([])), (-32005, "Node is behind by 3 slots".to_owned()));
    assert_eq!(ask(&mut chain, "getSignatureStatuses", json!([[all[5].to_string()]]))["value"], json!([null]));

    chain.lies.fail_next = 1;
    assert_eq!(refusal(&mut chain, "getSlot", json!([])).0, -32005);
    (chain.lies.fail_next, chain.lies.failure) = (2, Refusal::RateLimited);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "getSlot" });
    let batch = chain.handle(&json!([call, call, call]));
    assert_eq!((&batch[0]["error"]["code"], &batch[1]["error"]["code"], &batch[2]["result"]), (&json!(429), &json!(429), &json!(0)));
    assert_eq!(refusal(&mut chain, "getNonsense", json!([])).0, -32601);
}

#[test]
fn a_block_of_the_past_does_not_change() {
    let (mut chain, _) = lived();
    let told = |chain: &mut SolanaChain| ask(chain, "getBlock", json!([2, { "maxSupportedTransactionVersion": 0 }]));
    let before = told(&mut chain);
    assert_eq!(before["blockTime"], GENESIS_TIME_S);
    assert_eq!((&before["parentSlot"], &before["blockHeight"], &before["rewards"]), (&json!(1), &json!(2), &json!([])));
    done(&mut chain, payment(1));
    assert_eq!(told(&mut chain), before);
}
