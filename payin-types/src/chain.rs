//! Names of chains, families, currencies and environments. Which chains a deployment offers is the server's configuration, not a list here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::open_enum;

macro_rules! word {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The word as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.to_owned()))
            }
        }
    };
}

word! {
    /// A chain's slug such as `ethereum-sepolia` (source: Orders API, `chainId`).
    ChainId
}
word! {
    /// A currency code such as `USDT` (source: Orders API, `currency`).
    Currency
}

open_enum! {
    /// A family of chains whose addresses look alike (source: Orders API, `protocol`).
    Protocol {
        /// Ethereum and chains with its addresses and JSON-RPC.
        Evm = "evm",
        /// Tron.
        Tron = "tron",
        /// Solana.
        Solana = "solana",
    }
}

open_enum! {
    /// Whether tokens have value here. One deployment is one environment.
    Environment {
        /// Valueless test tokens; keys begin with `pk_test_`.
        Testnet = "testnet",
        /// Real money; keys begin with `pk_live_`.
        Mainnet = "mainnet",
    }
}
