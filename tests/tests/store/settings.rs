//! Settings that an organization chose: they hold for new orders and for addresses that are let go of, and two that set at once lose nothing.

use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::{orders, settings};
use payin_server::store::Fault;
use payin_tests::gateway::{Gateway, Kind, fault, refusal, request};
use payin_types::setting::SettingSource;
use payin_types::{ErrorCode, OrganizationId, PutSetting, Setting};
use serde_json::{Value, json};

use super::World;
use super::line::{Line, at};

/// Sets a setting.
///
/// # Panics
/// If it is refused.
pub async fn put(gateway: &Gateway, organization: &OrganizationId, name: &str, value: Value) -> Setting {
    let unit = settings::Put::new(&gateway.app, organization.clone(), name.to_owned(), PutSetting { value });
    gateway.write(unit).await.unwrap_or_else(|failure| panic!("{name}: {failure}"))
}

pub async fn settings_hold_for_new_orders(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(12).await;
    let before = gateway.create(&organization, request("before")).await.unwrap();
    put(gateway, &organization, "payment_window_minutes", json!(20)).await;
    put(gateway, &organization, "orders.grace_period_minutes", json!(0)).await;
    put(gateway, &organization, "default_order_success_url", json!("https://shop.example/paid")).await;
    put(gateway, &organization, "default_order_cancel_url", json!("https://shop.example/late")).await;
    let minutes = |order: &payin_types::Order| {
        let end = order.grace_period_ends_at.unwrap();
        (order.expires_at.since(order.created_at).as_secs() / 60, end.since(order.expires_at).as_secs() / 60)
    };
    // One by one, and together.
    let alone = gateway.write(orders::Create::new(&gateway.app, organization.clone(), Ok(request("alone")))).await.unwrap();
    let units: Vec<_> = (0..3).map(|at| orders::Create::new(&gateway.app, organization.clone(), Ok(request(&format!("{at}"))))).collect();
    let together = join_all(units.into_iter().map(|unit| gateway.app.store.write_together(unit))).await;
    for order in together.into_iter().map(Result::unwrap).chain([alone]) {
        assert_eq!(minutes(&order), (20, 0));
        assert_eq!(order.success_url.as_deref(), Some("https://shop.example/paid"));
        assert_eq!(order.cancel_url.as_deref(), Some("https://shop.example/late"));
    }
    let mut own = request("with its own");
    (own.success_url, own.payment_window_minutes) = (Some("https://other.example/".to_owned()), Some(3));
    let own = gateway.create(&organization, own).await.unwrap();
    assert_eq!((minutes(&own), own.success_url.as_deref()), ((3, 0), Some("https://other.example/")));
    // What was opened before, and what is another's, is as it was.
    assert_eq!(minutes(&gateway.order(&organization, before.order_id.as_str()).await), (10, 5));
    let other = gateway.merchant(1).await;
    assert_eq!(minutes(&gateway.create(&other, request("other")).await.unwrap()), (10, 5));
    // Switched off and on again.
    put(gateway, &organization, "orders_enabled", json!(false)).await;
    let refused = refusal(gateway.create(&organization, request("off")).await);
    assert_eq!(refused.code, ErrorCode::ServiceUnavailable);
    assert!(refused.message.contains("services.orders_enabled"), "{}", refused.message);
    put(gateway, &organization, "orders_enabled", Value::Null).await;
    gateway.create(&organization, request("off")).await.unwrap();
}

pub async fn settings_of_two_at_once_are_both_kept(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(0).await;
    let names = ["payment_window_minutes", "grace_period_minutes", "cooldown_minutes", "low_threshold", "max_open_per_link"];
    join_all(names.iter().enumerate().map(|(at, name)| put(&servers[at % servers.len()], &organization, name, json!(7)))).await;
    for name in names {
        let shown = settings::get(&world.gateway.app, &organization, name).await.unwrap();
        assert_eq!((shown.value, shown.source), (json!(7), SettingSource::Organization), "{name}");
    }
    let all = settings::list(&world.gateway.app, &organization).await.unwrap().data;
    assert_eq!(all.iter().filter(|setting| setting.updated_at == Some(world.gateway.now())).count(), names.len());
    assert_eq!(refusal(settings::get(&world.gateway.app, &organization, "nothing").await).code, ErrorCode::ResourceNotFound);
    // Kept as text that nobody else writes: what is none of ours is a fault, and opens no order.
    world
        .place
        .execute("UPDATE organizations SET settings = '{\"orders.payment_window_minutes\":{\"value\":\"20\",\"updatedAt\":1}}'")
        .await;
    assert!(matches!(fault(settings::list(&world.gateway.app, &organization).await), Fault::Corrupt(_)));
    let create = || orders::Create::new(&world.gateway.app, organization.clone(), Ok(request("corrupt")));
    assert!(matches!(fault(world.gateway.write(create()).await), Fault::Corrupt(_)));
    let together = world.gateway.app.store.write_together(create()).await;
    assert!(matches!(fault(together), Fault::Corrupt(_)));
}

pub async fn addresses_rest_as_long_as_their_organization_says(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    // What cannot be read must not stop the chain for everybody: then the deployment decides.
    let corrupt = "UPDATE organizations SET settings = '?'";
    for (number, (minutes, broken, rests)) in [(2, false, 2), (0, false, 0), (2, true, 30)].into_iter().enumerate() {
        let organization = gateway.merchant(1).await;
        put(gateway, &organization, "cooldown_minutes", json!(minutes)).await;
        let order = gateway.create(&organization, request("first")).await.unwrap();
        if broken {
            world.place.execute(&format!("{corrupt} WHERE id = '{organization}'")).await;
        }
        let over = 3600 * (number as u64 + 1);
        line.blocks(4, at(over)).await;
        line.expire().await;
        line.finalize(at(over + 5)).await;
        assert_eq!(line.release().await, [order.order_id]);
        let free_from = format!("SELECT claimable_from FROM pool_addresses WHERE organization_id = '{organization}'");
        assert_eq!(world.place.value(&free_from).await, at(over + 5 + rests * 60).millis().to_string(), "{minutes} {broken}");
        gateway.clock.advance(Duration::from_secs(3600));
    }
}
