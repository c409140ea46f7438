//! An object for every parameter in a path of `openapi.yaml`, made through the API by its organization's owner.

use std::sync::atomic::{AtomicU64, Ordering};

use payin_core::address::Address;
use payin_tests::sandbox::{CHAIN, Sandbox, new_order, text};
use payin_types::{Protocol, Role};
use serde_json::{Value, json};

/// An organization, by its owner's key.
pub struct Keys {
    pub owner: String,
    /// The token of somebody who owns it.
    pub admin: String,
    /// The people of each role who ask: a new merchant is made theirs, too.
    pub people: Vec<(Role, String)>,
    /// Where its webhooks are received.
    pub shop: String,
}

/// What stands in the place of a path's parameter.
pub enum Fixture {
    /// The path has no parameter.
    Nothing,
    /// An object of one organization.
    Id(String),
    /// What every organization has under the same name, so that there is nothing foreign about it.
    Everyones(&'static str),
}

impl Fixture {
    pub fn id(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Id(id) => id,
            Self::Everyones(name) => name,
        }
    }
}

/// A number that comes once.
fn fresh() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(1000);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn address() -> String {
    format!("0x{:040x}", 0x1234_5678_9abc_def0_u128 << 64 | u128::from(fresh()))
}

impl Keys {
    /// What an operation wants: a key or a token.
    fn for_path(&self, path: &str) -> &str {
        if path.starts_with("/api/v1/admin/") { &self.admin } else { &self.owner }
    }
}

async fn post(sandbox: &Sandbox, keys: &Keys, path: &str, body: &Value) -> Value {
    let reply = sandbox.ask("POST", path).key(keys.for_path(path)).json(body).send().await;
    assert!((200..300).contains(&reply.status), "no fixture: {reply:?}");
    reply.json
}

async fn get(sandbox: &Sandbox, keys: &Keys, path: &str) -> Value {
    sandbox.ask("GET", path).key(keys.for_path(path)).send().await.ok(200)
}

/// Gives an organization addresses for its fixtures.
pub async fn fill_pool(sandbox: &Sandbox, keys: &Keys) {
    let addresses = (0..500).map(|_| address()).collect::<Vec<_>>().join("\n");
    post(sandbox, keys, "/api/v1/address-pool/import", &json!({ "protocol": "evm", "addresses": addresses })).await;
    let tron = |_| Address::from_account_bytes(&Protocol::Tron, &tron_account()).expect("an address").as_str().to_owned();
    let addresses = (0..50).map(tron).collect::<Vec<_>>().join("\n");
    post(sandbox, keys, "/api/v1/address-pool/import", &json!({ "protocol": "tron", "addresses": addresses })).await;
}

fn tron_account() -> [u8; 20] {
    let mut account = [7; 20];
    account[12..].copy_from_slice(&fresh().to_be_bytes());
    account
}

/// The one transfer that a list shows, once it is final: a watcher that has still to confirm something would change the database beside us.
async fn final_transfer(sandbox: &Sandbox, keys: &Keys, (chain, blocks): (&str, u64), filter: &str) -> Value {
    post(sandbox, keys, "/api/v1/sandbox/mine", &json!({ "chainId": chain, "blocks": blocks })).await;
    loop {
        let found = get(sandbox, keys, &format!("/api/v1/transfers?{filter}")).await["data"][0].clone();
        if found["completedAt"].is_string() {
            return found;
        }
        // Time stands still; what is waited for is the watcher, which runs beside us.
        tokio::task::yield_now().await;
    }
}

/// A new object of an organization.
///
/// # Panics
/// If there is no fixture for this parameter: then write one here.
pub async fn make(sandbox: &Sandbox, keys: &Keys, parameter: &str, template: &str) -> Fixture {
    let reference = format!("MATRIX-{}", fresh());
    let order = async || post(sandbox, keys, "/api/v1/orders", &new_order(&reference, "1")).await;
    let field = |object: &Value, name: &str| Fixture::Id(text(&object[name]).to_owned());
    match parameter {
        "orderId" => field(&order().await, "orderId"),
        "orderReference" => field(&order().await, "orderReference"),
        "paymentId" => {
            let payment = json!({ "amount": "1", "currency": "USDT", "external_id": reference });
            field(&post(sandbox, keys, "/api/v1/payments", &payment).await, "id")
        }
        "paymentOrderId" => {
            let order = json!({ "amount": "1", "currency": "USDC", "blockchain": "base", "order_info": "{}", "nonce": fresh() });
            field(&post(sandbox, keys, "/api/payment-orders/", &order).await["data"], "order_id")
        }
        "merchantId" => field(&merchant(sandbox, keys, &reference).await, "id"),
        "webhookId" => field(&webhook(sandbox, keys, &reference).await, "id"),
        "transactionHash" => {
            let order = order().await;
            post(sandbox, keys, "/api/v1/sandbox/pay", &json!({ "orderId": order["orderId"] })).await;
            field(&final_transfer(sandbox, keys, (CHAIN, 12), &format!("orderId={}", text(&order["orderId"]))).await, "txHash")
        }
        "walletId" => {
            let wallet = json!({ "blockchain": "base", "address": address() });
            field(&post(sandbox, keys, "/api/merchant-wallets/", &wallet).await["data"], "id")
        }
        "webhookEndpointId" => {
            let endpoint = json!({ "url": keys.shop });
            field(&post(sandbox, keys, "/api/webhook-endpoints/", &endpoint).await["data"], "id")
        }
        "depositReference" => {
            let bind = json!({ "depositReference": reference, "currency": "USDT", "chainId": CHAIN });
            field(&post(sandbox, keys, "/api/v1/deposits/references", &bind).await, "depositReference")
        }
        "depositId" => {
            let bind = json!({ "depositReference": reference, "currency": "USDT", "chainId": CHAIN });
            post(sandbox, keys, "/api/v1/deposits/references", &bind).await;
            post(sandbox, keys, "/api/v1/sandbox/pay-deposit", &json!({ "depositReference": reference, "amount": "1" })).await;
            field(&final_transfer(sandbox, keys, (CHAIN, 12), &format!("depositReference={reference}")).await, "depositId")
        }
        "transferId" => {
            let order = order().await;
            post(sandbox, keys, "/api/v1/sandbox/pay", &json!({ "orderId": order["orderId"] })).await;
            field(&final_transfer(sandbox, keys, (CHAIN, 12), &format!("orderId={}", text(&order["orderId"]))).await, "transferId")
        }
        "linkId" => {
            let link = json!({
                "title": reference, "amount": "1", "currencies": [{ "currency": "USDT", "chainOptions": [CHAIN], "isPrimary": true }]
            });
            field(&post(sandbox, keys, "/api/v1/payment-links", &link).await, "id")
        }
        "endpointId" => field(&post(sandbox, keys, "/api/v1/webhooks/endpoints", &endpoint(keys, "order.expired")).await, "id"),
        "eventId" => {
            post(sandbox, keys, "/api/v1/webhooks/endpoints", &endpoint(keys, "order.created")).await;
            order().await;
            field(&get(sandbox, keys, "/api/v1/webhooks/events?limit=1").await["data"][0], "id")
        }
        "address" => {
            let address = address();
            post(sandbox, keys, "/api/v1/address-pool/import", &json!({ "protocol": "evm", "addresses": address })).await;
            Fixture::Id(address)
        }
        "organizationId" => field(&get(sandbox, keys, "/api/v1/me").await["organization"], "id"),
        "keyId" => field(&key(sandbox, keys, &reference).await, "id"),
        "key" => Fixture::Everyones("payment_window_minutes"),
        other => panic!("{template}: there is no fixture for {{{other}}}: write one in {}", file!()),
    }
}

/// A merchant in which every person is who they are elsewhere.
async fn merchant(sandbox: &Sandbox, keys: &Keys, name: &str) -> Value {
    let merchant = post(sandbox, keys, "/api/v1/admin/merchants", &json!({ "name": name })).await;
    for (role, person) in &keys.people {
        let id = text(&merchant["id"]);
        let join = format!("INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ('{person}', '{id}', '{role}', 0)");
        sandbox.database().execute(&join).await;
    }
    merchant
}

/// A webhook of a payment to which nothing more happens: it was detected, and then confirmed.
async fn webhook(sandbox: &Sandbox, keys: &Keys, external_id: &str) -> Value {
    let payment = json!({ "amount": "1", "currency": "USDT", "external_id": external_id, "webhook_url": keys.shop });
    let payment = post(sandbox, keys, "/api/v1/payments", &payment).await;
    post(sandbox, keys, "/api/v1/sandbox/pay", &json!({ "orderId": payment["id"] })).await;
    final_transfer(sandbox, keys, ("tron-nile", 30), &format!("orderId={}", text(&payment["id"]))).await;
    let told = format!("/api/v1/admin/webhooks?order_id={}&status=delivered", text(&payment["id"]));
    loop {
        let page = get(sandbox, keys, &told).await;
        if page["total"] == 2 {
            return page["data"][0].clone();
        }
        tokio::task::yield_now().await;
    }
}

/// The weakest key, so that whoever may take keys back may take this one back.
async fn key(sandbox: &Sandbox, keys: &Keys, name: &str) -> Value {
    let organization = get(sandbox, keys, "/api/v1/me").await["organization"]["id"].clone();
    let path = format!("/api/v1/organizations/{}/api-keys", text(&organization));
    post(sandbox, keys, &path, &json!({ "name": name, "role": "viewer" })).await
}

fn endpoint(keys: &Keys, event: &str) -> Value {
    json!({ "url": keys.shop, "events": [event] })
}
