//! What is proposed for a scenario, and what `--set` makes of it.

use payin_sdk::{Amount, ChainId, Currency};

use crate::commands::fields;
use crate::failure::Failure;

/// The fields of what is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    pub amount: Amount,
    pub currency: Currency,
    pub chain: ChainId,
    pub reference: Option<String>,
    pub metadata: Vec<(String, String)>,
}

impl Fields {
    pub fn read(pairs: Vec<(String, String)>) -> Result<Self, Failure> {
        let (currency, chain) = ("USDT".into(), "ethereum-sepolia".into());
        let mut read = Self { amount: fields::amount("25.00")?, currency, chain, reference: None, metadata: Vec::new() };
        for (field, value) in pairs {
            match field.as_str() {
                "amount" => read.amount = fields::amount(&value)?,
                "currency" => read.currency = value.as_str().into(),
                "chain" | "chainId" => read.chain = value.as_str().into(),
                "reference" => read.reference = Some(value),
                other => match other.strip_prefix("metadata.").filter(|key| !key.is_empty()) {
                    Some(key) => read.metadata.push((key.to_owned(), value)),
                    None => {
                        let message = format!("{other:?} is no field: amount, currency, chain, reference, metadata.KEY");
                        return Err(Failure::usage(message));
                    }
                },
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_by_name() {
        let read = |pairs: &[(&str, &str)]| Fields::read(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect());
        assert_eq!(read(&[]).unwrap().amount.to_string(), "25.00");
        let set = read(&[("amount", "1.5"), ("chain", "polygon-amoy"), ("reference", "R"), ("metadata.a.b", "c=d")]).unwrap();
        assert_eq!((set.amount.to_string().as_str(), set.chain.as_str(), set.reference.as_deref()), ("1.5", "polygon-amoy", Some("R")));
        assert_eq!(set.metadata, [("a.b".to_owned(), "c=d".to_owned())]);
        assert!(read(&[("amount", "-1")]).is_err() && read(&[("status", "completed")]).is_err() && read(&[("metadata.", "x")]).is_err());
    }
}
