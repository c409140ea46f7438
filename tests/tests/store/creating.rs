//! Orders opened by many at once: never two on an address, never two under a reference, never one on an altered address.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use payin_server::app::{endpoints, orders, pool};
use payin_server::store::{Failure, Fault, Together as _};
use payin_tests::gateway::{Kind, fault, refusal, request};
use payin_types::{Amount, CreateOrder, ErrorCode, Order, Protocol};

use super::World;

type Created = Result<Order, Failure>;

/// The orders that were opened, and the codes of the others.
fn sorted(results: Vec<Created>) -> (Vec<Order>, Vec<ErrorCode>) {
    let (opened, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    (opened.into_iter().flatten().collect(), refused.into_iter().map(|result| refusal(result).code).collect())
}

pub async fn orders_never_share_an_address(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    // By one server and by all of them; done together where that is possible, one by one, and both at once.
    for (servers, way) in [&servers[..1], &servers[..]].into_iter().flat_map(|servers| (0..3).map(move |way| (servers, way))) {
        let organization = world.gateway.merchant(32).await;
        let create = |number: usize| {
            let server = servers[number % servers.len()].clone();
            let unit = orders::Create::new(&server.app, organization.clone(), Ok(request(&format!("order {number}"))));
            let together = way == 0 || way == 2 && number.is_multiple_of(3);
            // A task each, so that they come to the store as requests do: some while others are being done.
            let task = tokio::spawn(async move {
                if together { server.app.store.write_together(unit).await } else { server.app.store.write(unit).await }
            });
            task.map(|done| done.expect("the task ends"))
        };
        let (opened, refused) = sorted(join_all((0..64).map(create)).await);
        assert_eq!((opened.len(), refused.len()), (32, 32), "{refused:?}");
        assert!(refused.iter().all(|code| *code == ErrorCode::NoAvailableAddresses), "{refused:?}");
        assert_eq!(opened.iter().map(|order| &order.address).collect::<BTreeSet<_>>().len(), 32);
        assert_eq!(opened.iter().map(|order| &order.order_id).collect::<BTreeSet<_>>().len(), 32);
        let of = format!("WHERE organization_id = '{organization}'");
        assert_eq!(world.place.value(&format!("SELECT COUNT(*) FROM orders {of}")).await, "32");
        assert_eq!(world.place.value(&format!("SELECT COUNT(DISTINCT address_id) FROM orders {of}")).await, "32");
        let live = "SELECT COUNT(*) FROM assignments a JOIN orders o ON o.id = a.holder_id AND o.address_id = a.address_id";
        assert_eq!(world.place.value(&format!("{live} {of} AND a.released_at IS NULL")).await, "32");
        let counts = pool::status(&world.gateway.app, &organization).await.unwrap()[&Protocol::Evm];
        assert_eq!((counts.total, counts.available, counts.allocated), (32, 0, 32));
    }
}

pub async fn a_reference_is_taken_once(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(20).await;
    let create = |number: usize| servers[number % servers.len()].create(&organization, request("the same"));
    let results = join_all((0..32).map(create)).await;
    let opened: Vec<&Order> = results.iter().flatten().collect();
    let [order] = opened.as_slice() else { panic!("{opened:?}") };
    let id = order.order_id.clone();
    for result in results.into_iter().filter(Result::is_err) {
        let error = refusal(result);
        assert_eq!((error.code, error.existing_order_id), (ErrorCode::DuplicateOrderReference, Some(id.clone())));
    }
    // What the losers had claimed is free again.
    let left = pool::status(&world.gateway.app, &organization).await.unwrap()[&Protocol::Evm];
    assert_eq!((left.available, left.allocated), (19, 1));
    let more = join_all((0..19).map(|number| world.gateway.create(&organization, request(&format!("other {number}"))))).await;
    assert_eq!(sorted(more).0.len(), 19);
    // An empty pool does not hide that a reference is taken.
    let error = refusal(world.gateway.create(&organization, request("the same")).await);
    assert_eq!((error.code, error.existing_order_id), (ErrorCode::DuplicateOrderReference, Some(id)));
    // The same reference in another organization is another order's.
    let other = world.gateway.merchant(1).await;
    world.gateway.create(&other, request("the same")).await.unwrap();
}

pub async fn an_altered_address_is_given_to_nobody(kind: Kind) {
    let world = World::new(kind).await;
    let organization = world.gateway.merchant(1).await;
    let thief = world.gateway.addresses(1).remove(0);
    assert_eq!(world.place.execute(&format!("UPDATE pool_addresses SET address = '{thief}'")).await, 1);
    for number in 0..2 {
        let found = fault(world.gateway.create(&organization, request(&format!("order {number}"))).await);
        assert!(matches!(&found, Fault::Corrupt(text) if text.contains("altered")), "{found:?}");
    }
    assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, "0");
    assert_eq!(world.place.value("SELECT held FROM pool_addresses").await, "0");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM assignments").await, "0");
    // Nor one that was moved from another organization, MAC and all, whether alone or in a group.
    let (victim, robber) = (world.gateway.merchant(4).await, world.gateway.merchant(0).await);
    let moved = format!("UPDATE pool_addresses SET organization_id = '{robber}' WHERE organization_id = '{victim}'");
    assert_eq!(world.place.execute(&moved).await, 4);
    let stolen = join_all((0..4).map(|number| world.gateway.create(&robber, request(&format!("order {number}"))))).await;
    assert!(stolen.iter().all(|result| matches!(result, Err(Failure::Fault(Fault::Corrupt(_))))), "{stolen:?}");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, "0");
}

pub async fn what_one_unit_cannot_do_harms_no_other(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(40).await;
    // NUL is the one character that PostgreSQL takes in no text: whoever sends one must not fail those who wait beside them.
    let delete = |_| {
        let unit = endpoints::Delete { organization_id: organization.clone(), id: "we_\0".to_owned(), now: gateway.now() };
        gateway.write(unit).map(|result| result.is_err())
    };
    let broken = |_| {
        let run = gateway.tx(|tx| async move { Ok(payin_server::store::orders::lock(tx, "ord_that_is_not").await.map(drop)?) }.boxed());
        run.map(|result| matches!(result, Err(Failure::Fault(Fault::Corrupt(_)))))
    };
    let create = |number: usize| gateway.create(&organization, request(&format!("order {number}"))).map(|result| result.is_ok());
    let (created, corrupt, refused) =
        futures_util::join!(join_all((0..40).map(create)), join_all((0..10).map(broken)), join_all((0..10).map(delete)));
    let kept = created.iter().filter(|created| **created).count();
    assert_eq!((kept, corrupt.contains(&false), refused.contains(&false)), (40, false, false), "(created, not corrupt, not refused)");
}

/// A bug of ours in one unit: of those who wait beside it each is told what became of theirs, and whoever comes next is served.
pub async fn a_unit_that_panics_leaves_nothing_half_done(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(41).await;
    let breaks = |_| {
        let run = gateway.tx(|_| {
            async {
                if true {
                    panic!("on purpose");
                }
                Ok(())
            }
            .boxed()
        });
        run.map(|result| matches!(fault(result), Fault::NotCommitted(text) if text.contains("panicked")))
    };
    let create = |number: usize| gateway.create(&organization, request(&format!("order {number}"))).map(|result| result.is_ok());
    let (created, broken) = futures_util::join!(join_all((0..40).map(create)), join_all((0..5).map(breaks)));
    assert_eq!(broken, [true; 5]);
    let told = created.iter().filter(|created| **created).count().to_string();
    assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, told);
    assert_eq!(world.place.value("SELECT COUNT(*) FROM pool_addresses WHERE held = 1").await, told);
    gateway.create(&organization, request("afterwards")).await.expect("the store goes on");
}

pub async fn amounts_survive_with_every_digit(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let amounts = [
        "0.000000000000000001",
        "9999999999.999999999999999999",
        "1.000000000000000000",
        "0.100000000000000000",
        "123456789.987654321987654321",
        "1000000000.000000001",
        "1",
        "1.50",
    ];
    let organization = gateway.merchant(amounts.len()).await;
    for (text, number) in amounts.into_iter().zip(0..) {
        let amount: Amount = text.parse().unwrap();
        let request = CreateOrder::new(format!("order {number}"), amount, "USDT", "bsc-testnet").metadata("ключ", "\u{10ffff} \" \\ '");
        let made = gateway.create(&organization, request).await.unwrap();
        let read = gateway.order(&organization, made.order_id.as_str()).await;
        assert_eq!((made.amount.to_string(), read.amount.to_string()), (text.to_owned(), text.to_owned()));
        assert_eq!(read, made);
        let limbs = format!("SELECT amount_whole, amount_nano, amount_atto FROM orders WHERE id = '{}'", made.order_id);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = format!("{fraction:0<18}");
        let limb = |digits: &str| digits.parse::<i64>().unwrap().to_string();
        assert_eq!(world.place.rows(&limbs).await, [[limb(whole), limb(&fraction[..9]), limb(&fraction[9..])]]);
    }
    // What is written twice and differs is believed neither way.
    world.place.execute("UPDATE orders SET amount_atto = amount_atto + 1 WHERE reference = 'order 6'").await;
    let read = orders::get_by_reference(&gateway.app, &organization, "order 6").await;
    assert!(matches!(fault(read), Fault::Corrupt(_)));
}

pub async fn a_closed_store_has_finished_its_work(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    gateway.app.store.check().await.unwrap();
    let organization = gateway.merchant(30).await;
    let tasks: Vec<_> = (0..30)
        .map(|number| {
            let (gateway, organization) = (gateway.clone(), organization.clone());
            tokio::spawn(async move { gateway.create(&organization, request(&format!("order {number}"))).await.is_ok() })
        })
        .collect();
    gateway.app.store.close().await;
    let mut told = 0;
    for task in tasks {
        told += usize::from(task.await.unwrap());
    }
    // Whoever was told of an order has it; whoever came after the end was told so.
    assert_eq!(world.place.value("SELECT COUNT(*) FROM orders").await, told.to_string());
    assert!(matches!(fault(gateway.create(&organization, request("too late")).await), Fault::Stopped));
}

pub async fn no_order_where_nobody_looks(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(8).await;
    // A chain that was never followed, and one that waits for a person: a payment there would not be seen.
    world.place.execute("DELETE FROM chain_cursors WHERE chain_id = 'base-sepolia'").await;
    world.place.execute("UPDATE chain_cursors SET halted = 'look' WHERE chain_id = 'bsc-testnet'").await;
    let amount: Amount = "5".parse().unwrap();
    let on = |chain: &str, number: usize| CreateOrder::new(format!("{chain} {number}"), amount, "USDT", chain);
    let chains = ["ethereum-sepolia", "base-sepolia", "bsc-testnet"];
    let orders = join_all((0..12).map(|number| gateway.create(&organization, on(chains[number % 3], number)))).await;
    let (opened, refused) = sorted(orders);
    assert_eq!((opened.len(), refused.len()), (4, 8));
    assert!(opened.iter().all(|order| order.chain_id.as_str() == "ethereum-sepolia"));
    assert!(refused.iter().all(|code| *code == ErrorCode::ChainUnavailable), "{refused:?}");
    let counts = pool::status(&gateway.app, &organization).await.unwrap()[&Protocol::Evm];
    assert_eq!((counts.available, counts.allocated), (4, 4));
    // Together on several chains: each its own order, each answer to whom it belongs.
    world.place.execute("DELETE FROM chain_cursors").await;
    world.place.execute("DELETE FROM chain_blocks").await;
    gateway.follow_all().await;
    let asked: Vec<CreateOrder> = (0..4).map(|number| on(chains[number % 3], 100 + number)).collect();
    let answered = join_all(asked.iter().map(|request| gateway.create(&organization, request.clone()))).await;
    for (request, order) in asked.iter().zip(answered) {
        let order = order.unwrap();
        assert_eq!((&order.order_reference, &order.chain_id), (&request.order_reference, &request.chain_id));
    }
}

pub async fn orders_of_two_chains_are_opened_together(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(3).await;
    let (app, of) = (gateway.app.clone(), organization.clone());
    let together = gateway.tx(move |tx| {
        let create = |reference: &str, chain: &str| {
            let request = CreateOrder { chain_id: chain.into(), ..request(reference) };
            orders::Create::new(&app, of.clone(), Ok(request))
        };
        let units = [create("a", "ethereum-sepolia"), create("b", "base-sepolia")];
        async move { Ok(orders::Create::run_together(&[&units[0], &units[1]], tx).await?) }.boxed()
    });
    let opened = together.await.unwrap().expect("orders of two chains are nothing out of the ordinary");
    let chains: Vec<&str> = opened.iter().map(|order| order.chain_id.as_str()).collect();
    assert_eq!(chains, ["ethereum-sepolia", "base-sepolia"], "in the order they were asked for");
    assert_ne!(opened[0].address, opened[1].address);
    for order in &opened {
        assert_eq!(gateway.order(&organization, order.order_id.as_str()).await.address, order.address);
    }
    let counts = pool::status(&gateway.app, &organization).await.unwrap()[&Protocol::Evm];
    assert_eq!((counts.total, counts.available, counts.allocated), (3, 1, 2));
    // As the API does it, by many at once: still each on an address of its own.
    let organization = gateway.merchant(24).await;
    let create = |number: usize| {
        let chain = ["ethereum-sepolia", "base-sepolia", "bsc-testnet"][number % 3];
        gateway.create(&organization, CreateOrder { chain_id: chain.into(), ..request(&format!("order {number}")) })
    };
    let (opened, refused) = sorted(join_all((0..30).map(create)).await);
    assert_eq!((opened.len(), refused), (24, vec![ErrorCode::NoAvailableAddresses; 6]));
    assert_eq!(opened.iter().map(|order| &order.address).collect::<BTreeSet<_>>().len(), 24);
}
