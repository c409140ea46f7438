use super::*;
use crate::address::Address;
use crate::order::{Settings, open};
use crate::transfer::Transfer;
use crate::{Chains, chains};
use payin_types::{CreateOrder, Environment, Protocol};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

fn units(text: &str) -> Units {
    Units::from_amount(text.parse().unwrap()).unwrap()
}

/// What the table's cases change. The order was created at `NOW`; its window ends ten minutes later, its grace period fifteen.
struct Case {
    order: Facts,
    chain: Option<Chain>,
    followed: Option<Followed>,
    trouble: Option<&'static str>,
    lost: Vec<Lost>,
    transfers: Vec<(Record, Depth)>,
    left_out: u64,
    pending: Units,
    tolerance: Units,
    now: Timestamp,
}

impl Case {
    fn new() -> Self {
        let chains = Chains::new(chains::known().into_iter().filter(|chain| chain.environment == Environment::Testnet).collect());
        let terms =
            open(CreateOrder::new("R-1", "100.00".parse().unwrap(), "USDT", "ethereum-sepolia"), &chains, &Settings::default()).unwrap();
        let order = Facts {
            id: "ord_1".into(),
            organization_id: "org_1".into(),
            terms,
            address: Address::from_evm_bytes(&[1; 20]),
            created_at: NOW,
            seen_at: None,
            completed_at: None,
            expired_at: None,
            paid_late_at: None,
            reverted_at: None,
            received: Units::ZERO,
            payment: None,
            required_confirmations: 3,
            payment_link_id: None,
            origin: None,
        };
        let followed = Followed {
            head: 110,
            head_time: after(55),
            at_rest: 50,
            confirmed_time: Some(after(40)),
            moved_at: after(56),
            halted: None,
            gap_since: None,
        };
        Self {
            order,
            chain: chains.get(&"ethereum-sepolia".into()).cloned(),
            followed: Some(followed),
            trouble: None,
            lost: Vec::new(),
            transfers: Vec::new(),
            left_out: 0,
            pending: Units::ZERO,
            tolerance: Units::ZERO,
            now: after(60),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A transfer in block 109, 50 seconds after the order was created.
    fn got(mut self, amount: &str, change: impl FnOnce(&mut Record)) -> Self {
        let number = self.transfers.len();
        let mut record = Record {
            id: format!("trf_{number}").as_str().into(),
            transfer: Transfer {
                chain_id: "ethereum-sepolia".into(),
                tx_hash: format!("0xa{number}"),
                ordinal: 0,
                block_number: 109,
                block_hash: "0xb".to_owned(),
                block_time: after(50),
                currency: "USDT".into(),
                contract: Address::from_evm_bytes(&[2; 20]),
                from: Address::from_evm_bytes(&[3; 20]),
                to: self.order.address.clone(),
                amount: units(amount),
            },
            protocol: Protocol::Evm,
            order_id: Some("ord_1".into()),
            order_reference: None,
            deposit_id: None,
            deposit_reference: None,
            unmatched: None,
            seen_at: after(51),
            confirmed_at: None,
            final_at: None,
            orphaned_at: None,
        };
        change(&mut record);
        if record.unmatched.is_none() && record.orphaned_at.is_none() {
            let sum = if record.confirmed_at.is_some() { &mut self.order.received } else { &mut self.pending };
            *sum = sum.checked_add(record.transfer.amount).unwrap();
        }
        self.transfers.push((record, Depth { head: Some(110), required: Some(3) }));
        self
    }

    fn told(&self) -> Explanation {
        explain(&Known {
            order: &self.order,
            tolerance: self.tolerance,
            chain: self.chain.as_ref(),
            followed: self.followed.as_ref(),
            trouble: self.trouble,
            lost: &self.lost,
            transfers: &self.transfers,
            left_out: self.left_out,
            pending: self.pending,
            now: self.now,
        })
    }

    /// Looks at the codes in their order, the beginning of the summary, and words of the first finding.
    #[track_caller]
    fn tells(&self, codes: &[&str], summary: &str, says: &[&str]) -> Explanation {
        let told = self.told();
        assert_eq!(told.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), codes);
        assert_eq!(told.summary, summary);
        let message = &told.findings[0].message;
        says.iter().for_each(|word| assert!(message.contains(word), "{word:?} is not in {message:?}"));
        told
    }
}

fn confirmed(record: &mut Record) {
    record.confirmed_at = Some(after(58));
}

fn stray(reason: Unmatched) -> impl FnOnce(&mut Record) {
    move |record| record.unmatched = Some(reason)
}

#[test]
fn nothing_seen_says_how_far_was_looked() {
    let told = Case::new().tells(
        &["nothing_seen", "window_open"],
        "It is not paid yet: no payment has been seen.",
        &["USDT to 0x01010101", "block 110 of 2026-01-01T00:00:55.000Z, which is 5 s ago", "taken in at 2026-01-01T00:00:56.000Z"],
    );
    assert!(told.findings[1].message.contains("until 2026-01-01T00:10:00.000Z to send, 9 min from now"), "{told:?}");
    assert_eq!((told.chain.lag_seconds, told.chain.head_number, told.findings[1].evidence.until), (Some(5), Some(110), Some(after(600))));
    let grace = Case::new().with(|case| (case.now, case.followed.as_mut().unwrap().head_time) = (after(700), after(699)));
    let told = grace.tells(&["nothing_seen", "grace_period"], "It is not paid yet: no payment has been seen.", &[]);
    assert!(told.findings[1].message.contains("for 3 min 20 s more"), "{told:?}");
    let over = Case::new().with(|case| (case.now, case.followed.as_mut().unwrap().head_time) = (after(901), after(899)));
    let told = over.tells(&["nothing_seen", "window_over"], "It is not paid yet: no payment has been seen.", &[]);
    assert!(told.findings[1].message.contains("have come to 2026-01-01T00:00:40.000Z"), "{told:?}");
}

#[test]
fn what_was_seen_waits_or_is_short() {
    let told = Case::new().got("100", |_| ()).tells(
        &["confirming", "window_open"],
        "It is not paid yet: a payment was seen and waits for confirmations.",
        &["100.00 USDT came in transaction 0xa0, with 2 of 3 confirmations", "about 12 s more"],
    );
    let evidence = &told.findings[0].evidence;
    assert_eq!((evidence.confirmations, evidence.required_confirmations, evidence.expected_at), (Some(2), Some(3), Some(after(72))));
    assert_eq!((evidence.transfers[0].tx_hash.as_str(), evidence.transfers[0].confirmations), ("0xa0", 2));
    let at_rest = Case::new().got("100", |_| ()).with(|case| case.chain.as_mut().unwrap().confirmed = crate::finality::Confirmed::AtRest);
    let says = ["come to rest", "in block 109", "up to block 50"];
    at_rest.tells(&["resting", "window_open"], "It is not paid yet: a payment was seen and waits until its block has come to rest.", &says);
    // What is large waits for more than what is small.
    let large = Case::new().got("100", |_| ()).with(|case| case.chain.as_mut().unwrap().final_above = Some(units("100")));
    let says = ["So large a payment counts when its block has come to rest"];
    large.tells(&["resting", "window_open"], "It is not paid yet: a payment was seen and waits until its block has come to rest.", &says);
    let agree = |head| {
        let case = Case::new().got("100", |_| ());
        case.with(|case| (case.chain.as_mut().unwrap().agreed_above, case.followed.as_mut().unwrap().head) = (Some(units("100")), head))
    };
    agree(110).tells(&["confirming", "window_open"], "It is not paid yet: a payment was seen and waits for confirmations.", &[]);
    let says = ["once a second node of ethereum-sepolia has said the same"];
    agree(111).tells(&["agreeing", "window_open"], "It is not paid yet: a payment was seen and waits for a second node's word.", &says);
    let told = Case::new().got("40", confirmed).got("20", confirmed).tells(
        &["short", "window_open"],
        "It is not paid yet: 40.00 USDT are missing.",
        &["60.00 USDT of the 100.00 USDT it asks for came: 40.00 USDT are missing."],
    );
    assert_eq!(told.findings[0].evidence.missing_amount.unwrap().to_string(), "40.00");
    assert_eq!((told.received_amount.to_string().as_str(), told.findings[0].evidence.transfers.len()), ("60.00", 2));
    // Seen and still short: both.
    let both = Case::new().got("40", confirmed).got("20", |_| ());
    both.tells(&["confirming", "short", "window_open"], "It is not paid yet: a payment was seen and waits for confirmations.", &[]);
    // What the tolerance lets pass is not missing.
    let near = Case::new().got("99.5", |_| ()).with(|case| case.tolerance = units("0.5"));
    near.tells(&["confirming", "window_open"], "It is not paid yet: a payment was seen and waits for confirmations.", &[]);
}

#[test]
fn what_counts_for_nothing_says_why() {
    let token = |record: &mut Record| (record.unmatched, record.transfer.currency) = (Some(Unmatched::WrongCurrency), "USDC".into());
    let told = Case::new().got("100", token).tells(
        &["wrong_token", "nothing_seen", "window_open"],
        "It is not paid yet: what came is another token.",
        &["100.00 USDC came on ethereum-sepolia in transaction 0xa0: the order asks for USDT.", "send it back"],
    );
    assert_eq!(told.findings[0].evidence.transfers[0].unmatched_reason.as_ref().unwrap().as_str(), "wrong_currency");
    let chain = |record: &mut Record| (record.unmatched, record.transfer.chain_id) = (Some(Unmatched::WrongChain), "base-sepolia".into());
    Case::new().got("100", chain).tells(
        &["wrong_chain", "nothing_seen", "window_open"],
        "It is not paid yet: what came is on another chain.",
        &["100.00 USDT came on base-sepolia in transaction 0xa0: the order is to be paid on ethereum-sepolia."],
    );
    let back = Case::new().got("100", |record| record.orphaned_at = Some(after(59)));
    let told = back.tells(
        &["taken_back", "nothing_seen", "window_open"],
        "It is not paid yet: what came was taken back by its chain.",
        &["100.00 USDT came on ethereum-sepolia in transaction 0xa0: its chain has taken it back"],
    );
    assert_eq!(told.findings[0].evidence.transfers[0].confirmations, 0);
    // Several at once are counted and named.
    let several = (0..5).fold(Case::new(), |case, _| case.got("1", stray(Unmatched::WrongCurrency)));
    let says = ["5 transfers came in transactions 0xa0, 0xa1, 0xa2 and 2 more"];
    several.tells(&["wrong_token", "nothing_seen", "window_open"], "It is not paid yet: what came is another token.", &says);
}

#[test]
fn an_expired_order_says_what_came_and_how_late() {
    let expired = || Case::new().with(|case| (case.order.expired_at, case.now) = (Some(after(950)), after(2000)));
    expired().tells(
        &["expired_unpaid"],
        "It expired unpaid, with 0.00 USDT of 100.00 USDT.",
        &["at 2026-01-01T00:15:00.000Z", "held 0.00 USDT"],
    );
    let told = expired().got("30", confirmed).tells(&["expired_unpaid"], "It expired unpaid, with 30.00 USDT of 100.00 USDT.", &[]);
    assert_eq!(told.findings[0].evidence.missing_amount.unwrap().to_string(), "70.00");
    let late = |record: &mut Record| (record.unmatched, record.transfer.block_time) = (Some(Unmatched::Late), after(965));
    let told = expired().got("100", late).tells(
        &["expired_unpaid", "late"],
        "It expired unpaid, with 0.00 USDT of 100.00 USDT; money came too late.",
        &[],
    );
    assert!(told.findings[1].message.contains("too late, 1 min 5 s after its grace period"), "{told:?}");
    assert_eq!(told.findings[1].evidence.transfers[0].late_by_seconds, Some(65));
    // In time by its block, but seen when all was over.
    let told = expired().got("100", stray(Unmatched::Late)).told();
    assert!(told.findings[1].message.contains("too late, after the order was over"), "{told:?}");
    assert_eq!(told.findings[1].evidence.transfers[0].late_by_seconds, None);
}

#[test]
fn a_completed_order_says_what_paid_it() {
    let completed = || Case::new().with(|case| case.order.completed_at = Some(after(58)));
    let told = completed().got("60", confirmed).got("40", confirmed).tells(
        &["paid"],
        "It is paid: 100.00 USDT of 100.00 USDT came and are confirmed.",
        &[
            "100.00 USDT of the 100.00 USDT it asks for came in transactions 0xa0, 0xa1 and are confirmed",
            "completed at 2026-01-01T00:00:58",
        ],
    );
    assert_eq!(told.findings[0].evidence.transfers.len(), 2);
    let over = completed().got("100.5", confirmed).tells(
        &["paid", "overpaid"],
        "It is paid: 100.50 USDT of 100.00 USDT came and are confirmed.",
        &[],
    );
    assert!(over.findings[1].message.starts_with("0.50 USDT more than it asks for came."), "{over:?}");
    assert_eq!(over.findings[1].evidence.excess_amount.unwrap().to_string(), "0.50");
    let near = completed().got("99.9", confirmed).with(|case| case.tolerance = units("0.1"));
    near.tells(&["paid"], "It is paid: 99.90 USDT of 100.00 USDT came and are confirmed.", &["which the tolerance lets pass"]);
    let back = completed().got("100", |record| record.orphaned_at = Some(after(59))).with(|case| case.order.reverted_at = Some(after(59)));
    let told = back.tells(
        &["reverted"],
        "It was paid, and its chain took a payment back: 0.00 USDT of 100.00 USDT stand.",
        &["took a confirmed payment back at 2026-01-01T00:00:59", "Should the payment return"],
    );
    assert_eq!(told.findings[0].evidence.transfers.len(), 1);
}

#[test]
fn a_chain_that_is_not_followed_comes_first() {
    let unfollowed = |change: fn(&mut Case)| Case::new().with(change);
    for case in [unfollowed(|case| case.followed = None), unfollowed(|case| case.chain = None)] {
        let told = case.told();
        assert_eq!(
            (told.findings[0].code.as_str(), told.summary.as_str()),
            ("chain_unfollowed", "It is not paid yet: ethereum-sepolia is not followed.")
        );
        assert!(told.findings[0].message.contains("no order on it expires"), "{told:?}");
    }
    let halted = Case::new().with(|case| case.followed.as_mut().unwrap().halted = Some("it took back block 7".to_owned()));
    halted.tells(
        &["chain_halted", "nothing_seen", "window_open"],
        "It is not paid yet: ethereum-sepolia is halted until a person has looked.",
        &["it took back block 7", "nothing on it is confirmed"],
    );
    let stale = Case::new().with(|case| case.now = after(500));
    let says = ["block 110 of 2026-01-01T00:00:55.000Z, which is 7 min 25 s ago", "no order on it expires"];
    stale.tells(&["chain_stale", "nothing_seen", "window_open"], "It is not paid yet: ethereum-sepolia is behind.", &says);
    let degraded = Case::new().with(|case| case.trouble = Some("the node does not answer"));
    let says = ["(the node does not answer)", "tried again and again"];
    let summary = "It is not paid yet: ethereum-sepolia cannot be followed at the moment.";
    degraded.tells(&["chain_degraded", "nothing_seen", "window_open"], summary, &says);
    let gap = Case::new().with(|case| case.followed.as_mut().unwrap().gap_since = Some(after(10)));
    let summary = "It is not paid yet: blocks of ethereum-sepolia are still to be looked at.";
    gap.tells(&["chain_gap", "nothing_seen", "window_open"], summary, &["after 2026-01-01T00:00:10.000Z"]);
    // Where it is over, what its chain does now is no matter.
    let over = Case::new().with(|case| (case.order.expired_at, case.trouble) = (Some(after(950)), Some("down")));
    assert_eq!(over.told().findings.len(), 1);
}

/// What nobody looked at held nothing only as far as anybody knows; what is of another time is no matter.
#[test]
fn lost_blocks_of_its_time_are_told() {
    let lost = |since, until| Lost { from: 30, to: 40, since: after(since), until: after(until), reason: "pruned".to_owned() };
    let case = |losses: Vec<Lost>| Case::new().with(|case| case.lost = losses);
    let of_its_time = case(vec![lost(900, 5_000), lost(901, 5_000)]);
    of_its_time.tells(&["nothing_seen", "blocks_lost", "window_open"], "It is not paid yet: no payment has been seen.", &[]);
    let told = of_its_time.with(|case| case.order.expired_at = Some(after(950))).told();
    assert!(told.findings[0].message.contains("that were looked at held"), "{told:?}");
    let (said, evidence) = (&told.findings[1].message, &told.findings[1].evidence);
    assert!(said.contains("Blocks 30 to 40") && said.contains("pruned"), "{said}");
    assert_eq!((evidence.since, evidence.until), (Some(after(900)), Some(after(5_000))));
}

#[test]
fn a_flood_of_dust_is_one_finding() {
    let flood = (0..20).fold(Case::new(), |case, _| case.got("0.000001", confirmed)).with(|case| case.left_out = 480);
    let summary = "It is not paid yet: 99.99998 USDT are missing.";
    let told = flood.tells(&["short", "window_open", "dust", "more_transfers"], summary, &[]);
    let dust = &told.findings[2];
    assert!(dust.message.starts_with("20 transfers of less than 0.01 each came"), "{dust:?}");
    assert_eq!((dust.evidence.transfers.len(), dust.evidence.left_out), (5, Some(15)));
    assert_eq!(told.findings[3].evidence.left_out, Some(480));
    // Who asks for dust is paid by dust.
    let tiny = Case::new().with(|case| case.order.terms.units = units("0.000001")).got("0.000001", |_| ());
    tiny.tells(&["confirming", "window_open"], "It is not paid yet: a payment was seen and waits for confirmations.", &[]);
}

#[test]
fn every_word_is_in_the_contract() {
    let contract = include_str!("../../../openapi.yaml");
    for code in FindingCode::KNOWN {
        assert!(contract.contains(&format!("`{code}`")), "{code} is not documented");
    }
}
