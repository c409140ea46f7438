//! A node made up by hand: blocks, the transactions in them, and what it lies about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::future::{BoxFuture, pending, ready};
use payin_core::solana::TokenProgram;
use serde_json::{Value, json};

use crate::chain::solana::decode::tests::{PYUSD, USDC, WALLET};
use crate::chain::solana::mints::tests::bytes;
use crate::env::{Rpc, RpcFault};

pub(super) const GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// The USDC account of the watched wallet.
pub(super) const ACCOUNT: &str = "6wzzozWHyumGXyBgFpxnYkpoPN2fserASyYW3Yj882Br";
const PAYER: &str = "J2xccRtuG43drESLYznHhLhQkLTdfepcKYbiQ9BsJVaf";
const FROM: &str = "7RP22uEk2BNSbZaQDPAXEqFzcqgoo7qiDiM3VwpgwXc1";

#[derive(Default)]
pub(super) struct State {
    /// Slot and fork of each block.
    pub blocks: BTreeMap<u64, u64>,
    pub finalized: u64,
    /// Slot, signature, what the account held before and after, whether it failed.
    pub payments: Vec<(u64, String, u64, u64, bool)>,
    /// Left out of the account's history.
    pub hidden: BTreeSet<String>,
    /// Told twice.
    pub twice: bool,
    pub first_available: u64,
    /// Methods that answer an error, from the first slot on where they are about one.
    pub errors: BTreeMap<&'static str, (u64, i64)>,
    /// Without a time.
    pub timeless: bool,
    /// The next transaction that is read comes with a reorganisation of its slot.
    pub fork_when_read: bool,
    pub status: Option<u16>,
    /// The next call is never answered.
    pub hang: bool,
    pub calls: Vec<String>,
    /// Slots whose blocks the node lost: it says that they were skipped.
    pub missing: BTreeSet<u64>,
    /// How much too few blocks lie below each, by their heights.
    pub lost: u64,
    /// So many failed transactions of the newest slot name the watched account.
    pub flood: usize,
    /// The watched account's state and authority, where they are not what they should be; and whether PYUSD is paused.
    pub frozen: bool,
    pub stolen: bool,
    pub paused: bool,
}

#[derive(Default)]
pub(super) struct FakeNode(pub Mutex<State>);

impl FakeNode {
    /// Blocks in these slots, the last ten of them not final.
    pub(super) fn new(slots: impl IntoIterator<Item = u64>) -> Self {
        let blocks: BTreeMap<u64, u64> = slots.into_iter().map(|slot| (slot, 0)).collect();
        let finalized = blocks.keys().rev().nth(10).copied().unwrap_or_default();
        Self(Mutex::new(State { blocks, finalized, ..State::default() }))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    /// How often a method was called.
    pub(super) fn count(&self, method: &str) -> usize {
        self.0.lock().unwrap().calls.iter().filter(|call| *call == method).count()
    }
}

impl Rpc for FakeNode {
    fn call<'a>(&'a self, _: &'a str, body: Bytes) -> BoxFuture<'a, Result<Bytes, RpcFault>> {
        let mut state = self.0.lock().unwrap();
        if let Some(status) = state.status {
            return Box::pin(ready(Err(RpcFault::Status { status, retry_after: Some("7".to_owned()) })));
        }
        if std::mem::take(&mut state.hang) {
            return Box::pin(pending());
        }
        let request: Value = serde_json::from_slice(&body).unwrap();
        let answer = match state.answer(request["method"].as_str().unwrap(), &request["params"]) {
            Ok(result) => json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
            Err(code) => json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": "at https://key@node"}}),
        };
        Box::pin(ready(Ok(answer.to_string().into())))
    }
}

pub(super) fn hash(slot: u64, fork: u64) -> String {
    format!("Hash{slot}x{fork}")
}

impl State {
    pub(super) fn pay(&mut self, slot: u64, signature: &str, before: u64, after: u64) {
        self.payments.push((slot, signature.to_owned(), before, after, false));
    }

    fn answer(&mut self, method: &str, params: &Value) -> Result<Value, i64> {
        self.calls.push(method.to_owned());
        if let Some((from, code)) = self.errors.get(method)
            && params[0].as_u64().is_none_or(|slot| slot >= *from)
        {
            return Err(*code);
        }
        let finalized = [0, 1, 2].iter().any(|place| params[place]["commitment"] == "finalized");
        let head = if finalized { self.finalized } else { self.blocks.keys().last().copied().unwrap_or_default() };
        match method {
            "getGenesisHash" => Ok(json!(GENESIS)),
            "getFirstAvailableBlock" => Ok(json!(self.first_available)),
            "getSlot" => Ok(json!(head)),
            "getBlocks" => {
                let (from, to) = (params[0].as_u64().unwrap(), params[1].as_u64().unwrap().min(head));
                Ok(json!(self.blocks.keys().filter(|slot| (from..=to).contains(slot) && !self.missing.contains(slot)).collect::<Vec<_>>()))
            }
            "getBlock" => self.block(params[0].as_u64().unwrap(), params[1]["transactionDetails"] == "full"),
            "getSignaturesForAddress" => Ok(self.signatures(params[0].as_str().unwrap(), &params[1], head)),
            "getTransaction" => {
                let paid = self.payments.iter().find(|(_, signature, ..)| params[0] == signature.as_str()).cloned();
                if let Some((slot, ..)) = &paid
                    && std::mem::take(&mut self.fork_when_read)
                {
                    self.blocks.insert(*slot, 1);
                }
                Ok(paid.map_or(Value::Null, |paid| transaction(&paid)))
            }
            "getMultipleAccounts" => {
                let accounts = params[0].as_array().unwrap().iter().map(|account| self.account(account.as_str().unwrap(), head));
                Ok(json!({"context": {"slot": head}, "value": accounts.collect::<Vec<_>>()}))
            }
            other => panic!("{other} is asked"),
        }
    }

    fn block(&self, slot: u64, full: bool) -> Result<Value, i64> {
        let Some(fork) = self.blocks.get(&slot).filter(|_| !self.missing.contains(&slot)) else {
            // As agave does, whatever commitment was asked for.
            return Err(if slot > self.finalized { -32004 } else { -32007 });
        };
        let (below, below_fork) = self.blocks.range(..slot).next_back().map_or((0, 0), |(slot, fork)| (*slot, *fork));
        let height = self.blocks.range(..slot).count() as u64 + self.lost * slot;
        let mut block = json!({"blockhash": hash(slot, *fork), "previousBlockhash": hash(below, below_fork), "parentSlot": below,
            "blockHeight": height, "blockTime": if self.timeless { Value::Null } else { json!(1_764_000_000 + slot) }});
        if full {
            block["transactions"] = self.payments.iter().filter(|(at, ..)| *at == slot).map(transaction).collect();
        }
        Ok(block)
    }

    fn signatures(&self, account: &str, how: &Value, head: u64) -> Value {
        let paid = self.payments.iter().rev().filter(|(slot, signature, ..)| *slot <= head && !self.hidden.contains(signature));
        let newest = self.blocks.keys().next_back().copied().unwrap_or_default();
        let failed = |n: usize| json!({"signature": format!("Flood{n}"), "slot": newest, "err": "failed", "memo": null});
        let limit = how["limit"].as_u64().unwrap() as usize;
        let last_failed = how["before"].as_str().map(|last| last.strip_prefix("Flood").and_then(|n| n.parse::<usize>().ok()));
        let first_failed = last_failed.map_or(0, |last| last.map_or(self.flood, |last| last + 1));
        let flood = (first_failed..self.flood.min(first_failed + limit)).map(failed).filter(|_| account == ACCOUNT);
        let mut all: Vec<Value> = paid
            .flat_map(|(slot, signature, _, _, failed)| {
                let err = if *failed { json!({"InstructionError": [0, "Custom"]}) } else { Value::Null };
                vec![json!({"signature": signature, "slot": slot, "err": err, "memo": null}); if self.twice { 2 } else { 1 }]
            })
            .filter(|_| account == ACCOUNT)
            .collect();
        if let Some(place) = all.iter().position(|entry| entry["signature"] == how["before"]) {
            all.drain(..=place);
        }
        flood.chain(all).take(limit).collect()
    }

    fn account(&self, account: &str, head: u64) -> Value {
        let (program, data) = match account {
            USDC => (TokenProgram::SplToken, bytes(6, &[])),
            PYUSD if self.paused => {
                let mut data = bytes(6, &[12]);
                data.extend([26u16.to_le_bytes(), 33u16.to_le_bytes()].concat());
                data.extend([vec![7; 32], vec![1]].concat());
                (TokenProgram::Token2022, data)
            }
            PYUSD => (TokenProgram::Token2022, bytes(6, &[12])),
            ACCOUNT => {
                let paid = self.payments.iter().rev().find(|(slot, _, _, _, failed)| *slot <= head && !failed);
                let Some((_, _, _, after, _)) = paid else { return Value::Null };
                let owner = if self.stolen { [8; 32] } else { payin_core::address::solana_bytes(WALLET).unwrap() };
                let mut data = [[0; 32], owner].concat();
                data.extend(after.to_le_bytes());
                data.resize(165, 0);
                data[108] = if self.frozen { 2 } else { 1 };
                (TokenProgram::SplToken, data)
            }
            _ => return Value::Null,
        };
        json!({"owner": program.id(), "lamports": 1, "data": [base64::engine::general_purpose::STANDARD.encode(data), "base64"]})
    }
}

/// A payment to the watched account, or what it spends if it holds less afterwards.
fn transaction((slot, signature, before, after, failed): &(u64, String, u64, u64, bool)) -> Value {
    let amount = before.abs_diff(*after);
    let accounts = if after > before { [1, 2, 3, 0] } else { [3, 2, 1, 0] };
    let data = [&[12], amount.to_le_bytes().as_slice(), &[6]].concat();
    let balance = |place: usize, owner: &str, amount: u64| {
        json!({"accountIndex": place, "mint": USDC, "owner": owner, "programId": TokenProgram::SplToken.id(),
            "uiTokenAmount": {"amount": amount.to_string(), "decimals": 6}})
    };
    json!({"slot": slot, "blockTime": 1, "version": "legacy",
        "transaction": {"signatures": [signature], "message": {
            "accountKeys": [PAYER, FROM, USDC, ACCOUNT, TokenProgram::SplToken.id()],
            "instructions": [{"programIdIndex": 4, "accounts": accounts, "data": bs58::encode(data).into_string()}]}},
        "meta": {"err": if *failed { json!("failed") } else { Value::Null }, "innerInstructions": [], "loadedAddresses": {"writable": [], "readonly": []},
            "preTokenBalances": [balance(1, PAYER, 500_000_000), balance(3, WALLET, *before)],
            "postTokenBalances": [balance(1, PAYER, 500_000_000), balance(3, WALLET, *after)]}})
}
