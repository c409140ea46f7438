//! What a chain says held against what was recorded: every difference, in words. It must not know where either came from.

use std::collections::BTreeMap;

use payin_types::TransferId;
use serde::{Deserialize, Serialize};

use crate::transfer::Transfer;

/// One difference between a chain and the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The transaction.
    pub tx_hash: String,
    /// The transfer's place in its receipt.
    pub ordinal: u64,
    /// The block, by the chain if the chain has the transfer.
    pub block_number: u64,
    /// Whom it pays. Empty in findings of a version that did not keep it.
    #[serde(default)]
    pub to: String,
    /// What was recorded, if anything was.
    pub transfer_id: Option<TransferId>,
    /// What is wrong.
    pub what: What,
    /// In words.
    pub detail: String,
}

/// How chain and database differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The chain has a transfer to an address of ours that was not recorded: money that nobody was told of.
    NotRecorded,
    /// A transfer was recorded that the chain does not have: money that is not there.
    NotOnChain,
    /// Both have it, and say different things of it.
    Different,
}

/// Every difference, in the order of blocks. Both sides are of the same blocks of one chain.
#[must_use]
pub fn differences(chain: &[Transfer], recorded: &[(TransferId, Transfer)]) -> Vec<Difference> {
    let identity = |transfer: &Transfer| (transfer.tx_hash.clone(), transfer.ordinal);
    let mut ours: BTreeMap<_, _> = recorded.iter().map(|(id, transfer)| (identity(transfer), (id, transfer))).collect();
    let mut found = Vec::new();
    for theirs in chain {
        let difference = |what, transfer_id: Option<&TransferId>, detail| Difference {
            tx_hash: theirs.tx_hash.clone(),
            ordinal: theirs.ordinal,
            block_number: theirs.block_number,
            to: theirs.to.as_str().to_owned(),
            transfer_id: transfer_id.cloned(),
            what,
            detail,
        };
        match ours.remove(&identity(theirs)) {
            Some((_, ours)) if ours == theirs => {}
            Some((id, ours)) => found.push(difference(What::Different, Some(id), unlike(theirs, ours))),
            None => {
                let detail = format!("{} {} to {} was not recorded", theirs.amount.to_amount(), theirs.currency, theirs.to);
                found.push(difference(What::NotRecorded, None, detail));
            }
        }
    }
    found.extend(ours.into_values().map(|(id, ours)| Difference {
        tx_hash: ours.tx_hash.clone(),
        ordinal: ours.ordinal,
        block_number: ours.block_number,
        to: ours.to.as_str().to_owned(),
        transfer_id: Some(id.clone()),
        what: What::NotOnChain,
        detail: format!("{} {} to {} was recorded, and the chain does not have it", ours.amount.to_amount(), ours.currency, ours.to),
    }));
    found.sort_by(|a, b| (a.block_number, &a.tx_hash, a.ordinal).cmp(&(b.block_number, &b.tx_hash, b.ordinal)));
    found
}

/// In what two tellings of a transfer differ.
fn unlike(theirs: &Transfer, ours: &Transfer) -> String {
    let facts = |transfer: &Transfer| {
        [
            ("block", format!("{} {}", transfer.block_number, transfer.block_hash)),
            ("time", transfer.block_time.to_string()),
            ("amount", transfer.amount.to_amount().to_string()),
            ("token", format!("{} {}", transfer.currency, transfer.contract)),
            ("sender", transfer.from.to_string()),
            ("recipient", transfer.to.to_string()),
        ]
    };
    let pairs = facts(theirs).into_iter().zip(facts(ours));
    let told = pairs.filter(|((_, theirs), (_, ours))| theirs != ours);
    let told = told.map(|((name, theirs), (_, ours))| format!("{name}: the chain says {theirs}, recorded is {ours}"));
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use payin_types::{Protocol, Timestamp};

    use super::*;
    use crate::Units;
    use crate::address::Address;

    fn transfer(tx_hash: &str, ordinal: u64, tokens: u128) -> Transfer {
        let address = |text| Address::parse(&Protocol::Evm, text).unwrap();
        Transfer {
            chain_id: "base-sepolia".into(),
            tx_hash: tx_hash.to_owned(),
            ordinal,
            block_number: 7,
            block_hash: "0x7".to_owned(),
            block_time: Timestamp::from_secs(7),
            currency: "USDC".into(),
            contract: address("0xaA8E23Fb1079EA71e0a56F48a2aA51851D8433D0"),
            from: address("0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE"),
            to: address("0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC"),
            amount: Units::from_base_units(tokens, 0).unwrap(),
        }
    }

    fn told(chain: &[Transfer], recorded: &[Transfer]) -> Vec<(String, u64, What)> {
        let recorded: Vec<_> = recorded.iter().map(|transfer| (TransferId::from("txf_1"), transfer.clone())).collect();
        differences(chain, &recorded).into_iter().map(|found| (found.tx_hash, found.ordinal, found.what)).collect()
    }

    #[test]
    fn what_is_the_same_is_no_difference() {
        let both = [transfer("0xa", 0, 1), transfer("0xa", 1, 1), transfer("0xb", 0, 2)];
        assert_eq!(told(&both, &both), []);
        assert_eq!(told(&[], &[]), []);
    }

    #[test]
    fn every_difference_is_told() {
        let chain = [transfer("0xa", 0, 1), transfer("0xb", 0, 2), Transfer { block_number: 8, ..transfer("0xc", 0, 3) }];
        let ours = [transfer("0xb", 0, 20), transfer("0xc", 0, 3), transfer("0xd", 4, 5)];
        let expected = [
            ("0xa".to_owned(), 0, What::NotRecorded),
            ("0xb".to_owned(), 0, What::Different),
            ("0xd".to_owned(), 4, What::NotOnChain),
            ("0xc".to_owned(), 0, What::Different),
        ];
        assert_eq!(told(&chain, &ours), expected);
        let words = unlike(&transfer("0xb", 0, 2), &transfer("0xb", 0, 20));
        assert_eq!(words, "amount: the chain says 2.00, recorded is 20.00");
    }
}
