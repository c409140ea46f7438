//! Instructions and amounts as agave spells them out for people (`jsonParsed`). Of programs and instructions it does not know it
//! says nothing, as agave does.

use serde_json::{Value, json};

use super::super::json_rpc::put;
use super::instruction::tag;
use super::key::Key;
use super::runtime::number;

/// An amount of a token in all the ways that a node writes it.
pub(super) fn amount(amount: u64, decimals: u8) -> Value {
    let digits = usize::from(decimals);
    let padded = format!("{amount:0>width$}", width = digits.saturating_add(1));
    let (whole, part) = padded.split_at_checked(padded.len().saturating_sub(digits)).unwrap_or((&padded, ""));
    let part = part.trim_end_matches('0');
    let text = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    // For people only: a float, which nobody may believe.
    let ui_amount: Option<f64> = text.parse().ok();
    json!({ "amount": amount.to_string(), "decimals": decimals, "uiAmount": ui_amount, "uiAmountString": text })
}

/// An instruction of a known program: the program's name and what it is told.
pub(super) fn instruction(program: Key, accounts: &[Key], data: &[u8]) -> Option<(&'static str, Value)> {
    match program {
        Key::TOKEN | Key::TOKEN_2022 => token(accounts, data).map(|parsed| ("spl-token", parsed)),
        Key::ASSOCIATED => associated(accounts, data).map(|parsed| ("spl-associated-token-account", parsed)),
        Key::MEMO => std::str::from_utf8(data).ok().map(|text| ("spl-memo", json!(text))),
        _ => None,
    }
}

fn token(accounts: &[Key], data: &[u8]) -> Option<Value> {
    let account = |index: usize| accounts.get(index).map(Key::to_string);
    let decimals = |rest: &[u8]| rest.get(8).copied();
    let parsed = |kind: &str, info: Value| Some(json!({ "type": kind, "info": info }));
    match data {
        [tag::TRANSFER, rest @ ..] => {
            let amount = number(rest).ok()?.to_string();
            let info = json!({ "source": account(0)?, "destination": account(1)?, "amount": amount });
            parsed("transfer", signed(info, accounts, 2, "authority", "multisigAuthority")?)
        }
        [tag::TRANSFER_CHECKED, rest @ ..] => {
            let amount = amount(number(rest).ok()?, decimals(rest)?);
            let info = json!({ "source": account(0)?, "mint": account(1)?, "destination": account(2)?, "tokenAmount": amount });
            parsed("transferChecked", signed(info, accounts, 3, "authority", "multisigAuthority")?)
        }
        [tag::TRANSFER_FEE, tag::TRANSFER_CHECKED_WITH_FEE, rest @ ..] => {
            let (moved, fee) = (number(rest).ok()?, number(rest.get(9..)?).ok()?);
            let info = json!({
                "source": account(0)?, "mint": account(1)?, "destination": account(2)?,
                "tokenAmount": amount(moved, decimals(rest)?), "feeAmount": amount(fee, decimals(rest)?),
            });
            parsed("transferCheckedWithFee", signed(info, accounts, 3, "authority", "multisigAuthority")?)
        }
        [tag::SET_AUTHORITY, tag::ACCOUNT_OWNER, 1, owner @ ..] => {
            let owner = Key(owner.try_into().ok()?).to_string();
            let info = json!({ "account": account(0)?, "authorityType": "accountOwner", "newAuthority": owner });
            parsed("setAuthority", signed(info, accounts, 1, "authority", "multisigAuthority")?)
        }
        [tag::MINT_TO, rest @ ..] => {
            let info = json!({ "mint": account(0)?, "account": account(1)?, "amount": number(rest).ok()?.to_string() });
            parsed("mintTo", signed(info, accounts, 2, "mintAuthority", "multisigMintAuthority")?)
        }
        [tag::CLOSE_ACCOUNT] => {
            let info = json!({ "account": account(0)?, "destination": account(1)? });
            parsed("closeAccount", signed(info, accounts, 2, "owner", "multisigOwner")?)
        }
        [tag::INITIALIZE_ACCOUNT_3, owner @ ..] => {
            let owner = Key(owner.try_into().ok()?).to_string();
            parsed("initializeAccount3", json!({ "account": account(0)?, "mint": account(1)?, "owner": owner }))
        }
        _ => None,
    }
}

/// With who signs. More accounts than the instruction needs are taken for the signers of a multisig, a reference key too.
fn signed(mut info: Value, accounts: &[Key], last: usize, single: &str, multisig: &str) -> Option<Value> {
    let authority = accounts.get(last)?.to_string();
    let signers: Vec<String> = accounts.iter().skip(last.saturating_add(1)).map(Key::to_string).collect();
    if signers.is_empty() {
        put(&mut info, single, json!(authority));
    } else {
        put(&mut info, multisig, json!(authority));
        put(&mut info, "signers", json!(signers));
    }
    Some(info)
}

fn associated(accounts: &[Key], data: &[u8]) -> Option<Value> {
    let kind = match data {
        [] | [0] => "create",
        [1] => "createIdempotent",
        _ => return None,
    };
    let names = ["source", "account", "wallet", "mint", "systemProgram", "tokenProgram"];
    let mut info = json!({});
    for (index, name) in names.into_iter().enumerate() {
        put(&mut info, name, json!(accounts.get(index)?.to_string()));
    }
    Some(json!({ "type": kind, "info": info }))
}
