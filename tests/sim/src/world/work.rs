//! What servers do: their workers step, one after the other or until all are idle, and can be held up in the midst.

use std::time::Duration;

use payin_server::app::Fault;
use payin_server::worker::StepFault;

use super::{SERVERS, World};
use crate::clock::CLOCK_OFF_MOST;
use crate::dice::Dice;
use crate::server::Stepped;

impl World {
    /// A server that is there and not left alone; one that is down begins.
    async fn worker(&mut self, dice: &mut Dice) -> Option<usize> {
        if self.server().is_none() {
            self.start(0).await;
        }
        let there: Vec<usize> = (0..SERVERS).filter(|index| self.servers[*index].is_some() && self.paused[*index] <= self.acts).collect();
        dice.pick(&there).copied()
    }

    pub(super) async fn work(&mut self, dice: &mut Dice) {
        let Some(index) = self.worker(dice).await else { return };
        let slots = self.servers[index].as_ref().map_or(0, |server| server.slots.len());
        // Chains are followed most of the time; each has three workers, of which the first follows.
        let slot = if dice.permille(650) { 3 * dice.index(self.chains.len()) } else { dice.index(slots) };
        for _ in 0..dice.between(1, 3) {
            if !self.step(index, slot).await {
                break;
            }
        }
    }

    pub(super) async fn work_all(&mut self, dice: &mut Dice) {
        let Some(index) = self.worker(dice).await else { return };
        self.pump(index, 60).await;
    }

    /// Lets all workers step until each is idle, or so many steps were taken. Answers whether they are idle.
    pub(super) async fn pump(&mut self, index: usize, most: usize) -> bool {
        let mut steps = 0;
        let mut did = true;
        while did {
            did = false;
            let slots = self.servers[index].as_ref().map_or(0, |server| server.slots.len());
            for slot in 0..slots {
                while self.step(index, slot).await {
                    did = true;
                    steps += 1;
                    if steps >= most {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Lets one worker step. Answers whether it did something.
    pub(super) async fn step(&mut self, index: usize, slot: usize) -> bool {
        let Some(name) = self.servers[index].as_ref().map(|server| server.slots[slot].name.clone()) else { return false };
        self.note(format_args!("{name} of server {index} steps"));
        let Some(server) = &mut self.servers[index] else { return false };
        let stepped = server.step(slot).await;
        self.stepped(index, slot, stepped).await
    }

    pub(super) async fn stepped(&mut self, index: usize, slot: usize, stepped: Stepped) -> bool {
        let name = self.servers[index].as_ref().map(|server| server.slots[slot].name.clone()).unwrap_or_default();
        let did = match stepped {
            Stepped::Did => true,
            Stepped::Idle => false,
            Stepped::Parked => {
                self.coverage.hit("a step is held up");
                false
            }
            Stepped::Failed(fault) => {
                self.note(format_args!("{name} of server {index}: {fault}"));
                self.failed(&name, &fault);
                false
            }
        };
        let _ = self.look().await;
        did
    }

    /// Nodes may fail a step. Our own database does not, in these worlds.
    fn failed(&mut self, name: &str, fault: &StepFault) {
        match fault {
            StepFault::Source(_) => self.coverage.hit("a step fails for a node"),
            // Another server has the work by now.
            StepFault::Store(Fault::Fenced(_)) => self.coverage.hit("a lease is lost"),
            other => self.judge.wrong("a step fails", format!("{name}: {other}")),
        }
    }

    /// The next steps are held up at their so-manyth call.
    pub(super) async fn hold(&mut self, dice: &mut Dice) {
        let Some(index) = self.worker(dice).await else { return };
        let Some(server) = &self.servers[index] else { return };
        if !server.is_parked() {
            server.gate.arm(u32::try_from(dice.between(1, 8)).expect("few"));
        }
        self.work(dice).await;
    }

    pub(super) async fn let_go(&mut self, dice: &mut Dice) {
        let Some(index) = self.worker(dice).await else { return };
        let Some(server) = &mut self.servers[index] else { return };
        if let Some((slot, stepped)) = server.let_go().await {
            self.coverage.hit("a step goes on");
            self.stepped(index, slot, stepped).await;
        }
    }

    pub(super) fn clock_off(&mut self, dice: &mut Dice) {
        let Some(index) = self.server() else { return };
        let Some(server) = &self.servers[index] else { return };
        let off = Duration::from_secs(dice.between(1, CLOCK_OFF_MOST.as_secs())).as_millis();
        let off = i64::try_from(off).expect("a span") * [1, -1, 0][dice.index(3)];
        server.clock.set(off);
        self.receiver.clocks_differ();
        self.coverage.hit(["a clock is behind", "a clock is right", "a clock is ahead"][usize::try_from(off.signum() + 1).expect("small")]);
    }

    /// A second server begins beside the first, or ends.
    pub(super) async fn second(&mut self, dice: &mut Dice) {
        if self.server().is_none() {
            return;
        }
        match (0..SERVERS).find(|index| self.servers[*index].is_none()) {
            Some(free) => {
                self.start(free).await;
                self.coverage.hit("two servers");
            }
            None => {
                let index = dice.index(SERVERS);
                if let Some(server) = self.servers[index].take() {
                    server.stop().await;
                }
                self.receiver.may_hear_again();
                self.lead();
            }
        }
    }

    /// A server is left alone for a while, perhaps in the midst of a step.
    pub(super) fn pause(&mut self, dice: &mut Dice) {
        if !self.both() {
            return;
        }
        let index = dice.index(SERVERS);
        self.paused[index] = self.acts + dice.between(5, 60);
        self.paused[1 - index] = 0;
        self.coverage.hit("a server is paused");
        let server = self.servers[1 - index].as_ref();
        self.line.lead_to(server.map(|server| server.router.clone()));
    }
}
