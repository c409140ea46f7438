//! `/merchant-wallets/`: the organization's pool of the family that this API knows, as wallets. No private key ever comes here.

use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::Response;
use payin_core::access::Permission;
use payin_core::cryptopay::{pages, wish};
use payin_core::{Chains, Error};
use payin_types::ChainId;
use payin_types::cryptopay::{AddWallet, MerchantWallet, UpdateWallet};
use serde_json::Map;

use super::answer::enveloped;
use super::fields::{Field, optional, parse_fields, required};
use super::merchant::Merchant;
use crate::app::pool::wallets::{self, Add, Change, New, Update, Wallet};
use crate::http::answer::{Reject, json};
use crate::http::body::{BODY_MAX, query};

const PATH: &str = "/api/merchant-wallets/";

const NEW: &[Field] = &[required::<String>("blockchain"), optional::<String>("address"), optional::<String>("xpub")];
const CHANGE: &[Field] = &[optional::<String>("blockchain"), optional::<String>("address"), optional::<bool>("is_active")];

fn shown(wallet: Wallet, chains: &Chains) -> MerchantWallet {
    // One that was imported for the whole family is shown under its first chain.
    let first = || chains.iter().find(|chain| chain.protocol == wish::PROTOCOL).map(|chain| chain.id.clone());
    let chain = wallet.chain_id.or_else(first).unwrap_or_else(|| ChainId::from(""));
    MerchantWallet {
        id: wallet.id,
        blockchain: wish::slug(&chain).to_owned(),
        address: wallet.address.as_str().to_owned(),
        xpub: wallet.xpub,
        is_active: wallet.is_active,
        created_at: wallet.created_at,
        extra: Map::new(),
    }
}

fn new(request: AddWallet, chains: &Chains) -> Result<(ChainId, New), Error> {
    let chain = wish::chain(&request.blockchain, chains)?.id.clone();
    match (request.address, request.xpub) {
        (Some(address), None) => Ok((chain, New::Address(address))),
        (None, Some(xpub)) => Ok((chain, New::Xpub(xpub))),
        (None, None) => Err(Error::field("address", "This field is required, or xpub instead")),
        (Some(_), Some(_)) => Err(Error::field("xpub", "send either an address or an xpub")),
    }
}

/// `POST /merchant-wallets/`
pub async fn add(Merchant(caller): Merchant, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let app = &caller.app;
    let new = parse_fields(&body, NEW).and_then(|request| new(request, &app.chains));
    let unit = Add::new(app, caller.key.organization_id.clone(), caller.who(), wish::PROTOCOL, new);
    let wallet = app.store.write(unit).await?;
    Ok(enveloped(app, 201, shown(wallet, &app.chains), "Merchant wallet added"))
}

/// `GET /merchant-wallets/`
pub async fn list(Merchant(caller): Merchant, uri: Uri) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let page = pages::page(query(&uri)?)?;
    let app = &caller.app;
    let (found, total) = wallets::list(app, &caller.key.organization_id, &wish::PROTOCOL, (page.number, page.size)).await?;
    let wallets: Vec<MerchantWallet> = found.into_iter().map(|wallet| shown(wallet, &app.chains)).collect();
    Ok(json(200, &page.of(PATH, wallets, total)?))
}

/// `PUT /merchant-wallets/{id}/`
pub async fn update(Merchant(caller): Merchant, Path(id): Path<String>, request: Request) -> Result<Response, Reject> {
    caller.may(Permission::ManageSettings)?;
    let body = caller.body(request, BODY_MAX).await?;
    let app = &caller.app;
    let change = parse_fields(&body, CHANGE).and_then(|UpdateWallet { blockchain, address, is_active }| {
        let chain_id = blockchain.map(|word| wish::chain(&word, &app.chains).map(|chain| chain.id.clone())).transpose()?;
        Ok(Change { chain_id, address, is_active })
    });
    let unit = Update::new(app, caller.key.organization_id.clone(), wish::PROTOCOL, id, change);
    let wallet = app.store.write(unit).await?;
    Ok(enveloped(app, 200, shown(wallet, &app.chains), "Merchant wallet updated"))
}
