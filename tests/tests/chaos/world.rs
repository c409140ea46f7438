//! The run itself: a chain, two endpoints with bad roads to them, a merchant whose thousand addresses are paid, and a hand that kills.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use payin_tests::dice::Dice;
use payin_tests::merchant::{Engine, Merchant};
use payin_tests::nodes::anvil::{Anvil, AnvilOptions, Token};
use payin_tests::nodes::proxy::{Proxy, Weather};

use super::holders::{self, Holder};
use super::payers::{DOLLAR, Payers};
use super::truth::{Moved, balances_agree, difference, of_chain, shown};

pub const SEPOLIA: u64 = 11_155_111;
/// Where the chain table says that they are.
pub const USDT: &str = "0xaA8E23Fb1079EA71e0a56F48a2aA51851D8433D0";
pub const USDC: &str = "0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238";
pub const PYUSD: &str = "0xCaC524BcA292aaade2DF8A05cC58F0a65B1B3bB9";
/// Payments to watched addresses, at the end.
const PAYMENTS: usize = 10_000;
/// The chain replaces at most so many blocks.
const DEPTH: u64 = 20;
/// `finalized` lies twice as many blocks below the head: more than are ever replaced.
const EPOCH: u64 = 12;
/// Between two blocks: as fast as the server follows on two cores.
const PACE: Duration = Duration::from_millis(100);
/// For the server to have everything after all has healed.
const CALM: Duration = Duration::from_secs(180);

const FIRST: Weather = Weather { faults: 150, storms: 15, storm_calls: 5, behind: 40, others: 0 };
const SECOND: Weather = Weather { faults: 300, storms: 30, storm_calls: 10, behind: 40, others: 0 };

struct World {
    dice: Dice,
    merchant: Merchant,
    anvil: Anvil,
    tokens: Vec<Token>,
    /// The honest one, on a bad road.
    first: Proxy,
    /// One that lags, on a worse road.
    second: Proxy,
    /// A node with blocks of its own, while there is one.
    fork: Option<(Anvil, u64)>,
    /// By address.
    holders: BTreeMap<String, Holder>,
    kills: usize,
}

pub fn seed() -> u64 {
    let given = std::env::var("PAYIN_CHAOS_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").subsec_nanos().into())
}

pub async fn storm(engine: Engine) {
    let (seed, begun) = (seed(), Instant::now());
    eprintln!("PAYIN_CHAOS_SEED={seed} repeats this run's choices ({engine:?})");
    let mut world = World::start(engine, seed).await;
    let watched: Vec<String> = world.holders.keys().cloned().collect();
    let mut payers = Payers::gather(Dice::new(seed ^ 2), &world.anvil, world.tokens.clone(), watched).await;
    eprintln!("-- {:?}: the storm begins", begun.elapsed());
    world.first.weather(FIRST);
    world.second.weather(SECOND);
    while payers.payments() < PAYMENTS {
        world.next(&mut payers).await;
    }
    eprintln!(
        "-- {:?}: {} payments and {} to strangers, {} reorganisations, {} kills; the first endpoint: {:?}, the second: {:?}",
        begun.elapsed(),
        payers.payments(),
        payers.strangers(),
        payers.reorganisations,
        world.kills,
        world.first.told(),
        world.second.told()
    );
    world.first.heal();
    world.second.heal();
    world.fork = None;
    world.anvil.mine(4 * EPOCH).await;
    world.settles(payers.payments()).await;
    eprintln!("-- {:?}: compared", begun.elapsed());
}

impl World {
    async fn start(engine: Engine, seed: u64) -> Self {
        let anvil = Anvil::start_with(AnvilOptions { chain_id: SEPOLIA, epoch_slots: EPOCH, ..AnvilOptions::default() }).await;
        let mut tokens = Vec::new();
        for (address, name) in [(USDT, "USDT"), (USDC, "USDC"), (PYUSD, "PYUSD")] {
            tokens.push(anvil.deploy_token_at(address, name, name, 6).await);
        }
        let (first, second) = (Proxy::start(anvil.url(), seed ^ 3).await, Proxy::start(anvil.url(), seed ^ 4).await);
        second.lag(3);
        let settings =
            format!("[chains.ethereum-sepolia]\nrpc = [\"{}\", \"{}\"]\nconfirmations = 3\nblock_ms = 200\n", first.url(), second.url());
        let merchant = Merchant::start(engine, &settings).await;
        let holders = holders::hand_out(&merchant).await;
        Self { dice: Dice::new(seed ^ 1), merchant, anvil, tokens, first, second, fork: None, holders, kills: 0 }
    }

    /// What happens next: mostly a block.
    async fn next(&mut self, payers: &mut Payers) {
        tokio::time::sleep(PACE).await;
        match self.dice.below(100) {
            0..8 => {
                let depth = usize::try_from(self.dice.between(1, DEPTH)).expect("small");
                payers.reorganise(&self.anvil, depth).await;
            }
            8..10 => self.kill(payers).await,
            10..13 => self.fork().await,
            _ => payers.block(&self.anvil).await,
        }
        if let Some((_, since)) = &self.fork
            && self.anvil.head().await.number > since + 8
        {
            self.first.beside(None);
            self.second.beside(None);
            self.first.weather(FIRST);
            self.second.weather(SECOND);
            self.fork = None;
        }
    }

    /// The server is gone at once, for a while or for longer, and the chain goes on.
    async fn kill(&mut self, payers: &mut Payers) {
        self.merchant.server().kill().await;
        self.kills += 1;
        let blocks = if self.dice.chance(1, 4) { self.dice.between(40, 60) } else { self.dice.below(10) };
        for _ in 0..blocks {
            payers.block(&self.anvil).await;
        }
        self.merchant.end_leases().await;
        self.merchant.start_again().await;
    }

    /// A node that parts with the others a few blocks below the head, with payments that only it has. Some calls to the first endpoint
    /// and all to the second are answered by it, until the others are eight blocks further.
    async fn fork(&mut self) {
        if self.fork.is_some() {
            return;
        }
        let head = self.anvil.head().await.number;
        let at = head.saturating_sub(self.dice.below(5));
        let options = AnvilOptions {
            chain_id: SEPOLIA,
            epoch_slots: EPOCH,
            fork: Some((self.anvil.url().to_owned(), at)),
            ..AnvilOptions::default()
        };
        let fork = Anvil::start_with(options).await;
        for _ in 0..self.dice.between(1, 8) {
            let to = self.holders.keys().nth(usize::try_from(self.dice.below(1_000)).expect("small")).expect("a thousand");
            fork.transfer(&self.tokens[0], to, DOLLAR).await;
        }
        self.first.beside(Some(fork.url()));
        self.second.beside(Some(fork.url()));
        self.first.weather(Weather { others: 300, ..FIRST });
        self.second.weather(Weather { others: 10_000, ..SECOND });
        self.fork = Some((fork, head));
    }

    /// Everything is recorded and final, each transfer once, and nothing else.
    async fn settles(&mut self, payments: usize) {
        let watched: BTreeSet<String> = self.holders.keys().cloned().collect();
        let chain = of_chain(&self.anvil, &watched).await;
        assert_eq!(chain.len(), payments, "the test has miscounted what it paid");
        let until = Instant::now() + CALM;
        loop {
            let (pending, confirmed) = (holders::count(&self.merchant, "pending").await, holders::count(&self.merchant, "confirmed").await);
            if (pending, confirmed) == (0, chain.len()) {
                break;
            }
            if Instant::now() > until {
                let standing = holders::standing(&self.merchant).await.iter().map(shown).collect();
                let different = difference(&chain, &standing).unwrap_or_else(|| "all is there, and not confirmed".to_owned());
                let log = self.merchant.server().stderr();
                panic!("{pending} pending, {confirmed} confirmed, not {} after {CALM:?}\n{different}\n{log}", chain.len());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let standing = holders::standing(&self.merchant).await;
        let recorded: Vec<Moved> = standing.iter().map(shown).collect();
        let once: BTreeSet<Moved> = recorded.iter().cloned().collect();
        assert_eq!(once.len(), recorded.len(), "something is recorded twice");
        if let Some(different) = difference(&chain, &once) {
            panic!("{different}\n{}", self.merchant.server().stderr());
        }
        balances_agree(&self.anvil, &self.tokens, &watched, &once).await;
        holders::credited(&self.merchant, &self.holders, &standing).await;
    }
}
