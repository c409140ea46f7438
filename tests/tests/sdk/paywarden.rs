//! The SDK's client of PayWarden's administration over real HTTP: a session, merchants and their keys, and what those come to.

use payin_sdk::paywarden::{Admin, CreateMerchant, CreatePayment, DailyQuery, ListMerchants, ListWebhooks, UpdateMerchant, WebhookStatus};
use payin_sdk::{Client, Error};
use payin_tests::nodes::receiver::{Answer, Receiver};
use payin_tests::sandbox::{PASSWORD, Sandbox};
use payin_types::{Role, SecretString};
use serde_json::json;

use super::twice::twice;

fn code(error: &Error) -> (u16, &str) {
    let api = error.api().expect("an answer");
    (api.status, api.code.as_str())
}

#[tokio::test]
async fn an_admin_runs_merchants() {
    twice(async |sandbox: &Sandbox| {
        let server = || Client::builder().base_url(sandbox.url());
        let (email, _) = sandbox.person(sandbox.key(), Role::Owner).await;
        let wrong = Admin::log_in(server(), Some(&email), &SecretString::from("wrong horse battery")).await.expect_err("a wrong password");
        assert_eq!(code(&wrong), (401, "UNAUTHORIZED"));
        let admin = Admin::log_in(server(), Some(&email), &SecretString::from(PASSWORD)).await.expect("a session");
        assert!(admin.expires_at().is_some() && !format!("{admin:?}").contains("token"));
        let shop = Receiver::start().await;
        shop.answer(Answer::status(500));
        let wish = CreateMerchant { name: "Second".to_owned(), webhook_url: Some(shop.url().to_owned()) };
        let made = admin.create_merchant(&wish).await.expect("a merchant");
        assert_eq!(code(&admin.create_merchant(&wish).await.expect_err("the same name")), (409, "CONFLICT"));
        assert_eq!(admin.merchants(&ListMerchants::default()).await.expect("a page").total, 2);
        let key = made.api_key.clone().expect("its key");
        assert!(!format!("{made:?}").contains(&key));
        let renamed = UpdateMerchant { name: Some("Zweiter".to_owned()), webhook_url: None };
        assert_eq!(admin.update_merchant(&made.id, &renamed).await.expect("changed").webhook_url, wish.webhook_url);
        let rotated = admin.rotate_key(&made.id).await.expect("another key").api_key.expect("shown once");
        let with = |key: &str| Client::builder().api_key(key).base_url(sandbox.url()).build().expect("a client");
        assert_eq!(
            code(&with(&key).paywarden().payments().list(&Default::default()).await.expect_err("an old key")),
            (401, "UNAUTHORIZED")
        );
        with(&rotated).paywarden().payments().list(&Default::default()).await.expect("the new one");
        assert!(!admin.close_merchant(&made.id).await.expect("closed").active);
        assert!(admin.merchant(&"org_none".into()).await.expect_err("nothing").is_not_found());

        // A webhook that was not acknowledged is begun anew.
        let wish = CreatePayment::new("one", "5".parse().expect("an amount")).webhook_url(shop.url());
        let payment = with(sandbox.key()).paywarden().payments().create(&wish).await.expect("a payment");
        sandbox.pay(&json!(payment.id), json!({})).await;
        shop.next().await;
        let retrying =
            ListWebhooks { status: Some(WebhookStatus::Retrying), order_id: Some(payment.id.clone()), ..ListWebhooks::default() };
        let failed = loop {
            let page = admin.webhooks(&retrying).await.expect("a page");
            if let Some(webhook) = page.data.into_iter().next() {
                break webhook;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((failed.response_status, failed.attempts), (Some(500), 1));
        shop.answer(Answer::status(200));
        assert_eq!(admin.retry_webhook(&failed.id).await.expect("begun anew").status, WebhookStatus::Pending);
        shop.next().await;
        // It is over, and written down, before anything else is asked.
        sandbox.advance(1).await;

        let stats = admin.stats().await.expect("statistics");
        assert_eq!((stats.orders.total, stats.revenue.total.to_string().as_str(), stats.merchants.active), (1, "0.00", 1));
        assert_eq!(admin.daily_stats(&DailyQuery { days: Some(7) }).await.expect("days").data.len(), 7);
        // The session goes on elsewhere, until it is ended.
        let same = Admin::with_token(server(), admin.token().clone()).expect("a client");
        assert!(same.log_out().await.expect("signed out").success);
        assert_eq!(code(&admin.stats().await.expect_err("it is over")), (401, "UNAUTHORIZED"));
    })
    .await;
}
