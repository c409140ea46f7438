//! Creating what may be there already, and making sure that it is what was asked for. It must not change what it finds.

use std::fmt;

use payin_types::{BindDeposit, CreateOrder, DepositAddress, ErrorCode, Order};

use crate::client::Client;
use crate::difference::{Comparison, Difference, listed};
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

impl std::error::Error for Differs {}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is there already and differs: {}", self.existing, listed(&self.differences))
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
        conclude(found, format!("order {}", order.order_id))?;
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
        conclude(found, "the deposit reference".to_owned())?;
        Ok(EnsuredDepositAddress { address, created: false })
    }
}

fn conclude(found: Comparison, existing: String) -> Result<(), Error> {
    let differences = found.differences();
    if differences.is_empty() { Ok(()) } else { Err(Error::Differs(Box::new(Differs { existing, differences }))) }
}
