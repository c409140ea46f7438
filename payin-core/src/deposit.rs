//! Deposit references: a merchant's payers, each with an address per chain that stays theirs. Which bindings can be made, what they are
//! called, and how their data grows. What arrives is in `transfer.rs` and `record.rs`.

use payin_types::{BindDeposit, ChainId, Currency, DepositId, ErrorCode, Protocol, TransferId};
use serde_json::{Map, Value};

use crate::error::shown;
use crate::{Chains, Error, metadata, reference};

/// A request that may become a binding.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The merchant's id.
    pub reference: String,
    /// What the payer is expected to send.
    pub currency: Currency,
    /// The chain asked for.
    pub chain_id: ChainId,
    /// Its family.
    pub protocol: Protocol,
    /// The merchant's own data.
    pub metadata: Map<String, Value>,
}

/// Checks a request against what the deployment offers.
///
/// # Errors
/// `VALIDATION_ERROR`, `INVALID_CHAIN` or `INVALID_CURRENCY`, saying what is wrong and what would do.
pub fn bind(request: BindDeposit, chains: &Chains) -> Result<Terms, Error> {
    reference::check("depositReference", &request.deposit_reference)?;
    if matches!(request.deposit_reference.as_str(), "." | "..") {
        return Err(Error::field(
            "depositReference",
            "must not be '.' or '..': in a path they mean folders, and no client could ask for it",
        ));
    }
    let chain = chains.find(&request.chain_id)?;
    let token = chains.find_token(chain, &request.currency)?;
    let metadata = request.metadata.unwrap_or_default();
    metadata::check(&metadata)?;
    Ok(Terms {
        reference: request.deposit_reference,
        currency: token.currency.clone(),
        chain_id: chain.id.clone(),
        protocol: chain.protocol.clone(),
        metadata,
    })
}

/// A reference's data after another binding: what is named again is replaced, the rest stays.
///
/// # Errors
/// `VALIDATION_ERROR` if both together are too much.
pub fn merge(mut known: Map<String, Value>, new: Map<String, Value>) -> Result<Map<String, Value>, Error> {
    known.extend(new);
    metadata::check(&known)?;
    Ok(known)
}

/// The id of the deposit that a transfer is: as unique, and as lasting.
#[must_use]
pub fn id_of(transfer: &TransferId) -> DepositId {
    let unprefixed = transfer.as_str().strip_prefix(TransferId::PREFIX).unwrap_or(transfer.as_str());
    DepositId::from(format!("{}{unprefixed}", DepositId::PREFIX))
}

/// The refusal of a reference that is bound on that chain.
#[must_use]
pub fn duplicate(reference: &str, chain: &ChainId) -> Error {
    let message = format!("Deposit reference '{}' already exists for chain '{chain}'", shown(reference));
    Error::new(ErrorCode::DuplicateDepositReference, message)
}

/// The refusal of a reference that is not bound, or not on that chain.
#[must_use]
pub fn not_found(reference: &str, chain: Option<&ChainId>) -> Error {
    let on_chain = chain.map(|chain| format!(" on chain '{}'", shown(chain.as_str()))).unwrap_or_default();
    Error::new(ErrorCode::DepositReferenceNotFound, format!("No deposit reference found for '{}'{on_chain}", shown(reference)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_named_again_is_replaced_and_the_rest_stays() {
        let merged = merge(map(json!({"a": 1, "b": 2})), map(json!({"b": 3, "c": 4}))).unwrap();
        assert_eq!(Value::Object(merged), json!({"a": 1, "b": 3, "c": 4}));
        let nine: Map<_, _> = (0..9).map(|n| (format!("k{n}"), json!(n))).collect();
        assert_eq!(merge(nine.clone(), map(json!({"k0": 1, "x": 2}))).unwrap().len(), 10);
        assert_eq!(merge(nine, map(json!({"x": 1, "y": 2}))).unwrap_err().code, ErrorCode::ValidationError);
    }

    #[test]
    fn a_deposit_is_called_after_its_transfer() {
        assert_eq!(id_of(&"tr_0abc".into()).as_str(), "dep_0abc");
    }

    #[test]
    fn refusals_are_the_documents() {
        assert_eq!(
            duplicate("user_alice_123", &"ethereum-sepolia".into()).message,
            "Deposit reference 'user_alice_123' already exists for chain 'ethereum-sepolia'"
        );
        assert_eq!(not_found("user_unknown_456", None).message, "No deposit reference found for 'user_unknown_456'");
    }
}
