//! The page of a payment link: what is sold, and how the payer wants to pay. Sending its form opens an order and leads to that order's page.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payin_core::Error;
use payin_core::checkout::{network, token_standard};
use payin_core::link::Closed;
use payin_types::checkout::{CreateLinkOrder, PublicLinkCurrency};
use payin_types::link::{AmountType, Theme};
use payin_types::{Amount, ChainId, Currency, Environment, ErrorCode, Protocol, PublicPaymentLink};
use url::form_urlencoded;

use super::Visitor;
use super::pages::{Frame, closed, page};
use super::reader::Reader;
use super::words::Words;
use crate::app::checkout;
use crate::app::{App, Failure, Fault};
use crate::http::answer::Reject;
use crate::http::body;
use crate::http::page::Moment;

#[derive(Template)]
#[template(path = "checkout/link.html")]
struct LinkPage {
    frame: Frame,
    slug: String,
    title: String,
    description: Option<String>,
    /// The one amount there is; none where the payer says, or it differs by currency.
    amount: Option<String>,
    left: Option<String>,
    until: Option<(Moment, String)>,
    is_sold_out: bool,
    is_test: bool,
    /// Where its owner came from, if only they look at it: then nothing can be sent.
    preview_of: Option<String>,
    error: Option<&'static str>,
    options: Vec<Choice>,
    asks_amount: bool,
    form: Form,
    go_on: String,
}

/// A currency on a chain.
struct Choice {
    value: String,
    currency: String,
    network: String,
    standard: Option<&'static str>,
    family: String,
    amount: Option<String>,
    is_chosen: bool,
}

/// What a payer has filled in.
#[derive(Default)]
struct Form {
    method: String,
    amount: String,
    email: String,
}

/// Which look a link's page has, as the style sheet calls it.
pub(super) fn theme(theme: &Theme) -> Option<&'static str> {
    match theme {
        Theme::Dark => Some("dark"),
        Theme::Light => Some("light"),
        _ => None,
    }
}

async fn look(visitor: &Visitor, reader: Reader, slug: &str) -> Result<Result<PublicPaymentLink, Response>, Reject> {
    let t = reader.words;
    let gone = |why: Closed| closed(StatusCode::GONE, reader, (t.closed_title)(why), (t.closed)(why));
    Ok(checkout::look(&visitor.app, slug).await?.map_err(gone))
}

/// Shows it.
pub(super) async fn show(visitor: &Visitor, reader: Reader, slug: &str) -> Result<Response, Reject> {
    let link = match look(visitor, reader, slug).await? {
        Ok(link) => link,
        Err(gone) => return Ok(gone),
    };
    Ok(page(StatusCode::OK, &link_page(&visitor.app, reader, link, Form::default(), None)))
}

/// Shows it to its owner, whether or not payers see it.
pub(super) fn preview(app: &App, reader: Reader, link: PublicPaymentLink, back: String) -> Response {
    page(StatusCode::OK, &LinkPage { preview_of: Some(back), ..link_page(app, reader, link, Form::default(), None) })
}

/// Opens an order as the payer says, and leads to its page; or shows the form again, and what is to be mended.
pub(super) async fn open(visitor: &Visitor, reader: Reader, slug: &str, request: Request) -> Result<Response, Reject> {
    let form = Form::read(&body::form(request).await?);
    let mut link = match look(visitor, reader, slug).await? {
        Ok(link) => link,
        Err(gone) => return Ok(gone),
    };
    let asked = form.asked(link.amount_type == AmountType::UserInput);
    let failure = match checkout::open(&visitor.app, slug, asked, visitor.address).await {
        Ok(opened) => {
            let to = format!("/checkout/{}{}", opened.order.order_id, reader.query());
            let to = HeaderValue::from_str(&to).map_err(|error| Fault::Corrupt(error.to_string()))?;
            return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response());
        }
        Err(failure) => failure,
    };
    let error = match failure {
        Failure::Refused(error) => error,
        Failure::Fault(fault) => return Err(fault.into()),
    };
    let Some(says) = says(reader.words, &error) else { return Err(error.into()) };
    if error.code == ErrorCode::SoldOut {
        // Somebody else was faster.
        link.available_inventory = Some(0);
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    Ok(page(status, &link_page(&visitor.app, reader, link, form, says)))
}

/// What a refusal is to a payer: a sentence above the form, or nothing where the page says it anyway. `None`: not of the form.
fn says(t: &Words, error: &Error) -> Option<Option<&'static str>> {
    Some(match error.code {
        ErrorCode::InvalidAmount => Some(t.bad_amount),
        ErrorCode::InvalidCurrency | ErrorCode::InvalidChain => Some(t.bad_choice),
        ErrorCode::ValidationError => Some(t.bad_email),
        ErrorCode::NoAvailableAddresses => Some(t.no_addresses),
        ErrorCode::ChainUnavailable | ErrorCode::ServiceUnavailable => Some(t.chain_away),
        ErrorCode::RateLimitExceeded => Some(t.too_many_orders),
        ErrorCode::SoldOut => None,
        _ => return None,
    })
}

impl Form {
    fn read(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let field = match name.as_ref() {
                "method" => &mut form.method,
                "amount" => &mut form.amount,
                "email" => &mut form.email,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        form
    }

    fn asked(&self, with_amount: bool) -> Result<CreateLinkOrder, Error> {
        let choice = self.method.split_once('@').ok_or_else(|| Error::new(ErrorCode::InvalidCurrency, "No way to pay was chosen"))?;
        let amount = |text: &str| text.parse::<Amount>().map_err(|error| Error::new(ErrorCode::InvalidAmount, error.to_string()));
        Ok(CreateLinkOrder {
            email: Some(self.email.clone()).filter(|email| !email.is_empty()),
            currency: Currency::from(choice.0),
            chain_id: ChainId::from(choice.1),
            amount: with_amount.then(|| amount(&self.amount)).transpose()?,
        })
    }
}

fn link_page(app: &App, reader: Reader, link: PublicPaymentLink, form: Form, error: Option<&'static str>) -> LinkPage {
    let t = reader.words;
    let asks_amount = link.amount_type == AmountType::UserInput;
    let differs = link.currencies.iter().any(|currency| currency.amount != link.amount) || link.currencies.len() > 1;
    let (shown, in_choices) = (!asks_amount && !differs, !asks_amount && differs);
    let until = link.expires_at.map(Moment::new).map(|moment| {
        let text = (t.link_until)(&moment.text);
        (moment, text)
    });
    let frame = Frame::new(reader, theme(&link.theme));
    LinkPage {
        amount: shown.then(|| link.currencies.first().map(|currency| format!("{} {}", currency.amount, currency.currency))).flatten(),
        left: link.available_inventory.filter(|left| *left > 0).map(t.link_unit),
        until,
        is_sold_out: link.available_inventory == Some(0),
        is_test: app.environment == Environment::Testnet,
        preview_of: None,
        options: choices(app, &link.currencies, &form.method, in_choices),
        asks_amount,
        go_on: link.cta_text.unwrap_or_else(|| t.go_on.to_owned()),
        slug: link.slug,
        title: link.title,
        description: link.description,
        error,
        form,
        frame,
    }
}

fn choices(app: &App, currencies: &[PublicLinkCurrency], chosen: &str, with_amounts: bool) -> Vec<Choice> {
    // The one proposed first stands first.
    let (first, others): (Vec<_>, Vec<_>) = currencies.iter().partition(|currency| currency.is_primary);
    let pairs = first.into_iter().chain(others).flat_map(|currency| currency.chains.iter().map(move |chain| (currency, chain)));
    let mut choices: Vec<Choice> = pairs
        .map(|(currency, chain)| {
            let value = format!("{}@{chain}", currency.currency);
            let protocol = app.chains.get(chain).map(|chain| &chain.protocol);
            Choice {
                is_chosen: value == chosen,
                value,
                currency: currency.currency.as_str().to_owned(),
                network: network(chain),
                standard: protocol.and_then(|protocol| token_standard(chain, protocol)),
                family: protocol.map_or("", Protocol::as_str).to_owned(),
                amount: with_amounts.then(|| format!("{} {}", currency.amount, currency.currency)),
            }
        })
        .collect();
    if !choices.iter().any(|choice| choice.is_chosen)
        && let Some(first) = choices.first_mut()
    {
        first.is_chosen = true;
    }
    choices
}
