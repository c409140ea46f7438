//! Extended public keys (BIP-32) of an account, and the addresses at `0/i` below it. A private key is recognised before anything is read,
//! and no error here repeats what it was given.

use std::fmt;

use bip32::{ChildNumber, ExtendedKey, Prefix, XPub};
use sha3::{Digest, Keccak256};

use crate::Protocol;
use crate::address::Address;

/// What people are told who send a private key or a seed phrase, wherever they put it.
pub const LEAKED: &str =
    "this looks like a private key or a seed phrase: treat it as leaked, move its funds, and send public keys or addresses only";

/// How deep an account is: `m / purpose' / coin' / account'`.
const ACCOUNT_DEPTH: u8 = 3;

/// Why a text is no key that addresses can be derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XpubError {
    /// It can spend.
    #[error("{LEAKED}")]
    Private,
    /// Ed25519 derives hardened children only.
    #[error(
        "a Solana wallet (ed25519) has no public derivation: nobody can derive its addresses without the private key. Import addresses"
    )]
    Solana,
    /// A family this server does not know.
    #[error("unknown protocol")]
    Protocol,
    /// Not base58check of an extended public key.
    #[error("must be an extended public key that begins with xpub or tpub; this one is mistyped, cut off or of another kind")]
    Form,
    /// Of a wallet, a coin, or already of a chain of addresses.
    #[error("must be an account's key, such as that of m/44'/60'/0' (EVM) or m/44'/195'/0' (Tron): 3 levels deep, this one is {0}")]
    Depth(u8),
}

/// Whether a text may be something that can spend.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    let extended = |kind: &str| text.get(1..4) == Some(kind);
    let key_in_hex = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let hex = word.strip_prefix("0x").unwrap_or(word);
        hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let words = text.split_whitespace().count() >= 12;
    let long_word = text.len() > 48 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    extended("prv") || key_in_hex || words || (long_word && !extended("pub"))
}

fn read(text: &str) -> Result<ExtendedKey, XpubError> {
    if looks_secret(text) {
        return Err(XpubError::Private);
    }
    let key: ExtendedKey = text.parse().map_err(|_| XpubError::Form)?;
    if key.prefix == Prefix::XPUB || key.prefix == Prefix::TPUB { Ok(key) } else { Err(XpubError::Form) }
}

/// Whether a text is an extended public key, of whatever depth.
///
/// # Errors
/// [`XpubError`].
pub fn check(text: &str) -> Result<(), XpubError> {
    XPub::try_from(read(text)?).map(drop).map_err(|_| XpubError::Form)
}

/// An account's extended public key.
#[derive(Clone)]
pub struct Xpub {
    protocol: Protocol,
    account: XPub,
    /// The account's chain of addresses that are given out, `0`.
    receiving: XPub,
}

impl fmt::Debug for Xpub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever has it sees every address of the merchant's: no secret, but nothing for a log either.
        f.debug_struct("Xpub").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Xpub {
    /// Reads the key of an account of a family.
    ///
    /// # Errors
    /// [`XpubError`] says what is wrong with it.
    pub fn parse(protocol: &Protocol, text: &str) -> Result<Self, XpubError> {
        let key = read(text);
        match protocol {
            _ if key.as_ref().err() == Some(&XpubError::Private) => return Err(XpubError::Private),
            Protocol::Evm | Protocol::Tron => {}
            Protocol::Solana => return Err(XpubError::Solana),
            _ => return Err(XpubError::Protocol),
        }
        let account = XPub::try_from(key?).map_err(|_| XpubError::Form)?;
        if account.attrs().depth != ACCOUNT_DEPTH {
            return Err(XpubError::Depth(account.attrs().depth));
        }
        let receiving = ChildNumber::new(0, false).and_then(|zero| account.derive_child(zero)).map_err(|_| XpubError::Form)?;
        Ok(Self { protocol: protocol.clone(), account, receiving })
    }

    /// One text for all that give the same addresses: network, parent and account number do not matter to them.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut key = self.account.to_extended_key(Prefix::XPUB);
        key.attrs.parent_fingerprint = [0; 4];
        key.attrs.child_number = ChildNumber::default();
        key.to_string()
    }

    /// The family its addresses belong to.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The address at `0/index`. `None` where BIP-32 has none: above 2³¹ - 1, and for one index in 2¹²⁷.
    #[must_use]
    pub fn address(&self, index: u32) -> Option<Address> {
        let child = self.receiving.derive_child(ChildNumber::new(index, false).ok()?).ok()?;
        let point = child.public_key().to_encoded_point(false);
        // The first byte says that both coordinates follow.
        let (_, coordinates) = point.as_bytes().split_first()?;
        let account: [u8; 20] = *Keccak256::digest(coordinates).last_chunk()?;
        match self.protocol {
            Protocol::Tron => Some(Address::from_tron_bytes(&account)),
            _ => Some(Address::from_evm_bytes(&account)),
        }
    }
}

#[cfg(test)]
mod tests;
