//! The table of settings: which values are taken, what goes together, what then holds.

use std::collections::BTreeSet;

use proptest::prelude::{any, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn deployment() -> Deployment {
    Deployment { orders: order::Settings::default(), cooldown: Duration::from_secs(1800) }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn put(chosen: &mut Chosen, name: &str, value: Value) -> Result<(), Error> {
    chosen.put(Key::find(name).unwrap(), value, &deployment(), NOW)
}

#[test]
fn names_and_aliases_find_one_key_each() {
    let names: BTreeSet<&str> = KEYS.iter().flat_map(|key| [key.name, key.alias()]).collect();
    assert_eq!(names.len(), KEYS.len() * 2);
    for key in &KEYS {
        assert_eq!((Key::find(key.name), Key::find(key.alias())), (Ok(key), Ok(key)));
        // What holds by itself is a value that could be set.
        assert!(key.default().is_null() || key.check(&key.default()).is_ok(), "{}", key.name);
    }
    for unknown in ["", "orders", "orders.", ".payment_window_minutes", "ORDERS.PAYMENT_WINDOW_MINUTES", "payment_window_minutes "] {
        assert_eq!(Key::find(unknown).unwrap_err().code, ErrorCode::ResourceNotFound, "{unknown:?}");
    }
}

#[test]
fn nothing_is_coerced() {
    for (name, good, bad) in [
        ("payment_window_minutes", vec![json!(1), json!(55)], vec![json!(0), json!(61), json!(-1), json!(20.0), json!("20"), json!(true)]),
        ("grace_period_minutes", vec![json!(0), json!(30)], vec![json!(31), json!(u64::MAX), json!(i64::MIN), json!([5]), json!({})]),
        ("orders_enabled", vec![json!(true), json!(false)], vec![json!(0), json!(1), json!("false"), json!("")]),
        ("deposit_success_url", vec![json!("https://a.example/x")], vec![json!(""), json!("javascript:alert(1)"), json!(1), json!(false)]),
        ("check_interval", vec![], vec![json!(30), Value::Null]),
    ] {
        for value in good {
            assert_eq!(put(&mut Chosen::default(), name, value.clone()), Ok(()), "{name} {value}");
        }
        for value in bad {
            let refused = put(&mut Chosen::default(), name, value.clone()).unwrap_err();
            assert_eq!(refused.code, ErrorCode::ValidationError, "{name} {value}");
        }
    }
}

#[test]
fn the_organization_goes_before_the_deployment() {
    let deployed = Deployment { cooldown: minutes(7), ..deployment() };
    let key = Key::find("cooldown_minutes").unwrap();
    let mut chosen = Chosen::default();
    let shown = |chosen: &Chosen, deployment: &Deployment| {
        let setting = chosen.to_wire(key, deployment);
        (setting.value, setting.source, setting.updated_at)
    };
    assert_eq!(shown(&chosen, &deployment()), (json!(30), SettingSource::Default, None));
    assert_eq!(shown(&chosen, &deployed), (json!(7), SettingSource::Deployment, None));
    chosen.put(key, json!(0), &deployed, NOW).unwrap();
    assert_eq!(shown(&chosen, &deployed), (json!(0), SettingSource::Organization, Some(NOW)));
    assert_eq!(chosen.effective(&deployed).cooldown, Duration::ZERO);
    assert_eq!(Chosen::read(&chosen.to_text()), Ok(chosen.clone()));
    chosen.put(key, Value::Null, &deployed, NOW).unwrap();
    assert_eq!(chosen, Chosen::default());
    assert_eq!(chosen.effective(&deployed).cooldown, minutes(7));
}

#[test]
fn window_and_grace_stay_within_the_total() {
    let mut chosen = Chosen::default();
    put(&mut chosen, "grace_period_minutes", json!(30)).unwrap();
    let text = chosen.to_text();
    let refused = put(&mut chosen, "payment_window_minutes", json!(31)).unwrap_err();
    assert!(refused.message.contains("orders.max_total_timeout_minutes (60)"), "{}", refused.message);
    let mut chosen = Chosen::read(&text).unwrap();
    put(&mut chosen, "max_total_timeout_minutes", json!(90)).unwrap();
    put(&mut chosen, "payment_window_minutes", json!(60)).unwrap();
    // Neither the total nor what keeps within it only with the total can go back alone.
    assert!(put(&mut chosen, "max_total_timeout_minutes", Value::Null).is_err());
    // The deployment's own values count where the organization has none.
    let long = Deployment { orders: order::Settings { window: minutes(55), ..order::Settings::default() }, ..deployment() };
    assert!(Chosen::default().put(&GRACE, json!(6), &long, NOW).is_err());
}

#[test]
fn what_is_switched_off_is_named() {
    let mut chosen = Chosen::default();
    assert_eq!(chosen.effective(&deployment()).check_orders_enabled(), Ok(()));
    put(&mut chosen, "orders_enabled", json!(false)).unwrap();
    let holds = chosen.effective(&deployment());
    let refused = holds.check_orders_enabled().unwrap_err();
    assert_eq!(refused.code.status(), 503);
    assert!(refused.message.contains("services.orders_enabled"));
    assert_eq!(holds.check_deposits_enabled(), Ok(()));
}

#[test]
fn what_cannot_be_read_is_said_and_what_is_not_ours_is_left_alone() {
    for corrupt in [
        "",
        "[]",
        "{\"orders.payment_window_minutes\": 20}",
        "{\"orders.payment_window_minutes\": {\"value\": 61, \"updatedAt\": 1}}",
        "{\"orders.payment_window_minutes\": {\"value\": \"20\", \"updatedAt\": 1}}",
        "{\"orders.payment_window_minutes\": {\"value\": 20}}",
        "{\"delayed_confirmation.check_interval\": {\"value\": 20, \"updatedAt\": 1}}",
    ] {
        assert!(Chosen::read(corrupt).is_err(), "{corrupt}");
    }
    let mut chosen = Chosen::read("{\"of.tomorrow\":[1]}").unwrap();
    assert_eq!(chosen.effective(&deployment()), Chosen::default().effective(&deployment()));
    put(&mut chosen, "low_threshold", json!(5)).unwrap();
    assert!(chosen.to_text().contains("of.tomorrow"));
    assert_eq!(chosen.effective(&deployment()).low_threshold, 5);
}

proptest! {
    /// Whatever is put, in whatever order: what was taken can be read again, and always goes together.
    #[test]
    fn what_is_taken_holds(puts in proptest::collection::vec((0..KEYS.len(), prop_oneof![
        (-5i64..1500).prop_map(|number| json!(number)),
        any::<bool>().prop_map(|switch| json!(switch)),
        Just(Value::Null),
        Just(json!("https://a.example/")),
    ]), 0..40)) {
        let mut chosen = Chosen::default();
        for (at, value) in puts {
            let mut next = chosen.clone();
            if next.put(&KEYS[at], value.clone(), &deployment(), NOW).is_ok() {
                let shown = next.to_wire(&KEYS[at], &deployment());
                assert_eq!(shown.value, if value.is_null() { shown.default } else { value });
                chosen = next;
            }
            assert_eq!(Chosen::read(&chosen.to_text()), Ok(chosen.clone()));
            let holds = chosen.effective(&deployment()).orders;
            assert!(holds.window + holds.grace <= holds.total_max);
        }
    }
}
