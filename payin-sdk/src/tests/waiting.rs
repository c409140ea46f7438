//! Waiting for an order.

use std::time::Duration;

use futures_util::TryStreamExt;
use serde_json::json;

use super::script::{Scene, Step, answer, broken, order, problem};
use crate::transport::TransportErrorKind;
use crate::{OrderId, Waited};

fn is(status: &str) -> Step {
    answer(200, &order(status))
}

fn id() -> OrderId {
    OrderId::from("ord_1")
}

#[tokio::test]
async fn it_ends_with_the_order() {
    let scene = Scene::new([is("pending"), is("pending"), is("completed")]);
    assert!(matches!(scene.client().orders().wait(&id()).await.unwrap(), Waited::Completed(_)));
    assert_eq!(scene.slept(), [Duration::from_secs(2); 2]);

    let scene = Scene::new([is("expired")]);
    assert!(matches!(scene.client().orders().wait(&id()).await.unwrap(), Waited::Expired(_)));
    assert!(scene.slept().is_empty());
}

#[tokio::test]
async fn it_ends_with_the_time_allowed() {
    let scene = Scene::new((0..4).map(|_| is("pending")));
    let waited = scene.client().orders().wait(&id()).timeout(Duration::from_secs(5)).await.unwrap();
    assert!(matches!(waited, Waited::TimedOut(_)));
    assert_eq!(scene.slept().iter().sum::<Duration>(), Duration::from_secs(5));

    let scene = Scene::new([is("pending")]);
    assert!(matches!(scene.client().orders().wait(&id()).timeout(Duration::ZERO).await.unwrap(), Waited::TimedOut(_)));
}

#[tokio::test]
async fn only_changes_are_told() {
    let mut seen = order("pending");
    seen["confirmations"] = json!(3);
    let scene = Scene::new([is("pending"), is("pending"), answer(200, &seen), answer(200, &seen), is("completed")]);
    let changes: Vec<_> = scene.client().orders().wait(&id()).changes().try_collect().await.unwrap();
    let told: Vec<_> = changes.iter().map(|order| (order.status.as_str(), order.confirmations)).collect();
    assert_eq!(told, [("pending", None), ("pending", Some(3)), ("completed", None)]);
}

#[tokio::test]
async fn a_server_that_starts_again_is_sat_out() {
    let gone = |_| broken(TransportErrorKind::Connect);
    let scene = Scene::new([is("pending")].into_iter().chain((0..18).map(gone)).chain([is("completed")]));
    assert!(matches!(scene.client().orders().wait(&id()).await.unwrap(), Waited::Completed(_)));
}

#[tokio::test]
async fn what_does_not_pass_ends_it() {
    let scene = Scene::new([problem(404, "RESOURCE_NOT_FOUND")]);
    scene.client().orders().wait(&id()).await.unwrap_err();

    let scene = Scene::new((0..1000).map(|_| broken(TransportErrorKind::Connect)));
    scene.client().orders().wait(&id()).await.unwrap_err();
    let waited: Duration = scene.slept().iter().sum();
    assert!(waited > Duration::from_secs(120) && waited < Duration::from_secs(200), "{waited:?}");
}
