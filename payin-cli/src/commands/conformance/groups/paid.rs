//! What is paid: only in a sandbox, where a payment costs nobody anything.

use serde_json::{Value, json};

use super::super::check::{Broken, checks};
use super::super::report::Stays;
use super::super::suite::Suite;
use super::super::wire::{Answer, Ask};
use super::chains::Place;
use super::orders::AMOUNT_SENT;

checks! {
    ORDER: "orders.paid" [Write, Sandbox] "A paid order is completed, and says what it received and by which transaction", "Orders API: lifecycle";
    AGAIN: "orders.already-paid" [Write, Sandbox] "Paying it again is 400 ORDER_ALREADY_PAID", "API Reference: error codes";
    TRANSFER: "transfers.of-order" [Write, Sandbox] "Its transfer is listed, and read by its id is the same", "API Reference: transfers";
    TRANSFERS: "transfers.list" [] "Transfers are listed", "API Reference: transfers";
    DEPOSIT: "deposits.paid" [Write, Sandbox] "A payment to a reference becomes a deposit of it, which is listed and read by its id", "Deposits API: list";
    DEPOSITS: "deposits.list" [] "Deposits are listed", "Deposits API: list";
    TOTALS: "deposits.totals" [Write, Sandbox] "A reference counts what it received", "Deposits API: get";
}

pub async fn orders(suite: &mut Suite<'_>, place: &Place, order: Option<&Answer>) {
    suite.check(TRANSFERS, async |suite: &mut Suite| suite.ask(Ask::of("listTransfers")).await?.ok(200).map(drop)).await;
    let Some(order) = order else { return };
    let Ok(id) = order.field("/orderId") else { return };
    let paid = suite
        .check(ORDER, async |suite: &mut Suite| {
            let paid = suite.ask(Ask::of("sandboxPay").json(&json!({ "orderId": id }))).await?.ok(200)?;
            mine(suite, place).await?;
            let completed = suite
                .ask_until(Ask::of("getOrder").at(&id), "a completed order", |order| order.body.get("status") == Some(&json!("completed")));
            let completed = completed.await?;
            completed.has("/receivedAmount", &json!(AMOUNT_SENT))?;
            completed.has("/txHash", paid.body.get("txHash").unwrap_or(&Value::Null))?;
            completed.field("/completedAt").map(drop)
        })
        .await;
    if paid.is_none() {
        return;
    }
    suite
        .check(AGAIN, async |suite: &mut Suite| {
            suite.ask(Ask::of("sandboxPay").json(&json!({ "orderId": id }))).await?.refused(400, "ORDER_ALREADY_PAID")
        })
        .await;
    suite
        .check(TRANSFER, async |suite: &mut Suite| {
            let page = suite.ask(Ask::of("listTransfers").query("orderId", &id)).await?.ok(200)?;
            page.has("/pagination/total", &json!(1))?;
            page.has("/data/0/orderId", &json!(id))?;
            page.has("/data/0/toAddress", order.body.get("address").unwrap_or(&Value::Null))?;
            let transfer = suite.ask(Ask::of("getTransfer").at(&page.field("/data/0/transferId")?)).await?.ok(200)?;
            transfer.has("/txHash", page.body.pointer("/data/0/txHash").unwrap_or(&Value::Null))
        })
        .await;
}

pub async fn deposits(suite: &mut Suite<'_>, place: &Place, bound: Option<&Answer>) {
    suite.check(DEPOSITS, async |suite: &mut Suite| suite.ask(Ask::of("listDeposits")).await?.ok(200).map(drop)).await;
    let Some(bound) = bound else { return };
    let Ok(reference) = bound.field("/depositReference") else { return };
    let paid = suite
        .check(DEPOSIT, async |suite: &mut Suite| {
            let body = json!({ "depositReference": reference, "amount": "3.25" });
            let paid = suite.ask(Ask::of("sandboxPayDeposit").json(&body)).await?.ok(200)?;
            mine(suite, place).await?;
            let list = Ask::of("listDeposits").query("depositReference", &reference);
            let is_confirmed = |status: &Value| [json!("confirmed"), json!("completed")].contains(status);
            let listed = suite.ask_until(list, "a confirmed deposit", |page| page.body.pointer("/data/0/status").is_some_and(is_confirmed));
            let listed = listed.await?;
            listed.has("/data/0/amount", &json!("3.25"))?;
            listed.has("/data/0/txHash", paid.body.get("txHash").unwrap_or(&Value::Null))?;
            let id = listed.field("/data/0/depositId")?;
            suite.stays.push(Stays::deposit(&id, &reference, &listed.field("/data/0/status")?));
            let deposit = suite.ask(Ask::of("getDeposit").at(&id)).await?.ok(200)?;
            deposit.has("/address", bound.body.get("address").unwrap_or(&Value::Null))
        })
        .await;
    if paid.is_none() {
        return;
    }
    suite
        .check(TOTALS, async |suite: &mut Suite| {
            let currency = bound.field("/currency")?;
            let found = suite.ask(Ask::of("getDepositReference").at(&reference)).await?.ok(200)?;
            found.has("/totalDeposits", &json!(1))?;
            found.has(&format!("/totalAmount/{currency}"), &json!("3.25"))
        })
        .await;
}

/// Lets a payment be confirmed, whether the sandbox's time runs or not.
async fn mine(suite: &mut Suite<'_>, place: &Place) -> Result<(), Broken> {
    suite.ask(Ask::of("sandboxMine").json(&json!({ "chainId": place.chain, "blocks": place.confirmations }))).await?.ok(200)?;
    super::sandbox::pass(suite).await
}
