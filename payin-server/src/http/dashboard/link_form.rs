//! The form of a payment link, and what it asks for. What a link may be is a rule of the core.

use std::collections::BTreeMap;
use std::time::Duration;

use payin_core::Error;
use payin_types::link::{AmountType, CreatePaymentLink, LinkCurrency, Theme, UpdatePaymentLink};
use payin_types::{Amount, ChainId, Currency, ErrorCode, PaymentLink, Timestamp};

use super::form::Form as Sent;
use super::lists;
use super::view::Field;
use super::words::Words;
use crate::app::App;

/// The fields, filled in as they were sent. What payers were once promised is fixed from then on, and asked for no more.
pub fn fields(t: &'static Words, app: &App, sent: &Sent, is_fixed: bool) -> Vec<Field> {
    let terms = if is_fixed { Vec::new() } else { terms(t, app, sent) };
    let themes = [Theme::Light, Theme::Dark].map(|theme| (theme.as_str().to_owned(), t.word(theme.as_str())));
    let mut fields = vec![Field::line("title", t.title, sent.text("title")).required()];
    fields.extend(terms);
    fields.extend([
        Field::area("description", t.description, sent.whole("description")),
        Field::typed("inventory", t.inventory, "number", sent.text("inventory")),
        Field::typed("expires", t.expires_optional, "date", sent.text("expires")).hint(t.expires_hint),
        Field::line("ctaText", t.button_text, sent.text("ctaText")),
        Field::choice("theme", t.theme, themes.into(), sent.text("theme")),
        Field::typed("successUrl", t.success_url, "url", sent.text("successUrl")),
        Field::typed("cancelUrl", t.cancel_url, "url", sent.text("cancelUrl")),
    ]);
    fields
}

/// Who says how much, how much it is, and in what.
fn terms(t: &'static Words, app: &App, sent: &Sent) -> Vec<Field> {
    let chosen = sent.all("pay");
    let pairs = app.chains.iter().flat_map(|chain| chain.tokens.iter().map(move |token| (token, chain)));
    let pay = pairs.map(|(token, chain)| {
        let value = format!("{}@{}", token.currency, chain.id);
        let is_chosen = chosen.contains(&value);
        (value, format!("{} · {}", token.currency, payin_core::checkout::network(&chain.id)), is_chosen)
    });
    let kinds = [AmountType::Fixed, AmountType::UserInput].map(|kind| (kind.as_str().to_owned(), t.word(kind.as_str())));
    vec![
        Field::choice("amountType", t.amount_type, kinds.into(), sent.text("amountType")),
        Field::line("amount", t.amount, sent.text("amount")).hint(t.amount_hint),
        Field::checks("pay", t.pay_with, pay.collect()),
        Field::area("prices", t.other_prices, sent.whole("prices")).hint(t.other_prices_hint),
    ]
}

/// The last day on which something holds that ends at a moment, as forms have it: what ends at midnight has had the day before.
fn last_day(at: Timestamp) -> String {
    at.minus(Duration::from_millis(1)).to_string().chars().take("2025-01-20".len()).collect()
}

/// A link as its own form would send it.
pub fn as_sent(link: &PaymentLink) -> Sent {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    let amount = if link.amount_type == AmountType::UserInput { String::new() } else { link.amount.to_string() };
    let prices = link.currencies.iter().filter_map(|one| one.amount.map(|amount| format!("{} {amount}", one.currency)));
    for (name, value) in [
        ("prices", Some(prices.collect::<Vec<_>>().join("\n"))),
        ("title", Some(link.title.clone())),
        ("amountType", Some(link.amount_type.as_str().to_owned())),
        ("amount", Some(amount)),
        ("description", link.description.clone()),
        ("inventory", link.inventory_total.map(|total| total.to_string())),
        ("expires", link.expires_at.map(last_day)),
        ("ctaText", link.cta_text.clone()),
        ("theme", Some(link.theme.as_str().to_owned())),
        ("successUrl", link.success_url.clone()),
        ("cancelUrl", link.cancel_url.clone()),
    ] {
        text.append_pair(name, &value.unwrap_or_default());
    }
    for currency in &link.currencies {
        for chain in &currency.chain_options {
            text.append_pair("pay", &format!("{}@{chain}", currency.currency));
        }
    }
    Sent::parse(text.finish().as_bytes())
}

/// What a form asks for, whether of a new link or of one that is there.
struct Asked {
    amount: Option<Amount>,
    amount_type: AmountType,
    currencies: Vec<LinkCurrency>,
    inventory_total: Option<u64>,
    expires_at: Option<Timestamp>,
    theme: Option<Theme>,
}

/// Of currencies whose price is another than the link's amount: a line each. `None`: the form did not say.
fn prices(form: &Sent) -> Result<Option<BTreeMap<Currency, Amount>>, Error> {
    if !form.has("prices") {
        return Ok(None);
    }
    let problem = || Error::field("prices", "must be a currency and an amount a line, such as USDC 98.50");
    let mut prices = BTreeMap::new();
    for line in form.whole("prices").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (currency, amount) = line.split_once(char::is_whitespace).ok_or_else(problem)?;
        let amount = amount.trim().parse::<Amount>().map_err(|_| problem())?;
        if prices.insert(Currency::from(currency), amount).is_some() {
            return Err(Error::field("prices", "must name each currency once"));
        }
    }
    Ok(Some(prices))
}

fn read(form: &Sent, before: &[LinkCurrency], now: Timestamp) -> Result<Asked, Error> {
    let amount_type = AmountType::from(form.text("amountType"));
    let amount = |text: String| text.parse::<Amount>().map_err(|error| Error::new(ErrorCode::InvalidAmount, format!("amount: {error}")));
    let mut by_currency: BTreeMap<Currency, Vec<ChainId>> = BTreeMap::new();
    for pair in form.all("pay") {
        let (currency, chain) = pair.split_once('@').ok_or_else(|| Error::field("pay", "must be a currency and a network"))?;
        by_currency.entry(Currency::from(currency)).or_default().push(ChainId::from(chain));
    }
    let prices = prices(form)?;
    if let Some(unknown) = prices.iter().flat_map(BTreeMap::keys).find(|currency| !by_currency.contains_key(currency)) {
        let said = payin_core::error::shown(unknown.as_str());
        return Err(Error::field("prices", format!("must be a currency that is chosen above, is '{said}'")));
    }
    let currencies = by_currency.into_iter().map(|(currency, chain_options)| {
        // What the form does not show of a currency stays as it is.
        let known = before.iter().find(|known| known.currency == currency);
        LinkCurrency {
            amount: prices.as_ref().map_or_else(|| known.and_then(|known| known.amount), |prices| prices.get(&currency).copied()),
            is_primary: known.and_then(|known| known.is_primary),
            metadata: known.and_then(|known| known.metadata.clone()),
            currency,
            chain_options,
        }
    });
    Ok(Asked {
        amount: form.some("amount").filter(|_| amount_type == AmountType::Fixed).map(amount).transpose()?,
        amount_type,
        currencies: currencies.collect(),
        inventory_total: form.number("inventory")?,
        expires_at: lists::end_of_day(form, "expires", now)?,
        theme: form.some("theme").map(|word| Theme::from(word.as_str())),
    })
}

/// A new link.
///
/// # Errors
/// `VALIDATION_ERROR` naming the field, `INVALID_AMOUNT`.
pub fn create(form: &Sent, now: Timestamp) -> Result<CreatePaymentLink, Error> {
    let Asked { amount, amount_type, currencies, inventory_total, expires_at, theme } = read(form, &[], now)?;
    Ok(CreatePaymentLink {
        title: form.text("title").to_owned(),
        description: form.some("description"),
        amount,
        amount_type: Some(amount_type),
        currencies,
        inventory_total,
        expires_at,
        metadata: None,
        cta_text: form.some("ctaText"),
        theme,
        success_url: form.some("successUrl"),
        cancel_url: form.some("cancelUrl"),
    })
}

/// A link that is there.
///
/// # Errors
/// As [`create`].
pub fn update(form: &Sent, before: &PaymentLink, now: Timestamp) -> Result<UpdatePaymentLink, Error> {
    // A day is all that the form shows; a moment within it stays, also one that is over.
    let stays = before.expires_at.filter(|known| last_day(*known) == form.text("expires"));
    let now = if stays.is_some() { Timestamp::from_secs(0) } else { now };
    let Asked { amount, amount_type, currencies, inventory_total, expires_at, theme } = read(form, &before.currencies, now)?;
    // A form that was opened before the link was published shows its terms: what it says of them is said, and refused.
    let has_terms = form.has("amountType");
    Ok(UpdatePaymentLink {
        title: Some(form.text("title").to_owned()),
        description: Some(form.some("description")),
        amount: amount.filter(|_| has_terms),
        amount_type: Some(amount_type).filter(|_| has_terms),
        currencies: Some(currencies).filter(|_| has_terms),
        inventory_total: Some(inventory_total),
        expires_at: Some(stays.or(expires_at)),
        metadata: None,
        cta_text: Some(form.some("ctaText")),
        theme,
        success_url: Some(form.some("successUrl")),
        cancel_url: Some(form.some("cancelUrl")),
    })
}
