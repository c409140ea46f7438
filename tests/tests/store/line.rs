//! A made-up chain: blocks and transfers that nobody mined, taken in as the chain's worker would. It must not decide what they mean.

use std::time::Duration;

use futures_util::FutureExt as _;
use payin_core::address::Address;
use payin_core::finality::Rest;
use payin_core::transfer::Transfer;
use payin_core::{Block, Chain, Units};
use payin_server::app::ledger::{self, Expire, Release, Settle, TakeBack, TakeBlocks};
use payin_server::store::chains::{self, Cursor};
use payin_server::store::leases::{self, Lease};
use payin_server::store::{Failure, orders};
use payin_tests::gateway::{Gateway, START};
use payin_types::{Order, OrderId, Timestamp, TransferId};

/// How long leases are taken for here.
pub const TERM: Duration = Duration::from_secs(15);

/// So many seconds after the clock's start.
pub fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

pub async fn take_lease(gateway: &Gateway, name: &str, holder: &str) -> Option<Lease> {
    let (name, holder, now) = (name.to_owned(), holder.to_owned(), gateway.now());
    gateway
        .tx(move |tx| {
            let (name, holder) = (name.clone(), holder.clone());
            async move { Ok(leases::take(tx, &name, &holder, now, TERM).await?) }.boxed()
        })
        .await
        .expect("an answer to who has the lease")
}

/// What somebody sends to an address. Its block is filled in when it is mined.
#[derive(Debug, Clone)]
pub struct Sent {
    pub to: String,
    pub currency: &'static str,
    pub amount: &'static str,
    pub tx: String,
    pub ordinal: u64,
}

impl Sent {
    pub fn to(address: &str, amount: &'static str, tx: &str) -> Self {
        Self { to: address.to_owned(), currency: "USDT", amount, tx: tx.to_owned(), ordinal: 0 }
    }

    pub fn pays(order: &Order, amount: &'static str, tx: &str) -> Self {
        Self::to(&order.address, amount, tx)
    }

    pub fn in_currency(self, currency: &'static str) -> Self {
        Self { currency, ..self }
    }

    pub fn at_ordinal(self, ordinal: u64) -> Self {
        Self { ordinal, ..self }
    }
}

/// One chain as one server follows it.
pub struct Line {
    pub gateway: Gateway,
    pub chain: Chain,
    pub lease: Lease,
    /// What the node would say is final.
    pub finalized: Option<u64>,
    pub tolerance: Units,
    blocks: Vec<Block>,
    fork: u32,
}

impl Line {
    pub async fn new(gateway: &Gateway, chain: &str) -> Self {
        let chain = gateway.chain(chain);
        let lease = take_lease(gateway, &format!("chain {}", chain.id), "server 1").await.expect("the lease is free");
        let mut line =
            Self { gateway: gateway.clone(), chain, lease, finalized: None, tolerance: Units::ZERO, blocks: Vec::new(), fork: 0 };
        let mut conn = gateway.app.store.read().await.expect("a connection");
        line.blocks = chains::blocks_from(&mut conn, line.chain.id.as_str(), 0).await.expect("the blocks so far");
        line.blocks.reverse();
        line
    }

    pub async fn cursor(&self) -> Option<Cursor> {
        let mut conn = self.gateway.app.store.read().await.expect("a connection");
        chains::get(&mut conn, self.chain.id.as_str()).await.expect("the cursor")
    }

    pub fn head(&self) -> u64 {
        self.blocks.last().map_or(0, |block| block.number)
    }

    /// The block of a height.
    pub fn at(&self, number: u64) -> Block {
        self.blocks.iter().find(|block| block.number == number).expect("a block of this height").clone()
    }

    /// The block that would come next.
    pub fn next(&self, time: Timestamp) -> Block {
        let number = self.blocks.last().map_or(100, |head| head.number + 1);
        let parent_hash = self.blocks.last().map_or_else(|| "0x0".to_owned(), |head| head.hash.clone());
        Block { number, hash: format!("0xb{}-{number}", self.fork), parent_hash, time }
    }

    /// A transfer as it stands in a block.
    pub fn transfer(&self, sent: &Sent, block: &Block) -> (TransferId, Transfer) {
        let token = self.chain.token(&sent.currency.into()).expect("a token of the chain");
        let transfer = Transfer {
            chain_id: self.chain.id.clone(),
            tx_hash: sent.tx.clone(),
            ordinal: sent.ordinal,
            block_number: block.number,
            block_hash: block.hash.clone(),
            block_time: block.time,
            currency: token.currency.clone(),
            contract: token.contract.clone(),
            from: Address::from_evm_bytes(&[0xfa; 20]),
            to: Address::from_canonical(sent.to.clone()),
            amount: Units::from_amount(sent.amount.parse().expect("an amount")).expect("a sum"),
        };
        ledger::named(&self.gateway.app, vec![transfer]).remove(0)
    }

    /// What takes a block in from where the cursor stands.
    pub async fn unit(&self, block: &Block, sent: &[Sent]) -> TakeBlocks {
        TakeBlocks {
            lease: self.lease.clone(),
            chain: self.chain.clone(),
            from: self.cursor().await,
            low: block.number,
            blocks: vec![block.clone()],
            transfers: sent.iter().map(|sent| self.transfer(sent, block)).collect(),
            finalized: self.finalized.map(|number| Rest { number, hash: String::new() }),
            now: self.gateway.now(),
        }
    }

    /// Mines a block with these transfers.
    pub async fn block(&mut self, time: Timestamp, sent: &[Sent]) {
        let block = self.next(time);
        self.gateway.write(self.unit(&block, sent).await).await.expect("the block is taken in");
        self.blocks.push(block);
    }

    /// A block was taken in by other means.
    pub fn went_to(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Mines empty blocks, a second apart.
    pub async fn blocks(&mut self, count: u64, first: Timestamp) {
        for number in 0..count {
            self.block(first.plus(Duration::from_secs(number)), &[]).await;
        }
    }

    /// The node says that everything so far is final, and a block comes by which we hear it.
    pub async fn finalize(&mut self, time: Timestamp) {
        self.finalized = Some(self.head() + 1);
        self.block(time, &[]).await;
    }

    /// What takes back the newest blocks.
    pub async fn take_back_unit(&self, depth: usize) -> TakeBack {
        let fork = self.blocks[self.blocks.len() - 1 - depth].clone();
        let from = self.cursor().await.expect("a cursor");
        let (lease, chain) = (self.lease.clone(), self.chain.clone());
        TakeBack { lease, chain, from, fork, tolerance: self.tolerance, now: self.gateway.now() }
    }

    /// The newest blocks are no longer part of the chain.
    pub async fn reorganise(&mut self, depth: usize) {
        self.gateway.write(self.take_back_unit(depth).await).await.expect("the blocks are taken back");
        self.blocks.truncate(self.blocks.len() - depth);
        self.fork += 1;
    }

    /// The blocks above a height were taken back by other means.
    pub fn reorganised_to(&mut self, number: u64) {
        self.blocks.retain(|block| block.number <= number);
        self.fork += 1;
    }

    pub fn settle_unit(&self) -> Settle {
        Settle { lease: self.lease.clone(), chain: self.chain.clone(), tolerance: self.tolerance, now: self.gateway.now() }
    }

    /// Settles until there is nothing left to do.
    pub async fn settle(&self) {
        while self.gateway.write(self.settle_unit()).await.expect("settled") {}
    }

    pub fn expire_unit(&self, order: &OrderId) -> Expire {
        Expire { lease: self.lease.clone(), chain: self.chain.clone(), order: order.clone(), now: self.gateway.now() }
    }

    /// Expires what is due, as the chain's worker finds it. Answers whom it found.
    pub async fn expire(&self) -> Vec<OrderId> {
        let Some(time) = self.cursor().await.and_then(|cursor| cursor.confirmed_time) else { return Vec::new() };
        let mut conn = self.gateway.app.store.read().await.expect("a connection");
        let due = orders::due_to_expire(&mut conn, self.chain.id.as_str(), time, 50).await.expect("who is due");
        drop(conn);
        for order in &due {
            self.gateway.write(self.expire_unit(order)).await.expect("expired");
        }
        due
    }

    /// Who may let go of their addresses, as the chain's worker finds them.
    pub async fn due_to_release(&self) -> Vec<(OrderId, i64)> {
        let cursor = self.cursor().await.expect("a cursor");
        let mut conn = self.gateway.app.store.read().await.expect("a connection");
        let id = self.chain.id.as_str();
        let at_rest = chains::newest_at_or_below(&mut conn, id, cursor.finalized_number).await.expect("a block at rest");
        let Some(at_rest) = at_rest else { return Vec::new() };
        orders::due_to_release(&mut conn, id, at_rest.time, 50).await.expect("who is due")
    }

    pub async fn release_unit(&self, order: &OrderId, address_id: i64) -> Release {
        Release {
            lease: self.lease.clone(),
            order: order.clone(),
            address_id,
            released_at: self.cursor().await.expect("a cursor").head_time,
            deployment: self.gateway.app.deployment(),
        }
    }

    /// Releases what may be. Answers whom it found.
    pub async fn release(&self) -> Vec<OrderId> {
        let due = self.due_to_release().await;
        for (order, address_id) in &due {
            let released: Result<(), Failure> = self.gateway.write(self.release_unit(order, *address_id).await).await;
            released.expect("released");
        }
        due.into_iter().map(|(order, _)| order).collect()
    }
}
