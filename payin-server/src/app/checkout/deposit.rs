//! An address that somebody deposits to, for whoever knows its binding's id: it cannot be guessed. Whose it is, and what the merchant calls
//! them, is not shown.

use payin_core::{Chain, Error};

use crate::app::query::is_findable;
use crate::app::{App, Outcome, settings};
use crate::store::deposits::{self, Binding};
use crate::store::{Fault, settings as stored};

/// Where somebody deposits.
#[derive(Debug, Clone)]
pub struct Depositing {
    /// The binding.
    pub binding: Binding,
    /// The chains of its family: what is listed there is credited.
    pub chains: Vec<Chain>,
    /// Where they go after a deposit.
    pub back: Option<String>,
}

/// Looks at it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also once the reference has let the address go: then nobody shall send anything there.
pub async fn depositing(app: &App, id: &str) -> Outcome<Depositing> {
    let unknown = || Error::not_found("Deposit address", id);
    if !is_findable(id) {
        return Err(unknown().into());
    }
    let mut conn = app.store.read().await?;
    let (binding, mac) = deposits::by_id(&mut conn, id).await?.ok_or_else(unknown)?;
    let (organization, protocol, address) = (binding.organization_id.as_str(), binding.protocol.as_str(), binding.address.as_str());
    if !app.seal.address_is_genuine(organization, protocol, address, &mac) {
        let fault = format!("the address {address} of a deposit reference has been altered in the database; it is not shown");
        return Err(Fault::Corrupt(fault).into());
    }
    let kept = stored::get(&mut conn, &binding.organization_id).await?;
    let back = settings::effective(&app.deployment(), &kept)?.deposit_success_url;
    let chains = app.chains.iter().filter(|chain| chain.protocol == binding.protocol).cloned().collect();
    Ok(Depositing { binding, chains, back })
}
