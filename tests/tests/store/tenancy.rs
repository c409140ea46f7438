//! Two organizations on one database: neither sees, names or changes anything of the other's.

use std::sync::Arc;
use std::time::Duration;

use payin_server::app::deployment::CheckDeployment;
use payin_server::app::{access, endpoints, orders, pool};
use payin_server::seal::Seal;
use payin_server::store::{Failure, Fault};
use payin_tests::gateway::{Kind, refusal, request};
use payin_types::pool::ListAddresses;
use payin_types::{CreateOrder, Environment, ErrorCode, ExposeSecret as _, ListOrders, OrganizationId, Protocol, Role};
use secrecy::SecretBox;

use super::World;
use super::outbox::endpoint;

pub async fn organizations_see_their_own(kind: Kind) {
    let world = World::new(kind).await;
    let app = &world.gateway.app;
    let mut all: Vec<(OrganizationId, String, String)> = Vec::new();
    for number in 0..2usize {
        let organization = world.gateway.merchant(3 + number).await;
        let order = world.gateway.create(&organization, request("the same")).await.unwrap();
        if number == 1 {
            world.gateway.create(&organization, request("theirs alone")).await.unwrap();
        }
        let endpoint = endpoint(&world.gateway, &organization, "[\"*\"]").await;
        all.push((organization, order.order_id.as_str().to_owned(), endpoint.as_str().to_owned()));
    }
    let not_found = |result| refusal(result).code == ErrorCode::ResourceNotFound;
    for (own, other) in [(0, 1), (1, 0)] {
        let (organization, id, endpoint_id) = &all[own];
        let (_, foreign, foreign_endpoint) = &all[other];
        assert_eq!(orders::get(app, organization, id).await.unwrap().order_id.as_str(), id);
        assert!(not_found(orders::get(app, organization, foreign).await));
        assert_eq!(orders::get_by_reference(app, organization, "the same").await.unwrap().order_id.as_str(), id);
        if own == 0 {
            assert!(not_found(orders::get_by_reference(app, organization, "theirs alone").await));
        }
        let page = orders::list(app, organization, ListOrders::default()).await.unwrap();
        assert_eq!(page.pagination.total, 1 + own as u64);
        assert!(page.data.iter().all(|order| order.order_id.as_str() != foreign));
        let part = ListOrders { order_reference: Some("alone".to_owned()), ..Default::default() };
        assert_eq!(orders::list(app, organization, part).await.unwrap().pagination.total, own as u64);
        let addresses = pool::list(app, organization, ListAddresses::default()).await.unwrap();
        assert_eq!(addresses.pagination.total, 3 + own as u64);
        assert_eq!(pool::status(app, organization).await.unwrap()[&Protocol::Evm].total, 3 + own as u64);
        let hooks = endpoints::list(app, organization, None, None).await.unwrap();
        assert_eq!(hooks.data.iter().map(|hook| hook.id.as_str()).collect::<Vec<_>>(), [endpoint_id]);
        let delete = endpoints::Delete { organization_id: organization.clone(), id: foreign_endpoint.clone(), now: world.gateway.now() };
        assert_eq!(refusal(world.gateway.write(delete).await).code, ErrorCode::ResourceNotFound);
    }
    // A refusal for an empty pool says nothing of the other's; their addresses are theirs.
    for number in 0..2 {
        world.gateway.create(&all[0].0, request(&format!("more {number}"))).await.unwrap();
    }
    assert_eq!(refusal(world.gateway.create(&all[0].0, request("one too many")).await).code, ErrorCode::NoAvailableAddresses);
    let amount = "5".parse().unwrap();
    world.gateway.create(&all[1].0, CreateOrder::new("still", amount, "USDC", "base-sepolia")).await.unwrap();
}

pub async fn keys_open_their_organization(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let make = |secret: &str, role, organization: Option<&str>| {
        access::CreateKey::new(&gateway.app, secret, role, "key", organization.map(str::to_owned))
    };
    let [one, two, three] = [0; 3].map(|_| access::make_key(&gateway.app).expose_secret().to_owned());
    // The first key makes the first organization, the next joins it; a name that is new makes another.
    let (first, _) = gateway.write(make(&one, Role::Owner, None)).await.unwrap();
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(gateway.write(make(&two, Role::Member, None)).await.unwrap().0, first);
    let (second, other_key) = gateway.organization("Second").await;
    assert_eq!(gateway.write(make(&three, Role::Viewer, Some("Second"))).await.unwrap().0, second);
    // Where there are several, none is guessed.
    let unnamed = make(access::make_key(&gateway.app).expose_secret(), Role::Owner, None);
    assert_eq!(refusal(gateway.write(unnamed).await).code, ErrorCode::ValidationError);
    for (secret, organization, name, role) in [
        (&one, &first, "My organization", Role::Owner),
        (&two, &first, "My organization", Role::Member),
        (&three, &second, "Second", Role::Viewer),
        (&other_key, &second, "Second", Role::Owner),
    ] {
        let key = access::authenticate(&gateway.app, secret).await.unwrap();
        assert_eq!((&key.organization_id, key.organization_name.as_str(), key.role.clone()), (organization, name, role));
    }
    // A key that is in use is nobody else's, and no key stands in the database.
    assert!(gateway.write(make(&one, Role::Owner, Some("Second"))).await.is_err());
    for text in world.place.rows("SELECT * FROM api_keys").await.iter().flatten() {
        assert!([&one, &two, &three].iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    }
    // Revoked and expired keys open nothing, once they are no longer remembered.
    world.place.execute("UPDATE api_keys SET revoked_at = 1 WHERE role = 'member'").await;
    world.place.execute(&format!("UPDATE api_keys SET expires_at = {} WHERE role = 'viewer'", gateway.now().millis())).await;
    gateway.clock.advance(Duration::from_secs(1));
    for secret in [&two, &three] {
        assert_eq!(refusal(access::authenticate(&gateway.app, secret).await).code, ErrorCode::InvalidApiKey);
    }
}

pub async fn a_database_knows_its_master_key(kind: Kind) {
    let world = World::new(kind).await;
    let check = async |masters: &[u8]| {
        let mut app = world.gateway.app.clone();
        let masters: Vec<_> = masters.iter().map(|byte| SecretBox::new(Box::new([*byte; 32]))).collect();
        app.seal = Arc::new(Seal::new(&masters));
        world.gateway.write(CheckDeployment::new(&app)).await
    };
    let noted = || world.place.rows("SELECT mac FROM master_keys");
    let mut known = 0;
    // The keys of each start, the making one first, and how many the database knows then; `None`: refused.
    for (masters, then) in [
        (vec![1], Some(1)),
        (vec![1], Some(1)),
        (vec![2], None),
        (vec![2, 3], None),
        (vec![2, 1], Some(2)),
        (vec![2], Some(2)),
        (vec![3], None),
        (vec![3, 2], Some(3)),
        (vec![4], None),
    ] {
        match (check(&masters).await, then) {
            (Ok(()), Some(then)) => known = then,
            (Err(Failure::Fault(Fault::Corrupt(message))), None) => assert!(message.contains("master key"), "{message}"),
            (other, _) => panic!("{masters:?}: {other:?}"),
        }
        assert_eq!(noted().await.len(), known, "{masters:?}");
    }
    assert!(noted().await.iter().all(|row| row[0].len() == 64), "MACs, and nothing of the keys");
}

pub async fn a_database_knows_its_environment(kind: Kind) {
    let world = World::new(kind).await;
    let check = async |environment: Environment| {
        let mut app = world.gateway.app.clone();
        app.environment = environment;
        world.gateway.write(CheckDeployment::new(&app)).await
    };
    check(Environment::Mainnet).await.expect("the first one");
    check(Environment::Mainnet).await.expect("the same one");
    let before = world.place.everything().await;
    match check(Environment::Testnet).await {
        Err(Failure::Fault(Fault::Corrupt(message))) => {
            assert!(message.starts_with("this is the database of a mainnet server, and environment = \"testnet\""), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.place.everything().await, before);
}
