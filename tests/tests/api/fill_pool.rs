//! Filling a pool over HTTP: from a file, and from an account's extended public key.

use payin_tests::nodes::receiver::Receiver;
use payin_tests::sandbox::{Sandbox, contract, text};
use payin_types::Role;
use serde_json::json;

const IMPORT: &str = "/api/v1/address-pool/import";
/// m/44'/60'/0' of the mnemonic "abandon … about", whose keys everybody has, and its address 0.
const XPUB: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";
const XPRV: &str = "xprv9zDSoJv1aBcjX6sNgEpE2J9K6MV2MUnXuqXsFgzVn3zY2aHyupaFQdYCtdCbNMkvcTdx9FeN49sgXw6mjrhrFLRSzJVnRYPfSCCgjeg4GxY";
const FIRST: &str = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94";
const A: &str = "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE";
const B: &str = "0x8db97C7cEcE249c2b98bDC0226Cc4C2A57BF52FC";

#[tokio::test]
async fn a_file_of_addresses_is_taken_as_it_is() {
    let sandbox = Sandbox::frozen().await;
    let file = format!("\u{feff}address,derivation_index,protocol,master_public_key\r\n{A},7,evm,{XPUB}\r\n\"{B}\",9,EVM,{XPUB}\r\n");
    let upload = |query: &str| sandbox.ask("POST", &format!("{IMPORT}{query}")).header("Content-Type", "text/csv; charset=utf-8");
    let imported = upload("?protocol=evm&mode=hd_wallet").header("Idempotency-Key", "file-1").body(file.clone()).send().await.ok(200);
    assert_eq!((&imported["imported"], &imported["skipped"]), (&json!(2), &json!(0)));
    let range = json!({ "start": 7, "end": 9 });
    let summary = json!({ "protocol": "evm", "mode": "hd_wallet", "derivation_range": range, "master_public_key": XPUB });
    assert_eq!(imported["summary"], summary);
    // The family is part of the request: the same file under the same key, but for another, is another request.
    let replayed = upload("?protocol=evm&mode=hd_wallet").header("Idempotency-Key", "file-1").body(file.clone()).send().await.ok(200);
    assert_eq!(replayed, imported);
    let other = upload("?protocol=tron").header("Idempotency-Key", "file-1").body(file.clone()).send().await;
    other.refused(409, "IDEMPOTENCY_KEY_CONFLICT", "");
    upload("?protocol=tron").body(file.clone()).send().await.refused(400, "VALIDATION_ERROR", "nothing was imported");
    for (query, says) in [("", "protocol"), ("?protocol=evm&mode=hers", "mode"), ("?protocol=evm&x=1", "x"), ("?protocol=btc", "protocol")]
    {
        upload(query).body(file.clone()).send().await.refused(400, "VALIDATION_ERROR", says);
    }
    upload("?protocol=evm").body(vec![0xff, 0xfe]).send().await.refused(400, "VALIDATION_ERROR", "UTF-8");
    upload("?protocol=evm").body("").send().await.refused(400, "VALIDATION_ERROR", "holds no address");
    let plain = sandbox.ask("POST", &format!("{IMPORT}?protocol=evm")).header("Content-Type", "text/plain").body(file).send().await;
    plain.refused(415, "UNSUPPORTED_MEDIA_TYPE", "application/json or text/csv");
    let long = "x".repeat(10 * 1024 * 1024 + 1);
    upload("?protocol=evm").body(long).send().await.refused(413, "PAYLOAD_TOO_LARGE", "10485760");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_fills_a_pool() {
    let sandbox = Sandbox::frozen().await;
    let before = sandbox.counts().await;
    let spends = sandbox.post(IMPORT, &json!({ "protocol": "evm", "xpub": XPRV })).await;
    spends.refused(400, "VALIDATION_ERROR", "treat it as leaked");
    assert!(!spends.text.contains("xprv"), "{}", spends.text);
    sandbox.post(IMPORT, &json!({ "protocol": "solana", "xpub": XPUB })).await.refused(400, "VALIDATION_ERROR", "ed25519");
    sandbox.post(IMPORT, &json!({ "protocol": "evm", "xpub": XPUB, "addresses": A })).await.refused(400, "VALIDATION_ERROR", "either");
    let both = sandbox.post(&format!("{IMPORT}?protocol=evm"), &json!({ "protocol": "evm", "xpub": XPUB })).await;
    both.refused(400, "VALIDATION_ERROR", "text/csv");
    assert_eq!(sandbox.counts().await, before);
    let imported = sandbox.post(IMPORT, &json!({ "protocol": "evm", "xpub": XPUB, "count": 2 })).await.ok(200);
    let range = json!({ "start": 0, "end": 1 });
    let summary = json!({ "protocol": "evm", "mode": "hd_wallet", "derivation_range": range, "master_public_key": XPUB });
    assert_eq!((&imported["imported"], &imported["summary"]), (&json!(2), &summary));
    let page = sandbox.read("/api/v1/address-pool/addresses?pageSize=100").await;
    let pages = page["data"].as_array().expect("a page").len();
    assert!(pages > 20, "pageSize is limit: {pages}");
    // Whatever form it is named in.
    let path = |verb: &str| format!("/api/v1/address-pool/addresses/{}/{verb}", FIRST.to_lowercase());
    let away = sandbox.ask("POST", &path("archive")).send().await.ok(200);
    assert_eq!((&away["address"], &away["state"], &away["derivationIndex"]), (&json!(FIRST), &json!("archived"), &json!(0)));
    let archived = sandbox.read("/api/v1/address-pool/addresses?state=archived").await;
    assert_eq!(archived["data"], json!([away]));
    let stranger = sandbox.stranger().await;
    let foreign = sandbox.ask("POST", &path("restore")).key(&stranger).send().await;
    foreign.refused(404, "RESOURCE_NOT_FOUND", "does not exist");
    assert_eq!(sandbox.ask("POST", &path("restore")).send().await.ok(200)["state"], "available");
    sandbox.stop().await;
}

/// A thief's key could fill the pool with the thief's addresses: whoever wants to know hears of it, and whose key it was.
#[tokio::test]
async fn an_owner_is_told_who_filled_the_pool() {
    let sandbox = Sandbox::frozen().await;
    let shop = Receiver::start().await;
    let asks = json!({ "url": shop.url(), "events": ["address_pool.imported"] });
    sandbox.post("/api/v1/webhooks/endpoints", &asks).await.ok(201);
    let stolen = sandbox.key_with_role(Role::Admin).await;
    let list = json!({ "protocol": "evm", "addresses": format!("{A}\n{B}") });
    let import = || sandbox.ask("POST", IMPORT).key(&stolen).header("Idempotency-Key", "once").json(&list).send();
    import().await.ok(200);
    import().await.ok(200);
    let told = shop.next().await.json();
    contract().check_event("address_pool.imported", &told).unwrap();
    let data = &told["data"];
    assert_eq!((&data["protocol"], &data["imported"], &data["skipped"]), (&json!("evm"), &json!(2), &json!(0)));
    assert_eq!((&data["importedBy"]["type"], &data["importedBy"]["prefix"]), (&json!("api_key"), &json!(stolen[..12])));
    let whose = format!("SELECT role FROM api_keys WHERE id = '{}'", text(&data["importedBy"]["id"]));
    assert_eq!(sandbox.database().value(&whose).await, "admin");
    assert!(!told.to_string().contains(&stolen), "the key itself is nobody's to know");
    // Asked for again under its idempotency key, it was done and told once: what comes next is the next import.
    sandbox.post(IMPORT, &json!({ "protocol": "evm", "xpub": XPUB, "count": 3 })).await.ok(200);
    let next = shop.next().await.json();
    assert_eq!((&next["data"]["mode"], &next["data"]["imported"]), (&json!("hd_wallet"), &json!(3)));
    sandbox.stop().await;
}
