//! What a wallet is asked to send, in the forms that wallets read: a URI, and the call of a token's contract. Every form names the token by
//! its contract and the sum in the token's own units; none says more than the page does.

use std::fmt::Write as _;

use payin_types::{Currency, Protocol};

use crate::address::{Address, evm_bytes};
use crate::{Chain, Units};

/// The payment as a URI: EIP-681, Solana Pay, or Tron's scheme with the address alone. A wallet that reads an amount there takes it for TRX,
/// which would be lost. `None` where the chain does not have the token, or the token cannot express the sum.
#[must_use]
pub fn uri(chain: &Chain, currency: &Currency, to: &Address, amount: Units) -> Option<String> {
    let token = chain.token(currency)?;
    let (contract, base_units) = (&token.contract, amount.to_base_units(token.decimals)?);
    match chain.protocol {
        Protocol::Evm => Some(format!("ethereum:{contract}@{}/transfer?address={to}&uint256={base_units}", chain.numeric_id?)),
        // The wallet's address, never its token account (source: Solana Pay, "Transfer Request").
        Protocol::Solana => Some(format!("solana:{to}?amount={}&spl-token={contract}", amount.to_amount())),
        Protocol::Tron => Some(format!("tron:{to}")),
        _ => None,
    }
}

/// A call that a browser's wallet is asked to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The chain, as wallets write it.
    pub chain_id: String,
    /// The token's contract.
    pub contract: String,
    /// `transfer(address,uint256)`, as that family's wallets take it.
    pub transfer: Transfer,
}

/// The one function that is called, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// Encoded (EIP-1193, `eth_sendTransaction`).
    Evm(String),
    /// As texts, which the wallet's own library encodes (TIP-1193, `tronWeb`).
    Tron {
        /// Who is paid.
        to: String,
        /// How much, in the token's own units.
        units: String,
    },
}

/// The first bytes of a call of `transfer(address,uint256)`.
const TRANSFER: &str = "0xa9059cbb";

/// The call that pays on an EVM chain or on Tron. On Solana a wallet takes a whole transaction, with accounts to be derived and the hash of a recent block
/// of the chain: a page has none of that, and offers the URI alone.
#[must_use]
pub fn call(chain: &Chain, currency: &Currency, to: &Address, amount: Units) -> Option<Call> {
    let token = chain.token(currency)?;
    let base_units = amount.to_base_units(token.decimals)?;
    let transfer = match chain.protocol {
        Protocol::Evm => Transfer::Evm(encoded(to, base_units)?),
        Protocol::Tron => Transfer::Tron { to: to.as_str().to_owned(), units: base_units.to_string() },
        _ => return None,
    };
    Some(Call { chain_id: format!("{:#x}", chain.numeric_id?), contract: token.contract.as_str().to_owned(), transfer })
}

fn encoded(to: &Address, base_units: u128) -> Option<String> {
    let mut data = format!("{TRANSFER}{:024}", 0);
    for byte in evm_bytes(to.as_str())? {
        // Writing to a text does not fail.
        let _ = write!(data, "{byte:02x}");
    }
    let _ = write!(data, "{base_units:064x}");
    Some(data)
}
