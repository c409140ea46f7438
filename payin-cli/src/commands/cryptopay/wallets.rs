//! `payin cryptopay wallets …`. No private key is ever asked for or taken.

use payin_sdk::cryptopay::{AddWallet, PageQuery, UpdateWallet};

use super::super::Context;
use super::super::pages::{self, Paging};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add an address, or an account's extended public key
    Add(Add),
    /// List wallets, newest first
    List(Paging),
    /// Put a wallet away, take it back, or show it under another chain
    Update(Update),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  payin cryptopay wallets add --blockchain base --address 0x5290…
  payin cryptopay wallets add --blockchain base --xpub xpub6…")]
pub struct Add {
    /// The chain: ethereum, base, polygon, bsc or arbitrum; a wallet serves all of them
    #[arg(long, value_name = "NAME")]
    blockchain: String,

    /// An address of yours
    #[arg(long, value_name = "ADDRESS", required_unless_present = "xpub", conflicts_with = "xpub")]
    address: Option<String>,

    /// The extended public key of an account, m/44'/60'/0': addresses are derived from it
    #[arg(long, value_name = "XPUB")]
    xpub: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Update {
    /// The wallet's id
    #[arg(value_name = "ID")]
    id: String,

    /// The chain that it is shown under
    #[arg(long, value_name = "NAME")]
    blockchain: Option<String>,

    /// Whether it is handed out to orders: true or false
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.cryptopay()?;
    let wallets = client.cryptopay().wallets();
    match command {
        Command::Add(Add { blockchain, address, xpub }) => {
            let wallet = match xpub {
                Some(xpub) => AddWallet::xpub(blockchain, xpub),
                None => AddWallet::address(blockchain, address.unwrap_or_default()),
            };
            context.leaves_behind("the wallet may have been added; see: payin cryptopay wallets list");
            context.ui.record(&wallets.add(&wallet).await?, columns::MERCHANT_WALLET)
        }
        Command::List(Paging { page, limit, all }) => {
            let query = PageQuery { page, page_size: limit };
            pages::show(context, all, wallets.list(query), wallets.stream(), columns::MERCHANT_WALLET).await
        }
        Command::Update(Update { id, blockchain, active }) => {
            let change = UpdateWallet { blockchain, address: None, is_active: active };
            context.ui.record(&wallets.update(&id, &change).await?, columns::MERCHANT_WALLET)
        }
    }
}
