//! The instructions of the token programs that move tokens, read from their bytes. Total over whatever a transaction holds; what cannot be
//! read moves nothing, and the balances will tell.
//!
//! Numbers and layouts: crates `spl-token-interface` 3.0.0 and `spl-token-2022-interface` 3.1.2.

use payin_core::solana::TokenProgram;

use super::answers::{Compiled, Recorded};

/// Moves per outer instruction, and per inner one, that can be numbered. A transaction executes 64 instructions at most, and a batch that fits
/// into one has fewer than 150 parts.
const PLACES: u64 = 1_000;

/// What an instruction does to token accounts, which are named by their place among the transaction's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    /// The instruction's place in the transaction: see [`moves`].
    pub ordinal: u64,
    pub program: TokenProgram,
    pub effect: Effect,
    pub amount: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// From one account to another; the mint and the fee where the instruction names them.
    Transfer { source: usize, mint: Option<usize>, destination: usize, fee: Option<u64> },
    /// New tokens.
    Mint { destination: usize },
    /// Tokens destroyed.
    Burn { source: usize },
}

/// Everything the token programs were told to move, in the order of execution.
///
/// The ordinal is made of the outer instruction's place, the place among what it called (0: itself), and the place in a batch (0: none), three
/// decimal digits each for the latter two. The outer places are signed and so are the same wherever the transaction is executed; a counter
/// over all instructions would shift with whatever an earlier one happens to call.
pub(super) fn moves(transaction: &Recorded, program: impl Fn(usize) -> Option<TokenProgram>) -> Vec<Move> {
    let mut moves = Vec::new();
    let inner = transaction.meta.as_ref().and_then(|meta| meta.inner_instructions.as_deref()).unwrap_or_default();
    for (outer, instruction) in (0u64..).zip(&transaction.transaction.message.instructions) {
        let called = inner.iter().filter(|inner| u64::try_from(inner.index).is_ok_and(|index| index == outer));
        let called = called.flat_map(|inner| &inner.instructions);
        for (place, instruction) in (0..PLACES).zip(std::iter::once(instruction).chain(called)) {
            let Some(program) = program(instruction.program_id_index) else { continue };
            let ordinal = outer.saturating_mul(PLACES).saturating_add(place).saturating_mul(PLACES);
            let data = bs58::decode(&instruction.data).into_vec().unwrap_or_default();
            read(program, ordinal, instruction, &data, &mut moves);
        }
    }
    moves
}

fn read(program: TokenProgram, ordinal: u64, instruction: &Compiled, data: &[u8], moves: &mut Vec<Move>) {
    let Some((&BATCH, parts)) = data.split_first() else {
        moves.extend(one(program, ordinal, &instruction.accounts, data));
        return;
    };
    let (mut accounts, mut parts) = (instruction.accounts.as_slice(), parts);
    for place in 1..PLACES {
        let Some(([count, length], rest)) = parts.split_first_chunk() else { return };
        let (Some((data, left)), Some((mine, others))) =
            (rest.split_at_checked(usize::from(*length)), accounts.split_at_checked(usize::from(*count)))
        else {
            return;
        };
        moves.extend(one(program, ordinal.saturating_add(place), mine, data));
        (accounts, parts) = (others, left);
    }
}

const TRANSFER: u8 = 3;
const MINT_TO: u8 = 7;
const BURN: u8 = 8;
const TRANSFER_CHECKED: u8 = 12;
const MINT_TO_CHECKED: u8 = 14;
const BURN_CHECKED: u8 = 15;
/// Of Token-2022 only; the second byte says which of the extension's instructions.
const TRANSFER_FEE_EXTENSION: u8 = 26;
const TRANSFER_CHECKED_WITH_FEE: u8 = 1;
/// Several instructions in one, which the log of inner instructions does not take apart.
const BATCH: u8 = 255;

fn one(program: TokenProgram, ordinal: u64, accounts: &[usize], data: &[u8]) -> Option<Move> {
    let at = |place: usize| accounts.get(place).copied();
    let (&code, rest) = data.split_first()?;
    let (amount, effect) = match code {
        TRANSFER => (number(rest, 0)?, Effect::Transfer { source: at(0)?, mint: None, destination: at(1)?, fee: None }),
        TRANSFER_CHECKED => (number(rest, 0)?, Effect::Transfer { source: at(0)?, mint: at(1), destination: at(2)?, fee: None }),
        TRANSFER_FEE_EXTENSION if program == TokenProgram::Token2022 && rest.first() == Some(&TRANSFER_CHECKED_WITH_FEE) => {
            // Behind both codes: the amount, the decimals, the fee.
            let fee = Some(number(rest, 10)?);
            (number(rest, 1)?, Effect::Transfer { source: at(0)?, mint: at(1), destination: at(2)?, fee })
        }
        MINT_TO | MINT_TO_CHECKED => (number(rest, 0)?, Effect::Mint { destination: at(1)? }),
        BURN | BURN_CHECKED => (number(rest, 0)?, Effect::Burn { source: at(0)? }),
        _ => return None,
    };
    Some(Move { ordinal, program, effect, amount })
}

/// Eight bytes, little-endian.
fn number(data: &[u8], from: usize) -> Option<u64> {
    data.get(from..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
