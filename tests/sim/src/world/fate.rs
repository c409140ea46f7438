//! How servers end: between two things, in the midst of a call or of a step, or as they are asked to. What was answered must be there
//! afterwards; what was not may be or not, whole.

use super::{SERVERS, World};
use crate::act::Kind;
use crate::dice::Dice;
use crate::disk::Cut;

impl World {
    pub(super) async fn end(&mut self, kind: Kind, dice: &mut Dice) {
        let Some(index) = self.server() else { return };
        if self.both() {
            // The other one goes on with the same files: this one is just gone.
            drop(self.servers[dice.index(SERVERS)].take());
            self.receiver.may_hear_again();
            self.coverage.hit("one of two servers is killed");
            return self.lead();
        }
        if kind == Kind::Restart {
            if let Some(server) = self.servers[index].take() {
                server.stop().await;
            }
            self.receiver.may_hear_again();
            let _ = self.look().await;
            self.coverage.hit("restart");
            return self.start(index).await;
        }
        let _ = self.look().await;
        let mark = self.disk.mark();
        let mut cut = Cut::After;
        if kind != Kind::CrashBetween {
            cut = *dice.pick(&[Cut::Before, Cut::Torn, Cut::Between, Cut::After]).expect("one");
            self.unseen(kind, index, dice).await;
        }
        self.servers[index] = None;
        self.receiver.may_hear_again();
        self.line.lead_to(None);
        let place = self.disk.crash(&mark, cut, dice);
        self.books.reopen(&self.disk.path()).await;
        let what = match kind {
            Kind::CrashInCall => "in a call",
            Kind::CrashInStep => "in a step",
            _ => "between",
        };
        self.coverage.hit(format!("crash {what}, {place:?}"));
        self.note(format_args!("crash {what}, {place:?}"));
        // Nobody saw what was answered in the midst of it.
        let _ = self.line.taken();
        self.moved();
        if dice.permille(800) {
            self.start(index).await;
        }
    }

    /// Something is done of which nobody will hear.
    async fn unseen(&mut self, kind: Kind, index: usize, dice: &mut Dice) {
        if kind == Kind::CrashInCall {
            let kind = *dice.pick(&[Kind::Order, Kind::PayWarden, Kind::CryptoPay, Kind::Bind, Kind::Import]).expect("one");
            self.line.lose(crate::client::Loss::Answer);
            let asked = self.ask_of(kind, dice);
            self.ask(asked, dice).await;
            self.line.lose(crate::client::Loss::Nothing);
            return;
        }
        // Mostly there is something new to be taken in.
        (0..self.chains.len()).for_each(|chain| self.mine(chain));
        let Some(server) = &mut self.servers[index] else { return };
        let slot = match dice.below(10) {
            0..2 => 3 * self.chains.len(),
            2..4 => dice.index(server.slots.len()),
            _ => 3 * dice.index(self.chains.len()),
        };
        for _ in 0..dice.between(1, 3) {
            let _ = server.step(slot).await;
        }
    }
}
