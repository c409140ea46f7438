//! Blocks and transactions as agave's JSON, in each of its encodings. It looks nothing up but what the block holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::super::json_rpc::{RpcError, put};
use super::instruction::{Instruction, Named};
use super::key::Key;
use super::message::{Compiled, Message};
use super::model::{Balance, Block, Executed};
use super::parsed;
use super::runtime::Failure;

/// What each signature costs, in lamports.
const FEE: u64 = 5000;
/// Lamports are made up: what a payer has, and the rent that a token account holds.
const PAYER_LAMPORTS: u64 = 1_000_000_000;
const ACCOUNT_LAMPORTS: u64 = 2_039_280;
const COMPUTE_UNITS: u64 = 4644;

/// How transactions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    JsonParsed,
    Base64,
    Base58,
}

/// How much of a block is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Details {
    Full,
    Accounts,
    Signatures,
    None,
}

/// How a caller wants transactions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) encoding: Encoding,
    /// `maxSupportedTransactionVersion`. Without it, who asks knows legacy transactions only.
    pub(super) version_max: Option<u64>,
}

pub(super) fn block(block: &Block, details: Details, wanted: Wanted, rewards: bool, empty: bool) -> Result<Value, RpcError> {
    let mut answer = json!({
        "blockhash": block.blockhash.to_string(),
        "previousBlockhash": block.previous_blockhash.to_string(),
        "parentSlot": block.parent_slot,
        "blockTime": block.time_s,
        "blockHeight": block.height,
    });
    let transactions: &[Executed] = if empty { &[] } else { &block.transactions };
    match details {
        Details::Full => {
            let full: Result<Vec<Value>, RpcError> = transactions.iter().map(|executed| transaction(executed, wanted)).collect();
            put(&mut answer, "transactions", json!(full?));
        }
        Details::Accounts => {
            let accounts: Result<Vec<Value>, RpcError> = transactions.iter().map(|executed| accounts(executed, wanted)).collect();
            put(&mut answer, "transactions", json!(accounts?));
        }
        Details::Signatures => {
            let signatures = transactions.iter().map(|executed| executed.submitted.signature().to_string());
            put(&mut answer, "signatures", signatures.collect());
        }
        Details::None => {}
    }
    if rewards {
        put(&mut answer, "rewards", json!([]));
    }
    Ok(answer)
}

/// A transaction and what came of it.
pub(super) fn transaction(executed: &Executed, wanted: Wanted) -> Result<Value, RpcError> {
    let message = &executed.submitted.message;
    let bytes = || message.bytes(&executed.submitted.signatures);
    let content = match wanted.encoding {
        Encoding::Base64 => json!([BASE64.encode(bytes()), "base64"]),
        Encoding::Base58 => json!([bs58::encode(bytes()).into_string(), "base58"]),
        Encoding::Json => json!({ "signatures": signatures(executed), "message": raw(message) }),
        Encoding::JsonParsed => json!({ "signatures": signatures(executed), "message": spelled_out(message) }),
    };
    let mut answer = json!({ "transaction": content, "meta": meta(executed, wanted.encoding) });
    version(&mut answer, message, wanted)?;
    Ok(answer)
}

/// The same with its accounts only.
fn accounts(executed: &Executed, wanted: Wanted) -> Result<Value, RpcError> {
    let message = &executed.submitted.message;
    let content = json!({ "signatures": signatures(executed), "accountKeys": keys(message) });
    let mut answer = json!({ "transaction": content, "meta": result(executed) });
    version(&mut answer, message, wanted)?;
    Ok(answer)
}

/// Says the version to those who know of versions; refuses what they do not know.
fn version(answer: &mut Value, message: &Message, wanted: Wanted) -> Result<(), RpcError> {
    match (message.lookup, wanted.version_max) {
        (None, Some(_)) => put(answer, "version", json!("legacy")),
        (Some(_), Some(_)) => put(answer, "version", json!(0)),
        (None, None) => {}
        (Some(_), None) => {
            let advice = "Please try the request again with the following configuration parameter: \"maxSupportedTransactionVersion\": 0";
            let message = format!("Transaction version (0) is not supported by the requesting client. {advice}");
            return Err(RpcError::new(-32015, message));
        }
    }
    Ok(())
}

/// A transaction's error, as serde writes agave's `TransactionError`; null if there is none.
pub(super) fn failure(failure: Option<Failure>) -> Value {
    failure.map_or(Value::Null, |Failure { instruction, code }| json!({ "InstructionError": [instruction, { "Custom": code }] }))
}

/// What a transaction did, whatever the encoding.
fn result(executed: &Executed) -> Value {
    let err = failure(executed.failure);
    let fee = FEE.saturating_mul(u64::try_from(executed.submitted.signatures.len()).unwrap_or(1));
    let mut lamports: Vec<u64> = executed.submitted.message.keys.iter().map(|_| ACCOUNT_LAMPORTS).collect();
    let mut with_payer = |paid: u64| {
        lamports.splice(..1, [PAYER_LAMPORTS.saturating_sub(paid)]);
        lamports.clone()
    };
    json!({
        "status": if err.is_null() { json!({ "Ok": null }) } else { json!({ "Err": err }) },
        "err": err,
        "fee": fee,
        "preBalances": with_payer(0),
        "postBalances": with_payer(fee),
        "preTokenBalances": executed.before.iter().map(balance).collect::<Vec<Value>>(),
        "postTokenBalances": executed.after.iter().map(balance).collect::<Vec<Value>>(),
    })
}

fn meta(executed: &Executed, encoding: Encoding) -> Value {
    let message = &executed.submitted.message;
    let write = |(called, depth): &(Instruction, u32)| {
        let compiled = message.compile(called);
        if encoding == Encoding::JsonParsed { spelled(message, &compiled, *depth) } else { compiled_json(&compiled, *depth) }
    };
    let inner = executed.inner.iter().map(|(index, calls)| {
        let calls: Vec<Value> = calls.iter().map(write).collect();
        json!({ "index": index, "instructions": calls })
    });
    let mut meta = result(executed);
    put(&mut meta, "innerInstructions", inner.collect());
    put(&mut meta, "logMessages", json!(logs(executed)));
    put(&mut meta, "rewards", json!([]));
    put(&mut meta, "computeUnitsConsumed", json!(COMPUTE_UNITS));
    if encoding != Encoding::JsonParsed {
        let (_, loaded) = message.parts();
        let part = |writable: bool| -> Vec<String> {
            loaded.iter().filter(|named| named.writable == writable).map(|named| named.key.to_string()).collect()
        };
        put(&mut meta, "loadedAddresses", json!({ "writable": part(true), "readonly": part(false) }));
    }
    meta
}

fn balance(balance: &Balance) -> Value {
    let Balance { index, account, decimals } = balance;
    json!({
        "accountIndex": index,
        "mint": account.mint.to_string(),
        "owner": account.owner.to_string(),
        "programId": account.program.to_string(),
        "uiTokenAmount": parsed::amount(account.amount, *decimals),
    })
}

/// What the runtime logs of every call; what programs themselves would log is left out.
fn logs(executed: &Executed) -> Vec<String> {
    let mut logs = Vec::new();
    for (index, instruction) in (0_u8..).zip(&executed.submitted.transaction.instructions) {
        logs.push(format!("Program {} invoke [1]", instruction.program));
        match executed.failure.filter(|failure| failure.instruction == index) {
            Some(failure) => {
                logs.push(format!("Program {} failed: custom program error: {:#x}", instruction.program, failure.code));
                break;
            }
            None => logs.push(format!("Program {} success", instruction.program)),
        }
    }
    logs
}

fn signatures(executed: &Executed) -> Vec<String> {
    executed.submitted.signatures.iter().map(ToString::to_string).collect()
}

/// Every account with its rights, and where it came from.
fn keys(message: &Message) -> Vec<Value> {
    let (own, loaded) = message.parts();
    let write = |named: &Named, source: &str| json!({ "pubkey": named.key.to_string(), "signer": named.signs, "writable": named.writable, "source": source });
    let own = own.iter().map(|named| write(named, "transaction"));
    own.chain(loaded.iter().map(|named| write(named, "lookupTable"))).collect()
}

fn raw(message: &Message) -> Value {
    let [signers, readonly_signers, readonly] = message.header();
    let (own, _) = message.parts();
    let mut answer = json!({
        "header": { "numRequiredSignatures": signers, "numReadonlySignedAccounts": readonly_signers, "numReadonlyUnsignedAccounts": readonly },
        "accountKeys": own.iter().map(|named| named.key.to_string()).collect::<Vec<String>>(),
        "recentBlockhash": message.recent_blockhash.to_string(),
        "instructions": message.instructions.iter().map(|compiled| compiled_json(compiled, 1)).collect::<Vec<Value>>(),
    });
    add_lookups(&mut answer, message);
    answer
}

fn spelled_out(message: &Message) -> Value {
    let mut answer = json!({
        "accountKeys": keys(message),
        "recentBlockhash": message.recent_blockhash.to_string(),
        "instructions": message.instructions.iter().map(|compiled| spelled(message, compiled, 1)).collect::<Vec<Value>>(),
    });
    add_lookups(&mut answer, message);
    answer
}

fn add_lookups(answer: &mut Value, message: &Message) {
    if let Some(table) = message.lookup {
        let [writable, readonly] = message.lookup_indexes();
        put(
            answer,
            "addressTableLookups",
            json!([{ "accountKey": table.to_string(), "writableIndexes": writable, "readonlyIndexes": readonly }]),
        );
    }
}

fn compiled_json(compiled: &Compiled, depth: u32) -> Value {
    json!({
        "programIdIndex": compiled.program,
        "accounts": compiled.accounts,
        "data": bs58::encode(&compiled.data).into_string(),
        "stackHeight": depth,
    })
}

fn spelled(message: &Message, compiled: &Compiled, depth: u32) -> Value {
    let program = message.key(compiled.program).unwrap_or(Key::SYSTEM);
    let accounts: Vec<Key> = compiled.accounts.iter().filter_map(|index| message.key(*index)).collect();
    match parsed::instruction(program, &accounts, &compiled.data) {
        Some((name, parsed)) => json!({ "program": name, "programId": program.to_string(), "parsed": parsed, "stackHeight": depth }),
        None => json!({
            "programId": program.to_string(),
            "accounts": accounts.iter().map(Key::to_string).collect::<Vec<String>>(),
            "data": bs58::encode(&compiled.data).into_string(),
            "stackHeight": depth,
        }),
    }
}
