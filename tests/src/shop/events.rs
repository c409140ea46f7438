//! What the shop does about webhooks: verify, once, in order, checked, and only then answer. It must not know scenarios.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use payin_sdk::webhook::{self, ExpectedOrder, PAYIN_SIGNATURE, Scheme, Verifier};
use payin_sdk::{Amount, Error, Event, EventId, EventType, Timestamp};
use payin_types::event::{DepositEvent, OrderEvent};

use super::{Counter, Mistake, Sale, Shop};

pub(super) async fn webhook(State(shop): State<Arc<Counter>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !shop.is_genuine(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::UNPROCESSABLE_ENTITY };
    if shop.makes(Mistake::Deaf) {
        return StatusCode::NO_CONTENT;
    }
    if !shop.makes(Mistake::DoesNotDedupe) && !shop.books().handled.insert(event.id.clone()) {
        return StatusCode::NO_CONTENT;
    }
    match shop.handle(&event).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) if shop.makes(Mistake::SwallowsErrors) => StatusCode::NO_CONTENT,
        Err(status) => {
            // It was not handled: it has to come again.
            shop.books().handled.remove(&event.id);
            status
        }
    }
}

impl Counter {
    fn is_genuine(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        if self.makes(Mistake::TrustsAnybody) {
            return true;
        }
        let verifier = Verifier::new(Shop::secret());
        let verifier = if self.makes(Mistake::AcceptsOld) { verifier.tolerance(None) } else { verifier };
        let now = Timestamp::from(SystemTime::now());
        if self.makes(Mistake::FirstSignatureOnly) {
            let all = headers.get(PAYIN_SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let first = all.split(',').take(2).collect::<Vec<_>>().join(",");
            return webhook::verify_as(Scheme::PayIn, [(PAYIN_SIGNATURE, first)], body, &verifier, now).is_ok();
        }
        webhook::verify(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), body, &verifier, now).is_ok()
    }

    async fn handle(&self, event: &Event) -> Result<(), StatusCode> {
        let kind = event.event_type.as_str();
        if kind.starts_with("transfer.") {
            self.transfer(event);
        } else if matches!(event.event_type, EventType::Unknown(_)) {
            // What a later version tells is not for this one.
            return if self.makes(Mistake::RefusesUnknown) { Err(StatusCode::BAD_REQUEST) } else { Ok(()) };
        } else if let Some(order) = event.order().map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)? {
            return self.order(event, &order).await;
        } else if let Some(deposit) = event.deposit().map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)? {
            self.deposit(event, &deposit);
        }
        Ok(())
    }

    async fn order(&self, event: &Event, told: &OrderEvent) -> Result<(), StatusCode> {
        if event.event_type == EventType::OrderCompleted {
            // A second look, at the gateway itself.
            match self.gateway.orders().get(&told.order_id).retries_max(0).await {
                Ok(_) => {}
                Err(Error::Api(error)) if error.status == 404 => return Ok(()),
                Err(_) => return Err(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
        let mut books = self.books();
        // Events about orders of others, and of other programs of the organization, are taken, and change nothing.
        let Some(sale) = books.sales.get_mut(&told.order_reference) else { return Ok(()) };
        let is_old = event.sequence.is_some_and(|sequence| sequence < sale.sequence);
        sale.sequence = sale.sequence.max(event.sequence.unwrap_or_default());
        if is_old && !self.makes(Mistake::IgnoresSequence) {
            return Ok(());
        }
        match event.event_type {
            EventType::OrderCompleted => self.completed(event, told, sale),
            EventType::OrderPaymentDetected if self.makes(Mistake::CreditsOnDetected) => sale.fulfil(told.received_amount),
            EventType::OrderPaymentDetected if self.makes(Mistake::IgnoresSequence) => sale.status = "waiting",
            EventType::OrderExpired => self.expired(told, sale),
            EventType::OrderPaidLate if self.makes(Mistake::FulfilsLate) => sale.fulfil(told.received_amount),
            EventType::OrderPaidLate => sale.status = "review",
            EventType::OrderReverted if self.makes(Mistake::IgnoresReverted) => {}
            EventType::OrderReverted => sale.status = if sale.fulfilled > 0 { "review" } else { "waiting" },
            _ => {}
        }
        Ok(())
    }

    fn completed(&self, event: &Event, told: &OrderEvent, sale: &mut Sale) {
        let expected = ExpectedOrder::new(told.order_reference.as_str(), sale.amount, sale.currency.clone());
        if expected.paid_by(event).is_err() && !self.makes(Mistake::DoesNotCheckPrice) {
            return;
        }
        if sale.cancelled && !self.makes(Mistake::FulfilsCancelled) {
            sale.status = "review";
        } else if sale.status == "closed" && self.makes(Mistake::PollCloses) {
            // Closed is closed to it.
        } else if sale.fulfilled > 0 && !self.makes(Mistake::FulfilsPerEvent) && !self.makes(Mistake::DoesNotDedupe) {
            sale.status = "fulfilled";
        } else if self.makes(Mistake::TakesPriceForReceived) {
            sale.fulfil(Some(told.amount));
        } else {
            sale.fulfil(told.received_amount);
        }
    }

    fn expired(&self, told: &OrderEvent, sale: &mut Sale) {
        let received = told.received_amount.unwrap_or(Amount::ZERO);
        let number = |text: &str| text.parse::<Amount>().expect("an amount").to_decimal();
        let almost_all = received.to_decimal() * number("100") >= sale.amount.to_decimal() * number("95");
        let is_enough = self.makes(Mistake::AnyMoneyWillDo) && !received.is_zero() || self.makes(Mistake::Tolerant) && almost_all;
        if is_enough {
            sale.fulfil(told.received_amount);
        } else if self.makes(Mistake::ForgetsPart) {
            sale.expire(None);
        } else if !self.makes(Mistake::NeverCloses) {
            sale.expire(told.received_amount);
        }
    }

    /// Nothing, unless it takes any money for its own: what a transfer counts for is for the gateway to say.
    fn transfer(&self, event: &Event) {
        let is_final_word = [EventType::TransferConfirmed, EventType::TransferUnmatched].contains(&event.event_type);
        if !self.makes(Mistake::CreditsAnyTransfer) || !is_final_word {
            return;
        }
        let text = |field: &str| event.data[field].as_str().unwrap_or_default().to_owned();
        // Two events may tell of one transfer.
        if !self.books().handled.insert(EventId::from(text("txHash"))) {
            return;
        }
        let amount = text("amount").parse::<Amount>().ok();
        // The two kinds of events name it otherwise.
        let to = [text("toAddress"), text("address")];
        for sale in self.books().sales.values_mut().filter(|sale| to.contains(&sale.address) && Some(sale.amount) == amount) {
            sale.fulfil(amount);
        }
    }

    fn deposit(&self, event: &Event, told: &DepositEvent) {
        let mut books = self.books();
        let Some(account) = books.accounts.get_mut(&told.deposit_reference) else { return };
        match event.event_type {
            EventType::DepositConfirmed => {
                let mark = match self.mistake {
                    Some(Mistake::OneAmountOnce) => told.amount.to_string(),
                    Some(Mistake::OneTransactionOnce) => told.tx_hash.clone(),
                    _ => told.deposit_id.to_string(),
                };
                if account.seen.insert(mark) {
                    account.credited.insert(told.deposit_id.clone(), told.amount);
                }
            }
            EventType::DepositCompleted if self.makes(Mistake::CreditsFinalToo) => account.more.push(told.amount),
            EventType::DepositReverted if !self.makes(Mistake::IgnoresReverted) => {
                account.credited.remove(&told.deposit_id);
                // It may be confirmed again.
                account.seen.remove(told.deposit_id.as_str());
            }
            _ => {}
        }
    }
}
