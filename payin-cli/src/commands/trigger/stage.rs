//! The steps that scenarios are made of, each a few calls of the API, and the stream on which is heard what came of them.

use std::time::Duration;

use payin_sdk::types::checkout::CreateLinkOrder;
use payin_sdk::types::link::PublishPaymentLink;
use payin_sdk::types::sandbox::{Advance, Mine, Pay, PayDeposit, PaymentKind, Reorg};
use payin_sdk::{
    BindDeposit, ChainId, Client, CreateOrder, CreatePaymentLink, Event, EventType, Heard, Live, OrderId, StreamEvents, Timestamp,
};
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::failure::Failure;

/// Blocks behind the confirmations, by which everything is final in a sandbox.
const FINAL_ABOVE: u64 = 40;
/// Confirmations of a chain that does not say how many it asks for.
const CONFIRMATIONS: u64 = 40;
/// By these an event is known to be about what was made here.
const NAMES: [&str; 5] = ["orderId", "depositReference", "bindingId", "paymentLinkId", "txHash"];

/// An order that was made.
pub struct Made {
    id: OrderId,
    chain: ChainId,
    confirmations: u64,
    closes_at: Timestamp,
}

/// What is under way.
pub struct Stage<'c> {
    client: &'c Client,
    fields: Fields,
    made: Map<String, Value>,
    live: Live,
}

impl<'c> Stage<'c> {
    /// Begins to listen before anything happens. By asking for an event by its type it will be recorded, also where no endpoint asks for it.
    pub async fn open(client: &'c Client, event: &EventType, fields: Fields) -> Result<Self, Failure> {
        let types = [event, &EventType::OrderCompleted, &EventType::DepositPending, &EventType::DepositConfirmed];
        let types = types.map(EventType::as_str).join(",");
        let mut live = client.webhook_events().live(StreamEvents { types: Some(types), ..StreamEvents::default() });
        while !matches!(live.next().await?, Heard::At(_)) {}
        Ok(Self { client, fields, made: Map::new(), live })
    }

    pub fn made(&mut self, name: &str, value: &str) {
        self.made.insert(name.to_owned(), value.into());
    }

    pub fn all(self) -> Map<String, Value> {
        self.made
    }

    /// Waits for an event of this type about what was made here.
    pub async fn until(&mut self, event_type: &EventType) -> Result<Event, Failure> {
        loop {
            if let Heard::Event(heard) = self.live.next().await? {
                let is_ours = |name: &&str| self.made.get(*name).is_some_and(|made| heard.event.data.get(*name) == Some(made));
                if heard.event.event_type == *event_type && NAMES.iter().any(is_ours) {
                    return Ok(heard.event);
                }
            }
        }
    }

    fn reference(&self) -> Result<String, Failure> {
        let fresh = || self.client.new_idempotency_key().map(|key| format!("trigger-{}", key.chars().take(8).collect::<String>()));
        Ok(match &self.fields.reference {
            Some(reference) => reference.clone(),
            None => fresh()?,
        })
    }

    pub async fn order(&mut self) -> Result<Made, Failure> {
        let Fields { amount, currency, chain, metadata, .. } = self.fields.clone();
        let order = CreateOrder::new(self.reference()?, amount, currency, chain);
        let order = metadata.into_iter().fold(order, |order, (key, value)| order.metadata(key, value));
        let order = self.client.orders().create(&order).await?;
        self.made("orderId", order.order_id.as_str());
        self.made("orderReference", &order.order_reference);
        Ok(Made {
            id: order.order_id,
            chain: order.chain_id,
            confirmations: order.required_confirmations.unwrap_or(CONFIRMATIONS),
            closes_at: order.grace_period_ends_at.unwrap_or(order.expires_at),
        })
    }

    pub async fn link_order(&mut self) -> Result<Made, Failure> {
        let Fields { amount, currency, chain, .. } = self.fields.clone();
        let link = CreatePaymentLink::new("Triggered", amount, currency.clone(), vec![chain.clone()]);
        let link = self.client.payment_links().create(&link).await?;
        let link = self.client.payment_links().publish(&link.id, &PublishPaymentLink::default()).await?;
        self.made("paymentLinkId", link.id.as_str());
        let slug = link.slug.ok_or_else(|| Failure::internal("the server published a link without a slug"))?;
        let opened = self.client.checkout().open(&slug, &CreateLinkOrder::new(currency, chain)).await?;
        self.made("orderId", opened.order.order_id.as_str());
        let order = self.client.orders().get(&opened.order.order_id).await?;
        Ok(Made {
            id: order.order_id,
            chain: order.chain_id,
            confirmations: order.required_confirmations.unwrap_or(CONFIRMATIONS),
            closes_at: order.grace_period_ends_at.unwrap_or(order.expires_at),
        })
    }

    pub async fn pay(&mut self, order: &Made, kind: PaymentKind) -> Result<(), Failure> {
        let pay = Pay { order_id: order.id.clone(), amount: None, kind: Some(kind), mine: None };
        let paid = self.client.sandbox().pay(&pay).await?;
        self.made("txHash", &paid.tx_hash);
        Ok(())
    }

    async fn mine(&self, chain: &ChainId, blocks: u64) -> Result<u64, Failure> {
        let mine = Mine { chain_id: Some(chain.clone()), blocks: u32::try_from(blocks).ok() };
        let mined = self.client.sandbox().mine(&mine).await?;
        let head = mined.chains.iter().find(|head| head.chain_id == *chain).map(|head| head.head);
        head.ok_or_else(|| Failure::internal("the sandbox mined on another chain"))
    }

    pub async fn confirm(&self, order: &Made) -> Result<(), Failure> {
        self.mine(&order.chain, order.confirmations).await.map(drop)
    }

    pub async fn let_expire(&self, order: &Made) -> Result<(), Failure> {
        let now = self.client.sandbox().clock().await?.now;
        let seconds = order.closes_at.since(now).saturating_add(Duration::from_secs(60)).as_secs();
        self.client.sandbox().advance(&Advance { seconds }).await?;
        Ok(())
    }

    pub async fn bind(&mut self) -> Result<(), Failure> {
        let Fields { currency, chain, metadata, .. } = self.fields.clone();
        let binding = BindDeposit::new(self.reference()?, currency, chain);
        let binding = metadata.into_iter().fold(binding, |binding, (key, value)| binding.metadata(key, value));
        let bound = self.client.deposits().bind(&binding).await?;
        self.made("depositReference", &bound.deposit_reference);
        Ok(())
    }

    fn bound(&self) -> Result<&str, Failure> {
        let reference = self.made.get("depositReference").and_then(Value::as_str);
        reference.ok_or_else(|| Failure::internal("nothing was bound"))
    }

    pub async fn unbind(&self) -> Result<(), Failure> {
        self.client.deposits().unbind(self.bound()?).await?;
        Ok(())
    }

    pub async fn deposit(&mut self) -> Result<(), Failure> {
        let pay = PayDeposit { chain_id: Some(self.fields.chain.clone()), ..PayDeposit::new(self.bound()?, self.fields.amount) };
        let paid = self.client.sandbox().pay_deposit(&pay).await?;
        self.made("txHash", &paid.tx_hash);
        Ok(())
    }

    pub async fn confirm_deposit(&self, pending: &Value, until_final: bool) -> Result<(), Failure> {
        let required = pending.get("requiredConfirmations").and_then(Value::as_u64).unwrap_or(CONFIRMATIONS);
        let blocks = if until_final { required.saturating_add(FINAL_ABOVE) } else { required };
        self.mine(&self.fields.chain, blocks).await.map(drop)
    }

    /// Lets the chain replace the block of a payment, and what lies above it, by blocks without the payment.
    pub async fn take_back(&self, paid: &Value) -> Result<(), Failure> {
        let block = paid.get("blockNumber").and_then(Value::as_u64);
        let block = block.ok_or_else(|| Failure::internal("the event does not say which block has the payment"))?;
        let chain_id = self.fields.chain.clone();
        let mut head = self.mine(&chain_id, 1).await?;
        loop {
            let depth = head.saturating_sub(block).saturating_add(1);
            let reorg = Reorg { drop: Some(true), ..Reorg::new(chain_id.clone(), u32::try_from(depth).unwrap_or(u32::MAX)) };
            let now = self.client.sandbox().reorg(&reorg).await?.head;
            if now.saturating_sub(depth) < block {
                break;
            }
            // Time runs, and the chain had grown meanwhile: its newest blocks reached down to the payment no more.
            head = now;
        }
        self.mine(&chain_id, 1).await.map(drop)
    }
}
