//! Deposit references on both engines: bound once, credited for everything that arrives on any chain of the family, exact in their totals,
//! told, taken back, let go. The blocks and transfers are made up.

use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::{checkout, deposits, transfers};
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, fault, refusal, request};
use payin_types::deposit::UnbindDeposit;
use payin_types::{
    BindDeposit, BoundDeposit, Deposit, DepositReference, DepositStatus, ErrorCode, EventType, ListDepositReferences, ListDeposits,
    ListTransfers, OrganizationId, Page, TransferStatus, UnboundDeposit,
};
use serde_json::json;

use super::World;
use super::line::{Line, Sent, at};
use super::outbox::endpoint;

fn binding(reference: &str) -> BindDeposit {
    BindDeposit::new(reference, "USDT", "ethereum-sepolia")
}

async fn bind(gateway: &Gateway, organization: &OrganizationId, request: BindDeposit) -> Result<BoundDeposit, Failure> {
    gateway.write(deposits::Bind::new(&gateway.app, organization.clone(), Ok(request))).await
}

async fn unbind(gateway: &Gateway, organization: &OrganizationId, reference: &str, chain: Option<&str>) -> Result<UnboundDeposit, Failure> {
    let query = UnbindDeposit { chain_id: chain.map(Into::into) };
    gateway.write(deposits::Unbind::new(&gateway.app, organization.clone(), reference.to_owned(), Ok(query))).await
}

async fn get(gateway: &Gateway, organization: &OrganizationId, reference: &str) -> Result<DepositReference, Failure> {
    deposits::get(&gateway.app, organization, reference).await
}

async fn list(gateway: &Gateway, organization: &OrganizationId, query: ListDeposits) -> Page<Deposit> {
    deposits::list(&gateway.app, organization, query).await.expect("a list")
}

fn totals(reference: &DepositReference) -> Vec<String> {
    reference.total_amount.iter().map(|(currency, amount)| format!("{amount} {currency}")).collect()
}

pub async fn a_reference_is_bound_once_on_a_chain(kind: Kind) {
    let world = World::new(kind).await;
    let organization = world.gateway.merchant(20).await;
    let servers = world.servers().await;
    let race = |server: Gateway, organization: OrganizationId| async move { bind(&server, &organization, binding("alice")).await };
    let answers = join_all((0..16).map(|n| race(servers[n % servers.len()].clone(), organization.clone()))).await;
    let (bound, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((bound.len(), refused.len()), (1, 15));
    for answer in refused {
        let error = refusal(answer);
        assert_eq!(error.code, ErrorCode::DuplicateDepositReference);
        assert_eq!(error.message, "Deposit reference 'alice' already exists for chain 'ethereum-sepolia'");
    }
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1").await, "1");
    // Another currency on that chain is still that chain; another chain is another address.
    let usdc = BindDeposit::new("alice", "USDC", "ethereum-sepolia");
    assert_eq!(refusal(bind(&world.gateway, &organization, usdc).await).code, ErrorCode::DuplicateDepositReference);
    let first = bound.into_iter().next().unwrap().unwrap();
    world.gateway.clock.advance(Duration::from_secs(1));
    let second = bind(&world.gateway, &organization, BindDeposit::new("alice", "USDT", "base-sepolia")).await.unwrap();
    assert_ne!(first.address, second.address);
    let known = get(&world.gateway, &organization, "alice").await.unwrap();
    let addresses: Vec<_> = known.addresses.iter().map(|address| address.address.clone()).collect();
    assert_eq!(addresses, [first.address, second.address]);
    // Another merchant has references of the same name, and does not see this one.
    let other = world.gateway.merchant(1).await;
    assert_eq!(refusal(get(&world.gateway, &other, "alice").await).code, ErrorCode::DepositReferenceNotFound);
    bind(&world.gateway, &other, binding("alice")).await.unwrap();
    // An empty pool does not hide that the reference is there.
    assert_eq!(refusal(bind(&world.gateway, &other, binding("alice")).await).code, ErrorCode::DuplicateDepositReference);
    assert_eq!(refusal(bind(&world.gateway, &other, binding("bob")).await).code, ErrorCode::NoAvailableAddresses);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM deposit_references WHERE reference = 'bob'").await, "0");
}

pub async fn everything_that_arrives_is_credited(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(5).await;
    endpoint(
        gateway,
        &organization,
        r#"["deposit.pending", "deposit.confirmed", "deposit.completed", "transfer.detected", "transfer.confirmed"]"#,
    )
    .await;
    let alice = bind(gateway, &organization, binding("alice").metadata("userId", "u_1")).await.unwrap();
    let mut sepolia = Line::new(gateway, "ethereum-sepolia").await;
    let mut bsc = Line::new(gateway, "bsc-testnet").await;
    let pay = |amount, tx: &str| Sent::to(&alice.address, amount, tx);
    // Two in one transaction, another token, another chain of the family with other decimals.
    let sent = [pay("100.5", "0x1"), pay("0.010001", "0x1").at_ordinal(3), pay("7", "0x2").in_currency("USDC")];
    sepolia.block(at(1), &sent).await;
    bsc.block(at(1), &[pay("0.010000000000000001", "0x1")]).await;
    let seen = list(gateway, &organization, ListDeposits::default()).await;
    assert_eq!((seen.pagination.total, seen.data.iter().all(|deposit| deposit.status == DepositStatus::Pending)), (4, true));
    let before = get(gateway, &organization, "alice").await.unwrap();
    assert_eq!((before.total_deposits, before.total_amount.len()), (0, 0), "what is not confirmed does not count");
    for line in [&mut sepolia, &mut bsc] {
        line.blocks(14, at(2)).await;
        line.settle().await;
    }
    let confirmed = get(gateway, &organization, "alice").await.unwrap();
    assert_eq!(confirmed.total_deposits, 4);
    assert_eq!(totals(&confirmed), ["7.00 USDC", "100.520001000000000001 USDT"]);
    let status = |status| ListDeposits { status: Some(status), ..ListDeposits::default() };
    assert_eq!(list(gateway, &organization, status(DepositStatus::Confirmed)).await.pagination.total, 4);
    sepolia.finalize(at(60)).await;
    sepolia.settle().await;
    assert_eq!(list(gateway, &organization, status(DepositStatus::Completed)).await.pagination.total, 3);
    let one = list(gateway, &organization, ListDeposits { chain_id: Some("bsc-testnet".into()), ..ListDeposits::default() }).await;
    let [deposit] = one.data.as_slice() else { panic!("{one:?}") };
    assert_eq!(&deposits::get_deposit(&gateway.app, &organization, deposit.deposit_id.as_str()).await.unwrap(), deposit);
    let data: Vec<_> = world.place.rows("SELECT type, COUNT(*) FROM events GROUP BY type ORDER BY type").await;
    let expected =
        [("deposit.completed", 3), ("deposit.confirmed", 4), ("deposit.pending", 4), ("transfer.confirmed", 4), ("transfer.detected", 4)];
    assert_eq!(data, expected.map(|(event_type, count)| vec![event_type.to_owned(), count.to_string()]));
    let body = world.place.value(&format!("SELECT body FROM events WHERE id = 'evt_deposit_confirmed_{}'", deposit.deposit_id)).await;
    let event: payin_types::Event = serde_json::from_str(&body).unwrap();
    let told = event.deposit().unwrap().unwrap();
    assert_eq!((told.deposit_reference.as_str(), told.metadata["userId"].clone(), told.confirmations), ("alice", json!("u_1"), Some(15)));
    assert_eq!(
        (event.event_type, told.status, told.amount.to_string()),
        (EventType::DepositConfirmed, DepositStatus::Confirmed, "0.010000000000000001".to_owned())
    );
}

pub async fn a_deposit_taken_back_is_told_and_comes_again(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    let alice = bind(gateway, &organization, binding("alice")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(0), &[]).await;
    line.block(at(1), &[Sent::to(&alice.address, "5", "0x1")]).await;
    line.blocks(2, at(2)).await;
    line.settle().await;
    assert_eq!(totals(&get(gateway, &organization, "alice").await.unwrap()), ["5.00 USDT"]);
    let deposit = list(gateway, &organization, ListDeposits::default()).await.data.remove(0);
    line.reorganise(3).await;
    let reverted = deposits::get_deposit(&gateway.app, &organization, deposit.deposit_id.as_str()).await.unwrap();
    assert_eq!(
        (&reverted.status, reverted.reverted, reverted.confirmations, reverted.confirmed_at),
        (&DepositStatus::Pending, Some(true), 0, None)
    );
    let none = get(gateway, &organization, "alice").await.unwrap();
    assert_eq!((none.total_deposits, totals(&none)), (0, vec![]));
    let transfer =
        transfers::list(&gateway.app, &organization, ListTransfers { status: Some(TransferStatus::Failed), ..Default::default() })
            .await
            .unwrap();
    assert_eq!(transfer.data[0].deposit_id.as_ref(), Some(&deposit.deposit_id));
    // It comes back, in another block: the same deposit, credited once.
    line.block(at(3), &[Sent::to(&alice.address, "5", "0x1")]).await;
    line.blocks(2, at(4)).await;
    line.settle().await;
    let again = list(gateway, &organization, ListDeposits::default()).await;
    assert_eq!((again.pagination.total, &again.data[0].deposit_id, again.data[0].reverted), (1, &deposit.deposit_id, None));
    assert_eq!(totals(&get(gateway, &organization, "alice").await.unwrap()), ["5.00 USDT"]);
    let id = &deposit.deposit_id;
    let expected = ["pending", "confirmed", "reverted"].map(|what| format!("evt_deposit_{what}_{id}"));
    let repeated = [format!("evt_deposit_pending_{id}_4"), format!("evt_deposit_confirmed_{id}_5")];
    assert_eq!(world.events(id.as_str()).await, [expected.as_slice(), &repeated].concat());
}

pub async fn what_is_let_go_is_credited_no_more(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(2).await;
    endpoint(gateway, &organization, r#"["deposit.address_bound", "deposit.address_unbound", "transfer.unmatched"]"#).await;
    let alice = bind(gateway, &organization, binding("alice").metadata("a", 1).metadata("b", 1)).await.unwrap();
    let more = BindDeposit::new("alice", "USDC", "base-sepolia").metadata("b", 2);
    let base = bind(gateway, &organization, more).await.unwrap();
    assert_eq!(json!(base.metadata), json!({"a": 1, "b": 2}), "what is known of a payer grows");
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[]).await;
    gateway.clock.advance(Duration::from_secs(10));
    assert_eq!(refusal(unbind(gateway, &organization, "alice", Some("bsc-testnet")).await).code, ErrorCode::DepositReferenceNotFound);
    let answers = join_all((0..8).map(|_| unbind(gateway, &organization, "alice", Some("ethereum-sepolia")))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "an address is let go once");
    assert_eq!(get(gateway, &organization, "alice").await.unwrap().addresses.len(), 1);
    // A block of a time before the end still counts, whenever it is seen; a later one does not, and keeps the address back.
    line.block(at(9), &[Sent::to(&alice.address, "5", "0x1")]).await;
    line.block(at(10), &[Sent::to(&alice.address, "6", "0x2")]).await;
    line.blocks(2, at(11)).await;
    line.settle().await;
    assert_eq!((world.verdict("0x1").await, world.verdict("0x2").await), ("-".to_owned(), "late".to_owned()));
    assert!(world.quarantined(&alice.address).await);
    assert_eq!(totals(&get(gateway, &organization, "alice").await.unwrap()), ["5.00 USDT"]);
    let stray = transfers::list(&gateway.app, &organization, ListTransfers { unmatched: Some(true), ..Default::default() }).await.unwrap();
    assert_eq!((stray.data[0].deposit_reference.as_deref(), stray.data[0].business_type.clone()), (Some("alice"), None));
    // With the last address the reference is gone, and the next of that name starts anew, but for what it has received.
    assert_eq!(unbind(gateway, &organization, "alice", None).await.unwrap().unbound_addresses, 1);
    assert_eq!(refusal(get(gateway, &organization, "alice").await).code, ErrorCode::DepositReferenceNotFound);
    assert_eq!(refusal(unbind(gateway, &organization, "alice", None).await).code, ErrorCode::DepositReferenceNotFound);
    let listed = deposits::references(&gateway.app, &organization, ListDepositReferences::default()).await.unwrap();
    assert_eq!(listed.pagination.total, 0);
    // Both addresses rest, one of them for good.
    assert_eq!(refusal(bind(gateway, &organization, binding("bob")).await).code, ErrorCode::NoAvailableAddresses);
    let types = world.place.rows("SELECT type FROM events ORDER BY type").await.concat();
    let count = |name: &str| types.iter().filter(|event_type| *event_type == name).count();
    assert_eq!((count("deposit.address_bound"), count("deposit.address_unbound"), count("transfer.unmatched")), (2, 2, 1));
}

pub async fn a_deposit_address_rests_before_it_is_an_orders(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    let alice = bind(gateway, &organization, binding("alice")).await.unwrap();
    unbind(gateway, &organization, "alice", None).await.unwrap();
    let cooldown = gateway.app.cooldown;
    gateway.clock.advance(cooldown + Duration::from_secs(1));
    // Our clock alone does not decide: a late payment may wait in a block of any chain of the family.
    assert_eq!(refusal(gateway.create(&organization, request("order")).await).code, ErrorCode::NoAvailableAddresses);
    for chain in ["ethereum-sepolia", "base-sepolia", "bsc-testnet"] {
        assert_eq!(refusal(gateway.create(&organization, request("order")).await).code, ErrorCode::NoAvailableAddresses, "{chain}");
        Line::new(gateway, chain).await.block(gateway.now(), &[]).await;
    }
    let order = gateway.create(&organization, request("order")).await.unwrap();
    assert_eq!(order.address, alice.address);
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(gateway.now().plus(Duration::from_secs(1)), &[Sent::pays(&order, "100", "0x9")]).await;
    line.blocks(2, gateway.now().plus(Duration::from_secs(2))).await;
    line.settle().await;
    assert_eq!(list(gateway, &organization, ListDeposits::default()).await.pagination.total, 0, "the money is the order's");
    assert_eq!(world.fresh(&organization, &order).await.tx_hash.as_deref(), Some("0x9"));
}

pub async fn an_altered_deposit_address_is_not_shown(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(1).await;
    bind(gateway, &organization, binding("alice")).await.unwrap();
    // Payers see it by an id that nobody guesses.
    let page = deposits::pages(&gateway.app, &organization, "alice").await.unwrap().into_values().next().expect("a page");
    let shown = async || checkout::depositing(&gateway.app, page.as_str()).await;
    assert_eq!(shown().await.unwrap().binding.reference, "alice");
    world.place.execute("UPDATE deposit_bindings SET address = '0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE'").await;
    for fault in [fault(get(gateway, &organization, "alice").await), fault(shown().await)] {
        assert!(fault.to_string().contains("altered"), "{fault}");
    }
}

pub async fn references_are_found_and_paged(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(12).await;
    let names = ["user_alice", "USER_Bob", "userXalice", "100%", "ünï/cödé x", "z"];
    for (n, name) in names.into_iter().enumerate() {
        gateway.clock.advance(Duration::from_secs(1));
        let chain = ["ethereum-sepolia", "base-sepolia"][n % 2];
        bind(gateway, &organization, BindDeposit::new(name, "USDT", chain)).await.unwrap();
    }
    let mut line = Line::new(gateway, "base-sepolia").await;
    let bob = get(gateway, &organization, "USER_Bob").await.unwrap();
    line.block(at(50), &[Sent::to(&bob.addresses[0].address, "3", "0x1"), Sent::to(&bob.addresses[0].address, "4", "0x2")]).await;
    line.blocks(2, at(51)).await;
    line.settle().await;
    let search = |text: Option<&str>, page| ListDepositReferences { search: text.map(Into::into), page, limit: Some(2) };
    let found = async |text: Option<&str>, page| {
        let page = deposits::references(&gateway.app, &organization, search(text, page)).await.unwrap();
        (page.data.into_iter().map(|reference| reference.deposit_reference).collect::<Vec<_>>(), page.pagination.total)
    };
    assert_eq!(found(None, None).await, (vec!["z".to_owned(), "ünï/cödé x".to_owned()], 6));
    assert_eq!(found(None, Some(3)).await, (vec!["USER_Bob".to_owned(), "user_alice".to_owned()], 6));
    assert_eq!(found(Some("user_"), None).await, (vec!["USER_Bob".to_owned(), "user_alice".to_owned()], 2));
    assert_eq!(found(Some("%"), None).await.1, 1);
    assert_eq!(found(Some("CÖDÉ"), None).await.1, 1);
    let bob = deposits::references(&gateway.app, &organization, search(Some("bob"), None)).await.unwrap().data.remove(0);
    assert_eq!(
        json!(bob),
        json!({"depositReference": "USER_Bob", "protocols": ["evm"], "addressCount": 1, "totalDeposits": 2,
        "totalAmount": {"USDT": "7.00"}, "lastDepositAt": gateway.now()})
    );
    for (query, field) in [(search(None, Some(0)), "page"), (ListDepositReferences { limit: Some(101), ..Default::default() }, "limit")] {
        let error = refusal(deposits::references(&gateway.app, &organization, query).await);
        assert!(error.message.starts_with(field), "{error:?}");
    }
}

pub async fn lists_of_transfers_filter_and_sort(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(4).await;
    let alice = bind(gateway, &organization, binding("alice")).await.unwrap();
    let order = gateway.create(&organization, request("order")).await.unwrap();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    line.block(at(1), &[Sent::to(&alice.address, "9", "0xa"), Sent::to(&alice.address, "100", "0xa").at_ordinal(1)]).await;
    line.blocks(2, at(2)).await;
    line.settle().await;
    gateway.clock.advance(Duration::from_secs(60));
    line.block(at(5), &[Sent::pays(&order, "10", "0xb"), Sent::pays(&order, "2", "0xC").in_currency("USDC")]).await;
    let shown = async |query: ListTransfers| {
        let page = transfers::list(&gateway.app, &organization, query).await.unwrap();
        assert_eq!(page.pagination.total, page.data.len() as u64);
        page.data.iter().map(|transfer| transfer.amount.to_string()).collect::<Vec<_>>().join(" ")
    };
    let of = |json: serde_json::Value| serde_json::from_value::<ListTransfers>(json).unwrap();
    for (query, expected) in [
        (json!({"sortBy": "amount"}), "100.00 10.00 9.00 2.00"),
        (json!({"sortBy": "amount", "sortOrder": "asc"}), "2.00 9.00 10.00 100.00"),
        (json!({"businessType": "deposit", "sortBy": "amount"}), "100.00 9.00"),
        (json!({"businessType": "order"}), "10.00"),
        (json!({"unmatched": true}), "2.00"),
        (json!({"unmatched": false, "status": "pending"}), "10.00"),
        (json!({"status": "confirmed", "sortBy": "amount", "sortOrder": "asc"}), "9.00 100.00"),
        (json!({"status": "failed"}), ""),
        (json!({"businessType": "order", "sortBy": "detectedAt", "sortOrder": "asc"}), "10.00"),
        (json!({"currency": "USDC"}), "2.00"),
        (json!({"chainId": "base-sepolia"}), ""),
        (json!({"txHash": "0XB"}), "10.00"),
        (json!({"orderId": order.order_id, "sortBy": "amount"}), "10.00 2.00"),
        (json!({"depositReference": "alice", "detectedBefore": at(1), "sortBy": "amount"}), "100.00 9.00"),
        (json!({"detectedAfter": at(1), "sortBy": "amount"}), "10.00 2.00"),
    ] {
        assert_eq!(shown(of(query.clone())).await, expected, "{query}");
    }
    // Those without a time of confirmation come last, whichever end is first.
    for order in ["asc", "desc"] {
        let sorted = shown(of(json!({"sortBy": "confirmedAt", "sortOrder": order}))).await;
        assert!(sorted.starts_with("9.00 100.00 ") || sorted.starts_with("100.00 9.00 "), "{order}: {sorted}");
    }
    let all = transfers::list(&gateway.app, &organization, of(json!({"orderId": order.order_id, "unmatched": true}))).await.unwrap();
    let one = &all.data[0];
    assert_eq!((one.unmatched_reason.as_ref().unwrap().as_str(), one.order_reference.as_deref()), ("wrong_currency", Some("order")));
    assert_eq!(&transfers::get(&gateway.app, &organization, one.transfer_id.as_str()).await.unwrap(), one);
    let other = gateway.merchant(0).await;
    let foreign = refusal(transfers::get(&gateway.app, &other, one.transfer_id.as_str()).await);
    assert_eq!(foreign.code, ErrorCode::ResourceNotFound);
    let unknown = refusal(deposits::get_deposit(&gateway.app, &organization, "dep_nobody's").await);
    assert_eq!(unknown.code, ErrorCode::ResourceNotFound);
    assert!(refusal(transfers::list(&gateway.app, &organization, of(json!({"status": "completed"}))).await).message.contains("status"));
}
