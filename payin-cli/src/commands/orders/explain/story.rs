//! Why an order is paid, or is not, in sentences. It must not decide anything: the server has.

use payin_sdk::types::transfer::UnmatchedReason;
use payin_sdk::{Amount, Order, OrderStatus, Timestamp, Transfer, TransferStatus};

use crate::text::countdown;

/// What there is to say, one sentence or two an entry.
pub fn tell(order: &Order, transfers: &[Transfer], now: Timestamp) -> Vec<String> {
    let Order { order_id, order_reference, amount, currency, chain_id, address, .. } = order;
    let mut words = vec![format!(
        "Order {order_id} ({order_reference}) asks for {amount} {currency} on {chain_id}, to {address}. It is {}.",
        order.status
    )];
    match order.status {
        OrderStatus::Completed => completed(order, &mut words),
        OrderStatus::Expired => expired(order, &mut words),
        _ => pending(order, now, &mut words),
    }
    if transfers.is_empty() {
        words.push("No transfer to its address is known that was for it.".to_owned());
    } else {
        words.push("What arrived:".to_owned());
        words.extend(transfers.iter().map(|transfer| format!("- {}", arrival(order, transfer))));
    }
    words.extend(advice(order, transfers));
    words
}

fn completed(order: &Order, words: &mut Vec<String>) {
    let at = order.completed_at.map(|at| format!(" at {at}")).unwrap_or_default();
    let by = order.tx_hash.as_ref().map(|hash| format!(" by transaction {hash}")).unwrap_or_default();
    words.push(format!("It was paid{by} and completed{at}. {}", confirmations(order)));
    if let Some(received) = order.received_amount
        && let Some(more) = difference(received, order.amount)
    {
        words.push(format!("{received} {0} arrived: {more} {0} more than it asks for.", order.currency));
    }
}

fn pending(order: &Order, now: Timestamp, words: &mut Vec<String>) {
    words.push(received(order));
    if let Some(hash) = &order.tx_hash {
        words.push(format!("The latest payment is transaction {hash}. {}", confirmations(order)));
    }
    let ends = order.grace_period_ends_at.unwrap_or(order.expires_at);
    if now < order.expires_at {
        words.push(format!("The payer should send by {} (in {}).", order.expires_at, countdown(order.expires_at.since(now))));
    } else if now < ends {
        words.push(format!("The window ended at {}; it is in its grace period for {} more.", order.expires_at, countdown(ends.since(now))));
    } else {
        words.push(format!(
            "Window and grace period ended at {ends}. It still waits until its chain has shown every block up to then, so that no payment in \
             time is missed, and until payments that were seen are confirmed."
        ));
    }
    if now < ends {
        words.push(format!(
            "A payment counts if the block it is in bears a time up to {ends}: what decides is the chain's time, not when it was sent or seen."
        ));
    }
}

fn expired(order: &Order, words: &mut Vec<String>) {
    let ends = order.grace_period_ends_at.unwrap_or(order.expires_at);
    words.push(received(order));
    words.push(format!(
        "Its window ended at {} and its grace period at {ends}. Blocks of its chain up to then held no sufficient payment, and no later \
         one counts.",
        order.expires_at
    ));
    if order.paid_late == Some(true) {
        words.push("Money arrived after that: it was paid too late, which changes nothing about the order.".to_owned());
    }
}

fn received(order: &Order) -> String {
    let Order { amount, currency, .. } = order;
    match order.received_amount.filter(|received| !received.is_zero()) {
        None => format!("Nothing that counts is confirmed yet of the {amount} {currency}."),
        Some(received) => match difference(*amount, received) {
            Some(missing) => format!("{received} of {amount} {currency} are confirmed: {missing} {currency} are missing."),
            None => format!("{received} {currency} are confirmed, which is enough."),
        },
    }
}

fn confirmations(order: &Order) -> String {
    match (order.confirmations, order.required_confirmations) {
        (Some(have), Some(need)) if have < need => {
            format!("It has {have} of the {need} confirmations that its chain asks for.")
        }
        (Some(have), Some(need)) => format!("It has {have} confirmations; its chain asks for {need}."),
        (Some(have), None) => format!("It has {have} confirmations."),
        (None, _) => String::new(),
    }
}

fn arrival(order: &Order, transfer: &Transfer) -> String {
    let Transfer { amount, currency, chain_id, tx_hash, block_number, detected_at, .. } = transfer;
    let what = format!("{amount} {currency} on {chain_id} in transaction {tx_hash}, block {block_number}, seen at {detected_at}");
    if transfer.status == TransferStatus::Failed {
        return format!("{what}: its chain has taken it back, so it counts for nothing.");
    }
    let Some(reason) = &transfer.unmatched_reason else {
        let need = transfer.required_confirmations.map(|need| format!(" of {need}")).unwrap_or_default();
        return format!("{what}: it counts, {} with {}{need} confirmations.", transfer.status, transfer.confirmations);
    };
    let why = match reason {
        UnmatchedReason::Late => "it came after the grace period, or after the address was let go".to_owned(),
        UnmatchedReason::WrongCurrency => format!("the order asks for {}", order.currency),
        UnmatchedReason::WrongChain => format!("the order is to be paid on {}", order.chain_id),
        UnmatchedReason::NoHolder => "nobody held the address when it came".to_owned(),
        other => other.to_string(),
    };
    format!("{what}: it counts for nothing, because {why} ({reason}).")
}

fn advice(order: &Order, transfers: &[Transfer]) -> Option<String> {
    let stray = transfers.iter().any(|transfer| transfer.unmatched_reason.is_some() && transfer.status != TransferStatus::Failed);
    let short = order.status == OrderStatus::Expired && order.received_amount.is_some_and(|received| !received.is_zero());
    if stray || short {
        return Some(
            "What does not count is on your own address all the same: credit it by hand, or send it back to the payer.".to_owned(),
        );
    }
    (order.status == OrderStatus::Pending).then(|| format!("To follow it: payin orders wait {}", order.order_id))
}

/// How much `more` is above `less`; nothing unless it is.
fn difference(more: Amount, less: Amount) -> Option<Amount> {
    let difference = more.to_decimal().checked_sub(less.to_decimal())?;
    Amount::try_from(difference).ok().filter(|difference| !difference.is_zero())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn order(change: &Value) -> Order {
        let mut order = json!({
            "orderId": "ord_1", "orderReference": "R", "amount": "100.00", "currency": "USDT", "chainId": "sepolia", "protocol": "evm",
            "address": "0xA", "status": "pending", "createdAt": "2025-01-20T10:30:00Z", "expiresAt": "2025-01-20T10:40:00Z",
            "gracePeriodEndsAt": "2025-01-20T10:45:00Z",
        });
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(order).unwrap()
    }

    fn transfer(change: &Value) -> Transfer {
        let mut transfer = json!({
            "transferId": "trf_1", "txHash": "0xbeef", "logIndex": 0, "chainId": "sepolia", "protocol": "evm", "currency": "USDT",
            "contractAddress": "0xC", "amount": "40", "fromAddress": "0xF", "toAddress": "0xA", "blockNumber": 7, "confirmations": 2,
            "requiredConfirmations": 3, "status": "pending", "detectedAt": "2025-01-20T10:31:00Z",
        });
        transfer.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(transfer).unwrap()
    }

    fn told(order: &Order, transfers: &[Transfer], at: &str) -> String {
        tell(order, transfers, format!("2025-01-20T{at}Z").parse().unwrap()).join("\n")
    }

    #[track_caller]
    fn says(text: &str, words: &[&str]) {
        for word in words {
            assert!(text.contains(word), "{word:?} is not in:\n{text}");
        }
    }

    #[test]
    fn what_waits_says_for_what_and_how_long() {
        let text = told(&order(&json!({})), &[], "10:31:00");
        says(
            &text,
            &["It is pending.", "Nothing that counts", "(in 9:00)", "up to 2025-01-20T10:45:00.000Z", "No transfer", "orders wait ord_1"],
        );
        says(&told(&order(&json!({})), &[], "10:41:00"), &["in its grace period for 4:00 more"]);
        let text = told(&order(&json!({})), &[], "10:46:00");
        says(&text, &["Window and grace period ended", "every block up to then"]);
        assert!(!text.contains("A payment counts if"), "{text}");
        let seen = order(&json!({"txHash": "0xbeef", "confirmations": 2, "requiredConfirmations": 3}));
        says(&told(&seen, &[transfer(&json!({}))], "10:32:00"), &["2 of the 3", "it counts, pending with 2 of 3"]);
    }

    #[test]
    fn what_is_missing_or_too_much_is_told() {
        let short = order(&json!({"status": "expired", "receivedAmount": "40"}));
        says(&told(&short, &[], "11:00:00"), &["40 of 100.00 USDT are confirmed: 60.00 USDT are missing", "no later", "by hand"]);
        let over = order(
            &json!({"status": "completed", "receivedAmount": "100.50", "txHash": "0xbeef", "confirmations": 9, "requiredConfirmations": 3}),
        );
        says(&told(&over, &[], "11:00:00"), &["paid by transaction 0xbeef", "9 confirmations", "0.50 USDT more than it asks for"]);
        let exact = told(&order(&json!({"status": "completed", "receivedAmount": "100"})), &[], "11:00:00");
        assert!(!exact.contains("more than"), "{exact}");
    }

    #[test]
    fn what_counts_for_nothing_says_why() {
        let late = order(&json!({"status": "expired", "paidLate": true}));
        let stray = |change: Value| transfer(&change);
        let transfers = [
            stray(json!({"unmatchedReason": "late"})),
            stray(json!({"unmatchedReason": "wrong_currency", "currency": "USDC"})),
            stray(json!({"unmatchedReason": "wrong_chain", "chainId": "base"})),
            stray(json!({"unmatchedReason": "no_holder"})),
            stray(json!({"unmatchedReason": "novelty"})),
            stray(json!({"status": "failed"})),
        ];
        let text = told(&late, &transfers, "11:00:00");
        says(
            &text,
            &["too late, which", "(late)", "asks for USDT (wrong_currency)", "paid on sepolia (wrong_chain)", "(no_holder)", "novelty"],
        );
        says(&text, &["taken it back", "send it back to the payer"]);
        // Taken back is nothing to send back.
        assert!(!told(&late, &transfers[5..], "11:00:00").contains("send it back"));
    }
}
