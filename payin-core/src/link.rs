//! What a payment link is: which requests make or change one, when it can be paid, which order a payer opens through it, and how much of
//! a pool such orders may take (sources: the vendor's payment-links guide; what it leaves open is decided here). Titles and texts are
//! text: they are never read as HTML or Markdown on this side.

mod offer;

use payin_types::checkout::{CreateLinkOrder, PublicLinkCurrency, PublicPaymentLink};
use payin_types::link::{LinkCurrency, LinkStatus, PaymentLink};
use payin_types::{CreateOrder, ErrorCode, OrderId, OrganizationId, PaymentLinkId, Protocol, Timestamp, link};
use serde_json::Map;

use crate::error::shown;
use crate::{Error, order};
pub use offer::{Offer, change, offer};

/// A payment link as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The gateway's id.
    pub id: PaymentLinkId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What its owner says of it.
    pub offer: Offer,
    /// How many are held by orders that wait for payment.
    pub reserved: u64,
    /// How many were sold.
    pub sold: u64,
    /// The last part of its URL.
    pub slug: Option<String>,
    /// Since when it is published.
    pub published_at: Option<Timestamp>,
    /// When it was published for the first time: from then on its price stands.
    pub first_published_at: Option<Timestamp>,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

/// Why a link cannot be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Its owner does not offer it, now or at all.
    NotOffered,
    /// Its time is over.
    Expired,
}

/// The last parts of URLs that mean something else.
const RESERVED_SLUGS: &[&str] = &["orders"];
const SLUG_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
const MADE_SLUG_CHARS: usize = 10;
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Refuses what cannot be the last part of a link's URL.
///
/// # Errors
/// `VALIDATION_ERROR`.
pub fn check_slug(slug: &str) -> Result<(), Error> {
    let plain = slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !SLUG_CHARS.contains(&slug.len()) || !plain || slug.starts_with('-') || slug.ends_with('-') {
        return Err(Error::field("slug", "must be 3 to 64 of a-z, A-Z, 0-9 and -, not beginning or ending with -"));
    }
    if RESERVED_SLUGS.iter().any(|reserved| slug.eq_ignore_ascii_case(reserved)) {
        return Err(Error::field("slug", format!("'{slug}' is taken by the gateway itself")));
    }
    Ok(())
}

/// A slug of random base58 characters, from random bits.
#[must_use]
pub fn make_slug(mut random: u128) -> String {
    let digit = |_| {
        let at = usize::try_from(random % 58).unwrap_or(0);
        random /= 58;
        char::from(BASE58.get(at).copied().unwrap_or(b'1'))
    };
    (0..MADE_SLUG_CHARS).map(digit).collect()
}

impl Link {
    /// The documents' word.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        if self.published_at.is_some() { LinkStatus::Published } else { LinkStatus::Draft }
    }

    /// How many can still be sold; `None`: as many as anybody wants.
    #[must_use]
    pub fn available(&self) -> Option<u64> {
        self.offer.inventory_total.map(|total| total.saturating_sub(self.reserved).saturating_sub(self.sold))
    }

    /// Refuses to publish what nobody could pay.
    ///
    /// # Errors
    /// `INVALID_STATE`.
    pub fn check_publishable(&self, now: Timestamp) -> Result<(), Error> {
        let refuse = |message: &str| Err(Error::new(ErrorCode::InvalidState, message));
        if self.archived_at.is_some() {
            return refuse("An archived payment link is not published; restore it first");
        }
        if self.is_past(now) {
            return refuse("The payment link's expiresAt is over; set a later one first");
        }
        Ok(())
    }

    fn is_past(&self, now: Timestamp) -> bool {
        self.offer.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Why the link cannot be paid, if it cannot. That everything is sold is another matter: a payer may still look at it.
    #[must_use]
    pub fn closed(&self, now: Timestamp) -> Option<Closed> {
        if self.published_at.is_none() || self.archived_at.is_some() {
            return Some(Closed::NotOffered);
        }
        self.is_past(now).then_some(Closed::Expired)
    }

    /// Refuses payers where the link cannot be paid.
    ///
    /// # Errors
    /// `PAYMENT_LINK_UNAVAILABLE`.
    pub fn check_payable(&self, now: Timestamp) -> Result<(), Error> {
        let message = match self.closed(now) {
            None => return Ok(()),
            Some(Closed::NotOffered) => "This payment link is not offered at the moment",
            Some(Closed::Expired) => "This payment link has expired",
        };
        Err(Error::new(ErrorCode::PaymentLinkUnavailable, message))
    }

    /// The order that a payer asks for. Its reference is its own id: the payer has none, and no other order can have that one.
    ///
    /// # Errors
    /// `INVALID_CURRENCY`, `INVALID_CHAIN` for what the link does not offer, `INVALID_AMOUNT`, `VALIDATION_ERROR`, `SOLD_OUT`.
    pub fn order(&self, asked: &CreateLinkOrder, id: &OrderId) -> Result<CreateOrder, Error> {
        check_email(asked.email.as_deref())?;
        let currency = self.offer.currencies.iter().find(|offered| offered.currency == asked.currency).ok_or_else(|| {
            let message = format!("Currency '{}' is not offered by this payment link", shown(asked.currency.as_str()));
            Error::new(ErrorCode::InvalidCurrency, message)
        })?;
        if !currency.chain_options.contains(&asked.chain_id) {
            let message =
                format!("Chain '{}' is not offered by this payment link for {}", shown(asked.chain_id.as_str()), currency.currency);
            return Err(Error::new(ErrorCode::InvalidChain, message));
        }
        let amount = match (self.offer.amount_type == link::AmountType::UserInput, asked.amount) {
            (true, Some(amount)) => amount,
            (true, None) => return Err(Error::new(ErrorCode::InvalidAmount, "Amount is missing: say how much you want to pay")),
            (false, None) => currency.amount.unwrap_or(self.offer.amount),
            (false, Some(_)) => {
                return Err(Error::new(ErrorCode::InvalidAmount, "Amount must be absent: this payment link says how much is paid"));
            }
        };
        if self.available() == Some(0) {
            return Err(Error::new(ErrorCode::SoldOut, "Everything is sold, or held by orders that wait for payment"));
        }
        let mut request = CreateOrder::new(id.as_str(), amount, asked.currency.clone(), asked.chain_id.clone());
        request.metadata = Some(self.offer.metadata.clone());
        (request.success_url, request.cancel_url) = (self.offer.success_url.clone(), self.offer.cancel_url.clone());
        Ok(request)
    }

    /// As its owner sees it; `public_url` is where payers reach this server, if it knows.
    #[must_use]
    pub fn to_wire(&self, public_url: Option<&str>) -> PaymentLink {
        let offer = self.offer.clone();
        let published_slug = self.slug.as_ref().filter(|_| self.published_at.is_some());
        PaymentLink {
            id: self.id.clone(),
            title: offer.title,
            description: offer.description,
            amount: offer.amount,
            amount_type: offer.amount_type,
            status: self.status(),
            is_archived: self.archived_at.is_some(),
            slug: self.slug.clone(),
            checkout_url: published_slug.zip(public_url).map(|(slug, public_url)| format!("{public_url}/checkout/{slug}")),
            currencies: offer.currencies,
            inventory_total: offer.inventory_total,
            inventory_reserved: self.reserved,
            inventory_sold: self.sold,
            expires_at: offer.expires_at,
            metadata: offer.metadata,
            cta_text: offer.cta_text,
            theme: offer.theme,
            success_url: offer.success_url,
            cancel_url: offer.cancel_url,
            published_at: self.first_published_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            extra: Map::new(),
        }
    }

    /// As payers see it.
    #[must_use]
    pub fn to_public(&self) -> PublicPaymentLink {
        let offer = &self.offer;
        // Where none is said to be the first, the first is.
        let primary = offer.currencies.iter().position(|currency| currency.is_primary == Some(true)).unwrap_or(0);
        let currency = |(at, currency): (usize, &LinkCurrency)| PublicLinkCurrency {
            currency: currency.currency.clone(),
            amount: currency.amount.unwrap_or(offer.amount),
            chains: currency.chain_options.clone(),
            is_primary: at == primary,
        };
        PublicPaymentLink {
            id: self.id.clone(),
            slug: self.slug.clone().unwrap_or_default(),
            title: offer.title.clone(),
            description: offer.description.clone(),
            amount: offer.amount,
            amount_type: offer.amount_type.clone(),
            currencies: offer.currencies.iter().enumerate().map(currency).collect(),
            expires_at: offer.expires_at,
            available_inventory: self.available(),
            cta_text: offer.cta_text.clone(),
            theme: offer.theme.clone(),
            extra: Map::new(),
        }
    }
}

/// Source: the longest path that mail servers carry (RFC 5321). Whether mail arrives there is not ours to know.
const EMAIL_CHARS_MAX: usize = 254;

fn check_email(email: Option<&str>) -> Result<(), Error> {
    let Some(email) = email else { return Ok(()) };
    let parts: Vec<&str> = email.split('@').collect();
    let around_one = parts.len() == 2 && parts.iter().all(|part| !part.is_empty());
    let odd = email.chars().any(|c| c.is_control() || c.is_whitespace());
    if !around_one || odd || email.chars().count() > EMAIL_CHARS_MAX {
        return Err(Error::field("email", "must be an e-mail address such as ada@example.org, at most 254 characters"));
    }
    Ok(())
}

/// How much of an organization's pool people without a key may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Open orders of one client through one link.
    pub per_client: u64,
    /// Open orders through one link.
    pub per_link: u64,
    /// The share of a family's addresses, in percent, that stays free for orders made with a key.
    pub reserve_percent: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { per_client: 3, per_link: 100, reserve_percent: 50 }
    }
}

/// After so long an order may have been paid or have expired, and another one is possible.
const RETRY_AFTER_S: u64 = 60;

impl Caps {
    /// Refuses one more order where so many are open already.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED`.
    pub fn check_open(&self, of_client: u64, of_link: u64) -> Result<(), Error> {
        let message = if of_client >= self.per_client {
            format!("You have {of_client} orders of this payment link open; pay one of them, or wait until they expire")
        } else if of_link >= self.per_link {
            "Too many orders of this payment link wait for their payment; try again in a minute".to_owned()
        } else {
            return Ok(());
        };
        Err(Error { retry_after_s: Some(RETRY_AFTER_S), ..Error::new(ErrorCode::RateLimitExceeded, message) })
    }

    /// Refuses to take one more address where that would touch what is kept for orders made with a key.
    ///
    /// # Errors
    /// `NO_AVAILABLE_ADDRESSES`.
    pub fn check_reserve(&self, available: u64, total: u64, protocol: &Protocol) -> Result<(), Error> {
        let left = u128::from(available.saturating_sub(1)).saturating_mul(100);
        let reserve = u128::from(total).saturating_mul(u128::from(self.reserve_percent));
        if available == 0 || left < reserve { Err(order::no_address(protocol)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
