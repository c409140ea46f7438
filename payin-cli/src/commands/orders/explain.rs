//! `payin orders explain`: shows why an order is paid or is not. The words are the server's; here they are only laid out.

use std::fmt::Write as _;

use payin_sdk::types::explanation::{ExplainedTransfer, Explanation};

use super::super::Context;
use crate::failure::Failure;
use crate::output::Format;
use crate::text::clean;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  payin orders explain ord_2Xk…\n  payin orders explain --reference ORDER-1 --output json")]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The order's id
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Your own id of the order, instead of ID
    #[arg(long, alias = "order-reference", value_name = "REFERENCE")]
    reference: Option<String>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let client = context.client()?;
    let id = match (args.id, args.reference) {
        (_, Some(reference)) => client.orders().get_by_reference(&reference).await?.order_id,
        (id, None) => id.unwrap_or_default().into(),
    };
    let explanation = client.orders().explain(&id).await?;
    if context.ui.format == Format::Table {
        return context.ui.answer(&page(&explanation));
    }
    context.ui.record(&explanation, &["orderId", "orderReference", "status", "summary"])
}

/// The sentences in their order, each with the transfers it speaks of below.
fn page(explanation: &Explanation) -> String {
    let Explanation { order_id, order_reference, amount, currency, address, chain, .. } = explanation;
    let mut page = clean(&explanation.summary) + "\n";
    let asks = format!("Order {order_id} ({order_reference}) asks for {amount} {currency} on {}, to {address}.", chain.chain_id);
    page += &(clean(&asks) + "\n");
    for finding in &explanation.findings {
        let _ = writeln!(page, "- {} ({})", clean(&finding.message), clean(finding.code.as_str()));
        for transfer in &finding.evidence.transfers {
            let _ = writeln!(page, "    {}", clean(&line(transfer)));
        }
    }
    page
}

fn line(transfer: &ExplainedTransfer) -> String {
    let ExplainedTransfer { amount, currency, chain_id, tx_hash, block_number, block_time, status, confirmations, .. } = transfer;
    format!("{amount} {currency} on {chain_id}, {tx_hash}, block {block_number} of {block_time}, {status}, {confirmations} confirmations")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_every_sentence_and_nothing_that_moves_a_terminal() {
        let transfer = json!({
            "transferId": "trf_1", "txHash": "0xbeef", "chainId": "sepolia", "currency": "USDC", "amount": "5.00", "fromAddress": "0xF",
            "blockNumber": 7, "blockTime": "2025-01-20T10:31:00Z", "confirmations": 2, "status": "pending", "novelty": 1,
        });
        let explanation = serde_json::from_value(json!({
            "orderId": "ord_1", "orderReference": "R\u{1b}[2J", "status": "pending", "summary": "It is not paid yet: something new.",
            "amount": "100.00", "currency": "USDT", "address": "0xA", "receivedAmount": "0.00", "pendingAmount": "0.00",
            "chain": { "chainId": "sepolia" }, "explainedAt": "2025-01-20T10:32:00Z", "findings": [
                { "code": "wrong_token", "message": "5.00 USDC came.", "evidence": { "transfers": [transfer] } },
                { "code": "novelty", "message": "Something new.", "evidence": { "also": 1 } },
            ],
        }));
        let told = page(&explanation.unwrap());
        assert_eq!(
            told,
            "It is not paid yet: something new.\nOrder ord_1 (R[2J) asks for 100.00 USDT on sepolia, to 0xA.\n- 5.00 USDC came. (wrong_token)\n    \
             5.00 USDC on sepolia, 0xbeef, block 7 of 2025-01-20T10:31:00.000Z, pending, 2 confirmations\n- Something new. (novelty)\n"
        );
    }
}
