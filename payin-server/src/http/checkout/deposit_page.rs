//! The page of an address that somebody deposits to: any amount, any time, of what is listed on the chains of its family.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use payin_core::checkout::network;
use payin_types::Environment;

use super::Visitor;
use super::pages::{Frame, page};
use super::reader::Reader;
use crate::app::checkout;
use crate::http::answer::Reject;
use crate::http::qr;

#[derive(Template)]
#[template(path = "checkout/deposit.html")]
struct DepositPage {
    frame: Frame,
    family: String,
    network: String,
    is_test: bool,
    address: String,
    /// The address in three pieces: people compare its ends.
    pieces: [String; 3],
    code: String,
    /// What is credited, by network.
    taken: Vec<(String, String)>,
    only: String,
    back: Option<String>,
}

/// Shows it.
pub(super) async fn show(visitor: &Visitor, reader: Reader, id: &str) -> Result<Response, Reject> {
    let (app, t) = (&visitor.app, reader.words);
    let depositing = checkout::depositing(app, id).await?;
    let binding = depositing.binding;
    let tokens = |chain: &payin_core::Chain| {
        let tokens: Vec<&str> = chain.tokens.iter().map(|token| token.currency.as_str()).collect();
        (network(&chain.id), tokens.join(", "))
    };
    let network = network(&binding.chain_id);
    let address = binding.address.as_str();
    let (head, rest) = address.split_at_checked(6).unwrap_or((address, ""));
    let (middle, tail) = rest.split_at_checked(rest.len().saturating_sub(4)).unwrap_or((rest, ""));
    let template = DepositPage {
        frame: Frame::new(reader, None),
        family: binding.protocol.as_str().to_owned(),
        only: (t.only)(&(t.token_on)(binding.currency.as_str(), &network)),
        network,
        is_test: app.environment == Environment::Testnet,
        pieces: [head, middle, tail].map(str::to_owned),
        code: qr::svg(address, Some(t.qr_of_address))?,
        address: address.to_owned(),
        taken: depositing.chains.iter().map(tokens).collect(),
        back: depositing.back,
    };
    Ok(page(StatusCode::OK, &template))
}
