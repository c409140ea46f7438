//! What stands in tables, CSV and cells.

use serde_json::json;

use super::columns::{ME, ORDER, ORDERS};
use super::{cell, csv, table};

fn order() -> serde_json::Value {
    json!({"orderId": "ord_1", "orderReference": "=1+1", "amount": "100.00", "status": "pend\u{1b}[31ming", "metadata": {},
        "address": "0xA", "blockNumber": 7, "paidLate": true, "completedAt": null, "novelty": {"a": [1]}})
}

#[test]
fn cells() {
    let thing = json!({"a": {"b": 1}, "list": ["x", 2], "deep": [{"c": 1}], "no": null, "empty": {}, "yes": true});
    let cells = ["a.b", "list", "deep", "deep.c", "no", "empty", "yes", "absent", "a.c", "yes.x"].map(|column| cell(&thing, column));
    assert_eq!(cells, ["1", "x, 2", "[{\"c\":1}]", "1", "", "", "true", "", "", ""]);
}

#[test]
fn a_record_shows_what_is_there_and_what_is_new() {
    let text = table::record(&order(), ORDER);
    assert!(text.starts_with("orderId         ord_1\n"), "{text}");
    assert!(text.contains("status          pend[31ming\n") && text.ends_with("novelty         {\"a\":[1]}\n"), "{text}");
    assert!(!text.contains("completedAt") && !text.contains("metadata") && !text.contains('\u{1b}'), "{text}");

    let me = json!({"organization": {"id": "org_1", "name": "Shop"}, "role": "owner"});
    assert_eq!(table::record(&me, ME).lines().count(), 3);
}

#[test]
fn a_list_leaves_out_what_is_empty_or_has_no_room_and_cuts_nothing() {
    let long = "T".repeat(300);
    let text = table::list(&[order(), json!({"orderId": long})], ORDERS, 1000);
    assert!(text.contains("orderReference") && !text.contains("completedAt") && text.contains(&long), "{text}");
    assert!(!text.contains('\u{1b}'));
    // The two that tell what it is stay, however narrow it is.
    let text = table::list(&[order(), json!({"orderId": long})], ORDERS, 80);
    assert!(text.contains("orderReference") && !text.contains("status") && text.contains(&long), "{text}");
    // A column without room does not keep out a narrower one after it.
    let wide = json!({"orderId": "ord_1", "orderReference": "R", "status": "x".repeat(90), "amount": "1"});
    assert_eq!(table::list(&[wide], ORDERS, 100), "orderId  orderReference  amount\nord_1    R               1\n");
    assert_eq!(table::list(&[], ORDERS, 100), "");
}

#[test]
fn sums_are_read_at_a_glance() {
    let stats = json!({"totalOrders": 3, "volume": {"USDC": "1", "USDT": "12.50"}, "metadata": {"a": "b"}});
    assert_eq!(
        table::record(&stats, &["totalOrders", "volume"]),
        "totalOrders  3\nvolume       1 USDC, 12.50 USDT\nmetadata     {\"a\":\"b\"}\n"
    );
}

#[test]
fn csv_has_all_columns() {
    assert_eq!(csv::header(&["a", "b.c"]), "a,b.c\r\n");
    let row = csv::row(&order(), &["orderId", "orderReference", "completedAt", "paidLate"]);
    assert_eq!(row, "ord_1,\"'=1+1\",,true\r\n");
}
