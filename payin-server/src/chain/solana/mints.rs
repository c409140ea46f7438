//! Whether the configured mints are what they are taken for: of which token program, how many decimals, which extensions. By the mint accounts'
//! own bytes; never by name or symbol.

use base64::Engine as _;
use payin_core::address::solana_bytes;
use payin_core::solana::TokenProgram;
use payin_core::{Chain, Token};

use super::answers::Account;
use super::decode::Mint;
use crate::chain::source::SourceFault;

/// As much of a mint as is read: the largest that is known (PYUSD, with its metadata) has about a kilobyte.
pub(super) const MINT_BYTES: usize = 16 * 1024;

/// A mint without extensions; the same in both programs.
const BASE: usize = 82;
/// Where a mint of Token-2022 says that it is one, behind padding to the length of a token account.
const KIND_AT: usize = 165;
const KIND_MINT: u8 = 1;

/// Extensions of a mint under which an account's balance still is what the wallet can spend: numbers and names of the crate
/// `spl-token-2022-interface` 3.1.2. PYUSD has those marked with a star. The issuer's powers (freezing, pausing, taking away by permanent
/// delegate) are those that USDC's issuer has by other means.
const EXTENSIONS_ALLOWED: &[(u16, &str)] = &[
    (0, "none"),
    (1, "transfer fee *"),
    (3, "mint close authority *"),
    // Amounts that arrive confidentially are in no balance and are not credited.
    (4, "confidential transfers *"),
    (6, "default account state"),
    (12, "permanent delegate *"),
    (14, "transfer hook *"),
    (16, "confidential transfer fees *"),
    (18, "metadata pointer *"),
    (19, "metadata *"),
    (20, "group pointer"),
    (21, "group"),
    (22, "group member pointer"),
    (23, "group member"),
    (26, "pausable"),
];

/// What is known of the others, for the text that refuses them.
const EXTENSIONS_REFUSED: &[(u16, &str)] = &[
    (9, "non-transferable"),
    (10, "interest-bearing"),
    (24, "confidential mint and burn"),
    (25, "scaled amounts"),
    (28, "permissioned burn"),
];

/// Reads a configured token's mint account.
///
/// # Errors
/// [`SourceFault::Mismatch`], with what is other than configured.
pub(super) fn mint(chain: &Chain, token: &Token, account: Option<&Account>) -> Result<Mint, SourceFault> {
    let (currency, contract) = (&token.currency, &token.contract);
    let refuse = |text: String| SourceFault::Mismatch(format!("{currency} on {}: {text}", chain.id));
    let account = account.ok_or_else(|| refuse(format!("there is no mint at {contract}")))?;
    let bytes = solana_bytes(contract.as_str()).ok_or_else(|| refuse(format!("{contract} is no address")))?;
    let program = TokenProgram::at(&account.owner).ok_or_else(|| refuse(format!("{contract} is not an account of a token program")))?;
    if token.known_program().is_some_and(|known| known != program) {
        return Err(refuse(format!("{contract} is of another token program than this mint is")));
    }
    let data = base64::engine::general_purpose::STANDARD.decode(&account.data.0).unwrap_or_default();
    if !is_mint(&data, program) {
        return Err(refuse(format!("the account {contract} is no mint")));
    }
    // 36 bytes of authority, 8 of supply, then the decimals.
    let decimals = data.get(44).copied().map(u32::from);
    if decimals != Some(token.decimals) {
        let found = decimals.map_or_else(|| "no".to_owned(), |decimals| decimals.to_string());
        return Err(refuse(format!("{contract} has {found} decimals, the configuration says {}", token.decimals)));
    }
    match extensions(&data).into_iter().find(|(found, _)| !EXTENSIONS_ALLOWED.iter().any(|(allowed, _)| allowed == found)) {
        Some((found, _)) => {
            let name = EXTENSIONS_REFUSED.iter().find(|(number, _)| *number == found).map_or("unknown", |(_, name)| name);
            Err(refuse(format!("{contract} has the extension {found} ({name}), under which a balance may not be what it seems")))
        }
        None => Ok(Mint { address: contract.to_string(), bytes, program, decimals: token.decimals }),
    }
}

fn is_mint(data: &[u8], program: TokenProgram) -> bool {
    let initialized = data.get(45) == Some(&1);
    let kind = match program {
        TokenProgram::SplToken => data.len() == BASE,
        TokenProgram::Token2022 => data.len() == BASE || data.get(KIND_AT) == Some(&KIND_MINT),
    };
    initialized && kind
}

/// The extension under which an issuer may pause a mint, and where it says whether it did: behind the authority.
const PAUSABLE: u16 = 26;
const PAUSED_AT: usize = 32;

/// Whether a mint's issuer has paused it.
pub(super) fn is_paused(account: &Account) -> bool {
    let data = base64::engine::general_purpose::STANDARD.decode(&account.data.0).unwrap_or_default();
    extensions(&data).iter().any(|(number, body)| *number == PAUSABLE && body.get(PAUSED_AT) == Some(&1))
}

/// A mint's extensions: two bytes of number, two of length, and so much more, little-endian.
fn extensions(data: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    let mut rest = data.get(KIND_AT.saturating_add(1)..).unwrap_or_default();
    while let Some(([a, b, c, d], behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([*c, *d]));
        found.push((u16::from_le_bytes([*a, *b]), behind.get(..length).unwrap_or(behind)));
        rest = behind.get(length..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
pub(super) mod tests;
