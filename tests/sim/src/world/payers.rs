//! What payers do: they pay right, wrong, in parts, late, twice, to deposit addresses and through links. They know what they were told.

use payin_core::Token;
use payin_types::link::PublishPaymentLink;
use payin_types::{CreateLinkOrder, CreatePaymentLink};

use super::World;
use super::merchants::{KnownOrder, family};
use crate::act::Kind;
use crate::dice::Dice;

/// Payers pay one of the newest orders mostly: older ones are over.
const RECENT: usize = 8;

/// A decimal text in a token's smallest units.
fn base_units(text: &str, decimals: u32) -> u128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<width$}", width = decimals as usize);
    format!("{whole}{part}").parse().expect("an amount")
}

impl World {
    fn chain_of(&self, id: &str) -> usize {
        self.chains.iter().position(|chain| chain.id() == id).expect("a chain")
    }

    fn token(&self, chain: usize, currency: &str) -> Token {
        self.chains[chain].known.tokens.iter().find(|token| token.currency.as_str() == currency).expect("a token").clone()
    }

    fn recent(&self, dice: &mut Dice) -> Option<KnownOrder> {
        let orders = &self.memory.orders;
        dice.pick(&orders[orders.len().saturating_sub(RECENT)..]).cloned()
    }

    pub(super) fn pay(&mut self, kind: Kind, dice: &mut Dice) {
        if kind == Kind::PayDeposit {
            return self.pay_deposit(dice);
        }
        let order = if kind == Kind::PayLate { dice.pick(&self.memory.orders).cloned() } else { self.recent(dice) };
        let Some(order) = order else { return };
        let chain = self.chain_of(&order.chain);
        let token = self.token(chain, &order.currency);
        let whole = base_units(&order.amount, token.decimals);
        let to = order.address.as_str();
        match kind {
            Kind::PayUnder => self.send(chain, &[(&token, to, (whole * u128::from(dice.between(1, 99)) / 100).max(1))]),
            Kind::PayOver => self.send(chain, &[(&token, to, whole + u128::from(dice.between(1, 5_000_000)))]),
            Kind::PayParts => {
                let first = (whole * u128::from(dice.between(10, 90)) / 100).max(1);
                self.send(chain, &[(&token, to, first)]);
                if dice.permille(800) {
                    self.send(chain, &[(&token, to, (whole - first).max(1))]);
                }
            }
            Kind::PayTwice => {
                self.send(chain, &[(&token, to, whole)]);
                self.send(chain, &[(&token, to, whole)]);
            }
            Kind::PayWrongToken => {
                let other = self.chains[chain].known.tokens.iter().find(|other| other.currency != token.currency).cloned();
                if let Some(other) = other {
                    self.send(chain, &[(&other, to, whole)]);
                }
            }
            Kind::PayWrongChain => {
                let other =
                    (0..self.chains.len()).find(|other| *other != chain && family(self.chains[*other].id()) == family(&order.chain));
                if let Some(other) = other {
                    let token = self.chains[other].known.tokens[0].clone();
                    self.send(other, &[(&token, to, whole)]);
                }
            }
            Kind::PaySeveral => {
                // One transaction for two orders, and twice for one of them.
                let second = self.memory.orders.iter().rev().find(|other| other.chain == order.chain && other.id != order.id).cloned();
                let second = second.map_or_else(|| to.to_owned(), |second| second.address);
                if family(&order.chain) == payin_types::Protocol::Solana {
                    return self.send(chain, &[(&token, to, whole)]);
                }
                self.send(chain, &[(&token, to, whole / 2), (&token, &second, whole), (&token, to, whole - whole / 2)]);
            }
            Kind::PayLarge => self.send(chain, &[(&token, to, whole.max(base_units("1500", token.decimals)))]),
            Kind::PayStranger => {
                let stranger = super::setup::address(&family(&order.chain), dice);
                self.send(chain, &[(&token, &stranger, whole)]);
            }
            _ => self.send(chain, &[(&token, to, whole)]),
        }
    }

    fn pay_deposit(&mut self, dice: &mut Dice) {
        let Some(deposit) = dice.pick(&self.memory.deposits).cloned() else { return };
        let protocol = family(&deposit.chain);
        let there: Vec<usize> = (0..self.chains.len()).filter(|chain| family(self.chains[*chain].id()) == protocol).collect();
        let chain = *dice.pick(&there).expect("a chain");
        let token = dice.pick(&self.chains[chain].known.tokens).expect("a token").clone();
        let value = u128::from(dice.between(10_000, 90_000_000));
        self.send(chain, &[(&token, &deposit.address, value)]);
    }

    pub(super) fn send(&mut self, chain: usize, moves: &[(&Token, &str, u128)]) {
        let hash = self.chains[chain].pay(moves);
        self.moved();
        self.note(format_args!("paid {hash}"));
    }

    /// A merchant publishes a payment link.
    pub(super) async fn link(&mut self, dice: &mut Dice) {
        let merchant = usize::from(dice.permille(200));
        let known = &self.chains[dice.index(self.chains.len())].known;
        let currency = known.tokens[0].currency.clone();
        let (title, sum) = (format!("Thing {}", self.memory.number()), format!("{}.50", dice.between(1, 50)));
        let mut link = CreatePaymentLink::new(title, sum.parse().expect("an amount"), currency, vec![known.id.clone()]);
        link.inventory_total = dice.permille(600).then(|| dice.between(1, 4));
        let client = self.merchants[merchant].client.clone();
        let Ok(made) = client.payment_links().create(&link).await else { return };
        if let Ok(published) = client.payment_links().publish(&made.id, &PublishPaymentLink::default()).await
            && let Some(slug) = published.slug
        {
            self.memory.slugs.push((merchant, slug));
        }
    }

    /// Payers, or somebody who wants the pool to be empty, open orders through a link.
    pub(super) async fn open_link(&mut self, dice: &mut Dice, times: u64) {
        let Some((merchant, slug)) = dice.pick(&self.memory.slugs).cloned() else { return };
        let client = self.merchants[merchant].client.clone();
        let Ok(offer) = client.checkout().link(&slug).await else { return };
        let Some(option) = offer.currencies.first() else { return };
        let Some(chain) = option.chains.first().cloned() else { return };
        for _ in 0..times {
            let Ok(opened) = client.checkout().open(&slug, &CreateLinkOrder::new(option.currency.clone(), chain.clone())).await else {
                continue;
            };
            let order = KnownOrder {
                merchant,
                id: opened.order.order_id.as_str().to_owned(),
                chain: chain.as_str().to_owned(),
                currency: option.currency.as_str().to_owned(),
                address: opened.order.address.clone(),
                amount: opened.order.amount.to_string(),
                closes_at: Some(opened.order.grace_period_ends_at),
            };
            self.judge.told(&order);
            self.memory.orders.push(order);
        }
    }
}
