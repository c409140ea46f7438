//! Creating what may be there already, and making sure that it is what was asked for. It must not change what it finds.

use std::fmt;

use serde_json::{Map, Value};

use payin_types::{BindDeposit, CreateOrder, DepositAddress, ErrorCode, Order};

use crate::client::Client;
use crate::error::Error;

/// An order that is there, and as asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EnsuredOrder {
    /// The order. One that was there already may have ended since: look at its status.
    pub order: Order,
    /// Whether this call created it.
    pub created: bool,
}

/// The address of a deposit reference on a chain.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EnsuredDepositAddress {
    /// Where to pay.
    pub address: DepositAddress,
    /// Whether this call bound it.
    pub created: bool,
}

/// What is there under a reference is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Differs {
    /// What has the reference: `order ord_…`, or `deposit reference`.
    pub existing: String,
    /// Every field that differs.
    pub differences: Vec<Difference>,
}

/// A field that differs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The field as the API names it; one of the merchant's own data is `metadata.<key>`.
    pub field: String,
    /// What was asked for.
    pub asked: String,
    /// What is there; empty for nothing.
    pub found: String,
}

impl std::error::Error for Differs {}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is there already and differs:", self.existing)?;
        for (at, difference) in self.differences.iter().enumerate() {
            write!(f, "{} {difference:?}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Shows values only where they cannot be a customer's.
impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "amount" | "currency" | "chainId" => write!(f, "{} (asked for {}, found {})", self.field, self.asked, self.found),
            field => f.write_str(field),
        }
    }
}

impl Client {
    /// Creates an order or, where its reference is taken, gets the order that has it, if that is the same order: amount (as a
    /// number, so that `100` is `100.00`), currency and chain, and success URL, cancel URL and metadata where they are given. The windows
    /// are not compared. Safe to repeat, also after a restart of your program.
    ///
    /// # Errors
    /// [`Error::Differs`] lists what differs; else as `orders().create` and `orders().get`.
    pub async fn ensure_order(&self, asked: &CreateOrder) -> Result<EnsuredOrder, Error> {
        let refusal = match self.orders().create(asked).await {
            Ok(order) => return Ok(EnsuredOrder { order, created: true }),
            Err(error) if error.code() == Some(&ErrorCode::DuplicateOrderReference) => error,
            Err(error) => return Err(error),
        };
        let order = match refusal.api().and_then(|error| error.existing_order_id.as_ref()) {
            Some(id) => self.orders().get(id).await?,
            None => self.orders().get_by_reference(&asked.order_reference).await?,
        };
        let mut found = Comparison::default();
        found.compare("orderReference", &asked.order_reference, &order.order_reference);
        if asked.amount != order.amount {
            found.note("amount", asked.amount.to_string(), order.amount.to_string());
        }
        found.compare("currency", asked.currency.as_str(), order.currency.as_str());
        found.compare("chainId", asked.chain_id.as_str(), order.chain_id.as_str());
        let urls = [("successUrl", &asked.success_url, &order.success_url), ("cancelUrl", &asked.cancel_url, &order.cancel_url)];
        for (field, asked, found_url) in urls {
            if let Some(asked) = asked {
                found.compare(field, asked, found_url.as_deref().unwrap_or_default());
            }
        }
        if let Some(metadata) = &asked.metadata {
            found.contains(metadata, &order.metadata);
            found.contains_no_more(metadata, &order.metadata);
        }
        found.conclude(format!("order {}", order.order_id))?;
        Ok(EnsuredOrder { order, created: false })
    }

    /// Binds a deposit reference on a chain or, where it is bound there already, gets its address, if that is for the same
    /// currency and the reference's metadata has every pair given (the server merges metadata, so it may have more).
    /// Safe to repeat, also after a restart of your program.
    ///
    /// # Errors
    /// [`Error::Differs`] lists what differs; else as `deposits().bind` and `deposits().reference`.
    pub async fn ensure_deposit_address(&self, asked: &BindDeposit) -> Result<EnsuredDepositAddress, Error> {
        let refusal = match self.deposits().bind(asked).await {
            Ok(bound) => return Ok(EnsuredDepositAddress { address: bound.into(), created: true }),
            Err(error) if error.code() == Some(&ErrorCode::DuplicateDepositReference) => error,
            Err(error) => return Err(error),
        };
        let reference = self.deposits().reference(&asked.deposit_reference).await?;
        // Not there any more: it was let go between the two calls, and the server's refusal still tells the truth of the first.
        let address = reference.addresses.into_iter().find(|address| address.chain_id == asked.chain_id).ok_or(refusal)?;
        let mut found = Comparison::default();
        found.compare("currency", asked.currency.as_str(), address.currency.as_str());
        if let Some(metadata) = &asked.metadata {
            found.contains(metadata, &reference.metadata);
        }
        found.conclude("the deposit reference".to_owned())?;
        Ok(EnsuredDepositAddress { address, created: false })
    }
}

/// The differences found so far.
#[derive(Default)]
struct Comparison(Vec<Difference>);

impl Comparison {
    fn note(&mut self, field: impl Into<String>, asked: String, found: String) {
        self.0.push(Difference { field: field.into(), asked, found });
    }

    fn compare(&mut self, field: &str, asked: &str, found: &str) {
        if asked != found {
            self.note(field, asked.to_owned(), found.to_owned());
        }
    }

    fn contains(&mut self, asked: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in asked.iter().filter(|(key, value)| found.get(*key) != Some(value)) {
            self.note(format!("metadata.{key}"), value.to_string(), found.get(key).map(Value::to_string).unwrap_or_default());
        }
    }

    fn contains_no_more(&mut self, asked: &Map<String, Value>, found: &Map<String, Value>) {
        for (key, value) in found.iter().filter(|(key, _)| !asked.contains_key(*key)) {
            self.note(format!("metadata.{key}"), String::new(), value.to_string());
        }
    }

    fn conclude(self, existing: String) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Differs(Box::new(Differs { existing, differences: self.0 }))) }
    }
}
