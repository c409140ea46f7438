//! What merchants do, through the SDK, and what they remember of it. Whoever gets no answer asks again, with the same key.

use payin_sdk::{BindDeposit, CreateOrder, DepositReference, EndpointId, Error, ImportAddresses, ListOrders, ListTransfers, OrderId};
use payin_types::cryptopay::CreatePaymentOrder;
use payin_types::paywarden::CreatePayment;
use payin_types::{Amount, Protocol, Timestamp};
use serde_json::json;

use super::World;
use super::setup::{CRYPTOPAY_URL, PAYWARDEN_URL, address};
use crate::act::Kind;
use crate::client::Loss;
use crate::dice::Dice;

/// An idempotency key older than this is not used again: keys live for a day.
const KEY_GOOD_S: u64 = 20 * 3600;

/// An order as its merchant was told of it.
#[derive(Debug, Clone)]
pub struct KnownOrder {
    pub merchant: usize,
    pub id: String,
    pub chain: String,
    pub currency: String,
    pub address: String,
    /// In the token's smallest unit, as asked for.
    pub amount: String,
    /// The last moment at which a payment counts, where it was told.
    pub closes_at: Option<Timestamp>,
}

/// A deposit address as its merchant was told of it.
#[derive(Debug, Clone)]
pub struct KnownDeposit {
    pub merchant: usize,
    pub reference: String,
    pub chain: String,
    pub address: String,
}

/// What a merchant asks for.
#[derive(Debug, Clone)]
pub enum Wish {
    Order(CreateOrder),
    PayWarden(CreatePayment),
    CryptoPay(CreatePaymentOrder),
    Bind(BindDeposit),
    Import(ImportAddresses),
}

/// A wish with the key under which it is asked for, again and again.
#[derive(Debug, Clone)]
pub struct Asked {
    pub merchant: usize,
    pub key: String,
    pub wish: Wish,
    pub at: Timestamp,
}

/// What merchants remember.
#[derive(Default)]
pub struct Memory {
    pub orders: Vec<KnownOrder>,
    pub deposits: Vec<KnownDeposit>,
    pub asked: Vec<Asked>,
    pub slugs: Vec<(usize, String)>,
    pub endpoints: Vec<(EndpointId, String)>,
    count: u64,
}

impl Memory {
    /// A number that nobody has had.
    pub fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

fn amount(text: &str) -> Amount {
    text.parse().expect("an amount")
}

fn money(dice: &mut Dice) -> String {
    if dice.permille(40) {
        return format!("{}.00", dice.between(1_000, 3_000));
    }
    format!("{}.{:02}", dice.between(1, 200), dice.below(100))
}

impl World {
    pub(super) fn ask_of(&mut self, kind: Kind, dice: &mut Dice) -> Asked {
        let number = self.memory.number();
        let merchant = usize::from(dice.permille(150));
        let known = &self.chains[dice.index(self.chains.len())].known;
        let (chain, currency) = (known.id.clone(), dice.pick(&known.tokens).expect("a token").currency.clone());
        let wish = match kind {
            Kind::PayWarden => {
                let payment = CreatePayment::new(format!("pw-{number}"), amount(&money(dice)));
                Wish::PayWarden(if dice.permille(800) { payment.webhook_url(PAYWARDEN_URL) } else { payment })
            }
            Kind::CryptoPay => {
                let order = CreatePaymentOrder::new(number, amount(&money(dice)), "USDC", "base", &json!({"number": number}));
                Wish::CryptoPay(if dice.permille(800) { order.webhook_url(CRYPTOPAY_URL) } else { order })
            }
            Kind::Bind => Wish::Bind(BindDeposit::new(format!("payer-{}-{}", merchant, dice.below(12)), currency, chain)),
            Kind::Import => {
                let protocol = known.protocol.clone();
                let addresses: Vec<String> = (0..dice.between(1, 4)).map(|_| address(&protocol, dice)).collect();
                Wish::Import(ImportAddresses::new(protocol, addresses.join("\n")))
            }
            _ => {
                let mut order = CreateOrder::new(
                    format!("order-{}-{number}", ["alpha", "canary-beta"][merchant]),
                    amount(&money(dice)),
                    currency,
                    chain,
                );
                if dice.permille(400) {
                    order.payment_window_minutes = Some(u32::try_from(dice.between(1, 30)).expect("few"));
                    order.grace_period_minutes = Some(u32::try_from(dice.below(6)).expect("few"));
                }
                Wish::Order(order)
            }
        };
        // The other APIs' secret is the first merchant's.
        let merchant = if matches!(wish, Wish::PayWarden(_) | Wish::CryptoPay(_)) { 0 } else { merchant };
        Asked { merchant, key: format!("key-{number}"), wish, at: self.time.now() }
    }

    /// Asks, and remembers both.
    pub(super) async fn ask(&mut self, asked: Asked, _: &mut Dice) {
        self.memory.asked.push(asked.clone());
        self.tell(&asked).await;
    }

    /// Asks, and remembers what was answered.
    pub(super) async fn tell(&mut self, asked: &Asked) {
        let (merchant, key) = (asked.merchant, asked.key.clone());
        let client = &self.merchants[merchant].client;
        let known = |id: &str, chain: &str, currency: &str, address: &str, amount: &str| KnownOrder {
            merchant,
            id: id.to_owned(),
            chain: chain.to_owned(),
            currency: currency.to_owned(),
            address: address.to_owned(),
            amount: amount.to_owned(),
            closes_at: None,
        };
        let told: Result<Option<KnownOrder>, Error> =
            match &asked.wish {
                Wish::Order(order) => client.orders().create(order).idempotency_key(key).await.map(|made| {
                    let (chain, currency) = (made.chain_id.as_str(), made.currency.as_str());
                    let known = known(made.order_id.as_str(), chain, currency, &made.address, &order.amount.to_string());
                    Some(KnownOrder { closes_at: made.grace_period_ends_at, ..known })
                }),
                Wish::PayWarden(payment) => client.paywarden().payments().create(payment).idempotency_key(key).await.map(|made| {
                    Some(known(made.id.as_str(), "tron-nile", made.currency.as_str(), &made.address, &payment.amount.to_string()))
                }),
                Wish::CryptoPay(order) => client.cryptopay().orders().create(order).idempotency_key(key).await.map(|made| {
                    let id = made.order_id.as_str().replace("ORD-", "ord_");
                    Some(known(&id, "base-sepolia", made.currency.as_str(), &made.receiving_address, &order.amount.to_string()))
                }),
                Wish::Bind(binding) => match client.deposits().bind(binding).idempotency_key(key).await {
                    Ok(bound) => {
                        let (reference, chain) = (bound.deposit_reference.clone(), binding.chain_id.as_str().to_owned());
                        let deposit = KnownDeposit { merchant, reference, chain, address: bound.address.clone() };
                        self.memory.deposits.push(deposit);
                        Ok(None)
                    }
                    Err(error) => Err(error),
                },
                Wish::Import(import) => client.addresses().import(import).idempotency_key(key).await.map(|_| None),
            };
        if let Ok(Some(order)) = told
            && !self.memory.orders.iter().any(|other| other.id == order.id)
        {
            self.judge.told(&order);
            self.memory.orders.push(order);
        }
    }

    /// Asks once more what was asked before, in the very same words.
    pub(super) async fn again(&mut self, dice: &mut Dice) {
        let recent = self.memory.asked.len().min(12);
        let Some(asked) = dice.pick(&self.memory.asked[self.memory.asked.len() - recent..]).cloned() else { return };
        if self.time.now().since(asked.at).as_secs() < KEY_GOOD_S {
            self.tell(&asked).await;
        }
    }

    /// Asks for something else under a key that was used.
    pub(super) async fn other_body(&mut self, dice: &mut Dice) {
        let Some(asked) = self.memory.asked.last().cloned() else { return };
        let Wish::Order(mut order) = asked.wish else { return };
        if self.time.now().since(asked.at).as_secs() >= KEY_GOOD_S {
            return;
        }
        order.order_reference = format!("other-{}", self.memory.number());
        order.amount = amount(&money(dice));
        let made = self.merchants[asked.merchant].client.orders().create(&order).idempotency_key(asked.key.clone()).await;
        if let Ok(made) = made {
            // Right only where the first one left nothing behind; then this is what the key is for from now on.
            let known = KnownOrder {
                merchant: asked.merchant,
                id: made.order_id.as_str().to_owned(),
                chain: made.chain_id.as_str().to_owned(),
                currency: made.currency.as_str().to_owned(),
                address: made.address.clone(),
                amount: order.amount.to_string(),
                closes_at: made.grace_period_ends_at,
            };
            self.judge.told(&known);
            self.memory.orders.push(known);
            self.memory.asked.retain(|other| other.key != asked.key);
        }
    }

    pub(super) async fn unbind(&mut self, dice: &mut Dice) {
        let place = dice.index(self.memory.deposits.len());
        let Some(deposit) = self.memory.deposits.get(place).cloned() else { return };
        let _ = self.merchants[deposit.merchant].client.deposits().unbind(&deposit.reference).await;
    }

    /// Reads, and compares with what the database says.
    pub(super) async fn read(&mut self, dice: &mut Dice) {
        let Some(order) = dice.pick(&self.memory.orders).cloned() else { return };
        let client = &self.merchants[order.merchant].client;
        match dice.below(5) {
            0 => {
                if let Ok(page) = client.orders().list(&ListOrders::default()).await {
                    let whose = self.merchants[order.merchant].id.as_str();
                    let there = self.books.table("orders").filter(|(_, line)| line.text("organization_id") == whose).count();
                    self.judge.equal("orders listed", page.pagination.total, there as u64);
                }
            }
            1 => {
                if let Ok(page) = client.transfers().list(&ListTransfers::default()).await {
                    let whose = self.merchants[order.merchant].id.as_str();
                    let there = self.books.table("transfers").filter(|(_, line)| line.text("organization_id") == whose).count();
                    self.judge.equal("transfers listed", page.pagination.total, there as u64);
                }
            }
            2 => drop(client.orders().explain(&OrderId::from(order.id.as_str())).await),
            3 => drop(client.addresses().status().await),
            _ => {
                if let Ok(shown) = client.orders().get(&OrderId::from(order.id.as_str())).await {
                    self.judge.shown(&order.id, shown.status.as_str(), &shown.received_amount, &self.books);
                }
            }
        }
    }

    /// Asks for what is another's.
    pub(super) async fn foreign(&mut self, dice: &mut Dice) {
        let Some(order) = dice.pick(&self.memory.orders).cloned() else { return };
        let other = &self.merchants[1 - order.merchant].client;
        if other.orders().get(&OrderId::from(order.id.as_str())).await.is_ok() {
            self.judge.wrong("another's order is shown", order.id.clone());
        }
        if let Some(deposit) = self.memory.deposits.first().cloned() {
            let shown: Result<DepositReference, _> =
                self.merchants[1 - deposit.merchant].client.deposits().reference(&deposit.reference).await;
            if shown.is_ok_and(|shown| shown.addresses.iter().any(|bound| bound.address == deposit.address)) {
                self.judge.wrong("another's deposit address is shown", deposit.reference);
            }
        }
    }

    /// Asks for what must be refused.
    pub(super) async fn refused(&mut self, dice: &mut Dice) {
        let client = self.merchants[0].client.clone();
        let number = self.memory.number();
        let order = |chain: &str, currency: &str, sum: &str| CreateOrder::new(format!("bad-{number}"), amount(sum), currency, chain);
        let refused = match dice.below(8) {
            0 => client.orders().create(&order("dogecoin", "USDT", "1")).await.is_err(),
            1 => client.orders().create(&order("ethereum-sepolia", "DOGE", "1")).await.is_err(),
            2 => client.orders().create(&order("ethereum-sepolia", "USDT", "0.0000001")).await.is_err(),
            3 => client.orders().create(&CreateOrder::new("", amount("1"), "USDT", "ethereum-sepolia")).await.is_err(),
            4 => client.orders().get(&OrderId::from("ord_0000000000000000000000")).await.is_err(),
            5 => client.deposits().reference("nobody").await.is_err(),
            6 => {
                let stranger = payin_sdk::Client::builder().api_key("pk_test_nobody").base_url("http://localhost/api/v1").retries_max(0);
                let world = crate::clock::SdkWorld::new(self.time.clone(), 1);
                let stranger = stranger.transport(self.line.clone()).world(world).build().expect("a client");
                stranger.me().await.is_err()
            }
            _ => match self.memory.orders.iter().find(|known| known.merchant == 0) {
                // A reference that is taken.
                Some(known) => {
                    let reference = self.books.row("orders", &known.id).map(|row| row.text("reference").to_owned());
                    let again = CreateOrder::new(reference.unwrap_or_default(), amount("1"), "USDT", "ethereum-sepolia");
                    client.orders().create(&again).await.is_err()
                }
                None => true,
            },
        };
        if !refused {
            self.judge.wrong("something was taken that must be refused", String::new());
        }
    }

    /// Asks while the way is bad.
    pub(super) async fn lose(&mut self, kind: Kind, dice: &mut Dice) {
        self.line.lose(if kind == Kind::LoseAnswer { Loss::Answer } else { Loss::Request });
        self.coverage.hit(if kind == Kind::LoseAnswer { "answer lost" } else { "request lost" });
        if dice.permille(400) {
            self.again(dice).await;
        } else {
            let kind = *dice.pick(&[Kind::Order, Kind::PayWarden, Kind::CryptoPay, Kind::Bind, Kind::Import]).expect("one");
            let asked = self.ask_of(kind, dice);
            self.ask(asked, dice).await;
        }
        self.line.lose(Loss::Nothing);
    }
}

/// The families whose chains an address is good for.
pub(super) fn family(chain: &str) -> Protocol {
    match chain {
        "tron-nile" => Protocol::Tron,
        "solana-devnet" => Protocol::Solana,
        _ => Protocol::Evm,
    }
}
