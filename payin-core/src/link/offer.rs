//! What an owner may say of a payment link, at first and later: every limit of its fields, and what is frozen once it was published.

use std::collections::BTreeSet;

use payin_types::link::{AmountType, CreatePaymentLink, LinkCurrency, Theme, UpdatePaymentLink};
use payin_types::{Amount, ErrorCode, Timestamp};
use serde_json::{Map, Value};

use super::Link;
use crate::error::shown;
use crate::{Chains, Error, metadata, order, web_url};

const TITLE_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 5000;
const CTA_CHARS_MAX: usize = 60;
const CURRENCIES_MAX: usize = 20;
/// More than anybody sells through one link; a sum of several fits every integer.
const INVENTORY_MAX: u64 = 1_000_000_000;

/// What an owner says of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What is sold.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What is paid; "0" where the payer says.
    pub amount: Amount,
    /// Who says how much.
    pub amount_type: AmountType,
    /// What it can be paid in.
    pub currencies: Vec<LinkCurrency>,
    /// How many can be sold.
    pub inventory_total: Option<u64>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// The merchant's own data.
    pub metadata: Map<String, Value>,
    /// The words on the button.
    pub cta_text: Option<String>,
    /// How the checkout page looks.
    pub theme: Theme,
    /// Where the payer goes after payment.
    pub success_url: Option<String>,
    /// Where the payer goes when the order has expired.
    pub cancel_url: Option<String>,
}

/// The offer of a new link.
///
/// # Errors
/// `VALIDATION_ERROR`, `INVALID_AMOUNT`, `INVALID_CHAIN`, `INVALID_CURRENCY`.
pub fn offer(request: CreatePaymentLink, chains: &Chains, now: Timestamp) -> Result<Offer, Error> {
    let amount = request.amount.unwrap_or(Amount::ZERO);
    let open = if amount.is_zero() { AmountType::UserInput } else { AmountType::Fixed };
    let offer = Offer {
        title: request.title.trim().to_owned(),
        description: request.description.map(with_plain_lines),
        amount,
        amount_type: request.amount_type.unwrap_or(open),
        currencies: request.currencies,
        inventory_total: request.inventory_total,
        expires_at: request.expires_at,
        metadata: request.metadata.unwrap_or_default(),
        cta_text: request.cta_text,
        theme: request.theme.unwrap_or(Theme::Dark),
        success_url: request.success_url,
        cancel_url: request.cancel_url,
    };
    check(&offer)?;
    check_price(&offer, chains)?;
    check_end(offer.expires_at, now)?;
    Ok(offer)
}

/// The offer of a link that its owner changes. Saying again what is so already changes nothing and is never refused.
///
/// # Errors
/// As [`offer`]; `INVALID_STATE` for what is frozen since the link was published.
pub fn change(link: &Link, request: UpdatePaymentLink, chains: &Chains, now: Timestamp) -> Result<Offer, Error> {
    let was = &link.offer;
    let amount = request.amount.unwrap_or(was.amount);
    let open = match request.amount {
        Some(amount) if amount.is_zero() => AmountType::UserInput,
        Some(_) => AmountType::Fixed,
        None => was.amount_type.clone(),
    };
    let offer = Offer {
        title: request.title.map_or_else(|| was.title.clone(), |title| title.trim().to_owned()),
        description: request.description.map_or_else(|| was.description.clone(), |text| text.map(with_plain_lines)),
        amount: if request.amount_type == Some(AmountType::UserInput) && request.amount.is_none() { Amount::ZERO } else { amount },
        amount_type: request.amount_type.unwrap_or(open),
        currencies: request.currencies.unwrap_or_else(|| was.currencies.clone()),
        inventory_total: request.inventory_total.unwrap_or(was.inventory_total),
        expires_at: request.expires_at.unwrap_or(was.expires_at),
        metadata: request.metadata.map_or_else(|| was.metadata.clone(), Option::unwrap_or_default),
        cta_text: request.cta_text.unwrap_or_else(|| was.cta_text.clone()),
        theme: request.theme.unwrap_or_else(|| was.theme.clone()),
        success_url: request.success_url.unwrap_or_else(|| was.success_url.clone()),
        cancel_url: request.cancel_url.unwrap_or_else(|| was.cancel_url.clone()),
    };
    check(&offer)?;
    let price = |offer: &Offer| (offer.amount, offer.amount_type.clone(), offer.currencies.clone());
    if price(&offer) != price(was) {
        if link.first_published_at.is_some() {
            let message = "amount, amountType and currencies are frozen since the payment link was published; make a new one";
            return Err(Error::new(ErrorCode::InvalidState, message));
        }
        check_price(&offer, chains)?;
    }
    if offer.expires_at != was.expires_at {
        check_end(offer.expires_at, now)?;
    }
    let taken = link.sold.saturating_add(link.reserved);
    if offer.inventory_total.is_some_and(|total| total < taken) {
        return Err(Error::field(
            "inventoryTotal",
            format!("must be at least {taken}: {} sold, {} held by open orders", link.sold, link.reserved),
        ));
    }
    Ok(offer)
}

fn with_plain_lines(text: String) -> String {
    text.replace("\r\n", "\n")
}

fn check(offer: &Offer) -> Result<(), Error> {
    text("title", &offer.title, 1, TITLE_CHARS_MAX, false)?;
    text("description", offer.description.as_deref().unwrap_or_default(), 0, DESCRIPTION_CHARS_MAX, true)?;
    text("ctaText", offer.cta_text.as_deref().unwrap_or("-"), 1, CTA_CHARS_MAX, false)?;
    for (field, word, known) in [
        ("amountType", offer.amount_type.as_str(), AmountType::known(offer.amount_type.as_str()).is_some()),
        ("theme", offer.theme.as_str(), Theme::known(offer.theme.as_str()).is_some()),
    ] {
        if !known {
            return Err(Error::field(field, format!("'{}' is not one of the words allowed", shown(word))));
        }
    }
    if offer.inventory_total.is_some_and(|total| !(1..=INVENTORY_MAX).contains(&total)) {
        return Err(Error::field("inventoryTotal", format!("must be 1 to {INVENTORY_MAX}; leave it out where there is no end of it")));
    }
    metadata::check(&offer.metadata)?;
    for (field, url) in [("successUrl", &offer.success_url), ("cancelUrl", &offer.cancel_url)] {
        url.as_deref().map_or(Ok(()), |url| web_url::redirect(field, url))?;
    }
    Ok(())
}

fn text(field: &str, text: &str, least: usize, most: usize, lines: bool) -> Result<(), Error> {
    let chars = text.chars().count();
    if !(least..=most).contains(&chars) {
        return Err(Error::field(field, format!("must be {least} to {most} characters, is {chars}")));
    }
    if text.chars().any(|c| c.is_control() && !(lines && c == '\n')) {
        return Err(Error::field(field, "must not contain control characters"));
    }
    Ok(())
}

fn check_end(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::field("expiresAt", format!("must be in the future; it is {now}")));
    }
    Ok(())
}

/// What is paid, in what, on which chains: each of them offered here, each amount one that the token can express on each chain.
fn check_price(offer: &Offer, chains: &Chains) -> Result<(), Error> {
    let refuse = |problem: String| Err(Error::field("currencies", problem));
    let currencies = &offer.currencies;
    if !(1..=CURRENCIES_MAX).contains(&currencies.len()) {
        return refuse(format!("must be 1 to {CURRENCIES_MAX}, are {}", currencies.len()));
    }
    if currencies.iter().filter(|currency| currency.is_primary == Some(true)).count() > 1 {
        return refuse("only one can be primary".to_owned());
    }
    let mut seen = BTreeSet::new();
    for currency in currencies {
        let name = shown(currency.currency.as_str());
        if !seen.insert(&currency.currency) {
            return refuse(format!("'{name}' is there twice; give all its chains in one chainOptions"));
        }
        if currency.chain_options.is_empty() {
            return refuse(format!("'{name}' needs one chain at least in chainOptions"));
        }
        metadata::check(currency.metadata.as_ref().unwrap_or(&Map::new()))?;
        let mut on = BTreeSet::new();
        for id in &currency.chain_options {
            let chain = chains.find(id)?;
            let token = chains.find_token(chain, &currency.currency)?;
            if !on.insert(id) {
                return refuse(format!("'{name}' names the chain {id} twice"));
            }
            check_amount(offer, currency.amount, token.decimals)?;
        }
    }
    Ok(())
}

fn check_amount(offer: &Offer, own: Option<Amount>, decimals: u32) -> Result<(), Error> {
    if offer.amount_type == AmountType::UserInput {
        if !offer.amount.is_zero() || own.is_some_and(|own| !own.is_zero()) {
            let message = "Amount must be \"0\" or absent where the payer says how much (amountType user_input)";
            return Err(Error::new(ErrorCode::InvalidAmount, message));
        }
        return Ok(());
    }
    // The link's own amount is checked though a currency has another: it is shown.
    for amount in [Some(offer.amount), own].into_iter().flatten() {
        order::amount(amount, decimals)?;
    }
    Ok(())
}
