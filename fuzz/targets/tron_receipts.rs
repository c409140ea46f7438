//! A block of java-tron's and what it says became of the transactions, read: one of which it does not say SUCCESS, or says anything else
//! too, gives nothing; and of none is more known than the block has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_server::chain::tron::http;
use serde_json::Value;

/// The result in the receipt, and the one beside it.
fn results(info: &Value) -> [Option<&str>; 2] {
    [&info["receipt"]["result"], &info["result"]].map(Value::as_str)
}

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (Some(block), Some(infos)) = (lines.next(), lines.next()) else { return };
    let Ok(Some(block)) = http::header(block) else { return };
    let Ok(receipts) = http::receipts(infos, &block) else { return };
    let told: Vec<_> = receipts.iter().map(|receipt| receipt.transaction).collect();
    assert_eq!(told, block.transactions);
    // What the decoder skips may be no text.
    let Ok(infos) = serde_json::from_slice::<Value>(infos) else { return };
    for receipt in receipts.iter().filter(|receipt| receipt.succeeded) {
        let of = |info: &&Value| info["id"].as_str().is_some_and(|id| id.parse() == Ok(receipt.transaction));
        let said: Vec<_> = infos.as_array().into_iter().flatten().filter(of).map(results).collect();
        assert!(matches!(said.as_slice(), [[Some("SUCCESS"), None | Some("SUCESS")]]), "{said:?} of {}", receipt.transaction);
    }
});
