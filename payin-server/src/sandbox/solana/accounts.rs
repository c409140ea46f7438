//! Mints and token accounts as the node stores and shows them, at any commitment. All other accounts do not exist here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::super::json_rpc::{RpcError, put};
use super::SolanaChain;
use super::key::Key;
use super::parsed;
use super::rpc;
use super::runtime::{Account, Mint, TokenAccount};

/// What a node holds against its own fees: rent is never due.
const RENT_EPOCH: u64 = u64::MAX;
const LAMPORTS: u64 = 2_039_280;
/// A token account without extensions; those begin a byte after it, in mints too.
const BASE_LENGTH: usize = 165;

/// How a caller wants an account's data.
pub(super) struct Shown<'a> {
    encoding: &'a str,
    /// From where, and how much of it at most.
    slice: Option<(usize, usize)>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(config: Option<&'a Value>) -> Self {
        let slice = config.and_then(|config| config.get("dataSlice"));
        let part = |name: &str| slice?.get(name)?.as_u64().map(|part| usize::try_from(part).unwrap_or(usize::MAX));
        Self { encoding: rpc::encoding(config), slice: part("offset").zip(part("length")) }
    }

    /// Bounds that lie outside give nothing.
    fn part<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let Some((offset, length)) = self.slice else { return bytes };
        let end = offset.saturating_add(length).min(bytes.len());
        bytes.get(offset..end).unwrap_or_default()
    }
}

impl SolanaChain {
    /// An account as it was after a slot.
    pub(super) fn account_at(&self, key: &Key, slot: u64) -> Option<Account> {
        let later = self.above.partition_point(|block| block.slot <= slot);
        let executed = self.above.iter().skip(later).flat_map(|block| &block.transactions);
        let before = executed.filter_map(|executed| executed.undo.get(key)).next();
        before.copied().unwrap_or_else(|| self.accounts.get(key).copied())
    }

    /// An account as the node shows it; null if there is none.
    pub(super) fn account_json(&self, key: &Key, slot: u64, shown: &Shown<'_>) -> Result<Value, RpcError> {
        let Some(account) = self.account_at(key, slot) else { return Ok(Value::Null) };
        let bytes = self.bytes(&account, slot);
        let part = shown.part(&bytes);
        let data = match shown.encoding {
            "base64" => json!([BASE64.encode(part), "base64"]),
            "base64+zstd" => json!([BASE64.encode(zstd(part)), "base64+zstd"]),
            "jsonParsed" => self.spelled_out(&account, slot, bytes.len()),
            // agave writes base58 for at most 128 bytes, and a token account has more.
            _ => {
                return Err(RpcError::new(
                    -32600,
                    "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.",
                ));
            }
        };
        let owner = program(&account).to_string();
        let (lamports, space) = (LAMPORTS, bytes.len());
        Ok(json!({ "data": data, "executable": false, "lamports": lamports, "owner": owner, "rentEpoch": RENT_EPOCH, "space": space }))
    }

    /// A token account's balance.
    pub(super) fn balance_json(&self, key: &Key, slot: u64) -> Result<Value, RpcError> {
        match self.account_at(key, slot) {
            None => Err(RpcError::params("Invalid param: could not find account")),
            Some(Account::Mint(..)) => Err(RpcError::params("Invalid param: not a Token account")),
            Some(Account::Token(account)) => {
                Ok(parsed::amount(account.amount, self.mint_at(&account, slot).map_or(0, |mint| mint.decimals)))
            }
        }
    }

    fn mint_at(&self, account: &TokenAccount, slot: u64) -> Option<Mint> {
        match self.account_at(&account.mint, slot)? {
            Account::Mint(mint, _) => Some(mint),
            Account::Token(_) => None,
        }
    }

    fn takes_fees(&self, account: &TokenAccount, slot: u64) -> bool {
        self.mint_at(account, slot).is_some_and(|mint| mint.fee_basis_points > 0)
    }

    /// As the token programs lay it out.
    fn bytes(&self, account: &Account, slot: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        match account {
            Account::Mint(mint, supply) => {
                bytes.extend(1_u32.to_le_bytes());
                bytes.extend(mint.authority.0);
                bytes.extend(supply.to_le_bytes());
                bytes.extend([mint.decimals, 1]);
                // No freeze authority.
                bytes.extend([0; 36]);
                if mint.fee_basis_points > 0 {
                    bytes.resize(BASE_LENGTH, 0);
                    // A mint (1) with TransferFeeConfig (1), 108 bytes: both authorities, what is withheld, the older fee and the newer.
                    bytes.extend([1, 1, 0, 108, 0]);
                    bytes.extend([mint.authority.0, mint.authority.0].concat());
                    bytes.extend(0_u64.to_le_bytes());
                    for _ in 0..2 {
                        bytes.extend([0_u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat());
                        bytes.extend(mint.fee_basis_points.to_le_bytes());
                    }
                }
            }
            Account::Token(account) => {
                bytes.extend([account.mint.0, account.owner.0].concat());
                bytes.extend(account.amount.to_le_bytes());
                // No delegate; initialized; not native SOL, nothing delegated, no other close authority.
                bytes.extend([0; 36]);
                bytes.push(1);
                bytes.resize(BASE_LENGTH, 0);
                if self.takes_fees(account, slot) {
                    // A token account (2) with TransferFeeAmount (2), 8 bytes.
                    bytes.extend([2, 2, 0, 8, 0]);
                    bytes.extend(account.withheld.to_le_bytes());
                }
            }
        }
        bytes
    }

    fn spelled_out(&self, account: &Account, slot: u64, space: usize) -> Value {
        let (kind, info) = match account {
            Account::Mint(mint, supply) => ("mint", mint_info(mint, *supply)),
            Account::Token(account) => {
                let decimals = self.mint_at(account, slot).map_or(0, |mint| mint.decimals);
                let mut info = json!({
                    "isNative": false, "mint": account.mint.to_string(), "owner": account.owner.to_string(), "state": "initialized",
                    "tokenAmount": parsed::amount(account.amount, decimals),
                });
                if self.takes_fees(account, slot) {
                    put(
                        &mut info,
                        "extensions",
                        json!([{ "extension": "transferFeeAmount", "state": { "withheldAmount": account.withheld } }]),
                    );
                }
                ("account", info)
            }
        };
        let name = if program(account) == Key::TOKEN { "spl-token" } else { "spl-token-2022" };
        json!({ "program": name, "parsed": { "type": kind, "info": info }, "space": space })
    }
}

fn program(account: &Account) -> Key {
    match account {
        Account::Mint(mint, _) => mint.program,
        Account::Token(account) => account.program,
    }
}

fn mint_info(mint: &Mint, supply: u64) -> Value {
    let authority = mint.authority.to_string();
    let mut info = json!({
        "decimals": mint.decimals, "freezeAuthority": null, "isInitialized": true, "mintAuthority": authority, "supply": supply.to_string(),
    });
    if mint.fee_basis_points > 0 {
        let fee = json!({ "epoch": 0, "maximumFee": u64::MAX, "transferFeeBasisPoints": mint.fee_basis_points });
        let state = json!({
            "newerTransferFee": fee, "olderTransferFee": fee, "transferFeeConfigAuthority": authority,
            "withdrawWithheldAuthority": authority, "withheldAmount": 0,
        });
        put(&mut info, "extensions", json!([{ "extension": "transferFeeConfig", "state": state }]));
    }
    info
}

/// A Zstandard frame (RFC 8878, 3.1) of one raw block: what a client must decode, without anything to compress it with.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // One segment, its length in one byte; in two from 256 on, less 256.
    match u8::try_from(bytes.len()) {
        Ok(length) => frame.extend([0x20, length]),
        Err(_) => {
            frame.push(0x60);
            frame.extend(u16::try_from(bytes.len().saturating_sub(256)).unwrap_or(u16::MAX).to_le_bytes());
        }
    }
    // The last block, raw, and its length.
    let header = u32::try_from(bytes.len()).unwrap_or(0) << 3 | 1;
    frame.extend(header.to_le_bytes().into_iter().take(3));
    frame.extend(bytes);
    frame
}
