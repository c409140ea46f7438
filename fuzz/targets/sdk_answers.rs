//! Answers that the SDK is given, by whatever stands between it and the server: read, or an error that says what is known and shows no key;
//! and what was read is written and read again as the same.
#![no_main]

use std::fmt::Debug;

use futures_util::FutureExt as _;
use libfuzzer_sys::fuzz_target;
use payin_fuzz::server::{KEY, Server};
use payin_sdk::{
    Answer, BindDeposit, Call, CreateOrder, Deposit, Error, EventsAfter, ListDeposits, ListEvents, ListOrders, Order, OrderSummary, Page,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What comes of a call, without waiting for anything. `acts`: whether it may have had an effect.
fn call<T: DeserializeOwned + Send + 'static>(server: &Server, call: Call<T>, acts: bool) -> Option<T> {
    let answered: Result<Answer<T>, Error> = call.answer().now_or_never().expect("nothing is waited for");
    let is_success = (200..300).contains(&server.status);
    let error = match answered {
        Ok(answer) => {
            assert!(is_success, "{} was taken for a success", server.status);
            return Some(answer.body);
        }
        Err(error) => error,
    };
    match &error {
        Error::Decode { .. } => assert!(is_success, "{error}"),
        Error::Api(api) => assert!(api.status == server.status && !is_success, "{error}"),
        // Nobody may take it for a refusal, and create again under another key.
        Error::OutcomeUnknown { .. } => assert!(acts && !is_success, "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(!format!("{error:?} {error}").contains(KEY));
    None
}

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(read: Option<T>) {
    let Some(read) = read else { return };
    let again = serde_json::to_vec(&read).expect("what was read is written");
    assert_eq!(serde_json::from_slice::<T>(&again).expect("what was written is read"), read);
}

fuzz_target!(|data: &[u8]| {
    let Some(server) = Server::of(data) else { return };
    let client = server.client();
    let order = CreateOrder::new("ORDER-1", "100.00".parse().expect("an amount"), "USDT", "ethereum-sepolia");
    same::<Order>(call(&server, client.orders().create(&order), true));
    same::<Order>(call(&server, client.orders().get(&"ord_1".into()), false));
    same::<Page<OrderSummary>>(call(&server, client.orders().list(&ListOrders::default()), false));
    same::<Page<Deposit>>(call(&server, client.deposits().list(&ListDeposits::default()), false));
    same::<EventsAfter>(call(&server, client.webhook_events().after("00c0ffee-1", &ListEvents::default()), false));
    let binding = BindDeposit::new("payer", "USDT", "ethereum-sepolia");
    let _ = call(&server, client.deposits().bind(&binding), true);
    let _ = call(&server, client.orders().explain(&"ord_1".into()), false);
    let _ = call(&server, client.payment_links().list(&Default::default()), false);
    let _ = call(&server, client.chains().list(), false);
});
