//! The client without an async runtime.

use super::script::{Scene, answer, order, problem};
use crate::{CreateOrder, Error, ListOrders, OrderId, Waited, blocking};
use serde_json::json;

fn client(scene: &Scene) -> blocking::Client {
    blocking::Client::new(scene.client()).unwrap()
}

fn id() -> OrderId {
    OrderId::from("ord_1")
}

fn new_order() -> CreateOrder {
    CreateOrder::new("R-1", "100".parse().unwrap(), "USDT", "ethereum-sepolia")
}

#[test]
fn calls_waits_and_streams() {
    let page = |order: &str, more: bool| {
        let item = json!({"orderId": order, "orderReference": "R", "amount": "1", "currency": "USDT", "chainId": "c", "address": "0x",
            "status": "pending", "createdAt": "2025-01-20T10:30:00Z"});
        answer(200, &json!({"data": [item], "pagination": {"page": 1, "limit": 1, "total": 2, "totalPages": 2, "hasMore": more}}))
    };
    let scene = Scene::new([
        answer(201, &order("pending")),
        answer(200, &order("pending")),
        answer(200, &order("completed")),
        answer(201, &order("pending")),
        page("a", true),
        page("b", false),
        problem(404, "RESOURCE_NOT_FOUND"),
    ]);
    let client = client(&scene);
    assert_eq!(client.run(|client| client.orders().create(&new_order())).unwrap().order_id, id());
    assert!(matches!(client.run(|client| client.orders().wait(&id())).unwrap(), Waited::Completed(_)));
    let order = new_order();
    assert!(client.run(|client| client.ensure_order(&order)).unwrap().created);
    let orders = client.iter(|client| client.orders().stream(ListOrders::default())).unwrap();
    assert_eq!(orders.map(|order| order.unwrap().order_id.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(client.clone().run(|client| client.orders().get(&id())).unwrap_err().is_not_found());
}

#[test]
fn it_works_over_http_and_from_several_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(wiremock::MockServer::start());
    let answers = wiremock::ResponseTemplate::new(200).set_body_json(order("pending"));
    runtime.block_on(wiremock::Mock::given(wiremock::matchers::any()).respond_with(answers).mount(&server));
    let client = crate::Client::builder().api_key(super::script::KEY).base_url(server.uri()).retries_max(0).build().unwrap();
    let client = blocking::Client::new(client).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| assert_eq!(client.run(|client| client.orders().get(&id())).unwrap().order_id, id())));
        }
    });
}

#[tokio::test]
async fn within_a_runtime_it_says_so_and_does_not_panic() {
    let scene = Scene::new([]);
    let client = client(&scene);
    let error = client.run(|client| client.orders().get(&id())).unwrap_err();
    assert!(matches!(&error, Error::Config(why) if why.contains("async runtime")), "{error}");
    assert!(client.iter(|client| client.orders().stream(ListOrders::default())).is_err());
    assert_eq!(scene.sent(), 0);
    // Dropped here, within the runtime, too.
    drop(client);
}
