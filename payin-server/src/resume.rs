//! `payin-server chains halted` and `chains resume`: which chains are not followed any more until a person has looked, and the person's word
//! that they have. It only writes the word down: the server that follows the chain acts on it, under its lease.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail, ensure};
use payin_core::Chain;
use payin_types::ChainId;

use crate::app::App;
use crate::app::ledger::Resume;
use crate::app::progress::{self, Cursor};
use crate::config::Config;
use crate::serve;

/// Which chain is to go on, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The chain.
    pub chain: ChainId,
    /// The lowest block that may be taken back; `None`: nothing that was final.
    pub from_block: Option<u64>,
    /// The person need not be asked.
    pub yes: bool,
}

/// Shows the halted chains on stdout.
///
/// # Errors
/// What is missing, or the database says.
pub async fn halted(config: &Config) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    for chain in app.chains.iter() {
        let Some(cursor) = progress::cursor(&app, chain).await? else { continue };
        if let Some(reason) = &cursor.halted {
            println!("{}\tblock {}\tfinal up to {}\t{reason}", chain.id, cursor.head_number, cursor.finalized_number);
        }
    }
    app.store.close().await;
    Ok(())
}

/// Lets a halted chain go on.
///
/// # Errors
/// If it is not halted, the person does not want it, or what is missing, or the database says.
pub async fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let app = serve::app(config).await?;
    let chain = app.chains.get(&options.chain).with_context(|| format!("chain {} is not configured", options.chain))?.clone();
    let done = resume(&app, &chain, &options).await;
    app.store.close().await;
    done
}

async fn resume(app: &App, chain: &Chain, options: &Options) -> anyhow::Result<()> {
    let cursor = progress::cursor(app, chain).await?.with_context(|| format!("{} was never followed", chain.id))?;
    let Some(reason) = cursor.halted.clone() else { bail!("{} is not halted", chain.id) };
    eprintln!("{} was halted at block {}: {reason}.", chain.id, cursor.head_number);
    eprintln!("{}", what_it_means(app, chain, &cursor, options.from_block).await?);
    if !options.yes {
        confirm(chain.id.as_str())?;
    }
    app.store.write(Resume { chain: chain.clone(), reason, take_back_from: options.from_block }).await?;
    eprintln!("{} goes on: the server that follows it does so within half a minute, or when it is started.", chain.id);
    Ok(())
}

async fn what_it_means(app: &App, chain: &Chain, cursor: &Cursor, from: Option<u64>) -> anyhow::Result<String> {
    let Some(from) = from else {
        return Ok(format!(
            "It goes on from there. Nothing that was final (up to block {}) is taken back: if the node still says otherwise it is halted \
             again. Where the chain did take back final blocks, name the lowest of them with --from-block.",
            cursor.finalized_number
        ));
    };
    ensure!((1..=cursor.head_number).contains(&from), "--from-block must be 1 to {}, the newest block known", cursor.head_number);
    let stakes = progress::standing_from(app, chain, from).await?;
    let newest: Vec<String> = stakes
        .iter()
        .rev()
        .take(SHOWN)
        .map(|(id, transfer)| format!("\n  {id}: {} {}", transfer.amount.to_amount(), transfer.currency))
        .collect();
    let more = if stakes.len() > SHOWN { "\n  …" } else { "" };
    Ok(format!(
        "If the chain has other blocks now, all from {from} on are taken back once, final or not, and read again. {} recorded transfers \
         are in them: those that the chain still has come back, the others are told as reverted.{}{more}",
        stakes.len(),
        newest.concat()
    ))
}

/// Transfers listed before a person decides.
const SHOWN: usize = 20;

/// Asks the person to type a word, such as the chain's name.
pub(crate) fn confirm(word: &str) -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    ensure!(stdin.is_terminal(), "nobody can be asked: say --yes to go on");
    eprint!("Type {word} to go on: ");
    std::io::stderr().flush()?;
    let mut typed = String::new();
    stdin.lock().read_line(&mut typed)?;
    ensure!(typed.trim() == word, "nothing was changed");
    Ok(())
}
