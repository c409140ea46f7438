//! What attackers do on chains: they want to be believed to have paid, or to fill somebody's books.

use super::World;
use crate::act::Kind;
use crate::dice::Dice;

/// How much dust comes at once.
const DUST: u64 = 40;

impl World {
    pub(super) fn forge(&mut self, kind: Kind, dice: &mut Dice) {
        let Some(order) = dice.pick(&self.memory.orders[self.memory.orders.len().saturating_sub(6)..]).cloned() else { return };
        let chain = self.chains.iter().position(|chain| chain.id() == order.chain).expect("a chain");
        let known = &self.chains[chain].known;
        let token = known.tokens.iter().find(|token| token.currency.as_str() == order.currency).expect("a token").clone();
        if kind == Kind::Dust {
            for _ in 0..dice.between(2, DUST) {
                self.send(chain, &[(&token, &order.address, u128::from(dice.between(1, 999)))]);
            }
            return self.coverage.hit("dust");
        }
        let value = 500_000_000;
        let (hash, forgery) = self.chains[chain].attack(&token, &order.address, value, dice);
        self.coverage.hit(format!("forgery: {forgery}"));
        self.note(format_args!("forged {hash}: {forgery}"));
        self.moved();
    }
}
