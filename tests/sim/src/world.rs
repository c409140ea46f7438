//! A world: chains, servers over one database, merchants and their endpoints, and the judge. It begins, acts happen, it heals. What an act
//! does is in the files beside this one.

mod attackers;
mod backups;
mod fate;
mod heal;
mod merchants;
mod nature;
mod payers;
mod setup;
mod webhooks;
mod work;

use std::sync::Arc;

use payin_sdk::Client;
use sha2::{Digest as _, Sha256};

use crate::act::{Act, Kind};
use crate::books::Books;
use crate::chain::SimChain;
use crate::client::Line;
use crate::clock::Time;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::judge::{Judge, Violation};
use crate::receiver::Receiver;
use crate::server::Server;
use backups::Kept;
pub use merchants::KnownOrder;
use merchants::Memory;

/// Servers that may share a world's database.
const SERVERS: usize = 2;

/// An organization with its client.
pub struct Merchant {
    pub id: String,
    pub client: Client,
    pub key: String,
}

/// A world.
pub struct World {
    seed: u64,
    time: Time,
    disk: Disk,
    /// The newest backup.
    kept: Option<Kept>,
    chains: Vec<Arc<SimChain>>,
    receiver: Arc<Receiver>,
    pub coverage: Coverage,
    line: Line,
    merchants: Vec<Merchant>,
    memory: Memory,
    servers: [Option<Server>; SERVERS],
    /// Until which act a server is left alone.
    paused: [u64; SERVERS],
    /// Servers begun so far: each has a name and luck of its own.
    lives: u64,
    books: Books,
    judge: Judge,
    trace: Sha256,
    acts: u64,
    /// Steps that have changed something.
    pub steps: u64,
}

impl World {
    /// Lets something happen.
    ///
    /// # Errors
    /// What the judge finds.
    pub async fn act(&mut self, act: Act) -> Result<(), Violation> {
        let mut dice = Dice::new(act.luck);
        self.acts += 1;
        self.note(format_args!("{:?} {}", act.kind, act.luck));
        self.coverage.hit(format!("act {:?}", act.kind));
        self.happen(act.kind, &mut dice).await;
        self.look().await
    }

    async fn happen(&mut self, kind: Kind, dice: &mut Dice) {
        match kind {
            Kind::Order | Kind::PayWarden | Kind::CryptoPay | Kind::Bind | Kind::Import => {
                let asked = self.ask_of(kind, dice);
                self.ask(asked, dice).await;
            }
            Kind::Unbind => self.unbind(dice).await,
            Kind::Link => self.link(dice).await,
            Kind::OpenLink => self.open_link(dice, 1).await,
            Kind::LinkSpam => self.open_link(dice, 12).await,
            Kind::Again => self.again(dice).await,
            Kind::OtherBody => self.other_body(dice).await,
            Kind::Read => self.read(dice).await,
            Kind::Foreign => self.foreign(dice).await,
            Kind::Refused => self.refused(dice).await,
            Kind::Resend => self.resend(dice).await,
            Kind::Rotate => self.rotate(dice).await,
            Kind::Forge | Kind::Dust => self.forge(kind, dice),
            Kind::ForgeWebhook | Kind::ReplayWebhook => self.forge_webhook(kind, dice),
            Kind::Block
            | Kind::Blocks
            | Kind::Reorganise
            | Kind::ReorganiseDeep
            | Kind::BringBack
            | Kind::Stall
            | Kind::Tick
            | Kind::Jump => self.nature(kind, dice),
            Kind::NodeDown | Kind::NodeFlaky | Kind::NodeLags | Kind::NodeHides | Kind::NodeParts | Kind::NodeStale | Kind::NodesHeal => {
                self.node(kind, dice)
            }
            Kind::ReceiverFails | Kind::ReceiverDown | Kind::ReceiverLoses | Kind::ReceiverGone | Kind::ReceiversHeal => {
                self.receivers(kind, dice);
            }
            Kind::Work => self.work(dice).await,
            Kind::WorkAll => self.work_all(dice).await,
            Kind::Hold => self.hold(dice).await,
            Kind::LetGo => self.let_go(dice).await,
            Kind::LoseAnswer | Kind::LoseRequest => self.lose(kind, dice).await,
            Kind::CrashBetween | Kind::CrashInCall | Kind::CrashInStep | Kind::Restart => self.end(kind, dice).await,
            Kind::Backup => self.back_up(),
            Kind::Restore => self.restore(dice).await,
            Kind::ClockOff => self.clock_off(dice),
            Kind::Second => self.second(dice).await,
            Kind::Pause => self.pause(dice),
            _ => self.pay(kind, dice),
        }
    }

    /// The judge looks at what has changed.
    async fn look(&mut self) -> Result<(), Violation> {
        for exchange in self.line.taken() {
            self.note(format_args!("{} {} {}", exchange.method, exchange.path, exchange.status));
            self.judge.exchange(&exchange, self.time.now(), &self.coverage);
        }
        if self.books.has_changed().await {
            self.steps += 1;
            let changes = self.books.changes(self.steps.is_multiple_of(256)).await;
            for change in &changes {
                self.note(format_args!("{} {} {:?}", change.table, change.id, change.after.0));
            }
            self.judge.changes(&changes, &self.books, &self.chains, &self.receiver, &self.coverage);
        }
        for wrong in self.receiver.wrong() {
            self.judge.wrong("a webhook is not as it must be", wrong);
        }
        self.judge.verdict()
    }

    /// Something happened outside of the database.
    fn moved(&mut self) {
        self.steps += 1;
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        let text = what.to_string();
        self.trace.update(text.as_bytes());
        self.trace.update(b"\n");
        if crate::run::is_told() {
            eprintln!("{} {text}", self.time.now());
        }
    }

    /// What has happened so far, as a number: the same for the same acts.
    #[must_use]
    pub fn trace(&self) -> String {
        payin_types::id::hex(&self.trace.clone().finalize()[..8])
    }

    fn server(&self) -> Option<usize> {
        (0..SERVERS).find(|index| self.servers[*index].is_some())
    }

    fn both(&self) -> bool {
        self.servers.iter().all(Option::is_some)
    }
}
