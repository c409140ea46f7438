//! How a world begins: two merchants with filled pools and endpoints, chains that are followed. What must succeed here does.

use std::sync::Arc;

use payin_core::address::Address;
use payin_sdk::webhook::Scheme;
use payin_sdk::{Client, CreateEndpoint, EventType, ImportAddresses};
use payin_server::app::{access, dialect};
use payin_types::{ExposeSecret as _, OrganizationId, Protocol, Role};
use sha2::{Digest as _, Sha256};

use super::merchants::Memory;
use super::{Merchant, SERVERS, World};
use crate::books::Books;
use crate::chain::SimChain;
use crate::client::Line;
use crate::clock::{SdkWorld, SimClock, Time};
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::judge::Judge;
use crate::receiver::{Receiver, Trust};
use crate::server::{Ground, Server, offered};

/// Free addresses of each family for each merchant: few, so that they come round again.
const POOLS: [usize; 2] = [14, 6];
/// The events that somebody must ask for by name.
const NAMED: &[EventType] = &[
    EventType::OrderCompleted,
    EventType::OrderExpired,
    EventType::OrderCreated,
    EventType::OrderPaymentDetected,
    EventType::OrderPaidLate,
    EventType::DepositPending,
    EventType::DepositConfirmed,
    EventType::DepositCompleted,
    EventType::DepositAddressBound,
    EventType::DepositAddressUnbound,
    EventType::TransferUnmatched,
    EventType::TransferDetected,
    EventType::TransferConfirmed,
    EventType::PaymentLinkOrderCompleted,
    EventType::PaymentLinkOrderExpired,
    EventType::AddressPoolLow,
    EventType::AddressPoolImported,
    EventType::WebhookEndpointDisabled,
];
pub(super) const PAYWARDEN_URL: &str = "http://paywarden.test/hook";
pub(super) const CRYPTOPAY_URL: &str = "http://cryptopay.test/hook";

/// Anybody's address. On Solana about every second number is one that somebody could have the key of.
pub(super) fn address(protocol: &Protocol, dice: &mut Dice) -> String {
    loop {
        let mut bytes = [0; 32];
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&dice.roll().to_be_bytes()));
        let account: [u8; 20] = bytes[..20].try_into().expect("twenty");
        let found = match protocol {
            Protocol::Solana => Address::parse(protocol, Address::from_solana_bytes(&bytes).as_str()).ok(),
            _ => Address::from_account_bytes(protocol, &account),
        };
        if let Some(found) = found {
            return found.as_str().to_owned();
        }
    }
}

impl World {
    /// Begins.
    pub async fn begin(seed: u64) -> Self {
        let (time, coverage) = (Time::default(), Coverage::default());
        let disk = Disk::new().await;
        let chains: Vec<Arc<SimChain>> =
            (1..).zip(offered()).map(|(n, known)| SimChain::new(known, seed ^ (n << 32), time.now())).collect();
        let receiver = Receiver::new(time.clone(), coverage.clone(), seed ^ 0x5ec);
        let books = Books::open(&disk.path()).await;
        let mut world = Self {
            seed,
            time,
            disk,
            kept: None,
            chains,
            receiver,
            coverage,
            line: Line::default(),
            merchants: Vec::new(),
            memory: Memory::default(),
            servers: [None, None],
            paused: [0; SERVERS],
            lives: 0,
            books,
            judge: Judge::default(),
            trace: Sha256::new(),
            acts: 0,
            steps: 0,
        };
        world.start(0).await;
        let mut dice = Dice::new(seed ^ 0xbe91);
        for (name, pool) in ["Alpha", "Beta"].into_iter().zip(POOLS) {
            world.merchant(name, pool, &mut dice).await;
        }
        world.follow().await;
        let _ = world.line.taken();
        // What is wrong so soon is said after the first act.
        let _ = world.look().await;
        world.steps = 0;
        world
    }

    /// A server begins, on the database as it is.
    pub(super) async fn start(&mut self, index: usize) {
        self.lives += 1;
        let ground = Ground {
            location: self.disk.location(),
            chains: &self.chains,
            receiver: &self.receiver,
            coverage: &self.coverage,
            clock: Arc::new(SimClock::new(self.time.clone(), 0)),
            seed: self.seed ^ (self.lives << 40),
            sole: self.servers.iter().all(Option::is_none),
        };
        self.servers[index] = Some(Server::start(ground).await);
        self.lead();
    }

    /// Who asks reaches a server that is there.
    pub(super) fn lead(&self) {
        let server = self.server().and_then(|index| self.servers[index].as_ref());
        self.line.lead_to(server.map(|server| server.router.clone()));
    }

    async fn merchant(&mut self, name: &str, pool: usize, dice: &mut Dice) {
        let app = self.servers[0].as_ref().expect("a server").app.clone();
        let key = access::make_key(&app).expose_secret().to_owned();
        let unit = access::CreateKey::new(&app, &key, Role::Owner, "sim", Some(name.to_owned()));
        let (organization, _) = app.store.write(unit).await.expect("a key");
        let secret = app.store.write(dialect::Secret::new(&app, organization.clone())).await.expect("a secret");
        let id: OrganizationId = organization;
        let builder = Client::builder().api_key(key.clone()).base_url("http://localhost/api/v1").retries_max(0);
        let world = SdkWorld::new(self.time.clone(), dice.roll());
        let client = builder.transport(self.line.clone()).world(world).build().expect("a client");
        for protocol in [Protocol::Evm, Protocol::Tron, Protocol::Solana] {
            let addresses: Vec<String> = (0..pool).map(|_| address(&protocol, dice)).collect();
            client.addresses().import(&ImportAddresses::new(protocol, addresses.join("\n"))).await.expect("an import");
        }
        let endpoints: &[(&str, &[EventType])] = if name == "Alpha" {
            &[("http://alpha.test/all", NAMED), ("http://alpha.test/some", &[EventType::All])]
        } else {
            &[("http://beta.test/some", &[EventType::All])]
        };
        for (url, events) in endpoints {
            let made = client.webhook_endpoints().create(&CreateEndpoint::new(*url, events.to_vec())).await.expect("an endpoint");
            let secrets = vec![made.secret.clone().expect("a secret")];
            self.receiver.trust(url, Trust { scheme: Scheme::PayIn, secrets });
            self.memory.endpoints.push((made.id, (*url).to_owned()));
        }
        if name == "Alpha" {
            let secrets = vec![secret.secret.expose_secret().to_owned()];
            self.receiver.trust(PAYWARDEN_URL, Trust { scheme: Scheme::PayWarden, secrets: secrets.clone() });
            self.receiver.trust(CRYPTOPAY_URL, Trust { scheme: Scheme::CryptoPay, secrets });
        }
        self.judge.beta.clone_from(&key);
        self.merchants.push(Merchant { id: id.as_str().to_owned(), client, key });
    }

    /// Every chain has a few blocks, and is followed.
    async fn follow(&mut self) {
        for _ in 0..3 {
            self.mine_all(2);
            self.pump(0, 400).await;
        }
    }
}
