use super::*;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

/// Any JSON, as a version to come may send it. Numbers that no type of ours holds exactly are floats to every JSON reader.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,5})\\.[0-9]{1,8}(e-?[0-9])?".prop_map(|text| serde_json::from_str(&text).unwrap()),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![vec(inner.clone(), 0..6).prop_map(Value::from), object("\\PC{0,8}", inner).prop_map(Value::from)]
    })
}

fn object(key: &'static str, value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    btree_map(key, value, 0..6).prop_map(|fields| fields.into_iter().collect())
}

fn merged(mut known: Value, more: Map<String, Value>) -> Value {
    known.as_object_mut().unwrap().extend(more);
    known
}

/// An amount or a time is written again as it was, in the form of our API.
fn time() -> impl Strategy<Value = String> {
    (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millis(ms).to_string())
}

proptest! {
    #[test]
    fn an_event_is_written_again_as_it_was_read(
        event_type in "[a-z_]{1,12}\\.[a-z_]{1,12}|\\PC{0,12}",
        at in time(),
        sequence in proptest::option::of(any::<u64>()),
        data in json(),
        more in object("x_\\PC{0,8}", json()),
    ) {
        let mut body = json!({ "id": "evt_1", "type": event_type, "created_at": at, "data": data });
        body.as_object_mut().unwrap().extend(sequence.map(|sequence| ("sequence".to_owned(), sequence.into())));
        let body = merged(body, more);
        let event: Event = serde_json::from_value(body.clone()).unwrap();
        prop_assert_eq!(event.event_type.as_str(), event_type);
        prop_assert_eq!(&serde_json::to_value(&event).unwrap(), &body);
        // Over text, too: nothing hangs on the way that the values took.
        let text = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body);
    }

    #[test]
    fn an_orders_data_is_written_again_as_it_was_read(
        status in "[a-z_]{1,12}", currency in "[A-Z]{1,8}", amount in "(0|[1-9][0-9]{0,9})(\\.[0-9]{1,18})?",
        at in proptest::option::of(time()), block in proptest::option::of(any::<u64>()),
        metadata in object("\\PC{0,8}", json()), more in object("x_\\PC{0,8}", json()),
    ) {
        let mut known = json!({
            "orderId": "ord_1", "orderReference": "ORDER-1", "status": status, "amount": amount, "currency": currency,
            "chainId": "another-chain", "metadata": metadata,
        });
        let fields = known.as_object_mut().unwrap();
        fields.extend(at.map(|at| ("completedAt".to_owned(), at.into())));
        fields.extend(block.map(|block| ("blockNumber".to_owned(), block.into())));
        let data = merged(known, more);
        let order = OrderEvent::deserialize(&data).unwrap();
        prop_assert_eq!(serde_json::to_value(&order).unwrap(), data);
    }

    #[test]
    fn a_deposits_data_is_written_again_as_it_was_read(
        status in "[a-z_]{1,12}", amount in "(0|[1-9][0-9]{0,9})(\\.[0-9]{1,18})?", at in proptest::option::of(time()),
        metadata in object("\\PC{0,8}", json()), more in object("x_\\PC{0,8}", json()),
    ) {
        let mut known = json!({
            "depositId": "dep_1", "depositReference": "user-1", "status": status, "amount": amount, "currency": "EURC",
            "chainId": "another-chain", "txHash": "0xab", "metadata": metadata,
        });
        known.as_object_mut().unwrap().extend(at.map(|at| ("confirmedAt".to_owned(), at.into())));
        let data = merged(known, more);
        let deposit = DepositEvent::deserialize(&data).unwrap();
        prop_assert_eq!(serde_json::to_value(&deposit).unwrap(), data);
    }

    /// What is no event is refused, and never ends the program.
    #[test]
    fn reading_is_total(body in json(), text in "\\PC{0,60}") {
        let _ = serde_json::from_value::<Event>(body.clone()).map(|event| (event.order(), event.deposit()));
        let _ = OrderEvent::deserialize(&body);
        let _ = serde_json::from_str::<Event>(&text);
    }
}
